"""``andon policy impact``: told to people and machines, and as a patch."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from gateway_doubles import state_of
from policies_and_gateway import prepare

from gateway_policies.loading import load
from gateway_policies.planning.usage import Calls, Usage
from gateway_policies.traffic.report import By, SeenCalls, UsageReport, UsageRow

Andon = Callable[..., Any]
GRANT = "consumer.mes-p03.grant.orders.release"
NOW = datetime.now(UTC)


def calls(number: int) -> SeenCalls:
    seen = Calls(
        consumer="mes-p03", api="production-orders", version="v1", operation="POST /{order}/release",
        scope="orders.release", calls=number, last_seen=NOW,
    )  # fmt: skip
    return SeenCalls(usage=Usage(since=NOW - timedelta(days=30), until=NOW, calls=(seen,) if number else ()))


def refused(*rows: UsageRow, left_off: int = 0) -> UsageReport:
    return UsageReport(
        since=NOW, until=NOW, counted_since=NOW, by=[By.CONSUMER], step=60, items=list(rows), left_off=left_off,
        calls=0, refused=0, failed=0, unreadable=0,
    )  # fmt: skip


def row(**more: Any) -> UsageRow:
    told: dict[str, Any] = {
        "consumer": "mes-p03", "client": None, "api": "production-orders", "version": "v1", "operation": "GET /{order}",
        "scope": "orders.read", "outcome": "scope-missing", "calls": 7, "refused": 7, "failed": 0, "last_seen": NOW,
        "trend": [7],
    }  # fmt: skip
    return UsageRow(**{**told, **more})


@pytest.fixture
def gateway(platform: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A hub whose gateway is as the files say, and one of whose grants nobody uses."""
    folder = tmp_path / "work"
    folder.mkdir()
    with monkeypatch.context() as patched:
        prepare(folder, patched)
    monkeypatch.chdir(folder)
    loaded = load(Path("policies"))
    assert loaded.policies is not None
    platform.on("GET", "gateway/state", state_of(dict(loaded.policies.resources)))
    platform.on("GET", "gateway/usage/calls", calls(0))
    platform.on("GET", "gateway/usage", refused())
    return platform


def test_people_read_what_presses(andon: Andon, gateway: Any) -> None:
    gateway.on(
        "GET", "gateway/usage", refused(row(), row(consumer=None, client="who", outcome="unknown-consumer"), left_off=2)
    )
    ran = andon("policy", "impact")
    assert (ran.code, ran.err) == (0, "")
    assert "Grants that nobody used (1)" in ran.out
    assert f"  {GRANT}  since " in ran.out
    assert "Refused calls (2)" in ran.out
    said = "mes-p03 at production-orders v1 GET /{order}: 7 scope-missing (without the scope or without the grant)"
    assert said in ran.out
    assert "consumer.mes-p03.grant.orders.read" in ran.out
    assert "client who at production-orders" in ran.out
    assert "2 kinds of refused calls more" in ran.out
    assert andon("policy", "impact", "--exit-code").code == 10


def test_nothing_to_do(andon: Andon, gateway: Any) -> None:
    gateway.on("GET", "gateway/usage/calls", calls(12))
    ran = andon("policy", "impact", "--exit-code")
    assert ran.code == 0
    assert "✓ Nothing to do." in ran.out


def test_what_nobody_can_say(andon: Andon, gateway: Any) -> None:
    gateway.on("GET", "gateway/usage/calls", SeenCalls(usage=None))
    ran = andon("policy", "impact", "--verbose")
    assert "nothing is known of calls" in ran.out
    assert "Of 1 grants nobody can say whether they are used" in ran.out
    assert f"  {GRANT}" in ran.out


def test_machines_get_all_of_it(andon: Andon, gateway: Any) -> None:
    told = andon("policy", "impact", "-o", "json").json
    assert [each["address"] for each in told["unused"]] == [GRANT]
    assert andon("policy", "impact", "-o", "id").out == f"{GRANT}\n"


def test_the_patch_is_one_that_git_takes(andon: Andon, gateway: Any) -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    ran = andon("policy", "impact", "--patch")
    assert ran.code == 0
    assert "1 grants taken out, 0 last longer. Nothing was written" in ran.err
    subprocess.run(["git", "apply", "--check", "-"], input=ran.out.encode(), check=True)
    subprocess.run(["git", "apply", "-"], input=ran.out.encode(), check=True)
    loaded = load(Path("policies"))
    assert loaded.policies is not None
    assert GRANT not in loaded.policies.resources


def test_nothing_to_patch(andon: Andon, gateway: Any) -> None:
    gateway.on("GET", "gateway/usage/calls", calls(3))
    ran = andon("policy", "impact", "--patch")
    assert (ran.code, ran.out) == (0, "")
    assert "Nothing to change in the files." in ran.err


@pytest.mark.parametrize("extend", ["soon", "", "7"])
def test_a_time_that_is_none(andon: Andon, gateway: Any, extend: str) -> None:
    ran = andon("policy", "impact", "--patch", "--extend", extend)
    assert (ran.code, ran.out) == (2, "")
    assert "--extend" in ran.err


def test_a_folder_that_is_not_there_is_only_needed_for_a_patch(andon: Andon, gateway: Any) -> None:
    assert andon("policy", "impact", "absent").code == 0
    assert andon("policy", "impact", "absent", "--patch").code == 7
