"""What people hold back is planned all the same: the plan says who holds it and why, and it goes when that is over."""

from __future__ import annotations

import msgspec
import pytest
from aiohttp import web

from hub.recovery import batches
from transactions.batches import BatchState, ItemState
from transactions.model import Status
from transactions.plans import Action, Plan, Verdict, check_unaltered


def says(status: int, body: object = None):
    async def answer(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response(body, status=status)

    return answer


REJECTED = says(422, {"error": {"code": "M7053", "message": "closed"}})
APPLIED = says(201, {"status": "applied", "document": "1"})


async def failed(bench, target, plant: str = "P01", flow: str = "report", **document: str) -> str:
    target.deliver = REJECTED
    tx = await bench.send(flow, plant, **(document or {"event": f"e{plant}"}))
    await bench.until(tx, Status.FAILED)
    target.deliver = APPLIED
    target.received.clear()
    return tx


def are(*wanted: tuple[ItemState, Status]):
    """Whether items of a batch are so."""
    return lambda items: [(item.state, item.status) for item in items] == list(wanted)


@pytest.mark.parametrize("place", [{"target": "ERP"}, {"plant": "P01"}, {"flow": "report"}])
async def test_the_plan_says_who_holds_it_and_why_and_it_goes_when_that_is_released(bench, target, place) -> None:
    tx = await failed(bench, target)
    await bench.act(Action.HOLD, reason="stock count", **place)
    plan = await bench.plan(Action.REPLAY, tx)
    (item,) = plan.items
    assert (item.verdict, item.waits, item.runs) == (Verdict.HELD_BEHIND, True, True)
    assert (item.because or "").startswith("hold by ann: stock count, since 20")
    assert (item.because or "").endswith(" UTC; it goes when that is released")
    assert plan.verdicts["held-behind"] == 1

    batch = await bench.run(plan)
    (waiting,) = await bench.items_when(batch.id, are((ItemState.INTENDED, Status.HELD)))
    assert waiting.reason == "hold by ann: stock count"
    assert target.received == []
    await bench.act(Action.RELEASE, **place)
    done = await bench.finished(batch.id)
    assert (done.state, done.counts["processed"]) == (BatchState.DONE, 1)
    assert len(target.received) == 1


async def test_a_hold_elsewhere_is_not_told(bench, target) -> None:
    tx = await failed(bench, target)
    await bench.act(Action.HOLD, plant="P02")
    (item,) = (await bench.plan(Action.REPLAY, tx)).items
    assert (item.verdict, item.because) == (Verdict.SEND, None)


async def test_what_is_not_held_does_not_wait_for_what_is(bench, target) -> None:
    """A hold may last for days; the first wave above all must not stand behind one."""
    held, free = await failed(bench, target, "P01"), await failed(bench, target, "P02")
    await bench.act(Action.HOLD, plant="P01")
    plan = await bench.plan(Action.REPLAY, held, free, concurrency=1)
    assert [item.verdict for item in plan.items] == [Verdict.HELD_BEHIND, Verdict.SEND]
    batch = await bench.run(plan)
    await bench.until(free, Status.PROCESSED)
    await bench.items_when(batch.id, are((ItemState.INTENDED, Status.HELD), (ItemState.PROCESSED, Status.PROCESSED)))
    await bench.act(Action.RELEASE, plant="P01")
    assert (await bench.finished(batch.id)).counts["processed"] == 2


async def test_something_ahead_in_its_lane_counts_before_a_hold(bench, target) -> None:
    first = await failed(bench, target, flow="consumption", event="a", order="1")
    await bench.act(Action.DISCARD, first)
    second = await failed(bench, target, flow="consumption", event="b", order="1")
    await bench.act(Action.RESTORE, first)
    await bench.act(Action.HOLD, target="ERP")
    (item,) = (await bench.plan(Action.REPLAY, second)).items
    assert (item.verdict, item.runs) == (Verdict.HELD_BEHIND, False)
    assert "ahead of it" in (item.because or "")


async def test_cancelling_gives_back_what_waits_for_a_hold(bench, target) -> None:
    tx = await failed(bench, target)
    await bench.act(Action.HOLD, target="ERP")
    batch = await bench.run(await bench.plan(Action.REPLAY, tx))
    await bench.until(tx, Status.HELD)
    now = bench.clock.now()
    await bench.database.write(lambda c: batches.cancel(c, batch.id, "ann", now))
    row = await bench.until(tx, Status.FAILED)
    assert row.claimed_by is None
    (item,) = await bench.items(batch.id)
    assert (item.state, item.status) == (ItemState.SKIPPED, Status.FAILED)


async def test_plans_that_wait_for_nothing_have_the_hash_that_they_always_had(bench, target) -> None:
    """Plans that were made before holds were told stay valid: what does not wait has no such member."""
    plan = await bench.plan(Action.REPLAY, await failed(bench, target))
    text = msgspec.json.encode(plan)
    assert b'"waits"' not in text
    check_unaltered(msgspec.json.decode(text, type=Plan), "test")
    await bench.act(Action.HOLD, target="ERP")
    held = await bench.plan(Action.REPLAY, plan.items[0].id)
    assert b'"waits":true' in msgspec.json.encode(held)
    check_unaltered(msgspec.json.decode(msgspec.json.encode(held), type=Plan), "test")
