"""Cursors: opaque, of one list and order, and never an error that the caller did not ask for."""

from __future__ import annotations

import base64
import string

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.errors import BadCursor
from transactions.pages import Cursor, Page, decode_cursor, encode_cursor

URL_SAFE = set(string.ascii_letters + string.digits + "-_")
values = (
    st.none()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(order=words, value=values, row=words)
def test_a_cursor_goes_round(order: str, value: int | float | str | None, row: str) -> None:
    text = encode_cursor(Cursor(order, value, row))
    assert set(text) <= URL_SAFE  # base64url, without padding
    assert decode_cursor(text, order) == Cursor(order, value, row)


@given(st.text(max_size=60))
def test_any_text_is_a_cursor_or_a_bad_one(text: str) -> None:
    try:
        decode_cursor(text, "transactions:-created_at")
    except BadCursor as error:
        assert error.status == 400  # noqa: PT017


@pytest.mark.parametrize(
    "text",
    [
        "",
        "!",
        "a",
        "not base64 at all",
        "ünïcode",
        base64.urlsafe_b64encode(b"[]").decode(),
        base64.urlsafe_b64encode(b'{"order":"x"}').decode(),
        base64.urlsafe_b64encode(b'["transactions:id",[1],"x"]').decode(),
        base64.urlsafe_b64encode(b'["transactions:id",1,7]').decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
)
def test_what_this_platform_did_not_make_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(BadCursor, match="Start again without a cursor"):
        decode_cursor(text, "transactions:id")


def test_a_number_that_no_database_holds_is_refused() -> None:
    text = base64.urlsafe_b64encode(b'["transactions:id",99999999999999999999,"x"]').rstrip(b"=").decode()
    with pytest.raises(BadCursor):
        decode_cursor(text, "transactions:id")


@pytest.mark.parametrize("other", ["transactions:created_at", "transactions:-failed_at", "plans:-created_at"])
def test_a_cursor_of_another_list_or_order_is_refused_and_both_are_named(other: str) -> None:
    text = encode_cursor(Cursor("transactions:-created_at", 17, "01J"))
    with pytest.raises(BadCursor) as refused:
        decode_cursor(text, other)
    assert "transactions:-created_at" in refused.value.detail
    assert other in refused.value.detail


def test_the_last_page_says_so_in_json() -> None:
    assert msgspec.json.encode(Page(items=[1, 2])) == b'{"items":[1,2],"next_cursor":null}'
    again = msgspec.json.decode(b'{"items":["a"],"next_cursor":"x"}', type=Page[str])
    assert (again.items, again.next_cursor) == (["a"], "x")
