"""The pages of the gateway, and what each is made of when it is first gone to."""

from __future__ import annotations

from collections.abc import Callable

from console.widgets.gateway.pane import Pane
from gateway_policies.overview.stopped import Page

TITLES = {
    Page.CALENDAR: "calendar",
    Page.CONSUMERS: "consumers",
    Page.THROTTLES: "throttles",
    Page.DRIFT: "drift",
    Page.PLAN: "plan",
}


def _calendar() -> Pane:
    from console.widgets.gateway.calendar import CalendarPane

    return CalendarPane()


def _consumers() -> Pane:
    from console.widgets.gateway.matrix import ConsumersPane

    return ConsumersPane()


def _throttles() -> Pane:
    from console.widgets.gateway.throttles import ThrottlesPane

    return ThrottlesPane()


def _drift() -> Pane:
    from console.widgets.gateway.drift import DriftPane

    return DriftPane()


def _plan() -> Pane:
    from console.widgets.gateway.plan import PlanPane

    return PlanPane()


MAKERS: dict[Page, Callable[[], Pane]] = {
    Page.CALENDAR: _calendar,
    Page.CONSUMERS: _consumers,
    Page.THROTTLES: _throttles,
    Page.DRIFT: _drift,
    Page.PLAN: _plan,
}
PAGES = tuple(MAKERS)
