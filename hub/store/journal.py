"""What a group of jobs has to write besides its rows: events, timeline, tallies, audit; and whom to wake.

Jobs add to the journal of their connection; it is written in bulk just before the group commits, and forgotten when
the group is rolled back. The audit chain is linked there, so that its order is the order of commits.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from hub.kpis.counting import KpiCounts
from hub.store.counting import HALF_HOUR as HALF_HOUR
from hub.store.counting import adding
from hub.store.counting import upsert as upsert
from hub.store.group_counts import GroupCounts
from hub.store.schema import audit, events, failures_by_half_hour, search_changes, tallies, timeline
from transactions.audit import GENESIS, link
from transactions.clock import to_micros
from transactions.history import AuditEntry
from transactions.model import Status

TallyKey = tuple[str, str, str, str, str]


class Journal:
    """What is still to be written with the running group."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.timeline: list[dict[str, Any]] = []
        self.audit: list[tuple[datetime, str, str, str, str | None, Any, Any]] = []
        self.tallies: Counter[TallyKey] = Counter()
        self.trend: Counter[tuple[int, str, str]] = Counter()
        self.groups = GroupCounts()
        self.kpis = KpiCounts()
        self.searched: set[int] = set()  # whose words or document are others now
        self.ready: list[Ready] = []
        self.batches: set[str] = set()
        self.due: int | None = None

    def event(self, now: datetime, kind: str, subject: str, data: dict[str, Any]) -> None:
        """Tell followers of the stream."""
        self.events.append(
            {"at": to_micros(now), "type": kind, "id": subject, "data": msgspec.json.encode(data).decode()}
        )

    def story(
        self,
        tx_id: str,
        now: datetime,
        text: str,
        *,
        by: str,
        kind: str = "status",
        status: Status | None = None,
        before: Status | None = None,
    ) -> None:
        """Add a line to a transaction's timeline."""
        self.timeline.append(
            {
                "tx_id": tx_id,
                "at": to_micros(now),
                "kind": kind,
                "by": by,
                "text": text,
                "status": status,
                "before": before,
                "attempt": None,
            }
        )

    def timer(self, micros: int) -> None:
        """Something is due at ``micros``; the engine wakes for the earliest."""
        self.due = micros if self.due is None else min(self.due, micros)

    def effect(
        self, now: datetime, actor: str, action: str, subject: str, reason: str | None, before: Any, after: Any
    ) -> None:
        """Add an entry to the audit chain."""
        self.audit.append((now, actor, action, subject, reason, before, after))


class Ready(msgspec.Struct, frozen=True):
    """A transaction that the delivery engine should look at now; ``again`` is what a batch sends."""

    target: str
    plant: str | None
    id: str
    again: bool = False


def journal(connection: Connection) -> Journal:
    """The journal of the group that runs on ``connection``."""
    found = connection.info.get("journal")
    if found is None:
        found = connection.info["journal"] = Journal()
    assert isinstance(found, Journal)
    return found


def take_journal(connection: Connection) -> Journal:
    """The journal, and a new one for the next group."""
    found = journal(connection)
    connection.info["journal"] = Journal()
    return found


def write_journal(connection: Connection) -> None:
    """Write everything the running group has to tell."""
    found = journal(connection)
    if found.timeline:
        connection.execute(_TIMELINE, found.timeline)
    changed = {key: count for key, count in found.tallies.items() if count}
    if changed:
        _add_tallies(connection, changed)
    if found.trend:
        _add_trend(connection, found.trend)
    found.groups.write(connection)
    found.kpis.write(connection)
    if found.searched:
        connection.execute(_CHANGED, [{"tx_seq": seq} for seq in sorted(found.searched)])
    if found.audit:
        _chain(connection, found.audit)
    if found.events:
        connection.execute(_EVENTS, found.events)


_TIMELINE, _AUDIT, _EVENTS = timeline.insert(), audit.insert(), events.insert()
_CHANGED = search_changes.insert()
_HEAD = select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)
_EMPTY = tallies.delete().where(tallies.c.count == 0)


def _add_tallies(connection: Connection, changed: dict[TallyKey, int]) -> None:
    statement = adding(connection.dialect.name, tallies)
    names = ("status", "plant", "flow", "target", "fingerprint")
    connection.execute(statement, [{**dict(zip(names, key, strict=True)), "count": n} for key, n in changed.items()])
    if any(n < 0 for n in changed.values()):
        connection.execute(_EMPTY)


def _add_trend(connection: Connection, trend: Counter[tuple[int, str, str]]) -> None:
    statement = adding(connection.dialect.name, failures_by_half_hour)
    connection.execute(
        statement,
        [{"half_hour": at, "plant": plant, "flow": flow, "count": n} for (at, plant, flow), n in trend.items()],
    )


def _chain(connection: Connection, entries: list[tuple[datetime, str, str, str, str | None, Any, Any]]) -> None:
    head = connection.execute(_HEAD).first()
    seq, previous = (head.seq, head.hash) if head else (0, GENESIS)
    rows = []
    for now, actor, action, subject, reason, before, after in entries:
        seq += 1
        entry = link(
            AuditEntry(
                seq=seq,
                at=now,
                actor=actor,
                action=action,
                subject=subject,
                reason=reason,
                before=before,
                after=after,
                previous=previous,
                hash="",
            )
        )
        previous = entry.hash
        rows.append(
            {
                "seq": seq,
                "at": to_micros(now),
                "actor": actor,
                "action": action,
                "subject": subject,
                "reason": reason,
                "before": None if before is None else msgspec.json.encode(before).decode(),
                "after": None if after is None else msgspec.json.encode(after).decode(),
                "previous": entry.previous,
                "hash": entry.hash,
            }
        )
    connection.execute(_AUDIT, rows)
