"""Every rule: a policy that breaks it, and a near one that does not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from gateway_policies.edits import Edit, Remove, SetField
from gateway_policies.linting import lint, rules
from gateway_policies.linting.scene import Scene
from gateway_policies.model import (
    Api,
    Brownout,
    Consumer,
    Credential,
    Grant,
    Issuer,
    Layer,
    Lifecycle,
    Operation,
    PolicySet,
    Resource,
    Risk,
    Scope,
    Severity,
    Suppression,
    Throttle,
    Version,
    by_address,
)
from gateway_policies.places import Nowhere

TODAY = date(2026, 11, 21)
FAR = TODAY + timedelta(days=300)
MORNING = datetime(2027, 2, 1, 6, tzinfo=UTC)


def day(days: int) -> date:
    return TODAY + timedelta(days=days)


API = Api(
    name="production-orders",
    layer=Layer.SYSTEM,
    system="ERP",
    owner="erp-integration",
    base_path="/erp/production-orders",
    upstream="system:ERP",
    throttle="erp-quota",
    operations=(
        Operation(methods=("GET",), path="/{order}", scope="orders.read"),
        Operation(methods=("POST",), path="/{order}/release", scope="orders.release"),
    ),
)
VERSION = Version(api="production-orders", name="v1", lifecycle=Lifecycle.ACTIVE, contract="contracts/v1.json")
OLD = Version(
    api="production-orders",
    name="v1",
    lifecycle=Lifecycle.DEPRECATED,
    deprecated_on=day(-60),
    sunset_on=day(100),
    successor="v2",
    contract="contracts/v1.json",
)
NEW = Version(api="production-orders", name="v2", lifecycle=Lifecycle.ACTIVE, contract="contracts/v2.json")
READ = Scope(name="orders.read", description="Read production orders", risk=Risk.LOW)
RELEASE = Scope(name="orders.release", description="Release production orders", risk=Risk.OPERATIONAL)
STANDARD = Throttle(name="plant-standard", requests=60, per_seconds=60, burst=20)
QUOTA = Throttle(name="erp-quota", requests=600, per_seconds=60)
IDP = Issuer(name="plant-idp", url="https://idp.example/realms/plant", audience="plant-gateway")
MES = Consumer(
    name="mes-p03",
    system="MES",
    plant="P03",
    owner="plant-3-it",
    throttle="plant-standard",
    credential=Credential(issuer="plant-idp", client_id="mes-p03", expires_on=FAR),
)
READS = Grant(consumer="mes-p03", scope="orders.read", reason="shows orders at the line", expires_on=FAR)
RELEASES = Grant(consumer="mes-p03", scope="orders.release", reason="dispatches released orders", expires_on=FAR)
HEALTHY: tuple[Resource, ...] = (API, VERSION, READ, RELEASE, STANDARD, QUOTA, IDP, MES, READS, RELEASES)


def but(resource: Any, **changes: Any) -> Any:
    return msgspec.structs.replace(resource, **changes)


def policies(*changed: Resource, without: Sequence[Resource] = (), **settings: Any) -> PolicySet:
    """A healthy set, in which some resources are others, or come besides, or are not there."""
    resources = by_address([each for each in HEALTHY if each not in without]) | by_address(changed)
    settings.setdefault("lint", {each.id: Severity.WARNING for each in rules() if each.severity is Severity.OFF})
    return PolicySet(gateway="plant-gateway", resources=resources, **settings)


def broken(found: PolicySet, **more: Any) -> list[str]:
    return [f"{each.rule} {each.address}" for each in lint(found, Nowhere(), TODAY, **more)]


def op(methods: str, path: str, scope: str | None = "orders.release", **more: Any) -> Operation:
    return Operation(methods=tuple(methods.split(",")), path=path, scope=scope, **more)


def with_operations(*operations: Operation) -> Api:
    return but(API, operations=(*API.operations, *operations))


FINANCE = Scope(name="ledger.post", description="Post values", risk=Risk.FINANCIAL, owner="finance")
LEDGER = Api(
    name="ledger",
    system="ERP",
    owner="erp-integration",
    base_path="/erp/ledger",
    upstream="system:ERP",
    throttle="erp-quota",
    operations=(Operation(methods=("POST",), path="/postings", scope="ledger.post"),),
)
LEDGER_V1 = Version(api="ledger", name="v1", lifecycle=Lifecycle.ACTIVE, contract="contracts/ledger.json")
POSTS = Grant(consumer="mes-p03", scope="ledger.post", reason="posts consumption", expires_on=FAR)
PROCESS = but(LEDGER, name="postings", layer=Layer.PROCESS, base_path="/process/postings")
PROCESS_V1 = but(LEDGER_V1, api="postings")


def other(name: str, **more: Any) -> list[Resource]:
    """Another consumer, with all that one needs."""
    credential = Credential(issuer="plant-idp", client_id=name, expires_on=FAR)
    said: dict[str, Any] = {"owner": "plant-3-it", "throttle": "plant-standard", "credential": credential}
    consumer = Consumer(name=name, **{**said, **more})
    return [consumer, but(READS, consumer=name)]


def at(**more: Any) -> list[Resource]:
    """A second API."""
    said: dict[str, Any] = {"name": "orders-too", "base_path": "/erp/too"}
    return [but(API, **{**said, **more}), but(VERSION, api=more.get("name", "orders-too"))]


V = "api.production-orders.version"
READS_AT = "consumer.mes-p03.grant.orders.read"
SPAN = Brownout(from_=MORNING, until=MORNING + timedelta(hours=1))

# rule, address, what breaks it, what is near it and does not
CASES: list[tuple[str, str, PolicySet, PolicySet]] = [
    (
        "scope-unused",
        "scope.stock.move",
        policies(but(READ, name="stock.move")),
        policies(but(READ, name="stock.move"), with_operations(op("GET", "/stock", "stock.move"))),
    ),
    (
        "scope-ungranted",
        "scope.orders.release",
        policies(without=[RELEASES]),
        policies(but(RELEASES, scope="orders.*"), without=[RELEASES]),
    ),
    (
        "scope-description",
        "scope.orders.read",
        policies(but(READ, description=" ")),
        policies(but(READ, description="Read")),
    ),
    (
        "scope-risk",
        "scope.orders.read",
        policies(with_operations(op("DELETE", "/{order}", "orders.read"))),
        policies(with_operations(op("DELETE", "/{order}", "orders.release"))),
    ),
    (
        "operation-without-scope",
        "api.production-orders",
        policies(with_operations(op("POST", "/", None))),
        policies(with_operations(op("OPTIONS", "/", None))),
    ),
    (
        "read-without-scope",
        "api.production-orders",
        policies(with_operations(op("GET", "/health", None))),
        policies(with_operations(op("GET", "/health", "orders.read"))),
    ),
    (
        "grant-wildcard",
        "consumer.mes-p03.grant.orders.*",
        policies(but(READS, scope="orders.*"), without=[READS, RELEASES]),
        policies(),
    ),
    (
        "grant-redundant",
        READS_AT,
        policies(but(READS, scope="orders.*")),
        policies(but(READS, scope="stock.*"), but(READ, name="stock.read")),
    ),
    ("grant-expired", READS_AT, policies(but(READS, expires_on=day(-1))), policies(but(READS, expires_on=day(0)))),
    ("grant-expiring", READS_AT, policies(but(READS, expires_on=day(30))), policies(but(READS, expires_on=day(31)))),
    ("grant-expiring", READS_AT, policies(but(READS, expires_on=day(0))), policies(but(READS, expires_on=day(-1)))),
    ("grant-reason", READS_AT, policies(but(READS, reason=" ")), policies(but(READS, reason="reads"))),
    (
        "grant-reason-high-risk",
        "consumer.mes-p03.grant.orders.release",
        policies(but(RELEASE, risk=Risk.QUALITY), but(RELEASES, reason="")),
        policies(but(RELEASES, reason="")),
    ),
    (
        "grant-no-end",
        "consumer.mes-p03.grant.orders.release",
        policies(but(RELEASE, risk=Risk.QUALITY), but(RELEASES, expires_on=None)),
        policies(but(RELEASES, expires_on=None)),
    ),
    (
        "grant-retired",
        READS_AT,
        policies(but(VERSION, lifecycle=Lifecycle.RETIRED)),
        policies(but(VERSION, lifecycle=Lifecycle.RETIRED), NEW),
    ),
    (
        "grant-layer",
        "consumer.mes-p03.grant.ledger.post",
        policies(FINANCE, LEDGER, LEDGER_V1, POSTS),
        policies(FINANCE, PROCESS, PROCESS_V1, POSTS),
    ),
    (
        "grant-layer",
        "consumer.mes-p03.grant.ledger.post",
        policies(but(MES, system=None), FINANCE, LEDGER, LEDGER_V1, POSTS),
        policies(but(MES, system="ERP", name="erp"), FINANCE, LEDGER, LEDGER_V1, but(POSTS, consumer="erp")),
    ),
    (
        "grant-layer",
        "consumer.mes-p03.grant.ledger.post",
        policies(FINANCE, but(LEDGER, system=None), LEDGER_V1, POSTS),
        policies(FINANCE, but(LEDGER, operations=(op("GET", "/postings", "ledger.post"),)), LEDGER_V1, POSTS),
    ),
    (
        "grant-outside",
        "consumer.portal.grant.orders.read",
        policies(*other("portal", system="supplier-portal")),
        policies(*other("portal", system="CRM")),
    ),
    (
        "grant-reader",
        "consumer.lake.grant.orders.release",
        policies(*other("lake", system="analytics"), but(RELEASES, consumer="lake")),
        policies(*other("lake", system="analytics")),
    ),
    (
        "credential-expired",
        "consumer.mes-p03",
        policies(but(MES, credential=but(MES.credential, expires_on=day(-1)))),
        policies(but(MES, credential=but(MES.credential, expires_on=day(0)))),
    ),
    (
        "credential-expiring",
        "consumer.mes-p03",
        policies(but(MES, credential=but(MES.credential, expires_on=day(30)))),
        policies(but(MES, credential=but(MES.credential, expires_on=day(31)))),
    ),
    (
        "credential-no-end",
        "consumer.mes-p03",
        policies(but(MES, credential=but(MES.credential, expires_on=None))),
        policies(but(MES, credential=None)),
    ),
    (
        "consumer-no-credential",
        "consumer.mes-p03",
        policies(but(MES, credential=None)),
        policies(but(MES, credential=None), without=[READS, RELEASES]),
    ),
    ("consumer-idle", "consumer.mes-p03", policies(without=[READS, RELEASES]), policies(without=[READS])),
    (
        "issuer-unencrypted",
        "issuer.plant-idp",
        policies(but(IDP, url="http://idp.example")),
        policies(but(IDP, url="http://localhost:8080/realms/plant")),
    ),
    ("issuer-audience", "issuer.plant-idp", policies(but(IDP, audience=None)), policies()),
    (
        "issuer-unused",
        "issuer.other-idp",
        policies(but(IDP, name="other-idp")),
        policies(
            but(IDP, name="other-idp"), but(MES, credential=but(MES.credential, issuer="other-idp")), without=[IDP]
        ),
    ),
    (
        "upstream-unencrypted",
        "api.production-orders",
        policies(but(API, upstream="http://erp.example/orders")),
        policies(but(API, upstream="http://127.0.0.1:9/orders")),
    ),
    (
        "version-no-contract",
        f"{V}.v1",
        policies(but(VERSION, contract=None)),
        policies(but(VERSION, contract=None, lifecycle=Lifecycle.DRAFT)),
    ),
    ("deprecated-no-date", f"{V}.v1", policies(but(OLD, deprecated_on=None), NEW), policies(OLD, NEW)),
    ("deprecated-no-sunset", f"{V}.v1", policies(but(OLD, sunset_on=None), NEW), policies(OLD, NEW)),
    (
        "sunset-before-deprecation",
        f"{V}.v1",
        policies(but(OLD, deprecated_on=day(9), sunset_on=day(8)), NEW),
        policies(but(OLD, deprecated_on=day(9), sunset_on=day(9)), NEW),
    ),
    (
        "sunset-too-soon",
        f"{V}.v1",
        policies(but(OLD, sunset_on=day(29)), NEW),
        policies(but(OLD, sunset_on=day(30)), NEW),
    ),
    (
        "sunset-passed",
        f"{V}.v1",
        policies(but(OLD, deprecated_on=day(-200), sunset_on=day(-1)), NEW),
        policies(but(OLD, deprecated_on=day(-200), sunset_on=day(0)), NEW),
    ),
    (
        "retired-early",
        f"{V}.v1",
        policies(but(OLD, lifecycle=Lifecycle.RETIRED, sunset_on=day(1)), NEW),
        policies(but(OLD, lifecycle=Lifecycle.RETIRED, sunset_on=day(0)), NEW),
    ),
    (
        "deprecation-due",
        f"{V}.v1",
        policies(but(VERSION, deprecated_on=day(-1))),
        policies(but(VERSION, deprecated_on=day(0))),
    ),
    (
        "brownout-outside",
        f"{V}.v1",
        policies(but(OLD, deprecated_on=date(2027, 2, 2), sunset_on=date(2027, 9, 1), brownouts=(SPAN,)), NEW),
        policies(but(OLD, deprecated_on=date(2027, 2, 1), sunset_on=date(2027, 9, 1), brownouts=(SPAN,)), NEW),
    ),
    (
        "brownout-outside",
        f"{V}.v1",
        policies(but(OLD, sunset_on=date(2027, 2, 1), brownouts=(SPAN,)), NEW),
        policies(but(OLD, sunset_on=date(2027, 2, 2), brownouts=(SPAN,)), NEW),
    ),
    (
        "brownout-outside",
        f"{V}.v1",
        policies(but(VERSION, brownouts=(SPAN,))),
        policies(but(OLD, deprecated_on=None, brownouts=(SPAN,)), NEW),
    ),
    (
        "brownout-without-effect",
        f"{V}.v1",
        policies(but(OLD, lifecycle=Lifecycle.RETIRED, sunset_on=day(-1), brownouts=(SPAN,)), NEW),
        policies(but(OLD, lifecycle=Lifecycle.BROWNOUT, brownouts=(SPAN,)), NEW),
    ),
    (
        "brownout-overlap",
        f"{V}.v1",
        policies(but(OLD, brownouts=(SPAN, but(SPAN, from_=SPAN.until - timedelta(minutes=1), until=SPAN.until)))),
        policies(but(OLD, brownouts=(SPAN, but(SPAN, from_=SPAN.until, until=SPAN.until + timedelta(hours=1))))),
    ),
    (
        "version-empty",
        f"{V}.v2",
        policies(but(API, operations=tuple(but(each, versions=("v1",)) for each in API.operations)), NEW),
        policies(NEW),
    ),
    ("api-no-version", "api.production-orders", policies(without=[VERSION]), policies()),
    ("successor-missing", f"{V}.v1", policies(but(OLD, successor=None), NEW), policies(OLD, NEW)),
    ("successor-of-active", f"{V}.v1", policies(NEW), policies(but(VERSION, successor="v2"), NEW)),
    ("successor-of-active", f"{V}.v1", policies(NEW), policies(but(VERSION, name="v2-1"), NEW, without=[VERSION])),
    (
        "successor-gone",
        f"{V}.v1",
        policies(OLD, but(NEW, lifecycle=Lifecycle.RETIRED)),
        policies(but(OLD, lifecycle=Lifecycle.RETIRED, sunset_on=None), but(NEW, lifecycle=Lifecycle.RETIRED)),
    ),
    (
        "successor-unready",
        f"{V}.v1",
        policies(OLD, but(NEW, lifecycle=Lifecycle.DRAFT)),
        policies(but(VERSION, successor="v2"), but(NEW, lifecycle=Lifecycle.DRAFT)),
    ),
    (
        "successor-circle",
        f"{V}.v1",
        policies(but(VERSION, successor="v2"), but(NEW, successor="v1")),
        policies(but(VERSION, successor="v2"), but(NEW, successor="v3"), but(NEW, name="v3")),
    ),
    (
        "throttle-burst",
        "throttle.plant-standard",
        policies(but(STANDARD, burst=61)),
        policies(but(STANDARD, burst=60)),
    ),
    (
        "throttle-quota",
        "throttle.plant-standard",
        policies(but(STANDARD, quota=19, quota_per_seconds=86_400)),
        policies(but(STANDARD, quota=20, quota_per_seconds=86_400)),
    ),
    (
        "throttle-quota",
        "throttle.plant-standard",
        policies(but(STANDARD, quota=86_421, quota_per_seconds=86_400)),
        policies(but(STANDARD, quota=86_420, quota_per_seconds=86_400)),
    ),
    (
        "throttle-above-api",
        "consumer.mes-p03",
        policies(but(QUOTA, requests=59)),
        policies(but(QUOTA, requests=60)),
    ),
    (
        "throttle-above-api",
        "consumer.mes-p03",
        policies(
            but(STANDARD, quota=1_001, quota_per_seconds=3_600), but(QUOTA, quota=24_000, quota_per_seconds=86_400)
        ),
        policies(
            but(STANDARD, quota=1_000, quota_per_seconds=3_600), but(QUOTA, quota=24_000, quota_per_seconds=86_400)
        ),
    ),
    (
        "throttle-unused",
        "throttle.night",
        policies(but(STANDARD, name="night")),
        policies(but(STANDARD, name="night"), *other("wms-p03", throttle="night")),
    ),
    (
        "consumer-no-throttle",
        "consumer.mes-p03",
        policies(but(MES, throttle=None)),
        policies(but(MES, throttle=None), without=[READS, RELEASES]),
    ),
    ("api-no-throttle", "api.production-orders", policies(but(API, throttle=None)), policies()),
    (
        "base-path-duplicate",
        "api.production-orders",
        policies(*at(base_path="/erp/production-orders")),
        policies(*at(base_path="/erp/production-orders-too")),
    ),
    (
        "base-path-overlap",
        "api.production-orders",
        policies(*at(base_path="/erp")),
        policies(*at(base_path="/er")),
    ),
    (
        "route-duplicate",
        "api.production-orders",
        policies(with_operations(op("GET", "/{id}"))),
        policies(with_operations(op("PUT", "/{id}"), op("GET", "/open"), op("GET", "/{id}/lines"))),
    ),
    (
        "route-duplicate",
        "api.production-orders",
        policies(but(API, operations=(op("GET", "/{a}", versions=("v1", "v2")), op("GET", "/{b}", versions=("v2",))))),
        policies(but(API, operations=(op("GET", "/{a}", versions=("v1",)), op("GET", "/{b}", versions=("v2",)))), NEW),
    ),
    (
        "route-ambiguous",
        "api.production-orders",
        policies(with_operations(op("POST", "/open/{line}", "orders.read"))),
        policies(
            with_operations(op("POST", "/open/lines", "orders.read"), op("POST", "/{order}/{line}", "orders.read"))
        ),
    ),
    (
        "upstream-unknown",
        "api.production-orders",
        policies(but(API, system=None, upstream="system:EPR"), *other("erp", system="ERP")),
        policies(but(API, system=None), *other("erp", system="ERP")),
    ),
    (
        "upstream-other-system",
        "api.production-orders",
        policies(but(API, upstream="system:MES")),
        policies(but(API, upstream="system:MES", layer=Layer.PROCESS)),
    ),
    (
        "system-alike",
        "consumer.wms-p03",
        policies(*other("wms-p03", system="Erp"), *other("erp", system="ERP")),
        policies(*other("wms-p03", system="WMS")),
    ),
    (
        "system-alike",
        "consumer.wms-p03",
        policies(*other("wms-p03", plant="p03"), *other("cmms-p03", plant="P03")),
        policies(*other("wms-p04", plant="P04")),
    ),
    (
        "api-name-version",
        "api.orders-v2",
        policies(*at(name="orders-v2")),
        policies(*at(name="orders-valve")),
    ),
    (
        "version-name",
        f"{V}.next",
        policies(but(NEW, name="next")),
        policies(but(NEW, name="2026-11")),
    ),
    ("scope-name", "scope.orders", policies(but(READ, name="orders")), policies()),
    (
        "name-alike",
        "scope.orders.release",
        policies(but(RELEASE, name="order.release")),
        policies(but(RELEASE, name="order.released")),
    ),
    (
        "consumer-name",
        "consumer.mes-p02",
        policies(*other("mes-p02", plant="P03"), *other("wms-p02", plant="P02")),
        policies(*other("mes-p02-backup", plant="P02"), *other("wms-p02", plant="P02")),
    ),
    (
        "consumer-name",
        "consumer.wms-p03",
        policies(*other("wms-p03", system="MES"), *other("wms-p02", system="WMS")),
        policies(*other("mes-p03-gateway", system="MES")),
    ),
    (
        "base-path-version",
        "api.production-orders",
        policies(but(API, base_path="/erp/production-orders/v1")),
        policies(but(API, base_path="/erp/production-orders/v1x")),
    ),
    ("owner-nobody", "api.production-orders", policies(but(API, owner="TODO")), policies(but(API, owner="todo-lists"))),
    (
        "owner-alike",
        "consumer.mes-p03",
        policies(but(MES, owner="ERP Integration"), but(READ, owner="erp-integration")),
        policies(but(MES, owner="erp-integration-2")),
    ),
    (
        "scope-owner",
        "scope.orders.release",
        policies(but(RELEASE, risk=Risk.QUALITY)),
        policies(but(RELEASE, risk=Risk.QUALITY, owner="quality")),
    ),
    (
        "secret-in-text",
        READS_AT,
        policies(but(READS, reason="reads; password: hunter2hunter2")),
        policies(but(READS, reason="reads; the password: rotated each month")),
    ),
    (
        "unknown-rule",
        "lint",
        policies(lint={"grant-expiered": Severity.ERROR}),
        policies(lint={"grant-expired": Severity.ERROR}),
    ),
    (
        "suppression-expired",
        "suppress[0]",
        policies(suppressions=(Suppression(rule="grant-reason", address="x", reason="r", until=day(-1)),)),
        policies(
            but(READS, reason=""),
            suppressions=(Suppression(rule="grant-reason", address=READS_AT, reason="r", until=day(0)),),
        ),
    ),
    (
        "suppression-unused",
        "suppress[0]",
        policies(suppressions=(Suppression(rule="grant-reason", address="*", reason="r", until=day(9)),)),
        policies(
            but(READS, reason=""),
            suppressions=(Suppression(rule="grant-reason", address="*", reason="r", until=day(9)),),
        ),
    ),
    (
        "suppression-long",
        "suppress[0]",
        policies(
            but(READS, reason=""),
            suppressions=(Suppression(rule="grant-reason", address="*", reason="r", until=day(367)),),
        ),
        policies(
            but(READS, reason=""),
            suppressions=(Suppression(rule="grant-reason", address="*", reason="r", until=day(366)),),
        ),
    ),
]


@pytest.mark.parametrize(("rule", "address", "bad", "near"), CASES, ids=[f"{n}-{c[0]}" for n, c in enumerate(CASES)])
def test_a_rule_tells_what_breaks_it_and_nothing_near(rule: str, address: str, bad: PolicySet, near: PolicySet) -> None:
    assert f"{rule} {address}" in broken(bad)
    assert rule not in [each.split()[0] for each in broken(near)]


def test_what_is_in_order_is_not_talked_about() -> None:
    assert broken(policies()) == []


def test_every_rule_is_tried_here() -> None:
    assert {each[0] for each in CASES} == {each.id for each in rules()}


def test_every_rule_says_what_why_and_what_to_do() -> None:
    every = rules()
    assert len({each.id for each in every}) == len(every)
    for each in every:
        assert each.title[0].islower() or each.title.startswith(("APIs", "HTTP"))
        assert not each.title.endswith(".")
        assert each.why.endswith(".")
        assert each.help.endswith((".", "…"))


def test_few_rules_are_errors() -> None:
    every = rules()
    assert sum(each.severity is Severity.ERROR for each in every) * 3 < len(every)


# what mends itself


@pytest.mark.parametrize(
    ("found", "edits"),
    [
        (policies(but(READS, expires_on=day(-1))), [Remove(READS_AT)]),
        (policies(but(OLD, successor=None), NEW), [SetField(f"{V}.v1", "successor", "v2")]),
        (policies(NEW), [SetField(f"{V}.v1", "successor", "v2")]),
        (policies(but(OLD, successor=None), but(NEW, successor="v3"), but(NEW, name="v3")), []),
        (policies(but(OLD, successor=None), but(NEW, successor="v1")), []),
        (policies(but(OLD, successor=None), but(NEW, lifecycle=Lifecycle.DRAFT)), []),
        (
            policies(but(OLD, lifecycle=Lifecycle.RETIRED, sunset_on=day(-1), brownouts=(SPAN,)), NEW),
            [Remove(f"{V}.v1", "brownouts")],
        ),
        (policies(but(OLD, lifecycle=Lifecycle.RETIRED, brownouts=(SPAN,)), NEW), []),
        (
            policies(suppressions=(Suppression(rule="grant-reason", address="x", reason="r", until=day(-1)),)),
            [Remove("suppress[0]")],
        ),
        (
            policies(suppressions=(Suppression(rule="grant-reason", address="x", reason="r", until=day(1)),)),
            [Remove("suppress[0]")],
        ),
    ],
)
def test_what_needs_no_decision_is_mended(found: PolicySet, edits: list[Edit]) -> None:
    assert [edit for each in lint(found, Nowhere(), TODAY) for edit in each.edits] == edits


# what is said


def told(found: PolicySet, rule: str) -> str:
    return next(each.message for each in lint(found, Nowhere(), TODAY) if each.rule == rule)


def test_an_orphan_that_is_granted_says_so() -> None:
    orphan = but(READ, name="stock.move")
    assert told(policies(orphan), "scope-unused") == "No operation wants scope.stock.move, and no consumer has it."
    granted = policies(orphan, but(READS, scope="stock.move"))
    assert told(granted, "scope-unused") == "No operation wants scope.stock.move; 1 consumer has it for nothing."


def test_a_wildcard_says_what_it_allows_today() -> None:
    assert told(policies(but(READS, scope="orders.*")), "grant-wildcard").endswith(
        "Today that is orders.read and orders.release."
    )
    assert told(policies(but(READS, scope="stock.*")), "grant-wildcard").endswith("Today no scope fits.")


def test_an_end_says_how_long() -> None:
    assert told(policies(but(READS, expires_on=day(1))), "grant-expiring") == (
        "consumer.mes-p03.grant.orders.read expires in 1 day, on 2026-11-22."
    )
    assert " expires today, on 2026-11-21." in told(policies(but(READS, expires_on=TODAY)), "grant-expiring")


def test_a_consumer_that_may_more_than_the_api_takes_says_how_much() -> None:
    assert told(policies(but(QUOTA, requests=30)), "throttle-above-api") == (
        "consumer.mes-p03 may call api.production-orders with throttle.plant-standard: 60 per 1m, and all of its "
        "callers together have 30 per 1m."
    )


def test_an_unknown_rule_is_answered_with_the_nearest() -> None:
    found = policies(lint={"grant-expiered": Severity.ERROR})
    assert told(found, "unknown-rule").endswith("Did you mean 'grant-expired'?")


def test_an_unknown_upstream_is_answered_with_the_nearest_and_known_systems_are_known() -> None:
    found = policies(but(API, system=None, upstream="system:WMSX"), *other("wms", system="WMS"))
    assert told(found, "upstream-unknown").endswith("Did you mean 'WMS'?")
    assert "upstream-unknown api.production-orders" not in broken(found, systems=["WMSX"])


def test_the_hub_stands_behind_what_sends_documents_to_it() -> None:
    assert "upstream-unknown" not in str(broken(policies(but(API, system=None, upstream="system:hub"))))
    assert told(policies(but(API, system=None, upstream="system:hubb")), "upstream-unknown").endswith("mean 'hub'?")


def test_a_circle_is_told_once_and_whole() -> None:
    found = policies(but(VERSION, successor="v2"), but(NEW, successor="v3"), but(NEW, name="v3", successor="v1"))
    rule = [each for each in lint(found, Nowhere(), TODAY) if each.rule == "successor-circle"]
    assert [each.message for each in rule] == [
        "Versions of api.production-orders succeed each other in a circle: v1 → v2 → v3 → v1."
    ]


# severities and suppressions


def test_a_severity_of_the_files_counts_and_off_is_silent() -> None:
    bad = but(READS, reason="")
    [finding] = lint(policies(bad, lint={"grant-reason": Severity.ERROR}), Nowhere(), TODAY)
    assert finding.severity is Severity.ERROR
    assert broken(policies(bad, lint={"grant-reason": Severity.OFF})) == []


def test_brackets_and_question_marks_of_a_suppression_mean_themselves() -> None:
    silence = Suppression(rule="grant-reason", address="consumer.mes-p0?.*", reason="r", until=day(1))
    assert broken(policies(but(READS, reason=""), suppressions=(silence,))) == [
        f"grant-reason {READS_AT}",
        "suppression-unused suppress[0]",
    ]


def test_a_suppression_made_ahead_of_a_day_is_of_use() -> None:
    ahead = Suppression(rule="grant-expiring", address="consumer.mes-p03.*", reason="renewal", until=day(200))
    assert broken(policies(suppressions=(ahead,))) == []
    nowhere = but(ahead, address="consumer.mes-p99.*")
    assert broken(policies(suppressions=(nowhere,))) == ["suppression-unused suppress[0]"]


def test_a_suppression_of_a_rule_that_is_off_is_let_be() -> None:
    silence = Suppression(rule="grant-reason", address="*", reason="r", until=day(1))
    assert broken(policies(suppressions=(silence,), lint={"grant-reason": Severity.OFF})) == []


def test_two_suppressions_of_one_finding_are_both_of_use() -> None:
    silences = tuple(
        Suppression(rule="grant-reason", address=each, reason="r", until=day(1)) for each in ("*", "consumer.*")
    )
    assert broken(policies(but(READS, reason=""), suppressions=silences)) == []


def test_dates_are_held_against_the_day_that_is_given() -> None:
    found = policies(but(READS, expires_on=TODAY))
    assert [each.rule for each in lint(found, Nowhere(), day(1))] == ["grant-expired"]
    assert Scene(found, day(1)).days_to(TODAY) == -1
