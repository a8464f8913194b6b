"""Documents that were written and never used: drafts that nobody took, and what plans that never ran would have sent.

What was sent, revisions, plans in force and plans that ran keep theirs for ever, and so does the audit its entries.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import structlog
from msgspec import Struct
from sqlalchemy import Connection, delete, func, select

from hub.errors import StoreError
from hub.store.database import Database
from hub.store.journal import journal
from hub.store.schema import drafts, ledger, payloads, planned_edits, plans, revisions, transactions
from hub.store.transitions import change, fetch
from transactions.clock import Clock, to_micros
from transactions.plans import PlanState

log = structlog.get_logger("andon.edits")
UNUSED_AFTER = timedelta(days=30)
"""How long a draft is kept that nobody changes or takes, and the documents of a plan beyond its validity."""
EVERY = 3_600.0
"""Seconds from one time to the next."""

_AT_ONCE = 500
_NEVER_RAN = (PlanState.PLANNED, PlanState.AWAITING_APPROVAL, PlanState.REJECTED)
_SMALL = (drafts.c.sha256, planned_edits.c.sha256)
_LARGE = (revisions.c.sha256, transactions.c.payload_sha256, ledger.c.sha256)


class Unused(Struct, frozen=True, kw_only=True):
    """What was found to be unused.

    Attributes:
        drafts: rows of them.
        planned: plan, transaction and content of each planned document.
        free: contents that no revision, transaction and ledger entry has.
        newest: the transaction that was the newest then; a later one may have brought such a content again.
    """

    drafts: list[Any]
    planned: list[Any]
    free: list[str]
    newest: int

    @property
    def count(self) -> int:
        """Of the kind that there is most of."""
        return max(len(self.drafts), len(self.planned))


def find(connection: Connection, now: datetime) -> Unused:
    """Look for what is unused; a reader's question, since it may go through every revision there is."""
    before = to_micros(now - UNUSED_AFTER)
    old = connection.execute(select(drafts).where(drafts.c.created_at < before).limit(_AT_ONCE)).all()
    never = connection.execute(
        select(planned_edits.c.plan, planned_edits.c.tx_id, planned_edits.c.sha256)
        .join(plans, plans.c.hash == planned_edits.c.plan)
        .where(plans.c.state.in_(_NEVER_RAN), plans.c.expires_at < before)
        .limit(_AT_ONCE)
    ).all()
    free = {row.sha256 for row in (*old, *never)}
    if free:
        for column in _LARGE:
            free -= set(connection.execute(select(column).where(column.in_(sorted(free)))).scalars())
    newest: int = connection.execute(select(func.coalesce(func.max(transactions.c.seq), 0))).scalar_one()
    return Unused(drafts=list(old), planned=list(never), free=sorted(free), newest=newest)


def remove(connection: Connection, found: Unused, now: datetime) -> None:
    """Remove what was found, as far as it is unused still.

    Args:
        connection: the writer's.
        found: by :func:`find`, a moment ago.
        now: the present moment.
    """
    for draft in found.drafts:
        gone = connection.execute(
            delete(drafts).where(drafts.c.tx_id == draft.tx_id, drafts.c.created_at == draft.created_at)
        )
        if gone.rowcount:
            _tell(connection, draft, now)
    for planned in found.planned:  # its plan has expired, and cannot run any more
        connection.execute(
            delete(planned_edits).where(planned_edits.c.plan == planned.plan, planned_edits.c.tx_id == planned.tx_id)
        )
    since = transactions.c.seq > found.newest
    for digest in found.free:
        wanted = [select(column).where(column == digest) for column in _SMALL]
        wanted.append(select(transactions.c.id).where(since, transactions.c.payload_sha256 == digest))
        if all(connection.execute(question.limit(1)).first() is None for question in wanted):
            connection.execute(delete(payloads).where(payloads.c.sha256 == digest))


def _tell(connection: Connection, draft: Any, now: datetime) -> None:
    """A draft went: its transaction says so, and its ETag is another one."""
    row = fetch(connection, draft.tx_id)
    book = journal(connection)
    if row is not None:
        change(connection, row, touch=True)
    told = f"The draft of {draft.created_by} was removed: nobody used it for {UNUSED_AFTER.days} days"
    book.story(draft.tx_id, now, told, by="hub", kind="action")
    book.effect(
        now,
        "hub",
        "payload.draft-removed",
        draft.tx_id,
        f"unused for {UNUSED_AFTER.days} days",
        {"sha256": draft.sha256, "created_by": draft.created_by, "reason": draft.reason},
        None,
    )


class Tidier:
    """Removes what is unused while the hub runs."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._going: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; what fell due while no hub ran is done at once."""
        self._going = asyncio.create_task(self._go(), name="unused documents")

    async def close(self) -> None:
        """Leave the rest to the next start."""
        if self._going is not None:
            self._going.cancel()
            await asyncio.gather(self._going, return_exceptions=True)

    async def tidy(self) -> int:
        """Remove some of what is unused; gives how much was found."""
        now = self._clock.now()
        found = await self._database.read(lambda c: find(c, now))
        if found.count:
            await self._database.write(lambda c: remove(c, found, now))
        return found.count

    async def _go(self) -> None:
        while True:
            again = EVERY
            try:
                again = 0.0 if await self.tidy() >= _AT_ONCE else EVERY
            except StoreError as error:  # the writer has logged it; it is done the next time
                log.debug("edits.not-tidied", error=error.detail)
            await asyncio.sleep(again)
