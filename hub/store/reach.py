"""Questions cut down to what somebody's rights reach."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, not_, or_, select

from hub.store.schema import plan_places
from transactions.people import Place, Reach


def within(reach: Reach, table: Any) -> list[ColumnElement[bool]]:
    """Conditions on a table with ``plant`` and ``flow``; none where nothing is cut. What has no plant is within reach
    of those only whose plants are not limited."""
    found = []
    if reach.plants is not None:
        found.append(table.c.plant.in_(sorted(reach.plants)))
    if reach.flows is not None:
        found.append(table.c.flow.in_(sorted(reach.flows)))
    return found


def of_plan(reach: Reach, plan: ColumnElement[str]) -> list[ColumnElement[bool]]:
    """Conditions under which all places where a plan acts are within reach."""
    if reach.everything:
        return []
    outside = or_(*(not_(condition) for condition in within(reach, plan_places)))
    return [not_(exists(select(plan_places.c.plan).where(plan_places.c.plan == plan, outside)))]


def reaches_plan(connection: Connection, reach: Reach, plan: str) -> bool:
    """Whether all places where a stored plan acts are within reach."""
    if reach.everything:
        return True
    places = connection.execute(select(plan_places).where(plan_places.c.plan == plan)).all()
    return all(reach.covers(row.plant or None, row.flow or None) for row in places)


def store_places(connection: Connection, plan: str, places: set[Place]) -> None:
    """Keep where a plan acts."""
    rows = [{"plan": plan, "plant": place.plant or "", "flow": place.flow or ""} for place in sorted(places, key=str)]
    if rows:
        connection.execute(plan_places.insert(), rows)
