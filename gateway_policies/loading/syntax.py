"""Text to tables, or the one thing that is wrong with it."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from gateway_policies.findings import Finding
from gateway_policies.model import Severity
from gateway_policies.places import Place

LARGEST_FILE = 4 * 1024 * 1024
"""In bytes. A file of policies has some kilobytes; what is larger was put there by mistake."""

_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
# A table, as Python's parser tells of it: ('scope', 'orders.read').
_TABLE = re.compile(r"\('[^']*',?(?: '[^']*',?)*\)")
_PART = re.compile(r"'([^']*)'")

_HINTS: tuple[tuple[str, str], ...] = (
    ("Expected newline or end of document", "Write one key to a line; TOML has no semicolons."),
    ("Cannot overwrite a value", "The key is there twice; leave one out."),
    (
        "Cannot declare",
        "The table is there twice. Put its keys together, or begin each of a list with [[two brackets]].",
    ),
    (
        "Invalid value",
        "Texts stand in quotes; dates are written 2027-01-31, times 2027-02-01T06:00:00Z, yes and no true and false.",
    ),
    ("Unescaped", r"Write \\ for a backslash, or put the text into 'single quotes'."),
    ("Illegal character", "A text ends on its line; longer ones stand in three quotes."),
    ("Expected '='", "A key is letters, digits, - and _; any other stands in quotes."),
    ("Invalid initial character for a key part", "A key is letters, digits, - and _; any other stands in quotes."),
)


def parse(content: bytes, file: str) -> dict[str, Any] | Finding:
    """The tables of a file; or a finding of the first thing that is wrong, since TOML cannot be read past that."""
    if content.startswith(b"\xef\xbb\xbf"):
        return _wrong(
            "syntax", "The file begins with a byte order mark.", Place(file, 1, 1), "Save it as UTF-8 without one."
        )
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start].decode()
        return _wrong(
            "not-utf8",
            f"The file is not UTF-8: the byte 0x{content[error.start]:02x} begins no character.",
            _at(before, len(before), file),
            "Save it as UTF-8.",
        )
    try:
        return tomllib.loads(text)
    except RecursionError:
        return _wrong("syntax", "Lists or tables are nested too deeply to be read.", Place(file, 1, 1), "")
    except ValueError as error:
        # TOMLDecodeError is one; so is what Python says to a number of thousands of digits.
        return _of(str(error), text, file)


def _of(message: str, text: str, file: str) -> Finding:
    found = _AT.search(message)
    if found is None:
        return _wrong(
            "syntax",
            "There is a value that cannot be read, most likely a number that is far too long.",
            Place(file, 1, 1),
            "",
        )
    said = _TABLE.sub(lambda table: f"[{'.'.join(_PART.findall(table[0]))}]", message[: found.start()])
    place = _at(text, len(text), file) if found[1] is None else Place(file, int(found[1]), int(found[2]))
    advice = next((hint for start, hint in _HINTS if said.startswith(start)), "")
    return _wrong(
        "syntax",
        f"This is not TOML: {said[:1].lower()}{said[1:]}{'' if found[1] else ', at the end of the file'}.",
        place,
        advice,
    )


def _at(text: str, offset: int, file: str) -> Place:
    return Place(file, text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1)


def _wrong(rule: str, message: str, place: Place, advice: str) -> Finding:
    return Finding(rule=rule, severity=Severity.ERROR, message=message, address=None, place=place, help=advice)
