"""Since when a flow masks what it masks now.

A target's words are cleared of hidden values before they are stored. Those that were stored under other masks are older
than these, and are cleared when they are read.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, func, select

from hub.masks.flow import Masks
from hub.store.journal import upsert
from hub.store.schema import meta, tallies
from transactions.clock import to_micros

_NAME = "masks.since"


class _Since(Struct, frozen=True):
    digest: str
    since: int


def remember(connection: Connection, masks: Masks, now: datetime) -> None:
    """Hold the masks against those that were in force before, and tell each flow's since when it has them.

    Args:
        connection: the writer's.
        masks: those of now.
        now: the present moment.
    """
    stored: str | None = connection.execute(select(meta.c.value).where(meta.c.name == _NAME)).scalar()
    before = {} if stored is None else msgspec.json.decode(stored, type=dict[str, _Since])
    present: dict[str, _Since] = {}
    for name, flow in masks.flows.items():
        known = before.get(name)
        if known is None or known.digest != flow.digest:
            known = _Since(flow.digest, to_micros(now) if known or _has_any(connection, name) else 0)
        present[name] = known
        flow.since = known.since
    if present != before:
        statement = upsert(connection.dialect.name, meta)
        connection.execute(
            statement.on_conflict_do_update(index_elements=["name"], set_={"value": statement.excluded.value}),
            {"name": _NAME, "value": msgspec.json.encode(present).decode()},
        )


def _has_any(connection: Connection, flow: str) -> bool:
    return bool(connection.execute(select(func.count()).select_from(tallies).where(tallies.c.flow == flow)).scalar())
