"""Guards: what must hold before a request leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, select, update

from hub.declarations import Catalogue
from hub.delivery.guards import (
    behind_in_lane,
    held_by_people,
    replaced_among,
    required_first,
    superseded_by,
    version_order,
)
from hub.intake import Arrival, sort_arrival, take_in
from hub.landscape import Landscape
from hub.store.database import Database, open_database
from hub.store.schema import transactions
from transactions.model import Status
from transactions.states import BLOCKING

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path)
    yield database
    database.close()


class Yard:
    """Takes documents in and sets where they are."""

    def __init__(self, store: Database, catalogue: Catalogue) -> None:
        self.store, self.catalogue, self.landscape = store, catalogue, Landscape(catalogue)

    async def put(self, flow: str, status: Status = Status.PENDING, definitive: int = 1, **document: Any) -> str:
        one = Arrival(
            flow=flow, plant="P01", content=msgspec.json.encode(document), content_type="application/json", headers={},
            sent_by="test",
        )  # fmt: skip
        found = sort_arrival(one, self.landscape)

        def job(connection: Connection) -> str:
            tx_id = take_in(connection, found, NOON).ids[0]
            connection.execute(
                update(transactions).where(transactions.c.id == tx_id).values(status=status, definitive=definitive)
            )
            return tx_id

        return await self.store.write(job)

    async def ask(self, guard: Callable[..., Any], tx_id: str) -> Any:
        def question(connection: Connection) -> Any:
            row = connection.execute(select(transactions).where(transactions.c.id == tx_id)).one()
            return guard(connection, row, self.catalogue.flow.get(row.flow))

        return await self.store.read(question)


@pytest.fixture
def yard(store: Database, catalogue: Catalogue) -> Yard:
    return Yard(store, catalogue)


@pytest.mark.parametrize("status", Status)
async def test_what_is_not_closed_holds_its_lane_and_no_other(yard: Yard, status: Status) -> None:
    ahead = await yard.put("consumption", status, event="1", order="A")
    behind = await yard.put("consumption", event="2", order="A")
    beside = await yard.put("consumption", event="3", order="B")
    blocked = await yard.ask(behind_in_lane, behind)
    assert (blocked is not None) == (status in BLOCKING)
    if blocked is not None:
        assert (blocked.kind, blocked.by) == ("lane", ahead)
        assert status.value in blocked.text
    assert await yard.ask(behind_in_lane, beside) is None
    assert await yard.ask(behind_in_lane, ahead) is None  # nothing waits for what came after it


@pytest.mark.parametrize(
    ("status", "definitive", "plan", "waits"),
    [
        (Status.FAILED, 1, "A", False),  # a newer version of the same object need not wait
        (Status.FAILED, 0, "A", True),  # it may be in the target after all
        (Status.IN_DOUBT, 0, "A", True),
        (Status.PARKED, 0, "A", True),
        (Status.PENDING, 1, "A", True),
    ],
)
async def test_a_failed_version_gives_way_to_a_newer_one(
    yard: Yard, status: Status, definitive: int, plan: str, waits: bool
) -> None:
    await yard.put("plan", status, definitive, plan=plan, version="1")
    newer = await yard.put("plan", plan=plan, version="2")
    assert (await yard.ask(behind_in_lane, newer) is not None) is waits


async def test_a_delta_never_gives_way(yard: Yard) -> None:
    await yard.put("consumption", Status.FAILED, event="1", order="A")
    behind = await yard.put("consumption", event="2", order="A")
    blocked = await yard.ask(behind_in_lane, behind)
    assert blocked is not None
    assert not blocked.moving


async def test_what_is_required_comes_first_and_is_named(yard: Yard) -> None:
    needed = await yard.put("consumption", Status.FAILED, event="1", order="A")
    receipt = await yard.put("receipt", event="2", order="A")
    blocked = await yard.ask(required_first, receipt)
    assert (blocked.kind, blocked.by) == ("requires", needed)
    assert "order A" in blocked.text
    assert await yard.ask(required_first, await yard.put("receipt", event="3", order="B")) is None
    assert await yard.ask(required_first, await yard.put("receipt", event="4")) is None
    assert await yard.ask(required_first, needed) is None


@pytest.mark.parametrize(
    ("applied", "mine", "void"), [("10", "9", True), ("9", "10", False), ("2", "2", False), ("v2", "v10", False)]
)
async def test_superseded_by_a_newer_version_that_was_applied(yard: Yard, applied: str, mine: str, void: bool) -> None:
    newer = await yard.put("plan", Status.PROCESSED, plan="A", version=applied)
    older = await yard.put("plan", plan="A", version=mine, more=1) if applied != mine else newer
    assert await yard.ask(superseded_by, older) == (newer if void else None)
    other = await yard.put("plan", plan="B", version="1")
    assert await yard.ask(superseded_by, other) is None


@pytest.mark.parametrize("status", [Status.FAILED, Status.IN_DOUBT, Status.DISCARDED, Status.PENDING])
async def test_a_newer_version_that_was_not_applied_supersedes_nothing(yard: Yard, status: Status) -> None:
    await yard.put("plan", status, plan="A", version="2")
    assert await yard.ask(superseded_by, await yard.put("plan", plan="A", version="1")) is None


async def test_the_replaced_among_many_are_those_with_a_newer_version_applied(yard: Yard) -> None:
    old = await yard.put("plan", Status.FAILED, plan="A", version="1")
    await yard.put("plan", Status.PROCESSED, plan="A", version="2")
    newest = await yard.put("plan", Status.FAILED, plan="A", version="3")
    other = await yard.put("plan", Status.FAILED, plan="B", version="1")
    owed = await yard.put("consumption", Status.FAILED, event="e1", order="1")
    ids = [old, newest, other, owed, "nobody"]
    assert await yard.store.read(lambda c: replaced_among(c, ids, yard.landscape)) == {old}


def test_versions_are_ordered_as_people_count() -> None:
    versions = ["1", "2", "10", "10.1", "10.9", "10.10", "11"]
    assert sorted(versions[3:] + versions[:3], key=version_order) == versions
    assert version_order("A9") < version_order("A10")
    assert version_order("007") == version_order("7")


@pytest.mark.parametrize(
    ("place", "covers"),
    [
        ({}, True),
        ({"target": "ERP"}, True),
        ({"target": "ERP", "plant": "P01", "flow": "receipt"}, True),
        ({"target": "ERP", "plant": "P02"}, False),
        ({"flow": "report"}, False),
    ],
)
def test_a_hold_covers_what_it_names(place: dict[str, str], covers: bool) -> None:
    named = {"target": None, "plant": None, "flow": None, **place}
    hold = SimpleNamespace(placed_by="ann", reason="count", placed_at=0, **named)
    row = SimpleNamespace(target="ERP", plant="P01", flow="receipt")
    blocked = held_by_people(row, [hold])
    assert (blocked is not None) is covers
    if blocked is not None:
        assert blocked.text == "hold by ann: count"


@pytest.mark.parametrize(
    ("place", "covers"),
    [({"flow": "receipt"}, False), ({"flow": "receipt", "target": "ERP"}, False), ({"target": "ERP"}, True)],
)
def test_a_hold_of_a_flow_lets_through_what_sets_it_right(place: dict[str, str], covers: bool) -> None:
    hold = SimpleNamespace(
        placed_by="ann", reason="count", placed_at=0, **{"target": None, "plant": None, "flow": None, **place}
    )
    row = SimpleNamespace(target="ERP", plant="P01", flow="receipt")
    assert (held_by_people(row, [hold], sets_right=True) is not None) is covers
