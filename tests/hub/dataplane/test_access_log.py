"""What Envoy writes of each call, by which usage is counted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from gatehouse import Gatehouse

from gateway_policies.model import (
    Api,
    Consumer,
    Credential,
    Issuer,
    Lifecycle,
    Operation,
    Scope,
    Version,
)

WITHIN = 30.0
MEMBERS = {
    *("at", "ms", "client", "issuer", "api", "version", "operation", "scope", "method", "path", "status", "flags"),
    *("detail", "refused", "request_id", "tx", "bytes_in", "bytes_out"),
}


@pytest.fixture(scope="module")
def house(gatehouse: Gatehouse) -> Gatehouse:
    """An API with one operation that wants a scope and one that wants none."""
    operations = (
        Operation(methods=("GET", "POST"), path="/{order}", scope="orders.read"),
        Operation(methods=("GET",), path="/"),
    )
    gatehouse.apply(
        Issuer(name="hub", url="hub:"),
        Api(name="orders", owner="o", base_path="/orders", upstream="system:ERP", operations=operations),
        Version(api="orders", name="v1", lifecycle=Lifecycle.ACTIVE),
        Scope(name="orders.read"),
        Consumer(name="mes", owner="o", credential=Credential(issuer="hub", client_id="mes-1")),
    )
    return gatehouse


def _line(house: Gatehouse, mark: str) -> dict[str, Any]:
    """What is written of the call to a path with this in it."""

    def look() -> list[dict[str, Any]]:
        lines = house.plane.log_file.read_bytes().splitlines(keepends=True)
        found = [json.loads(each) for each in lines if each.endswith(b"\n")]
        return [each for each in found if mark in each["path"]]

    return _eventually(look)[-1]


def _eventually(look: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    end = time.monotonic() + WITHIN
    while not (found := look()):
        assert time.monotonic() < end, "it is not written"
        time.sleep(0.05)
    return found


def test_a_call_that_passes(house: Gatehouse) -> None:
    before = datetime.now(UTC)
    answer = house.call("GET", "/orders/v1/?passes=%22", house.token("mes-1"), {"andon-transaction": "T1"})
    assert answer.status == 200
    end = time.monotonic() + WITHIN
    while (found := _line(house, "/orders/v1/"))["tx"] != "T1":
        assert time.monotonic() < end, "it is not written"
    assert found.keys() == MEMBERS
    assert before.replace(microsecond=0) <= datetime.fromisoformat(found["at"]) <= datetime.now(UTC)
    assert found["at"].endswith("Z")
    told = {
        name: found[name] for name in ("client", "issuer", "api", "version", "operation", "scope", "method", "path")
    }
    assert told == {
        "client": "mes-1",
        "issuer": house.signer.issuer,
        "api": "orders",
        "version": "v1",
        "operation": "GET /",
        "scope": None,
        "method": "GET",
        "path": "/orders/v1/",
    }
    assert (found["status"], found["refused"], found["tx"], found["bytes_in"]) == (200, None, "T1", 0)
    assert found["bytes_out"] == len(answer.body)


@pytest.mark.parametrize(
    ("path", "token", "status", "refused", "client"),
    [
        ("/orders/v1/no-token", False, 401, "unauthenticated", None),
        ("/orders/v1/no-scope", True, 403, "scope-missing", "mes-1"),
        ("/orders/v7/no-version", True, 404, "no-such-route", None),
        ("/no-api", True, 404, "no-such-route", None),
    ],
)
def test_a_call_that_is_refused(
    house: Gatehouse, path: str, token: bool, status: int, refused: str, client: str | None
) -> None:
    answer = house.call("GET", path, house.token("mes-1") if token else None)
    found = _line(house, path)
    assert (found["status"], found["refused"], found["client"]) == (status, refused, client)
    assert answer.json()["instance"] == f"urn:uuid:{found['request_id']}"


def test_whatever_stands_in_a_path_is_one_line_of_json(house: Gatehouse) -> None:
    for odd in ('/odd-"quote"', "/odd-\\back", "/odd-%0A-line", "/odd-%00", "/odd-{brace}"):
        house.call("GET", odd)
    assert len(_eventually_many(house, "/odd-", 4)) >= 4


def _eventually_many(house: Gatehouse, mark: str, least: int) -> list[dict[str, Any]]:
    def look() -> list[dict[str, Any]]:
        lines = house.plane.log_file.read_bytes().splitlines(keepends=True)
        found = [each for each in (json.loads(one) for one in lines if one.endswith(b"\n")) if mark in each["path"]]
        return found if len(found) >= least else []

    return _eventually(look)


def test_a_renamed_log_is_begun_anew(house: Gatehouse) -> None:
    """As whoever counts rotates it: renamed, then reopened."""
    _line_of = house.call("GET", "/before-it-is-renamed")
    assert _line_of.status == 404
    _line(house, "/before-it-is-renamed")
    house.plane.log_file.rename(house.plane.log_file.with_name("access.1.jsonl"))
    house.run(house.plane.reopen_logs)
    house.call("GET", "/after-it-was-renamed")
    _eventually(lambda: [{}] if house.plane.log_file.exists() else [])
    assert _line(house, "/after-it-was-renamed")["status"] == 404
    assert b"/after-it-was-renamed" not in house.plane.log_file.with_name("access.1.jsonl").read_bytes()
