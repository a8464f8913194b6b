"""``andon gateway usage``: calls as people read them and as machines do."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway_policies.traffic.report import By, UsageReport, UsageRow
from transactions.errors import Invalid

Andon = Callable[..., Any]
AT = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)


def row(**more: Any) -> UsageRow:
    told: dict[str, Any] = {
        "consumer": "mes-p03", "client": None, "api": "production-orders", "version": None, "operation": None,
        "scope": None, "outcome": None, "calls": 12_431, "refused": 34, "failed": 2,
        "last_seen": AT - timedelta(minutes=5), "trend": [0, 4, 8],
    }  # fmt: skip
    return UsageRow(**{**told, **more})


def seen(*items: UsageRow, **more: Any) -> UsageReport:
    told: dict[str, Any] = {
        "since": AT - timedelta(days=7), "until": AT, "counted_since": AT - timedelta(days=30),
        "by": [By.CONSUMER, By.API], "step": 3600, "items": list(items), "left_off": 0, "calls": 12_431, "refused": 34,
        "failed": 2, "unreadable": 0,
    }  # fmt: skip
    return UsageReport(**{**told, **more})


def test_people_read_who_called_what_how_often_and_when_last(andon: Andon, platform: Any) -> None:
    stranger = row(consumer=None, client="who-knows", calls=3, refused=3, failed=0)
    nobody = row(consumer=None, api=None, calls=1, refused=1, failed=0)
    platform.on("GET", "gateway/usage", seen(row(), stranger, nobody))
    ran = andon("gateway", "usage")
    assert (ran.code, ran.err) == (0, "")
    head, *_ = ran.out.splitlines()
    assert head == "12,431 calls  34 refused, 2 failed  2025-12-26 03:00 to 2026-01-02 03:00Z"
    lines = [line.split() for line in ran.out.splitlines()]
    assert ["mes-p03", "production-orders", "12,431", "34", "2"] in [line[:5] for line in lines]
    assert "▁▅█" in ran.out
    assert "client who-knows" in ran.out
    assert "(nobody known)" in ran.out
    assert "counted since" not in ran.out


def test_what_is_not_known_is_said(andon: Andon, platform: Any) -> None:
    platform.on("GET", "gateway/usage", seen(counted_since=None, calls=0, refused=0, failed=0))
    ran = andon("gateway", "usage")
    assert "Nothing is known of calls: none were counted yet" in ran.out
    platform.on("GET", "gateway/usage", seen(row(), counted_since=AT - timedelta(days=1), left_off=7, unreadable=4))
    ran = andon("gateway", "usage")
    assert "counted since 2026-01-01 03:00Z: nothing is known of what was before" in ran.out
    assert "7 rows more: give a higher --limit, or ask for less" in ran.out
    assert "4 lines of access logs could not be read, ever" in ran.out


def test_the_question_is_passed_on(andon: Andon, platform: Any) -> None:
    platform.on("GET", "gateway/usage", seen(row(outcome="throttled"), by=[By.OUTCOME]))
    ran = andon(
        "gateway", "usage", "--by", "outcome", "--since", "24h", "--consumer", "mes-p03", "--api", "orders",
        "--api-version", "v1", "--scope", "orders.release", "--outcome", "refused", "--limit", "5",
    )  # fmt: skip
    assert (ran.code, ran.err) == (0, "")
    assert "throttled" in ran.out
    assert platform.asked[-1].params == {
        "by": "outcome", "since": "24h", "consumer": "mes-p03", "api": "orders", "version": "v1",
        "scope": "orders.release", "outcome": "refused", "limit": "5",
    }  # fmt: skip


def test_machines_get_the_report_and_its_rows(andon: Andon, platform: Any) -> None:
    platform.on("GET", "gateway/usage", seen(row(), row(consumer="mes-p01")))
    told = andon("gateway", "usage", "-o", "json").json
    assert (told["calls"], [each["consumer"] for each in told["items"]]) == (12_431, ["mes-p03", "mes-p01"])
    assert andon("gateway", "usage", "-o", "jsonl").out.count("\n") == 2
    rows = list(csv.DictReader(io.StringIO(andon("gateway", "usage", "-o", "csv").out)))
    assert [(each["consumer"], each["calls"]) for each in rows] == [("mes-p03", "12431"), ("mes-p01", "12431")]
    assert andon("gateway", "usage", "-o", "id").out.splitlines()[0] == "mes-p03 production-orders"


@pytest.mark.parametrize(("option", "value"), [("--by", "plant"), ("--since", "never"), ("--outcome", "eaten")])
def test_what_is_wrong_with_the_question_is_wrong_with_the_line(
    andon: Andon, platform: Any, option: str, value: str
) -> None:
    def refuse(_asked: Any) -> Any:
        raise Invalid(f"{value!r} cannot be used.")

    platform.on("GET", "gateway/usage", refuse)
    ran = andon("gateway", "usage", option, value)
    assert (ran.code, ran.out) == (2, "")
    assert f"{value!r} cannot be used." in ran.err


@pytest.mark.parametrize("limit", ["0", "1001", "many"])
def test_a_limit_is_a_number_in_bounds(andon: Andon, limit: str) -> None:
    assert andon("gateway", "usage", "--limit", limit).code == 2
