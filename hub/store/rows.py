"""Rows as the structs of the admin API."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from transactions.clock import from_micros, to_micros
from transactions.history import Attempt, AuditEntry, Revision, StreamEvent, TimelineEntry
from transactions.model import DueBecause, Failure, FailureKind, KeyOrigin, Risk, Status, Transaction
from transactions.priority import priority_of
from transactions.states import CLOSED


def moment(micros: int | None) -> datetime | None:
    """A column of microseconds as a time."""
    return None if micros is None else from_micros(micros)


def etag_of(row: Any) -> str:
    """The ETag of a transaction: it changes whenever the transaction does. A third part counts changes of ownership,
    where there were any."""
    return f"{row.seq}.{row.version}.{row.owned}" if row.owned else f"{row.seq}.{row.version}"


def same_but_owned(one: str, other: str) -> bool:
    """Whether two ETags of a transaction differ in nothing but who works on it, which a plan does not depend on."""
    return one.split(".")[:2] == other.split(".")[:2]


def to_transaction(row: Any, now: datetime) -> Transaction:
    """A row of ``transactions`` as the admin API shows it."""
    status = Status(row.status)
    kind = FailureKind(row.failure_kind) if row.failure_kind else None
    failure = None
    if kind is not None:
        failure = Failure(
            kind=kind,
            help=kind.help,
            code=row.failure_code,
            message=row.failure_message,
            system=row.failure_system,
            policy_ref=row.failure_policy_ref,
        )
    return Transaction(
        id=row.id,
        flow=row.flow,
        plant=row.plant,
        source=row.source,
        target=row.target,
        status=status,
        risk=Risk(row.risk),
        created_at=from_micros(row.created_at),
        failed_at=moment(row.failed_at),
        due_at=moment(row.due_at),
        overdue=status not in CLOSED and row.due_at is not None and row.due_at < to_micros(now),
        attempts=row.attempts,
        failure=failure,
        group=row.fingerprint,
        business_keys=msgspec.json.decode(row.business_keys),
        correlation_id=row.correlation_id,
        causation_id=row.causation_id,
        idempotency_key=row.idempotency_key,
        key_origin=KeyOrigin(row.key_origin),
        content_type=row.content_type,
        payload_sha256=row.payload_sha256,
        revision=row.revision,
        assignee=row.assignee,
        owner=row.owner,
        waiting_on=row.waiting_on,
        superseded_by=row.superseded_by,
        document=row.document,
        etag=etag_of(row),
        ticket=row.ticket,
        due_because=None if row.due_because is None else DueBecause(row.due_because),
        priority=None if row.rank is None else priority_of(row.rank),
    )


def to_attempt(row: Any) -> Attempt:
    """A row of ``attempts``."""
    return Attempt(
        n=row.n,
        purpose=row.purpose,
        started_at=from_micros(row.started_at),
        finished_at=moment(row.finished_at),
        by=row.by,
        batch=row.batch,
        revision=row.revision,
        method=row.method,
        url=row.url,
        request_headers=msgspec.json.decode(row.request_headers),
        response_status=row.response_status,
        response_headers=None if row.response_headers is None else msgspec.json.decode(row.response_headers),
        response_body=row.response_body,
        outcome=row.outcome,
        failure=None if row.failure is None else msgspec.json.decode(row.failure, type=Failure),
    )


def to_timeline(row: Any) -> TimelineEntry:
    """A row of ``timeline``."""
    return TimelineEntry(
        at=from_micros(row.at),
        kind=row.kind,
        by=row.by,
        text=row.text,
        status=None if row.status is None else Status(row.status),
        before=None if row.before is None else Status(row.before),
    )


def attempt_entry(attempt: Attempt) -> TimelineEntry:
    """An attempt as a line of the timeline."""
    answer = "no answer yet" if attempt.outcome is None else attempt.outcome
    status = f", HTTP {attempt.response_status}" if attempt.response_status is not None else ""
    return TimelineEntry(
        at=attempt.started_at,
        kind="attempt",
        by=attempt.by,
        text=f"Attempt {attempt.n}, revision {attempt.revision}: {answer}{status}",
        attempt=attempt,
    )


def to_revision(row: Any) -> Revision:
    """A row of ``revisions``."""
    return Revision(
        revision=row.revision,
        sha256=row.sha256,
        size=row.size,
        content_type=row.content_type,
        created_at=from_micros(row.created_at),
        created_by=row.created_by,
        reason=row.reason,
    )


def to_event(row: Any) -> StreamEvent:
    """A row of ``events``."""
    return StreamEvent(
        seq=row.seq, at=from_micros(row.at), type=row.type, id=row.id, data=msgspec.json.decode(row.data)
    )


def to_audit(row: Any) -> AuditEntry:
    """A row of ``audit``."""
    return AuditEntry(
        seq=row.seq,
        at=from_micros(row.at),
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        reason=row.reason,
        before=None if row.before is None else msgspec.json.decode(row.before),
        after=None if row.after is None else msgspec.json.decode(row.after),
        previous=row.previous,
        hash=row.hash,
    )
