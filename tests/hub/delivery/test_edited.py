"""Revisions under one key: what the target applied is named, whichever was sent last."""

from __future__ import annotations

import hashlib

from aiohttp import web
from sqlalchemy import select

from hub.store.schema import ledger, timeline
from transactions.edits import Step
from transactions.model import Status
from transactions.plans import Action


def says(status: int, body: object):
    async def answer(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response(body, status=status)

    return answer


REJECTED = says(422, {"error": {"code": "BM311", "message": "no such unit"}})
KG = [Step(op="set", path="$.unit", value="KG")]


async def edited(bench, target, then) -> str:
    target.deliver = REJECTED
    tx = await bench.send("report", event="e1", order="o1", unit="KIL")
    await bench.until(tx, Status.FAILED)
    target.deliver = then
    return tx


async def test_an_older_revision_that_was_applied_after_all_closes_it_and_is_named(bench, target) -> None:
    """The target said no, posted the first revision all the same, and then says that it has it."""
    tx = await edited(bench, target, says(200, {"status": "duplicate", "document": "4900000003"}))
    first = target.received[0][1]

    async def has_the_first(_request: web.Request, _body: bytes) -> web.StreamResponse:
        digest = hashlib.sha256(first).hexdigest()
        return web.json_response({"status": "applied", "sha256": digest, "document": "4900000003"})

    target.lookup = has_the_first
    await bench.run(await bench.plan(Action.EDIT, tx, patch=KG))
    row = await bench.until(tx, Status.PROCESSED)
    assert row.document == "4900000003"
    rows = await bench.database.read(lambda c: c.execute(select(ledger).order_by(ledger.c.revision)).all())
    assert [(each.revision, each.applied_at is not None) for each in rows] == [(1, True), (2, False)]
    told = await bench.database.read(lambda c: c.execute(select(timeline.c.text)).scalars().all())
    assert "ERP posted revision 1 of it (and not revision 2) as 4900000003" in told


async def test_what_was_applied_is_not_edited_and_sent_again(bench, target) -> None:
    tx = await edited(bench, target, says(201, {"status": "applied", "document": "1"}))
    await bench.act(Action.EDIT, tx, patch=KG)
    await bench.until(tx, Status.PROCESSED)
    plan = await bench.plan(Action.EDIT, tx, patch=[Step(op="set", path="$.unit", value="G")])
    assert plan.items[0].because == "already processed"
    assert [key for key, _, _ in target.received] == [target.received[0][0]] * 2


async def test_a_lookup_without_a_hash_says_nothing_of_two_revisions(bench, target) -> None:
    tx = await edited(bench, target, says(200, {"status": "duplicate", "document": "4900000003"}))
    target.lookup = says(200, {"status": "applied", "document": "4900000003"})
    await bench.run(await bench.plan(Action.EDIT, tx, patch=KG))
    row = await bench.until(tx, Status.IN_DOUBT)
    assert "other content" in row.failure_message


async def test_an_empty_document_is_never_sent(bench, target) -> None:
    tx = await edited(bench, target, says(201, {"status": "applied"}))
    plan = await bench.plan(Action.EDIT, tx, patch=[Step(op="remove", path="")])
    assert "cannot be removed" in (plan.items[0].because or "")
