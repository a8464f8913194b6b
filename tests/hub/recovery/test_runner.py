"""Runs: bounded, stopped by themselves, cancelled, cut off, and refused by the store for a while."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from hub.errors import StoreError
from hub.recovery import batches
from transactions.batches import BatchState
from transactions.errors import NotFound
from transactions.model import Status
from transactions.plans import Action


def says(status: int, body: object = None):
    async def answer(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response(body, status=status)

    return answer


REJECTED = says(422, {"error": {"code": "M7053", "message": "closed"}})
APPLIED = says(201, {"status": "applied", "document": "1"})


async def failed(bench, target, count: int, flow: str = "report") -> list[str]:
    target.deliver = REJECTED
    ids = [await bench.send(flow, event=f"e{n}", order=f"o{n}") for n in range(count)]
    for tx in ids:
        await bench.until(tx, Status.FAILED)
    target.deliver = APPLIED
    target.received.clear()
    return ids


async def test_no_more_are_under_way_than_the_plan_allows(bench, target) -> None:
    ids = await failed(bench, target, 8)
    now = most = 0

    async def count(_request: web.Request, _body: bytes) -> web.StreamResponse:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1
        return web.json_response({"status": "applied"}, status=201)

    target.deliver = count
    batch = await bench.act(Action.REPLAY, *ids, concurrency=2)
    assert batch.counts["processed"] == 8
    assert most <= 2


async def test_intent_is_durable_before_anything_leaves(bench, target) -> None:
    """What the target sees arriving is written down already: claim, item, attempt and ledger."""
    (tx,) = await failed(bench, target, 1)
    seen = []

    async def look(_request: web.Request, _body: bytes) -> web.StreamResponse:
        row, tries = await bench.row(tx), await bench.tries(tx)
        (item,) = await bench.items(row.claimed_by)
        seen.append((row.status, item.state, tries[-1].batch == row.claimed_by, tries[-1].outcome))
        return web.json_response({"status": "applied"}, status=201)

    target.deliver = look
    await bench.act(Action.REPLAY, tx)
    assert seen == [(Status.DELIVERING, "intended", True, None)]


async def test_a_run_never_touches_what_the_plan_did_not_name(bench, target) -> None:
    first, second = await failed(bench, target, 2)
    before = await bench.row(second)
    await bench.act(Action.REPLAY, first)
    assert await bench.row(second) == before
    assert len(target.received) == 1


@pytest.mark.parametrize("action", [Action.DISCARD, Action.RESTORE])
async def test_actions_without_requests_send_nothing_and_end(bench, target, action) -> None:
    ids = await failed(bench, target, 4)
    await bench.act(Action.DISCARD, *ids)
    if action is Action.RESTORE:
        await bench.act(action, *ids)
    rows = [await bench.row(tx) for tx in ids]
    wanted = Status.DISCARDED if action is Action.DISCARD else Status.FAILED
    assert {row.status for row in rows} == {wanted}
    assert target.received == []


async def test_in_doubt_items_keep_the_run_open_until_they_are_decided(bench, target) -> None:
    (tx,) = await failed(bench, target, 1, "consumption")

    async def drop(request: web.Request, _body: bytes) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        raise asyncio.CancelledError

    answers = iter([says(200, {"status": "in-progress"})] * 2)

    async def ask(request: web.Request, body: bytes) -> web.StreamResponse:
        return await next(answers, says(200, {"status": "applied", "document": "49"}))(request, body)

    target.deliver, target.lookup = drop, ask
    batch = await bench.finished((await bench.run(await bench.plan(Action.REPLAY, tx))).id)
    assert (batch.counts["processed"], batch.counts["in-doubt"]) == (1, 0)
    assert len(target.received) == 1


async def test_an_item_nobody_can_decide_ends_the_run_in_doubt_and_lets_the_claim_go(bench, target) -> None:
    (tx,) = await failed(bench, target, 1, "consumption")

    async def drop(request: web.Request, _body: bytes) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        raise asyncio.CancelledError

    target.deliver, target.lookup = drop, says(200, {"status": "unknown"})
    batch = await bench.finished((await bench.run(await bench.plan(Action.REPLAY, tx))).id)
    assert batch.counts["in-doubt"] == 1
    row = await bench.row(tx)
    assert (row.status, row.claimed_by) == (Status.IN_DOUBT, None)
    again = await bench.plan(Action.REPLAY, tx)
    assert again.verdicts["refused"] == 1


async def test_what_hit_no_answer_is_asked_about_before_it_is_sent_again(bench, target) -> None:
    """Its earlier delivery failed without a definitive rejection: the run asks, finds it applied, and sends nothing."""
    (tx,) = await failed(bench, target, 1, "consumption")
    await bench.database.write(
        lambda c: c.exec_driver_sql("update transactions set definitive = 0 where id = ?", (tx,))
    )
    target.lookup = says(200, {"status": "applied", "document": "49"})
    target.asked.clear()
    batch = await bench.act(Action.REPLAY, tx)
    assert batch.counts["processed"] == 1
    assert target.received == []
    assert len(target.asked) == 1


async def test_a_definitive_rejection_is_sent_again_without_asking(bench, target) -> None:
    (tx,) = await failed(bench, target, 1)
    target.asked.clear()
    await bench.act(Action.REPLAY, tx)
    assert (len(target.asked), len(target.received)) == (0, 1)


async def test_a_store_that_refuses_for_a_while_does_not_end_a_batch(bench, target, monkeypatch) -> None:
    ids = await failed(bench, target, 4)
    monkeypatch.setattr("hub.store.database.TRY_AGAIN", 0.02)
    batch = await bench.run(await bench.plan(Action.REPLAY, *ids, rate=20.0))
    await bench.until(ids[0], Status.PROCESSED)
    accept = await bench.refuse_writes()
    with pytest.raises(StoreError):
        await bench.database.write(lambda c: batches.cancel(c, batch.id, "ann", bench.clock.now()))
    accept()
    ended = await bench.finished(batch.id)
    assert (ended.state, ended.counts["processed"]) == (BatchState.DONE, 4)
    assert len(target.keys_sent()) == len(set(target.keys_sent())) == 4


async def test_a_cancelled_batch_leaves_what_it_had_not_taken_up_as_it_was(bench, target) -> None:
    ids = await failed(bench, target, 5)
    rows = {tx: await bench.row(tx) for tx in ids}
    await bench.act(Action.HOLD, target="ERP")
    batch = await bench.run(await bench.plan(Action.REPLAY, *ids, concurrency=2, canary=0))
    for tx in ids[:2]:
        await bench.until(tx, Status.HELD)
    now = bench.clock.now()
    ended = await bench.database.write(lambda c: batches.cancel(c, batch.id, "bob", now))
    assert (ended.state, ended.because) == (BatchState.CANCELLED, "cancelled by bob")
    for tx in ids:
        row = await bench.row(tx)
        assert (row.status, row.claimed_by, row.status_before, row.failure_code) == (Status.FAILED, None, None, "M7053")
        assert row.failed_at == rows[tx].failed_at
    assert (ended.counts["skipped"], ended.counts["cancelled"]) == (2, 3)
    assert target.received == []


async def test_a_batch_that_is_not_there_is_told_so(bench) -> None:
    for ask in (
        lambda c: batches.load(c, "nope"),
        lambda c: batches.cancel(c, "nope", "ann", bench.clock.now()),
    ):
        with pytest.raises(NotFound, match="nope"):
            await bench.database.write(ask)


async def test_following_twice_runs_once(bench, target) -> None:
    ids = await failed(bench, target, 3)
    batch = await bench.run(await bench.plan(Action.REPLAY, *ids))
    bench.runner.follow(batch.id)
    bench.runner.follow(batch.id)
    await bench.finished(batch.id)
    assert sorted(target.keys_sent()) == sorted(set(target.keys_sent()))
    bench.runner.follow(batch.id)  # it has ended: nothing begins anew
    assert len(target.received) == 3


async def test_a_store_that_cannot_be_read_for_a_while_does_not_end_a_batch(bench, target, monkeypatch) -> None:
    ids = await failed(bench, target, 2)
    monkeypatch.setattr("hub.recovery.runner.TRY_AGAIN", 0.02)
    under_way, refusals = batches.under_way, iter([True, True])

    def refuse(connection, batch_id: str) -> int:
        if next(refusals, False):
            raise StoreError("the disk is away")
        return under_way(connection, batch_id)

    monkeypatch.setattr("hub.recovery.batches.under_way", refuse)
    ended = await bench.finished((await bench.run(await bench.plan(Action.REPLAY, *ids))).id, within=30)
    assert (ended.state, ended.counts["processed"]) == (BatchState.DONE, 2)
    assert next(refusals, None) is None
