"""Each part of a handover in words: what it says where there is something, and where there is nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from handover_doubles import HOUR, NOW, batch, handover, transaction

from transactions.batches import BatchState
from transactions.handover.model import AuditRange, Deed, Handover, Remark
from transactions.handover.sections import Section, moment, sections, span_of, title_of
from transactions.model import Status
from transactions.plans import Action
from transactions.states import CLOSED

TITLES = [
    "At a glance",
    "Remarks",
    "What is left, by cause",
    "In somebody's hands",
    "First of what nobody has taken",
    "Two people",
    "Watch",
    "What came in",
    "What was done",
    "Notes",
    "Audit",
]
NOTHING: dict[str, Any] = {
    "came_in": [], "batches": [], "deeds": [], "notes": [], "counts": {}, "overdue": 0, "causes": [], "taken": [],
    "urgent": [], "approvals": [], "broken_glass": [], "holds": [], "breakers": {}, "running": [], "comes_back": [],
    "remarks": [],
}  # fmt: skip


def part(name: str, told: Handover) -> Section:
    return next(each for each in sections(told) if each.title == name)


def row(name: str, told: Handover, number: int = 0) -> dict[str, str]:
    table = part(name, told).table
    assert table is not None
    return dict(zip(table.heads, table.rows[number], strict=True))


def test_parts_come_in_the_order_in_which_they_are_read_whatever_there_is() -> None:
    assert [each.title for each in sections(handover())] == TITLES
    assert [each.title for each in sections(handover(**NOTHING))] == TITLES


def test_a_quiet_shift_alarms_nobody_and_a_busy_one_says_where() -> None:
    assert [each.title for each in sections(handover(**NOTHING)) if each.alarming] == []
    assert [each.title for each in sections(handover()) if each.alarming] == [
        "At a glance", "What is left, by cause", "Two people", "Watch",
    ]  # fmt: skip


def test_heading_and_span_go_by_the_plants_clock() -> None:
    told = handover()
    assert title_of(told) == "Handover: night shift of 2026-03-28"
    assert span_of(told) == (
        "2026-03-28 22:30 +01:00 to 2026-03-29 05:30 +02:00 (Europe/Berlin), platform plant-hub. What is left is as of "
        "2026-03-29 05:30 +02:00."
    )
    assert moment(NOW, "America/St_Johns") == "2026-03-29 01:00 -02:30"


# at a glance


@pytest.mark.parametrize("status", list(Status))
def test_every_status_is_somebodys_or_on_the_way_or_over(status: Status) -> None:
    section = part("At a glance", handover(**{**NOTHING, "counts": {status: 1}}))
    over = status in CLOSED
    needs = f"Needs somebody: 1 {status}." in section.lines
    moves = f"On the way or held: 1 {status}." in section.lines
    assert (needs, moves).count(True) == (0 if over else 1)
    assert section.alarming is needs


def test_counts_of_nothing_are_not_listed_and_large_ones_are_readable() -> None:
    section = part("At a glance", handover(counts={Status.FAILED: 1_200, Status.PARKED: 0}, overdue=0, came_in=[]))
    assert section.lines == ["0 transactions came in.", "Needs somebody: 1,200 failed.", "Nothing is on the way."]


# what is left, and whose it is


def test_a_cause_says_what_is_first_and_one_thing_not_to_do() -> None:
    assert row("What is left, by cause", handover()) == {
        "cause": "Material M-1 is not in plant P01", "count": "90", "blocks": "214", "overdue": "107", "age": "1h",
        "who can help": "mdm", "first": "Maintain it. Care: Do not edit it.",
    }  # fmt: skip


def test_a_cause_of_which_little_is_known_leaves_its_cells_empty() -> None:
    (known,) = handover().causes
    bare = msgspec.structs.replace(known, owner=None, since=None, first=None, care=[])
    found = row("What is left, by cause", handover(causes=[bare]))
    assert (found["age"], found["who can help"], found["first"]) == ("", "", "")


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ({"lot": "L-1", "order": "4711", "shipment": "S"}, "goods-receipt to ERP P01 order 4711"),
        ({"lot": "L-1", "shipment": "S"}, "goods-receipt to ERP P01 shipment S"),
        ({"lot": "L-1", "material": "M"}, "goods-receipt to ERP P01 lot L-1"),
        ({"material": "M"}, "goods-receipt to ERP P01"),
        ({}, "goods-receipt to ERP P01"),
    ],
)
def test_a_transaction_is_named_by_what_people_know_it_by(keys: dict[str, str], where: str) -> None:
    told = handover(taken=[transaction(business_keys=keys)], urgent=[transaction(business_keys=keys)])
    assert row("In somebody's hands", told)["what"] == where
    assert row("First of what nobody has taken", told)["what"] == where


def test_a_transaction_without_a_plant_names_none() -> None:
    told = handover(urgent=[transaction(plant=None, business_keys={})])
    assert row("First of what nobody has taken", told)["what"] == "goods-receipt to ERP"


def test_what_somebody_has_taken_says_who_and_what_it_waits_for() -> None:
    assert row("In somebody's hands", handover()) == {
        "transaction": "01J2", "what": "goods-receipt to ERP P01 order 4711", "status": "failed", "who": "ann",
        "team": "erp-team", "ticket": "INC-7", "waits for": "mdm <team>",
    }  # fmt: skip
    bare = transaction(owner=None)
    found = row("In somebody's hands", handover(taken=[bare]))
    assert (found["who"], found["team"], found["ticket"], found["waits for"]) == ("", "", "", "")


def test_what_comes_first_says_when_it_was_due_and_why_it_failed() -> None:
    found = row("First of what nobody has taken", handover())
    assert found["due"] == "2026-03-29 04:30 +02:00 overdue"
    assert found["why"] == "M3351: no | plant *data*"
    calm = transaction(due_at=NOW + HOUR, overdue=False, failure=None)
    found = row("First of what nobody has taken", handover(urgent=[calm]))
    assert (found["due"], found["why"]) == ("2026-03-29 06:30 +02:00", "")
    assert row("First of what nobody has taken", handover(urgent=[transaction(due_at=None)]))["due"] == ""


# two people


def test_a_change_of_policies_is_of_resources_and_not_of_transactions() -> None:
    told = handover()
    (waits,), (ran,) = told.approvals, told.broken_glass
    changed = handover(
        approvals=[msgspec.structs.replace(waits, action=Action.POLICY, count=3)],
        broken_glass=[msgspec.structs.replace(ran, action="policy")],
    )
    asked, done = part("Two people", changed).lines
    assert asked.startswith("Waits for a second person: change of policies of 3 resources, plan cdcdcdcdcdcd, asked by")
    assert done.startswith("Ran without its second person: change of policies by ann")


def test_reviews_are_told_as_broken_glass_and_not_twice() -> None:
    (waits,) = handover().approvals
    review = msgspec.structs.replace(waits, kind="review")
    lines = part("Two people", handover(approvals=[review])).lines
    assert len(lines) == 1
    assert lines[0].startswith("Ran without its second person")


@pytest.mark.parametrize(
    ("more", "said", "alarming"),
    [
        ({}, "Review OVERDUE since 2026-03-29 04:30 +02:00.", True),
        ({"overdue": False}, "Review due 2026-03-29 04:30 +02:00.", True),
        ({"reviewed_by": "bob", "verdict": "approve"}, "Reviewed by bob: approve.", False),
        ({"reviewed_by": "bob", "verdict": "reject"}, "Reviewed by bob: reject.", False),
    ],
)
def test_a_run_without_leave_alarms_until_somebody_has_looked_at_it(more, said, alarming) -> None:
    (ran,) = handover().broken_glass
    section = part("Two people", handover(approvals=[], broken_glass=[msgspec.structs.replace(ran, **more)]))
    assert section.lines[0].endswith(said)
    assert section.alarming is alarming


# what to watch, what was done


def test_a_hold_says_where_who_why_and_how_much_is_behind_it() -> None:
    (held,) = handover().holds
    everywhere = msgspec.structs.replace(held, plant="P01", flow="goods-receipt", held=2)
    lines = part("Watch", handover(holds=[held, everywhere])).lines
    assert lines[0] == "Hold of CRM by bob since 2026-03-29 04:30 +02:00: patching. 1 transaction behind it."
    assert lines[1].startswith("Hold of CRM P01 goods-receipt by bob")
    assert lines[1].endswith("2 transactions behind it.")


def test_breakers_stand_in_the_order_of_their_names() -> None:
    lines = part("Watch", handover(**{**NOTHING, "breakers": {"WMS/P01": "half-open", "ERP": "open"}})).lines
    assert lines == ["Breaker of ERP is open.", "Breaker of WMS/P01 is half-open."]


def test_a_batch_that_has_just_begun_has_done_nothing_yet() -> None:
    running = batch(id="b9", state=BatchState.RUNNING, counts={"processed": 0})
    assert part("Watch", handover(**{**NOTHING, "running": [running]})).lines == [
        "Batch b9 (replay) of ann is running: nothing yet."
    ]


def test_a_hold_that_was_placed_has_no_items_to_count() -> None:
    replayed, held = part("What was done", handover()).lines
    assert replayed == ("2026-03-29 01:30 +01:00, ann: replay of 3 transactions, done: 2 processed, 1 failed. ticket 7")
    assert held == "2026-03-29 01:30 +01:00, ann: hold. patching"


def test_deeds_without_batches_are_told_without_saying_that_nothing_was_done() -> None:
    section = part("What was done", handover(batches=[], deeds=[Deed(who="bob", action="audit.export", count=1_000)]))
    assert section.lines == []
    assert section.table is not None
    assert section.table.rows == [("bob", "audit.export", "1,000")]
    assert part("What was done", handover(batches=[], deeds=[])).lines == ["Nothing."]


def test_remarks_name_their_plant_where_they_are_of_one() -> None:
    told = [Remark(at=NOW - timedelta(minutes=5), by="bob", plant=None, text="all well"), *handover().remarks]
    assert part("Remarks", handover(remarks=told)).lines == [
        "2026-03-29 05:25 +02:00, bob: all well",
        "2026-03-29 05:30 +02:00, ann (P01): look at [P02](http://x) first",
    ]


@pytest.mark.parametrize(
    ("audit", "said"),
    [
        (None, "Whoever may see the whole audit chain is told its range here."),
        (AuditRange(first=None, last=None, head=None), "Nothing was written into the chain."),
    ],
)
def test_the_chain_is_told_to_whoever_may_see_all_of_it(audit: AuditRange | None, said: str) -> None:
    assert part("Audit", handover(audit=audit)).lines == [said]


def test_the_range_of_the_chain_comes_with_the_commands_that_check_it() -> None:
    (line,) = part("Audit", handover()).lines
    assert "andon audit export --from 3 --to 9 --out shift.jsonl" in line
    assert "andon audit verify shift.jsonl" in line
