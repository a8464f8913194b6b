"""Cursor pages: stable while rows are added, opaque to the caller."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta, Struct

from transactions.errors import BadCursor
from transactions.untrusted import parse_json

T = TypeVar("T")
# What a database column holds; a larger number was never in a cursor of ours.
_Integer = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class Page(Struct, Generic[T], frozen=True, kw_only=True):
    """One page of a list; ``next_cursor`` is null on the last one."""

    items: list[T]
    next_cursor: str | None = None


class Count(Struct, frozen=True, kw_only=True):
    """How many transactions match.

    Attributes:
        exact: false where counting took longer than an answer may; there are ``count`` at least.
        search_behind: transactions in which words are looked for one by one, since the search's index does not have
            them yet. The answer is right all the same, and takes longer; 0 where the filter has no words.
    """

    count: int
    exact: bool = True
    search_behind: int = 0


class Cursor(Struct, array_like=True, frozen=True):
    """The last row of a page: which list and order it belongs to, its sort value and its id."""

    order: str
    value: _Integer | float | str | None
    id: str


def encode_cursor(cursor: Cursor) -> str:
    """Cursor as base64url without padding."""
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).rstrip(b"=").decode()


def decode_cursor(text: str, order: str) -> Cursor:
    """Read a cursor made by :func:`encode_cursor`.

    Args:
        text: what the caller sent.
        order: the list and order the caller asks for now; the cursor must be of the same.

    Raises:
        BadCursor: not a cursor, or one of another list or order.
    """
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        cursor = parse_json(raw, Cursor)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise BadCursor(
            "The cursor is not one this platform made. Start again without a cursor, and pass next_cursor on as it is."
        ) from error
    if cursor.order != order:
        raise BadCursor(
            f"The cursor belongs to a list ordered by {cursor.order!r}, and this one is ordered by {order!r}. "
            "Keep filter and sort the same while paging, or start again without a cursor."
        )
    return cursor
