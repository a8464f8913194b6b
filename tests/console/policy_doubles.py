"""A gateway in memory for the console's tests: versions at every point of their life, grants of every kind."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec

from gateway_policies.loading import load
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
    Resource,
    Risk,
    Scope,
    Throttle,
    Version,
    by_address,
)
from gateway_policies.state import GatewayState, fingerprint_of

TODAY = date(2026, 11, 20)


def on(days: int) -> date:
    """So many days from today."""
    return TODAY + timedelta(days=days)


LATER = on(200)


def api(
    name: str, system: str, *operations: Operation, throttle: str | None = None, layer: Layer = Layer.SYSTEM
) -> Api:
    """An API of a system."""
    return Api(
        name=name,
        system=system,
        layer=layer,
        owner=f"{system.lower()}-integration",
        base_path=f"/{name}",
        upstream=f"system:{system}",
        operations=operations,
        throttle=throttle,
    )


def wants(scope: str | None, *versions: str) -> Operation:
    """An operation that wants a scope."""
    return Operation(methods=("POST",), path=f"/{scope or 'open'}", scope=scope, versions=versions or None)


def consumer(
    name: str,
    system: str | None = None,
    plant: str | None = None,
    *,
    throttle: str | None = "plant-standard",
    until: date | None = LATER,
) -> Consumer:
    """Somebody who calls."""
    return Consumer(
        name=name,
        system=system,
        plant=plant,
        owner="plant-it" if plant else "integration",
        throttle=throttle,
        credential=Credential(issuer="plant-idp", client_id=name, expires_on=until),
    )


def grant(who: str, scope: str, until: date | None = LATER, reason: str = "needed for the shift") -> Grant:
    """That somebody may use a scope."""
    return Grant(consumer=who, scope=scope, reason=reason, expires_on=until)


def resources() -> list[Resource]:
    """What the gateway of the tests has."""
    brownout = Brownout(from_=datetime(2026, 12, 1, 6, tzinfo=UTC), until=datetime(2026, 12, 1, 6, 30, tzinfo=UTC))
    return [
        Issuer(name="plant-idp", url="https://idp.example/realms/plant"),
        Throttle(name="erp-quota", requests=180, per_seconds=1, burst=180, quota=10_000_000, quota_per_seconds=86_400),
        Throttle(name="plant-standard", requests=600, per_seconds=60, burst=100),
        Throttle(name="careful", requests=120, per_seconds=60, burst=20, quota=50_000, quota_per_seconds=86_400),
        Throttle(name="spare", requests=1, per_seconds=1),
        Scope(name="confirmation.write", description="Confirm operations", risk=Risk.FINANCIAL),
        Scope(name="lot.release", description="Release lots", risk=Risk.QUALITY),
        Scope(name="orders.read", description="Read orders", risk=Risk.LOW),
        Scope(name="orders.release", description="Release orders", risk=Risk.OPERATIONAL),
        Scope(name="stock.read", description="Read stock", risk=Risk.LOW),
        api(
            "production-orders",
            "ERP",
            wants("orders.release"),
            wants("orders.read"),
            wants("confirmation.write", "v2", "v3"),
            throttle="erp-quota",
        ),
        Version(
            api="production-orders",
            name="v1",
            lifecycle=Lifecycle.DEPRECATED,
            deprecated_on=on(-80),
            sunset_on=on(27),
            successor="v2",
            brownouts=(brownout,),
        ),
        Version(api="production-orders", name="v2", lifecycle=Lifecycle.ACTIVE, deprecated_on=on(150)),
        Version(api="production-orders", name="v3", lifecycle=Lifecycle.DRAFT),
        api("stock", "WMS", wants("stock.read"), wants(None)),
        Version(
            api="stock",
            name="v1",
            lifecycle=Lifecycle.DEPRECATED,
            deprecated_on=on(-200),
            sunset_on=on(-12),
            successor="v2",
        ),
        Version(api="stock", name="v2", lifecycle=Lifecycle.ACTIVE),
        api("lots", "QMS", wants("lot.release")),
        Version(api="lots", name="v1", lifecycle=Lifecycle.RETIRED, deprecated_on=on(-300), sunset_on=on(-90)),
        Version(api="lots", name="v2", lifecycle=Lifecycle.ACTIVE),
        consumer("mes-p01", "MES", "P01"),
        consumer("mes-p02", "MES", "P02", until=on(12)),
        consumer("mes-p03", "MES", "P03"),
        consumer("supplier-portal", "supplier-portal", throttle="careful"),
        consumer("analytics", "analytics", throttle=None),
        consumer("andon-hub", throttle=None),
        grant("mes-p01", "confirmation.write"),
        grant("mes-p01", "orders.release"),
        grant("mes-p02", "confirmation.write", None),
        grant("mes-p02", "orders.release"),
        grant("mes-p03", "orders.*", on(20)),
        grant("mes-p03", "confirmation.write", on(-3)),
        Scope(name="orders.*", description="All about orders"),
        grant("supplier-portal", "stock.read"),
        grant("analytics", "orders.read", None, ""),
        grant("analytics", "stock.read", None),
        grant("andon-hub", "confirmation.write"),
        grant("andon-hub", "lot.release", None, ""),
    ]


def state(*more: Resource, without: tuple[str, ...] = (), revision: int = 12) -> GatewayState:
    """The gateway: what the policy set applied, and what was done by hand since."""
    live = {address: each for address, each in by_address([*resources(), *more]).items() if address not in without}
    applied = dict(by_address(resources()))
    owners = {address: "policies" for address in live if address in applied}
    return GatewayState(
        gateway="plant-gateway",
        revision=revision,
        fingerprint=fingerprint_of(live, owners, {"policies": applied}),
        live=live,
        owners=owners,
        applied=applied,
    )


def drifted_from(folder: Path) -> GatewayState:
    """A gateway that a folder was applied to, and that somebody has changed by hand since."""
    policies = load(folder).policies
    assert policies is not None
    applied = dict(policies.resources)
    bucket = applied["throttle.plant-standard"]
    assert isinstance(bucket, Throttle)
    live = {**applied, bucket.address: msgspec.structs.replace(bucket, burst=7), "consumer.hand": consumer("hand")}
    del live["consumer.mes-p03.grant.orders.release"]
    owners = {address: policies.name for address in live if address in applied}
    return GatewayState(
        gateway=policies.gateway,
        revision=3,
        fingerprint=fingerprint_of(live, owners, {policies.name: applied}),
        live=live,
        owners=owners,
        applied=applied,
    )
