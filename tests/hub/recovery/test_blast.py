"""What a plan touches besides what it names: orders, lots, and what waits behind."""

from __future__ import annotations

from aiohttp import web

from hub.recovery.blast import radius_of
from transactions.model import Status
from transactions.people import EVERYTHING, Reach
from transactions.plans import Action


async def reject(_request: web.Request, _body: bytes) -> web.StreamResponse:
    return web.json_response({"error": {"code": "M7053", "message": "closed"}}, status=422)


async def radius(bench, plan, reach: Reach = EVERYTHING):
    return await bench.database.read(lambda c: radius_of(c, plan, bench.landscape.masks, reach))


async def test_orders_and_what_waits_behind_also_behind_what_waits(bench, target) -> None:
    target.deliver = reject
    first = await bench.send("consumption", event="e1", order="4711", material="M1")
    await bench.until(first, Status.FAILED)
    behind = await bench.send("consumption", event="e2", order="4711", material="M1")
    after = await bench.send("receipt", event="e3", order="4711")
    for tx in (behind, after):
        await bench.until(tx, Status.HELD)
    other = await bench.send("report", event="e4", order="4712")
    await bench.until(other, Status.FAILED)

    found = await radius(bench, await bench.plan(Action.REPLAY, first))
    assert (found.orders.count, found.orders.some) == (1, ["4711"])
    assert found.lots.count == 0
    assert set(found.behind.some) == {behind, after}

    found = await radius(bench, await bench.plan(Action.REPLAY, first, other))
    assert sorted(found.orders.some) == ["4711", "4712"]
    assert found.behind.count == 2


async def test_what_is_out_of_reach_is_not_counted(bench, target) -> None:
    target.deliver = reject
    first = await bench.send("consumption", event="e1", order="4711", material="M1")
    await bench.until(first, Status.FAILED)
    behind = await bench.send("consumption", event="e2", order="4711", material="M1")
    await bench.until(behind, Status.HELD)
    plan = await bench.plan(Action.REPLAY, first)
    assert (await radius(bench, plan, Reach(plants=frozenset({"P02"})))).behind.count == 0
    assert (await radius(bench, plan, Reach(flows=frozenset({"consumption"})))).behind.some == [behind]


async def test_of_many_the_first_are_named(bench, target) -> None:
    target.deliver = reject
    ids = [await bench.send("report", event=f"e{n}", order=f"o{n:02}") for n in range(25)]
    for tx in ids:
        await bench.until(tx, Status.FAILED)
    found = await radius(bench, await bench.plan(Action.DISCARD, *ids))
    assert (found.orders.count, len(found.orders.some)) == (25, 20)
