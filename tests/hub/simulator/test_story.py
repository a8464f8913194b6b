"""The story is a function of its seed, and healthy from every side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hub.declarations import shipped_catalogue
from hub.simulator.documents import Pen
from hub.simulator.reading import Reader
from hub.simulator.story import block_steps, moment

CATALOGUE = shipped_catalogue()
PLANTS = list(CATALOGUE.plant)
LINES = {name: plant.lines for name, plant in CATALOGUE.plant.items()}


def written(seed: int, blocks: int) -> list[tuple[str, bytes]]:
    steps = [step for block in range(blocks) for step in block_steps(seed, block, PLANTS, LINES)]
    return [(step.flow, step.write(Pen(step.source, moment(n), str(n))).body) for n, step in enumerate(steps)]


def test_same_seed_same_bytes() -> None:
    assert written(3, 4) == written(3, 4)


def test_other_seed_other_bytes() -> None:
    assert written(3, 4) != written(4, 4)


def test_every_flow_is_told_within_sixty_documents() -> None:
    for seed in range(5):
        assert {flow for flow, _ in written(seed, 2)[:60]} == set(CATALOGUE.flow)


def test_every_document_carries_its_identity_once() -> None:
    reader = Reader(CATALOGUE)
    identities = [reader.read(flow, body).identity for flow, body in written(1, 30)]
    assert None not in identities
    assert len(set(identities)) == len(identities)


def test_sources_and_flows_are_the_catalogue_s() -> None:
    for block in range(6):
        for step in block_steps(1, block, PLANTS, LINES):
            assert step.source in CATALOGUE.flow[step.flow].sources


def test_no_raw_lot_is_used_up() -> None:
    reader = Reader(CATALOGUE)
    used: dict[tuple[str, str], float] = {}
    for flow, body in written(2, 120):
        if flow == "material-consumption":
            for line in reader.read(flow, body).lines:
                place = (line.material, line.lot)
                used[place] = used.get(place, 0) + float(line.quantity or 0)
    assert max(used.values()) < 5000


async def collect(plant: Any, folder: Path, **settings: Any) -> list[Any]:
    plant.data = folder
    folder.mkdir()
    plant.ingress.received.clear()
    await plant.start(documents=40, speed=500, **settings)
    await plant.emitted(40)
    await plant.child.stop()
    return sorted((one.plant, one.flow, one.body, _told(one.headers)) for one in plant.ingress.received)


def _told(headers: dict[str, str]) -> list[tuple[str, str]]:
    told = ("idempotency-key", "traceparent", "content-type")
    # when a document was recorded is told by the clock on the wall, and is no part of the story
    wall = "ce-recordedtime"
    return sorted(
        item for item in headers.items() if item[0] in told or (item[0].startswith("ce-") and item[0] != wall)
    )


async def test_two_processes_tell_the_same_story(plant: Any, tmp_path: Path) -> None:
    first = await collect(plant, tmp_path / "a", seed=11)
    assert first == await collect(plant, tmp_path / "b", seed=11)
    assert first != await collect(plant, tmp_path / "c", seed=12)


async def test_order_within_a_plant_is_kept(sixty: Any) -> None:
    for name in PLANTS:
        times = [
            one.body for one in sixty.ingress.received if one.plant == name and one.flow == "production-confirmation"
        ]
        assert times == sorted(times, key=lambda body: body[body.index(b"CreationDateTime") :][:50])


async def test_sources_name_their_messages_in_three_ways(sixty: Any) -> None:
    styles = {
        "header" if "idempotency-key" in one.headers else "event" if "ce-id" in one.headers else "recipe"
        for one in sixty.ingress.received
    }
    assert styles == {"header", "event", "recipe"}
    for one in sixty.ingress.received:
        assert one.headers["authorization"] == "Bearer ingress-token"
        assert one.headers["ce-correlationid"]
        assert len(one.headers["traceparent"]) == 55


async def test_causes_are_messages_of_the_same_process(sixty: Any) -> None:
    processes: dict[str, str] = {}
    for one in sixty.ingress.received:
        if "ce-id" in one.headers:
            processes[one.headers["ce-id"]] = one.headers["ce-correlationid"]
    caused = [one for one in sixty.ingress.received if one.headers.get("ce-causationid") in processes]
    assert caused
    for one in caused:
        assert processes[one.headers["ce-causationid"]] == one.headers["ce-correlationid"]


async def test_xml_and_json(sixty: Any) -> None:
    types = {one.flow: one.headers["content-type"] for one in sixty.ingress.received}
    assert types["production-order-release"] == "application/xml"
    assert types["material-consumption"] == "application/json"


@pytest.mark.parametrize("speed", [0.0])
async def test_speed_nought_emits_nothing(plant: Any, speed: float) -> None:
    await plant.start(documents=None, speed=speed)
    state = await plant.child.state()
    assert (state.emitted, state.emitting) == (0, True)
    assert not plant.ingress.received
