"""Intake: keys, plants, lanes; one document is taken once and none is lost behind another's key."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from hub.declarations import Catalogue
from hub.intake import Accepted, Arrival, lane_of, sort_arrival, take_in
from hub.landscape import Landscape
from hub.store.database import Database, open_database
from hub.store.schema import transactions
from transactions.errors import Invalid, KeyReused, NotFound
from transactions.model import KeyOrigin

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path)
    yield database
    database.close()


def arrival(
    flow: str = "consumption", plant: str | None = "P01", headers: dict[str, str] | None = None, **document: Any
) -> Arrival:
    return Arrival(
        flow=flow,
        plant=plant,
        content=msgspec.json.encode(document),
        content_type="application/json",
        headers=headers or {},
        sent_by="test",
    )


async def take(store: Database, catalogue: Catalogue, one: Arrival) -> Accepted:
    found = sort_arrival(one, Landscape(catalogue))
    return await store.write(lambda c: take_in(c, found, NOON))


@pytest.mark.parametrize(
    ("headers", "key", "origin"),
    [
        ({"idempotency-key": "mine", "ce-id": "1", "ce-source": "/x"}, "mine", KeyOrigin.HEADER),
        ({"ce-id": "1", "ce-source": "/mes"}, "/mes#1", KeyOrigin.CLOUDEVENT),
        ({"ce-id": "1"}, "MES:P01:consumption:e1", KeyOrigin.RECIPE),
    ],
)
def test_where_a_key_comes_from(catalogue: Catalogue, headers: dict[str, str], key: str, origin: KeyOrigin) -> None:
    found = sort_arrival(arrival(headers=headers, event="e1"), Landscape(catalogue))
    assert (found.key, found.origin) == (key, origin)


def test_without_any_it_is_generated_and_never_a_hash_of_the_content(catalogue: Catalogue) -> None:
    found = sort_arrival(arrival(order="4711"), Landscape(catalogue))
    assert (found.key, found.origin) == (None, KeyOrigin.GENERATED)


@pytest.mark.parametrize("key", ["", "  ", "a\nb", "x" * 256])
def test_a_key_that_cannot_be_used(catalogue: Catalogue, key: str) -> None:
    with pytest.raises(Invalid, match="The document was not taken"):
        sort_arrival(arrival(headers={"idempotency-key": key}, event="1"), Landscape(catalogue))


async def test_the_same_again_gets_the_first_answer(store: Database, catalogue: Catalogue) -> None:
    first = await take(store, catalogue, arrival(event="e1"))
    again = await take(store, catalogue, arrival(event="e1"))
    assert (first.again, again.again) == (False, True)
    assert first.ids == again.ids


async def test_other_content_under_the_same_key_is_refused(store: Database, catalogue: Catalogue) -> None:
    await take(store, catalogue, arrival(event="e1", quantity=1))
    with pytest.raises(KeyReused, match="other content"):
        await take(store, catalogue, arrival(event="e1", quantity=2))


async def test_another_plants_document_is_not_answered_with_the_first_ones(
    store: Database, catalogue: Catalogue
) -> None:
    key = {"idempotency-key": "17"}
    await take(store, catalogue, arrival(headers=key, event="e1"))
    with pytest.raises(KeyReused, match="plant P01, and now for P02"):
        await take(store, catalogue, arrival(plant="P02", headers=key, event="e1"))


async def test_a_key_used_in_another_flow_to_the_same_target_is_refused(store: Database, catalogue: Catalogue) -> None:
    key = {"idempotency-key": "17"}
    await take(store, catalogue, arrival(headers=key, event="e1"))
    with pytest.raises(KeyReused, match="in flow consumption, to the same target ERP"):
        await take(store, catalogue, arrival("report", headers=key, event="e1"))
    other = await take(store, catalogue, arrival("notice", headers=key, event="e1"))  # another target
    assert not other.again


async def test_events_with_long_names_are_not_taken_for_one_another(store: Database, catalogue: Catalogue) -> None:
    source = "/plants/" + "x" * 300
    one = await take(store, catalogue, arrival(headers={"ce-id": "1", "ce-source": source}, event="e"))
    other = await take(store, catalogue, arrival(headers={"ce-id": "2", "ce-source": source}, event="e"))
    assert not other.again
    assert one.ids != other.ids
    keys = await store.read(lambda c: c.execute(select(transactions.c.idempotency_key)).scalars().all())
    assert max(map(len, keys)) <= 255


async def test_generated_keys_never_meet(store: Database, catalogue: Catalogue) -> None:
    taken = [await take(store, catalogue, arrival(order="4711")) for _ in range(3)]
    assert len({one.ids[0] for one in taken}) == 3


def test_plants(catalogue: Catalogue) -> None:
    landscape = Landscape(catalogue)
    assert sort_arrival(arrival(plant=None, event="1"), landscape).plant == "P01"  # the default
    assert sort_arrival(arrival(plant=None, headers={"ce-plant": "P02"}, event="1"), landscape).plant == "P02"
    with pytest.raises(Invalid, match=r"no plant 'P99'.*P01, P02"):
        sort_arrival(arrival(plant="P99", event="1"), landscape)


def test_an_unknown_flow_names_those_there_are(catalogue: Catalogue) -> None:
    with pytest.raises(NotFound, match=r"no flow 'nope'.*consumption"):
        sort_arrival(arrival("nope", event="1"), Landscape(catalogue))


def test_lanes(catalogue: Catalogue) -> None:
    flow = catalogue.flow["consumption"]
    assert lane_of(flow, "ERP", "P01", {"order": "4711"}) == "ERP|P01|order=4711"
    assert lane_of(flow, "ERP", "P01", {"event": "1"}) is None  # a document without the key has no lane
    assert lane_of(catalogue.flow["report"], "ERP", "P01", {"order": "4711"}) is None  # nor a flow without a recipe
