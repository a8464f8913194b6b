"""The way out to one target: its quota, its pauses, its breaker, and a store that refuses for a while."""

from __future__ import annotations

import asyncio
import contextlib
import time

import msgspec
import pytest
from aiohttp import web

from hub.delivery.breaker import BreakerState
from hub.errors import StoreError
from transactions.model import FailureKind, Status
from transactions.plans import Action


def says(status: int, body: object = None, **headers: str):
    async def answer(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response(body, status=status, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return answer


APPLIED = says(201, {"status": "applied", "document": "1"})
DOWN = says(503, {"title": "down"})


@contextlib.contextmanager
def noted(bench, target):
    """The moments at which the target is sent something."""
    loop, moments, deliver = asyncio.get_running_loop(), [], target.deliver

    async def note(request: web.Request, body: bytes) -> web.StreamResponse:
        moments.append(loop.time())
        return await deliver(request, body)

    target.deliver = note
    yield moments


def with_system(bench, name: str, **changes: object) -> None:
    """Declare a system otherwise, from its next outlet on."""
    catalogue = bench.landscape.catalogue
    changed = msgspec.structs.replace(catalogue.system[name], **changes)
    bench.landscape.catalogue = msgspec.structs.replace(catalogue, system={**catalogue.system, name: changed})


async def test_the_quota_of_a_target_is_kept_after_a_burst_of_one_second(bench, target) -> None:
    with_system(bench, "ERP", quota="20/s")
    began = time.monotonic()
    with noted(bench, target) as moments:
        ids = [await bench.send("report", event=f"e{n}") for n in range(26)]
        for tx in ids:
            await bench.until(tx, Status.PROCESSED)
    assert len(moments) == 26
    # a second's worth may go at once; each further one waits for its place
    assert moments[-1] - began >= 5 / 20 - 0.01


async def test_a_run_and_live_traffic_share_the_quota_of_their_target(bench, target) -> None:
    target.deliver = says(422, {"error": {"code": "M7053", "message": "closed"}})
    ids = [await bench.send("report", event=f"e{n}") for n in range(15)]
    for tx in ids:
        await bench.until(tx, Status.FAILED)
    target.deliver = APPLIED
    with_system(bench, "ERP", quota="10/s")
    bench.engine.outlet("ERP", None)._quota = 10.0
    with noted(bench, target) as moments:
        began = time.monotonic()
        batch = await bench.run(await bench.plan(Action.REPLAY, *ids, canary=0))
        live = [await bench.send("report", event=f"live{n}") for n in range(10)]
        for tx in live:
            await bench.until(tx, Status.PROCESSED, within=30)
        await bench.finished(batch.id, within=30)
    assert len(moments) == 25
    # a second's worth at once, and the others at ten a second, whoever they are from
    assert moments[-1] - began >= 24 / 10 - 1.0 - 0.01


async def test_retry_after_pauses_the_whole_target_and_not_only_the_one_that_was_told(bench, target) -> None:
    loop = asyncio.get_running_loop()
    answers = iter([says(429, {"code": "SLOW"}, Retry_After="0.4")])

    async def once(request: web.Request, body: bytes) -> web.StreamResponse:
        return await next(answers, APPLIED)(request, body)

    target.deliver = once
    with noted(bench, target) as moments:
        first = await bench.send("report", event="e1")
        await bench.until(first, Status.RETRYING)
        told = loop.time()
        other = await bench.send("report", event="e2")
        await bench.until(other, Status.PROCESSED)
        await bench.until(first, Status.PROCESSED)
    assert all(moment >= told + 0.3 for moment in moments[1:])


async def test_a_shorter_retry_after_does_not_cut_a_longer_one(bench, target) -> None:
    """Two answers in flight together: the second asks for less, and the first still counts."""
    loop = asyncio.get_running_loop()
    both = asyncio.Barrier(2)
    order = asyncio.Event()

    async def throttle(request: web.Request, body: bytes) -> web.StreamResponse:
        await both.wait()
        if b"e1" in body:
            return web.json_response({}, status=429, headers={"Retry-After": "0.5"})
        await order.wait()
        return web.json_response({}, status=429, headers={"Retry-After": "0.05"})

    target.deliver = throttle
    first, second = await bench.send("report", event="e1"), await bench.send("report", event="e2")
    await bench.until(first, Status.RETRYING)
    told = loop.time()
    order.set()
    await bench.until(second, Status.RETRYING)
    target.deliver = APPLIED
    with noted(bench, target) as moments:
        for tx in (first, second):
            await bench.until(tx, Status.PROCESSED)
    assert min(moments) >= told + 0.4


async def test_a_probe_that_is_asked_about_first_leaves_the_breaker_usable(bench, target) -> None:
    """What waits for the breaker was sent before without an answer, so that the probe is a question."""
    target.deliver = target.lookup = DOWN
    ids = [await bench.send("report", event=f"e{n}") for n in range(8)]
    outlet = bench.engine.outlet("ERP", None)
    await bench.soon("the breaker opens", lambda: outlet.breaker.state is not BreakerState.CLOSED)
    for tx in ids:
        await bench.until(tx, Status.FAILED, Status.IN_DOUBT)
    target.deliver, target.lookup = APPLIED, None
    later = await bench.send("report", event="later")
    row = await bench.until(later, Status.PROCESSED, Status.FAILED)
    assert row.status == Status.PROCESSED
    await bench.soon("the breaker closes", lambda: outlet.breaker.state is BreakerState.CLOSED)


async def test_a_probe_that_is_held_by_people_lets_the_next_one_probe(bench, target) -> None:
    url = target.url
    bench.landscape.use_addresses({"ERP": "http://127.0.0.1:9"})
    outlet = bench.engine.outlet("ERP", None)
    outlet._profile = msgspec.structs.replace(outlet._profile, breaker_wait=60.0)  # however slow this machine is now
    for _ in range(bench.profile.breaker_failures):
        outlet.breaker.failed(time.monotonic() + 1e6)  # open, and nothing probes yet
    assert outlet.breaker.state is BreakerState.OPEN
    held = await bench.send("consumption", event="e1", order="1")
    waiting = await bench.send("report", event="e2")
    for tx in (held, waiting):
        assert (await bench.until(tx, Status.HELD)).hold_kind == "breaker"
    await bench.act(Action.HOLD, flow="consumption")
    bench.landscape.use_addresses({"ERP": url})
    outlet.breaker._opened_at = 0.0
    outlet._probe()
    await bench.until(waiting, Status.PROCESSED)
    row = await bench.row(held)
    assert (row.status, row.hold_kind) == (Status.HELD, "people")


async def test_an_answer_of_any_kind_closes_the_breaker(bench, target) -> None:
    """A rejection is an answer: the target is there."""
    outlet = bench.engine.outlet("ERP", None)
    for _ in range(bench.profile.breaker_failures - 1):
        outlet.breaker.failed(time.monotonic())
    target.deliver = says(422, {"error": {"code": "M7053", "message": "closed"}})
    tx = await bench.send("report", event="e1")
    row = await bench.until(tx, Status.FAILED)
    assert row.failure_kind == FailureKind.PERIOD_CLOSED
    await bench.soon("the answer counts", lambda: outlet.last_success is not None)
    assert not outlet.breaker.failed(time.monotonic())  # it counts from the start again


async def test_what_the_target_last_said_is_remembered_for_the_board(bench, target) -> None:
    bench.landscape.use_addresses({"ERP": "http://127.0.0.1:9"})
    tx = await bench.send("report", event="e1")
    await bench.until(tx, Status.FAILED)
    outlet = bench.engine.outlet("ERP", None)
    await bench.soon("the silence counts", lambda: outlet.last_failure is not None)
    assert outlet.last_success is None
    assert "refused" in outlet.last_failure_text.lower()


async def test_one_target_down_stops_no_other(bench, target) -> None:
    bench.landscape.use_addresses({"ERP": "http://127.0.0.1:9", "EDI": target.url})
    stuck = [await bench.send("report", event=f"e{n}") for n in range(6)]
    notice = await bench.send("notice", event="n1")
    await bench.until(notice, Status.PROCESSED)
    for tx in stuck:
        await bench.until(tx, Status.FAILED)


async def test_no_more_than_the_bound_are_under_way_at_one_time(bench, target) -> None:
    now, most = 0, 0
    gate = asyncio.Event()

    async def count(_request: web.Request, _body: bytes) -> web.StreamResponse:
        nonlocal now, most
        now += 1
        most = max(most, now)
        if now == bench.profile.concurrency:
            gate.set()
        await asyncio.wait_for(gate.wait(), 5)
        now -= 1
        return web.json_response({"status": "applied"}, status=201)

    target.deliver = count
    ids = [await bench.send("report", event=f"e{n}") for n in range(40)]
    for tx in ids:
        await bench.until(tx, Status.PROCESSED, Status.IN_DOUBT, Status.FAILED)
    assert most == bench.profile.concurrency


async def test_a_system_without_an_address_fails_what_it_owes_and_says_so(bench) -> None:
    bench.landscape.use_addresses({})
    row = await bench.until(await bench.send("report", event="e1"), Status.FAILED)
    assert (row.failure_kind, row.failure_code) == (FailureKind.MAPPING, "no-address")
    assert "ERP has no address" in row.failure_message
    assert row.attempts == 0


@pytest.mark.parametrize("during", ["take", "answer", "timer"])
async def test_a_store_that_refuses_for_a_while_stops_nothing_for_good(bench, target, monkeypatch, during) -> None:
    """The disk fills, people make room, and delivery goes on by itself: nothing lost, nothing twice."""
    refused, arrived, gate = asyncio.Event(), asyncio.Event(), asyncio.Event()
    write = bench.database.write

    async def watched(job):
        try:
            return await write(job)
        except StoreError:
            refused.set()
            raise

    async def wait(_request: web.Request, _body: bytes) -> web.StreamResponse:
        arrived.set()
        await gate.wait()
        return web.json_response({"status": "applied", "document": "1"}, status=201)

    monkeypatch.setattr(bench.database, "write", watched)
    monkeypatch.setattr("hub.store.database.TRY_AGAIN", 0.05)
    target.deliver = {"answer": wait, "take": APPLIED, "timer": says(423, {"code": "LOCKED"})}[during]
    if during == "take":
        bench.engine.outlet("ERP", None)._paused_until = time.monotonic() + 0.2
    tx = await bench.send("report", event="e1")
    if during == "answer":
        await asyncio.wait_for(arrived.wait(), 5)
    elif during == "timer":
        await bench.until(tx, Status.RETRYING)
        target.deliver = APPLIED
    accept = await bench.refuse_writes()
    gate.set()
    await asyncio.wait_for(refused.wait(), 5)
    accept()
    row = await bench.until(tx, Status.PROCESSED)
    assert row.document == "1"
    assert len(target.received) == (2 if during == "timer" else 1)
