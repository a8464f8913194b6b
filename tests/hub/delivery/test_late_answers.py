"""A target that answers after the time-out, posts later than it declares, or says what is not so."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from aiohttp import web
from sqlalchemy import update

from hub.store.schema import ledger, transactions
from transactions.clock import to_micros
from transactions.model import FailureKind, Status
from transactions.plans import Action


def says(status: int, body: object = None):
    async def answer(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response(body, status=status)

    return answer


ABSENT = says(404, {"status": "absent"})
APPLIED = says(201, {"status": "applied", "document": "1"})


async def drop(request: web.Request, _body: bytes) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    raise asyncio.CancelledError


async def test_a_posting_that_lands_within_settle_after_is_found_and_not_sent_again(bench, target) -> None:
    bench.settle(-60)
    target.deliver, target.lookup = drop, ABSENT
    tx = await bench.send("consumption", event="e1", order="1")
    async with asyncio.timeout(30):  # it was asked, and had nothing yet
        while (await bench.row(tx)).lookups < 1:
            await asyncio.sleep(0.005)
    assert (await bench.row(tx)).status == Status.IN_DOUBT
    target.lookup = says(200, {"status": "applied", "document": "late"})
    await bench.database.write(lambda c: c.execute(update(transactions).values(due_next=1)))
    bench.engine._wake.set()
    assert (await bench.until(tx, Status.PROCESSED, within=30)).document == "late"
    assert len(target.received) == 1


@pytest.mark.parametrize("deliver", [drop, says(202, {"status": "accepted"})])
async def test_a_posting_that_lands_after_settle_after_is_found_before_a_replay_sends(bench, target, deliver) -> None:
    """The target breaks its own word: absent was final, and then it is there. A replay asks once more."""
    target.deliver, target.lookup = deliver, ABSENT
    tx = await bench.send("consumption", event="e1", order="1")
    row = await bench.until(tx, Status.FAILED, within=30)
    assert row.failure_code in ("not-applied", "acknowledged-not-applied")
    target.deliver = APPLIED
    target.lookup = says(200, {"status": "applied", "document": "very late"})
    batch = await bench.act(Action.REPLAY, tx)
    assert batch.counts["processed"] == 1
    row = await bench.row(tx)
    assert (row.status, row.document) == (Status.PROCESSED, "very late")
    assert len(target.received) == 1, "asked, and not sent again"


async def test_what_is_still_not_there_is_sent_once_more(bench, target) -> None:
    target.deliver, target.lookup = drop, ABSENT
    tx = await bench.send("consumption", event="e1", order="1")
    await bench.until(tx, Status.FAILED, within=30)
    target.deliver, target.lookup = APPLIED, None
    asked = len(target.asked)
    await bench.act(Action.REPLAY, tx)
    assert (await bench.row(tx)).status == Status.PROCESSED
    assert len(target.received) == 2
    assert len(target.asked) > asked


async def test_a_target_that_says_not_posted_and_has_is_asked_before_it_gets_it_again(bench, target) -> None:
    """It lies the other way round: the posting is there, and its first answers deny it."""
    target.deliver, target.lookup = drop, ABSENT
    tx = await bench.send("consumption", event="e1", order="1")
    row = await bench.until(tx, Status.FAILED, within=30)
    assert row.failure_kind == FailureKind.TIMEOUT
    # Its answer now names other content under our key: that is refused, never overwritten.
    target.lookup = says(200, {"status": "applied", "sha256": "0" * 64, "document": "77"})
    target.deliver = APPLIED
    await bench.act(Action.REPLAY, tx)
    row = await bench.row(tx)
    assert (row.status, row.failure_code) == (Status.FAILED, "applied-unknown-content")
    assert len(target.received) == 1


async def test_what_was_unclear_before_its_breaker_opened_is_unclear_after_it_waited_too_long(bench, target) -> None:
    """A delivery with an unclear end waits behind an open breaker until it fails: a replay asks before it sends."""
    tx = await bench.send("consumption", event="e1", order="1")
    await bench.until(tx, Status.PROCESSED)
    moment = to_micros(bench.clock.now())
    held = {"status": Status.HELD, "hold_kind": "breaker", "waiting_on": "breaker ERP", "definitive": 0,
            "due_next": moment}  # fmt: skip
    await bench.database.write(lambda c: c.execute(update(transactions).values(**held)))
    await bench.database.write(lambda c: c.execute(update(ledger).values(applied_at=None)))  # nobody has told us
    bench.engine._wake.set()
    row = await bench.until(tx, Status.FAILED, within=30)
    assert (row.failure_code, row.definitive) == ("breaker-open", 0)
    asked = len(target.asked)
    await bench.act(Action.REPLAY, tx)
    assert (await bench.row(tx)).status == Status.PROCESSED
    assert len(target.received) == 1
    assert len(target.asked) == asked + 1


async def test_a_target_without_an_address_leaves_what_is_unclear_unclear(bench, target) -> None:
    target.deliver = says(500, {"message": "oops"})
    slow = msgspec.structs.replace(bench.profile, backoff=0.2, backoff_limit=0.2)
    bench.engine._finisher._profile = slow
    tx = await bench.send("consumption", event="e1", order="1")
    row = await bench.until(tx, Status.RETRYING, Status.IN_DOUBT, Status.FAILED)
    if row.status == Status.RETRYING and not row.definitive:
        bench.landscape.use_addresses({})
        row = await bench.until(tx, Status.FAILED, within=30)
        assert (row.failure_code, row.definitive) == ("no-address", 0)
