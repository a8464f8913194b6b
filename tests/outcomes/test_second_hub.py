"""A second hub on the same folder, while a run is under way: docs/outcomes.md."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

pytestmark = pytest.mark.timeout(400)  # real processes, on machines that have other things to do


def test_a_second_hub_is_refused_and_the_run_goes_on_once(hub_factory, operator_of, eventually) -> None:
    hub = hub_factory("--simulate", "--seed", "17", "--speed", "40", "--paused")
    people = operator_of(hub)
    people.emit(20)
    people.fault(True, name="closed-period", system="ERP")
    people.emit(60)
    people.fault(False)
    batch = people.told("tx", "replay", "--filter", "status:failed", "--reason", "reopened", "--yes", "--no-wait",
                        "--rate", "3/s", "--canary", "0")["batch"]  # fmt: skip
    before = (hub.data / "runtime.json").read_text()
    serve = [sys.executable, "-m", "commands", "hub", "serve", "--data", str(hub.data), "--port", "0"]
    others = [
        subprocess.Popen(serve, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for other in others:
        _, said = other.communicate(timeout=60)
        assert other.returncode == 1
        assert "Another hub is serving" in said
        assert "send twice" in " ".join(said.split())
        assert "Traceback" not in said
    assert (hub.data / "runtime.json").read_text() == before
    assert people.ready() == 200
    eventually("the run to end", lambda: people.told("batches", "show", batch)["finished_at"], 60)
    items = people.get(f"batches/{batch}/items", limit=1000)["items"]
    assert len(items) > 3
    delivered = 0
    for item in items:
        entries = people.get(f"transactions/{item['id']}/timeline")["items"]
        sent = Counter(entry["attempt"]["batch"] for entry in entries if (entry.get("attempt") or {}).get("batch"))
        assert sent[batch] <= 1, "once by this run, whoever else wanted to"
        delivered += sent[batch]
    assert delivered > 3
    people.quiet()
    people.andon("tx", "replay", "--filter", "status:failed", "--reason", "the rest", "--yes", code=None)
    people.quiet()
    assert people.told("hub", "books", code=None)["double"] == 0
