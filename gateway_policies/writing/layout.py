"""One layout for every policy file: what it says, the order of it, and every comment stay as they are.

Lines end with a line feed and not with blanks; there is one blank line before a table and never two anywhere; keys
begin their line; one blank stands on both sides of ``=`` and after a comma; further lines are indented by four.
"""

from __future__ import annotations

import re
import tomllib
from typing import NamedTuple

_TOKEN = re.compile(
    r'''(?P<string>"""(?:[^"\\]|\\[\s\S]|"{1,2}(?!"))*"{3,5}|\'\'\'(?:[^']|'{1,2}(?!'))*'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')'''
    r"""|(?P<comment>\#[^\n]*)|(?P<newline>\n)|(?P<space>[ \t]+)|(?P<mark>[\[\]{},=.])|(?P<word>[^\s\[\]{},=."'\#]+)"""
)
_INDENT = "    "


class _Token(NamedTuple):
    kind: str
    text: str


class _Line(NamedTuple):
    """What stands between two ends of lines that are none of a text's.

    Attributes:
        depth: in how many brackets it begins.
        tokens: without the blanks.
        gap: the blanks before its comment.
    """

    depth: int
    tokens: list[_Token]
    gap: str


def laid_out(text: str) -> str:
    """A policy file in the one layout; laying it out again changes nothing.

    Args:
        text: TOML.

    Raises:
        ValueError: it is not TOML.
    """
    before = tomllib.loads(text)
    blocks = [_written(line) for line in _lines(text.replace("\r\n", "\n"))]
    after = "\n".join(_spaced(blocks))
    after = f"{after}\n" if after else ""
    # The parser has the last word: a layout that said anything else would be worse than none.
    return after if tomllib.loads(after) == before else text


def _lines(text: str) -> list[_Line]:
    lines: list[_Line] = []
    depth, start, tokens, gap = 0, 0, list[_Token](), ""
    for found in _TOKEN.finditer(text):
        kind = str(found.lastgroup)
        if kind == "newline":
            lines.append(_Line(start, tokens, gap))
            start, tokens, gap = depth, [], ""
        elif kind == "space":
            gap = found[0]
        else:
            tokens.append(_Token(kind, found[0].rstrip() if kind == "comment" else found[0]))
            header = depth == 0 and tokens[0].text == "[" and not any(each.text == "=" for each in tokens)
            if kind == "mark" and not header:
                depth += (found[0] in "[{") - (found[0] in "]}")
            if kind != "comment":
                gap = ""
    return [*lines, _Line(start, tokens, gap)]


def _written(line: _Line) -> str:
    if not line.tokens:
        return ""
    closing = line.tokens[0].text in ("]", "}")
    text = _INDENT * (line.depth - closing)
    header = line.depth == 0 and line.tokens[0].text == "["
    before = _Token("", "")
    in_value = line.depth > 0
    for token in line.tokens:
        if token.kind == "comment":
            text += (line.gap if len(line.gap) > 1 and "\t" not in line.gap else "  ") if before.text else ""
        elif before.text and not header and _apart(before, token, in_value=in_value):
            text += " "
        text += token.text
        in_value = in_value or token.text == "="
        before = token
    return text


def _apart(before: _Token, token: _Token, *, in_value: bool) -> bool:
    """Whether a blank stands between two tokens."""
    if "=" in (before.text, token.text) or before.text == ",":
        return True
    if before.text == "{" or token.text == "}":
        return not (before.text == "{" and token.text == "}")
    if token.text in (",", "]", ".") or before.text in ("[", "."):
        return False
    # A date and its time may stand apart.
    return in_value and before.kind == token.kind == "word"


def _spaced(lines: list[str]) -> list[str]:
    """Lines with one blank line before a table and the comments on top of it, and none where there are two."""
    found: list[str] = []
    for line in lines:
        if not line and (not found or not found[-1]):
            continue
        if line.startswith("["):
            top = len(found)
            while top and found[top - 1].startswith("#"):
                top -= 1
            if top and found[top - 1]:
                found.insert(top, "")
        found.append(line)
    while found and not found[-1]:
        found.pop()
    return found
