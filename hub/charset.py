"""Payload bytes as text, in the charset they say they are in."""

from __future__ import annotations

import codecs
import re

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}encoding=["']([A-Za-z0-9._-]{1,40})["']""")
_PARAMETER = re.compile(r"""charset="?([A-Za-z0-9._-]{1,40})""", re.IGNORECASE)


def text_of(content: bytes, content_type: str) -> str | None:
    """The content as text: by byte order mark, else the content type's charset, else the XML declaration, else UTF-8.

    Returns:
        None when it is no text in that charset; show it as bytes then.
    """
    for name in _candidates(content, content_type):
        try:
            return content.decode(name)
        except (LookupError, UnicodeError):  # some codecs (idna, undefined) raise the wider one
            continue
    return None


def _candidates(content: bytes, content_type: str) -> list[str]:
    found = [charset for mark, charset in _BOMS if content.startswith(mark)]
    said = _PARAMETER.search(content_type)
    if said:
        found.append(said[1])
    declared = _DECLARED.match(content[:400])
    if declared:
        found.append(declared[1].decode())
    return [*found, "utf-8"]
