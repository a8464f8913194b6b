"""Requests that no client of ours makes: what they may not do to the hub."""

from __future__ import annotations

import json
import time
import uuid

import httpx
import pytest


@pytest.fixture
def api(hub):
    with httpx.Client(
        base_url=f"{hub.url}/admin/v1/", headers={"Authorization": f"Bearer {hub.token}"}, timeout=40
    ) as client:
        yield client


@pytest.mark.parametrize(
    "headers",
    [
        {"ce-note": "a\x01b"},
        {"ce-note": "a\x7fb"},
        {"ce-correlationid": "\x1b[2J"},
        {"content-type": "application/json; note=\x1b[2J"},
    ],
)
def test_control_characters_in_headers_become_blanks_and_the_document_is_delivered(hub, api, headers) -> None:
    content = json.dumps({"OperationsEvent": {"ID": uuid.uuid4().hex}}).encode()
    answer = httpx.post(
        f"{hub.url}/ingress/downtime-event?plant=P01",
        content=content,
        headers={"Authorization": f"Bearer {hub.token}", "Content-Type": "application/json", **headers},
    )
    assert answer.status_code == 202, answer.text
    tx = answer.json()["items"][0]["id"]
    end = time.monotonic() + 20
    while (found := api.get(f"transactions/{tx}").json())["status"] in ("pending", "delivering", "retrying", "sent"):
        assert time.monotonic() < end, found
        time.sleep(0.05)  # no event reaches a client that asks; a deadline bounds it
    assert not any(ord(char) < 32 or ord(char) == 127 for char in found["correlation_id"] + found["content_type"])


def test_the_head_of_the_stream_ends(api) -> None:
    answer = api.head("events", timeout=5)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize(
    "options",
    [
        {"rate": 0},
        {"rate": -1},
        {"rate": 1e-300},
        {"drain_rate": -5},
        {"concurrency": 0},
        {"concurrency": -3},
        {"concurrency": 10**18},
        {"canary": -1},
        {"canary": 10**30},
        {"stop_after_failures": 0},
    ],
)
def test_a_pace_that_is_none_is_refused_when_the_plan_is_made(api, options) -> None:
    body = {"action": "replay", "reason": "test", "filter": "status:failed", "options": options}
    answer = api.post("plans", json=body)
    assert answer.status_code == 422, answer.text
    assert next(iter(options)) in answer.json()["detail"]


def test_an_action_without_what_it_wants_is_named_as_people_write_it(api) -> None:
    answer = api.post("plans", json={"action": "resolve", "reason": "test", "ids": ["x"]})
    assert answer.status_code == 422
    assert "A resolve says what became of it" in answer.json()["detail"]
    assert "Action." not in answer.json()["detail"]
