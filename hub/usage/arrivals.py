"""What came to the throttles, second by second, as it was counted."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, select

from gateway_policies.traffic.report import Arrivals, MinuteOfCalls
from hub.store.usage_schema import usage_arrivals

ROWS = 5_000
"""In an answer, about: minutes are whole."""
_SECONDS: msgspec.msgpack.Decoder[list[int]] = msgspec.msgpack.Decoder(list[int])


def arrivals(connection: Connection, begin: int, until: int, rows: int = ROWS) -> Arrivals:
    """The minutes from ``begin`` to before ``until`` (seconds since 1970), as many as make about so many rows."""
    columns = usage_arrivals.c
    wanted = (columns.at >= begin, columns.at < until, columns.consumer != "", columns.api != "")
    query = select(usage_arrivals).where(*wanted).order_by(columns.at, columns.consumer, columns.api)
    found = list(connection.execute(query.limit(rows + 1)).all())
    after: int | None = None
    if len(found) > rows:
        after = found[-1].at
        whole = [row for row in found if row.at < after]
        if not whole:  # a minute with more than that: it is told as it is
            whole = list(connection.execute(query.where(columns.at == after)).all())
            after = after + 60
        found = whole
    return Arrivals(
        items=[
            MinuteOfCalls(
                at=row.at,
                consumer=row.consumer,
                api=row.api,
                seconds=[(second, calls) for second, calls in enumerate(_SECONDS.decode(row.seconds)) if calls],
            )
            for row in found
        ],
        next=after,
    )
