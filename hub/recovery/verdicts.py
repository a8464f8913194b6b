"""What a plan decides for each transaction, action by action."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, select

from hub.delivery import guards
from hub.landscape import Landscape
from hub.store.schema import ledger, payloads, transactions
from transactions.model import Status
from transactions.plans import Action, PlanOptions, Verdict
from transactions.states import BLOCKING, Event, allowed

_BLOCKING = sorted(BLOCKING)


class Decision(Struct, frozen=True):
    """A verdict and its reason in words."""

    verdict: Verdict
    because: str | None = None


_SEND = Decision(Verdict.SEND)

_NO_REPLAY: dict[Status, str] = {
    Status.IN_DOUBT: "in doubt: nobody knows whether it was applied. Look it up or resolve it first",
    Status.SENT: "sent, and its outcome is being looked up. Wait for that",
    Status.PARKED: "parked in the target: repair it there; sending it again would double it",
    Status.PARTLY_PROCESSED: "partly posted: sending it whole would double the part that was",
    Status.PROCESSED: "already processed",
    Status.DUPLICATE: "already there",
    Status.DISCARDED: "discarded: restore it first",
    Status.PENDING: "on its way by itself",
    Status.RETRYING: "on its way by itself",
    Status.DELIVERING: "under way right now",
    Status.HELD: "held: it goes on by itself when what it waits for is done",
}
_STEP = {Action.DISCARD: Event.DISCARD, Action.RESTORE: Event.RESTORE}


def decide(
    connection: Connection,
    action: Action,
    row: Any,
    options: PlanOptions,
    landscape: Landscape,
    planned: set[str],
) -> Decision:
    """The verdict for one transaction.

    Args:
        connection: a reader's.
        action: what is planned.
        row: the transaction.
        options: what the caller forces.
        landscape: flows and targets.
        planned: ids in the same plan; what waits behind one of them goes in sequence.
    """
    if row.claimed_by:
        return Decision(Verdict.REFUSED, f"batch {row.claimed_by} is at work on it")
    if action is Action.REPLAY:
        return _decide_replay(connection, row, options, landscape, planned)
    if allowed(Status(row.status), _STEP[action]):
        return _SEND
    return Decision(Verdict.REFUSED, f"it is {row.status}, which cannot be {_PAST[action]}")


_PAST = {Action.DISCARD: "discarded", Action.RESTORE: "restored"}


def _decide_replay(
    connection: Connection, row: Any, options: PlanOptions, landscape: Landscape, planned: set[str]
) -> Decision:
    if row.status != Status.FAILED:
        return Decision(Verdict.REFUSED, _NO_REPLAY.get(Status(row.status), f"it is {row.status}"))
    posted = _applied_as(connection, row)
    if posted is not None:
        return Decision(Verdict.DUPLICATE, f"{row.target} applied it already as {posted}")
    if not _has_content(connection, row):
        return Decision(Verdict.REFUSED, "its payload is empty; an empty document is never sent")
    flow = landscape.flow(row.flow)
    newer = guards.superseded_by(connection, row, flow)
    if newer is not None and not options.force_superseded:
        return Decision(Verdict.SUPERSEDED, f"a newer version was applied by {newer}")
    endpoint = landscape.endpoint(row.target, row.plant)
    if row.attempts and not row.definitive and (endpoint is None or not endpoint.asks):
        return Decision(Verdict.REFUSED, f"{row.target} cannot be asked whether it was applied. Resolve it by evidence")
    return _behind(connection, row, landscape, planned)


def _applied_as(connection: Connection, row: Any) -> str | None:
    found = connection.execute(
        select(ledger.c.document, ledger.c.revision).where(
            ledger.c.target == row.target,
            ledger.c.idempotency_key == row.idempotency_key,
            ledger.c.applied_at.is_not(None),
        )
    ).first()
    return None if found is None else f"{found.document or 'a document'} (revision {found.revision})"


def _has_content(connection: Connection, row: Any) -> bool:
    return (
        connection.execute(
            select(payloads.c.sha256).where(payloads.c.sha256 == row.payload_sha256, payloads.c.content != b"")
        ).first()
        is not None
    )


def _behind(connection: Connection, row: Any, landscape: Landscape, planned: set[str]) -> Decision:
    flow = landscape.flow(row.flow)
    if row.lane is not None:
        ahead = connection.execute(
            select(
                transactions.c.id,
                transactions.c.flow,
                transactions.c.status,
                transactions.c.definitive,
                transactions.c.object_key,
            )
            .where(transactions.c.lane == row.lane, transactions.c.seq < row.seq, transactions.c.status.in_(_BLOCKING))
            .order_by(transactions.c.seq)
        )
        for other in ahead:
            if other.id not in planned and not guards.gives_way(other, row, flow):
                return Decision(Verdict.HELD_BEHIND, f"{other.flow} {other.id} is {other.status} ahead of it")
    needed = guards.required_first(connection, row, flow)
    if needed is not None and needed.by not in planned:
        return Decision(Verdict.HELD_BEHIND, needed.text)
    return _SEND
