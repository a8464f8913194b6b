"""What was written and never used goes after a month; what anything needs stays."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import select, update

from hub.edits.making import merged
from hub.edits.stored import base_of, keep_draft
from hub.edits.tidying import UNUSED_AFTER, Tidier, find, remove
from hub.store.journal import upsert
from hub.store.schema import audit, drafts, payloads, planned_edits, plans, revisions, timeline, transactions
from hub.store.transitions import fetch
from transactions.canonical import sha256_bytes
from transactions.edits import Step
from transactions.model import Status
from transactions.plans import Action, PlanState

LONG = UNUSED_AFTER + timedelta(days=2)
RIGHT = [Step(op="add", path="/unit", value="KG")]


async def reject(_request: web.Request, _body: bytes) -> web.StreamResponse:
    return web.json_response({"error": {"code": "M7053", "message": "closed"}}, status=422)


async def failed(bench: Any, target: Any, event: str = "e1") -> str:
    target.deliver = reject
    tx = await bench.send("report", event=event, order="o1")
    await bench.until(tx, Status.FAILED)
    return tx


async def draft(bench: Any, tx: str, **document: str) -> str:
    content, now = json.dumps({"event": "e1", "order": "o1", **document}).encode(), bench.clock.now()

    def store(connection: Any) -> None:
        row = fetch(connection, tx)
        made = merged(base_of(connection, row), content, "application/json", bench.landscape)
        keep_draft(connection, row, made, "kim", "unit is KG", now)

    await bench.database.write(store)
    return sha256_bytes(content)


async def rows(bench: Any, question: Any) -> list[Any]:
    return await bench.database.read(lambda c: list(c.execute(question).all()))


async def there(bench: Any, digest: str) -> bool:
    return bool(await rows(bench, select(payloads.c.sha256).where(payloads.c.sha256 == digest)))


async def tidy(bench: Any, later: timedelta = LONG) -> int:
    now = bench.clock.now() + later
    found = await bench.database.read(lambda c: find(c, now))
    await bench.database.write(lambda c: remove(c, found, now))
    return found.count


async def test_a_draft_that_nobody_used_for_a_month_goes_and_its_transaction_says_so(bench, target) -> None:
    tx = await failed(bench, target)
    digest = await draft(bench, tx, unit="KG")
    before = await bench.row(tx)
    assert await tidy(bench, UNUSED_AFTER - timedelta(days=1)) == 0
    assert await there(bench, digest)
    assert await tidy(bench) == 1
    assert await rows(bench, select(drafts)) == []
    assert not await there(bench, digest)
    after = await bench.row(tx)
    assert (after.status, after.payload_sha256, after.version) == (
        before.status, before.payload_sha256, before.version + 1)  # fmt: skip
    told = [row.text for row in await rows(bench, select(timeline.c.text).where(timeline.c.tx_id == tx))]
    assert "The draft of kim was removed: nobody used it for 30 days" in told
    (entry,) = await rows(bench, select(audit).where(audit.c.action == "payload.draft-removed"))
    assert (entry.actor, entry.subject, json.loads(entry.before)["sha256"]) == ("hub", tx, digest)
    assert await tidy(bench) == 0


@pytest.mark.parametrize("state", [PlanState.PLANNED, PlanState.AWAITING_APPROVAL, PlanState.REJECTED])
async def test_what_a_plan_that_never_ran_would_have_sent_goes_a_month_after_it_expired(bench, target, state) -> None:
    tx = await failed(bench, target)
    plan = await bench.plan(Action.EDIT, tx, patch=RIGHT)
    await bench.database.write(lambda c: c.execute(update(plans).values(state=state)))
    digest = plan.edits[0].sha256
    assert await tidy(bench, UNUSED_AFTER) == 0, "it was valid for a day after it was made"
    assert await tidy(bench) == 1
    assert await rows(bench, select(planned_edits)) == []
    assert not await there(bench, digest)
    assert (await bench.stored(plan.hash)).edits == plan.edits, "the plan itself, and its hash, stay"


async def test_what_ran_keeps_its_documents_for_ever(bench, target) -> None:
    tx = await failed(bench, target)
    batch = await bench.act(Action.EDIT, tx, patch=RIGHT)
    assert batch.counts["failed"] == 1
    assert await tidy(bench, timedelta(days=4_000)) == 0
    assert len(await rows(bench, select(planned_edits))) == 1
    for row in await rows(bench, select(revisions.c.sha256).where(revisions.c.tx_id == tx)):
        assert await there(bench, row.sha256)


async def test_a_content_that_something_else_has_stays(bench, target) -> None:
    """One document may stand in several places: here in a draft that goes, and in a plan that is in force."""
    tx = await failed(bench, target)
    digest = await draft(bench, tx, unit="KG")
    now = bench.clock.now() + LONG
    await bench.plan(Action.EDIT, tx)
    await bench.database.write(lambda c: c.execute(update(plans).values(expires_at=2**62)))
    found = await bench.database.read(lambda c: find(c, now))
    await bench.database.write(lambda c: remove(c, found, now))
    assert await rows(bench, select(drafts)) == []
    assert await there(bench, digest)


async def test_what_came_between_looking_and_removing_counts(bench, target) -> None:
    tx = await failed(bench, target)
    digest = await draft(bench, tx, unit="KG")
    now = bench.clock.now() + LONG
    found = await bench.database.read(lambda c: find(c, now))
    assert found.free == [digest]
    other = await failed(bench, target, "e2")

    def same(connection: Any) -> None:
        connection.execute(upsert("sqlite", payloads).on_conflict_do_nothing(), {"sha256": digest, "content": b"x"})
        connection.execute(update(transactions).where(transactions.c.id == other).values(payload_sha256=digest))

    await bench.database.write(same)
    await bench.database.write(lambda c: remove(c, found, now))
    assert await there(bench, digest)


async def test_a_draft_that_was_written_anew_in_the_meantime_stays(bench, target) -> None:
    tx = await failed(bench, target)
    await draft(bench, tx, unit="KG")
    now = bench.clock.now() + LONG
    found = await bench.database.read(lambda c: find(c, now))
    newer = await draft(bench, tx, unit="G")
    await bench.database.write(lambda c: remove(c, found, now))
    (left,) = await rows(bench, select(drafts))
    assert left.sha256 == newer
    assert await there(bench, newer)


async def test_the_hub_does_it_by_itself_from_its_start(bench, target) -> None:
    class Later:
        def now(self) -> Any:
            return bench.clock.now() + LONG

    tx = await failed(bench, target)
    digest = await draft(bench, tx, unit="KG")
    tidier = Tidier(bench.database, Later())
    tidier.start()
    try:
        async with asyncio.timeout(30):
            while await there(bench, digest):
                await asyncio.sleep(0.01)
    finally:
        await tidier.close()
    assert await rows(bench, select(drafts)) == []
