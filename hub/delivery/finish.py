"""The second half of a delivery, in the writer: what the answer, or its absence, makes of the transaction."""

from __future__ import annotations

import random
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, bindparam, select, update

from hub.delivery.answers import Answer, Found, LookupAnswer, Outcome
from hub.delivery.answers import Result as Meaning
from hub.delivery.begin import Prepared
from hub.delivery.channel import NoAnswer, NotSent
from hub.delivery.profile import Profile
from hub.store.journal import journal
from hub.store.schema import attempts, ledger
from hub.store.transitions import (
    CLEAR_FAILURE,
    REVERSES,
    TxRow,
    change,
    encode,
    fail,
    failure_columns,
    fetch,
    left_to_people,
    move,
    tell_original,
)
from transactions.clock import to_micros
from transactions.landscape import Verify
from transactions.model import Failure, FailureKind, Status
from transactions.states import Event

BODY_KEPT = 65_536  # characters of an answer that are kept with the attempt
_SECOND = 1_000_000
_SAFETY = 1.0  # seconds until the timer asks, should the question that follows the answer at once get lost


_OF_KEY = (ledger.c.target == bindparam("of_target"), ledger.c.idempotency_key == bindparam("of_key"))
_SENT = select(ledger.c.revision, ledger.c.sha256).where(*_OF_KEY)
_APPLIED = (
    update(ledger)
    .where(*_OF_KEY, ledger.c.revision == bindparam("of_revision"))
    .values(applied_at=bindparam("at"), document=bindparam("as_document"))
)
_CLOSE_ATTEMPT = (
    update(attempts)
    .where(attempts.c.tx_id == bindparam("of_tx"), attempts.c.n == bindparam("of_n"))
    .values(
        finished_at=bindparam("at"),
        response_status=bindparam("said_status"),
        response_headers=bindparam("said_headers"),
        response_body=bindparam("said_body"),
        outcome=bindparam("came_to"),
        failure=bindparam("why"),
    )
)


class Tried(Struct, frozen=True, kw_only=True):
    """What one attempt came to: an answer and its meaning, or the loss."""

    answer: Answer | None = None
    outcome: Outcome | None = None
    not_sent: NotSent | None = None
    no_answer: NoAnswer | None = None


class Asked(Struct, frozen=True, kw_only=True):
    """When a target was asked, and about what.

    Attributes:
        unsettled: seconds for which, when the question left, a late posting could still land.
        sends: deliveries that had left by then.
        first: nothing of the running delivery has left, and the answer decides whether it does.
    """

    unsettled: float
    sends: int
    first: bool = False


class Finisher:
    """Carries outcomes into the store; one for the whole hub."""

    def __init__(self, profile: Profile, chance: random.Random) -> None:
        self._profile = profile
        self._chance = chance

    def delivery(self, connection: Connection, prepared: Prepared, result: Tried, now: datetime) -> Status | None:
        """Write down what a delivery came to.

        Returns:
            The status after it; None when the transaction is not in delivery any more.
        """
        row = fetch(connection, prepared.id)
        if row is None:
            return None
        failure = _failure_of(row, prepared, result)
        _close_attempt(connection, prepared, result, failure, now)
        if row.status != Status.DELIVERING:  # the target said by itself what became of it, before it answered
            return None
        if result.not_sent is not None and failure is not None:
            return self._later_or_never(
                connection, row, failure, Outcome(result=Meaning.FAILED, retry=True), prepared, now
            )
        if result.outcome is None:
            assert failure is not None
            return self.lose(connection, row, failure, prepared.endpoint.asks, now)
        return self._answered(connection, row, prepared, result.outcome, failure, now)

    def _answered(
        self,
        connection: Connection,
        row: TxRow,
        prepared: Prepared,
        outcome: Outcome,
        failure: Failure | None,
        now: datetime,
    ) -> Status:
        label = prepared.endpoint.label
        match outcome.result:
            case Meaning.APPLIED | Meaning.ACCEPTED | Meaning.DUPLICATE if self._must_verify(prepared, outcome) or (
                outcome.result is Meaning.DUPLICATE and prepared.endpoint.asks and _several(connection, row)
            ):
                wait = self._profile.reply_within if prepared.verify in (Verify.REPLY, Verify.CONFIRM) else _SAFETY
                due = to_micros(now) + int(wait * _SECOND)
                journal(connection).timer(due)
                return move(
                    connection,
                    row,
                    Event.ACCEPTED,
                    now=now,
                    by=label,
                    text=f"{label} accepted it; waiting for its {prepared.verify}",
                    values={"document": outcome.document or row.document, "due_next": due},
                )
            case Meaning.APPLIED | Meaning.ACCEPTED:
                return self.applied(connection, row, outcome.document, label, now)
            case Meaning.DUPLICATE if _several(connection, row):
                said = f"{label} has it already, and cannot be asked which of its revisions"
                return self.lose(
                    connection, row, _said(FailureKind.UNKNOWN_OUTCOME, "which-revision", said, label), False, now
                )
            case Meaning.DUPLICATE:
                if row.attempts > 1:  # the target applied an earlier delivery of ours
                    return self.applied(connection, row, outcome.document, label, now)
                return move(
                    connection,
                    row,
                    Event.DUPLICATE,
                    now=now,
                    by=label,
                    text=f"{label} has it already as {outcome.document or 'an earlier posting'}",
                    values={**CLEAR_FAILURE, "document": outcome.document, "definitive": 1},
                )
            case Meaning.PARKED | Meaning.PARTIAL:
                assert failure is not None
                parked = outcome.result is Meaning.PARKED
                return self.stuck(connection, row, failure, outcome.document, parked, prepared.endpoint.asks, now)
            case Meaning.UNKNOWN:
                assert failure is not None
                return self.lose(connection, row, failure, prepared.endpoint.asks, now)
            case _:
                assert failure is not None
                return self._later_or_never(connection, row, failure, outcome, prepared, now)

    def _must_verify(self, prepared: Prepared, outcome: Outcome) -> bool:
        if prepared.verify is Verify.ACK:
            # accepted is a promise, not a posting: where the target can be asked, ask
            return outcome.result is Meaning.ACCEPTED and prepared.endpoint.asks
        return True

    def _later_or_never(
        self,
        connection: Connection,
        row: TxRow,
        failure: Failure,
        outcome: Outcome,
        prepared: Prepared,
        now: datetime,
    ) -> Status:
        asks, definitive = prepared.endpoint.asks, outcome.definitive
        if outcome.retry and row.tries < self._profile.attempts and (definitive or asks):
            wait = max(self._profile.backoff_after(row.tries, self._chance), outcome.retry_after or 0.0)
            if not definitive:  # absent means absent only when a late posting cannot land any more
                wait = max(wait, prepared.endpoint.declaration.settle_seconds())
            due = to_micros(now) + int(wait * _SECOND)
            journal(connection).timer(due)
            return move(
                connection,
                row,
                Event.RETRY,
                now=now,
                by=failure.system,
                text=f"{failure.system}: {failure.message}. Next try in {wait:.1f} s",
                values={**failure_columns(failure), "due_next": due, "definitive": int(definitive)},
            )
        if not definitive:
            return self.lose(connection, row, failure, asks, now)
        return fail(connection, row, failure, now=now, by=failure.system, values={"definitive": 1})

    def applied(
        self,
        connection: Connection,
        row: TxRow,
        document: str | None,
        by: str,
        now: datetime,
        sha256: str | None = None,
    ) -> Status:
        """The target applied it: close the transaction, naming the revision where that is not the one in use.

        Args:
            sha256: of what it applied, where it said so.
        """
        revision = row.revision if sha256 is None else _revision_sent(connection, row, sha256)
        connection.execute(
            _APPLIED,
            {
                "of_target": row.target,
                "of_key": row.idempotency_key,
                "of_revision": revision,
                "at": to_micros(now),
                "as_document": document or row.document,
            },
        )
        return move(
            connection,
            row,
            Event.PROCESSED,
            now=now,
            by=by,
            text=f"{by} posted {_which(revision, row.revision)}" + (f" as {document}" if document else ""),
            values={
                **CLEAR_FAILURE,
                "document": document or row.document,
                "definitive": 1,
                "due_next": None,
                "waiting_on": None,
            },
        )

    def broke(self, connection: Connection, prepared: Prepared, now: datetime) -> None:
        """The hub broke off in the middle of a delivery: nobody knows what became of it."""
        row = fetch(connection, prepared.id)
        if row is not None and row.status == Status.DELIVERING:
            said = "The hub broke off while the request was under way; its log says why"
            failure = _said(FailureKind.UNKNOWN_OUTCOME, "hub-broke-off", said, prepared.endpoint.label)
            _close_attempt(connection, prepared, Tried(), failure, now)
            self.lose(connection, row, failure, prepared.endpoint.asks, now)

    def stuck(
        self,
        connection: Connection,
        row: TxRow,
        failure: Failure,
        document: str | None,
        parked: bool,
        asks: bool,
        now: datetime,
    ) -> Status:
        """The target took it and did not post it, or not all of it."""
        due = to_micros(now) + int(self._profile.parked_every * _SECOND) if asks else None
        if due is not None:
            journal(connection).timer(due)
        return fail(
            connection,
            row,
            failure,
            now=now,
            by=failure.system,
            event=Event.PARKED if parked else Event.PARTLY_PROCESSED,
            text=f"{failure.system} took it and {'parked it' if parked else 'posted a part'}: {failure.message}",
            values={"document": document, "definitive": 0, "due_next": due, "waiting_on": None},
        )

    def lose(self, connection: Connection, row: TxRow, failure: Failure, asks: bool, now: datetime) -> Status:
        """Nobody knows what became of it: in doubt, and the target is asked where it can be."""
        due = to_micros(now) + int(self._profile.lookup_pause * _SECOND) if asks else None
        if due is not None:
            journal(connection).timer(due)
        waiting = f"lookup at {failure.system}" if asks else f"evidence: {failure.system} cannot be asked"
        return fail(
            connection,
            row,
            failure,
            now=now,
            by="hub",
            event=Event.LOST,
            text=f"In doubt: {failure.message}",
            values={"definitive": 0, "due_next": due, "lookups": 0, "waiting_on": waiting},
        )

    def asked(
        self,
        connection: Connection,
        tx_id: str,
        found: LookupAnswer,
        label: str,
        now: datetime,
        *,
        since: Asked | None = None,
    ) -> Status | None:
        """Write down what a target said when asked for a key.

        Args:
            connection: the writer's.
            tx_id: whose key.
            found: its answer.
            label: the target's name.
            now: the present moment.
            since: when it was asked, and what had left by then; None where it says it by itself.

        Returns:
            The status after it; None when the answer changes nothing (yet).
        """
        row = fetch(connection, tx_id)
        asked_for = (Status.SENT, Status.IN_DOUBT, Status.PARKED, Status.PARTLY_PROCESSED, Status.DELIVERING)
        if row is None or row.status not in asked_for:
            return None
        if self._is_past(row, found, since):
            if row.status != Status.DELIVERING:
                self._ask_again(connection, row, self._profile.lookup_pause, now, lookups=row.lookups)
            return None
        unsettled = 0.0 if since is None else since.unsettled
        _record_lookup(connection, row, found, label, now)
        match found.status:
            case Found.APPLIED if self._known(connection, row, found.sha256):
                return self.applied(connection, row, found.document, label, now, found.sha256)
            case Found.APPLIED:
                return self._unknown_content(connection, row, found, label, now)
            case Found.PARKED if row.status in (Status.PARKED, Status.PARTLY_PROCESSED):
                self._ask_again(connection, row, self._profile.parked_every, now, lookups=0)
            case Found.PARKED:
                failure = _said(
                    FailureKind.PARKED, found.code or "parked", found.message or "It is parked there", label
                )
                return self.stuck(connection, row, failure, found.document, True, True, now)
            case Found.REJECTED:
                kind = found.kind or FailureKind.BUSINESS_RULE
                failure = _said(kind, found.code or "rejected", found.message or "It was rejected there", label)
                return fail(connection, row, failure, now=now, by=label, values={"definitive": 1, "waiting_on": None})
            case Found.ABSENT if unsettled <= 0:
                if row.status == Status.DELIVERING:  # asked before sending: the caller sends
                    return None
                return self._certainly_absent(connection, row, label, now)
            case _ if row.status == Status.DELIVERING:
                said = found.message or f"no clear answer ({found.status})"
                failure = _said(FailureKind.UNKNOWN_OUTCOME, "asked-first", f"{label}: {said}", label)
                return self.lose(connection, row, failure, True, now)
            case Found.ABSENT:
                self._ask_again(connection, row, unsettled + 0.05, now)
            case _:
                return self._unclear(connection, row, found, label, now)
        return None

    def _is_past(self, row: TxRow, found: LookupAnswer, since: Asked | None) -> bool:
        """Whether an answer says nothing of what is under way now: it was asked for before the newest delivery left, or
        that one's own answer is still to come."""
        if found.status is Found.APPLIED:  # once applied is applied
            return False
        if since is not None and since.sends != row.attempts:
            return True
        decided = since.first if since is not None else found.status in (Found.REJECTED, Found.PARKED)
        return row.status == Status.DELIVERING and not decided

    def _known(self, connection: Connection, row: TxRow, sha256: str | None) -> bool:
        sent = connection.execute(_SENT, {"of_target": row.target, "of_key": row.idempotency_key}).all()
        if sha256 is None:  # the target does not say what it applied: believable when we sent one thing only
            return len(sent) == 1
        return any(entry.sha256 == sha256 for entry in sent)

    def _unknown_content(
        self, connection: Connection, row: TxRow, found: LookupAnswer, label: str, now: datetime
    ) -> Status | None:
        failure = _said(
            FailureKind.CONFLICT,
            "applied-unknown-content",
            f"{label} applied other content under this key ({found.document or 'no document'})",
            label,
        )
        if row.status == Status.DELIVERING:
            return fail(connection, row, failure, now=now, by=label, values={"definitive": 1})
        waiting_on = f"evidence: {failure.message}"
        if row.status == Status.SENT:
            values = {"waiting_on": waiting_on}
            return fail(connection, row, failure, now=now, by=label, event=Event.LOST, values=values)
        self._give_up(connection, row, waiting_on, now)
        return None

    def _certainly_absent(self, connection: Connection, row: TxRow, label: str, now: datetime) -> Status | None:
        if row.status in (Status.PARKED, Status.PARTLY_PROCESSED):
            self._give_up(connection, row, f"evidence: {label} does not know it any more", now)
            return None
        if row.status == Status.SENT:
            failure = _said(
                FailureKind.ACKNOWLEDGED_NOT_APPLIED,
                "acknowledged-not-applied",
                f"{label} accepted it and did not post it",
                label,
            )
        else:
            failure = _said(FailureKind.TIMEOUT, "not-applied", f"{label} did not answer and did not post it", label)
        return fail(connection, row, failure, now=now, by=label, values={"definitive": 1, "waiting_on": None})

    def _unclear(
        self, connection: Connection, row: TxRow, found: LookupAnswer, label: str, now: datetime
    ) -> Status | None:
        if row.status in (Status.PARKED, Status.PARTLY_PROCESSED):  # people there may take their time
            self._ask_again(connection, row, self._profile.parked_every, now)
            return None
        if row.lookups + 1 < self._profile.lookups:
            self._ask_again(connection, row, self._profile.lookup_after(row.lookups), now)
            return None
        # From now on a person's evidence would settle it; a target that was away for long may still answer one day.
        said = found.message or f"no clear answer ({found.status})"
        waiting_on = f"evidence: {label} gives no clear answer ({said})"
        status = None
        if row.status == Status.SENT:
            failure = _said(FailureKind.UNKNOWN_OUTCOME, "cannot-be-asked", f"{label}: {said}", label)
            values = {"waiting_on": waiting_on}
            status = fail(connection, row, failure, now=now, by="hub", event=Event.LOST, values=values)
        elif row.lookups + 1 == self._profile.lookups:
            self._give_up(connection, row, waiting_on, now)
        self._ask_again(connection, row, self._profile.parked_every, now)
        return status

    def _ask_again(
        self, connection: Connection, row: TxRow, wait: float, now: datetime, lookups: int | None = None
    ) -> None:
        due = to_micros(now) + int(max(0.02, wait) * _SECOND)
        journal(connection).timer(due)
        _set(connection, row, due_next=due, lookups=row.lookups + 1 if lookups is None else lookups)

    def _give_up(self, connection: Connection, row: TxRow, waiting_on: str, now: datetime) -> None:
        journal(connection).story(row.id, now, f"Waits for {waiting_on}", by="hub")
        if row.claimed_by:
            journal(connection).batches.add(row.claimed_by)
        if row.idempotency_key.startswith(REVERSES):
            tell_original(connection, row, waiting_on, now)
        _set(connection, row, due_next=None, waiting_on=waiting_on)
        left_to_people(connection, row, now)


def _which(revision: int, in_use: int) -> str:
    return "it" if revision == in_use else f"revision {revision} of it (and not revision {in_use})"


def _several(connection: Connection, row: TxRow) -> bool:
    """Whether documents of different content left under its key, so that 'applied' does not say which of them."""
    sent = connection.execute(_SENT, {"of_target": row.target, "of_key": row.idempotency_key}).all()
    return len({entry.sha256 for entry in sent}) > 1


def _revision_sent(connection: Connection, row: TxRow, sha256: str) -> int:
    """The newest revision with this content that left under its key."""
    sent = connection.execute(_SENT, {"of_target": row.target, "of_key": row.idempotency_key}).all()
    return max((int(entry.revision) for entry in sent if entry.sha256 == sha256), default=int(row.revision))


def _set(connection: Connection, row: TxRow, **values: Any) -> None:
    change(connection, row, **values)


def _said(kind: FailureKind, code: str, message: str, system: str) -> Failure:
    return Failure(kind=kind, help=kind.help, code=code, message=message, system=system)


def _failure_of(row: TxRow, prepared: Prepared, result: Tried) -> Failure | None:
    label = prepared.endpoint.label
    if result.not_sent is not None:
        return _said(result.not_sent.kind, result.not_sent.code, result.not_sent.message, label)
    if result.no_answer is not None:
        return _said(FailureKind.UNKNOWN_OUTCOME, result.no_answer.code, result.no_answer.message, label)
    return result.outcome.failure if result.outcome is not None else None


def _close_attempt(
    connection: Connection, prepared: Prepared, result: Tried, failure: Failure | None, now: datetime
) -> None:
    answer = result.answer
    if result.not_sent is not None:
        outcome = "not sent"
    else:
        outcome = str(result.outcome.result) if result.outcome is not None else "no answer"
    connection.execute(
        _CLOSE_ATTEMPT,
        {
            "of_tx": prepared.id,
            "of_n": prepared.n,
            "at": to_micros(now),
            "said_status": answer.status if answer else None,
            "said_headers": encode(answer.headers) if answer else None,
            "said_body": answer.body.decode("utf-8", "replace")[:BODY_KEPT] if answer else None,
            "came_to": outcome,
            "why": encode(failure) if failure else None,
        },
    )


def _record_lookup(connection: Connection, row: TxRow, found: LookupAnswer, label: str, now: datetime) -> None:
    said = f"{label} says: {found.status}" + (f", document {found.document}" if found.document else "")
    journal(connection).story(row.id, now, f"Asked for the key. {said}", by="hub", kind="attempt")
