"""Kills at random instants, seeded: the hub, the simulated systems, and whoever acts, while batches of replays, edits,
corrections and compensations run. Afterwards nothing is lost, nothing is there twice, what was taken back is taken back
whole, the audit chain is whole, and the books agree.

``ANDON_CHAOS_KILLS=200 pytest tests/chaos`` runs the long form; ``ANDON_CHAOS_SEED`` repeats a run.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from transactions.audit import verify
from transactions.history import AuditEntry

KILLS = int(os.environ.get("ANDON_CHAOS_KILLS", "20"))
SEED = int(os.environ.get("ANDON_CHAOS_SEED", "7"))
FAULTS = (
    {"name": "closed-period", "system": "ERP"},
    {"name": "drop-after-posting", "system": "ERP", "plant": "P03"},
    {"name": "target-down", "system": "WMS", "plant": "P01"},
    {"name": "missing-material", "system": "ERP", "plant": "P02"},
    {"name": "unit-mapping", "flow": "material-consumption"},
)


@pytest.mark.skipif(sys.platform == "win32", reason="the hub runs on Linux and macOS")
@pytest.mark.timeout(120 + 20 * KILLS)
def test_whatever_is_killed_nothing_is_lost_and_nothing_is_there_twice(
    hub_factory: Callable[..., Any], plant_of: Callable[..., Any], shift_of: Callable[..., Any]
) -> None:
    chance = random.Random(SEED)
    hub = hub_factory("--simulate", "--seed", str(SEED), "--speed", "40", "--paused")
    plant = plant_of(hub, chance)
    plant.emitted(150)
    assert plant.correct(6), "nothing was posted yet"
    while not plant.compensate():
        plant.emitted(20)
    for n in range(KILLS):
        plant.fault(chance.random() < 0.6, **chance.choice(FAULTS))
        plant.emit(chance.randint(3, 12))
        if chance.random() < 0.7:
            plant.act()
        time.sleep(chance.uniform(0.0, 0.8))  # the random instant itself
        what = chance.choice(("hub", "hub", "systems", "client"))
        plant.told.append(f"{n}: {what}")
        {"hub": plant.kill_hub, "systems": plant.kill_systems, "client": plant.kill_clients}[what]()
    plant.kill_clients()
    shift = shift_of(plant)
    shift.clear_up()

    everything = {tx["id"]: tx for tx in plant.found("")}
    story = "\n".join(
        [*plant.told]
        + [f"{tx['status']} {tx['flow']} {tx['id']}: {tx['waiting_on']}" for tx in everything.values() if is_open(tx)]
    )
    with plant.api() as api:
        systems = api.get("systems").raise_for_status().json()["items"]
        books = api.get("simulator/books").raise_for_status().json()
        verify(audit(api))
    # A target that cannot be asked is never sent the same again: only a person can say what became of that one.
    deaf = {system["name"] for system in systems if not system["lookup"]}
    undecided = [tx for tx in everything.values() if tx["status"] == "in-doubt" and tx["target"] in deaf]
    behind = [tx for tx in everything.values() if tx["status"] == "held" and "in-doubt" in tx["waiting_on"]]
    left = [tx for tx in everything.values() if is_open(tx) and tx not in undecided + behind]
    assert not left, story
    assert undecided or not behind, story
    told = {name: books[name] for name in ("missing", "double", "mismatched", "in_flight")}
    assert told == dict.fromkeys(told, 0) | {"in_flight": len(behind)}, f"{told}\n{story}"
    assert books["unresolved"] <= len(undecided), story  # some of them were applied
    assert books["agree"] is not bool(books["unresolved"])
    assert not shift.running()
    check_sagas(everything, story)


def is_open(tx: dict[str, Any]) -> bool:
    """Whether something is still to be done about it."""
    return tx["status"] not in ("processed", "duplicate", "discarded", "resolved", "compensated")


def check_sagas(everything: dict[str, dict[str, Any]], story: str) -> None:
    """What was reversed was reversed by one transaction, and what was to be posted instead was posted."""
    reversed_by, corrected_by = {}, {}
    for tx in everything.values():
        kind = tx["idempotency_key"].partition(":")[0]
        if kind in ("reverse", "correct"):
            known = reversed_by if kind == "reverse" else corrected_by
            assert tx["causation_id"] not in known, story
            known[tx["causation_id"]] = tx
    compensated = {name for name, tx in everything.items() if tx["status"] == "compensated"}
    assert compensated == {name for name, tx in reversed_by.items() if tx["status"] == "processed"}, story
    assert {tx["status"] for tx in corrected_by.values()} <= {"processed", "compensated"}, story
    assert set(corrected_by) <= compensated, story
    assert reversed_by, "nothing was compensated: the chaos has shown nothing about it"
    assert corrected_by, "nothing was corrected: the chaos has shown nothing about it"


def audit(api: Any) -> list[AuditEntry]:
    """The whole chain, the oldest first."""
    entries: list[AuditEntry] = []
    cursor: dict[str, str] = {}
    while True:
        page = api.get("audit", params={"limit": 1000} | cursor).raise_for_status().json()
        entries += msgspec.convert(page["items"], list[AuditEntry])
        if page["next_cursor"] is None:
            assert len(entries) > KILLS
            return entries[::-1]
        cursor = {"cursor": page["next_cursor"]}
