"""Payload bytes as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.charset import text_of


@pytest.mark.parametrize(
    ("content", "content_type", "text"),
    [
        ("Prüfung".encode(), "application/json", "Prüfung"),
        ("Prüfung".encode("latin-1"), "text/plain; charset=ISO-8859-1", "Prüfung"),
        ("Prüfung".encode("latin-1"), 'text/plain; Charset="iso-8859-1"', "Prüfung"),
        ('<?xml version="1.0" encoding="ISO-8859-1"?><a>ü</a>'.encode("latin-1"), "application/xml", None),
        ("\ufeff{}".encode(), "application/json", "{}"),
        ("{}".encode("utf-16"), "application/json", "{}"),
        (b"\xff\xfe\xff", "application/octet-stream", None),
        (b"abc", "text/plain; charset=no-such", "abc"),
    ],
)
def test_by_mark_then_type_then_declaration_then_utf8(content: bytes, content_type: str, text: str | None) -> None:
    found = text_of(content, content_type)
    if b"<?xml" in content:
        assert found is not None
        assert found.endswith("<a>ü</a>")
    else:
        assert found == text


@given(
    st.binary(max_size=40),
    st.sampled_from(["idna", "undefined", "punycode", "zlib", "rot13", "utf-7", "hex", "utf-16", "ascii", "utf-32"]),
)
def test_no_charset_that_somebody_names_breaks_it(content: bytes, charset: str) -> None:
    found = text_of(content, f"text/plain; charset={charset}")
    assert found is None or isinstance(found, str)
