"""What becomes of a delivery, answer by answer, through the real engine and store."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from aiohttp import web

from transactions.model import FailureKind, Status
from transactions.plans import Action


def says(status: int, body: object = None, **headers: str):
    async def answer(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response(body, status=status, headers=headers)

    return answer


def period_closed(status: int = 422):
    return says(status, {"error": {"code": "M7053", "message": {"lang": "en", "value": "Period 10 is closed"}}})


async def drop(request: web.Request, _body: bytes) -> web.StreamResponse:
    """Take the document, answer nothing."""
    assert request.transport is not None
    request.transport.abort()
    raise asyncio.CancelledError


async def test_applied_and_verified_closes(bench, target) -> None:
    tx = await bench.send("consumption", event="e1", order="1")
    row = await bench.until(tx, Status.PROCESSED)
    assert row.document == "4900000001"
    assert row.attempts == 1
    assert row.failure_kind is None
    assert target.asked == target.keys_sent()


async def test_the_envelope_carries_key_correlation_and_trace(bench, target) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    tx = await bench.send("report", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"}, event="e1")
    row = await bench.until(tx, Status.PROCESSED)
    headers = target.received[0][2]
    assert headers["ce-id"] == tx
    assert headers["ce-type"] == "report"
    assert headers["ce-plant"] == "P01"
    assert headers["traceparent"].split("-")[1] == trace
    assert row.correlation_id == trace
    assert headers["idempotency-key"] == row.idempotency_key == "MES:P01:report:e1:ERP"


async def test_a_business_rejection_fails_at_once_with_its_code(bench, target) -> None:
    target.deliver = period_closed()
    tx = await bench.send("consumption", event="e1", order="1")
    row = await bench.until(tx, Status.FAILED)
    assert (row.failure_kind, row.failure_code) == (FailureKind.PERIOD_CLOSED, "M7053")
    assert row.failure_help == "decision"
    assert row.fingerprint
    assert len(target.received) == 1


async def test_what_may_pass_is_tried_again_and_then_fails(bench, target) -> None:
    target.deliver = says(503, {"title": "down"})
    tx = await bench.send("report", event="e1")
    row = await bench.until(tx, Status.FAILED, Status.IN_DOUBT)
    assert row.attempts == bench.profile.attempts
    assert row.failure_kind == FailureKind.UNREACHABLE


async def test_what_passes_in_time_is_processed(bench, target) -> None:
    answers = iter([says(423, {"code": "LOCKED"}), says(201, {"status": "applied", "document": "7"})])

    async def next_answer(request: web.Request, body: bytes) -> web.StreamResponse:
        return await next(answers)(request, body)

    target.deliver = next_answer
    row = await bench.until(await bench.send("report", event="e1"), Status.PROCESSED, Status.FAILED)
    assert row.status == Status.PROCESSED
    assert row.attempts == 2


async def test_an_answer_lost_after_the_posting_is_looked_up_and_never_sent_twice(bench, target) -> None:
    async def post_and_drop(request: web.Request, body: bytes) -> web.StreamResponse:
        target.posted[request.headers["Idempotency-Key"]] = body
        return await drop(request, body)

    target.deliver = post_and_drop
    tx = await bench.send("consumption", event="e1", order="1")
    row = await bench.until(tx, Status.PROCESSED)
    assert len(target.received) == 1
    assert row.document == "4900000001"


async def test_an_answer_lost_without_a_posting_fails_only_after_settle_after(bench, target) -> None:
    target.deliver = drop
    tx = await bench.send("consumption", event="e1", order="1")
    row = await bench.until(tx, Status.FAILED)
    assert row.failure_code == "not-applied"
    assert row.definitive == 1
    assert row.failed_at - row.sent_at >= 150_000
    assert len(target.received) == 1


async def test_a_read_timeout_is_an_unknown_outcome(bench, target) -> None:
    started = asyncio.Event()

    async def never(_request: web.Request, _body: bytes) -> web.StreamResponse:
        started.set()
        await asyncio.sleep(30)
        raise AssertionError

    target.deliver = never
    target.lookup = says(200, {"status": "unknown"})
    tx = await bench.send("consumption", event="e1", order="1")
    row = await bench.until(tx, Status.IN_DOUBT)
    assert row.failure_kind == FailureKind.UNKNOWN_OUTCOME


async def test_a_target_that_gives_no_clear_answer_leaves_it_in_doubt_for_people(bench, target) -> None:
    target.deliver = drop
    target.lookup = says(200, {"status": "unknown"})
    tx = await bench.send("consumption", event="e1", order="1")
    async with asyncio.timeout(5):
        while not ((row := await bench.row(tx)).waiting_on or "").startswith("evidence:"):
            await asyncio.sleep(0.01)
    assert row.status == Status.IN_DOUBT
    assert len(target.asked) == bench.profile.lookups


async def test_a_target_that_cannot_be_asked_leaves_it_in_doubt_and_sends_nothing_again(bench, target) -> None:
    target.deliver = drop
    tx = await bench.send("notice", event="e1")
    row = await bench.until(tx, Status.IN_DOUBT)
    assert row.waiting_on.startswith("evidence:")
    assert row.due_next is None
    plan = await bench.plan(Action.REPLAY, tx)
    assert plan.verdicts["refused"] == 1
    assert len(target.received) == 1


async def test_acknowledged_and_not_applied_is_found_by_verification(bench, target) -> None:
    target.lookup = says(200, {"status": "absent"})
    tx = await bench.send("consumption", event="e1", order="1")
    row = await bench.until(tx, Status.FAILED)
    assert row.failure_kind == FailureKind.ACKNOWLEDGED_NOT_APPLIED


async def test_parked_is_parked_and_closes_when_it_was_repaired_there(bench, target) -> None:
    target.deliver = says(200, {"status": "parked", "document": "C1", "code": "COGI", "message": "deficit"})
    target.lookup = says(200, {"status": "parked"})
    tx = await bench.send("consumption", event="e1", order="1")
    row = await bench.until(tx, Status.PARKED)
    assert row.failure_kind == FailureKind.PARKED
    plan = await bench.plan(Action.REPLAY, tx)
    assert plan.items[0].verdict == "refused"
    sha = row.payload_sha256
    target.lookup = says(200, {"status": "applied", "sha256": sha, "document": "49"})
    row = await bench.until(tx, Status.PROCESSED)
    assert len(target.received) == 1


async def test_other_content_under_our_key_is_refused_not_closed(bench, target) -> None:
    target.lookup = says(200, {"status": "applied", "sha256": "f" * 64, "document": "49"})
    tx = await bench.send("consumption", event="e1", order="1")
    row = await bench.until(tx, Status.IN_DOUBT)
    assert row.failure_code == "applied-unknown-content"


async def test_a_duplicate_of_a_first_delivery_is_closed_as_duplicate(bench, target) -> None:
    target.deliver = says(200, {"status": "duplicate", "document": "48"})
    row = await bench.until(await bench.send("report", event="e1"), Status.DUPLICATE)
    assert row.document == "48"


async def test_accepted_with_lookup_is_not_processed_before_it_was_found(bench, target) -> None:
    target.deliver = says(202, {"status": "accepted"})
    target.lookup = says(200, {"status": "in-progress"})
    tx = await bench.send("consumption", event="e1", order="1")
    row = await bench.until(tx, Status.SENT)
    target.lookup = says(200, {"status": "applied", "sha256": row.payload_sha256, "document": "5"})
    await bench.until(tx, Status.PROCESSED)


async def test_a_lane_goes_one_at_a_time_in_sequence_and_others_pass(bench, target) -> None:
    target.deliver = period_closed()
    first = await bench.send("consumption", event="e1", order="1")
    await bench.until(first, Status.FAILED)
    target.deliver = says(201, {"status": "applied", "document": "1"})
    second = await bench.send("consumption", event="e2", order="1")
    other = await bench.send("consumption", event="e3", order="2")
    held = await bench.until(second, Status.HELD)
    assert first in held.waiting_on
    await bench.until(other, Status.PROCESSED)
    batch = await bench.act(Action.REPLAY, first)
    assert batch.counts["processed"] == 1
    await bench.until(second, Status.PROCESSED)
    keys = target.keys_sent()
    assert keys.index("MES:P01:consumption:e2:ERP") == len(keys) - 1


async def test_a_discard_releases_the_lane(bench, target) -> None:
    target.deliver = period_closed()
    first = await bench.send("consumption", event="e1", order="1")
    await bench.until(first, Status.FAILED)
    target.deliver = says(201, {"status": "applied"})
    second = await bench.send("consumption", event="e2", order="1")
    await bench.until(second, Status.HELD)
    await bench.act(Action.DISCARD, first)
    await bench.until(second, Status.PROCESSED)


async def test_requires_waits_for_its_predecessor_and_says_for_what(bench, target) -> None:
    target.deliver = period_closed()
    first = await bench.send("consumption", event="e1", order="1")
    await bench.until(first, Status.FAILED)
    target.deliver = says(201, {"status": "applied"})
    receipt = await bench.send("receipt", event="r1", order="1")
    row = await bench.until(receipt, Status.HELD)
    assert row.hold_kind == "requires"
    assert first in row.waiting_on
    await bench.act(Action.REPLAY, first)
    await bench.until(receipt, Status.PROCESSED)


async def test_a_failed_snapshot_does_not_hold_a_newer_version(bench, target) -> None:
    target.deliver = says(422, {"error": {"code": "M3351", "message": "no"}})
    old = await bench.send("plan", plan="A", version="1")
    await bench.until(old, Status.FAILED)
    target.deliver = says(201, {"status": "applied"})
    new = await bench.send("plan", plan="A", version="2")
    await bench.until(new, Status.PROCESSED)
    plan = await bench.plan(Action.REPLAY, old)
    assert plan.items[0].verdict == "superseded"


async def test_an_older_version_that_comes_late_is_not_sent_over_a_newer_one(bench, target) -> None:
    await bench.until(await bench.send("plan", plan="A", version="10"), Status.PROCESSED)
    late = await bench.send("plan", plan="A", version="9")
    row = await bench.until(late, Status.FAILED)
    assert row.failure_code == "superseded"
    assert row.superseded_by
    assert len(target.received) == 1


async def test_the_breaker_opens_holds_probes_and_lets_go(bench, target) -> None:
    url = target.url
    bench.landscape.use_addresses({"ERP": "http://127.0.0.1:9"})  # discard: refused
    ids = [await bench.send("report", event=f"e{n}") for n in range(8)]
    await bench.until(ids[-1], Status.HELD, Status.FAILED)
    bench.landscape.use_addresses({"ERP": url})
    for tx in ids:
        row = await bench.until(tx, Status.PROCESSED, Status.FAILED)
        assert row.status == Status.PROCESSED or row.failure_kind == FailureKind.UNREACHABLE
    assert bench.engine.breakers()["ERP"] == "closed"


async def test_waiting_longer_than_the_breaker_allows_fails(bench) -> None:
    bench.landscape.use_addresses({"ERP": "http://127.0.0.1:9"})
    ids = [await bench.send("report", event=f"e{n}") for n in range(12)]
    rows = [await bench.until(tx, Status.FAILED) for tx in ids]
    assert {row.failure_code for row in rows} <= {"connection-refused", "breaker-open"}
    assert all(row.definitive for row in rows)


@pytest.mark.parametrize("status", [Status.DELIVERING, Status.PENDING, Status.RETRYING, Status.SENT])
async def test_a_restart_takes_up_what_was_cut_off(bench, target, status) -> None:
    """Whatever the hub was doing when it ended, it asks before it sends, and nothing is lost."""
    gate = asyncio.Event()

    async def wait(_request: web.Request, _body: bytes) -> web.StreamResponse:
        await gate.wait()
        return web.json_response({"status": "applied"}, status=201)

    answers = {
        Status.DELIVERING: wait,
        Status.PENDING: wait,
        Status.RETRYING: says(503),
        Status.SENT: says(202, {"status": "accepted"}),
    }
    target.deliver = answers[status]
    # However slow this machine is now, it has not tried often enough before it is stopped, nor when it goes on.
    patient = msgspec.structs.replace(bench.profile, attempts=10_000)
    bench.engine._finisher._profile = patient
    if status is Status.SENT:
        target.lookup = says(200, {"status": "in-progress"})
    tx = await bench.send("consumption", event="e1", order="1")
    await bench.until(tx, Status.DELIVERING if status is Status.PENDING else status)
    for outlet in list(bench.engine._outlets.values()):
        await outlet.close(patience=0.0)
    await bench.stop()
    target.lookup = None
    target.deliver = says(201, {"status": "applied", "document": "9"})
    gate.set()
    sent_before = len(target.received)
    bench.make()
    bench.engine._finisher._profile = patient
    await bench.start()
    row = await bench.until(tx, Status.PROCESSED, Status.FAILED)
    if status in (Status.DELIVERING, Status.PENDING, Status.SENT):
        assert len(target.received) == sent_before  # asked, never sent again by itself
    else:
        assert row.status == Status.PROCESSED
