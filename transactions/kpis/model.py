"""Key figures of a window, as the admin API and every machine output show them."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from transactions.kpis.definitions import Better, Unit


class KpiPart(Struct, frozen=True, kw_only=True):
    """The figure of one plant, flow or bucket of age; ``name`` is empty for what has no plant."""

    name: str
    value: float | None
    count: int | None = None
    of: int | None = None
    bar: float | None = None
    met: bool | None = None


class Kpi(Struct, frozen=True, kw_only=True):
    """One key figure.

    Attributes:
        value: None where it is not known: nothing was there to compute it of, or nobody asked the systems.
        count, of: what stands above and below the line.
        before: the value of the window before.
        bar, met: what it shall reach, and whether it does.
        trend: its value in slices of the window, oldest first.
        plants, flows: by plant and by flow.
        parts: buckets, where it has some.
        as_of: when the systems were asked, for what they said.
        note: what to know about the value.
        filter: lists the transactions behind it.
    """

    name: str
    title: str
    unit: Unit
    better: Better
    value: float | None
    count: int | None
    of: int | None
    before: float | None
    bar: float | None
    met: bool | None
    trend: list[float | None]
    plants: list[KpiPart]
    flows: list[KpiPart]
    parts: list[KpiPart] = []
    as_of: datetime | None = None
    note: str | None = None
    filter: str | None = None


class WindowShown(Struct, frozen=True, kw_only=True):
    """The window that figures are of, on the edges that numbers are kept by."""

    label: str
    begin: datetime
    until: datetime


class KpiReport(Struct, frozen=True, kw_only=True):
    """Every key figure of a window.

    Attributes:
        before: the window that it is compared with.
        step_seconds: length of a slice of the trends.
        plant, flow: what it is cut down to.
        counted_since: nothing is known of what was before; None where nothing was counted yet.
    """

    items: list[Kpi]
    next_cursor: str | None
    at: datetime
    window: WindowShown
    before: WindowShown
    step_seconds: int
    plant: str | None
    flow: str | None
    counted_since: datetime | None


class Reconciled(Struct, frozen=True, kw_only=True):
    """What the newest reconciliation of a kind came to at one plant.

    Attributes:
        at: when the systems were asked.
        as_of: the cut-off of what they said.
        compared: values that were compared; ``differences`` of them differ, ``unexplained`` by nothing the hub knows.
        complete: every system that was asked gave an answer.
    """

    kind: str
    plant: str
    at: datetime
    as_of: datetime
    compared: int
    differences: int
    unexplained: int
    complete: bool
