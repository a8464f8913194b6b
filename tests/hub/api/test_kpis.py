"""Key figures over HTTP: of what really happened, within reach, and never zero where nobody knows."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from aiohttp import web

from hub.api.access import Principal
from hub.kpis.reconciled import remember_results
from transactions.kpis.definitions import DEFINITIONS
from transactions.kpis.model import Reconciled
from transactions.kpis.windows import week_of
from transactions.people import Limits, Role


async def rejected(_request: web.Request, _body: bytes) -> web.StreamResponse:
    return web.json_response({"code": "M3351", "message": "Material 4711 not maintained"}, status=422)


async def figures(local: Any, token: str = "admin-token", **params: str) -> dict[str, Any]:
    answer = await local.client.get("kpis", params=params, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    return {item["name"]: item for item in answer.json()["items"]}


async def a_night(local: Any, target: Any) -> str:
    """Two documents are posted, one fails and is replayed, one fails and stays; returns that one."""
    for number in range(2):
        assert (await local.settled(await local.send(event=f"good-{number}")))["status"] == "processed"
    usual, target.deliver = target.deliver, rejected
    first, second = await local.send(event="bad-1"), await local.send(event="bad-2")
    assert (await local.settled(first))["status"] == (await local.settled(second))["status"] == "failed"
    target.deliver = usual
    await local.run(await local.plan("replay", first))
    assert (await local.settled(first))["status"] == "processed"
    return second


async def test_what_happened_is_what_the_figures_say(local, target) -> None:
    await a_night(local, target)
    found = await figures(local, window="1h")
    assert list(found) == [definition.name for definition in DEFINITIONS]
    told = {name: (item["value"], item["count"], item["of"]) for name, item in found.items()}
    assert told["synchronisation-completeness"] == (75.0, 3, 4)
    assert told["failed-rate"] == (40.0, 2, 5)
    assert told["first-pass-success"] == (50.0, 2, 4)
    assert told["replay-volume"] == (1.0, 1, None)
    assert told["replay-success"] == (100.0, 1, 1)
    assert told["manual-touches"] == (250.0, 1, 4)
    assert told["exception-ageing"] == (0.0, 0, 1)
    assert [part["count"] for part in found["exception-ageing"]["parts"]] == [1, 0, 0, 0, 0]
    assert found["posting-latency-p50"]["value"] > 0
    assert found["posting-latency-p95"]["count"] == 3
    assert found["mean-time-to-resolve"]["count"] == 1
    assert found["throughput"]["plants"][0]["name"] == "P01"
    assert [part["name"] for part in found["failed-rate"]["flows"]] == ["report"]
    assert found["on-time"]["value"] is None  # nothing fell due yet
    assert sum(value or 0 for value in found["throughput"]["trend"]) > 0
    assert found["failed-rate"]["met"] is False
    assert found["first-pass-success"]["before"] is None


async def test_the_filter_behind_a_figure_finds_what_it_counts(local, target) -> None:
    left = await a_night(local, target)
    found = await figures(local, window="1h", plant="P01", flow="report")
    for name, item in found.items():
        if item["filter"] is not None:
            answer = await local.get("transactions", params={"filter": item["filter"]})
            assert answer.status_code == 200, (name, answer.text)
    listed = await local.get("transactions", params={"filter": found["failed-rate"]["filter"]})
    assert [tx["id"] for tx in listed.json()["items"]] == [left]
    waiting = await local.get("transactions", params={"filter": found["synchronisation-completeness"]["filter"]})
    assert [tx["id"] for tx in waiting.json()["items"]] == [left]


async def test_what_systems_said_is_unknown_until_somebody_asks_them_and_then_dated(local) -> None:
    names = ("order-status-alignment", "inventory-variance", "reconciliation-backlog")
    found = await figures(local)
    for name in names:
        assert found[name]["value"] is None
        assert found[name]["met"] is None
        assert "nobody reconciled" in found[name]["note"]
    at = datetime.now(UTC)
    for kind, compared, differing in (("orders", 200, 1), ("inventory", 50, 5)):
        result = Reconciled(
            kind=kind,
            plant="P01",
            at=at,
            as_of=at,
            compared=compared,
            differences=differing,
            unexplained=1,
            complete=True,
        )
        older = Reconciled(
            kind=kind, plant="P01", at=at - timedelta(hours=1), as_of=at, compared=1, differences=1, unexplained=0,
            complete=False,
        )  # fmt: skip
        await local.hub.database.write(lambda c, r=result, o=older: remember_results(c, [r, o]))
    found = await figures(local)
    assert [(found[name]["value"], found[name]["met"]) for name in names] == [(99.5, True), (10.0, False), (6.0, False)]
    assert datetime.fromisoformat(found["inventory-variance"]["as_of"]) == at
    assert (await figures(local, plant="P02"))["inventory-variance"]["value"] is None


async def test_nobody_is_told_of_what_is_beyond_reach(local, target) -> None:
    await a_night(local, target)
    at = datetime.now(UTC)
    result = Reconciled(
        kind="orders", plant="P01", at=at, as_of=at, compared=9, differences=0, unexplained=0, complete=True
    )
    await local.hub.database.write(lambda c: remember_results(c, [result]))
    for token, limits in (("p2", Limits(plants=["P02"])), ("notices", Limits(flows=["notice"]))):
        local.hub.access.accept(token, Principal(subject=token, kind="user", roles=(Role.VIEWER,), limits=limits))
        found = await figures(local, token, window="1h")
        assert found["throughput"]["count"] == 0
        assert found["exception-ageing"]["of"] == 0
        assert found["order-status-alignment"]["value"] is None
        assert all(not item["plants"] and not item["flows"] for item in found.values())
    answer = await local.client.get("kpis", params={"plant": "P01"}, headers={"Authorization": "Bearer p2"})
    assert answer.status_code == 404
    assert "There is: P02" in answer.json()["detail"]
    answer = await local.client.get("kpis/slo", params={"flow": "report"}, headers={"Authorization": "Bearer notices"})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"window": "soon"}, "write 1h, 8h"),
        ({"window": "9000d"}, "shorter"),
        ({"window": "1h..2h"}, "earlier moment first"),
        ({"windows": "1h"}, "There is: window, plant, flow"),
    ],
)
async def test_a_window_that_cannot_be_used_says_what_one_looks_like(local, problem, params, words) -> None:
    assert words in problem(await local.get("kpis", params=params), 422, "invalid-request")


@pytest.mark.parametrize("window", ["shift", "1h", "24h", "7d", "90d", "2d..1d", "400d"])
async def test_every_window_is_answered(local, window: str) -> None:
    answer = (await local.get("kpis", params={"window": window})).json()
    begin, until = (datetime.fromisoformat(answer["window"][name]) for name in ("begin", "until"))
    assert begin < until
    assert datetime.fromisoformat(answer["before"]["until"]) == begin
    trends = {len(item["trend"]) for item in answer["items"] if item["trend"]}
    assert len(trends) == 1
    assert 1 <= trends.pop() <= 30


async def test_the_service_levels_of_a_week(local, target, problem) -> None:
    left = (await local.get(f"transactions/{await a_night(local, target)}")).json()
    week = week_of(datetime.fromisoformat(left["failed_at"]))
    this = (await local.get("kpis/slo", params={"week": week})).json()
    assert this["objective"] == 99.0
    report = next(flow for flow in this["flows"] if flow["flow"] == "report")
    assert report["slo_seconds"] == 900.0
    assert [(cause["code"], cause["count"]) for cause in report["causes"]] == [("M3351", 2)]
    whats = [change["what"] for change in this["changes"]]
    assert any("replay of 1: test" in what for what in whats)
    assert any("first failure of report with M3351" in what for what in whats)
    assert (await local.get("kpis/slo", params={"week": "last"})).json()["flows"] == []
    assert "write one like 2026-W47" in problem(
        await local.get("kpis/slo", params={"week": "47"}), 422, "invalid-request"
    )


SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (-?[0-9.e+-]+|\+Inf)')


def read(text: str) -> dict[str, tuple[str, dict[str, float]]]:
    """The families of an exposition: kind, and value by labels; as strict as the format."""
    families: dict[str, tuple[str, dict[str, float]]] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name = line.split()[2]
            assert name not in families
        elif line.startswith("# TYPE "):
            assert line.split()[2] == name
            families[name] = (line.split()[3], {})
        else:
            found = SAMPLE.fullmatch(line)
            assert found is not None, line
            kind, samples = families[name]
            suffix = found[1].removeprefix(name)
            assert suffix in (("_bucket", "_sum", "_count") if kind == "histogram" else ("",))
            key = f"{suffix}{{{found[2] or ''}}}"
            assert key not in samples
            samples[key] = float(found[3])
    return families


async def test_the_metrics_count_on_and_their_histograms_add_up(local, target) -> None:
    await a_night(local, target)
    page = httpx.URL("http://hub/metrics")
    families = read((await local.client.get(page)).text)
    place = '{plant="P01",flow="report",target="ERP"}'
    assert families["andon_received_total"] == ("counter", {place: 4})
    assert families["andon_failed_total"][1][place] == 2
    assert families["andon_replays_posted_total"][1][place] == 1
    kind, posted = families["andon_posting_seconds"]
    assert kind == "histogram"
    assert posted[f"_count{place}"] == 3
    assert posted[f"_sum{place}"] > 0
    buckets = [value for key, value in posted.items() if key.startswith("_bucket")]
    assert buckets == sorted(buckets)
    assert buckets[-1] == 3
    assert families["andon_exceptions"][1]['{plant="P01",flow="report",age="under 1 h"}'] == 1
    before = families["andon_received_total"][1][place]
    await local.settled(await local.send(event="one more"))
    assert read((await local.client.get(page)).text)["andon_received_total"][1][place] == before + 1
