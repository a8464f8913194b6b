"""Why a transaction explains a difference, in a sentence."""

from __future__ import annotations

from hub.reconciliation.finding import Candidate
from hub.reconciliation.proving import Proof, Proven
from transactions.model import Status, Transaction
from transactions.reconciliation.comparing import Disagreement
from transactions.reconciliation.model import Cause

_SENTENCES = {
    Status.PENDING: "It waits to be delivered.",
    Status.DELIVERING: "It is being delivered.",
    Status.RETRYING: "It is tried again by itself.",
    Status.SENT: "The target accepted it and has not said that it posted it.",
    Status.DISCARDED: "It was closed unprocessed by a person.",
    Status.RESOLVED: "A person closed it by evidence; whether the target has it was not asked.",
    Status.COMPENSATING: "It is being taken back in the target.",
    Status.COMPENSATED: "It was taken back in the target.",
    Status.COMPENSATION_FAILED: "It was to be taken back in the target, and that failed.",
}


def unposted(candidate: Candidate, shown: Transaction) -> Cause:
    """A transaction that is not in its target, or may not be."""
    why = _why(shown)
    if candidate.astray:
        why = f"It is of the same process and names another object. {why}"
    return _cause(candidate, why, reopenable=False)


def acknowledged(candidate: Candidate, proven: Proven) -> Cause:
    """A transaction that its target acknowledged, and does not have."""
    said = f" as document {candidate.row.document}" if candidate.row.document else ""
    match proven.proof:
        case Proof.ABSENT:
            why = f"{candidate.label} acknowledged it{said}, and asked for it now has nothing under its key."
        case Proof.PARKED:
            why = f"{candidate.label} acknowledged it{said}, and asked for it now says that it is parked there."
        case Proof.REVERSED:
            by = f" by {proven.document}" if proven.document else ""
            why = f"It was taken back in {candidate.label}{by}, and not by this hub."
        case Proof.JUST_NOW:
            why = "It was delivered while the systems were asked. Ask again."
        case _:
            why = f"{candidate.label} acknowledged it{said}, says nothing of the object, and cannot be asked by key."
    lost = proven.proof in (Proof.ABSENT, Proof.CANNOT_BE_ASKED)
    return _cause(candidate, why, reopenable=lost and candidate.row.status == Status.PROCESSED)


def explains(one: Disagreement, candidate: Candidate, proven: Proven) -> bool:
    """Whether what a target says of an acknowledged delivery explains what differs."""
    if proven.proof in (Proof.ABSENT, Proof.PARKED, Proof.REVERSED, Proof.JUST_NOW):
        return True
    sides = {side.instance.label: side for side in one.sides}
    side = sides.get(candidate.label)
    # It cannot be asked by key: that it does not know the object at all is all the evidence there is.
    return proven.proof is Proof.CANNOT_BE_ASKED and side is not None and side.value is None


def _cause(candidate: Candidate, why: str, *, reopenable: bool) -> Cause:
    row, amount = candidate.row, candidate.lacking().amount
    return Cause(
        id=row.id,
        flow=row.flow,
        source=row.source,
        target=candidate.label,
        status=Status(row.status),
        why=why,
        amount=None if amount is None else format(amount, "f"),
        reopenable=reopenable,
    )


def _why(shown: Transaction) -> str:
    failure = shown.failure
    match shown.status:
        case Status.HELD:
            return f"It is held: {shown.waiting_on or 'by a person'}."
        case Status.FAILED | Status.IN_DOUBT | Status.PARKED | Status.PARTLY_PROCESSED if failure is not None:
            begin = {
                Status.FAILED: "It failed",
                Status.IN_DOUBT: "Nobody knows whether it was posted",
                Status.PARKED: "It is parked in the target",
                Status.PARTLY_PROCESSED: "Only a part of it was posted",
            }[shown.status]
            return f"{begin} ({failure.code}, {failure.system}): {failure.message}"
        case _:
            return _SENTENCES.get(shown.status, f"It is {shown.status}.")
