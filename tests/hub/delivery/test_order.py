"""Order and versions while things move: what waits behind what, for how long, and what lets it go."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from aiohttp import web

from transactions.model import Status
from transactions.plans import Action


def says(status: int, body: object = None):
    async def answer(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response(body, status=status)

    return answer


APPLIED = says(201, {"status": "applied", "document": "1"})
REJECTED = says(422, {"error": {"code": "M7053", "message": "closed"}})
PARKED = says(200, {"status": "parked", "document": "C1", "code": "COGI", "message": "deficit"})


async def drop(request: web.Request, _body: bytes) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    raise asyncio.CancelledError


class Held:
    """A target's answer that comes when the test says so."""

    def __init__(self, then) -> None:
        self.then, self.arrived, self.gate = then, asyncio.Event(), asyncio.Event()

    async def __call__(self, request: web.Request, body: bytes) -> web.StreamResponse:
        if not self.arrived.is_set():
            self.arrived.set()
            await self.gate.wait()
            return await self.then(request, body)
        return await APPLIED(request, body)


async def failed(bench, target, flow: str, **document: str) -> str:
    target.deliver = REJECTED
    tx = await bench.send(flow, **document)
    await bench.until(tx, Status.FAILED)
    target.deliver = APPLIED
    return tx


async def test_a_newer_version_that_waited_goes_when_the_older_one_fails_definitively(bench, target) -> None:
    """It came while the older one was still under way, and waited for that."""
    target.deliver = answer = Held(REJECTED)
    old = await bench.send("plan", plan="A", version="1")
    await asyncio.wait_for(answer.arrived.wait(), 5)
    new = await bench.send("plan", plan="A", version="2")
    assert (await bench.until(new, Status.HELD)).blocked_by == old
    answer.gate.set()
    await bench.until(new, Status.PROCESSED)
    assert (await bench.row(old)).status == Status.FAILED


async def test_an_in_doubt_version_does_hold_back_a_newer_one(bench, target) -> None:
    target.deliver, target.lookup = drop, says(200, {"status": "unknown"})
    old = await bench.send("plan", plan="A", version="1")
    await bench.until(old, Status.IN_DOUBT)
    target.deliver = APPLIED
    new = await bench.send("plan", plan="A", version="2")
    assert (await bench.until(new, Status.HELD)).blocked_by == old
    sent = len(target.received)
    target.lookup = says(200, {"status": "applied"})
    await bench.database.write(lambda c: c.exec_driver_sql("update transactions set due_next = 1 where id = ?", (old,)))
    bench.engine._wake.set()
    await bench.until(old, Status.PROCESSED)
    await bench.until(new, Status.PROCESSED)
    assert len(target.received) == sent + 1


async def test_another_object_in_the_same_flow_is_not_held(bench, target) -> None:
    target.deliver = answer = Held(APPLIED)
    first = await bench.send("plan", plan="A", version="1")
    await asyncio.wait_for(answer.arrived.wait(), 5)
    other = await bench.send("plan", plan="B", version="1")
    await bench.until(other, Status.PROCESSED)
    answer.gate.set()
    await bench.until(first, Status.PROCESSED)


@pytest.mark.parametrize("stuck", [Status.PARKED, Status.IN_DOUBT, Status.SENT])
async def test_what_is_not_closed_holds_its_lane(bench, target, stuck) -> None:
    target.deliver = {Status.PARKED: PARKED, Status.IN_DOUBT: drop, Status.SENT: says(202, {"status": "accepted"})}[
        stuck
    ]
    target.lookup = {
        Status.PARKED: says(200, {"status": "parked"}),
        Status.IN_DOUBT: says(200, {"status": "unknown"}),
        Status.SENT: says(200, {"status": "in-progress"}),
    }[stuck]
    first = await bench.send("consumption", event="e1", order="1")
    await bench.until(first, stuck)
    target.deliver = APPLIED
    behind = await bench.send("consumption", event="e2", order="1")
    row = await bench.until(behind, Status.HELD)
    assert (row.hold_kind, row.blocked_by) == ("lane", first)
    assert first in row.waiting_on


async def test_a_version_applied_after_the_plan_was_made_is_not_overwritten_by_the_run(bench, target) -> None:
    old = await failed(bench, target, "plan", plan="A", version="1")
    plan = await bench.plan(Action.REPLAY, old)
    assert plan.items[0].verdict == "send"
    new = await bench.send("plan", plan="A", version="2")
    await bench.until(new, Status.PROCESSED)
    target.received.clear()
    batch = await bench.finished((await bench.run(plan)).id)
    assert batch.counts["skipped"] == 1
    (item,) = await bench.items(batch.id)
    assert item.reason.startswith("superseded")
    assert new in item.reason
    assert target.received == []
    row = await bench.row(old)
    assert (row.status, row.claimed_by, row.status_before) == (Status.FAILED, None, None)


async def test_superseded_is_sent_when_the_plan_forces_it(bench, target) -> None:
    old = await failed(bench, target, "plan", plan="A", version="1")
    await bench.until(await bench.send("plan", plan="A", version="2"), Status.PROCESSED)
    target.received.clear()
    skipped = await bench.act(Action.REPLAY, old)
    assert skipped.counts["skipped"] == 1
    assert target.received == []
    batch = await bench.act(Action.REPLAY, old, force_superseded=True)
    assert batch.counts["processed"] == 1
    assert len(target.received) == 1


async def test_a_delta_is_owed_however_late(bench, target) -> None:
    """Later deltas of its order were posted (it had been discarded meanwhile): it is still sent."""
    old = await failed(bench, target, "consumption", event="e1", order="1")
    await bench.act(Action.DISCARD, old)
    await bench.until(await bench.send("consumption", event="e2", order="1"), Status.PROCESSED)
    await bench.act(Action.RESTORE, old)
    batch = await bench.act(Action.REPLAY, old)
    assert batch.counts["processed"] == 1


async def test_in_a_batch_the_newer_version_goes_on_when_the_older_one_fails_again(bench, target) -> None:
    old = await failed(bench, target, "plan", plan="A", version="1")
    new = await failed(bench, target, "plan", plan="A", version="2")
    target.deliver = answer = Held(REJECTED)
    batch = await bench.run(await bench.plan(Action.REPLAY, old, new, canary=0))
    await asyncio.wait_for(answer.arrived.wait(), 5)
    await bench.until(new, Status.HELD)
    answer.gate.set()
    ended = await bench.finished(batch.id)
    assert (ended.counts["failed"], ended.counts["processed"]) == (1, 1)


@pytest.mark.parametrize("outcome", ["rejected", "parked", "in-doubt"])
async def test_what_waits_in_a_batch_is_given_back_when_its_predecessor_stays_where_it_is(
    bench, target, outcome
) -> None:
    """Else the batch would wait for people, with a claim on what it cannot send."""
    first = await failed(bench, target, "consumption", event="e1", order="1")
    await bench.act(Action.DISCARD, first)
    second = await failed(bench, target, "consumption", event="e2", order="1")
    await bench.act(Action.RESTORE, first)
    target.received.clear()
    target.deliver = answer = Held({"rejected": REJECTED, "parked": PARKED, "in-doubt": drop}[outcome])
    target.lookup = says(200, {"status": "parked" if outcome == "parked" else "unknown"})
    batch = await bench.run(await bench.plan(Action.REPLAY, first, second, canary=0))
    await asyncio.wait_for(answer.arrived.wait(), 5)
    await bench.until(second, Status.HELD)
    answer.gate.set()
    ended = await bench.finished(batch.id)
    assert ended.counts["skipped"] == 1
    row = await bench.row(second)
    assert (row.status, row.claimed_by) == (Status.FAILED, None)
    assert len(target.received) == 1


async def test_requires_holds_only_what_shares_the_key(bench, target) -> None:
    await failed(bench, target, "consumption", event="e1", order="1")
    blocked = await bench.send("receipt", event="r1", order="1")
    other = await bench.send("receipt", event="r2", order="2")
    await bench.until(other, Status.PROCESSED)
    row = await bench.until(blocked, Status.HELD)
    assert row.hold_kind == "requires"
    assert "consumption" in row.waiting_on
    assert "order 1" in row.waiting_on


async def test_a_parked_one_is_asked_for_again_after_a_restart_in_the_middle_of_a_question(bench, target) -> None:
    target.deliver, target.lookup = PARKED, says(200, {"status": "parked"})
    tx = await bench.send("consumption", event="e1", order="1")
    await bench.until(tx, Status.PARKED)
    await bench.stop()
    # the timer had taken it up, and the answer never came
    await bench.database.write(
        lambda c: c.exec_driver_sql("update transactions set due_next = null where id = ?", (tx,))
    )
    target.lookup = says(200, {"status": "applied"})
    bench.make()
    await bench.start()
    await bench.until(tx, Status.PROCESSED)
    assert len(target.received) == 1


async def test_hours_of_clear_answers_do_not_make_one_unclear_answer_the_last_question(bench, target) -> None:
    """A parked one is asked for until it is repaired; a target that is away once in between ends nothing."""
    parked, unclear = {"status": "parked"}, {"status": "unknown"}
    answers = [parked] * (bench.profile.lookups + 2) + [unclear] + [parked]
    said = iter(answers)

    async def ask(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response(next(said, {"status": "applied"}))

    bench.engine._finisher._profile = msgspec.structs.replace(bench.profile, parked_every=0.01)
    target.deliver, target.lookup = PARKED, ask
    row = await bench.until(await bench.send("consumption", event="e1", order="1"), Status.PROCESSED)
    assert len(target.asked) == len(answers) + 1
    assert row.waiting_on is None
