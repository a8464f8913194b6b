"""What is missing in the targets, classified by what the hub knows of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.books import balance
from hub.simulator.ledger import Ledger, LedgerEntry, LedgerFlow
from transactions.model import Status

CLASSES = {
    Status.PENDING: "in_flight",
    Status.HELD: "in_flight",
    Status.DELIVERING: "in_flight",
    Status.RETRYING: "in_flight",
    Status.SENT: "in_flight",
    Status.IN_DOUBT: "unresolved",
    Status.PROCESSED: "missing",
    Status.DUPLICATE: "missing",
    Status.PARKED: "unresolved",
    Status.PARTLY_PROCESSED: "unresolved",
    Status.FAILED: "missing",
    Status.DISCARDED: "written_off",
    Status.RESOLVED: "missing",
    Status.COMPENSATING: "unresolved",
    Status.COMPENSATED: "agreed",
    Status.COMPENSATION_FAILED: "unresolved",
}
COUNTED = ("agreed", "missing", "mismatched", "in_flight", "unresolved", "written_off")


def entry(transaction: str | None, *, outbox: bool = False, flow: str = "labor-time") -> LedgerEntry:
    return LedgerEntry(flow=flow, target="ERP", plant="P01", key="k", transaction=transaction, outbox=outbox)


def ledger(missing: list[LedgerEntry], *, agreed: int = 0, mismatched: int = 0, double: int = 0) -> Ledger:
    row = LedgerFlow(
        flow="labor-time",
        target="ERP",
        owed=agreed + mismatched + len(missing),
        agreed=agreed,
        missing=len(missing),
        mismatched=mismatched,
        double=double,
    )
    return Ledger(flows=[row], missing=missing, double=[], mismatched=[])


def knows(**statuses: Status):  # type: ignore[no-untyped-def]
    async def answer(ids: list[str]) -> dict[str, Status]:
        return {name: statuses[name] for name in ids if name in statuses}

    return answer


def test_every_status_is_classified() -> None:
    assert set(CLASSES) == set(Status)


@pytest.mark.parametrize("status", list(Status))
async def test_what_is_missing_is_what_the_hub_says(status: Status) -> None:
    books = await balance(ledger([entry("t1")]), knows(t1=status))
    [row] = books.flows
    assert {name: getattr(row, name) for name in COUNTED if getattr(row, name)} == {CLASSES[status]: 1}
    assert books.agree == (CLASSES[status] not in ("missing", "unresolved"))


async def test_unknown_to_the_hub_is_missing() -> None:
    books = await balance(ledger([entry("t1"), entry(None)]), knows())
    assert (books.missing, books.agree) == (2, False)


async def test_in_the_outbox_is_in_flight() -> None:
    books = await balance(ledger([entry(None, outbox=True)]), knows())
    assert (books.in_flight, books.missing, books.agree) == (1, 0, True)


async def test_every_owed_posting_is_counted_once() -> None:
    missing = [entry(f"t{n}") for n in range(len(Status))]
    known = knows(**{f"t{n}": status for n, status in enumerate(Status)})
    books = await balance(ledger(missing, agreed=5, mismatched=2, double=3), known)
    [row] = books.flows
    assert sum(getattr(row, name) for name in COUNTED) == row.owed == len(Status) + 7
    assert (books.double, books.mismatched, books.agree) == (3, 2, False)


async def test_what_a_newer_version_replaced_agrees_and_only_failed_ones_are_asked_about() -> None:
    asked: list[str] = []

    async def replaced(ids: list[str]) -> set[str]:
        asked.extend(ids)
        return {"t1"}

    known = knows(t1=Status.FAILED, t2=Status.FAILED, t3=Status.IN_DOUBT)
    books = await balance(ledger([entry("t1"), entry("t2"), entry("t3"), entry(None)]), known, replaced)
    assert asked == ["t1", "t2"]
    [row] = books.flows
    assert (row.agreed, row.missing, row.unresolved) == (1, 2, 1)
    assert not books.agree
    assert (await balance(ledger([entry("t1")]), known, replaced)).agree


@pytest.mark.parametrize("wrong", ["mismatched", "double"])
async def test_wrong_postings_do_not_agree(wrong: str) -> None:
    assert not (await balance(ledger([], agreed=1, **{wrong: 1}), knows())).agree


async def test_nothing_missing_asks_nobody() -> None:
    async def never(_ids: list[str]) -> dict[str, Status]:
        raise AssertionError("the hub was asked for nothing")

    assert (await balance(ledger([], agreed=4), never)).agree


rows = st.lists(
    st.tuples(
        st.sampled_from(["labor-time", "goods-receipt"]),
        st.none() | st.sampled_from(list(Status)),
        st.booleans(),
    ),
    max_size=20,
)


@settings(deadline=None)
@given(rows, st.integers(0, 5), st.integers(0, 5), st.integers(0, 5))
async def test_the_totals_are_those_of_the_flows(
    told: list[tuple[str, Status | None, bool]], agreed: int, mismatched: int, double: int
) -> None:
    missing = [entry(f"t{n}", outbox=outbox, flow=flow) for n, (flow, _, outbox) in enumerate(told)]
    known = {f"t{n}": status for n, (_, status, _) in enumerate(told) if status is not None}
    flows = [
        LedgerFlow(
            flow=name,
            target="ERP",
            owed=agreed + mismatched + sum(one.flow == name for one in missing),
            agreed=agreed,
            missing=sum(one.flow == name for one in missing),
            mismatched=mismatched,
            double=double,
        )
        for name in ("goods-receipt", "labor-time")
    ]
    books = await balance(Ledger(flows=flows, missing=missing, double=[], mismatched=[]), knows(**known))
    for row in books.flows:
        assert sum(getattr(row, name) for name in COUNTED) == row.owed
    for name in ("missing", "double", "mismatched", "in_flight", "unresolved", "written_off"):
        assert getattr(books, name) == sum(getattr(row, name) for row in books.flows)
    assert books.agree == (books.missing == books.double == books.mismatched == books.unresolved == 0)
    waiting = sum(outbox for _, _, outbox in told)
    assert books.in_flight >= waiting, "whatever the hub says, what it has not accepted is on its way"
