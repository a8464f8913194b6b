"""What systems say when they are asked for their books as of a moment."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.simulator.database import SCHEMA_VERSION, open_database
from hub.simulator.effects import encode, own_effects_of
from hub.simulator.inquiry import Asked, answer, read_asked
from hub.simulator.outbox import recorded_text, recorded_time
from hub.simulator.postings import Manner
from hub.simulator.refusals import Refusal

RAW = ("RM-1101", "R01-000001", "10.000")


def asked(workshop: Any, instance: str, kind: str, **how: Any) -> dict[str, dict[str, str]]:
    found = answer(workshop.path, instance, kind, Asked(**how))
    return {entry.pop("id"): entry for entry in found.entries}


def at(document: Any, moment: float) -> Any:
    return msgspec.structs.replace(document, recorded_at=moment)


def test_a_posting_counts_from_the_moment_its_source_recorded(workshop: Any) -> None:
    for n, moment in enumerate((100.0, 200.0)):
        workshop.post("ERP", at(workshop.consumption(RAW, key=f"k{n}", event=f"MC-{n}"), moment))
    assert asked(workshop, "ERP", "orders", as_of=99.0) == {}
    assert asked(workshop, "ERP", "orders", as_of=100.0)["1000001"]["consumed"] == "10.000"
    assert asked(workshop, "ERP", "orders", as_of=200.0)["1000001"]["consumed"] == "20.000"
    assert asked(workshop, "ERP", "orders")["1000001"]["consumed"] == "20.000"


def test_what_a_lying_target_never_posted_is_not_there(workshop: Any) -> None:
    workshop.post("ERP", workshop.consumption(RAW), Manner.PARKED)
    assert asked(workshop, "ERP", "orders") == {}
    workshop.postings.work_off("parked", lambda *_: False)
    assert asked(workshop, "ERP", "orders")["1000001"]["consumed"] == "10.000"


def test_a_partial_posting_counts_with_what_was_posted(workshop: Any) -> None:
    lines = (RAW, ("RM-1102", "R01-000001", "2.000"))
    workshop.post("ERP", workshop.consumption(*lines), Manner.PARTLY)
    stock = asked(workshop, "ERP", "stock")
    assert stock["P01|RM-1101|R01-000001"]["quantity"] == "4990.000"
    assert stock["P01|RM-1102|R01-000001"]["quantity"] == "5000"


def test_a_reversed_posting_is_no_posting(workshop: Any) -> None:
    workshop.post("ERP", workshop.consumption(RAW))
    workshop.postings.reverse(workshop.instance("ERP"), "k1")
    assert asked(workshop, "ERP", "orders") == {}
    assert asked(workshop, "ERP", "stock")["P01|RM-1101|R01-000001"]["quantity"] == "5000"


def test_every_system_knows_the_raw_lots_it_was_given(workshop: Any) -> None:
    """A lot that one has drawn from is in the other's stock as it was delivered, and only at the plant it is at."""
    workshop.post("ERP", workshop.consumption(RAW))
    assert asked(workshop, "WMS/P01", "stock")["P01|RM-1101|R01-000001"]["quantity"] == "5000"
    assert asked(workshop, "WMS/P02", "stock") == {}


def test_what_is_still_at_the_line_is_not_in_the_warehouse(workshop: Any) -> None:
    """ERP has the goods since they were received; the warehouse gets them with the put-away that ERP asks for."""
    documents = [one for one in workshop.story(blocks=1) if one.plant == "P01"]
    receipt = next(one for one in documents if one.flow == "goods-receipt" and "line" in one.reading.keys)
    lot = receipt.reading.keys["lot"]
    workshop.post("ERP", receipt)
    name = f"P01|{receipt.reading.keys['material']}|{lot}"
    received = receipt.reading.lines[0].quantity
    assert asked(workshop, "ERP", "stock")[name]["quantity"] == "0"
    assert asked(workshop, "ERP", "stock")[name]["at_line"] == received
    put_away = next(one for one in documents if one.flow == "inventory-movement" and one.reading.keys["lot"] == lot)
    changes = own_effects_of("ERP", "inventory-movement", "P01", put_away.reading)
    workshop.connection.execute(
        "INSERT INTO own (instance, flow, changes, recorded_at) VALUES ('ERP', 'inventory-movement', ?, 0)",
        (encode(changes),),
    )
    assert asked(workshop, "ERP", "stock")[name]["quantity"] == received
    workshop.post("WMS", put_away)
    assert asked(workshop, "WMS/P01", "stock")[name]["quantity"] == received


def test_pages_go_on_where_they_ended(workshop: Any) -> None:
    for n in range(5):
        workshop.post("ERP", workshop.consumption(RAW, key=f"k{n}", event=f"MC-{n}", order=str(n)))
    first = answer(workshop.path, "ERP", "orders", Asked(limit=2))
    assert ([entry["id"] for entry in first.entries], first.more) == (["0", "1"], True)
    rest = answer(workshop.path, "ERP", "orders", Asked(limit=3, after="1"))
    assert ([entry["id"] for entry in rest.entries], rest.more) == (["2", "3", "4"], False)
    assert answer(workshop.path, "ERP", "orders", Asked(plant="P02")).entries == []


@pytest.mark.parametrize(
    "parameters", [{"limit": "0"}, {"limit": "x"}, {"limit": "1001"}, {"as_of": "yesterday"}, {"filter": "a"}]
)
def test_what_cannot_be_asked_is_refused(parameters: dict[str, str]) -> None:
    with pytest.raises(Refusal) as refused:
        read_asked(parameters)
    assert refused.value.status == 400


def test_times_travel_in_a_header_and_back() -> None:
    moment = datetime(2026, 11, 21, 6, 30, 0, 250_000, tzinfo=UTC).timestamp()
    assert recorded_time(recorded_text(moment)) == moment
    assert recorded_time(None) is None
    assert recorded_time("soon") is None


async def test_sources_know_what_they_sent_whatever_became_of_it(sixty: Any) -> None:
    """Nothing was delivered: MES knows its confirmations and ERP its orders, and neither knows the other's."""
    plans = {order["id"]: order for order in await everything(sixty, "ERP", "orders")}
    made = {order["id"]: order for order in await everything(sixty, "MES", "orders")}
    assert plans["1000000"]["released"] == "yes"
    assert "confirmed" not in plans["1000000"]
    assert made["1000000"]["confirmed"]
    assert "released" not in made["1000000"]


async def everything(running: Any, system: str, kind: str, **parameters: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    url: str | None = f"{running.url(system)}/inquiries/{kind}"
    while url is not None:
        async with running.session.get(url, params=parameters) as response:
            assert response.status == 200, await response.text()
            body = await response.json()
        found += body.get("items", body.get("value"))
        following = body.get("next") or body.get("@odata.nextLink")
        url, parameters = (None if following is None else running.url(system) + following), {}
    return found


async def test_after_delivery_systems_agree_and_pages_make_the_whole(sixty: Any) -> None:
    assert await sixty.deliver_all() == []
    await sixty.settled()
    orders = await everything(sixty, "ERP", "orders")
    assert await everything(sixty, "ERP", "orders", limit="1") == orders
    confirmed = {
        order["id"]: order["confirmed"] for order in orders if order["plant"] == "P01" and "confirmed" in order
    }
    mine = await everything(sixty, "MES", "orders", plant="P01")
    assert confirmed
    assert {order["id"]: order["confirmed"] for order in mine if "confirmed" in order} == confirmed


async def test_an_unknown_inquiry_is_refused_in_the_dialect(sixty: Any) -> None:
    async with sixty.session.get(f"{sixty.url('ERP')}/inquiries/weather") as response:
        assert response.status == 404
        assert "orders, stock" in (await response.json())["error"]["message"]["value"]


async def test_books_of_the_version_before_are_taken_along(plant: Any, tmp_path: Path) -> None:
    """The story tells what the sources knew; postings of then count as of any moment."""
    await plant.start(documents=60)
    await plant.emitted(60)
    await plant.quiet()
    before = await everything(plant, "MES", "orders")
    await plant.child.stop()
    path = plant.data / "simulator.db"
    with sqlite3.connect(path) as older:
        older.executescript(
            "DROP INDEX posting_reversal; ALTER TABLE posting DROP COLUMN reversal_key;"
            "ALTER TABLE posting DROP COLUMN reversal_sha256; ALTER TABLE posting DROP COLUMN reversal_day;"
            "DROP TABLE own; ALTER TABLE posting DROP COLUMN recorded_at; ALTER TABLE outbox DROP COLUMN recorded_at;"
            "DELETE FROM meta WHERE name = 'own'; PRAGMA user_version = 1;"
        )
    older.close()
    connection = open_database(path)
    assert connection.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION
    connection.close()
    await plant.start(documents=60)
    assert await everything(plant, "MES", "orders") == before
