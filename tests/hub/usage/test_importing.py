"""Pieces of other gateways' logs: each counts once, in its order, and only where it makes sense."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from access_log import BEGIN, NOW
from sqlalchemy import select

from gateway_policies.traffic.outcomes import Outcome
from gateway_policies.traffic.report import ImportedCalls, ImportedCount, ImportedKind, MinuteOfCalls
from hub.store.database import Database
from hub.store.schema import audit
from hub.store.usage_schema import usage_arrivals, usage_coverage
from hub.usage.importing import imports, take
from transactions.errors import Invalid, Stale

Total = Callable[..., int]
AT = int(BEGIN.timestamp())
FIRST, SECOND = "a" * 64, "b" * 64
KIND = ImportedKind("mes-p03", "", "orders", "v1", "GET /{order}", "orders.read", Outcome.OK)


def piece(sha256: str = FIRST, after: str | None = None, **more: Any) -> ImportedCalls:
    told: dict[str, Any] = {
        "size": 100, "name": "access.log", "lines": 5, "unreadable": 1, "kinds": [KIND],
        "counts": [ImportedCount(AT, 0, 5, AT + 30.5)],
        "arrivals": [MinuteOfCalls(at=AT, consumer="mes-p03", api="orders", seconds=[(0, 4), (30, 1)])],
    }  # fmt: skip
    return ImportedCalls(sha256=sha256, after=after, **{**told, **more})


async def test_a_piece_counts_once(store: Database, total: Total) -> None:
    for _ in range(3):
        found = await store.write(lambda c: take(c, piece(), "grete", NOW))
        assert (found.lines, found.by, found.at) == (5, "grete", NOW)
    assert total() == 5
    assert [each.sha256 for each in await store.read(imports)] == [FIRST]
    actions = await store.read(lambda c: c.execute(select(audit.c.action)).scalars().all())
    assert actions == ["gateway.usage-imported"]


async def test_the_next_piece_goes_on(store: Database, total: Total) -> None:
    await store.write(lambda c: take(c, piece(), "grete", NOW))
    await store.write(lambda c: take(c, piece(SECOND, FIRST, size=200), "grete", NOW))
    assert total() == 10
    assert len(await store.read(lambda c: c.execute(select(usage_arrivals)).all())) == 1
    spans = await store.read(lambda c: c.execute(select(usage_coverage)).all())
    assert spans == [("orders", AT, AT + 30)]


async def test_a_piece_whose_beginning_was_not_counted_is_refused(store: Database, total: Total) -> None:
    with pytest.raises(Stale, match="Begin with the first"):
        await store.write(lambda c: take(c, piece(SECOND, FIRST), "grete", NOW))
    assert total() == 0


@pytest.mark.parametrize(
    "more",
    [
        {"counts": [ImportedCount(AT, 1, 5, AT)]},
        {"counts": [ImportedCount(AT, -1, 5, AT)]},
        {"counts": [ImportedCount(AT + 1, 0, 5, AT + 1)]},
        {"counts": [ImportedCount(AT, 0, 5, AT + 61)]},
        {"counts": [ImportedCount(0, 0, 5, 1)]},
        {"counts": [ImportedCount(AT + 60 * 60 * 24 * 30, 0, 5, AT + 60 * 60 * 24 * 30)]},
        {"arrivals": [MinuteOfCalls(at=AT, consumer="a", api="b", seconds=[(60, 1)])]},
        {"arrivals": [MinuteOfCalls(at=AT, consumer="a", api="b", seconds=[(1, 0)])]},
        {"arrivals": [MinuteOfCalls(at=AT + 7, consumer="a", api="b", seconds=[(1, 1)])]},
    ],
)
async def test_what_makes_no_sense_is_refused_whole(store: Database, total: Total, more: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="Nothing was counted"):
        await store.write(lambda c: take(c, piece(**more), "grete", NOW))
    assert total() == 0
    assert await store.read(imports) == []


def test_pieces_are_read_strictly() -> None:
    good = msgspec.json.encode(piece())
    assert msgspec.json.decode(good, type=ImportedCalls) == piece()
    for bad in (
        good.replace(FIRST.encode(), b"short"),
        good.replace(b'"ok"', b'"fine"'),
        good.replace(b'"size":100', b'"size":0'),
    ):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(bad, type=ImportedCalls)
