"""Holds that people place, and their release: in order, at a rate, and only what no other hold covers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from sqlalchemy import select

from hub.declarations import Catalogue, shipped_catalogue
from hub.recovery.holding import release_order
from hub.store.board import active_holds
from hub.store.database import open_database
from hub.store.rows import to_audit
from hub.store.schema import audit, events
from transactions.errors import NotFound
from transactions.model import Status
from transactions.people import EVERYTHING
from transactions.plans import Action


@pytest.fixture
async def ordered(tmp_path: Path, catalogue: Catalogue, target, bench) -> AsyncIterator[object]:
    """The workbench with the flows that go first after a release, and one delivery at a time."""
    quick = msgspec.structs.replace(bench.profile, concurrency=1)
    report = catalogue.flow["report"]
    names = ("quality-hold", "master-data")
    more = {name: msgspec.structs.replace(report, title=name) for name in names}
    landscape = type(bench.landscape)(msgspec.structs.replace(catalogue, flow={**catalogue.flow, **more}))
    landscape.use_addresses({"ERP": target.url, "EDI": target.url})
    folder = tmp_path / "second"
    folder.mkdir()
    database = open_database(folder)
    found = type(bench)(database, landscape, quick)
    await found.start()
    yield found
    await found.stop()
    database.close()


async def held(bench, flow: str, n: int, plant: str | None = None) -> str:
    tx = await bench.send(flow, plant, event=f"{flow}{n}", order=str(n))
    row = await bench.until(tx, Status.HELD)
    assert row.hold_kind == "people"
    return tx


async def test_after_a_release_quality_holds_go_first_then_master_data_then_the_rest(ordered, target) -> None:
    await ordered.act(Action.HOLD, target="ERP")
    flows = ["report", "consumption", "master-data", "quality-hold", "report", "master-data", "quality-hold"]
    ids = [await held(ordered, flow, n) for n, flow in enumerate(flows)]
    await ordered.act(Action.RELEASE, target="ERP")
    for tx in ids:
        await ordered.until(tx, Status.PROCESSED)
    sent = [key.split(":")[3] for key in target.keys_sent()]
    assert sent == [
        "quality-hold3",
        "quality-hold6",
        "master-data2",
        "master-data5",
        "report0",
        "consumption1",
        "report4",
    ]


async def test_the_rest_goes_by_what_it_requires_and_then_as_it_came(ordered, target) -> None:
    await ordered.act(Action.HOLD, target="ERP")
    flows = ["receipt", "receipt", "consumption", "report", "master-data", "receipt", "consumption"]
    ids = [await held(ordered, flow, n) for n, flow in enumerate(flows)]
    await ordered.act(Action.RELEASE, target="ERP")
    for tx in ids:
        await ordered.until(tx, Status.PROCESSED)
    sent = [key.split(":")[3] for key in target.keys_sent()]
    assert sent == ["master-data4", "consumption2", "report3", "consumption6", "receipt0", "receipt1", "receipt5"]


def test_every_flow_of_the_catalogue_goes_behind_all_that_it_requires() -> None:
    catalogue = shipped_catalogue()
    turns = release_order(catalogue)
    assert sorted(turns, key=turns.__getitem__)[:2] == ["quality-hold", "master-data"]
    for name, flow in catalogue.flow.items():
        assert all(turns[need.flow] < turns[name] for need in flow.requires), name
    assert turns["production-order-release"] < turns["material-consumption"] < turns["production-confirmation"]
    assert turns["production-confirmation"] < turns["goods-receipt"] < turns["shipment-release"]


def test_flows_that_require_each_other_have_a_turn_as_well(catalogue: Catalogue) -> None:
    receipt = catalogue.flow["receipt"]
    circle = {
        name: msgspec.structs.replace(receipt, requires=[msgspec.structs.replace(receipt.requires[0], flow=other)])
        for name, other in (("receipt", "consumption"), ("consumption", "receipt"))
    }
    turns = release_order(msgspec.structs.replace(catalogue, flow=circle))
    assert set(turns) == {"quality-hold", "master-data", "receipt", "consumption"}


async def test_a_drain_rate_spreads_the_release_and_keeps_the_order(bench, target) -> None:
    loop, moments = asyncio.get_running_loop(), []

    async def note(_request: web.Request, _body: bytes) -> web.StreamResponse:
        moments.append(loop.time())
        return web.json_response({"status": "applied"}, status=201)

    target.deliver = note
    await bench.act(Action.HOLD, target="ERP")
    ids = [await held(bench, "report", n) for n in range(6)]
    began = loop.time()  # not when the first arrived, which may have been held up on the way
    await bench.act(Action.RELEASE, target="ERP", drain_rate=20.0)
    for tx in ids:
        await bench.until(tx, Status.PROCESSED)
    assert [key.split(":")[3] for key in target.keys_sent()] == [f"report{n}" for n in range(6)]
    assert moments[-1] - began >= 5 / 20 - 0.01


async def test_a_hold_placed_during_a_drain_stops_what_has_not_left(bench, target) -> None:
    await bench.act(Action.HOLD, target="ERP")
    ids = [await held(bench, "report", n) for n in range(3)]
    await bench.act(Action.RELEASE, target="ERP", drain_rate=0.01)
    await bench.until(ids[0], Status.PROCESSED)
    await bench.act(Action.HOLD, target="ERP", reason="again")
    await bench.database.write(lambda c: c.exec_driver_sql("update transactions set due_next = 1 where due_next > 1"))
    bench.engine._wake.set()
    for tx in ids[1:]:
        assert "again" in (await bench.until(tx, Status.HELD)).waiting_on
    assert len(target.received) == 1


async def test_what_another_hold_covers_stays_and_names_that_one(bench, target) -> None:
    await bench.act(Action.HOLD, target="ERP", reason="inventory count")
    await bench.act(Action.HOLD, flow="consumption", reason="unit is wrong")
    report, consumption = await held(bench, "report", 1), await held(bench, "consumption", 2)
    assert "inventory count" in (await bench.row(consumption)).waiting_on
    await bench.act(Action.RELEASE, target="ERP")
    await bench.until(report, Status.PROCESSED)
    row = await bench.row(consumption)
    assert row.status == Status.HELD
    assert "unit is wrong" in row.waiting_on
    await bench.act(Action.RELEASE, flow="consumption")
    await bench.until(consumption, Status.PROCESSED)


async def test_a_hold_of_a_plant_holds_no_other_plant(bench, target) -> None:
    await bench.act(Action.HOLD, plant="P02")
    other = await bench.send("report", "P01", event="a")
    await bench.until(other, Status.PROCESSED)
    await held(bench, "report", 2, "P02")


async def test_a_release_names_exactly_the_place_of_its_hold(bench) -> None:
    await bench.act(Action.HOLD, target="ERP", plant="P01")
    for place in ({"target": "ERP"}, {"plant": "P01"}, {"target": "ERP", "plant": "P02"}):
        with pytest.raises(NotFound, match="Nothing is held there"):
            await bench.plan(Action.RELEASE, **place)
    plan = await bench.plan(Action.RELEASE, target="ERP", plant="P01")
    await bench.finished((await bench.run(plan)).id)
    assert await bench.database.read(lambda c: active_holds(c, EVERYTHING)) == []


async def test_two_holds_of_one_place_are_released_together(bench, target) -> None:
    await bench.act(Action.HOLD, target="ERP", reason="one")
    await bench.act(Action.HOLD, target="ERP", reason="two")
    tx = await held(bench, "report", 1)
    holds = await bench.database.read(lambda c: active_holds(c, EVERYTHING))
    assert [(hold.reason, hold.placed_by, hold.held) for hold in holds] == [("one", "ann", 1), ("two", "ann", 1)]
    await bench.act(Action.RELEASE, target="ERP")
    await bench.until(tx, Status.PROCESSED)


async def test_holds_outlast_a_restart(bench, target) -> None:
    await bench.act(Action.HOLD, target="ERP")
    tx = await held(bench, "report", 1)
    await bench.stop()
    bench.make()
    await bench.start()
    later = await held(bench, "report", 2)
    assert target.received == []
    await bench.act(Action.RELEASE, target="ERP")
    for one in (tx, later):
        await bench.until(one, Status.PROCESSED)


async def test_a_replay_into_a_hold_waits_claimed_and_goes_with_the_release(bench, target) -> None:
    async def rejected(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response({"error": {"code": "M7053", "message": "closed"}}, status=422)

    applied, target.deliver = target.deliver, rejected
    tx = await bench.send("report", event="e1")
    await bench.until(tx, Status.FAILED)
    target.deliver = applied
    await bench.act(Action.HOLD, target="ERP")
    batch = await bench.run(await bench.plan(Action.REPLAY, tx))
    row = await bench.until(tx, Status.HELD)
    assert row.claimed_by == batch.id
    await bench.act(Action.RELEASE, target="ERP")
    assert (await bench.finished(batch.id)).counts["processed"] == 1


async def test_placing_and_releasing_are_audited_and_told(bench) -> None:
    await bench.act(Action.HOLD, target="ERP", reason="inventory count")
    await bench.act(Action.RELEASE, target="ERP", reason="counted")
    entries = [to_audit(row) for row in await bench.database.read(lambda c: c.execute(select(audit)).all())]
    told = [(entry.action, entry.actor) for entry in entries if entry.action.startswith("hold.")]
    assert told == [("hold.placed", "ann"), ("hold.released", "ann")]
    placed = next(entry for entry in entries if entry.action == "hold.placed")
    assert placed.after == {"target": "ERP", "plant": None, "flow": None}
    seen = await bench.database.read(lambda c: c.execute(select(events.c.data).where(events.c.type == "hold")).all())
    assert [msgspec.json.decode(row.data)["placed"] for row in seen] == [True, False]
