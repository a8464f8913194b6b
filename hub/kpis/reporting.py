"""Answering for key figures: what was counted, within somebody's reach, as a report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from hub.kpis import asking
from hub.kpis.asking import Cut
from transactions.kpis.model import KpiReport
from transactions.kpis.reporting import Numbers, report
from transactions.kpis.windows import Window

BEYOND = "unknown: your rights do not reach all flows, and systems are compared as a whole"


def tell(connection: Connection, window: Window, now: datetime, cut: Cut, slos: Mapping[str, float]) -> KpiReport:
    """The report of a window.

    Args:
        window: as it was asked for.
        slos: of each flow, in seconds.
    """
    whole = window.aligned(now)
    told_all = cut.reach.flows is None
    numbers = Numbers(
        totals=asking.totals(connection, whole, cut),
        before=asking.totals(connection, whole.before().aligned(now), cut),
        slices=asking.slices(connection, whole, now, cut),
        open=asking.open_by_age(connection, now, cut),
        reconciled=asking.reconciled(connection, cut) if told_all else [],
        beyond=None if told_all else BEYOND,
        slos=slos,
        since=asking.counted_since(connection),
    )
    return report(numbers, window=whole, now=now, plant=cut.plant, flow=cut.flow)
