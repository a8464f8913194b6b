"""Postings that have the same business keys as a document: some of them somebody may have made by hand."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from hub.delivery.answers import Answer

_NAMED = 3


class Similar(Struct, frozen=True, kw_only=True):
    """A posting with the same business keys, as the target words it; ``key`` is None where somebody posted by hand."""

    document: str | None = None
    key: str | None = None
    reversal: str | None = None
    status: str | None = None


class _Items(Struct, frozen=True):
    items: list[Similar]


def read_similar(answer: Answer) -> list[Similar] | None:
    """The postings that a search found; None where its answer cannot be read."""
    try:
        return msgspec.json.decode(answer.body, type=_Items).items
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def by_hand(found: Iterable[Similar]) -> list[Similar]:
    """Those that stand and have no key."""
    return [one for one in found if one.key is None and one.reversal is None]


def maybe_posted(label: str, found: list[Similar]) -> str:
    """What people read of postings that may be the document's own."""
    named = ", ".join(one.document or "one without a number" for one in found[:_NAMED])
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return (
        f"{label} has a posting of the same values without a key ({named}{more}): somebody may have made it by hand. "
        "Resolve it as applied if that is so"
    )
