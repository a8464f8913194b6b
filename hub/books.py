"""Do the systems agree? The simulator's ledger, seen with the hub's eyes: what is missing may be on its way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable

from hub.simulator.ledger import Ledger, LedgerEntry
from transactions.books import Books, FlowBooks
from transactions.model import Status

_IN_FLIGHT = frozenset({Status.PENDING, Status.HELD, Status.DELIVERING, Status.RETRYING, Status.SENT})
_UNRESOLVED = frozenset(
    {
        Status.IN_DOUBT,
        Status.PARKED,
        Status.PARTLY_PROCESSED,
        Status.COMPENSATING,
        Status.COMPENSATION_FAILED,
    }
)

Statuses = Callable[[list[str]], Awaitable[dict[str, Status]]]
Replaced = Callable[[list[str]], Awaitable[set[str]]]


async def _none(_ids: list[str]) -> set[str]:
    return set()


async def balance(child_ledger: Ledger, statuses: Statuses, replaced: Replaced = _none) -> Books:
    """Classify what is absent in the targets by what the hub knows of it.

    Args:
        child_ledger: what is owed against what is posted.
        statuses: the hub's status of transactions by id; ids it does not know are left out.
        replaced: which of these failed transactions a newer version of their object was applied over.
    """
    ids = [entry.transaction for entry in child_ledger.missing if entry.transaction is not None]
    known = await statuses(ids) if ids else {}
    failed = [name for name, status in known.items() if status is Status.FAILED]
    old = await replaced(failed) if failed else set()
    classes: dict[tuple[str, str], Counter[str]] = {}
    for entry in child_ledger.missing:
        classes.setdefault((entry.flow, entry.target), Counter())[_class_of(entry, known, old)] += 1
    flows = []
    for flow in child_ledger.flows:
        found = classes.get((flow.flow, flow.target), Counter())
        flows.append(
            FlowBooks(
                flow=flow.flow,
                target=flow.target,
                owed=flow.owed,
                agreed=flow.agreed + found["agreed"],
                missing=found["missing"],
                mismatched=flow.mismatched,
                in_flight=found["in_flight"],
                unresolved=found["unresolved"],
                written_off=found["written_off"],
                double=flow.double,
            )
        )
    missing, double = sum(flow.missing for flow in flows), sum(flow.double for flow in flows)
    mismatched, unresolved = sum(flow.mismatched for flow in flows), sum(flow.unresolved for flow in flows)
    return Books(
        agree=missing == double == mismatched == unresolved == 0,
        missing=missing,
        double=double,
        mismatched=mismatched,
        in_flight=sum(flow.in_flight for flow in flows),
        unresolved=unresolved,
        written_off=sum(flow.written_off for flow in flows),
        flows=flows,
    )


def _class_of(entry: LedgerEntry, known: dict[str, Status], old: set[str]) -> str:
    if entry.outbox:
        return "in_flight"
    status = None if entry.transaction is None else known.get(entry.transaction)
    if status in _IN_FLIGHT:
        return "in_flight"
    if status in _UNRESOLVED:
        return "unresolved"
    if status is Status.DISCARDED:
        return "written_off"
    # Posted and reversed: what was owed was given and taken back, and nets to zero. Replaced: the target has what the
    # source said last of this object, and the older version may not be sent over it.
    return "agreed" if status is Status.COMPENSATED or entry.transaction in old else "missing"
