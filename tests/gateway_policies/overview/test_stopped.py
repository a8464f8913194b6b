"""From a refused call to what explains it, and from a policy to the calls that it stops."""

from __future__ import annotations

from datetime import date

import pytest

from gateway_policies.model import Api, Consumer, Credential, Grant, Lifecycle, Operation, Scope, Version, by_address
from gateway_policies.model import Throttle as Bucket
from gateway_policies.overview.access import Access
from gateway_policies.overview.stopped import Call, Found, Page, Stops, explained, page_of, stops

TODAY = date(2026, 11, 20)


def consumer(name: str, system: str | None = None, plant: str | None = None, throttle: str | None = None) -> Consumer:
    return Consumer(
        name=name,
        owner="o",
        system=system,
        plant=plant,
        throttle=throttle,
        credential=Credential(issuer="i", client_id=name),
    )


ACCESS = Access(
    by_address(
        [
            Scope(name="erp.write"),
            Bucket(name="erp-quota", requests=1, per_seconds=1),
            Bucket(name="plant", requests=1, per_seconds=1),
            Api(
                name="erp",
                owner="o",
                base_path="/erp",
                upstream="system:ERP",
                throttle="erp-quota",
                operations=(Operation(methods=("POST",), path="/", scope="erp.write"),),
            ),
            Version(api="erp", name="v0", lifecycle=Lifecycle.RETIRED, sunset_on=date(2026, 5, 1)),
            Version(api="erp", name="v1", lifecycle=Lifecycle.DEPRECATED, sunset_on=date(2026, 12, 1)),
            Version(api="erp", name="v2", lifecycle=Lifecycle.ACTIVE),
            Api(name="wms", owner="o", base_path="/wms", upstream="system:WMS"),
            consumer("hub"),
            consumer("mes-p01", "MES", "P01", "plant"),
            consumer("mes-p02", "MES", "P02"),
            Grant(consumer="hub", scope="erp.write"),
            Grant(consumer="mes-p02", scope="erp.write"),
        ]
    ),
    TODAY,
)


def call(kind: str, policy: str | None = None, *, source: str = "MES", plant: str | None = "P01", target: str = "ERP"):
    return Call(kind=kind, policy=policy, source=source, plant=plant, target=target)


@pytest.mark.parametrize(
    ("refused", "wanted"),
    [
        (call("forbidden", "consumer.x.grant.a.b"), Found(Page.CONSUMERS, "consumer.x.grant.a.b", True)),
        (call("version-retired", "api.x.version.v1"), Found(Page.CALENDAR, "api.x.version.v1", True)),
        (call("throttled", "throttle.x"), Found(Page.THROTTLES, "throttle.x", True)),
        (call("forbidden", "scope.a.b"), Found(Page.CONSUMERS, "scope.a.b", True)),
        # Nobody said which: what fits best.
        (call("version-retired"), Found(Page.CALENDAR, "api.erp.version.v0", False)),
        (call("version-retired", target="WMS"), Found(Page.CALENDAR, None, False)),
        (call("forbidden", plant="P02"), Found(Page.CONSUMERS, "consumer.mes-p02", False)),
        (call("forbidden"), Found(Page.CONSUMERS, "consumer.hub", False)),
        (call("unauthorized", target="WMS"), Found(Page.CONSUMERS, "consumer.mes-p01", False)),
        (call("certificate", source="PLM", target="WMS"), Found(Page.CONSUMERS, None, False)),
        (call("throttled"), Found(Page.THROTTLES, "throttle.erp-quota", False)),
        (call("throttled", target="WMS"), Found(Page.THROTTLES, "throttle.plant", False)),
        (call("throttled", source="PLM", target="WMS"), Found(Page.THROTTLES, None, False)),
        (call("master-data"), None),
        (call("forbidden", "something.else"), None),
    ],
)
def test_what_explains_a_refusal(refused: Call, wanted: Found | None) -> None:
    assert explained(refused, ACCESS) == wanted
    assert (page_of(refused.kind, refused.policy) is None) is (wanted is None)


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("api.erp.version.v0", Stops(("api.erp.version.v0",), ("version-retired",), ("ERP",))),
        ("api.erp.version.v1", Stops(("api.erp.version.v1",), ("version-retired",), ("ERP",))),
        ("api.erp.version.v2", Stops(("api.erp.version.v2",))),
        ("api.none.version.v2", Stops(("api.none.version.v2",))),
        (
            "consumer.mes-p01.grant.erp.write",
            Stops(
                ("consumer.mes-p01.grant.erp.write",),
                ("forbidden", "unauthorized", "certificate"),
                (),
                (("MES", "P01"),),
            ),
        ),
        ("consumer.hub", Stops(("consumer.hub",))),
        ("throttle.erp-quota", Stops(("throttle.erp-quota",), ("throttled",), ("ERP",))),
        ("throttle.plant", Stops(("throttle.plant",))),
        ("scope.erp.write", Stops(("scope.erp.write",))),
    ],
)
def test_what_a_policy_stops(address: str, wanted: Stops) -> None:
    assert stops(address, ACCESS) == wanted
