"""A correction by a whole document: the draft of the right one is stored first, by hand or from an editor."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from hub.edits.making import merged
from hub.edits.stored import applied_base, keep_draft
from hub.store.schema import drafts, ledger, payloads, revisions
from hub.store.transitions import fetch
from transactions.canonical import sha256_bytes
from transactions.edits import Step
from transactions.model import Status
from transactions.plans import Action, Verdict

KEYS = {"event": "e1", "order": "o1"}


async def posted(bench: Any, **more: str) -> Any:
    tx = await bench.send("consumption", **KEYS, quantity="5000", **more)
    return await bench.until(tx, Status.PROCESSED)


async def draft(bench: Any, tx: str, document: dict[str, str], by: str = "kim") -> None:
    now = bench.clock.now()

    def store(connection: Any) -> None:
        row = fetch(connection, tx)
        made = merged(applied_base(connection, row), json.dumps(document).encode(), "application/json", bench.landscape)
        keep_draft(connection, row, made, by, "off by 1,000", now)

    await bench.database.write(store)


async def test_the_draft_is_what_is_posted_instead_and_its_editor_is_named(bench, erp) -> None:
    row = await posted(bench)
    await draft(bench, row.id, {**KEYS, "quantity": "5"})
    plan = await bench.plan(Action.CORRECT, row.id)
    assert plan.items[0].verdict is Verdict.SEND
    (edit,) = plan.edits
    assert edit.made_by == "kim"
    assert [(one.path, one.before, one.after) for one in edit.difference] == [("$.quantity", "5000", "5")]
    batch = await bench.finished((await bench.run(plan)).id)
    assert batch.counts["processed"] == 2
    instead = (await bench.items(batch.id))[1].tx_id
    found = await bench.row(instead)
    content = await bench.database.read(
        lambda c: c.execute(select(payloads.c.content).where(payloads.c.sha256 == found.payload_sha256)).scalar_one()
    )
    assert json.loads(content)["quantity"] == "5"
    assert await bench.database.read(lambda c: c.execute(select(drafts)).all()) == []


async def test_without_draft_and_patch_nothing_says_what_is_right(bench, erp) -> None:
    row = await posted(bench)
    (item,) = (await bench.plan(Action.CORRECT, row.id)).items
    assert item.verdict is Verdict.REFUSED
    assert "nothing says what is right" in (item.because or "")


async def test_a_draft_that_says_what_was_posted_corrects_nothing(bench, erp) -> None:
    row = await posted(bench)
    await draft(bench, row.id, {**KEYS, "quantity": "5000"})
    (item,) = (await bench.plan(Action.CORRECT, row.id)).items
    assert item.verdict is Verdict.REFUSED
    assert "would say what the posted one says" in (item.because or "")


@pytest.mark.parametrize("patch", [[], [Step(op="set", path="$.quantity", value="6", loose=True)]])
async def test_what_the_target_posted_is_corrected_and_not_what_came_later(bench, erp, patch) -> None:
    """The newest revision was never applied: the difference is told to what stands in the target."""
    row = await posted(bench)
    later = json.dumps({**KEYS, "quantity": "7"}).encode()

    def revise(connection: Any) -> None:
        digest = sha256_bytes(later)
        connection.execute(payloads.insert(), {"sha256": digest, "content": later})
        first = connection.execute(select(revisions).where(revisions.c.tx_id == row.id)).one()._mapping
        connection.execute(revisions.insert(), {**first, "revision": 2, "sha256": digest, "size": len(later)})
        from hub.store.transitions import change

        change(connection, fetch(connection, row.id), touch=True, revision=2, payload_sha256=digest)
        assert connection.execute(select(ledger.c.applied_at)).scalar_one() is not None

    await bench.database.write(revise)
    await draft(bench, row.id, {**KEYS, "quantity": "6"})
    (edit,) = (await bench.plan(Action.CORRECT, row.id, patch=patch)).edits
    assert [(one.before, one.after) for one in edit.difference] == [("5000", "6")]
