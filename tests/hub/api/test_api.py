"""The admin API of a real hub: what it lets in, what it says, and that pages stay right."""

from __future__ import annotations

import json
import uuid

import httpx
import pytest


@pytest.fixture
def api(hub):
    with httpx.Client(
        base_url=f"{hub.url}/admin/v1/", headers={"Authorization": f"Bearer {hub.token}"}, timeout=40
    ) as client:
        yield client


def movement(**fields: str) -> dict[str, object]:
    """A document of a flow without an order, so that tests do not wait for each other."""
    return {"OperationsEvent": {"ID": fields.get("id", uuid.uuid4().hex), **fields}}


def send(api: httpx.Client, document: object, flow: str = "downtime-event", **headers: str) -> httpx.Response:
    return api.post("ingress", params={"flow": flow, "plant": "P01"}, json=document, headers=headers)


def problem(response: httpx.Response, status: int, kind: str) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["type"] == f"urn:andon:problem:{kind}"
    assert body["status"] == status
    assert body["title"]
    return str(body["detail"])


@pytest.mark.parametrize("path", ["transactions", "nothing-here", "plans", "transactions/x/y/z", "openapi.json", ""])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PATCH"])
def test_everything_wants_a_token_before_it_looks_at_anything(hub, method, path) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {hub.token}"}):
        response = httpx.request(method, f"{hub.url}/admin/v1/{path}", headers=headers, content=b"{")
        problem(response, 401, "unauthenticated")
        assert response.headers["www-authenticate"].startswith("Bearer")


def test_ingress_wants_a_token(hub) -> None:
    problem(httpx.post(f"{hub.url}/ingress/downtime-event", json={}), 401, "unauthenticated")


def test_health_wants_none(hub) -> None:
    assert httpx.get(f"{hub.url}/healthz").json() == {"status": "ok"}
    assert httpx.get(f"{hub.url}/readyz").status_code == 200
    assert "andon_transactions" in httpx.get(f"{hub.url}/metrics").text


def test_a_hub_without_simulated_systems_says_so(api, hub_factory) -> None:
    assert "nothing at" in problem(api.get("simulator/nothing"), 404, "not-found")
    real = hub_factory()
    headers = {"Authorization": f"Bearer {real.token}"}
    answer = httpx.get(f"{real.url}/admin/v1/simulator/books", headers=headers)
    detail = problem(answer, 404, "not-found")
    assert "no simulated systems" in detail
    assert "--simulate" in detail


def test_what_is_not_there_is_a_problem(api) -> None:
    problem(api.get("nothing"), 404, "not-found")
    detail = problem(api.get("transactions/01ZZZZZZZZZZZZZZZZZZZZZZZZ"), 404, "not-found")
    assert "01ZZZZZZZZZZZZZZZZZZZZZZZZ" in detail
    problem(api.get("plans/" + "0" * 64), 404, "not-found")
    problem(api.get("batches/none"), 404, "not-found")
    response = api.delete("transactions")
    problem(response, 405, "method-not-allowed")
    assert "GET" in response.headers["allow"]


@pytest.mark.parametrize(
    ("params", "status", "kind"),
    [
        ({"limit": "0"}, 422, "invalid-request"),
        ({"limit": "1001"}, 422, "invalid-request"),
        ({"limit": "x"}, 422, "invalid-request"),
        ({"sort": "payload"}, 422, "invalid-request"),
        ({"colour": "red"}, 422, "invalid-request"),
        ({"cursor": "%%%"}, 400, "bad-cursor"),
        ({"cursor": "WyJ4IiwxLCJ5Il0"}, 400, "bad-cursor"),
        ({"filter": "statsu:failed"}, 400, "bad-filter"),
        ({"filter": "status:failde"}, 400, "bad-filter"),
        ({"filter": "(status:failed"}, 400, "bad-filter"),
    ],
)
def test_bad_parameters_are_told_apart(api, params, status, kind) -> None:
    assert problem(api.get("transactions", params=params), status, kind)


def test_a_bad_filter_points_at_the_column_and_suggests(api) -> None:
    body = api.get("transactions", params={"filter": "plant:P01 statsu:failed"}).json()
    assert body["column"] == 11
    assert "status" in [suggestion.rstrip(":") for suggestion in body["suggestions"]]


def test_a_parameter_that_came_twice_is_refused(api) -> None:
    problem(api.get("transactions?limit=1&limit=2"), 422, "invalid-request")


def test_pages_stay_right_while_rows_are_added(api) -> None:
    marker = uuid.uuid4().hex[:8]

    def add(n: int) -> str:
        answer = send(api, movement(id=f"{marker}-{n}", EquipmentID=f"EQ{n}"))
        assert answer.status_code == 202, answer.text
        return str(answer.json()["items"][0]["id"])

    first = {add(n) for n in range(6)}
    seen: list[str] = []
    cursor = None
    while True:
        page = api.get("transactions", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        add(100 + len(seen))
        if cursor is None or first <= set(seen):
            break
    assert first <= set(seen)
    assert len(seen) == len(set(seen))


def test_the_same_key_answers_again_and_other_content_is_refused(api) -> None:
    key = uuid.uuid4().hex
    document = movement(id="one")
    once = send(api, document, **{"Idempotency-Key": key})
    again = send(api, document, **{"Idempotency-Key": key})
    assert [item["id"] for item in once.json()["items"]] == [item["id"] for item in again.json()["items"]]
    problem(send(api, movement(id="two"), **{"Idempotency-Key": key}), 409, "key-reused")


def test_a_document_is_shown_byte_for_byte(api) -> None:
    content = b'{ "OperationsEvent" : {"ID":"raw-1",\r\n "EquipmentID":"\xc3\xa9"} }  '
    answer = api.post(
        "ingress",
        params={"flow": "downtime-event", "plant": "P01"},
        content=content,
        headers={"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex},
    )
    tx = answer.json()["items"][0]["id"]
    raw = api.get(f"transactions/{tx}/payload", headers={"Accept": "application/octet-stream"})
    assert raw.content == content
    shown = api.get(f"transactions/{tx}/payload").json()
    assert shown["encoding"] == "text"
    assert shown["content"].encode() == content
    assert shown["revisions"][0]["size"] == len(content)


@pytest.mark.parametrize(
    ("flow", "content", "content_type", "status", "kind"),
    [
        ("no-such-flow", b"{}", "application/json", 404, "not-found"),
        ("downtime-event", b"{", "application/json", 422, "unreadable-document"),
        ("downtime-event", b"", "application/json", 422, "unreadable-document"),
        ("downtime-event", b"<a>", "application/xml", 422, "unreadable-document"),
        ("downtime-event", b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "application/xml", 422, "unreadable-document"),
        ("downtime-event", b"a,b", "text/csv", 415, "unsupported-media-type"),
        ("downtime-event", b"[" * 100_000, "application/json", 422, "unreadable-document"),
        ("downtime-event", b" " * (11 * 1024 * 1024), "application/json", 413, "too-large"),
    ],
)
def test_documents_that_cannot_be_taken_say_why(api, flow, content, content_type, status, kind) -> None:
    answer = api.post("ingress", params={"flow": flow}, content=content, headers={"Content-Type": content_type})
    assert problem(answer, status, kind)


def test_an_unknown_plant_is_named_with_those_there_are(api) -> None:
    answer = api.post("ingress", params={"flow": "downtime-event", "plant": "P99"}, json={"a": 1})
    assert "P01" in problem(answer, 422, "invalid-request")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"action": "replay"},
        {"action": "explode", "reason": "x", "ids": []},
        {"action": "replay", "reason": " ", "ids": ["a"]},
        {"action": "replay", "reason": "x"},
        {"action": "replay", "reason": "x", "ids": ["a"], "filter": "status:failed"},
        {"action": "replay", "reason": "x", "filter": "status:failed", "options": {"speed": 3}},
        {"action": "discard", "reason": "x", "filter": ""},
        {"action": "discard", "reason": "x", "filter": "  "},
        {"action": "hold", "reason": "x"},
        {"action": "hold", "reason": "x", "options": {"target": "NOPE"}},
        {"action": "replay", "reason": "x", "ids": [], "options": {"target": "ERP"}},
    ],
)
def test_plans_that_cannot_be_made_say_why(api, body) -> None:
    assert problem(api.post("plans", json=body), 422, "invalid-request")


def test_a_body_that_is_no_json_is_told_so(api) -> None:
    problem(api.post("plans", content=b"{", headers={"Content-Type": "application/json"}), 422, "invalid-request")
    problem(api.post("plans", content=b"a=1", headers={"Content-Type": "text/plain"}), 415, "unsupported-media-type")


def test_a_plan_runs_once(api) -> None:
    plan = api.post("plans", json={"action": "replay", "reason": "nothing", "filter": "status:compensated"})
    assert plan.status_code == 201
    digest = plan.json()["hash"]
    assert plan.headers["location"] == f"/admin/v1/plans/{digest}"
    assert api.get(f"plans/{digest[:16]}").json()["hash"] == digest
    assert api.post(f"plans/{digest}/run").status_code == 202
    detail = problem(api.post(f"plans/{digest}/run"), 412, "stale")
    assert "run already" in detail


def test_the_landscape_is_whole(api) -> None:
    assert len({item["name"] for item in api.get("systems").json()["items"]}) == 14
    assert len(api.get("flows").json()["items"]) == 16
    assert [item["name"] for item in api.get("plants").json()["items"]] == ["P01", "P02", "P03"]
    board = api.get("board").json()
    assert set(board["counts"]) >= {"failed", "processed", "in-doubt"}
    assert api.get("whoami").json()["roles"] == ["admin"]
    assert api.get("status").json()["simulate"] is True


def test_the_openapi_document_names_what_is_served(api) -> None:
    document = api.get("openapi.json").json()
    assert "/admin/v1/transactions/{id}" in document["paths"]
    assert "Transaction" in document["components"]["schemas"]
    json.dumps(document)


def test_events_follow_and_resume_without_a_gap(api) -> None:
    ids = []
    with api.stream("GET", "events") as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith(": connected")
        sent = {item["id"] for item in send(api, movement()).json()["items"]}
        seen: set[str] = set()
        for line in lines:
            if line.startswith("id: "):
                ids.append(int(line[4:]))
            elif line.startswith("data: "):
                seen.add(json.loads(line[6:])["id"])
                if sent <= seen:
                    break
    with api.stream("GET", "events", headers={"Last-Event-ID": str(ids[0])}) as stream:
        for line in stream.iter_lines():
            if line.startswith("id: "):
                assert int(line[4:]) == ids[0] + 1
                break
    problem(api.get("events", headers={"Last-Event-ID": "x"}), 422, "invalid-request")


def test_responses_carry_security_headers(api) -> None:
    response = api.get("whoami")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"


def test_a_reply_is_taken_from_the_target_and_checked(api, hub) -> None:
    base, headers = hub.url, {"Authorization": f"Bearer {hub.token}"}
    unknown = httpx.post(
        f"{base}/ingress/replies/ERP", json={"key": "never-sent", "status": "applied"}, headers=headers
    )
    problem(unknown, 404, "not-found")
    wrong = httpx.post(f"{base}/ingress/replies/ERP", json={"key": "x", "status": "done"}, headers=headers)
    problem(wrong, 422, "invalid-request")
    problem(httpx.post(f"{base}/ingress/replies/ERP", json={}), 401, "unauthenticated")
