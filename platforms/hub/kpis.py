"""Calls about key figures and service levels."""

from __future__ import annotations

from platforms.calls import Call, params
from transactions.kpis.model import KpiReport
from transactions.kpis.slo import SloReport


def kpis(window: str | None = None, *, plant: str | None = None, flow: str | None = None) -> Call[KpiReport]:
    """Every key figure of a window.

    Args:
        window: ``1h``, ``8h``, ``24h``, ``7d``, ``shift``, or ``FROM..TO``; the platform's own, a day, without it.
        plant, flow: one of each only.
    """
    return Call(
        method="GET",
        path="kpis",
        answers=KpiReport,
        params=params(window=window, plant=plant, flow=flow),
        patience=30.0,
    )


def service_levels(week: str | None = None, *, plant: str | None = None, flow: str | None = None) -> Call[SloReport]:
    """How the flows kept their service levels in a week.

    Args:
        week: ``2026-W47``, ``last`` or ``this``; the last one without it.
        plant, flow: one of each only.
    """
    return Call(
        method="GET",
        path="kpis/slo",
        answers=SloReport,
        params=params(week=week, plant=plant, flow=flow),
        patience=30.0,
    )
