"""Usage over the API: what is asked, and what is no question."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from access_log import BEGIN, lines

from gateway_policies.traffic.report import SeenCalls, UsageReport
from transactions.people import Limits, Principal, Role


async def count(local: Any, *content: bytes) -> None:
    """Have the hub count a log."""
    local.hub.usage.log.folder.mkdir(parents=True, exist_ok=True)
    with local.hub.usage.log.current.open("ab") as file:
        file.write(b"".join(content))
    await local.hub.usage.catch_up()


def recent() -> float:
    """Seconds from the log's own beginning to a minute ago."""
    return (datetime.now(UTC) - timedelta(minutes=1) - BEGIN).total_seconds()


async def test_a_hub_that_has_seen_nothing_says_so(local: Any) -> None:
    found = msgspec.json.decode((await local.get("gateway/usage")).content, type=UsageReport)
    assert (found.counted_since, found.items) == (None, [])
    seen = msgspec.json.decode((await local.get("gateway/usage/calls")).content, type=SeenCalls)
    assert seen.usage is None


async def test_calls_are_told(local: Any) -> None:
    await count(local, lines(4, begin=recent(), every=0.1), lines(2, begin=recent(), refused="throttled", status=429))
    answer = await local.get("gateway/usage", params={"by": "api,outcome", "since": "1h", "api": "production-orders"})
    found = msgspec.json.decode(answer.content, type=UsageReport)
    assert {(each.api, each.outcome): each.calls for each in found.items} == {
        ("production-orders", "ok"): 4,
        ("production-orders", "throttled"): 2,
    }
    only = await local.get("gateway/usage", params={"outcome": "refused", "since": "2h"})
    assert only.json()["calls"] == 2
    seen = msgspec.json.decode((await local.get("gateway/usage/calls")).content, type=SeenCalls)
    assert seen.usage is not None
    assert seen.usage.measured == ("production-orders",)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"by": "plant"}, "'plant' is none of consumer, api"),
        ({"since": "yesterday"}, "The time cannot be used"),
        ({"since": "900d"}, "longer than 400 days"),
        ({"outcome": "eaten"}, "There is no outcome 'eaten'. There is: ok,"),
        ({"limit": "0"}, "limit"),
        ({"who": "me"}, "There is no parameter 'who'"),
        ({"api": ""}, "api"),
    ],
)
async def test_what_is_no_question(local: Any, problem: Any, more: dict[str, str], said: str) -> None:
    assert said in problem(await local.get("gateway/usage", params=more), 422, "invalid-request")


async def test_whoever_may_see_a_part_of_the_hub_does_not_see_its_gateway(local: Any, problem: Any) -> None:
    limited = Principal(subject="pia", kind="user", roles=(Role.VIEWER,), limits=Limits(plants=["P01"]))
    local.hub.access.accept("limited-token", limited)
    for path in ("gateway/usage", "gateway/usage/calls"):
        answer = await local.get(path, headers={"Authorization": "Bearer limited-token"})
        problem(answer, 403, "forbidden")


async def test_metrics_have_the_calls(local: Any) -> None:
    await count(local, lines(3))
    answer = await local.client.get("http://hub/metrics")
    assert 'andon_gateway_requests_total{api="production-orders",outcome="ok"} 3' in answer.text
    assert "andon_gateway_log_behind_bytes 0" in answer.text
