"""A target that was away for long is asked until it answers: nothing stays unclear that it could clear up."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from aiohttp import web
from sqlalchemy import update

from hub.delivery.timers import ask_now
from hub.store.schema import transactions
from transactions.model import Status


def says(status: int, body: object = None):
    async def answer(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response(body, status=status)

    return answer


UNKNOWN = says(200, {"status": "unknown"})
PARKED = says(200, {"status": "parked", "document": "C1", "code": "COGI", "message": "deficit"})
PARTIAL = says(207, {"status": "partial", "document": "C1", "rejected": [{"line": "2", "code": "M7021"}]})
ACCEPTED = says(202, {"status": "accepted"})


async def drop(request: web.Request, _body: bytes) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    raise asyncio.CancelledError


async def waits_for_evidence(bench, tx: str):
    async with asyncio.timeout(30):
        while not ((row := await bench.row(tx)).waiting_on or "").startswith("evidence:"):
            await asyncio.sleep(0.01)
    return row


@pytest.mark.parametrize("deliver", [drop, ACCEPTED])
async def test_what_people_were_asked_about_is_cleared_up_when_the_target_is_back(bench, target, deliver) -> None:
    target.deliver, target.lookup = deliver, UNKNOWN
    tx = await bench.send("consumption", event="e1", order="1")
    row = await waits_for_evidence(bench, tx)
    assert row.status == Status.IN_DOUBT
    target.lookup = says(200, {"status": "applied", "sha256": row.payload_sha256, "document": "49"})
    row = await bench.until(tx, Status.PROCESSED)
    assert row.waiting_on is None
    assert len(target.received) == 1


@pytest.mark.parametrize(("deliver", "stuck"), [(PARKED, Status.PARKED), (PARTIAL, Status.PARTLY_PROCESSED)])
async def test_what_people_there_work_off_late_is_noticed(bench, target, deliver, stuck) -> None:
    target.deliver, target.lookup = deliver, says(200, {"status": "partial"})
    tx = await bench.send("consumption", event="e1", order="1")
    row = await bench.until(tx, stuck)
    await bench.soon("asked more often than is patient", lambda: len(target.asked) > bench.profile.lookups + 1)
    assert (await bench.row(tx)).status == stuck
    target.lookup = says(200, {"status": "applied", "sha256": row.payload_sha256, "document": "49"})
    await bench.until(tx, Status.PROCESSED)
    assert len(target.received) == 1


async def test_what_is_parked_is_asked_about_after_a_restart(bench, target) -> None:
    target.deliver, target.lookup = PARKED, says(200, {"status": "parked"})
    tx = await bench.send("consumption", event="e1", order="1")
    row = await bench.until(tx, Status.PARKED)
    await bench.stop()
    # killed between taking the question out of the column and its answer
    await bench.database.write(
        lambda c: c.execute(update(transactions).where(transactions.c.id == tx).values(due_next=None))
    )
    target.lookup = says(200, {"status": "applied", "sha256": row.payload_sha256, "document": "49"})
    bench.make()
    await bench.start()
    await bench.until(tx, Status.PROCESSED)


async def test_questions_can_be_brought_forward(bench, target) -> None:
    bench.engine._finisher._profile = msgspec.structs.replace(bench.profile, parked_every=3600.0)
    target.deliver, target.lookup = PARKED, says(200, {"status": "parked"})
    tx = await bench.send("consumption", event="e1", order="1")
    row = await bench.until(tx, Status.PARKED)
    target.lookup = says(200, {"status": "applied", "sha256": row.payload_sha256, "document": "49"})
    assert await bench.database.write(lambda c: ask_now(c, bench.clock.now())) == 1
    await bench.until(tx, Status.PROCESSED)
    assert await bench.database.write(lambda c: ask_now(c, bench.clock.now())) == 0
