"""Changes of the gateway before a failure: which have to do with it, and how each is taken back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from gateway_policies.explaining.changes_before import ChangeBefore, change_before, in_words, nearest_first
from gateway_policies.gateway import GatewayRevision
from gateway_policies.model import Api, Operation, Resource, Scope
from gateway_policies.overview.access import Access

FIRST = datetime(2026, 11, 21, 10, tzinfo=UTC)
LIVE: tuple[Resource, ...] = (
    Api(
        name="erp-documents",
        owner="it",
        base_path="/erp",
        upstream="system:ERP",
        throttle="erp-quota",
        operations=(Operation(methods=("POST",), path="/d", scope="erp.deliver"),),
    ),
    Api(name="wms-documents", owner="it", base_path="/wms", upstream="system:WMS", throttle="wms-quota"),
    Scope(name="erp.deliver"),
)
NAMED = ["consumer.mes.grant.orders.release", "api.other.version.v1"]


def revision(
    number: int = 4, minutes: int = 12, reason: str | None = None, policy_set: str = "policies"
) -> GatewayRevision:
    return GatewayRevision(
        number=number,
        at=FIRST - timedelta(minutes=minutes),
        by="ann",
        policy_set=policy_set,
        plan="p",
        fingerprint="f",
        reason=reason,
        added=1,
        changed=0,
        removed=0,
    )


def change(*addresses: str, **told: object) -> ChangeBefore:
    access = Access({each.address: each for each in LIVE}, date(2026, 11, 21))
    return change_before(revision(**told), addresses, FIRST, NAMED, "ERP", access)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("address", "concerns"),
    [
        ("api.erp-documents", True),
        ("api.erp-documents.version.v1", True),
        ("throttle.erp-quota", True),
        ("scope.erp.deliver", True),
        ("consumer.andon-hub.grant.erp.deliver", True),
        ("consumer.andon-hub.grant.erp.*", True),
        ("consumer.andon-hub.grant.*", True),
        ("consumer.mes.grant.orders.release", True),
        ("consumer.mes.grant.orders.*", True),
        ("consumer.mes", True),
        ("api.other.version.v1", True),
        ("api.other", True),
        ("consumer.wms.grant.orders.release", False),
        ("consumer.mes.grant.orders.read", False),
        ("api.wms-documents", False),
        ("throttle.wms-quota", False),
        ("scope.orders.read", False),
        ("consumer.mess", False),
    ],
)
def test_what_has_to_do_with_it(address: str, concerns: bool) -> None:
    assert change(address).concerns == ([address] if concerns else [])


def test_the_inverse_goes_back_to_the_one_before() -> None:
    assert change().undo == "andon policy rollback 3 --dry-run"
    assert change(number=1, policy_set="plant-3").undo == "andon policy rollback 0 --set plant-3 --dry-run"


def test_in_words() -> None:
    told = change("api.erp-documents", "throttle.wms-quota", reason="tidied up")
    assert in_words(told) == "revision 4, 12 min before, by ann (tidied up): api.erp-documents"
    assert in_words(change(minutes=0)) == "revision 4, 0 s before, by ann"
    assert in_words(change(minutes=150)) == "revision 4, 2 h before, by ann"


def test_those_that_have_to_do_with_it_come_first_and_then_the_newest() -> None:
    far, near, other = (
        change("api.erp-documents", number=2, minutes=90),
        change("scope.erp.deliver"),
        change("scope.x", minutes=1),
    )
    assert nearest_first([other, far, near]) == [near, far, other]


def test_of_very_many_the_first_few_are_named() -> None:
    many = [f"consumer.c{n:03}.grant.erp.deliver" for n in range(50)]
    assert change(*many).concerns == many[:8]
