"""Colours for JSON and XML: names, strings, numbers. Three tones of the theme are enough to find one's way."""

from __future__ import annotations

import re

from rich.text import Text

_JSON_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_JSON_NAME = re.compile(r'("(?:[^"\\\n]|\\.)*")\s*:')
_JSON_LITERAL = re.compile(r"(?<![\w\"])(-?\d[\d.eE+-]*|true|false|null)(?![\w\"])")
_XML_TAG = re.compile(r"</?[\w:.-]+|/?>|<\?[^>]*\?>")
_XML_ATTRIBUTE = re.compile(r'\s[\w:.-]+=("[^"\n]*"|\'[^\'\n]*\')')
_XML_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def highlighted(text: str, language: str, tones: dict[str, str]) -> Text:
    """``text``, which is clean already, in the colours of ``language`` (json, xml; anything else stays plain)."""
    shown = Text(text, tones["foreground"])
    if language == "json":
        shown.highlight_regex(_JSON_LITERAL, tones["held"])
        shown.highlight_regex(_JSON_STRING, tones["done"])
        for match in _JSON_NAME.finditer(text):
            shown.stylize(tones["accent"], *match.span(1))
    elif language == "xml":
        shown.highlight_regex(_XML_TAG, tones["accent"])
        for match in _XML_ATTRIBUTE.finditer(text):
            shown.stylize(tones["done"], *match.span())
        shown.highlight_regex(_XML_COMMENT, tones["quiet"])
    return shown
