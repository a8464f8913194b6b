"""Calls in the text format of Prometheus, with a bounded number of series."""

from __future__ import annotations

from collections.abc import Callable

from access_log import line, lines

from gateway_policies.traffic.counting import Tally
from hub.usage.running import MOST_APIS, UsageRunning

Tallied = Callable[..., Tally]


def samples(running: UsageRunning) -> dict[str, str]:
    rows = [row for row in running.exposition(17).splitlines() if not row.startswith("#")]
    return dict(row.rsplit(" ", 1) for row in rows)


def test_calls_by_api_and_outcome_and_never_by_consumer(tallied: Tallied) -> None:
    running = UsageRunning()
    running.add(tallied(lines(3), lines(2, client="mes-p01"), line(refused="throttled"), b"junk\n"))
    running.add(tallied(line(5)))
    assert samples(running) == {
        'andon_gateway_requests_total{api="production-orders",outcome="ok"}': "6",
        'andon_gateway_requests_total{api="production-orders",outcome="throttled"}': "1",
        "andon_gateway_log_unreadable_total": "1",
        "andon_gateway_log_behind_bytes": "17",
    }


def test_however_many_apis_there_are_the_series_are_bounded(tallied: Tallied) -> None:
    running = UsageRunning()
    for number in range(MOST_APIS + 50):
        running.add(tallied(line(api=f"api-{number}")))
    found = samples(running)
    assert len(found) == MOST_APIS + 3
    assert found['andon_gateway_requests_total{api="(others)",outcome="ok"}'] == "50"


def test_calls_that_no_api_has_are_there(tallied: Tallied) -> None:
    running = UsageRunning()
    running.add(tallied(line(api=None, refused="no-such-route")))
    assert 'andon_gateway_requests_total{api="",outcome="no-such-route"}' in samples(running)
