"""What a plan decides for each transaction: every status, every reason."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import update

from hub.store.schema import ledger, payloads, transactions
from transactions.model import Status
from transactions.plans import Action, Verdict
from transactions.states import Event, allowed


def says(status: int, body: object = None):
    async def answer(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response(body, status=status)

    return answer


REJECTED = says(422, {"error": {"code": "M7053", "message": "closed"}})


async def failed(bench, target, flow: str = "report", **document: str) -> str:
    target.deliver = REJECTED
    tx = await bench.send(flow, **(document or {"event": "e1"}))
    await bench.until(tx, Status.FAILED)
    target.received.clear()
    target.deliver = says(201, {"status": "applied", "document": "1"})
    return tx


async def put(bench, tx: str, **values: Any) -> None:
    """Set columns of a row directly, for states that no short story leads to."""
    await bench.database.write(
        lambda c: c.execute(update(transactions).where(transactions.c.id == tx).values(due_next=None, **values))
    )


async def verdict(bench, action: Action, tx: str, **options: Any) -> tuple[Verdict, str | None]:
    (item,) = (await bench.plan(action, tx, **options)).items
    return item.verdict, item.because


@pytest.mark.parametrize("status", list(Status))
async def test_only_a_failed_one_is_replayed_and_the_others_say_why_not(bench, target, status) -> None:
    tx = await failed(bench, target)
    await put(bench, tx, status=status)
    found, because = await verdict(bench, Action.REPLAY, tx)
    if status is Status.FAILED:
        assert (found, because) == (Verdict.SEND, None)
        return
    assert found is Verdict.REFUSED
    wanted = {
        Status.IN_DOUBT: "resolve it first",
        Status.SENT: "being looked up",
        Status.PARKED: "repair it there",
        Status.PARTLY_PROCESSED: "would double",
        Status.PROCESSED: "already processed",
        Status.DISCARDED: "restore it first",
    }
    assert because
    assert wanted.get(status, "") in because


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("action", [Action.DISCARD, Action.RESTORE])
async def test_discard_and_restore_follow_the_table(bench, target, status, action) -> None:
    """In-doubt and sent ones, above all, cannot be discarded: nobody knows yet what would be given up."""
    tx = await failed(bench, target)
    await put(bench, tx, status=status)
    found, because = await verdict(bench, action, tx)
    event = {Action.DISCARD: Event.DISCARD, Action.RESTORE: Event.RESTORE}[action]
    assert (found is Verdict.SEND) is bool(allowed(status, event))
    if status in (Status.IN_DOUBT, Status.SENT, Status.DELIVERING):
        assert found is Verdict.REFUSED
        assert status in (because or "")


async def test_what_the_target_applied_already_is_a_duplicate(bench, target) -> None:
    """The ledger knows better than the status: it was applied under this key, whatever was said later."""
    tx = await failed(bench, target)
    await bench.database.write(lambda c: c.execute(update(ledger).values(applied_at=1, document="4900000001")))
    found, because = await verdict(bench, Action.REPLAY, tx)
    assert found is Verdict.DUPLICATE
    assert "4900000001 (revision 1)" in (because or "")
    batch = await bench.act(Action.REPLAY, tx)
    assert batch.counts["skipped"] == 1
    assert target.received == []


async def test_an_empty_payload_is_never_sent(bench, target) -> None:
    tx = await failed(bench, target)
    await bench.database.write(lambda c: c.execute(update(payloads).values(content=b"")))
    found, because = await verdict(bench, Action.REPLAY, tx)
    assert found is Verdict.REFUSED
    assert "empty" in (because or "")


async def test_what_may_have_been_applied_at_a_target_that_cannot_be_asked_is_refused(bench, target) -> None:
    tx = await failed(bench, target, "notice", event="n1")
    assert (await verdict(bench, Action.REPLAY, tx))[0] is Verdict.SEND  # it was rejected: certainly not applied
    await put(bench, tx, definitive=0)
    found, because = await verdict(bench, Action.REPLAY, tx)
    assert found is Verdict.REFUSED
    assert "cannot be asked" in (because or "")


async def test_a_claimed_one_is_refused_and_names_who_holds_it(bench, target) -> None:
    tx = await failed(bench, target)
    arrived, gate = asyncio.Event(), asyncio.Event()

    async def wait(_request: web.Request, _body: bytes) -> web.StreamResponse:
        arrived.set()
        await gate.wait()
        return web.json_response({"status": "applied"}, status=201)

    target.deliver = wait
    earlier = await bench.plan(Action.REPLAY, tx, reason="the second of two")
    batch = await bench.run(await bench.plan(Action.REPLAY, tx))
    await asyncio.wait_for(arrived.wait(), 5)
    for action in (Action.REPLAY, Action.DISCARD):
        found, because = await verdict(bench, action, tx)
        assert found is Verdict.REFUSED
        assert batch.id in (because or "")
    second = await bench.finished((await bench.run(earlier)).id)
    (item,) = await bench.items(second.id)
    assert item.state == "skipped"
    assert batch.id in item.reason
    gate.set()
    assert (await bench.finished(batch.id)).counts["processed"] == 1
    assert len(target.received) == 1


async def test_a_newer_version_that_was_applied_supersedes_and_can_be_overruled(bench, target) -> None:
    old = await failed(bench, target, "plan", plan="A", version="1")
    new = await bench.send("plan", plan="A", version="2")
    await bench.until(new, Status.PROCESSED)
    found, because = await verdict(bench, Action.REPLAY, old)
    assert found is Verdict.SUPERSEDED
    assert new in (because or "")
    assert (await verdict(bench, Action.REPLAY, old, force_superseded=True))[0] is Verdict.SEND


async def test_what_waits_behind_another_is_sent_with_it_and_not_without(bench, target) -> None:
    first = await failed(bench, target, "consumption", event="e1", order="1")
    await bench.act(Action.DISCARD, first)
    second = await failed(bench, target, "consumption", event="e2", order="1")
    await bench.act(Action.RESTORE, first)
    found, because = await verdict(bench, Action.REPLAY, second)
    assert found is Verdict.HELD_BEHIND
    assert first in (because or "")
    together = await bench.plan(Action.REPLAY, second, first)
    assert [item.verdict for item in together.items] == [Verdict.SEND, Verdict.SEND]
    batch = await bench.finished((await bench.run(together)).id)
    assert batch.counts["processed"] == 2
    assert [key.split(":")[3] for key in target.keys_sent()] == ["e1", "e2"]


async def test_what_requires_a_failed_one_is_held_behind_it(bench, target) -> None:
    first = await failed(bench, target, "consumption", event="e1", order="1")
    await bench.act(Action.DISCARD, first)
    receipt = await failed(bench, target, "receipt", event="r1", order="1")
    await bench.act(Action.RESTORE, first)
    found, because = await verdict(bench, Action.REPLAY, receipt)
    assert found is Verdict.HELD_BEHIND
    assert "requires consumption" in (because or "")
    together = await bench.plan(Action.REPLAY, receipt, first)
    assert together.verdicts["send"] == 2


async def test_restoring_leads_back_to_where_it_was_and_failed_where_that_was_moving(bench, target) -> None:
    await bench.act(Action.HOLD, target="ERP")
    held = await bench.send("report", event="h1")
    await bench.until(held, Status.HELD)
    await bench.act(Action.DISCARD, held)
    await bench.act(Action.RESTORE, held)
    row = await bench.row(held)
    assert (row.status, row.hold_kind, row.blocked_by) == (Status.FAILED, None, None)
    await bench.act(Action.RELEASE, target="ERP")
    target.deliver = says(200, {"status": "parked", "document": "C1", "code": "COGI", "message": "x"})
    target.lookup = says(200, {"status": "parked"})
    parked = await bench.send("consumption", event="p1", order="9")
    await bench.until(parked, Status.PARKED)
    await bench.act(Action.DISCARD, parked)
    await bench.act(Action.RESTORE, parked)
    assert (await bench.row(parked)).status == Status.PARKED
    assert (await verdict(bench, Action.REPLAY, parked))[0] is Verdict.REFUSED
