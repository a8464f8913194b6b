"""Kills at random instants, seeded: the hub, the simulated systems, and whoever replays. Afterwards nothing is lost,
nothing is there twice, the audit chain is whole, and the books agree.

``ANDON_CHAOS_KILLS=200 pytest tests/chaos`` runs the long form; ``ANDON_CHAOS_SEED`` repeats a run.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
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
)


class Plant:
    """A hub with simulated systems, and what people and accidents do to it."""

    def __init__(self, hub: Any, chance: random.Random) -> None:
        self.hub, self.chance = hub, chance
        self.told: list[str] = []

    def api(self) -> httpx.Client:
        return httpx.Client(
            base_url=f"{self.hub.url}/admin/v1/",
            headers={"Authorization": f"Bearer {self.hub.token}"},
            timeout=40,
            trust_env=False,
        )

    def emit(self, documents: int) -> None:
        with self.api() as api:
            api.post("simulator/resume", params={"documents": documents}).raise_for_status()

    def fault(self, on: bool, **fault: str) -> None:
        with self.api() as api:
            api.put("simulator/faults", json={"on": on, **fault}).raise_for_status()

    def replay(self) -> subprocess.Popen[bytes]:
        """Somebody replays everything that failed, and waits for it."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("ANDON_")} | self.hub.env
        words = ["tx", "replay", "--filter", "status:failed", "--reason", "chaos", "--yes"]
        words += ["--rate", f"{self.chance.choice((20, 100, 400))}/s", "--canary", str(self.chance.choice((0, 1, 3)))]
        return subprocess.Popen(
            [sys.executable, "-m", "commands", *words],
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
        )

    def kill_hub(self) -> None:
        self.hub.kill()
        self.hub.start()

    def kill_systems(self) -> None:
        """The child that simulates all systems; the hub starts it anew."""
        found = subprocess.run(
            ["pgrep", "-P", str(self.hub.process.pid), "-f", "hub.simulator"],
            capture_output=True,
            text=True,
            check=False,
        )
        for pid in found.stdout.split():
            os.kill(int(pid), signal.SIGKILL)

    def quiet(self, eventually: Callable[..., object]) -> None:
        """Every document of the sources is in, and nothing moves."""
        with self.api() as api:
            eventually("the systems", lambda: api.get("simulator/state").status_code == 200, 60)
            eventually("quiet", lambda: api.post("simulator/drain").status_code == 200, 120)


def recover(plant: Plant, eventually: Callable[..., object]) -> None:
    """As people would: replay what failed until nothing does, and close what a newer version has replaced."""
    stuck: list[str] = []
    with plant.api() as api:
        api.put("simulator/faults", json={"on": False}).raise_for_status()
        second = api.post("users", json={"name": "second", "roles": ["approver"]}).raise_for_status().json()["name"]
        token = api.post(f"users/{second}/token", json={}).raise_for_status().json()["token"]
        for _ in range(12):
            plant.quiet(eventually)
            eventually("the batches to end", lambda: not running(api), 90)
            plan = made(api, "replay", filter="status:failed")
            if not plan["items"]:
                return
            stuck = [f"{item['verdict']} {item['flow']} {item['id']}: {item['because']}" for item in plan["items"]]
            if plan["verdicts"]["send"]:
                api.post(f"plans/{plan['hash']}/run").raise_for_status()
                continue
            replaced = [item["id"] for item in plan["items"] if item["verdict"] == "superseded"]
            if replaced:
                plan = made(api, "discard", ids=replaced)
                if api.post(f"plans/{plan['hash']}/run").status_code == 409:  # money, or quality
                    body, headers = {"reason": "replaced"}, {"Authorization": f"Bearer {token}"}
                    api.post(f"plans/{plan['hash']}/approve", json=body, headers=headers).raise_for_status()
    raise AssertionError("something keeps failing though every fault is off:\n" + "\n".join(stuck))


def made(api: httpx.Client, action: str, **selection: Any) -> dict[str, Any]:
    """A stored plan."""
    answer = api.post("plans", json={"action": action, "reason": "after the chaos", **selection})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def running(api: httpx.Client) -> list[str]:
    """Batches that have not ended."""
    items = api.get("batches?limit=1000").raise_for_status().json()["items"]
    return [batch["id"] for batch in items if batch["finished_at"] is None]


@pytest.mark.skipif(sys.platform == "win32", reason="the hub runs on Linux and macOS")
@pytest.mark.timeout(60 + 20 * KILLS)
def test_whatever_is_killed_nothing_is_lost_and_nothing_is_there_twice(
    hub_factory: Callable[..., Any], eventually: Callable[..., object], tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    plant = Plant(hub_factory("--simulate", "--seed", str(SEED), "--speed", "40", "--paused"), chance)
    plant.emit(40)
    plant.quiet(eventually)
    clients: list[subprocess.Popen[bytes]] = []
    for n in range(KILLS):
        plant.fault(chance.random() < 0.6, **chance.choice(FAULTS))
        plant.emit(chance.randint(3, 12))
        if chance.random() < 0.7:
            clients.append(plant.replay())
        time.sleep(chance.uniform(0.0, 0.8))  # the random instant itself
        what = chance.choice(("hub", "hub", "systems", "client"))
        plant.told.append(f"{n}: {what}")
        if what == "hub":
            plant.kill_hub()
        elif what == "systems":
            plant.kill_systems()
            with plant.api() as api:
                eventually("the systems", lambda api=api: api.get("simulator/state").status_code == 200, 60)
        else:
            for client in clients:
                client.kill()
        clients = [client for client in clients if client.poll() is None]
    for client in clients:
        client.kill()
        client.wait()
    recover(plant, eventually)

    with plant.api() as api:
        end = time.monotonic() + 15  # what was held by the last of them may be on its way still
        while (books := api.get("simulator/books").raise_for_status().json())["in_flight"] and time.monotonic() < end:
            time.sleep(0.2)
        question = {"filter": "-status:processed -status:duplicate -status:discarded", "limit": 1000}
        left = api.get("transactions", params=question).raise_for_status().json()["items"]
        # A target that cannot be asked is never sent the same again: only a person can say what became of that one.
        systems = api.get("systems").raise_for_status().json()["items"]
        deaf = {system["name"] for system in systems if not system["lookup"]}
        undecided = [tx for tx in left if tx["status"] == "in-doubt" and tx["target"] in deaf]
        behind = [tx for tx in left if tx["status"] == "held" and "in-doubt" in tx["waiting_on"]] if undecided else []
        story = "\n".join(
            [*plant.told, *(f"{tx['status']} {tx['flow']} {tx['id']}: {tx['waiting_on']}" for tx in left)]
        )
        assert len(left) == len(undecided) + len(behind), story
        told = {name: books[name] for name in ("missing", "double", "mismatched", "unresolved", "in_flight")}
        expected = dict.fromkeys(told, 0) | {"unresolved": len(undecided), "in_flight": len(behind)}
        assert told == expected, f"{told}\n{story}"
        assert books["agree"] is not bool(undecided)
        entries: list[AuditEntry] = []
        cursor = None
        while True:
            page = api.get("audit", params={"limit": 1000} | ({"cursor": cursor} if cursor else {})).json()
            entries += msgspec.convert(page["items"], list[AuditEntry])
            cursor = page["next_cursor"]
            if cursor is None:
                break
        verify(entries[::-1])
        assert len(entries) > KILLS
