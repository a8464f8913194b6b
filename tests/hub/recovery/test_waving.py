"""Runs in waves, paused, resumed, stopped: each durable, and none of them losing or doubling anything."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from hub.recovery import batches
from transactions.batches import BatchState
from transactions.errors import NotFound, Refused
from transactions.model import Status
from transactions.people import EVERYTHING, Reach
from transactions.plans import Action


def says(status: int, body: object = None):
    async def answer(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response(body, status=status)

    return answer


REJECTED = says(422, {"error": {"code": "M7053", "message": "closed"}})
APPLIED = says(201, {"status": "applied", "document": "1"})


async def failed(bench, target, count: int, flow: str = "report", **more: str) -> list[str]:
    target.deliver = REJECTED
    ids = [await bench.send(flow, event=f"e{n}", order=f"o{n}", **more) for n in range(count)]
    for tx in ids:
        await bench.until(tx, Status.FAILED)
    target.deliver = APPLIED
    target.received.clear()
    return ids


async def test_the_next_wave_waits_for_processed(bench, target) -> None:
    ids = await failed(bench, target, 14)
    gate = asyncio.Event()
    seen: list[int] = []

    async def hesitate(_request: web.Request, _body: bytes) -> web.StreamResponse:
        seen.append(len(seen))
        if len(seen) == 1:
            await asyncio.sleep(0.05)  # time in which a second could leave
            assert len(seen) == 1
        elif len(seen) <= 11:
            gate.set() if len(seen) == 11 else None
            await gate.wait()
            assert len(seen) == 11
        return web.json_response({"status": "applied"}, status=201)

    target.deliver = hesitate
    batch = await bench.act(Action.REPLAY, *ids, concurrency=14)
    assert (batch.state, batch.counts["processed"], batch.waves, batch.wave) == (BatchState.DONE, 14, 3, None)


async def test_a_failed_canary_keeps_the_rest_from_leaving(bench, target) -> None:
    ids = await failed(bench, target, 6)
    target.deliver = REJECTED
    batch = await bench.act(Action.REPLAY, *ids)
    assert batch.state is BatchState.STOPPED
    assert "first wave" in (batch.because or "")
    assert (batch.counts["failed"], batch.counts["cancelled"]) == (1, 5)
    assert len(target.received) == 1
    for tx in ids:
        row = await bench.row(tx)
        assert (row.status, row.claimed_by) == (Status.FAILED, None)


async def test_the_same_failure_stops_a_run_by_itself(bench, target) -> None:
    ids = await failed(bench, target, 12)
    first = target.deliver

    async def once(request: web.Request, body: bytes) -> web.StreamResponse:
        target.deliver = REJECTED
        return await first(request, body)

    target.deliver = once
    batch = await bench.act(Action.REPLAY, *ids, concurrency=1)
    assert batch.state is BatchState.STOPPED
    assert (batch.counts["processed"], batch.counts["failed"], batch.counts["cancelled"]) == (1, 3, 8)


async def test_discarding_has_one_wave(bench, target) -> None:
    ids = await failed(bench, target, 15)
    batch = await bench.act(Action.DISCARD, *ids)
    assert (batch.waves, batch.counts["processed"]) == (1, 15)


async def test_what_an_open_wave_waits_for_is_taken_into_it(bench, target) -> None:
    """A receipt requires the consumption of its order. Where that comes in a later wave both would wait for ever."""
    receipt = await bench.send("receipt", event="r", order="o")
    target.deliver = REJECTED
    consumption = await bench.send("consumption", event="c", order="o", material="M")
    await bench.until(consumption, Status.FAILED)
    other = (await failed(bench, target, 1))[0]
    row = await bench.row(receipt)
    ids = [other, receipt, consumption] if row.status == Status.FAILED else [other, consumption]
    batch = await bench.act(Action.REPLAY, *ids)
    assert batch.state is BatchState.DONE
    assert batch.counts["processed"] == len(ids)


async def test_a_paused_batch_takes_nothing_up_until_it_goes_on(bench, target) -> None:
    ids = await failed(bench, target, 8)
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def wait(_request: web.Request, _body: bytes) -> web.StreamResponse:
        arrived.set()
        await go_on.wait()
        return web.json_response({"status": "applied"}, status=201)

    target.deliver = wait
    target.patience = None
    batch = await bench.run(await bench.plan(Action.REPLAY, *ids, concurrency=1))
    await arrived.wait()
    now = bench.clock.now()
    paused = await bench.database.write(lambda c: batches.pause(c, batch.id, "bob", now, EVERYTHING))
    assert (paused.state, paused.because, paused.wave) == (BatchState.PAUSED, "paused by bob", 1)
    go_on.set()
    await bench.until(ids[0], Status.PROCESSED)
    await bench.soon("the run rests", lambda: batch.id not in bench.runner._tasks)
    assert len(target.received) == 1

    with pytest.raises(Refused, match="is paused, and only a running one"):
        await bench.database.write(lambda c: batches.pause(c, batch.id, "bob", now, EVERYTHING))
    resumed = await bench.database.write(lambda c: batches.resume(c, batch.id, "bob", now, EVERYTHING))
    assert (resumed.state, resumed.because) == (BatchState.RUNNING, None)
    bench.runner.follow(batch.id)
    done = await bench.finished(batch.id)
    assert (done.state, done.counts["processed"]) == (BatchState.DONE, 8)
    assert len(target.received) == 8


async def test_resumed_in_the_moment_it_comes_to_rest(bench, target) -> None:
    """Resume again and again right after pausing: the run is always taken up."""
    ids = await failed(bench, target, 6)
    batch = await bench.run(await bench.plan(Action.REPLAY, *ids, concurrency=1))
    now = bench.clock.now()
    for _ in range(20):
        try:
            await bench.database.write(lambda c: batches.pause(c, batch.id, "bob", now, EVERYTHING))
            await asyncio.sleep(0)
            await bench.database.write(lambda c: batches.resume(c, batch.id, "bob", now, EVERYTHING))
        except Refused:
            break  # it was done before
        bench.runner.follow(batch.id)
    done = await bench.finished(batch.id)
    assert done.counts["processed"] == 6
    assert len(target.received) == 6


async def test_one_stop_for_everything(bench, target) -> None:
    await bench.act(Action.HOLD, target="ERP")
    target.deliver = REJECTED
    await bench.act(Action.RELEASE, target="ERP")
    ids = await failed(bench, target, 4)
    await bench.act(Action.HOLD, target="ERP")
    running = await bench.run(await bench.plan(Action.REPLAY, *ids[:2], canary=0))
    paused = await bench.run(await bench.plan(Action.REPLAY, *ids[2:], canary=0))
    for tx in ids:
        await bench.until(tx, Status.HELD)
    now = bench.clock.now()
    await bench.database.write(lambda c: batches.pause(c, paused.id, "bob", now, EVERYTHING))
    nobodys = Reach(plants=frozenset({"P02"}))
    assert await bench.database.write(lambda c: batches.stop_all(c, "eve", "no", now, nobodys)) == []
    stopped = await bench.database.write(lambda c: batches.stop_all(c, "bob", "wrong month", now, EVERYTHING))
    assert sorted(stopped) == sorted([running.id, paused.id])
    for batch_id in stopped:
        batch = await bench.finished(batch_id)
        assert (batch.state, batch.because) == (BatchState.STOPPED, "stopped by bob: wrong month")
    for tx in ids:
        assert (await bench.row(tx)).status == Status.FAILED
    assert await bench.database.write(lambda c: batches.stop_all(c, "bob", "again", now, EVERYTHING)) == []
    assert target.received == []
    with pytest.raises(Refused, match="stopped"):
        await bench.database.write(lambda c: batches.resume(c, running.id, "bob", now, EVERYTHING))


async def test_what_is_out_of_reach_cannot_be_paused(bench, target) -> None:
    ids = await failed(bench, target, 1)
    batch = await bench.act(Action.REPLAY, *ids)
    nobodys = Reach(plants=frozenset({"P02"}))
    for change in (batches.pause, batches.resume):
        with pytest.raises(NotFound):
            await bench.database.write(lambda c, change=change: change(c, batch.id, "eve", bench.clock.now(), nobodys))
