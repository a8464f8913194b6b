"""A plant under a hub, for the chaos: what accidents do to it, what people do meanwhile, and how they clear up."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest

UNIT = {"op": "set", "path": "$..[?@.UnitOfMeasure=='KIL'].UnitOfMeasure", "value": "KG"}
RIGHT = {"op": "set", "path": "$.ApplicationArea.BODID", "value": "right"}
CORRECTED = ("material-consumption", "labor-time")
"""Flows to ERP whose documents are JSON, and are taken back without anything else being in the way."""


class Plant:
    """A hub with simulated systems, and what people and accidents do to it."""

    def __init__(self, hub: Any, chance: random.Random, eventually: Callable[..., Any]) -> None:
        self.hub, self.chance, self.eventually = hub, chance, eventually
        self.told: list[str] = []
        self.clients: list[subprocess.Popen[bytes]] = []

    def api(self) -> httpx.Client:
        """The hub's admin API, wherever it runs now."""
        return httpx.Client(
            base_url=f"{self.hub.url}/admin/v1/",
            headers={"Authorization": f"Bearer {self.hub.token}"},
            timeout=40,
            trust_env=False,
        )

    def found(self, query: str) -> list[dict[str, Any]]:
        """All transactions that match."""
        items: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        with self.api() as api:
            while True:
                params = {"filter": query, "limit": 1000} | cursor
                page = api.get("transactions", params=params).raise_for_status().json()
                items += page["items"]
                if page["next_cursor"] is None:
                    return items
                cursor = {"cursor": page["next_cursor"]}

    def quiet(self) -> None:
        """Every document of the sources is in, and nothing moves."""
        with self.api() as api:
            self.eventually("the systems", lambda: api.get("simulator/state").status_code == 200, 60)
            self.eventually("quiet", lambda: api.post("simulator/drain").status_code == 200, 180)

    # What is let loose

    def emit(self, documents: int) -> None:
        """Let the sources send so many documents."""
        with self.api() as api:
            api.post("simulator/resume", params={"documents": documents}).raise_for_status()

    def emitted(self, documents: int) -> None:
        """Let the sources send so many documents, and wait for all that follows from them."""
        with self.api() as api:
            begun = api.get("simulator/state").json()["emitted"]
            self.emit(documents)
            self.eventually("emission", lambda: api.get("simulator/state").json()["emitted"] >= begun + documents, 60)
        self.quiet()

    def fault(self, on: bool, **fault: str) -> None:
        """Switch a fault."""
        with self.api() as api:
            api.put("simulator/faults", json={"on": on, **fault}).raise_for_status()

    def kill_hub(self) -> None:
        """A power cut, and a new start."""
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
        with self.api() as api:
            self.eventually("the systems", lambda: api.get("simulator/state").status_code == 200, 60)

    def kill_clients(self) -> None:
        """Whoever waits for a batch of his does not any more."""
        for client in self.clients:
            client.kill()
            client.wait()
        self.clients = []

    # What people do

    def act(self) -> None:
        """Somebody does something about what there is: by a command that waits for its end, or without waiting."""
        does = self.chance.choice((self.replay, self.mend, self.edit, self.correct, self.correct, self.compensate))
        does()

    def replay(self) -> None:
        """All that failed, as it is."""
        self.command("replay", "--filter", "status:failed", "--canary", str(self.chance.choice((0, 1, 3))), "--yes")

    def mend(self) -> None:
        """The group with the unit that nobody mapped, with the right one."""
        query, step = "status:failed code:BM311 KIL", f"{UNIT['path']}={UNIT['value']}"
        self.command("edit", "--filter", query, "--set", step, "--canary", "0", "--break-glass", "--yes")

    def edit(self) -> None:
        """A whole group, with another document each."""
        step = {"op": "set", "path": "$.ApplicationArea.BODID", "value": f"again-{self.chance.randrange(1_000)}"}
        self.begin("edit", {"patch": [step], "canary": 0}, filter="status:failed flow:material-consumption")

    def correct(self, most: int = 3) -> int:
        """Some that were posted, with another document."""
        posted = self.posted(self.chance.choice(CORRECTED))
        some = self.chance.sample(posted, min(len(posted), most))
        return self.begin("correct", {"patch": [RIGHT]}, ids=[one["id"] for one in some])

    def compensate(self) -> int:
        """One that was posted, or a whole order that is over: its last document is the shipment's."""
        if self.chance.random() < 0.5:
            posted = self.posted("material-consumption")
            return self.begin("compensate", {}, ids=[self.chance.choice(posted)["id"]]) if posted else 0
        shipped = [one for one in self.posted("shipment-status") if one["correlation_id"].startswith("PO-")]
        orders = sorted({one["correlation_id"] for one in shipped})
        if not orders:
            return 0
        order = self.chance.choice(orders[: max(1, len(orders) // 2)])
        last = next(one for one in shipped if one["correlation_id"] == order)
        return self.begin("compensate", {"process": True}, ids=[last["id"]])

    def posted(self, flow: str) -> list[dict[str, Any]]:
        """What ERP has of a flow, as far as the hub knows."""
        return self.found(f"flow:{flow} target:ERP status:processed -idempotency_key:reverse:*")

    def begin(self, action: str, options: dict[str, Any], **selection: Any) -> int:
        """Plan it and run it, alone; nobody waits for it.

        Returns:
            How many items it sends; none where there is nothing to do.
        """
        if selection.get("ids") == []:
            return 0
        options = {**options, "break_glass": True, "rate": self.chance.choice((5, 20, 100))}
        body = {"action": action, "reason": "chaos", "options": options, **selection}
        with self.api() as api:
            plan = api.post("plans", json=body).raise_for_status().json()
            sends = int(plan["verdicts"]["send"])
            if sends:
                api.post(f"plans/{plan['hash']}/run").raise_for_status()
        self.told.append(f"{action} {options} {plan['verdicts']}")
        said = " ".join(item["because"] or "" for item in plan["items"])
        if not sends and "date" not in options and (day := re.search(r"open from (\d{4}-\d\d-\d\d)", said)):
            return self.begin(action, options | {"date": day[1]}, **selection)
        return sends

    def command(self, *words: str) -> None:
        """Somebody types it, and waits."""
        self.told.append(" ".join(words))
        env = {name: value for name, value in os.environ.items() if not name.startswith("ANDON_")} | self.hub.env
        rate = f"{self.chance.choice((5, 20, 100))}/s"
        self.clients = [client for client in self.clients if client.poll() is None]
        self.clients.append(
            subprocess.Popen(
                [sys.executable, "-m", "commands", "tx", *words, "--reason", "chaos", "--rate", rate],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )


class Shift:
    """Two people who clear up when everything runs again."""

    def __init__(self, plant: Plant) -> None:
        self._plant, self._eventually = plant, plant.eventually
        with plant.api() as api:
            api.put("simulator/faults", json={"on": False}).raise_for_status()
            api.post("users", json={"name": "second", "roles": ["approver"]}).raise_for_status()
            self._second = api.post("users/second/token", json={}).raise_for_status().json()["token"]

    def quiet(self) -> None:
        """Nothing moves, and every batch has ended."""
        self._plant.quiet()
        with self._plant.api() as api:
            try:
                self._eventually("the batches to end", lambda: not self.running(), 90)
            except AssertionError as error:
                raise AssertionError(f"{error}\n{self.going_on()}") from None
            self._eventually("quiet", lambda: api.post("simulator/drain").status_code == 200, 180)

    def running(self) -> list[str]:
        """Batches that have not ended."""
        with self._plant.api() as api:
            batches = api.get("batches?limit=1000").raise_for_status().json()["items"]
        return [batch["id"] for batch in batches if batch["finished_at"] is None]

    def going_on(self) -> str:
        """What the batches that have not ended are about, in words."""
        words = list(self._plant.told)
        with self._plant.api() as api:
            for batch in self.running():
                known = api.get(f"batches/{batch}").raise_for_status().json()
                words.append(f"{batch} {known['action']} {known['state']} {known['counts']}")
                items = api.get(f"batches/{batch}/items?limit=1000").raise_for_status().json()["items"]
                for item in items:
                    if item["state"] in ("planned", "intended", "sent", "in-doubt"):
                        tx = api.get(f"transactions/{item['id']}").raise_for_status().json()
                        words.append(f"  {item['state']} {item['reason']} {tx['id']} {tx['status']} {tx['waiting_on']}")
        return "\n".join(words)

    def plan(self, action: str, options: dict[str, Any] | None = None, **selection: Any) -> dict[str, Any]:
        """A stored plan."""
        with self._plant.api() as api:
            body = {"action": action, "reason": "after the chaos", "options": options or {}, **selection}
            answer = api.post("plans", json=body)
            assert answer.status_code == 201, answer.text
            return dict(answer.json())

    def run(self, plan: dict[str, Any]) -> int:
        """Run a plan, by two where it is about money or quality; how many items it sends."""
        if not plan["verdicts"]["send"]:
            return 0
        with self._plant.api() as api:
            path = f"plans/{plan['hash']}"
            if api.post(f"{path}/run").status_code == 409:
                headers = {"Authorization": f"Bearer {self._second}"}
                api.post(f"{path}/approve", json={"reason": "looked at it"}, headers=headers).raise_for_status()
        return int(plan["verdicts"]["send"])

    def clear_up(self) -> None:
        """Replay what failed, mend what has to be mended, compensate again what was not: until nothing more helps."""
        stuck: list[str] = []
        for _ in range(60):  # a batch stops when one failure comes again and again: each round gets further
            self.quiet()
            done = self.run(self.plan("edit", {"patch": [UNIT]}, filter="status:failed code:BM311 KIL"))
            done += self.run(self.plan("compensate", filter="status:compensation-failed"))
            if done:
                continue
            plan = self.plan("replay", filter="status:failed")
            if not plan["items"]:
                return
            stuck = [f"{item['verdict']} {item['flow']} {item['id']}: {item['because']}" for item in plan["items"]]
            if self.run(plan):
                continue
            replaced = [item["id"] for item in plan["items"] if item["verdict"] == "superseded"]
            if replaced:
                self.run(self.plan("discard", ids=replaced))
        raise AssertionError("something keeps failing though every fault is off:\n" + "\n".join(stuck + self.ended()))

    def ended(self) -> list[str]:
        """How the newest batches ended, and what the oldest failures say, in words."""
        with self._plant.api() as api:
            batches = api.get("batches?limit=20").raise_for_status().json()["items"]
            failed = api.get("transactions?filter=status:failed&sort=created_at&limit=20").raise_for_status().json()
        return [f"{one['id']} {one['action']} {one['state']} {one['counts']} {one['because']}" for one in batches] + [
            f"{tx['flow']} {tx['id']} {tx['target']}: {tx['failure']['code']} {tx['failure']['message']}"
            for tx in failed["items"]
        ]


@pytest.fixture
def plant_of(eventually: Callable[..., Any]) -> Callable[[Any, random.Random], Plant]:
    """Makes a plant of a hub that runs."""
    return lambda hub, chance: Plant(hub, chance, eventually)


@pytest.fixture
def shift_of() -> Callable[[Plant], Shift]:
    """Makes the people who clear up."""
    return Shift
