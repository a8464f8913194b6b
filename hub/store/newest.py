"""What an earlier run of the hub wrote last: the clock may have been ahead then."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from hub.store.schema import batches, events, holds, transactions


def newest_id(connection: Connection) -> str:
    """The largest id that was given out; empty where none was."""
    found = [connection.execute(select(func.max(table.c.id))).scalar() for table in (transactions, batches, holds)]
    return max((str(each) for each in found if each is not None), default="")


def newest_moment(connection: Connection) -> int | None:
    """When the newest event was written, in microseconds; None where there is none."""
    found: int | None = connection.execute(select(events.c.at).order_by(events.c.seq.desc()).limit(1)).scalar()
    return found
