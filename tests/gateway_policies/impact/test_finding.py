"""What the traffic says of the policies: unused, refused, leaving, ending; and what cannot be known."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from gateway_doubles import NOW, state_of
from plant_doubles import GRANT3, MES3, V1, plant, usage

from gateway_policies.impact.finding import impact_of
from gateway_policies.impact.model import ImpactReport, What
from gateway_policies.model import Credential, Grant, Lifecycle, Resource
from gateway_policies.planning.usage import Calls, Usage
from gateway_policies.traffic.report import UsageRow

TODAY = NOW.date()
READ1, READ3 = "consumer.mes-p01.grant.orders.read", "consumer.mes-p03.grant.orders.read"


def found(live: dict[str, Resource] | None = None, seen: Usage | None = usage(), **more: Any) -> ImpactReport:  # noqa: B008
    refused = more.pop("refused", [])
    return impact_of(state_of(live or plant()), seen, refused, today=TODAY, **more)


def without_ends() -> dict[str, Resource]:
    live = plant()
    for address in (MES3, "consumer.mes-p01"):
        live[address] = msgspec.structs.replace(live[address], credential=None)
    live[GRANT3] = msgspec.structs.replace(live[GRANT3], expires_on=None)
    return live


def call(scope: str, consumer: str = "mes-p03") -> Calls:
    return Calls(
        consumer=consumer, api="production-orders", version="v2", operation="GET /{order}", scope=scope, calls=3,
        last_seen=NOW,
    )  # fmt: skip


def only(*calls: Calls) -> Usage:
    return Usage(since=NOW - timedelta(days=30), until=NOW, calls=calls)


def test_grants_that_nobody_used_with_since_when_that_is_known() -> None:
    report = found()
    assert [each.address for each in report.unused] == [READ1, READ3]
    assert {each.since for each in report.unused} == {NOW - timedelta(days=7)}
    assert (report.unknown, report.since, report.until) == ((), NOW - timedelta(days=7), NOW)


def test_without_counts_nobody_can_say() -> None:
    report = found(seen=None)
    assert (report.unused, report.leaving, report.since) == ((), (), None)
    assert report.unknown == (READ1, READ3, GRANT3)


def test_of_an_api_that_was_not_counted_nobody_can_say() -> None:
    assert found(seen=usage(measured=("stock",))).unknown == (READ1, READ3)


def test_a_wildcard_is_used_by_whatever_it_has_in_it() -> None:
    live = {**plant(), "consumer.mes-p01.grant.orders.*": Grant(consumer="mes-p01", scope="orders.*")}
    assert "consumer.mes-p01.grant.orders.*" in {each.address for each in found(live).unused}
    used = only(call("orders.read", "mes-p01"))
    assert "consumer.mes-p01.grant.orders.*" not in {each.address for each in found(live, used).unused}
    unknown = found(live, usage(measured=("stock",))).unknown
    assert "consumer.mes-p01.grant.orders.*" in unknown


def test_grants_that_have_ended_are_told_as_that_and_not_as_unused() -> None:
    live = without_ends()
    live[READ1] = msgspec.structs.replace(live[READ1], expires_on=TODAY - timedelta(days=3))
    report = found(live)
    assert READ1 not in {each.address for each in report.unused}
    (ending,) = report.ending
    assert (ending.address, ending.days, ending.within, ending.calls) == (READ1, -3, 0, 0)


@pytest.mark.parametrize(
    ("days", "within"), [(-1, 0), (0, 1), (1, 1), (2, 7), (7, 7), (8, 30), (30, 30), (31, None), (365, None)]
)
@pytest.mark.parametrize("what", list(What))
def test_what_ends_within_thirty_seven_and_one_days(what: What, days: int, within: int | None) -> None:
    live, last = without_ends(), TODAY + timedelta(days=days)
    if what is What.GRANT:
        live[GRANT3] = msgspec.structs.replace(live[GRANT3], expires_on=last)
    else:
        known = Credential(issuer="plant-idp", client_id="mes-p03", expires_on=last)
        live[MES3] = msgspec.structs.replace(live[MES3], credential=known)
    told = found(live).ending
    if within is None:
        assert told == ()
        return
    (ending,) = told
    assert (ending.what, ending.days, ending.within, ending.expires_on) == (what, days, within, last)
    assert (ending.consumer, ending.calls, ending.last_seen) == ("mes-p03", 12_431, NOW - timedelta(days=1))
    assert ending.scope == ("orders.release" if what is What.GRANT else None)


def test_the_use_of_what_ends_is_unknown_where_nothing_was_counted() -> None:
    live = without_ends()
    live[GRANT3] = msgspec.structs.replace(live[GRANT3], expires_on=TODAY)
    (ending,) = found(live, None).ending
    assert (ending.calls, ending.last_seen) == (None, None)


def test_versions_that_go_and_are_still_called() -> None:
    live = plant()
    live[V1] = msgspec.structs.replace(live[V1], sunset_on=TODAY + timedelta(days=40))
    (leaving,) = found(live).leaving
    assert (leaving.address, leaving.lifecycle, leaving.days, leaving.successor) == (V1, "deprecated", 40, "v2")
    assert (leaving.calls, [each.consumer for each in leaving.callers]) == (12_431, ["mes-p03"])
    live[V1] = msgspec.structs.replace(live[V1], lifecycle=Lifecycle.ACTIVE)
    assert found(live).leaving == ()
    assert found(seen=only()).leaving == ()


def row(outcome: str, **more: Any) -> UsageRow:
    told: dict[str, Any] = {
        "consumer": "mes-p03", "client": None, "api": "production-orders", "version": "v1", "operation": "GET /{order}",
        "scope": "orders.read", "calls": 7, "refused": 7, "failed": 0, "last_seen": NOW, "trend": [7],
    }  # fmt: skip
    return UsageRow(outcome=outcome, **{**told, **more})


@pytest.mark.parametrize(
    ("outcome", "policy"),
    [
        ("scope-missing", READ3),
        ("credential-expired", MES3),
        ("throttled", MES3),
        ("version-retired", V1),
        ("brownout", V1),
        ("method-not-allowed", "api.production-orders"),
        ("unauthenticated", None),
        ("unknown-consumer", None),
        ("of-tomorrow", None),
    ],
)
def test_refused_calls_name_the_policy_that_decides(outcome: str, policy: str | None) -> None:
    (denied,) = found(refused=[row(outcome)], left_off=3).denied
    assert denied.policy == policy
    assert denied.meaning
    assert denied.calls == 7


def test_strangers_have_no_policy() -> None:
    (denied,) = found(refused=[row("scope-missing", consumer=None, client="who")]).denied
    assert (denied.policy, denied.client) == (None, "who")


def test_nothing_to_do() -> None:
    live = without_ends()
    live = {each: resource for each, resource in live.items() if each not in (READ1, READ3)}
    live[V1] = msgspec.structs.replace(live[V1], lifecycle=Lifecycle.ACTIVE)
    report = found(live)
    assert report.empty
    assert not found().empty
    assert report.on == date(2026, 11, 21)
    assert datetime(2026, 11, 21, 8, tzinfo=UTC) == NOW
