"""A payload as a person reads it: controls made visible, and indented where that changes nothing but white space."""

from __future__ import annotations

import re

import msgspec

from console.text import clean
from transactions.history import Payload
from transactions.untrusted import lay_out

SHOWN_CHARACTERS = 200_000
_BETWEEN_TAGS = re.compile(r">\s*<")


def language(payload: Payload) -> str:
    """Name of the highlighting: json, xml or text."""
    kind = payload.content_type.partition(";")[0].strip().lower()
    if kind.endswith(("/json", "+json")):
        return "json"
    if kind.endswith(("/xml", "+xml")):
        return "xml"
    return "text"


def raw(payload: Payload) -> str:
    """As it came, without what a terminal might obey."""
    return _cut(clean(payload.content.replace("\r\n", "\n")))


def pretty(payload: Payload) -> str:
    """Indented; as it came where it is not what its content type says, or is indented already."""
    if payload.encoding != "text" or len(payload.content) > SHOWN_CHARACTERS:
        return raw(payload)
    kind = language(payload)
    if kind == "json":
        try:
            return clean(lay_out(payload.content))
        except msgspec.DecodeError:
            return raw(payload)
    if kind == "xml" and payload.content.count("\n") < 3:
        return clean(_indented(payload.content))
    return raw(payload)


def _indented(xml: str) -> str:
    depth, lines = 0, []
    for piece in _BETWEEN_TAGS.sub(">\n<", xml.strip()).split("\n"):
        closing = piece.startswith("</")
        depth = max(0, depth - closing)
        lines.append("  " * depth + piece)
        opens = piece.startswith("<") and not piece.startswith(("</", "<?", "<!"))
        if opens and not piece.endswith("/>") and "</" not in piece:
            depth += 1
    return "\n".join(lines)


def _cut(text: str) -> str:
    if len(text) <= SHOWN_CHARACTERS:
        return text
    left = len(text) - SHOWN_CHARACTERS
    return f"{text[:SHOWN_CHARACTERS]}\n… {left} more characters; andon tx payload ID --raw has all"
