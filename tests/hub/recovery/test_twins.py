"""Twins: the same event twice, under two keys. One of them may be reversed; the eldest stays."""

from __future__ import annotations

from typing import Any

import pytest

from hub.recovery.twins import last_of_its_event
from hub.store.schema import transactions
from transactions.model import Status


@pytest.fixture
def post(bench: Any) -> Any:
    """Posts an event under a key of its own."""

    async def send(key: str, event: str = "e1", flow: str = "consumption", plant: str | None = None) -> Any:
        tx = await bench.send(flow, plant, {"idempotency-key": key}, event=event, order="1", material="M")
        return await bench.until(tx, Status.PROCESSED)

    return send


@pytest.fixture
def left(bench: Any) -> Any:
    """The twin that goes too, where a transaction is what has to stay."""

    async def ask(row: Any, *planned: Any) -> str | None:
        flow, ids = bench.landscape.flow(row.flow), {one.id for one in planned}
        return await bench.database.read(lambda c: last_of_its_event(c, row, flow, ids))

    return ask


async def be(bench: Any, row: Any, status: Status) -> None:
    await bench.database.write(
        lambda c: c.execute(transactions.update().where(transactions.c.id == row.id).values(status=status))
    )


async def test_the_later_may_go_and_the_eldest_stays_when_both_are_planned(post, left) -> None:
    first, later = await post("k1"), await post("k2")
    assert await left(later, first, later) is None
    assert await left(first, first, later) == later.id


async def test_either_may_go_alone(post, left) -> None:
    first, later = await post("k1"), await post("k2")
    assert await left(first, first) is None
    assert await left(later, later) is None


@pytest.mark.parametrize("gone", [Status.COMPENSATED, Status.COMPENSATING])
async def test_what_is_left_of_an_event_stays_whichever_it_is(bench, post, left, gone) -> None:
    first, later = await post("k1"), await post("k2")
    await be(bench, first, gone)
    assert await left(later, later) == first.id
    await be(bench, first, Status.PROCESSED)
    await be(bench, later, gone)
    assert await left(first, first) == later.id


async def test_of_three_one_stays(post, left) -> None:
    first, second, third = await post("k1"), await post("k2"), await post("k3")
    assert await left(third, first, second, third) is None
    assert await left(second, first, second, third) is None
    assert await left(first, first, second, third) == second.id
    assert await left(third, second, third) is None


async def test_another_event_another_flow_and_one_that_was_never_posted_are_no_twins(bench, post, left) -> None:
    row = await post("k1")
    others = [await post("k2", event="e2"), await post("k3", flow="report"), await post("k4")]
    await be(bench, others[-1], Status.DISCARDED)
    assert await left(row, row, *others) is None
