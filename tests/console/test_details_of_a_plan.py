"""What the preview of a plan says of one item: its reason, its steps, and what differs in its document."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

import msgspec
from console_doubles import NOW, transaction

from console.widgets.plan_preview import acts, details, facts, rows
from transactions.edits import FieldDifference, Finding, PlannedEdit
from transactions.plans import Action, Plan, PlanItem, PlanOptions, PlanState, Verdict, count_verdicts

TONES = defaultdict(lambda: "white")


def item(n: int, verdict: Verdict = Verdict.SEND, because: str | None = None, *, waits: bool = False) -> PlanItem:
    one = transaction(n)
    return PlanItem(
        id=one.id,
        flow=one.flow,
        plant=one.plant,
        target=one.target,
        status=one.status,
        risk=one.risk,
        etag=one.etag,
        revision=1,
        payload_sha256=one.payload_sha256,
        idempotency_key=one.idempotency_key,
        verdict=verdict,
        because=because,
        waits=waits or msgspec.UNSET,
    )


def edit(n: int, *differences: FieldDifference, more: int = 0, findings: tuple[Finding, ...] = ()) -> PlannedEdit:
    return PlannedEdit(
        id=transaction(n).id, base=1, sha256="ab" * 32, size=10, content_type="application/json", made_by="kim",
        difference=list(differences), more=more, findings=list(findings),
    )  # fmt: skip


def plan(action: Action, *items: PlanItem, edits: tuple[PlannedEdit, ...] = ()) -> Plan:
    return Plan(
        hash="cd" * 32, state=PlanState.PLANNED, platform="p", action=action, reason="r", options=PlanOptions(),
        requested_by="ann", created_at=NOW, expires_at=NOW + timedelta(days=1), filter=None, items=list(items),
        verdicts=count_verdicts(list(items)), edits=list(edits),
    )  # fmt: skip


UNIT = FieldDifference(path="$.unit", before="KIL", after="KG")


def said(made: Plan, place: int = 0) -> str:
    return details(made, rows(made)[place], TONES).plain


def test_a_correction_is_two_steps_and_tells_what_differs() -> None:
    made = plan(Action.CORRECT, item(1, because="reverses document 49 in ERP (262)"), edits=(edit(1, UNIT),))
    lines = said(made).splitlines()
    assert lines[0] == "1 reverse  reverses document 49 in ERP (262)"
    assert lines[1].startswith("2 post     the right document, under a key of its own")
    assert lines[2] == "  $.unit  KIL → KG"


def test_an_edit_tells_what_differs_the_first_few_and_how_many_more() -> None:
    many = [FieldDifference(path=f"$.lines[{n}].unit", before=None, after=f"{n}\x1b[2J") for n in range(6)]
    made = plan(Action.EDIT, item(1), edits=(edit(1, *many, more=3, findings=(Finding(path="$.a", message="bad"),)),))
    text = said(made)
    assert text.startswith("revision 1 → 2, by kim")
    assert "$.lines[3].unit  nothing → 3␛[2J" in text
    assert "$.lines[4].unit" not in text
    assert "and 5 more" in text
    assert "▲ $.a bad" in text


def test_other_actions_tell_the_reason_alone() -> None:
    made = plan(Action.REPLAY, item(1, Verdict.SUPERSEDED, "a newer version was applied"))
    assert said(made) == "a newer version was applied"
    assert details(made, None, TONES).plain == ""


def test_what_is_changed_is_counted_over_all_of_them() -> None:
    lot = FieldDifference(path="$.lot", before="A", after="B")
    made = plan(Action.EDIT, item(1), item(2), edits=(edit(1, UNIT, lot), edit(2, UNIT)))
    assert ("changes", "$.unit 2, $.lot 1", "white") in facts(made, TONES)
    assert not [line for line in facts(plan(Action.REPLAY, item(1)), TONES) if line[0] == "changes"]


def test_what_waits_for_a_hold_alone_can_be_run() -> None:
    held = item(1, Verdict.HELD_BEHIND, "hold by kim: stock count; it goes when that is released", waits=True)
    assert acts(plan(Action.REPLAY, held))
    assert not acts(plan(Action.REPLAY, item(1, Verdict.HELD_BEHIND, "consumption x is failed ahead of it")))
