"""andon kpis, over a platform of a few numbers; what they are made of is told elsewhere."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from transactions.errors import Invalid
from transactions.kpis.definitions import DEFINITIONS, Better, Unit
from transactions.kpis.model import Kpi, KpiPart, KpiReport, WindowShown
from transactions.kpis.slo import SloFlow, SloReport

Andon = Callable[..., Any]
AT = datetime(2026, 1, 2, 3, 4, 0, tzinfo=UTC)


def kpi(**more: Any) -> Kpi:
    told: dict[str, Any] = {
        "name": "failed-rate", "title": "Failed rate", "unit": Unit.PERCENT, "better": Better.DOWN, "value": 4.25,
        "count": 17, "of": 400, "before": 1.5, "bar": 2.0, "met": False, "trend": [0.0, 1.0, None, 8.5],
        "plants": [KpiPart(name="P01", value=4.25)],
        "flows": [KpiPart(name="goods-receipt", value=9.0, met=False), KpiPart(name="quality-hold", value=0.0)],
    }  # fmt: skip
    return Kpi(**{**told, **more})


def figures(*items: Kpi, **more: Any) -> KpiReport:
    day = timedelta(days=1)
    told: dict[str, Any] = {
        "items": list(items) or [kpi()], "next_cursor": None, "at": AT, "plant": None, "flow": None,
        "window": WindowShown(label="24h", begin=AT - day, until=AT), "step_seconds": 3_600,
        "before": WindowShown(label="24h before", begin=AT - 2 * day, until=AT - day), "counted_since": AT - 9 * day,
    }  # fmt: skip
    return KpiReport(**{**told, **more})


def week() -> SloReport:
    flow = SloFlow(
        flow="goods-receipt", slo_seconds=900, owed=10, in_time=8, met=80.0, before=None, burn=20.0, p95=2.5,
        worst=[], causes=[],
    )  # fmt: skip
    return SloReport(
        week="2026-W01", begin=AT, until=AT, at=AT, ended=True, plant=None, objective=99.0, flows=[flow], changes=[],
        changes_left_out=0, counted_since=None,
    )  # fmt: skip


@pytest.fixture
def told(platform: Any) -> Any:
    platform.on("GET", "kpis", figures())
    platform.on("GET", "kpis/slo", week())
    return platform


def test_people_read_value_change_trend_and_whether_the_bar_is_met(andon: Andon, told: Any) -> None:
    ran = andon("kpis")
    assert (ran.code, ran.err) == (0, "")
    line = next(line for line in ran.out.splitlines() if line.startswith("Failed rate"))
    assert line.split() == [
        "Failed",
        "rate",
        "4.2",
        "%",
        "+2.8",
        "pt",
        "▁▂·█",
        "≤",
        "2.0",
        "%",
        "■",
        "missed",
        "17",
        "of",
        "400",
    ]
    assert ran.out.startswith("24h  2026-01-01 03:04 to 2026-01-02 03:04Z\n")
    assert "goods-receipt" in ran.out


def test_what_is_asked_goes_to_the_platform(andon: Andon, told: Any) -> None:
    assert andon("kpis", "--window", "8h", "--plant", "P01", "--flow", "goods-receipt").code == 0
    (asked,) = told.asked
    assert (asked.path, asked.params) == ("kpis", {"window": "8h", "plant": "P01", "flow": "goods-receipt"})


def test_machines_get_the_report_and_the_figures_line_by_line(andon: Andon, told: Any) -> None:
    whole = andon("kpis", "-o", "json").json
    assert whole["window"]["label"] == "24h"
    assert whole["items"][0]["value"] == 4.25
    lines = [json.loads(line) for line in andon("kpis", "-o", "jsonl").out.splitlines()]
    assert lines == whole["items"]
    head, row = csv.reader(io.StringIO(andon("kpis", "-o", "csv").out))
    assert dict(zip(head, row, strict=True))["name"] == "failed-rate"
    assert andon("kpis", "-o", "id").out == "failed-rate\n"


def test_what_is_not_known_is_a_dash_and_says_why(andon: Andon, platform: Any) -> None:
    unknown = kpi(
        name="inventory-variance", title="Inventory variance", value=None, count=None, of=None, before=None, met=None,
        trend=[], plants=[], flows=[], note="unknown: nobody reconciled inventory yet",
    )  # fmt: skip
    platform.on("GET", "kpis", figures(unknown, counted_since=AT - timedelta(hours=2)))
    ran = andon("kpis")
    assert next(line for line in ran.out.splitlines() if line.startswith("Inventory")).split()[:3] == [
        "Inventory",
        "variance",
        "-",
    ]
    assert "Inventory variance: unknown: nobody reconciled inventory yet" in ran.out
    assert "counted since 2026-01-02 01:04Z: nothing is known of what was before" in ran.out


def test_the_report_of_a_week_is_markdown_on_stdout_or_in_a_file(andon: Andon, told: Any, tmp_path: Path) -> None:
    ran = andon("kpis", "--report", "slo", "--week", "2026-W01")
    assert ran.code == 0
    assert ran.out.startswith("# Service levels, week 2026-W01\n")
    assert [(asked.path, asked.params) for asked in told.asked] == [("kpis/slo", {"week": "2026-W01"})]
    file = tmp_path / "slo.md"
    written = andon("kpis", "--report", "slo", "--out", str(file), "-o", "json")
    assert written.json == {"file": str(file), "week": "2026-W01", "size": file.stat().st_size}
    assert file.read_text(encoding="utf-8") == ran.out
    assert andon("kpis", "--report", "slo", "-o", "json").json["flows"][0]["burn"] == 20.0
    assert andon("kpis", "--report", "slo", "-o", "id").out == "goods-receipt\n"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (("--week", "2026-W01"), "Add --report slo"),
        (("--out", "x.md"), "Add --report slo"),
        (("--report", "slo", "--window", "1h"), "use --week"),
        (("--report", "shift"), "slo"),
    ],
)
def test_options_that_do_not_go_together_are_a_mistake_of_the_line(
    andon: Andon, told: Any, line: Any, words: str
) -> None:
    ran = andon("kpis", *line)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert told.sent("GET") == []


def test_a_window_that_is_none_is_a_mistake_of_the_line(andon: Andon, platform: Any) -> None:
    def refused(_asked: Any) -> Any:
        raise Invalid("The window cannot be used: 'soon' is not a window: write 1h.")

    platform.on("GET", "kpis", refused)
    ran = andon("kpis", "--window", "soon")
    assert (ran.code, ran.out) == (2, "")
    assert "write 1h" in ran.err


def test_every_definition_is_told_in_its_own_unit() -> None:
    assert {definition.unit for definition in DEFINITIONS} == set(Unit)
