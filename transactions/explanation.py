"""A failed transaction in sentences: what was said, what it means, what helps, and what must not be done."""

from __future__ import annotations

from msgspec import Struct

from transactions.model import Help, Status, Transaction


class Explanation(Struct, frozen=True, kw_only=True):
    """Four answers; ``never`` names what must not be done, empty where nothing has to be warned of."""

    said: str
    means: str
    helps: str
    never: str


_HELPS: dict[Help, str] = {
    Help.WAIT: "time: it passes by itself. Replay when the target answers again",
    Help.DATA: "mending data: the document or the master data it names. Replay after that",
    Help.DECISION: "a decision of the business. Replay once it is made",
    Help.POLICY: "access: a credential, a scope or an API version. Replay once it is granted",
    Help.CARE: "asking the target first what it did",
    Help.NEVER: "nothing: sending it again changes nothing. Discard it with a reason",
}
_NEVER: dict[Help, str] = {
    Help.WAIT: "replay in bulk while the target is slow: it makes the queue longer",
    Help.DATA: "replay before it is mended: it fails the same way",
    Help.DECISION: "post it into another period or version without the approval",
    Help.POLICY: "retry in a loop: refused sign-ins can lock the account",
    Help.CARE: "send it again blindly: it may have been posted already",
    Help.NEVER: "force it through",
}
_STATES: dict[Status, str] = {
    Status.PENDING: "waits for its turn",
    Status.HELD: "is held and goes on by itself when what it waits for is over",
    Status.DELIVERING: "is being delivered now",
    Status.RETRYING: "failed for now and is tried again by itself",
    Status.SENT: "was sent and is not confirmed yet",
    Status.IN_DOUBT: "was sent and got no answer: it may or may not be posted",
    Status.PROCESSED: "is processed",
    Status.DUPLICATE: "was already applied before",
    Status.PARKED: "was accepted and not posted: it sits in the target's own list",
    Status.PARTLY_PROCESSED: "was posted in part",
    Status.FAILED: "is not in the target",
    Status.DISCARDED: "was closed unprocessed",
    Status.RESOLVED: "was closed by evidence",
    Status.COMPENSATING: "is being undone",
    Status.COMPENSATED: "was undone",
    Status.COMPENSATION_FAILED: "could not be undone",
}


def explain(transaction: Transaction) -> Explanation:
    """What a person needs to know before touching ``transaction``; data is in it as it came, so clean it to show it."""
    failure = transaction.failure
    keys = ", ".join(f"{name} {value}" for name, value in transaction.business_keys.items())
    subject = transaction.flow.replace("-", " ")
    state = _STATES[transaction.status].replace("the target", transaction.target, 1)
    means = f"{subject}{f' ({keys})' if keys else ''} {state}"
    if transaction.waiting_on is not None:
        means += f"; it waits for {transaction.waiting_on}"
    if transaction.overdue:
        means += "; it is overdue"
    if failure is None or transaction.status not in _TROUBLED:
        return Explanation(said="", means=means, helps="", never="")
    said = f"{failure.code}  {failure.message}"
    helps = _HELPS[failure.help]
    if transaction.owner is not None:
        helps += f" ({transaction.owner})"
    if transaction.status is Status.PARKED:
        helps = f"repairing the parked posting in {transaction.target}; it is closed when {transaction.target} says so"
    never = _NEVER[Help.CARE] if transaction.status in _UNCLEAR else _NEVER[failure.help]
    return Explanation(said=said, means=means, helps=helps, never=never)


def what_helps(help_class: Help) -> str:
    """What helps with failures of a class: the end of a sentence that begins with "what helps is"."""
    return _HELPS[help_class]


def what_never(help_class: Help) -> str:
    """What must not be done with failures of a class: the end of a sentence that begins with "do not"."""
    return _NEVER[help_class]


_UNCLEAR = frozenset({Status.IN_DOUBT, Status.PARKED, Status.PARTLY_PROCESSED, Status.SENT})
_TROUBLED = _UNCLEAR | {Status.FAILED, Status.RETRYING, Status.HELD, Status.COMPENSATION_FAILED}
