"""A night shift: a hub of its own with simulated systems, and two people who have nothing but the command line.

Every command is written as in docs/nights.md, where it is the runbook: ``$NAME`` stands for what a person reads off
the output before.
"""

from __future__ import annotations

import json
import os
import shlex
import string
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

OPERATOR, APPROVER = "ann", "bob"


class Said:
    """What a command left behind."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def ids(self) -> list[str]:
        return self.out.split()


class Night:
    """One hub, and people at it."""

    def __init__(self, hub: Any, folder: Path, eventually: Callable[..., object]) -> None:
        self.hub, self.folder, self._eventually = hub, folder, eventually
        self.api = httpx.Client(
            base_url=f"{hub.url}/admin/v1/", headers={"Authorization": f"Bearer {hub.token}"}, timeout=30
        )
        self._tokens = {
            name: self._person(name, role) for name, role in ((OPERATOR, "operator"), (APPROVER, "approver"))
        }

    def _person(self, name: str, role: str) -> str:
        self.api.post("users", json={"name": name, "roles": [role]}).raise_for_status()
        answer = self.api.post(f"users/{name}/token", json={})
        answer.raise_for_status()
        return str(answer.json()["token"])

    def andon(
        self, line: str, /, code: int | None = 0, who: str = OPERATOR, more: tuple[str, ...] = (), **names: str
    ) -> Said:
        """Run ``andon`` with a line of the runbook; it has to end with ``code``.

        Args:
            line: as somebody types it; ``$NAME`` is one of ``names``.
            code: its exit code; None for any.
            who: who types it.
            more: what a script would add.
        """
        told = string.Template(line).substitute(names)
        done = subprocess.run(
            [sys.executable, "-m", "commands", *shlex.split(told), *more],
            env={name: value for name, value in os.environ.items() if not name.startswith("ANDON_")}
            | self.hub.env
            | {"ANDON_TOKEN": self._tokens[who]},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
        said = Said(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert code in (None, said.code), (
            f"{told}\nexit {said.code}, not {code}\n{said.out[-3000:]}\n{said.err[-3000:]}"
        )
        assert "Traceback" not in said.err
        return said

    def approved(self, said: Said) -> str:
        """The second person looks at the plan that a refused command stored, and approves it; returns its hash."""
        plan: str = said.json["plan"]
        self.andon("approvals show $PLAN", who=APPROVER, PLAN=plan[:12])
        self.andon('approvals approve $PLAN --reason "looked at it"', who=APPROVER, PLAN=plan[:12])
        try:
            self.until("the approved run to end", lambda: self._ended(plan))
        except AssertionError as error:
            batch = self.api.get(f"plans/{plan}").json()["batch"]
            items = self.api.get(f"batches/{batch}/items").json()["items"]
            raise AssertionError(f"{error}: {items}") from error
        return plan

    def _ended(self, plan: str) -> bool:
        batch = self.api.get(f"plans/{plan}").json()["batch"]
        return batch is not None and self.api.get(f"batches/{batch}").json()["finished_at"] is not None

    # What the plants do, which is no command of the shift.

    def emit(self, documents: int) -> None:
        """Let the sources send so many documents, and wait until nothing moves."""
        begun = self.api.get("simulator/state").json()["emitted"]
        self.api.post("simulator/resume", params={"documents": documents}).raise_for_status()
        self.until("emission", lambda: self.api.get("simulator/state").json()["emitted"] >= begun + documents)
        self.drain()

    def drain(self) -> None:
        """Wait until nothing is under way."""
        self.api.post("simulator/drain", timeout=40).raise_for_status()

    def fault(self, name: str, **place: Any) -> None:
        """Something breaks."""
        self.api.put("simulator/faults", json={"on": True, "name": name, **place}).raise_for_status()

    def mended(self, name: str | None = None) -> None:
        """Somebody mended it."""
        self.api.put("simulator/faults", json={"on": False, "name": name}).raise_for_status()

    # What the test looks at.

    def found(self, question: str) -> list[dict[str, Any]]:
        """All transactions that match."""
        answer = self.api.get("transactions", params={"filter": question, "limit": 1000, "sort": "created_at"})
        answer.raise_for_status()
        return list(answer.json()["items"])

    def statuses(self, question: str) -> Counter[str]:
        """How many that match are in each status."""
        return Counter(item["status"] for item in self.found(question))

    def timeline(self, tx_id: str) -> list[dict[str, Any]]:
        return list(self.api.get(f"transactions/{tx_id}/timeline").json()["items"])

    def delivered_at(self, tx_id: str) -> str:
        """When the delivery began that was the last one."""
        tries = [entry for entry in self.timeline(tx_id) if entry["attempt"] is not None]
        return str([entry for entry in tries if entry["attempt"]["purpose"] == "delivery"][-1]["at"])

    def deliveries(self, tx_id: str) -> int:
        tries = [entry for entry in self.timeline(tx_id) if entry["attempt"] is not None]
        return sum(entry["attempt"]["purpose"] == "delivery" for entry in tries)

    def books(self) -> dict[str, Any]:
        return dict(self.api.get("simulator/books").json())

    def until(self, what: str, ready: Callable[[], object], within: float = 30.0) -> object:
        return self._eventually(what, ready, within)


@pytest.fixture
def night(hub_factory: Any, tmp_path: Path, eventually: Callable[..., object]) -> Any:
    """Makes a night: a hub, quiet until the test says otherwise, that is ended with the test."""
    made: list[Night] = []

    def make(seed: int, *arguments: str) -> Night:
        hub = hub_factory("--simulate", "--seed", str(seed), "--speed", "60", "--paused", *arguments)
        made.append(Night(hub, tmp_path, eventually))
        return made[-1]

    yield make
    for one in made:
        one.api.close()
        one.hub.stop()
