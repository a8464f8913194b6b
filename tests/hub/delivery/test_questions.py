"""What a target's answer to a question makes of a transaction, row by row of the life cycle's table."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from aiohttp import web

from hub.delivery.finish import Finisher
from hub.delivery.timers import next_due
from hub.recovery import batches
from transactions.model import FailureKind, Status
from transactions.plans import Action


def says(status: int, body: object = None):
    async def answer(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response(body, status=status)

    return answer


async def drop(request: web.Request, _body: bytes) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    raise asyncio.CancelledError


DELIVERED = {
    Status.SENT: says(202, {"status": "accepted"}),
    Status.IN_DOUBT: drop,
    Status.PARKED: says(200, {"status": "parked", "document": "C1", "code": "COGI", "message": "deficit"}),
    Status.PARTLY_PROCESSED: says(200, {"status": "partial", "document": "C2", "rejected": ["line 2"]}),
}
WAITING = says(200, {"status": "in-progress"})


async def ask_now(bench, tx: str) -> None:
    """Let what waits for its next question be asked at once."""
    await bench.database.write(lambda c: c.exec_driver_sql("update transactions set due_next = 1 where id = ?", (tx,)))
    bench.engine._wake.set()


async def brought_to(bench, target, status: Status) -> str:
    """A transaction in ``status``, whose questions are far apart."""
    slow = msgspec.structs.replace(bench.profile, parked_every=60.0, lookup_pause=60.0, backoff_limit=60.0)
    bench.engine._finisher._profile = slow
    assert isinstance(bench.engine._finisher, Finisher)
    target.deliver, target.lookup = DELIVERED[status], WAITING
    tx = await bench.send("consumption", event="e1", order="1")
    await bench.until(tx, status)
    if status is Status.SENT:  # the question that follows the answer at once, and what it came to is written
        async with asyncio.timeout(30):
            while not (await bench.row(tx)).lookups:
                await asyncio.sleep(0.005)
    return tx


@pytest.mark.parametrize("status", list(DELIVERED))
async def test_applied_there_closes_it_without_sending_again(bench, target, status) -> None:
    tx = await brought_to(bench, target, status)
    target.lookup = says(200, {"status": "applied", "document": "49"})
    await ask_now(bench, tx)
    row = await bench.until(tx, Status.PROCESSED)
    assert (row.document, row.failure_kind, row.waiting_on) == ("49", None, None)
    assert len(target.received) == 1


@pytest.mark.parametrize("status", list(DELIVERED))
async def test_rejected_there_fails_it_definitively_with_the_code(bench, target, status) -> None:
    tx = await brought_to(bench, target, status)
    target.lookup = says(200, {"status": "rejected", "code": "M7053", "message": "Period 10 is closed"})
    await ask_now(bench, tx)
    row = await bench.until(tx, Status.FAILED)
    assert (row.failure_kind, row.failure_code, row.definitive) == (FailureKind.PERIOD_CLOSED, "M7053", 1)
    assert (await bench.plan(Action.REPLAY, tx)).verdicts["send"] == 1


@pytest.mark.parametrize("status", [Status.SENT, Status.IN_DOUBT])
async def test_parked_there_is_parked_here(bench, target, status) -> None:
    tx = await brought_to(bench, target, status)
    target.lookup = says(200, {"status": "parked", "document": "C1", "code": "COGI", "message": "deficit"})
    await ask_now(bench, tx)
    row = await bench.until(tx, Status.PARKED)
    assert row.failure_kind == FailureKind.PARKED
    assert (await bench.plan(Action.REPLAY, tx)).verdicts["refused"] == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [(Status.SENT, FailureKind.ACKNOWLEDGED_NOT_APPLIED), (Status.IN_DOUBT, FailureKind.TIMEOUT)],
)
async def test_absent_counts_once_a_late_posting_can_land_no_more(bench, target, status, kind) -> None:
    tx = await brought_to(bench, target, status)
    target.lookup = says(404, {"status": "absent"})
    await ask_now(bench, tx)
    row = await bench.until(tx, Status.FAILED)
    assert row.failure_kind == kind
    assert row.failed_at - row.sent_at >= 150_000  # settle_after


@pytest.mark.parametrize("status", [Status.PARKED, Status.PARTLY_PROCESSED])
async def test_what_was_taken_and_is_not_known_any_more_is_left_to_people(bench, target, status) -> None:
    """It may have been posted by hand and removed: sending it again could double it."""
    tx = await brought_to(bench, target, status)
    bench.settle()
    target.lookup = says(404, {"status": "absent"})
    await ask_now(bench, tx)
    async with asyncio.timeout(5):
        while not ((row := await bench.row(tx)).waiting_on or "").startswith("evidence"):
            await asyncio.sleep(0.005)
    assert row.status == status
    assert (await bench.plan(Action.REPLAY, tx)).verdicts["refused"] == 1


@pytest.mark.parametrize("status", [Status.SENT, Status.IN_DOUBT])
async def test_what_is_unclear_cannot_be_given_up(bench, target, status) -> None:
    tx = await brought_to(bench, target, status)
    plan = await bench.plan(Action.DISCARD, tx)
    assert plan.verdicts["refused"] == 1
    batch = await bench.finished((await bench.run(plan)).id)
    assert batch.counts["skipped"] == 1
    assert (await bench.row(tx)).status == status


async def test_a_404_that_does_not_speak_of_the_posting_is_no_absence(bench, target) -> None:
    """A wrong path answers 404 too; to take that for absent would send the document twice."""
    tx = await brought_to(bench, target, Status.IN_DOUBT)
    bench.settle()
    target.lookup = says(404, {"error": "no such page"})
    before = len(target.asked)
    await ask_now(bench, tx)
    await bench.soon("it was asked", lambda: len(target.asked) > before)
    assert (await bench.row(tx)).status == Status.IN_DOUBT


async def test_an_answer_about_a_closed_one_changes_nothing(bench, target) -> None:
    tx = await bench.send("report", event="e1")
    await bench.until(tx, Status.PROCESSED)
    before = await bench.row(tx)
    target.lookup = says(200, {"status": "rejected", "code": "X"})
    bench.engine.outlet("ERP", None).ask(tx)
    await bench.soon("it was asked", lambda: target.asked)
    await bench.soon("nothing is under way", lambda: not bench.engine.busy)
    assert await bench.row(tx) == before


async def test_nothing_is_due_once_everything_is_closed(bench) -> None:
    await bench.until(await bench.send("consumption", event="e1", order="1"), Status.PROCESSED)
    await bench.soon("nothing is under way", lambda: not bench.engine.busy)
    assert await bench.database.read(next_due) is None


async def test_a_paused_batch_stays_paused_over_a_restart(bench, target) -> None:
    target.deliver = says(422, {"error": {"code": "M7053", "message": "closed"}})
    tx = await bench.send("report", event="e1")
    await bench.until(tx, Status.FAILED)
    plan = await bench.plan(Action.REPLAY, tx)
    await bench.runner.close()
    batch = await bench.begin(plan)
    await bench.database.write(lambda c: c.exec_driver_sql("update batches set state = 'paused'"))
    await bench.stop()
    target.received.clear()
    bench.make()
    await bench.start()
    assert (await bench.database.read(lambda c: batches.load(c, batch.id))).state == "paused"
    assert (await bench.row(tx)).claimed_by is None
    assert target.received == []
