"""Correct: what was posted is reversed first, then the right thing is posted under a key of its own, and never both."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from hub.landscape import Landscape
from hub.recovery import building
from hub.recovery.actions.correct import Correct
from hub.recovery.corrections import begin_correction, correction_key, correction_of
from hub.store.schema import payloads, transactions
from hub.store.transitions import fetch, move, release
from transactions.canonical import sha256_bytes
from transactions.edits import Step
from transactions.errors import Invalid
from transactions.model import Status
from transactions.plans import Action, PlanOptions, PlanRequest
from transactions.states import Event

RIGHT = [Step(op="set", path="$.quantity", value="5000", loose=True)]


def test_a_correction_is_posted_on_a_day_that_there_is() -> None:
    options = PlanOptions(date="2026-02-30", patch=RIGHT)
    with pytest.raises(Invalid, match="calendar"):
        Correct().check(PlanRequest(action=Action.CORRECT, reason="r", ids=["a"], options=options))


def test_a_patch_belongs_to_edit_and_correct(catalogue) -> None:
    request = PlanRequest(action=Action.REPLAY, reason="r", ids=["a"], options=PlanOptions(patch=RIGHT))
    with pytest.raises(Invalid, match="patch cannot be given with replay"):
        building.check_request(request, Landscape(catalogue))


def test_keys_of_corrections_fit_and_are_told_apart() -> None:
    assert correction_key("k") == "correct:k"
    long = correction_key("x" * 255)
    assert len(long) == 255
    assert long != correction_key("x" * 254 + "y")


async def corrected(bench) -> tuple[str, str]:
    """A processed transaction, and what corrects it, as it is before anything was reversed."""
    tx = await bench.send("report", event="e1", order="o1", quantity="5")
    await bench.until(tx, Status.PROCESSED)
    content = json.dumps({"event": "e1", "order": "o1", "quantity": "5000"}).encode()
    planned = SimpleNamespace(
        sha256=sha256_bytes(content),
        size=len(content),
        content_type="application/json",
        made_by="ann",
        business_keys='{"event":"e1","order":"o1"}',
    )
    batch = SimpleNamespace(id="b1", started_by="ann", reason="off by 1,000")
    now = bench.clock.now()

    def begin(connection) -> str:
        connection.execute(payloads.insert(), {"sha256": planned.sha256, "content": content})
        row = fetch(connection, tx)
        move(connection, row, Event.COMPENSATE, now=now, by="ann", text=None)
        return begin_correction(connection, batch, fetch(connection, tx), planned, bench.landscape, now)

    return tx, await bench.database.write(begin)


async def test_the_right_document_waits_until_the_wrong_one_is_reversed(bench, target) -> None:
    tx, right = await corrected(bench)
    row = await bench.row(right)
    assert (row.status, row.blocked_by, row.causation_id) == (Status.HELD, tx, tx)
    target.received.clear()
    # whatever lets it go, it looks again
    now = bench.clock.now()
    await bench.database.write(
        lambda c: release(c, fetch(c, right), now=now, by="ann", text="let go")
    )  # fmt: skip
    await bench.until(right, Status.HELD)
    assert target.received == []

    def reversed_(connection) -> None:
        move(connection, fetch(connection, tx), Event.COMPENSATED, now=now, by="ERP", text=None)

    await bench.database.write(reversed_)
    await bench.until(right, Status.PROCESSED)
    ((key, body, headers),) = target.received
    assert key == correction_key((await bench.row(tx)).idempotency_key)
    assert json.loads(body)["quantity"] == "5000"
    assert headers["ce-causationid"] == tx
    assert (await bench.row(right)).correlation_id == (await bench.row(tx)).correlation_id


@pytest.mark.parametrize("event", [Event.COMPENSATION_FAILED])
async def test_where_the_reversal_failed_the_right_document_stays_where_it_is(bench, target, event) -> None:
    tx, right = await corrected(bench)
    target.received.clear()
    now = bench.clock.now()

    def failed(connection) -> None:
        move(connection, fetch(connection, tx), event, now=now, by="ERP", text=None)
        release(connection, fetch(connection, right), now=now, by="ann", text="let go")

    await bench.database.write(failed)
    row = await bench.until(right, Status.HELD)
    assert "has to be reversed first" in row.waiting_on
    assert target.received == []

    def resolved(connection) -> None:
        move(connection, fetch(connection, tx), Event.RESOLVE_APPLIED, now=now, by="ann", text=None)

    await bench.database.write(resolved)
    await bench.until(right, Status.HELD)
    assert target.received == []


async def test_what_is_corrected_already_is_known_by_the_key(bench) -> None:
    tx, right = await corrected(bench)
    found = await bench.database.read(lambda c: correction_of(c, fetch(c, tx)))
    assert found == right
    rows = await bench.database.read(lambda c: c.execute(select(transactions.c.id)).scalars().all())
    assert sorted(rows) == sorted([tx, right])
