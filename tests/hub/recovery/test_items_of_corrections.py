"""A correction in its batch: what was posted, what reverses it, and what is posted instead, each with its state."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from hub.recovery import batches
from transactions.batches import Batch, BatchItem, BatchState, ItemState
from transactions.edits import Step
from transactions.model import Status
from transactions.people import EVERYTHING
from transactions.plans import Action

RIGHT = [Step(op="add", path="/note", value="corrected")]
REFUSED = {"error": {"code": "M7053", "message": "closed"}}


async def posted(bench: Any) -> Any:
    tx = await bench.send("consumption", event="e1", order="o1")
    return await bench.until(tx, Status.PROCESSED)


async def items(bench: Any, batch: Batch) -> list[BatchItem]:
    return await bench.database.read(
        lambda c: [
            batches.to_item(row) for row in c.execute(batches.items_of(batch).order_by(batches.batch_items.c.n)).all()
        ]
    )


async def retried(bench: Any, batch: str) -> tuple[Action, list[str]]:
    _, action, ids = await bench.database.read(lambda c: batches.failed_items(c, batch, EVERYTHING))
    return action, ids


async def test_what_is_posted_instead_is_an_item_of_the_batch_and_the_batch_waits_for_it(bench, erp) -> None:
    row = await posted(bench)
    batch = await bench.act(Action.CORRECT, row.id, patch=RIGHT)
    assert (batch.state, batch.total, batch.counts["processed"], batch.waves) == (BatchState.DONE, 2, 2, 1)
    original, instead = await items(bench, batch)
    assert (original.id, original.state, original.status) == (row.id, ItemState.PROCESSED, Status.COMPENSATED)
    assert original.reversal is not None
    assert (await bench.row(original.reversal)).causation_id == row.id
    assert (instead.corrects, instead.state, instead.status) == (row.id, ItemState.PROCESSED, Status.PROCESSED)
    assert instead.reason == "4711"
    assert (await bench.row(instead.id)).status == Status.PROCESSED


async def test_a_batch_of_another_kind_names_no_reversal_that_came_later(bench, erp) -> None:
    tx = await bench.send("consumption", event="e1", order="o1")
    row = await bench.until(tx, Status.PROCESSED)
    compensated = await bench.act(Action.COMPENSATE, row.id)
    (item,) = await items(bench, compensated)
    assert item.reversal is not None
    discarded = await bench.act(Action.DISCARD, row.id)
    (item,) = await items(bench, discarded)
    assert (item.reversal, item.corrects) == (None, None)


async def test_where_the_reversal_fails_the_rest_is_not_waited_for_and_goes_when_it_is_made_after_all(
    bench, erp
) -> None:
    row = await posted(bench)
    erp.refuse[row.idempotency_key] = web.json_response(REFUSED, status=422)
    batch = await bench.act(Action.CORRECT, row.id, patch=RIGHT)
    original, instead = await items(bench, batch)
    assert (original.state, original.status) == (ItemState.FAILED, Status.COMPENSATION_FAILED)
    assert (instead.state, instead.status) == (ItemState.SKIPPED, Status.HELD)
    assert instead.reason == f"not posted: {row.id} was not reversed"
    assert await retried(bench, batch.id) == (Action.COMPENSATE, [row.id])

    erp.refuse.clear()
    again = await bench.act(Action.COMPENSATE, row.id)
    assert again.counts["processed"] == 1
    await bench.until(instead.id, Status.PROCESSED)
    _, instead = await items(bench, batch)
    assert (instead.state, instead.status) == (ItemState.PROCESSED, Status.PROCESSED)


async def test_where_nobody_can_say_whether_it_was_reversed_the_batch_ends(bench, erp) -> None:
    row = await posted(bench)
    erp.drop.add(row.idempotency_key)
    known = erp.known

    class Forgetful(dict[str, str]):
        def get(self, key: str, default: Any = None) -> Any:
            return "0" * 64 if key.startswith("reverse:") else known.get(key, default)

    erp.known = Forgetful()
    batch = await bench.act(Action.CORRECT, row.id, patch=RIGHT)
    original, instead = await items(bench, batch)
    assert (original.state, original.status) == (ItemState.IN_DOUBT, Status.COMPENSATING)
    assert (instead.state, instead.status) == (ItemState.SKIPPED, Status.HELD)
    assert "in doubt" in (instead.reason or "")


async def test_what_is_posted_instead_and_fails_fails_in_the_batch_and_is_replayed(bench, erp) -> None:
    row = await posted(bench)
    key = f"correct:{row.idempotency_key}"
    erp.refuse_documents[key] = web.json_response(REFUSED, status=422)
    batch = await bench.act(Action.CORRECT, row.id, patch=RIGHT)
    original, instead = await items(bench, batch)
    assert (original.state, instead.state, instead.status) == (ItemState.PROCESSED, ItemState.FAILED, Status.FAILED)
    assert instead.reason == "closed"
    assert (batch.state, batch.counts["failed"]) == (BatchState.DONE, 1)
    assert await retried(bench, batch.id) == (Action.REPLAY, [instead.id])

    erp.refuse_documents.clear()
    assert (await bench.act(Action.REPLAY, instead.id)).counts["processed"] == 1
    _, instead = await items(bench, batch)
    assert instead.state is ItemState.FAILED  # the other batch tells how it went on
    assert await retried(bench, batch.id) == (Action.REPLAY, [])


async def test_what_is_posted_instead_stays_processed_in_its_batch_when_it_is_compensated_later(bench, erp) -> None:
    row = await posted(bench)
    batch = await bench.act(Action.CORRECT, row.id, patch=RIGHT)
    instead = (await items(bench, batch))[1]
    assert (await bench.act(Action.COMPENSATE, instead.id)).counts["processed"] == 1
    _, after = await items(bench, batch)
    assert (after.state, after.status) == (ItemState.PROCESSED, Status.PROCESSED)


async def test_cancelling_does_not_take_back_what_was_begun(bench, erp) -> None:
    """The reversal is under way: what is to be posted instead follows it, or the target would have neither."""
    row = await posted(bench)
    erp.hold_after = 1
    batch = await bench.run(await bench.plan(Action.CORRECT, row.id, patch=RIGHT))
    await erp.held.wait()
    now = bench.clock.now()
    await bench.database.write(lambda c: batches.cancel(c, batch.id, "ann", now))
    erp.go.set()
    original, instead = [item.tx_id for item in await bench.items(batch.id)]
    await bench.until(original, Status.COMPENSATED, within=30)
    await bench.until(instead, Status.PROCESSED, within=30)
    found = await items(bench, batch)
    assert [item.state for item in found] == [ItemState.PROCESSED, ItemState.PROCESSED]


async def test_edits_that_failed_are_replayed_and_not_edited_again(bench, erp) -> None:
    """The new document is in use by then: the patch, applied to it once more, could change it again."""
    erp.refuse_all = True
    tx = await bench.send("consumption", event="e1", order="o1")
    await bench.until(tx, Status.FAILED)
    batch = await bench.act(Action.EDIT, tx, patch=RIGHT)
    assert batch.counts["failed"] == 1
    assert await retried(bench, batch.id) == (Action.REPLAY, [tx])


async def test_what_waits_for_something_that_waits_for_people_is_not_waited_for(bench, erp) -> None:
    """Ahead in the lane one is held behind one that failed: nobody knows when it goes on."""
    row = await posted(bench)
    erp.refuse_all = True
    stuck = await bench.send("consumption", event="e2", order="o1")
    await bench.until(stuck, Status.FAILED)
    behind = await bench.send("consumption", event="e3", order="o1")
    await bench.until(behind, Status.HELD)
    erp.refuse_all = False
    batch = await bench.act(Action.CORRECT, row.id, patch=RIGHT)
    original, instead = await items(bench, batch)
    assert (original.state, original.status) == (ItemState.PROCESSED, Status.COMPENSATED)
    assert (instead.state, instead.status) == (ItemState.SKIPPED, Status.HELD)
    assert "ahead of it" in (instead.reason or "")
    await bench.act(Action.DISCARD, stuck)
    await bench.until(instead.id, Status.PROCESSED, within=30)
    _, instead = await items(bench, batch)
    assert instead.state is ItemState.PROCESSED
