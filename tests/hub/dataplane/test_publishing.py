"""Files that Envoy reads, and a real Envoy that does not take one: what was served before is served on."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from collections.abc import Callable

import msgspec
import pytest
from gatehouse import Gatehouse

from gateway_policies.enforcement import Enforcing
from gateway_policies.model import (
    Api,
    Consumer,
    Credential,
    Issuer,
    Lifecycle,
    Operation,
    Resource,
    Throttle,
    Version,
    by_address,
)
from hub.dataplane.bootstrap import CLUSTERS, CONSUMERS, ROUTES, file_of
from hub.errors import DataPlaneError


def _policies(requests: int = 5) -> list[Resource]:
    operation = Operation(methods=("GET",), path="/ping")
    return [
        Issuer(name="hub", url="hub:"),
        Api(name="orders", owner="o", base_path="/orders", upstream="system:ERP", operations=(operation,)),
        Version(api="orders", name="v1", lifecycle=Lifecycle.ACTIVE),
        Throttle(name="each", requests=requests, per_seconds=1, burst=1000),
        Consumer(name="mes", owner="o", throttle="each", credential=Credential(issuer="hub", client_id="m")),
    ]


def _version(house: Gatehouse, name: str) -> str:
    return str(msgspec.json.decode(file_of(house.plane.log_file.parents[1], name).read_bytes())["version_info"])


def test_only_what_differs_is_written(gatehouse: Gatehouse) -> None:
    gatehouse.apply(*_policies())
    before = {name: _version(gatehouse, name) for name in (CLUSTERS, ROUTES, CONSUMERS)}
    gatehouse.apply(*_policies(6))
    after = {name: _version(gatehouse, name) for name in (CLUSTERS, ROUTES, CONSUMERS)}
    assert {name for name in before if before[name] != after[name]} == {CONSUMERS}


@pytest.mark.parametrize("versioning", ["path", "header:X-Version"])
def test_paths_may_be_long(gatehouse: Gatehouse, versioning: str) -> None:
    """As they are with a plant, a work center, an order and an operation in them; and far longer."""
    path = "/plants/{plant}/work-centers/{center}/orders/{order}/operations/{operation}/confirmations"
    longest = "".join(f"/{'long' * 10}/{{p{number}}}" for number in range(40))
    operations = tuple(Operation(methods=("GET", "PUT"), path=each) for each in (path, longest))
    api = Api(name="o", owner="o", base_path="/o", upstream="system:ERP", versioning=versioning, operations=operations)
    others = [each for each in _policies() if not isinstance(each, Api | Version)]
    version = Version(api="o", name="v1", lifecycle=Lifecycle.ACTIVE)
    live = by_address([*others, api, version])
    made = gatehouse.run(lambda: gatehouse.plane.check(live))
    assert made is not None
    gatehouse.apply(*live.values())
    prefix, headers = ("/o/v1", {}) if versioning == "path" else ("/o", {"x-version": "v1"})
    token = gatehouse.token("m")
    for each in (path, longest):
        called = re.sub(r"{[^}]*}", "4711", each)
        answer = gatehouse.call("GET", prefix + called, token, headers)
        assert (answer.status, answer.json()["path"]) == (200, called)
    assert gatehouse.call("GET", f"{prefix}{path}/x", token, headers).refused == "no-such-route"


def test_only_the_hubs_user_reads_them(gatehouse: Gatehouse) -> None:
    gatehouse.apply(*_policies())
    folder = gatehouse.plane.log_file.parents[1]
    for name in (CLUSTERS, ROUTES, CONSUMERS):
        assert file_of(folder, name).stat().st_mode & 0o077 == 0
    assert (folder / "admin.sock").exists() is False or (folder / "admin.sock").stat().st_mode & 0o077 == 0


def test_the_port_is_kept_for_when_envoy_is_started_again(gatehouse: Gatehouse) -> None:
    """Nobody else gets it meanwhile, and calls go to Envoy alone."""
    gatehouse.apply(*_policies())
    url = gatehouse.plane.url
    assert url is not None
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            other.bind((host, int(port)))
    token = gatehouse.token("m")
    assert {gatehouse.call("GET", "/orders/v1/ping", token).status for _ in range(20)} == {200}


def test_what_envoy_rejects_while_it_runs_is_told_and_tried_again(gatehouse: Gatehouse) -> None:
    """Nobody tried it before: it is the last line of defence. Once the policies are mended, all is well again."""
    gatehouse.apply(*_policies())
    token, taken = gatehouse.token("m"), _version(gatehouse, CONSUMERS)
    with pytest.raises(DataPlaneError, match="andon-consumer-throttles"):
        gatehouse.apply(*_policies(0))
    # an Envoy that is started again reads what it had taken, however often the other one is tried meanwhile
    _until(lambda: _version(gatehouse, CONSUMERS) == taken)
    found = gatehouse.plane.status()
    assert (found.state, "rejects" in (found.because or "")) == (Enforcing.TROUBLE, True)
    assert gatehouse.call("GET", "/orders/v1/ping", token).status == 200
    with pytest.raises(DataPlaneError, match="andon-consumer-throttles"):  # trying again does not make it true
        gatehouse.run(gatehouse.plane.refresh)
    assert gatehouse.plane.status().state is Enforcing.TROUBLE
    gatehouse.apply(*_policies(7))
    assert gatehouse.plane.status().state is Enforcing.SERVING
    assert gatehouse.call("GET", "/orders/v1/ping", token).status == 200


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_envoy_is_started_again_once_its_files_can_be_written(gatehouse: Gatehouse) -> None:
    """As with a disk that is full for a while: it is told, tried again, and over when it is over."""
    gatehouse.apply(*_policies())
    file = gatehouse.plane.log_file.parents[1] / "bootstrap.json"
    pid = gatehouse.plane.pid
    assert pid is not None
    file.unlink()
    file.mkdir()  # what nobody can write to, whoever it is
    os.kill(pid, signal.SIGKILL)
    _until(lambda: gatehouse.plane.status().restarts >= 2)
    found = gatehouse.plane.status()
    assert (found.state, "bootstrap.json" in (found.because or "")) == (Enforcing.TROUBLE, True)
    file.rmdir()
    _until(lambda: gatehouse.plane.status().state is Enforcing.SERVING)
    assert gatehouse.call("GET", "/orders/v1/ping", gatehouse.token("m")).status == 200
