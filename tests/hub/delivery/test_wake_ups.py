"""Nothing waits for something that is not coming: lost questions, defects, late answers, and what stays undecided."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import msgspec
import pytest
from aiohttp import web
from sqlalchemy import select, update

from hub.delivery import engine as engines
from hub.delivery import outlet as outlets
from hub.delivery.answers import Found, LookupAnswer
from hub.delivery.breaker import BreakerState
from hub.delivery.finish import Asked
from hub.recovery import batches
from hub.store.schema import transactions
from transactions.batches import BatchState
from transactions.clock import from_micros, to_micros
from transactions.model import Status
from transactions.plans import Action


def says(status: int, body: object = None):
    async def answer(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response(body, status=status)

    return answer


APPLIED = says(201, {"status": "applied", "document": "1"})
REJECTED = says(422, {"error": {"code": "M7053", "message": "closed"}})
ACCEPTED = says(202, {"status": "accepted"})
PARKED = says(200, {"status": "parked", "document": "C1", "code": "COGI", "message": "deficit"})
UNKNOWN = says(200, {"status": "unknown"})


async def drop(request: web.Request, _body: bytes) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    raise asyncio.CancelledError


class Gate:
    """The first answer comes when the test says so."""

    def __init__(self, then) -> None:
        self.then, self.arrived, self.gate = then, asyncio.Event(), asyncio.Event()

    async def __call__(self, request: web.Request, body: bytes) -> web.StreamResponse:
        if not self.arrived.is_set():
            self.arrived.set()
            await self.gate.wait()
        return await self.then(request, body)


def declare(bench, name: str, **changes: object) -> None:
    catalogue = bench.landscape.catalogue
    changed = msgspec.structs.replace(catalogue.system[name], **changes)
    bench.landscape.catalogue = msgspec.structs.replace(catalogue, system={**catalogue.system, name: changed})


async def two_failed(bench, target) -> tuple[str, str]:
    """Two of one lane, both to be replayed."""
    target.deliver = REJECTED
    first = await bench.send("consumption", event="e1", order="1")
    await bench.until(first, Status.FAILED)
    await bench.act(Action.DISCARD, first)
    second = await bench.send("consumption", event="e2", order="1")
    await bench.until(second, Status.FAILED)
    await bench.act(Action.RESTORE, first)
    target.received.clear()
    return first, second


@pytest.mark.parametrize("said", [{"status": "unknown"}, {"status": "applied", "sha256": "0" * 64}])
async def test_what_waits_behind_one_that_was_sent_and_stays_unclear_is_given_back(bench, target, said) -> None:
    first, second = await two_failed(bench, target)
    target.deliver, target.lookup = (answer := Gate(ACCEPTED)), says(200, said)
    batch = await bench.run(await bench.plan(Action.REPLAY, first, second, canary=0))
    await asyncio.wait_for(answer.arrived.wait(), 30)
    await bench.until(second, Status.HELD, within=30)
    answer.gate.set()
    ended = await bench.finished(batch.id, within=30)
    assert (ended.state, ended.counts["skipped"], ended.counts["in-doubt"]) == (BatchState.DONE, 1, 1)
    row = await bench.row(first)
    assert row.status == Status.IN_DOUBT
    assert row.waiting_on.startswith("evidence:")
    assert (await bench.row(second)).claimed_by is None
    assert len(target.received) == 1


async def test_what_waits_behind_one_that_was_cut_off_and_cannot_be_asked_about_is_given_back(bench, target) -> None:
    first, second = await two_failed(bench, target)
    declare(bench, "ERP", lookup=None)
    target.deliver = answer = Gate(APPLIED)
    batch = await bench.run(await bench.plan(Action.REPLAY, first, second, canary=0))
    await asyncio.wait_for(answer.arrived.wait(), 30)
    await bench.until(second, Status.HELD, within=30)
    await bench.runner.close()
    await bench.engine.close(patience=0.0)
    answer.gate.set()
    bench.make()
    await bench.start()
    ended = await bench.finished(batch.id, within=30)
    assert (ended.counts["skipped"], ended.counts["in-doubt"]) == (1, 1)
    assert (await bench.row(second)).status == Status.FAILED


async def test_a_probe_that_stops_at_a_posting_by_hand_closes_the_breaker(bench, target) -> None:
    """It was sent nothing, and yet it answered: what waits for it must not wait for a probe that is never over."""
    catalogue = bench.landscape.catalogue
    flow = catalogue.flow["consumption"]
    keys = msgspec.structs.replace(flow.keys, json={**flow.keys.json, "quantity": "$.quantity"})
    catalogue.flow["consumption"] = msgspec.structs.replace(flow, keys=keys)
    declare(bench, "ERP", search="/postings/search?order={order}&quantity={quantity}")
    target.deliver = REJECTED
    tx = await bench.send("consumption", event="e1", order="1", quantity="5")
    await bench.until(tx, Status.FAILED)
    plan = await bench.plan(Action.REPLAY, tx)
    target.deliver, target.lookup = APPLIED, says(200, {"items": [{"document": "4711"}]})
    outlet = bench.engine.outlet("ERP", "P01")
    for _ in range(bench.profile.breaker_failures):
        outlet.breaker.failed(time.monotonic() - 60)
    assert outlet.breaker.state is BreakerState.OPEN
    await bench.finished((await bench.run(plan)).id, within=30)
    row = await bench.row(tx)
    assert (row.status, row.failure_code) == (Status.FAILED, "maybe-posted")
    await bench.soon("closed", lambda: outlet.breaker.state is BreakerState.CLOSED, within=30)
    await bench.until(await bench.send("report", event="e2"), Status.PROCESSED, within=30)


async def test_a_defect_met_by_one_does_not_stop_the_others(bench, target, monkeypatch) -> None:
    target.deliver = answer = Gate(APPLIED)
    ids = [await bench.send("consumption", event=f"e{n}", order="1") for n in range(2)]
    await asyncio.wait_for(answer.arrived.wait(), 30)
    begin = outlets.beginning.begin

    def broken(connection, taken, *rest):
        if ids[1] in taken:
            raise LookupError("a defect")
        return begin(connection, taken, *rest)

    monkeypatch.setattr(outlets.beginning, "begin", broken)
    answer.gate.set()
    await bench.until(ids[0], Status.PROCESSED, within=30)
    await bench.until(await bench.send("report", event="e9"), Status.PROCESSED, within=30)
    assert (await bench.row(ids[1])).status == Status.PENDING
    monkeypatch.setattr(outlets.beginning, "begin", begin)
    await bench.stop()
    bench.make()
    await bench.start()
    await bench.until(ids[1], Status.PROCESSED, within=30)


async def test_a_delivery_that_breaks_off_on_the_hubs_side_is_in_doubt_and_asked_about(
    bench, target, monkeypatch
) -> None:
    send, broken = bench.engine._channel.send, iter([True])

    async def once(request):
        if request.method == "POST" and next(broken, False):
            await send(request)
            raise LookupError("a defect")
        return await send(request)

    monkeypatch.setattr(bench.engine._channel, "send", once)
    tx = await bench.send("consumption", event="e1", order="1")
    await bench.until(tx, Status.PROCESSED, within=30)
    assert len(target.received) == 1
    (tried,) = await bench.tries(tx)
    assert (tried.outcome, msgspec.json.decode(tried.failure)["code"]) == ("no answer", "hub-broke-off")


async def test_the_clock_of_all_goes_on_after_a_defect_met_by_one(bench, target, monkeypatch) -> None:
    take, broken = engines.take_due, iter([True])

    def once(*arguments):
        if next(broken, False):
            raise LookupError("a defect")
        return take(*arguments)

    monkeypatch.setattr(engines, "take_due", once)
    target.deliver = drop
    tx = await bench.send("consumption", event="e1", order="1")
    await bench.until(tx, Status.FAILED, within=30)  # asked, and it does not have it
    assert next(broken, None) is None


async def test_a_question_that_gets_lost_is_asked_again_later(bench, target, monkeypatch) -> None:
    asked = asyncio.Event()

    async def lost(self, tx_id: str) -> None:
        asked.set()
        raise LookupError("a defect")

    monkeypatch.setattr(outlets.Outlet, "_ask_about", lost)
    target.deliver = drop
    tx = await bench.send("consumption", event="e1", order="1")
    await asyncio.wait_for(asked.wait(), 30)
    row = await bench.row(tx)
    assert row.status == Status.IN_DOUBT
    assert row.due_next > to_micros(bench.clock.now())


async def in_doubt(bench, target):
    target.deliver, target.lookup = drop, says(200, {"status": "in-progress"})
    return await bench.until(await bench.send("consumption", event="e1", order="1"), Status.IN_DOUBT)


async def told(bench, row, found: Found, *, asked_after: float, sends: int = 1) -> Status | None:
    """What an answer makes of it that comes ten seconds after the request left."""
    since = Asked(unsettled=0.15 - asked_after, sends=sends)
    now, answer = from_micros(row.sent_at) + timedelta(seconds=10), LookupAnswer(status=found)
    asked = bench.engine._finisher.asked
    return await bench.database.write(lambda c: asked(c, row.id, answer, "ERP", now, since=since))


async def test_absent_counts_when_it_was_asked_for_after_a_late_posting_could_land(bench, target) -> None:
    """However late the answer comes: the posting may have landed between question and answer."""
    row = await in_doubt(bench, target)
    assert await told(bench, row, Found.ABSENT, asked_after=0.1) is None
    assert (await bench.row(row.id)).status == Status.IN_DOUBT
    assert await told(bench, row, Found.ABSENT, asked_after=0.2) is Status.FAILED


async def test_an_answer_about_an_earlier_delivery_says_nothing_of_the_newest(bench, target) -> None:
    row = await in_doubt(bench, target)
    await bench.database.write(
        lambda c: c.execute(update(transactions).where(transactions.c.id == row.id).values(attempts=2))
    )
    assert await told(bench, row, Found.REJECTED, asked_after=5) is None
    assert await told(bench, row, Found.ABSENT, asked_after=5) is None
    assert (await bench.row(row.id)).status == Status.IN_DOUBT
    assert await told(bench, row, Found.APPLIED, asked_after=5) is Status.PROCESSED


async def test_word_of_work_in_progress_does_not_end_the_wait_for_the_answer(bench, target) -> None:
    target.deliver = answer = Gate(APPLIED)
    tx = await bench.send("report", event="e1")
    await asyncio.wait_for(answer.arrived.wait(), 30)
    row = await bench.row(tx)
    said = LookupAnswer(status=Found.IN_PROGRESS)
    assert (await bench.engine.replied("ERP", row.idempotency_key, said)).status is Status.DELIVERING
    answer.gate.set()
    await bench.until(tx, Status.PROCESSED, within=30)


async def test_an_answer_after_the_targets_own_word_still_ends_the_attempt(bench, target) -> None:
    target.deliver = answer = Gate(APPLIED)
    tx = await bench.send("report", event="e1")
    await asyncio.wait_for(answer.arrived.wait(), 30)
    row = await bench.row(tx)
    said = LookupAnswer(status=Found.APPLIED, document="1")
    assert (await bench.engine.replied("ERP", row.idempotency_key, said)).status is Status.PROCESSED
    answer.gate.set()
    async with asyncio.timeout(30):
        while (await bench.tries(tx))[0].finished_at is None:
            await asyncio.sleep(0.01)
    assert (await bench.tries(tx))[0].outcome == "applied"


async def test_what_may_have_been_applied_and_can_no_more_be_asked_about_is_for_people(bench, target) -> None:
    row = await in_doubt(bench, target)
    await bench.stop()
    declare(bench, "ERP", lookup=None)
    await bench.database.write(
        lambda c: c.execute(
            update(transactions).where(transactions.c.id == row.id).values(status=Status.RETRYING, due_next=None)
        )
    )
    bench.make()
    await bench.start()
    row = await bench.until(row.id, Status.IN_DOUBT, within=30)
    assert row.waiting_on == "evidence: ERP cannot be asked"
    assert len(target.received) == 1


async def test_a_parked_one_that_was_discarded_and_restored_is_asked_for_as_before(bench, target) -> None:
    target.deliver, target.lookup = PARKED, says(200, {"status": "parked"})
    tx = await bench.send("consumption", event="e1", order="1")
    await bench.until(tx, Status.PARKED)
    await bench.act(Action.DISCARD, tx)
    target.lookup = says(200, {"status": "applied"})
    await bench.act(Action.RESTORE, tx)
    await bench.until(tx, Status.PROCESSED, within=30)
    assert len(target.received) == 1


@pytest.mark.parametrize(("deliver", "stuck"), [(drop, Status.IN_DOUBT), (ACCEPTED, Status.SENT)])
async def test_a_question_that_the_end_of_the_hub_cut_off_is_asked_again_at_once(bench, target, deliver, stuck) -> None:
    target.deliver, target.lookup = deliver, (question := Gate(says(200, {"status": "applied"})))
    tx = await bench.send("consumption", event="e1", order="1")
    await asyncio.wait_for(question.arrived.wait(), 30)
    await bench.until(tx, stuck, within=30)
    await bench.runner.close()
    await bench.engine.close(patience=0.0)
    question.gate.set()
    far = to_micros(bench.clock.now()) + 3_600_000_000
    await bench.database.write(
        lambda c: c.execute(update(transactions).where(transactions.c.id == tx).values(due_next=far))
    )
    bench.make()
    await bench.start()
    await bench.until(tx, Status.PROCESSED, within=30)
    assert len(target.received) == 1


async def test_a_reply_that_is_waited_for_keeps_its_time_over_a_restart(bench, target) -> None:
    catalogue = bench.landscape.catalogue
    report = msgspec.structs.replace(catalogue.flow["report"], verify="reply")
    bench.landscape.catalogue = msgspec.structs.replace(catalogue, flow={**catalogue.flow, "report": report})
    bench.engine._finisher._profile = msgspec.structs.replace(bench.profile, reply_within=3600.0)
    tx = await bench.send("report", event="e1")
    due = (await bench.until(tx, Status.SENT, within=30)).due_next
    await bench.stop()
    bench.make()
    await bench.start()
    assert (await bench.row(tx)).due_next == due
    assert target.asked == []


@pytest.mark.parametrize("reverses", [False, True])
async def test_what_a_cancelled_batch_leaves_to_people_is_not_claimed_by_it_for_ever(bench, target, reverses) -> None:
    """It was in doubt and asked about when the batch was cancelled, and nobody could say what became of it."""
    declare(bench, "ERP", reversal="/documents/{key}", settle_after="0s")
    flow = bench.landscape.catalogue.flow["report"]
    bench.landscape.catalogue.flow["report"] = msgspec.structs.replace(flow, reversal="262")
    target.deliver = APPLIED if reverses else REJECTED
    tx = await bench.send("report", event="e1")
    await bench.until(tx, Status.PROCESSED, Status.FAILED)
    plan = await bench.plan(Action.COMPENSATE if reverses else Action.REPLAY, tx)
    finisher = bench.engine._finisher
    finisher._profile = msgspec.structs.replace(bench.profile, lookups=1_000_000)
    said = {"status": "applied"} if reverses else {"status": "unknown"}
    target.deliver, target.lookup = drop, says(200, said)

    async def ask(request: web.Request, body: bytes) -> web.StreamResponse:
        reversal = request.match_info["key"].startswith("reverse:")
        return await says(200, {"status": "unknown"} if reversal else said)(request, body)

    target.lookup = ask
    batch = await bench.run(plan)

    def undecided(connection):
        return connection.execute(select(transactions).where(transactions.c.status == Status.IN_DOUBT)).first()

    async with asyncio.timeout(30):
        while (row := await bench.database.read(undecided)) is None:
            await asyncio.sleep(0.01)
    await bench.database.write(lambda c: batches.cancel(c, batch.id, "ann", bench.clock.now()))
    row = await bench.row(row.id)
    finisher._profile = msgspec.structs.replace(bench.profile, lookups=row.lookups + 40)
    async with asyncio.timeout(60):
        while not ((row := await bench.row(row.id)).waiting_on or "").startswith("evidence:"):
            await asyncio.sleep(0.01)
    assert (row.status, row.claimed_by, (await bench.row(tx)).claimed_by) == (Status.IN_DOUBT, None, None)
    plan = await bench.plan(Action.RESOLVE, row.id, resolve_as="not-applied", evidence="looked it up")
    assert plan.verdicts["send"] == 1
