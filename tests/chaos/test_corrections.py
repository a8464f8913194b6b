"""kill -9 of the hub in the middle of a correction: while the reversal is under way, between reversal and repost, and
while the repost is under way. It goes on by itself, or says what is left; the target ends with one right posting.

The target is a scripted one, since the moment has to be an exact one: it answers nothing until the hub is dead.
"""

from __future__ import annotations

import hashlib
import http.server
import json
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

SETTINGS = """
catalogue = false
profile = "production"
default_plant = "P01"
[plant.P01]
title = "Plant 1"
[system.MES]
title = "MES"
[system.ERP]
title = "ERP"
url = "{url}"
idempotent = "lookup"
settle_after = "200ms"
follows = "/postings/{{key}}/follows?date={{date}}"
reversal = "/postings/{{key}}/reversal"
[flow.consumption]
title = "Consumption"
sources = ["MES"]
targets = ["ERP"]
document = "OperationsPerformance"
identity = ["event"]
order_by = "order"
semantics = "delta"
reversal = "262"
slo = "15m"
risk = "operational"
verify = "lookup"
owner = "erp-team"
[flow.consumption.keys.json]
event = "$.event"
order = "$.order"
"""


class Target:
    """Posts and reverses by key and never looks whether it did so before, so that twice would be seen."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, bytes]] = []
        self.reversed: list[tuple[str, str, bytes]] = []
        self.hold: tuple[str, bool] | None = None
        self.arrived, self.dead = threading.Event(), threading.Event()
        self._gate = threading.Lock()

    def take(self, kind: str, note: Callable[[], None]) -> None:
        """Post (or reverse); where it is to be held, before or after that, it stays silent until the hub is dead."""
        held = None
        with self._gate:
            if self.hold is not None and self.hold[0] == kind:
                held, self.hold = self.hold, None
            if held is None or held[1]:
                note()
        if held is not None:
            self.arrived.set()
            self.dead.wait(60)
            raise ConnectionAbortedError("the hub is dead")

    def knows(self, key: str) -> dict[str, Any]:
        for under, content in [*self.posted, *((under, content) for _, under, content in self.reversed)]:
            if under == key:
                return {"status": "applied", "sha256": hashlib.sha256(content).hexdigest(), "document": "4711"}
        return {"status": "absent"}

    def net(self) -> list[dict[str, Any]]:
        """What stands in its books: documents that were posted and not reversed."""
        gone = [key for key, _, _ in self.reversed]
        return [json.loads(content) for key, content in self.posted if key not in gone]


@pytest.fixture
def target() -> Iterator[tuple[Target, str]]:
    known = Target()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_arguments: object) -> None:
            pass

        def answer(self, status: int, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            parts = httpx.URL(self.path).path.split("/")
            self.answer(200, {"items": []} if parts[-1] == "follows" else known.knows(parts[2]))

        def do_POST(self) -> None:
            parts, under = httpx.URL(self.path).path.split("/"), self.headers["Idempotency-Key"]
            content = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                if parts[-1] == "reversal":
                    known.take("reversal", lambda: known.reversed.append((parts[2], under, content)))
                else:
                    repost = under.startswith("correct:")
                    known.take("repost" if repost else "post", lambda: known.posted.append((under, content)))
            except ConnectionAbortedError:
                self.close_connection = True
                return
            self.answer(201, {"status": "applied", "document": "4711"})

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, _request: object, _address: object) -> None:
            """Its client was killed: that is what this is about."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield known, f"http://127.0.0.1:{server.server_port}"
    known.dead.set()
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.mark.skipif(sys.platform == "win32", reason="the hub runs on Linux and macOS")
@pytest.mark.parametrize("posted", [False, True], ids=["not-applied", "applied"])
@pytest.mark.parametrize("where", ["reversal", "repost"])
def test_a_correction_survives_the_hub(
    hub_factory: Callable[..., Any],
    eventually: Callable[..., Any],
    target: tuple[Target, str],
    tmp_path: Path,
    where: str,
    posted: bool,
) -> None:
    known, url = target
    settings = tmp_path / "hub.toml"
    settings.write_text(SETTINGS.format(url=url), encoding="utf-8")
    hub = hub_factory("--config", str(settings))

    def ask(method: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {hub.token}"}
        answer = httpx.request(method, f"{hub.url}/admin/v1/{path}", headers=headers, timeout=40, **more)
        assert answer.is_success, answer.text
        return answer.json()

    def found(query: str) -> list[dict[str, Any]]:
        return list(ask("GET", "transactions", params={"filter": query})["items"])

    def run(action: str, tx: str, **options: Any) -> str:
        body = {"action": action, "ids": [tx], "reason": "the scale was off", "options": options}
        plan = ask("POST", "plans", json=body)
        assert plan["verdicts"]["send"] == 1, plan
        return str(ask("POST", f"plans/{plan['hash']}/run")["id"])

    def came_to(batch: str, tx: str) -> str:
        """How an item of a batch ended."""
        eventually("the batch to end", lambda: ask("GET", f"batches/{batch}")["finished_at"], 60)
        (item,) = (item for item in ask("GET", f"batches/{batch}/items")["items"] if item["id"] == tx)
        return str(item["state"])

    document = {"event": "e1", "order": "1", "quantity": 5}
    (sent,) = ask("POST", "ingress", params={"flow": "consumption"}, json=document)["items"]
    tx = sent["id"]
    eventually("it to be posted", lambda: found(f"id:{tx} status:processed"), 30)

    known.hold = (where, posted)
    batch = run("correct", tx, patch=[{"op": "replace", "path": "/quantity", "value": 50}])
    assert known.arrived.wait(30)
    hub.kill()
    known.dead.set()
    hub.start()

    state = came_to(batch, tx)
    (right,) = found(f"causation_id:{tx} idempotency_key:correct:*")
    if (where, posted) == ("reversal", False):
        # Nothing was reversed, and so nothing else is posted: both say so, and it is compensated again.
        assert state == "failed"
        (original,) = found(f"id:{tx}")
        assert original["status"] == "compensation-failed"
        assert "compensate it again" in original["waiting_on"]
        assert right["status"] == "held"
        assert known.net() == [document]
        assert came_to(run("compensate", tx), tx) == "processed"
    else:
        assert state == "processed"
    if (where, posted) == ("repost", False):
        eventually("the repost to be known as not applied", lambda: found(f"id:{right['id']} status:failed"), 30)
        assert known.net() == []
        assert came_to(run("replay", right["id"]), right["id"]) == "processed"
    eventually("the repost", lambda: found(f"id:{right['id']} status:processed"), 30)
    assert found(f"id:{tx}")[0]["status"] == "compensated"
    assert known.net() == [document | {"quantity": 50}]
    assert [key.partition(":")[0] for key, _ in known.posted] == ["MES", "correct"]
    assert [under.partition(":")[0] for _, under, _ in known.reversed] == ["reverse"]
    assert not ask("GET", "transactions/count", params={"filter": "-status:processed -status:compensated"})["count"]
