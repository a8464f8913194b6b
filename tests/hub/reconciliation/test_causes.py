"""Causes that no failure tells of: found by asking the systems what they hold."""

from __future__ import annotations

from typing import Any

import pytest

from hub.causes import Diagnostician
from transactions.causes.model import Causes, Doing
from transactions.people import EVERYTHING, Reach
from transactions.reconciliation.model import Reconciliation

REFUSED = (422, {"error": {"code": "M7053", "message": "Period not open"}})


class LaterOn:
    """Reconciles when no late posting can land any more."""

    def __init__(self, room: Any) -> None:
        self._room = room

    async def reconcile(self, wanted: Any, reach: Reach) -> Reconciliation:
        told: Reconciliation = await self._room.reconcile(wanted.kind, reach=reach, limit=wanted.limit)
        return told


@pytest.fixture
def causes_of() -> Any:
    async def ask(room: Any, reach: Reach = EVERYTHING) -> Causes:
        hub = room.hub
        found = Diagnostician(hub.database, hub.landscape, LaterOn(room), hub.engine.losses, hub.clock)  # type: ignore[arg-type]
        return await found.causes(reach, reconcile=True)

    return ask


def made(order: str, confirmed: str, **more: Any) -> dict[str, Any]:
    """An entry that every system's declaration reads."""
    more = {"plant": "P01", "confirmed": confirmed, "unit": "EA", **more}
    return {"id": order, "order": {"number": order}, **more}


async def confirm(room: Any, order: str, quantity: str, event: str, **how: Any) -> str:
    ids = await room.send("confirmation", event=event, order=order, quantity=quantity, **how)
    return str(ids["ERP"])


async def test_where_all_agree_there_is_no_cause(room: Any, world: Any, causes_of: Any) -> None:
    await confirm(room, "1", "40", "e1")
    world.says("MES/P01", made("1", "40"))
    world.says("ERP", made("1", "40"))
    found = await causes_of(room)
    assert (found.items, found.reconciled) == ([], True)


async def test_quantities_that_are_off_by_a_thousand_are_named_with_their_documents(
    room: Any, world: Any, causes_of: Any
) -> None:
    right = await confirm(room, "1", "7", "e1")
    wrong = await confirm(room, "1", "0.04", "e2")
    world.says("MES/P01", made("1", "47"))
    world.says("ERP", made("1", "7.04"))
    (cause,) = (await causes_of(room)).items
    assert (cause.kind, cause.sources, cause.blocks.transactions) == ("wrong-quantities", ["MES"], 1)
    step = next(step for step in cause.first if step.do is Doing.CORRECT)
    assert step.ids == [wrong]
    assert right not in step.ids
    assert any("order 1" in sentence for sentence in cause.evidence)


async def test_what_failed_besides_does_not_hide_what_is_off(room: Any, world: Any, causes_of: Any) -> None:
    wrong = await confirm(room, "1", "0.04", "e1")
    world.deliver["ERP"] = REFUSED
    await confirm(room, "1", "5", "e2")
    world.says("MES/P01", made("1", "45"))
    world.says("ERP", made("1", "0.04"))
    found = {cause.kind: cause for cause in (await causes_of(room)).items}
    assert set(found) == {"wrong-quantities", "closed-period"}
    assert next(step for step in found["wrong-quantities"].first if step.ids).ids == [wrong]


async def test_a_difference_of_any_amount_is_no_mistaken_conversion(room: Any, world: Any, causes_of: Any) -> None:
    await confirm(room, "1", "7", "e1")
    world.says("MES/P01", made("1", "9"))
    world.says("ERP", made("1", "7"))
    assert (await causes_of(room)).items == []


async def test_what_was_acknowledged_and_is_not_there_is_opened_again(room: Any, world: Any, causes_of: Any) -> None:
    lost = await confirm(room, "1", "40", "e1")
    world.says("MES/P01", made("1", "40"))
    world.says("ERP")
    world.lookups["ERP"] = {"status": "absent"}
    (cause,) = (await causes_of(room)).items
    assert (cause.kind, cause.targets, cause.count) == ("not-applied", ["ERP"], 1)
    assert next(step for step in cause.first if step.do is Doing.REOPEN).ids == [lost]


async def test_nothing_is_told_of_plants_out_of_reach(room: Any, world: Any, causes_of: Any) -> None:
    await confirm(room, "1", "0.04", "e1")
    world.says("MES/P01", made("1", "40"))
    world.says("ERP", made("1", "0.04"))
    assert (await causes_of(room, Reach(plants=frozenset({"P02"})))).items == []
    assert (await causes_of(room, Reach(flows=frozenset({"state"})))).items == []
