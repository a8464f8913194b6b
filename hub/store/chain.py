"""Reading the audit chain: pieces of it in order, and whether its newest links hold."""

from __future__ import annotations

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, func, select

from hub.store.rows import to_audit
from hub.store.schema import audit
from transactions.audit import GENESIS, Broken, verify
from transactions.errors import Invalid
from transactions.history import AuditEntry

TAIL = 1_000
"""Entries that are looked at when the hub starts."""


class Range(Struct, frozen=True, kw_only=True):
    """Entries ``first`` to ``last``; none where ``last`` is ``first - 1``. ``head`` is the hash of the last one."""

    first: int
    last: int
    head: str


def fix_range(connection: Connection, first: int | None, last: int | None) -> Range:
    """The entries that are asked for, as the chain is now: whatever is added to it later is not among them.

    Args:
        connection: of a reader.
        first: None for the first there is.
        last: None for the newest.

    Raises:
        Invalid: there are no such entries.
    """
    newest: int = connection.execute(select(func.coalesce(func.max(audit.c.seq), 0))).scalar_one()
    begin, end = first or 1, newest if last is None else last
    wanted = max(first or 0, last or 0)
    if wanted > newest:
        raise Invalid(
            f"The newest entry of the audit chain is {newest}, and entry {wanted} was asked for. Nothing was exported. "
            "Leave out the number to have all there are."
        )
    if begin > end and newest:
        raise Invalid(
            f"No entries lie from {begin} to {end}. Nothing was exported. The first number must not be the larger one."
        )
    head: str | None = connection.execute(select(audit.c.hash).where(audit.c.seq == end)).scalar()
    return Range(first=begin, last=end, head=head or GENESIS)


def piece(connection: Connection, after: int, last: int, count: int) -> list[AuditEntry]:
    """At most ``count`` entries, in order, behind ``after`` and up to ``last``."""
    rows = connection.execute(
        select(audit).where(audit.c.seq > after, audit.c.seq <= last).order_by(audit.c.seq).limit(count)
    )
    return [to_audit(row) for row in rows]


def broken_tail(connection: Connection, count: int = TAIL) -> Broken | None:
    """The first of the newest ``count`` entries that does not hold; None where all of them do."""
    rows = connection.execute(select(audit).order_by(audit.c.seq.desc()).limit(count)).all()
    entries: list[AuditEntry] = []
    for row in reversed(rows):
        try:
            entries.append(to_audit(row))
        except msgspec.DecodeError as error:
            return Broken(row.seq, f"it cannot be read ({error})")
    if not entries:
        return None
    whole = len(entries) < count or entries[0].seq == 1
    return verify(entries) if whole else verify(entries, entries[0].previous, entries[0].seq)
