"""The gateway of a plant, small enough to be read: two APIs, two consumers, what was seen of them."""

from __future__ import annotations

from datetime import date, timedelta

from gateway_doubles import NOW, policies_of, state_of

from gateway_policies.model import (
    Api,
    Consumer,
    Credential,
    Grant,
    Issuer,
    Lifecycle,
    Operation,
    Resource,
    Risk,
    Scope,
    Throttle,
    Version,
    by_address,
)
from gateway_policies.planning.making import make_plan
from gateway_policies.planning.model import Change, Plan
from gateway_policies.planning.usage import Calls, Peak, Usage
from gateway_policies.state import GatewayState

RELEASE, READ = "POST /{order}/release", "GET /{order}"
V1, V2 = "api.production-orders.version.v1", "api.production-orders.version.v2"
ORDERS, STANDARD, BULK = "api.production-orders", "throttle.plant-standard", "throttle.bulk"
MES1, MES3 = "consumer.mes-p01", "consumer.mes-p03"
GRANT3 = "consumer.mes-p03.grant.orders.release"


def plant() -> dict[str, Resource]:
    """Everything."""
    return by_address(
        [
            Issuer(name="plant-idp", url="https://idp.example/realms/plant"),
            Scope(name="orders.release", description="Release production orders", risk=Risk.FINANCIAL),
            Scope(name="orders.read", description="Read production orders", risk=Risk.LOW),
            Throttle(name="plant-standard", requests=600, per_seconds=60, burst=100),
            Throttle(name="bulk", requests=6000, per_seconds=60),
            Api(
                name="production-orders",
                owner="erp-integration",
                system="ERP",
                base_path="/erp/production-orders",
                upstream="system:ERP",
                throttle="bulk",
                operations=(
                    Operation(methods=("GET",), path="/{order}", scope="orders.read"),
                    Operation(
                        methods=("POST",), path="/{order}/release", scope="orders.release", versions=("v1", "v2")
                    ),
                ),
            ),
            Version(api="production-orders", name="v1", lifecycle=Lifecycle.DEPRECATED, successor="v2"),
            Version(api="production-orders", name="v2", lifecycle=Lifecycle.ACTIVE),
            _mes("mes-p01"),
            _mes("mes-p03"),
            Grant(consumer="mes-p01", scope="orders.read", reason="shows orders at the line"),
            Grant(consumer="mes-p03", scope="orders.read", reason="shows orders at the line"),
            Grant(consumer="mes-p03", scope="orders.release", reason="dispatches", expires_on=date(2027, 1, 31)),
        ]
    )


def _mes(name: str) -> Consumer:
    return Consumer(
        name=name,
        owner="plant-it",
        system="MES",
        throttle="plant-standard",
        credential=Credential(issuer="plant-idp", client_id=name, expires_on=date(2027, 6, 30)),
    )


def usage(*, measured: tuple[str, ...] | None = None) -> Usage:
    """What was seen in a week: one consumer releases orders through the old version."""
    return Usage(
        since=NOW - timedelta(days=7),
        until=NOW,
        calls=(
            Calls(
                consumer="mes-p03",
                api="production-orders",
                version="v1",
                operation=RELEASE,
                scope="orders.release",
                calls=12_431,
                last_seen=NOW - timedelta(days=1),
            ),
        ),
        peaks=(
            Peak(address="consumer.mes-p03", per_minute=400, at=NOW - timedelta(days=2)),
            Peak(address=ORDERS, per_minute=4000, at=NOW - timedelta(days=2)),
        ),
        measured=measured,
    )


def plan(
    files: dict[str, Resource], state: GatewayState | None = None, *, noise: tuple[str, ...] = (), **more: object
) -> Plan:
    """A plan; for a gateway that the plant's policies were applied to, unless told otherwise."""
    return make_plan(policies_of(files, noise), state or state_of(plant()), made_at=NOW, **more)  # type: ignore[arg-type]


def only_change(found: Plan) -> Change:
    """The one change of a plan."""
    (change,) = found.changes
    return change


def by_id(found: Plan) -> dict[str, Change]:
    """The changes of a plan by address."""
    return {each.address: each for each in found.changes}
