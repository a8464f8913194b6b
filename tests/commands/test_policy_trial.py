"""``andon policy trial``: what the files would refuse of live traffic, counted by the hub's gateway, told and ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway_policies.enforcement import Lost, Trial
from gateway_policies.loading import load
from gateway_policies.planning.usage import Calls, Usage
from gateway_policies.state import GatewayState
from gateway_policies.traffic.report import SeenCalls
from gateway_policies.writing.files import write_texts
from gateway_policies.writing.starting import beginnings

Andon = Callable[..., Any]


def lost(calls: int = 0) -> Lost:
    return Lost(address="consumer.crm.grant.shipments.read", consumer="crm", scope="shipments.read", calls=calls)


def trial(*found: Lost) -> Any:
    return msgspec.to_builtins(Trial(plan="ab" * 32, by="ann", since=datetime.now(UTC), lost=found))


@pytest.fixture
def policies(platform: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The worked example, which is live; in the files a consumer has no grant any more."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "policies"
    write_texts(beginnings(datetime.now(UTC).date(), example=True), folder)
    loaded = load(folder)
    assert loaded.policies is not None
    live = dict(loaded.policies.resources)
    state = GatewayState(
        gateway="plant-gateway",
        revision=3,
        fingerprint="f" * 64,
        live=live,
        owners=dict.fromkeys(live, loaded.policies.name),
        applied=live,
    )
    platform.on("GET", "gateway/state", msgspec.to_builtins(state))
    platform.on("GET", "gateway/usage/calls", SeenCalls(usage=None))
    for method in ("GET", "DELETE"):
        platform.on(method, "gateway/trial", trial(lost(17)))
    platform.on("POST", "gateway/trial", trial(lost()))
    crm = folder / "consumers" / "crm.toml"
    crm.write_text(crm.read_text().partition("[[grant]]")[0])
    return folder


def test_what_would_be_lost_is_counted_and_told(platform: Any, policies: Path, andon: Andon) -> None:
    ran = andon("policy", "trial", "--for", "20ms", "-o", "json")
    assert ran.code == 10, ran.err
    assert ran.json["items"] == [
        {"address": "consumer.crm.grant.shipments.read", "consumer": "crm", "scope": "shipments.read", "calls": 17}
    ]
    assert "17 calls would have been refused" in ran.err
    asked = [each.split("?")[0].rpartition("/")[2] for each in platform.sent("POST")]
    assert asked == ["trial"]
    assert len(platform.sent("DELETE")) == 1


def test_what_is_in_use_is_what_is_tried(platform: Any, policies: Path, andon: Andon) -> None:
    """It blocks a plan, and nothing is in the way of trying it: that is what a trial is for."""
    now = datetime.now(UTC)
    calls = Calls(
        consumer="crm", api="shipment-tracking", version="v1", operation="GET /inquiries/shipments",
        scope="shipments.read", calls=5, last_seen=now,
    )  # fmt: skip
    usage = Usage(since=now - timedelta(days=30), until=now, calls=(calls,))
    platform.on("GET", "gateway/usage/calls", SeenCalls(usage=usage))
    assert "is still used by crm: 5 calls" in andon("policy", "plan").out
    ran = andon("policy", "trial", "--for", "20ms", "-o", "json")
    assert ran.code == 10, ran.err
    assert "17 calls would have been refused" in ran.err


def test_a_table_for_people(policies: Path, andon: Andon) -> None:
    ran = andon("policy", "trial", "--for", "20ms", "-o", "table")
    assert ran.code == 10
    assert "consumer.crm.grant.shipments.read" in ran.out
    assert "17" in ran.out


def test_where_nobody_loses_anything_it_ends_at_once(platform: Any, policies: Path, andon: Andon) -> None:
    for method in ("POST", "DELETE"):
        platform.on(method, "gateway/trial", trial())
    ran = andon("policy", "trial", "--for", "8h")
    assert ran.code == 0, ran.err
    assert "0 calls would have been refused" in ran.err
    assert len(platform.sent("DELETE")) == 1


def test_where_nothing_was_called_it_is_good(platform: Any, policies: Path, andon: Andon) -> None:
    platform.on("DELETE", "gateway/trial", trial(lost(0)))
    ran = andon("policy", "trial", "--for", "20ms", "-o", "json")
    assert (ran.code, json.loads(ran.out)["items"][0]["calls"]) == (0, 0)


@pytest.mark.parametrize("lasts", ["ten minutes", "-5m", ""])
def test_how_long_has_to_be_a_time(platform: Any, policies: Path, andon: Andon, lasts: str) -> None:
    ran = andon("policy", "trial", "--for", lasts)
    assert ran.code == 2
    assert "--for" in ran.err
    assert platform.sent("POST") == []


def test_read_only_tries_nothing(platform: Any, policies: Path, andon: Andon) -> None:
    ran = andon("--read-only", "policy", "trial", "--for", "20ms")
    assert ran.code == 6
    assert platform.sent("POST") == []
