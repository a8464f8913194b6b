"""Resolve and reopen: what a person claims is held against what the target says."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import select, update

from hub.store.schema import audit, timeline, transactions
from transactions.batches import BatchState
from transactions.errors import Invalid
from transactions.model import Status
from transactions.plans import Action, Verdict


def says(status: int, body: object = None):
    async def answer(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response(body, status=status)

    return answer


async def silent(request: web.Request, _body: bytes) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


REJECTED = says(422, {"error": {"code": "M7053", "message": "closed"}})


async def unclear(bench, target, status: Status = Status.IN_DOUBT, flow: str = "report") -> str:
    """A transaction that was sent, and is put where no short story leads."""
    target.deliver = REJECTED
    tx = await bench.send(flow, event="e1", order="1")
    await bench.until(tx, Status.FAILED)
    await bench.database.write(
        lambda c: c.execute(
            update(transactions)
            .where(transactions.c.id == tx)
            .values(status=status, due_next=None, definitive=0, waiting_on="evidence: nobody knows")
        )
    )
    return tx


async def verdict(bench, action: Action, tx: str, **options: Any) -> tuple[Verdict, str]:
    (item,) = (await bench.plan(action, tx, **options)).items
    return item.verdict, item.because or ""


async def told(bench, tx: str) -> list[str]:
    return await bench.database.read(
        lambda c: list(
            c.execute(select(timeline.c.text).where(timeline.c.tx_id == tx).order_by(timeline.c.seq)).scalars()
        )
    )


APPLIED = {"status": "applied", "document": "4900000009"}


@pytest.mark.parametrize("status", [Status.IN_DOUBT, Status.PARKED, Status.PARTLY_PROCESSED, Status.FAILED], ids=str)
async def test_applied_is_resolved_where_the_target_says_the_same_and_its_document_is_kept(
    bench, target, status
) -> None:
    tx = await unclear(bench, target, status)
    target.lookup = says(200, APPLIED)
    batch = await bench.act(Action.RESOLVE, tx, resolve_as="applied", evidence="seen in the journal")
    assert batch.counts["processed"] == 1
    row = await bench.row(tx)
    assert (row.status, row.document, row.waiting_on, row.failure_kind) == ("resolved", "4900000009", None, None)
    line = (await told(bench, tx))[-1]
    assert "seen in the journal" in line
    assert "ERP says: applied as 4900000009" in line


@pytest.mark.parametrize(
    ("claimed", "lookup", "both"),
    [
        ("not-applied", APPLIED, ("says: applied as 4900000009", "you say: not applied (I looked)")),
        ("applied", {"status": "absent"}, ("says: absent", "you say: applied (I looked)")),
        ("applied", {"status": "rejected"}, ("says: rejected", "you say: applied (I looked)")),
        ("applied", {"status": "parked", "document": "77"}, ("says: parked as 77", "you say: applied (I looked)")),
        ("not-applied", {"status": "parked"}, ("says: parked", "you say: not-applied (I looked)")),
        ("applied", {"status": "in-progress"}, ("at work on it",)),
    ],
)
async def test_a_contradiction_is_refused_and_shows_both_sides(bench, target, claimed, lookup, both) -> None:
    tx = await unclear(bench, target)
    bench.settle()
    target.lookup = says(200, lookup)
    found, because = await verdict(bench, Action.RESOLVE, tx, resolve_as=claimed, evidence="I looked")
    assert found is Verdict.REFUSED
    for words in both:
        assert words in because
    assert (await bench.row(tx)).status == Status.IN_DOUBT


async def test_absent_does_not_count_before_a_late_posting_could_land(bench, target) -> None:
    tx = await unclear(bench, target)
    bench.settle(-60)
    target.lookup = says(200, {"status": "absent"})
    for claimed in ("applied", "not-applied"):
        found, because = await verdict(bench, Action.RESOLVE, tx, resolve_as=claimed, evidence="x1")
        assert found is Verdict.REFUSED
        assert "late posting can still land" in because


async def test_not_applied_can_be_sent_again(bench, target) -> None:
    tx = await unclear(bench, target)
    bench.settle()
    target.lookup = says(200, {"status": "absent"})
    await bench.act(Action.RESOLVE, tx, resolve_as="not-applied", evidence="not in the journal")
    row = await bench.row(tx)
    assert (row.status, row.failure_code, row.definitive) == ("failed", "resolved-not-applied", 1)
    target.deliver, target.lookup = says(201, APPLIED), None
    await bench.act(Action.REPLAY, tx)
    assert (await bench.row(tx)).status == Status.PROCESSED


async def test_where_the_target_gives_no_clear_answer_evidence_counts_and_it_is_asked_before_it_is_sent(
    bench, target
) -> None:
    tx = await unclear(bench, target)
    target.lookup = silent
    found, because = await verdict(bench, Action.RESOLVE, tx, resolve_as="not-applied", evidence="call with the clerk")
    assert found is Verdict.SEND
    assert "evidence counts" in because
    await bench.act(Action.RESOLVE, tx, resolve_as="not-applied", evidence="call with the clerk")
    assert (await bench.row(tx)).definitive == 0
    target.lookup, before = says(200, APPLIED), len(target.received)
    target.posted.clear()
    await bench.act(Action.REPLAY, tx)
    assert len(target.received) == before, "asked first, and it was there"


async def test_a_target_that_cannot_be_asked_is_resolved_by_evidence(bench, target) -> None:
    target.deliver = silent
    tx = await bench.send("notice", event="e1")
    await bench.until(tx, Status.IN_DOUBT)
    batch = await bench.act(Action.RESOLVE, tx, resolve_as="applied", evidence="document 4900012345 in the portal")
    assert batch.state is BatchState.DONE
    row = await bench.row(tx)
    assert (row.status, row.document) == ("resolved", "4900012345")


async def test_what_changed_in_the_target_since_the_plan_is_seen_when_it_runs(bench, target) -> None:
    tx = await unclear(bench, target)
    bench.settle()
    target.lookup = says(200, {"status": "absent"})
    plan = await bench.plan(Action.RESOLVE, tx, resolve_as="not-applied", evidence="not there")
    target.lookup = says(200, APPLIED)
    batch = await bench.finished((await bench.run(plan)).id)
    assert batch.counts["skipped"] == 1
    (item,) = await bench.items(batch.id)
    assert "says: applied as 4900000009" in item.reason
    assert (await bench.row(tx)).status == Status.IN_DOUBT


async def test_resolving_lets_the_lane_go_on(bench, target) -> None:
    first = await unclear(bench, target, flow="consumption")
    target.deliver = says(201, APPLIED)
    second = await bench.send("consumption", event="e2", order="1")
    await bench.until(second, Status.HELD)
    target.lookup = says(200, APPLIED)
    await bench.act(Action.RESOLVE, first, resolve_as="applied", evidence="journal 1")
    await bench.until(second, Status.PROCESSED)


async def test_evidence_is_in_the_audit(bench, target) -> None:
    tx = await unclear(bench, target)
    target.lookup = says(200, APPLIED)
    await bench.act(Action.RESOLVE, tx, resolve_as="applied", evidence="document 4900000009", reason="ticket 12")
    (entry,) = await bench.database.read(
        lambda c: c.execute(select(audit).where(audit.c.action == "transaction.resolved")).all()
    )
    assert (entry.subject, entry.actor, entry.reason) == (tx, "ann", "ticket 12")
    assert "document 4900000009" in entry.after
    assert "ERP says: applied" in entry.after


@pytest.mark.parametrize(
    "options", [{}, {"resolve_as": "applied"}, {"evidence": "x"}, {"resolve_as": "applied", "evidence": " "}]
)
async def test_a_resolve_wants_an_outcome_and_evidence(bench, target, options) -> None:
    with pytest.raises(Invalid):
        await bench.plan(Action.RESOLVE, "x", **options)


@pytest.mark.parametrize(
    "options", [{"evidence": "x"}, {"resolve_as": "applied"}, {"process": True}, {"date": "2026-12-01"}]
)
async def test_options_of_one_action_are_refused_with_another(bench, target, options) -> None:
    with pytest.raises(Invalid, match="only with"):
        await bench.plan(Action.DISCARD, "x", **options)


async def processed(bench, target) -> str:
    target.deliver = says(201, APPLIED)
    tx = await bench.send("report", event="e9", order="1")
    await bench.until(tx, Status.PROCESSED)
    return tx


async def test_what_was_acknowledged_and_is_not_there_is_reopened_and_replayed(bench, target) -> None:
    tx = await processed(bench, target)
    target.posted.clear()
    bench.settle()
    assert (await bench.act(Action.REOPEN, tx)).counts["processed"] == 1
    row = await bench.row(tx)
    assert (row.status, row.failure_kind, row.document) == ("failed", "acknowledged-not-applied", None)
    before = len(target.received)
    assert (await bench.act(Action.REPLAY, tx)).counts["processed"] == 1
    assert len(target.received) == before + 1


@pytest.mark.parametrize(
    ("lookup", "words"),
    [
        (says(200, APPLIED), "nothing to reopen"),
        (says(200, {"status": "parked"}), "nothing to reopen"),
        (says(500, {}), "no clear answer"),
        (silent, "no clear answer"),
    ],
)
async def test_nothing_is_reopened_unless_the_target_says_it_is_absent(bench, target, lookup, words) -> None:
    tx = await processed(bench, target)
    target.lookup = lookup
    found, because = await verdict(bench, Action.REOPEN, tx)
    assert found is Verdict.REFUSED
    assert words in because


async def test_where_the_target_cannot_be_asked_a_reopening_wants_evidence(bench, target) -> None:
    target.deliver = says(201, APPLIED)
    tx = await bench.send("notice", event="e1")
    await bench.until(tx, Status.PROCESSED)
    found, because = await verdict(bench, Action.REOPEN, tx)
    assert found is Verdict.REFUSED
    assert "--evidence" in because
    await bench.act(Action.REOPEN, tx, evidence="the portal lists nothing")
    assert (await bench.row(tx)).status == Status.FAILED


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.PROCESSED], ids=str)
async def test_only_processed_ones_are_reopened(bench, target, status) -> None:
    tx = await unclear(bench, target, status)
    assert (await verdict(bench, Action.REOPEN, tx))[0] is Verdict.REFUSED
