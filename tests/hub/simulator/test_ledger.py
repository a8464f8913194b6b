"""What is owed against what is posted: missing, double, mismatched, netted to zero."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.books import balance
from hub.simulator.ledger import Ledger, LedgerFlow, read_ledger
from hub.simulator.postings import Document, Manner
from transactions.model import Status

RAW = ("RM-1101", "R01-000001", "10.000")
OTHER = ("RM-1102", "R01-000001", "1.500")


class Sources:
    """What sources owe, written as emission and the outboxes write it."""

    def __init__(self, workshop: Any) -> None:
        self.workshop = workshop

    def owe(self, document: Document, *targets: str, state: str = "accepted", transaction: str | None = "tx") -> None:
        connection, reading = self.workshop.connection, document.reading
        seq = connection.execute(
            "INSERT INTO outbox (source, plant, flow, content_type, headers, payload, sha256, state)"
            " VALUES ('MES/P01', ?, ?, 'application/json', '{}', NULL, ?, ?) RETURNING seq",
            (document.plant, document.flow, hashlib.sha256(document.body).hexdigest(), state),
        ).fetchone()[0]
        for target in targets:
            connection.execute(
                "INSERT INTO owed VALUES (?, ?, ?, ?, 'MES/P01', ?, ?, ?)",
                (seq, document.flow, target, document.plant, reading.identity, reading.essence, transaction),
            )

    def read(self) -> Ledger:
        [row] = self.workshop.connection.execute("PRAGMA database_list").fetchall()
        return read_ledger(Path(row["file"]))


@pytest.fixture
def sources(workshop: Any) -> Sources:
    return Sources(workshop)


def counts(ledger: Ledger, target: str = "ERP") -> tuple[int, int, int, int, int]:
    """owed, agreed, missing, mismatched, double."""
    [flow] = [one for one in ledger.flows if one.target == target]
    return flow.owed, flow.agreed, flow.missing, flow.mismatched, flow.double


def named(entries: list[Any]) -> list[tuple[str, str, str | None, bool]]:
    return [(entry.target, entry.key, entry.transaction, entry.outbox) for entry in entries]


KEY = "material-consumption|MC-1|10"


def test_nothing_owed_nothing_said(sources: Sources) -> None:
    assert sources.read() == Ledger(flows=[], missing=[], double=[], mismatched=[])


def test_posted_as_owed_agrees(workshop: Any, sources: Sources) -> None:
    document = workshop.consumption(RAW)
    sources.owe(document, "ERP", "WMS")
    for target in ("ERP", "WMS"):
        workshop.post(target, document)
    ledger = sources.read()
    assert counts(ledger) == counts(ledger, "WMS") == (1, 1, 0, 0, 0)
    assert ledger.missing == ledger.double == ledger.mismatched == []


@pytest.mark.parametrize("state", ["waiting", "accepted", "refused"])
def test_missing_in_one_target_only(workshop: Any, sources: Sources, state: str) -> None:
    document = workshop.consumption(RAW)
    sources.owe(document, "ERP", "WMS", state=state)
    workshop.post("WMS", document)
    ledger = sources.read()
    assert counts(ledger) == (1, 0, 1, 0, 0)
    assert named(ledger.missing) == [("ERP", KEY, "tx", state == "waiting")]


@pytest.mark.parametrize("manner", [Manner.LATER, Manner.PARKED, Manner.QUIETLY_PARKED, Manner.PARTLY])
def test_what_is_not_wholly_posted_is_missing(workshop: Any, sources: Sources, manner: Manner) -> None:
    document = workshop.consumption(RAW, OTHER)
    sources.owe(document, "ERP")
    workshop.post("ERP", document, manner)
    assert counts(sources.read()) == (1, 0, 1, 0, 0)
    workshop.postings.settle(1e12)
    for fault in ("parked", "partial"):
        workshop.postings.work_off(fault, lambda *_: False)
    assert counts(sources.read()) == (1, 1, 0, 0, 0)


def test_a_document_is_known_by_what_it_is_about(workshop: Any, sources: Sources) -> None:
    """Neither its key nor its bytes count: an edited document that says the right thing agrees."""
    document = workshop.consumption(RAW)
    sources.owe(document, "ERP")
    spaced = msgspec.json.format(document.body, indent=2)
    assert spaced != document.body
    workshop.post("ERP", workshop.document("material-consumption", spaced, key="another"))
    assert counts(sources.read()) == (1, 1, 0, 0, 0)


def test_another_quantity_is_mismatched(workshop: Any, sources: Sources) -> None:
    sources.owe(workshop.consumption(RAW), "ERP")
    workshop.post("ERP", workshop.consumption(("RM-1101", "R01-000001", "0.010")))
    ledger = sources.read()
    assert counts(ledger) == (1, 0, 0, 1, 0)
    assert named(ledger.mismatched) == [("ERP", KEY, "tx", False)]
    assert ledger.missing == []


def test_corrected_agrees(workshop: Any, sources: Sources) -> None:
    """Reversed, and the right thing posted under a new key."""
    right = workshop.consumption(RAW, key="k2")
    sources.owe(right, "ERP")
    workshop.post("ERP", workshop.consumption(("RM-1101", "R01-000001", "0.010")))
    workshop.postings.reverse(workshop.instance("ERP"), "k1")
    workshop.post("ERP", right)
    assert counts(sources.read()) == (1, 1, 0, 0, 0)


def test_surplus_postings_are_counted_one_by_one(workshop: Any, sources: Sources) -> None:
    sources.owe(workshop.consumption(RAW), "ERP")
    for n in range(4):
        workshop.post("ERP", workshop.consumption(RAW, key=f"k{n}"))
    ledger = sources.read()
    assert counts(ledger) == (1, 1, 0, 0, 3)
    assert named(ledger.double) == [("ERP", KEY, "tx", False)]
    for n in range(3):
        workshop.postings.reverse(workshop.instance("ERP"), f"k{n}")
    assert counts(sources.read()) == (1, 1, 0, 0, 0), "the later twins are reversed"


def test_double_and_wrong_is_both(workshop: Any, sources: Sources) -> None:
    sources.owe(workshop.consumption(RAW), "ERP")
    for n in range(2):
        workshop.post("ERP", workshop.consumption(OTHER, key=f"k{n}"))
    ledger = sources.read()
    assert counts(ledger) == (1, 0, 0, 1, 1)
    assert named(ledger.double) == named(ledger.mismatched)


def test_posted_by_hand_counts(workshop: Any, sources: Sources) -> None:
    document = workshop.consumption(RAW)
    sources.owe(document, "ERP")
    workshop.postings.post_by_hand(workshop.instance("ERP"), document, 0.0)
    assert counts(sources.read()) == (1, 0, 1, 0, 0)
    workshop.postings.settle(1e12)
    assert counts(sources.read()) == (1, 1, 0, 0, 0)
    workshop.post("ERP", document)
    assert counts(sources.read()) == (1, 1, 0, 0, 1), "replayed over a hand posting, it is there twice"


async def test_compensated_nets_to_zero(workshop: Any, sources: Sources) -> None:
    document = workshop.consumption(RAW)
    sources.owe(document, "ERP", transaction="t1")
    workshop.post("ERP", document)
    workshop.postings.reverse(workshop.instance("ERP"), "k1")
    ledger = sources.read()
    assert counts(ledger) == (1, 0, 1, 0, 0)

    async def statuses(ids: list[str]) -> dict[str, Status]:
        return dict.fromkeys(ids, Status.COMPENSATED)

    books = await balance(ledger, statuses)
    assert (books.agree, books.missing, books.flows[0].agreed) == (True, 0, 1)


def test_what_nobody_owes_is_not_in_the_books(workshop: Any, sources: Sources) -> None:
    workshop.post("ERP", workshop.consumption(RAW))
    assert sources.read().flows == []


def test_flows_and_targets_are_counted_apart(workshop: Any, sources: Sources) -> None:
    hold = workshop.hold("P01-000001")
    sources.owe(workshop.consumption(RAW), "ERP", "WMS")
    sources.owe(hold, "ERP")
    workshop.post("ERP", hold)
    assert [(one.flow, one.target, one.agreed) for one in sources.read().flows] == [
        ("material-consumption", "ERP", 0),
        ("material-consumption", "WMS", 0),
        ("quality-hold", "ERP", 1),
    ]


def test_reading_does_not_disturb_who_writes(workshop: Any, sources: Sources) -> None:
    sources.owe(workshop.consumption(RAW), "ERP")
    workshop.connection.execute("BEGIN IMMEDIATE")
    workshop.connection.execute("DELETE FROM owed")
    assert counts(sources.read()) == (1, 0, 1, 0, 0), "what is committed, while somebody writes"
    workshop.connection.execute("ROLLBACK")


outcomes = st.sampled_from(["nothing", "right", "wrong", "reversed", "twice"])


@settings(deadline=None, max_examples=25)
@given(st.lists(outcomes, max_size=8))
def test_every_owed_posting_is_agreed_missing_or_mismatched(
    workshops: Any, tmp_path_factory: pytest.TempPathFactory, story: list[str]
) -> None:
    with workshops(tmp_path_factory.mktemp("ledger") / "simulator.db") as workshop:
        sources = Sources(workshop)
        for n, outcome in enumerate(story):
            right, wrong = (workshop.consumption(line, key=f"k{n}", event=f"MC-{n}") for line in (RAW, OTHER))
            sources.owe(right, "ERP")
            if outcome != "nothing":
                workshop.post("ERP", wrong if outcome == "wrong" else right)
            if outcome == "reversed":
                workshop.postings.reverse(workshop.instance("ERP"), f"k{n}")
            if outcome == "twice":
                workshop.post("ERP", msgspec.structs.replace(right, key=f"again-{n}"))
        expected = LedgerFlow(
            flow="material-consumption",
            target="ERP",
            owed=len(story),
            agreed=story.count("right") + story.count("twice"),
            missing=story.count("nothing") + story.count("reversed"),
            mismatched=story.count("wrong"),
            double=story.count("twice"),
        )
        ledger = sources.read()
        assert ledger.flows == ([expected] if story else [])
        assert len(ledger.missing) == expected.missing
        assert len(ledger.double) == expected.double
        assert len(ledger.mismatched) == expected.mismatched
