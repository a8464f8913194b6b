"""A handover, told from the store: each part a question that an index answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, func, or_, select

from hub.masks import Masks
from hub.recovery.approvals import list_open
from hub.recovery.batches import to_batch
from hub.store.board import active_holds
from hub.store.group_matching import Asked
from hub.store.groups import group_page
from hub.store.questions import status_counts
from hub.store.reach import of_plan, within
from hub.store.schema import audit, batches, plans, remarks, reviews, timeline, transactions
from hub.store.shown import shown, shown_words
from transactions.batches import Batch, BatchState
from transactions.causes.model import Cause
from transactions.clock import from_micros, to_micros
from transactions.handover.model import (
    AuditRange,
    CameIn,
    ComesBack,
    Deed,
    GlassBroken,
    Handover,
    Note,
    Open,
    Remark,
)
from transactions.model import Status, Transaction
from transactions.people import Reach
from transactions.states import CLOSED, OPEN

_LISTED = 50
_URGENT = 10
_CAUSES = 10
_GROUPS = 200
_OPEN = sorted(set(Status) - CLOSED)
_NEEDS_SOMEBODY = sorted(OPEN)


class Shift(Struct, frozen=True, kw_only=True):
    """What a handover is about: a span of time, at one plant or at all within reach, by one clock."""

    label: str
    begin: datetime
    until: datetime
    zone: str
    plant: str | None


class Known(Struct, frozen=True, kw_only=True):
    """What is asked of the hub, beside its store.

    Attributes:
        titles: of flows.
        systems: their names, which stand in the audit chain for what they answered.
        causes: those within reach.
        breakers: those that are not closed.
        whole_audit: the audit chain may be told.
    """

    platform: str
    titles: dict[str, str]
    systems: list[str]
    causes: list[Cause]
    breakers: dict[str, str]
    masks: Masks
    who: str
    whole_audit: bool


def tell(connection: Connection, shift: Shift, asked: Asked, known: Known) -> Handover:
    """The handover of ``shift``, of what ``asked`` reaches."""
    reach, now = asked.reach, asked.now
    begin, until = to_micros(shift.begin), to_micros(shift.until)
    ran = (batches.c.started_at >= begin, batches.c.started_at < until)
    runs = (batches.c.state.in_([BatchState.RUNNING, BatchState.PAUSED]),)
    return Handover(
        platform=known.platform,
        plant=shift.plant,
        label=shift.label,
        begin=shift.begin,
        until=shift.until,
        zone=shift.zone,
        at=now,
        came_in=_came_in(connection, reach, begin, until, known.titles),
        batches=_batches(connection, reach, *ran),
        deeds=_deeds(connection, begin, until, known.systems) if known.whole_audit else [],
        notes=_notes(connection, reach, begin, until, known.masks),
        counts=status_counts(connection, reach),
        overdue=_overdue(connection, reach, to_micros(now)),
        causes=[_open(cause) for cause in known.causes[:_CAUSES]],
        taken=_taken(connection, reach, now, known.masks),
        urgent=_urgent(connection, reach, now, known.masks),
        approvals=list_open(connection, reach, known.who, now, _LISTED, None).items,
        broken_glass=_broken_glass(connection, reach, begin, until, to_micros(now)),
        holds=active_holds(connection, reach),
        breakers=known.breakers,
        running=_batches(connection, reach, *runs),
        comes_back=_comes_back(connection, asked, known.masks),
        remarks=_remarks(connection, reach, shift, begin, until),
        audit=_range(connection, begin, until) if known.whole_audit else None,
    )


def _came_in(connection: Connection, reach: Reach, begin: int, until: int, titles: dict[str, str]) -> list[CameIn]:
    columns = transactions.c
    rows = connection.execute(
        select(columns.flow, columns.status, func.count())
        .where(columns.created_at >= begin, columns.created_at < until, *within(reach, transactions))
        .group_by(columns.flow, columns.status)
    )
    counts: dict[str, dict[Status, int]] = {}
    for flow, status, count in rows:
        counts.setdefault(flow, {})[Status(status)] = int(count)
    return [
        CameIn(
            flow=flow,
            title=titles.get(flow, flow),
            received=sum(found.values()),
            processed=found.get(Status.PROCESSED, 0) + found.get(Status.DUPLICATE, 0),
            open=sum(count for status, count in found.items() if status not in CLOSED),
        )
        for flow, found in sorted(counts.items(), key=lambda pair: (-sum(pair[1].values()), pair[0]))
    ]


def _batches(connection: Connection, reach: Reach, *which: ColumnElement[bool]) -> list[Batch]:
    rows = connection.execute(
        select(batches)
        .where(*which, *of_plan(reach, batches.c.plan))
        .order_by(batches.c.started_at, batches.c.id)
        .limit(_LISTED)
    ).all()
    return [to_batch(connection, row) for row in rows]


def _deeds(connection: Connection, begin: int, until: int, systems: list[str]) -> list[Deed]:
    """What people did; what became of deliveries is the hub's and the systems' doing."""
    rows = connection.execute(
        select(audit.c.actor, audit.c.action, func.count().label("times"))
        .where(audit.c.at >= begin, audit.c.at < until, audit.c.actor.not_in(["hub", *systems]))
        .group_by(audit.c.actor, audit.c.action)
        .order_by(audit.c.actor, func.count().desc(), audit.c.action)
        .limit(_LISTED)
    )
    return [Deed(who=row.actor, action=row.action, count=int(row.times)) for row in rows]


def _notes(connection: Connection, reach: Reach, begin: int, until: int, masks: Masks) -> list[Note]:
    rows = connection.execute(
        select(timeline.c.at, timeline.c.by, timeline.c.text, transactions)
        .join(transactions, transactions.c.id == timeline.c.tx_id)
        .where(timeline.c.kind == "note", timeline.c.at >= begin, timeline.c.at < until, *within(reach, transactions))
        .order_by(timeline.c.at.desc())
        .limit(_LISTED)
    ).all()
    return [
        Note(at=from_micros(row.at), by=row.by, id=row.id, text=shown_words(connection, row, row.text, masks))
        for row in reversed(rows)
    ]


def _overdue(connection: Connection, reach: Reach, now: int) -> int:
    columns = transactions.c
    found: int = connection.execute(
        select(func.count())
        .select_from(transactions)
        .where(columns.status.in_(_OPEN), columns.due_at < now, *within(reach, transactions))
    ).scalar_one()
    return found


def _taken(connection: Connection, reach: Reach, now: datetime, masks: Masks) -> list[Transaction]:
    columns = transactions.c
    somebody = or_(columns.assignee.is_not(None), columns.ticket.is_not(None))
    return _some(connection, (somebody, columns.status.in_(_OPEN), *within(reach, transactions)), _LISTED, now, masks)


def _urgent(connection: Connection, reach: Reach, now: datetime, masks: Masks) -> list[Transaction]:
    columns = transactions.c
    nobody = (columns.assignee.is_(None), columns.ticket.is_(None), columns.rank.is_not(None))
    needs = columns.status.in_(_NEEDS_SOMEBODY)
    return _some(connection, (*nobody, needs, *within(reach, transactions)), _URGENT, now, masks)


def _some(
    connection: Connection, which: tuple[ColumnElement[bool], ...], most: int, now: datetime, masks: Masks
) -> list[Transaction]:
    columns = transactions.c
    query = select(transactions).where(*which).order_by(columns.rank.is_(None), columns.rank, columns.id).limit(most)
    return [shown(connection, row, now, masks) for row in connection.execute(query).all()]


def _broken_glass(connection: Connection, reach: Reach, begin: int, until: int, now: int) -> list[GlassBroken]:
    columns = reviews.c
    during = (columns.opened_at >= begin) & (columns.opened_at < until)
    rows = connection.execute(
        select(reviews, plans.c.action)
        .join(plans, plans.c.hash == columns.plan)
        .where(or_(columns.done_at.is_(None), during), *of_plan(reach, columns.plan))
        .order_by(columns.due_at)
        .limit(_LISTED)
    )
    return [
        GlassBroken(
            plan=row.plan,
            action=row.action,
            by=row.by,
            reason=row.reason,
            at=from_micros(row.opened_at),
            due_at=from_micros(row.due_at),
            overdue=row.done_at is None and row.due_at < now,
            reviewed_by=row.done_by,
            verdict=row.verdict,
        )
        for row in rows
    ]


def _comes_back(connection: Connection, asked: Asked, masks: Masks) -> list[ComesBack]:
    found = group_page(connection, asked, "-count", _GROUPS, None, masks).items
    return [
        ComesBack(
            fingerprint=each.fingerprint,
            flow=each.flow,
            target=each.target,
            template=each.template,
            replayed=each.replayed,
            repeated=each.repeated,
        )
        for each in sorted(found, key=lambda each: (-each.repeated, each.fingerprint))[:_CAUSES]
        if each.repeated
    ]


def _remarks(connection: Connection, reach: Reach, shift: Shift, begin: int, until: int) -> list[Remark]:
    rows = connection.execute(
        select(remarks).where(remarks.c.at >= begin, remarks.c.at < until).order_by(remarks.c.at, remarks.c.seq)
    )
    return [
        Remark(at=from_micros(row.at), by=row.by, plant=row.plant, text=row.text)
        for row in rows
        if (shift.plant is None or row.plant in (None, shift.plant))
        and (row.plant is None or reach.touches(row.plant, None))
    ]


def _range(connection: Connection, begin: int, until: int) -> AuditRange:
    first, last = connection.execute(
        select(func.min(audit.c.seq), func.max(audit.c.seq)).where(audit.c.at >= begin, audit.c.at < until)
    ).one()
    head: Any = None if last is None else connection.execute(select(audit.c.hash).where(audit.c.seq == last)).scalar()
    return AuditRange(first=first, last=last, head=head)


def _open(cause: Cause) -> Open:
    return Open(
        id=cause.id,
        title=cause.title,
        count=cause.count,
        blocks=cause.blocks.transactions,
        overdue=cause.blocks.overdue,
        owner=cause.owner,
        since=cause.since,
        first=cause.first[0].text if cause.first else None,
        care=cause.care,
    )
