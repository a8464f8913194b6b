"""Compensation: reversals as transactions of their own, delivered like any other, and what is left when they fail."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from aiohttp import web
from sqlalchemy import select, update

from hub.recovery import batches
from hub.recovery.batches import upcoming
from hub.recovery.reversals import reversal_key
from hub.store.schema import reversals, transactions
from transactions.batches import BatchState
from transactions.edits import Step
from transactions.errors import Invalid
from transactions.model import Status
from transactions.plans import Action, Verdict


async def posted(bench: Any, count: int = 1, flow: str = "consumption", process: str = "P-1") -> list[Any]:
    rows = []
    for n in range(count):
        tx = await bench.send(flow, headers={"ce-correlationid": process}, event=f"{process}{flow}{n}", order=process)
        rows.append(await bench.until(tx, Status.PROCESSED))
    return rows


async def reversal_of(bench: Any, tx: str) -> Any:
    return await bench.database.read(
        lambda c: c.execute(
            select(transactions)
            .join(reversals, reversals.c.tx_id == transactions.c.id)
            .where(reversals.c.original == tx)
        ).first()
    )


async def only(bench: Any, tx: str, **options: Any) -> tuple[Verdict, str]:
    (item,) = (await bench.plan(Action.COMPENSATE, tx, **options)).items
    return item.verdict, item.because or ""


async def test_a_reversal_is_a_transaction_with_the_original_as_its_cause(bench, erp) -> None:
    (row,) = await posted(bench)
    batch = await bench.act(Action.COMPENSATE, row.id, reason="wrong lot")
    assert (batch.state, batch.counts["processed"]) == (BatchState.DONE, 1)
    reversal = await reversal_of(bench, row.id)
    assert (reversal.causation_id, reversal.correlation_id, reversal.lane) == (row.id, row.correlation_id, row.lane)
    assert (reversal.status, reversal.idempotency_key) == ("processed", f"reverse:{row.idempotency_key}")
    ((key, body, under),) = erp.reversed
    assert (key, under) == (row.idempotency_key, reversal.idempotency_key)
    assert body["reverses"]["document"] == row.document
    assert body["reason"] == "wrong lot"
    assert (await bench.row(row.id)).status == Status.COMPENSATED


async def test_a_process_is_reversed_newest_first_one_at_a_time(bench, erp) -> None:
    rows = await posted(bench, 4)
    other = (await posted(bench, 1, process="P-2"))[0]
    plan = await bench.plan(Action.COMPENSATE, rows[1].id, process=True)
    assert [item.id for item in plan.items] == [row.id for row in reversed(rows)]
    batch = await bench.finished((await bench.run(plan)).id)
    assert batch.counts["processed"] == 4
    assert erp.keys == [row.idempotency_key for row in reversed(rows)]
    assert (await bench.row(other.id)).status == Status.PROCESSED


async def test_each_is_asked_what_followed_it_when_planned_and_again_before_it_is_reversed(bench, erp) -> None:
    (row,) = await posted(bench)
    plan = await bench.plan(Action.COMPENSATE, row.id)
    assert erp.asked_follows == [row.idempotency_key]
    erp.follows[row.idempotency_key] = [{"kind": "shipped", "text": "Lot L1 was shipped", "document": "80"}]
    batch = await bench.finished((await bench.run(plan)).id)
    assert batch.counts["skipped"] == 1
    assert erp.reversed == []
    (item,) = await bench.items(batch.id)
    assert "Lot L1 was shipped as document 80. Reverse that first" in item.reason
    assert (await bench.row(row.id)).status == Status.PROCESSED


async def test_what_followed_and_is_in_the_plan_is_reversed_first(bench, erp) -> None:
    first, second = await posted(bench, 2)
    erp.follows[first.idempotency_key] = [{"kind": "confirmed", "text": "Confirmed", "key": second.idempotency_key}]
    assert (await only(bench, first.id))[0] is Verdict.REFUSED
    plan = await bench.plan(Action.COMPENSATE, first.id, second.id)
    assert [item.verdict for item in plan.items] == [Verdict.SEND, Verdict.SEND]


async def test_what_cannot_be_reversed_holds_back_what_is_older(bench, erp) -> None:
    first, second = await posted(bench, 2)
    erp.follows[second.idempotency_key] = [{"kind": "shipped", "text": "It was shipped"}]
    plan = await bench.plan(Action.COMPENSATE, first.id, second.id)
    assert [item.verdict for item in plan.items] == [Verdict.REFUSED, Verdict.HELD_BEHIND]
    assert "newest first" in (plan.items[1].because or "")


async def test_where_nobody_says_what_followed_nothing_is_reversed(bench, erp) -> None:
    (row,) = await posted(bench)
    erp.silent = True
    found, because = await only(bench, row.id)
    assert found is Verdict.REFUSED
    assert "could not be asked what followed" in because


async def test_a_closed_period_wants_a_day_in_an_open_one(bench, erp) -> None:
    (row,) = await posted(bench)
    erp.follows[row.idempotency_key] = [{"kind": "period-closed", "text": "The period is closed"}]
    found, because = await only(bench, row.id)
    assert found is Verdict.REFUSED
    assert "--date" in because
    erp.follows.clear()
    await bench.act(Action.COMPENSATE, row.id, date="2026-12-01")
    assert erp.reversed[0][1]["date"] == "2026-12-01"


async def test_a_day_that_does_not_exist_is_refused(bench, erp) -> None:
    with pytest.raises(Invalid, match="no day"):
        await bench.plan(Action.COMPENSATE, "x", date="2026-02-30")


async def test_the_one_that_fails_stops_the_older_ones_and_says_what_is_left_to_do(bench, erp) -> None:
    first, second, third = await posted(bench, 3)
    erp.refuse[second.idempotency_key] = web.json_response(
        {"error": {"code": "BS013", "message": "order closed"}}, status=409
    )
    batch = await bench.act(Action.COMPENSATE, first.id, process=True)
    assert (batch.counts["processed"], batch.counts["failed"], batch.counts["skipped"]) == (1, 1, 1)
    assert erp.keys == [third.idempotency_key]
    left = await bench.row(second.id)
    assert left.status == Status.COMPENSATION_FAILED
    assert left.waiting_on == f"by hand: in ERP, reverse document {second.document} (262); or compensate it again"
    assert "order closed" in left.failure_message
    assert (await bench.row(first.id)).status == Status.PROCESSED
    assert f"not begun: {second.id}" in next(i.reason for i in await bench.items(batch.id) if i.tx_id == first.id)


async def test_it_is_compensated_again_under_the_same_key(bench, erp) -> None:
    (row,) = await posted(bench)
    erp.refuse[row.idempotency_key] = web.json_response({"error": {"code": "X", "message": "no"}}, status=422)
    await bench.act(Action.COMPENSATE, row.id)
    failed = await reversal_of(bench, row.id)
    erp.refuse.clear()
    await bench.act(Action.COMPENSATE, row.id, date="2026-12-01")
    again = await reversal_of(bench, row.id)
    assert (again.id, again.revision, again.status) == (failed.id, 2, "processed")
    assert (await bench.row(row.id)).status == Status.COMPENSATED


async def test_replaying_the_reversal_itself_closes_the_original(bench, erp) -> None:
    (row,) = await posted(bench)
    erp.refuse[row.idempotency_key] = web.json_response({"error": {"code": "X", "message": "no"}}, status=422)
    await bench.act(Action.COMPENSATE, row.id)
    erp.refuse.clear()
    await bench.act(Action.REPLAY, (await reversal_of(bench, row.id)).id)
    assert (await bench.row(row.id)).status == Status.COMPENSATED


async def test_a_reversal_without_an_answer_is_looked_up_and_not_sent_twice(bench, erp) -> None:
    (row,) = await posted(bench)
    erp.drop.add(row.idempotency_key)
    batch = await bench.act(Action.COMPENSATE, row.id)
    assert batch.counts["processed"] == 1
    assert len(erp.reversed) == 1


async def test_nobody_is_asked_about_an_older_one_while_a_newer_one_is_being_reversed(bench, erp) -> None:
    """What followed it is there still, and would be taken for a reason to leave it."""
    rows = await posted(bench, 3)
    erp.hold_after = 1
    batch = await bench.run(await bench.plan(Action.COMPENSATE, rows[0].id, process=True))
    await asyncio.wait_for(erp.held.wait(), 30)
    assert await bench.database.read(lambda c: upcoming(c, batch.id, 10)) == []
    erp.go.set()
    assert (await bench.finished(batch.id)).counts["processed"] == 3
    assert await bench.database.read(lambda c: upcoming(c, batch.id, 10)) == []


@pytest.mark.parametrize("cut", [0, 1, 2])
async def test_after_an_end_in_the_middle_it_goes_on_and_reverses_nothing_twice(bench, erp, cut) -> None:
    rows = await posted(bench, 3)
    erp.hold_after = cut + 1
    plan = await bench.plan(Action.COMPENSATE, rows[0].id, process=True)
    batch = await bench.run(plan)
    await asyncio.wait_for(erp.held.wait(), 30)
    await bench.runner.close()
    await bench.engine.close(patience=0.0)
    erp.go.set()
    bench.make()
    await bench.start()
    ended = await bench.finished(batch.id)
    assert ended.counts["processed"] == 3
    assert erp.keys == [row.idempotency_key for row in reversed(rows)]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status.FAILED, "not applied"),
        (Status.IN_DOUBT, "resolve it first"),
        (Status.SENT, "Wait for that"),
        (Status.PARKED, "parked"),
        (Status.DISCARDED, "never posted"),
        (Status.DUPLICATE, "posted nothing"),
        (Status.COMPENSATED, "already"),
        (Status.COMPENSATING, "right now"),
        (Status.PENDING, "nothing of it is posted"),
    ],
)
async def test_only_what_is_posted_is_compensated(bench, erp, status, words) -> None:
    (row,) = await posted(bench)
    await bench.database.write(
        lambda c: c.execute(update(transactions).where(transactions.c.id == row.id).values(status=status))
    )
    found, because = await only(bench, row.id)
    assert found is Verdict.REFUSED
    assert words in because


async def test_a_flow_without_reversal_says_what_to_do_by_hand(bench, erp) -> None:
    flow = bench.landscape.catalogue.flow["report"]
    bench.landscape.catalogue.flow["report"] = msgspec.structs.replace(flow, reversal="none: send a correcting report")
    (row,) = await posted(bench, flow="report")
    assert await only(bench, row.id) == (
        Verdict.REFUSED,
        "report has no reversal. By hand: send a correcting report",
    )


async def test_a_reversal_is_neither_reversed_nor_reopened(bench, erp) -> None:
    (row,) = await posted(bench)
    await bench.act(Action.COMPENSATE, row.id)
    reversal = await reversal_of(bench, row.id)
    assert "reversal itself" in (await only(bench, reversal.id))[1]
    (item,) = (await bench.plan(Action.REOPEN, reversal.id)).items
    assert "it is a reversal" in (item.because or "")


async def test_a_source_that_names_its_key_like_a_reversal_is_none(bench, erp) -> None:
    tx = await bench.send("report", headers={"idempotency-key": "reverse:mine"}, event="e", order="1")
    await bench.until(tx, Status.PROCESSED)
    assert erp.reversed == []
    squatted = await bench.send("report", headers={"idempotency-key": "mine"}, event="f", order="2")
    await bench.until(squatted, Status.PROCESSED)
    assert tx in (await only(bench, squatted))[1]


async def test_what_is_new_in_the_lane_waits_for_the_reversal(bench, erp) -> None:
    (row,) = await posted(bench)
    erp.refuse[row.idempotency_key] = web.json_response({"error": {"code": "X", "message": "no"}}, status=422)
    await bench.act(Action.COMPENSATE, row.id)
    new = await bench.send("consumption", event="new", order="P-1")
    await bench.until(new, Status.HELD)
    erp.refuse.clear()
    await bench.act(Action.COMPENSATE, row.id)
    await bench.until(new, Status.PROCESSED)


async def test_what_has_failed_in_the_lane_does_not_keep_it_from_being_undone(bench, erp) -> None:
    (row,) = await posted(bench)
    failed = await bench.send("consumption", event="bad", order="P-1")
    await bench.until(failed, Status.PROCESSED)
    await bench.database.write(
        lambda c: c.execute(
            update(transactions).where(transactions.c.id == failed).values(status=Status.FAILED, definitive=1)
        )
    )
    assert (await bench.act(Action.COMPENSATE, row.id)).counts["processed"] == 1


async def test_resolved_by_hand_after_its_reversal_failed(bench, erp) -> None:
    (row,) = await posted(bench)
    erp.refuse[row.idempotency_key] = web.json_response({"error": {"code": "X", "message": "no"}}, status=422)
    await bench.act(Action.COMPENSATE, row.id)
    (item,) = (await bench.plan(Action.RESOLVE, row.id, resolve_as="not-applied", evidence="x")).items
    assert item.verdict is Verdict.REFUSED
    await bench.act(Action.RESOLVE, row.id, resolve_as="applied", evidence="reversed by hand as 4900000099")
    assert (await bench.row(row.id)).status == Status.RESOLVED


async def test_cancelling_leaves_the_rest_as_it_was(bench, erp) -> None:
    rows = await posted(bench, 3)
    batch = await bench.begin(await bench.plan(Action.COMPENSATE, rows[0].id, process=True))
    await bench.database.write(lambda c: batches.cancel(c, batch.id, "ann", bench.clock.now()))
    assert {(await bench.row(row.id)).status for row in rows} == {"processed"}
    assert erp.reversed == []


def test_keys_of_reversals_are_told_apart_however_long() -> None:
    long = "k" * 255
    assert reversal_key("a") == "reverse:a"
    assert len(reversal_key(long)) <= 255
    assert reversal_key(long) != reversal_key("k" * 254)


async def test_a_reversal_that_people_hold_back_is_told_and_goes_when_that_is_released(bench, erp) -> None:
    (row,) = await posted(bench)
    await bench.act(Action.HOLD, target="ERP", reason="stock count")
    plan = await bench.plan(Action.COMPENSATE, row.id)
    (item,) = plan.items
    assert (item.verdict, item.runs) == (Verdict.HELD_BEHIND, True)
    assert (item.because or "").startswith("reverses document 4711 in ERP (262). hold by ann: stock count, since 20")
    batch = await bench.run(plan)
    (waiting,) = await bench.items_when(batch.id, lambda items: items[0].reason is not None)
    assert (waiting.state, waiting.status) == ("intended", Status.COMPENSATING)
    assert waiting.reason.endswith("waits: hold by ann: stock count")
    assert erp.reversed == []
    await bench.act(Action.RELEASE, target="ERP")
    assert (await bench.finished(batch.id)).counts["processed"] == 1
    assert (await bench.row(row.id)).status == Status.COMPENSATED


async def test_a_hold_of_a_flow_does_not_hold_back_what_sets_it_right(bench, erp) -> None:
    (row,) = await posted(bench)
    await bench.act(Action.HOLD, flow="consumption")
    assert (await only(bench, row.id))[0] is Verdict.SEND


async def test_what_a_hold_keeps_does_not_stand_in_the_way_of_what_is_older(bench, erp) -> None:
    rows = await posted(bench, 2)
    await bench.act(Action.HOLD, target="ERP")
    plan = await bench.plan(Action.COMPENSATE, *(row.id for row in rows))
    assert [item.waits for item in plan.items] == [True, True]


async def test_a_reversal_does_not_wait_for_what_waits_for_it(bench, erp) -> None:
    """What came later in the lane and has not left waits for the one that is reversed: neither would ever go on."""
    (row,) = await posted(bench)
    await bench.act(Action.HOLD, flow="consumption")
    later = await bench.send("consumption", event="later", order="P-1")
    await bench.until(later, Status.HELD)
    assert (await bench.act(Action.COMPENSATE, row.id)).counts["processed"] == 1
    await bench.act(Action.RELEASE, flow="consumption")
    await bench.until(later, Status.PROCESSED, within=30)
    assert erp.keys == [row.idempotency_key]


async def test_several_of_one_lane_are_corrected_in_one_go(bench, erp) -> None:
    """What was posted instead of the newer one does not stand in the way of reversing the older one."""
    rows = await posted(bench, 3)
    right = [Step(op="add", path="/note", value="corrected")]
    batch = await bench.act(Action.CORRECT, *(row.id for row in rows), patch=right)
    assert (batch.state, batch.counts["processed"]) == (BatchState.DONE, 6)  # three, and what is posted instead
    assert erp.keys == [row.idempotency_key for row in reversed(rows)]
    for row in rows:
        instead = await bench.database.read(
            lambda c, key=f"correct:{row.idempotency_key}": c.execute(
                select(transactions.c.id).where(transactions.c.idempotency_key == key)
            ).scalar_one()
        )
        await bench.until(instead, Status.PROCESSED, within=30)
        assert (await bench.row(row.id)).status == Status.COMPENSATED


async def test_a_reversal_that_was_discarded_is_restored_before_it_is_compensated_again(bench, erp) -> None:
    (row,) = await posted(bench)
    erp.refuse[row.idempotency_key] = web.json_response({"error": {"code": "X", "message": "no"}}, status=422)
    await bench.act(Action.COMPENSATE, row.id)
    reversal = (await reversal_of(bench, row.id)).id
    await bench.act(Action.DISCARD, reversal)
    found, because = await only(bench, row.id)
    assert (found, because) == (Verdict.REFUSED, f"its reversal {reversal} is discarded. Restore that one first")
    await bench.act(Action.RESTORE, reversal)
    erp.refuse.clear()
    await bench.act(Action.COMPENSATE, row.id)
    assert (await bench.row(row.id)).status == Status.COMPENSATED
