"""What came to the throttles, in pages of whole minutes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from access_log import BEGIN, line, lines

from gateway_policies.traffic.counting import Tally
from hub.store.database import Database
from hub.usage.arrivals import arrivals
from hub.usage.keeping import add

Tallied = Callable[..., Tally]
AT = int(BEGIN.timestamp())


@pytest.fixture
async def counted(store: Database, tallied: Tallied) -> Database:
    found = tallied(
        *(line(60 * n, client=client) for n in range(6) for client in ("mes-p01", "mes-p03")),
        lines(3, begin=61, every=0.2, refused="throttled"),
        line(2, refused="scope-missing"),
        line(3, client="stranger", refused="unknown-consumer"),
    )
    await store.write(lambda c: add(c, found))
    return store


async def test_seconds_that_have_calls(counted: Database) -> None:
    found = await counted.read(lambda c: arrivals(c, AT + 60, AT + 120))
    assert [(each.at - AT, each.consumer, each.api, each.seconds) for each in found.items] == [
        (60, "mes-p01", "production-orders", [(0, 1)]),
        (60, "mes-p03", "production-orders", [(0, 1), (1, 3)]),
    ]
    assert found.next is None


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 12, 100])
async def test_pages_have_everything_once(counted: Database, rows: int) -> None:
    told, begin = [], AT
    while True:
        page = await counted.read(lambda c, b=begin: arrivals(c, b, AT + 3_600, rows))  # type: ignore[misc]
        told += [(each.at - AT, each.consumer) for each in page.items]
        if page.next is None:
            break
        assert page.next > begin
        begin = page.next
    assert told == [(60 * n, client) for n in range(6) for client in ("mes-p01", "mes-p03")]


async def test_outside_there_is_nothing(counted: Database) -> None:
    assert (await counted.read(lambda c: arrivals(c, 0, AT))).items == []
