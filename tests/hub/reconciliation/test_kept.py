"""What a reconciliation came to is kept by plant, for the key figures; a part of one, or one of the past, is not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hub.kpis.asking import Cut, reconciled
from transactions.people import EVERYTHING, Reach


def made(order: str, confirmed: int, plant: str) -> dict[str, Any]:
    return {"id": order, "order": {"number": order}, "plant": plant, "confirmed": confirmed, "unit": "EA"}


async def kept(room: Any, reach: Reach = EVERYTHING) -> list[tuple[str, str, int, int, int, bool]]:
    found = await room.hub.database.read(lambda c: reconciled(c, Cut(reach)))
    return [(r.kind, r.plant, r.compared, r.differences, r.unexplained, r.complete) for r in found]


def differing(world: Any) -> None:
    world.says("MES/P01", made("1", 100, "P01"), made("2", 5, "P01"))
    world.says("MES/P02", made("3", 7, "P02"))
    world.says("ERP", made("1", 60, "P01"), made("2", 5, "P01"), made("3", 7, "P02"))


async def test_each_plant_has_its_own_and_the_newest_counts(room: Any, world: Any) -> None:
    differing(world)
    await room.reconcile()
    assert await kept(room) == [("orders", "P01", 2, 1, 1, True), ("orders", "P02", 1, 0, 0, True)]
    world.says("ERP", made("1", 100, "P01"), made("2", 5, "P01"), made("3", 7, "P02"))
    await room.reconcile(plant="P01")
    assert await kept(room) == [("orders", "P01", 2, 0, 0, True), ("orders", "P02", 1, 0, 0, True)]
    assert await kept(room, Reach(plants=frozenset({"P02"}))) == [("orders", "P02", 1, 0, 0, True)]


async def test_what_was_not_asked_in_whole_or_of_now_is_not_kept(room: Any, world: Any) -> None:
    differing(world)
    await room.reconcile(as_of=room.hub.clock.now() - timedelta(hours=1))
    assert await kept(room) == []
    await room.reconcile(reach=Reach(flows=frozenset({"confirmation"})))
    assert await kept(room) == []


async def test_a_plant_of_which_nothing_was_compared_keeps_what_is_known(room: Any, world: Any) -> None:
    differing(world)
    await room.reconcile()
    before = await kept(room)
    world.says("MES/P01")
    world.says("MES/P02")
    world.says("ERP")
    found = await room.reconcile()
    assert found.compared == 0
    assert await kept(room) == before
