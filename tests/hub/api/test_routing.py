"""Requests are read in one place, errors written in one place, and the OpenAPI document says what is served."""

from __future__ import annotations

import re

import pytest

from hub.api.routing import BODY_LIMIT
from hub.app import ROUTES
from transactions import errors


async def test_unknown_parameters_are_named_with_those_there_are(local, problem) -> None:
    detail = problem(await local.get("transactions?colour=red"), 422, "invalid-request")
    assert "'colour'" in detail
    assert "filter, sort, limit, cursor" in detail
    assert "There is: none" in problem(await local.get("systems?x=1"), 422, "invalid-request")


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "1.5", "x", "", "null", "9" * 40])
async def test_limits_are_numbers_from_one_to_a_thousand(local, problem, limit) -> None:
    problem(await local.get(f"transactions?limit={limit}"), 422, "invalid-request")


@pytest.mark.parametrize(
    ("content", "media", "status", "kind"),
    [
        (b"{}", "text/plain", 415, "unsupported-media-type"),
        (b"{}", "", 415, "unsupported-media-type"),
        (b"{}", "application/jsonp", 415, "unsupported-media-type"),
        (b"", "application/json", 422, "invalid-request"),
        (b"[]", "application/json", 422, "invalid-request"),
        (b"\xff\xfe", "application/json", 422, "invalid-request"),
        (b'{"action": "replay"} x', "application/json", 422, "invalid-request"),
        (b'{"action": "replay", "reason": "x", "ids": [], "colour": 1}', "application/json", 422, "invalid-request"),
        (b'{"action": "replay", "reason": "x", "ids": ' + b"[" * 50_000, "application/json", 422, "invalid-request"),
        (b" " * (BODY_LIMIT + 1), "application/json", 413, "too-large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_bodies_that_cannot_be_used_say_why(local, problem, content, media, status, kind) -> None:
    headers = {"Content-Type": media} if media else {}
    assert problem(await local.post("plans", content=content, headers=headers), status, kind)


async def test_a_media_type_may_carry_parameters(local) -> None:
    body = b'{"action": "replay", "reason": "x", "filter": "status:compensated"}'
    answer = await local.post("plans", content=body, headers={"Content-Type": "Application/JSON; charset=utf-8"})
    assert answer.status_code == 201


async def test_a_wrong_method_is_told_every_method_there_is(local, problem) -> None:
    answer = await local.delete("plans")
    detail = problem(answer, 405, "method-not-allowed")
    allow = {name.strip() for name in answer.headers["allow"].split(",")}
    assert allow == {"GET", "HEAD", "POST"}
    assert "DELETE" in detail


async def test_what_is_not_there(local, problem) -> None:
    for path in ("nothing", "transactions/", "Transactions", "plans/x/y/z"):
        problem(await local.get(path), 404, "not-found")
    problem(await local.get("http://hub/elsewhere"), 404, "not-found")


async def test_a_defect_is_a_problem_without_a_trace(local, problem, monkeypatch) -> None:
    async def broken(_question):
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(local.hub.database, "read", broken)
    answer = await local.get("status")
    detail = problem(answer, 500, "failed")
    assert "secret" not in answer.text
    assert "log" in detail


async def test_a_store_that_cannot_be_read_is_a_503(local, problem) -> None:
    await local.hub.database.write(lambda c: c.exec_driver_sql("alter table transactions rename to gone"))
    assert "cannot be read" in problem(await local.get("transactions"), 503, "store")


async def test_a_store_that_refuses_is_a_503_and_takes_nothing(local, problem) -> None:
    await local.hub.database.write(lambda c: c.exec_driver_sql("alter table intake rename to gone"))
    answer = await local.post("ingress?flow=report", json={"event": "e1"})
    assert "Nothing of this request was done" in problem(answer, 503, "store")
    assert (await local.get("transactions")).json()["items"] == []


async def test_the_openapi_document_says_what_is_served(local) -> None:
    document = (await local.get("openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    operations = {
        (method.upper(), path.removeprefix("/admin/v1/"))
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert operations == {(route.method, route.path) for route in ROUTES if not route.simulator}
    ids = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(ids) == len(set(ids))


async def test_every_operation_names_its_parameters_body_and_problems(local) -> None:
    document = (await local.get("openapi.json")).json()
    known = {kind.problem for kind in _all(errors.AndonError)}
    for path, methods in document["paths"].items():
        for operation in methods.values():
            inside = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert inside == set(re.findall(r"{(\w+)}", path)), path
            assert {"401", "403", "503"} <= set(operation["responses"])
            described = " ".join(answer["description"] for answer in operation["responses"].values())
            assert set(re.findall(r"urn:andon:problem:([a-z-]+)", described)) <= known


async def test_every_reference_of_the_document_leads_somewhere(local) -> None:
    text = (await local.get("openapi.json")).text
    document = (await local.get("openapi.json")).json()
    schemas = set(document["components"]["schemas"])
    assert set(re.findall(r'"#/components/schemas/([^"]+)"', text)) <= schemas


async def test_without_simulated_systems_their_routes_do_not_exist(local, problem) -> None:
    for route in ROUTES:
        if route.simulator:
            problem(await local.request(route.method, route.path, json={}), 404, "not-found")


@pytest.mark.parametrize("path", ["status", "transactions", "openapi.json", "http://hub/healthz"])
async def test_head_is_answered_like_get(local, path) -> None:
    got, head = await local.get(path), await local.head(path)
    assert head.status_code == got.status_code == 200
    assert head.headers["content-type"] == got.headers["content-type"]


async def test_readiness_follows_the_hub(local) -> None:
    assert (await local.get("http://hub/readyz")).status_code == 200
    local.hub.ready = False
    answer = await local.get("http://hub/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "starting"})
    assert (await local.get("http://hub/healthz")).status_code == 200


def _all(kind: type[errors.AndonError]) -> list[type[errors.AndonError]]:
    return [kind, *(found for sub in kind.__subclasses__() for found in _all(sub))]
