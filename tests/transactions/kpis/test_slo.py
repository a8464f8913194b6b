"""The report of a week: what it says, and that nothing in it can be taken for Markdown that a system wrote."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from transactions.kpis.slo import SloCause, SloChange, SloFlow, SloHour, SloReport, burn, markdown, met

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)


def flow(name: str, owed: int, in_time: int, **more: Any) -> SloFlow:
    told: dict[str, Any] = {
        "flow": name, "slo_seconds": 900.0, "owed": owed, "in_time": in_time, "met": met(owed, in_time), "before": None,
        "burn": burn(owed, in_time, 99.0), "p95": 1.5, "worst": [], "causes": [],
    }  # fmt: skip
    return SloFlow(**{**told, **more})


def report(*flows: SloFlow, **more: Any) -> SloReport:
    told: dict[str, Any] = {
        "week": "2026-W47", "begin": MONDAY, "until": MONDAY + timedelta(days=7), "at": MONDAY + timedelta(days=8),
        "ended": True, "plant": None, "objective": 99.0, "flows": list(flows), "changes": [], "changes_left_out": 0,
        "counted_since": MONDAY - timedelta(days=9),
    }  # fmt: skip
    return SloReport(**{**told, **more})


def test_the_budget_is_what_the_objective_lets_miss() -> None:
    assert burn(1_000, 990, 99.0) == pytest.approx(1.0)
    assert burn(1_000, 970, 99.0) == pytest.approx(3.0)
    assert burn(1_000, 1_000, 99.0) == 0.0
    assert burn(0, 0, 99.0) is None
    assert burn(10, 5, 100.0) is None
    assert met(0, 0) is None
    assert met(10, 11) == 100.0


def test_a_week_in_which_a_flow_missed_its_objective() -> None:
    worst = [SloHour(at=MONDAY + timedelta(hours=3), owed=40, missed=30)]
    cause = SloCause(
        fingerprint="ab" * 16,
        target="ERP",
        kind="period-closed",
        code="M7053",
        template="Posting only in <n>",
        count=31,
    )
    bad = flow("goods-receipt", 400, 360, worst=worst, causes=[cause], before=99.5)
    hold = SloChange(at=MONDAY + timedelta(hours=4), by="ann", what="held ERP: month end")
    text = markdown(report(flow("labor-time", 100, 100), bad, changes=[hold], changes_left_out=3))
    assert text.startswith("# Service levels, week 2026-W47\n")
    assert "92.0 % of 500 transactions were in their target in time." in text
    assert "1 of 2 flows missed the objective: goods-receipt." in text
    assert "| goods-receipt | 15 min | 400 | 360 | 90.0 % | 99.5 % | 1,000 % | 1.5 s |" in text
    assert "- Mon 2026-11-16 03:00: 30 of 40 late" in text
    assert "- 31 times ERP M7053 (period-closed): Posting only in \\<n\\> (group abababababab)" in text
    assert "- Mon 04:00 ann: held ERP: month end" in text
    assert "- and 3 more" in text
    assert "## labor-time" not in text  # nothing to say of it


def test_a_quiet_week_an_unfinished_one_and_one_that_was_not_counted_from_its_beginning() -> None:
    assert "Nothing fell due." in markdown(report())
    assert "met the objective." in markdown(report(flow("labor-time", 5, 5)))
    assert "not over" in markdown(report(ended=False))
    assert "Counted since 2026-11-17 00:00 UTC" in markdown(report(counted_since=MONDAY + timedelta(days=1)))
    assert "of plant P01" in markdown(report(plant="P01"))


def test_what_a_system_wrote_stays_text() -> None:
    words = "a|b `c` <script> [x](http://y)\n# head \x1b[31m *d*"
    cause = SloCause(fingerprint="f", target="E|RP", kind="k", code="c", template=words, count=1)
    text = markdown(report(flow("goods-receipt", 1, 0, causes=[cause])))
    line = next(line for line in text.splitlines() if line.startswith("- 1 times"))
    assert r"a\|b \`c\` \<script\> \[x\](http://y) \# head \[31m \*d\*" in line
    assert "\x1b" not in text
