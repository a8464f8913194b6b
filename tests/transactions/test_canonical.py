"""Canonical JSON (RFC 8785): one value, one byte form."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from transactions.canonical import canonical, sha256_bytes, sha256_of
from transactions.model import Status

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
trees = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


class Pair(Struct):
    b: int
    a: Status


def test_names_are_sorted_and_nothing_is_between() -> None:
    assert canonical({"b": 1, "a": [True, None, "x"]}) == b'{"a":[true,null,"x"],"b":1}'


def test_structs_enums_and_times_are_written_as_the_api_writes_them() -> None:
    assert canonical(Pair(b=2, a=Status.IN_DOUBT)) == b'{"a":"in-doubt","b":2}'
    assert canonical(datetime(2026, 3, 2, 12, tzinfo=UTC)) == b'"2026-03-02T12:00:00Z"'


def test_numbers_and_names_follow_the_standard() -> None:
    # RFC 8785, 3.2.2.3 and 3.2.3: ECMAScript numbers; names sorted by UTF-16 code units
    assert (
        canonical([333333333.33333329, 1e30, 4.50, 2e-3, 1e-27, -0.0]) == b"[333333333.3333333,1e+30,4.5,0.002,1e-27,0]"
    )
    assert canonical({"\u20ac": 1, "\r": 2, "\U0001f600": 3, "\ufb33": 4, "1": 5}) == (
        '{"\\r":2,"1":5,"\u20ac":1,"\U0001f600":3,"\ufb33":4}'.encode()
    )


@given(trees)
def test_it_is_json_and_a_fixed_point(tree: Any) -> None:
    written = canonical(tree)
    assert json.loads(written) == tree
    assert canonical(json.loads(written)) == written


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(trees | anything)
def test_the_quick_way_and_the_standards_own_write_the_same(tree: Any) -> None:
    try:
        expected = rfc8785.dumps(tree)
    except ValueError as error:
        with pytest.raises(type(error)):
            canonical(tree)
    else:
        assert canonical(tree) == expected


@given(st.characters())
def test_every_character_is_written_as_the_standard_says(char: str) -> None:
    if not 0xD800 <= ord(char) <= 0xDFFF:
        assert canonical({"a": char}) == rfc8785.dumps({"a": char})


def test_every_control_character_too() -> None:
    text = "".join(map(chr, range(0x100)))
    assert canonical(text) == rfc8785.dumps(text)
    for char in text:
        assert canonical({char: 1}) == rfc8785.dumps({char: 1})


@given(st.dictionaries(texts, st.integers(0, 9), max_size=6))
def test_the_order_of_names_does_not_matter(tree: dict[str, int]) -> None:
    assert sha256_of(tree) == sha256_of(dict(reversed(tree.items())))


@given(trees, trees)
def test_different_values_differ(one: Any, other: Any) -> None:
    assert (canonical(one) == canonical(other)) == (
        json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    )


def test_a_number_that_json_cannot_carry_is_refused_not_rounded() -> None:
    with pytest.raises(ValueError, match=r"9007199254740993|safe|range|exceed"):
        canonical({"n": 2**53 + 1})


def test_hashes_are_hex_sha256() -> None:
    assert sha256_bytes(b"abc") == hashlib.sha256(b"abc").hexdigest()
    assert sha256_of("abc") == hashlib.sha256(b'"abc"').hexdigest()
