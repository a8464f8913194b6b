"""What is live at a gateway, as rows of lists."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from gateway_policies.model import Resource
    from gateway_policies.state import GatewayState


class ApiLine(Struct, frozen=True, kw_only=True):
    """An API; ``policy_set`` is whose it is, None where it was made by hand, here and below."""

    name: str
    layer: str
    system: str | None
    owner: str
    base_path: str
    upstream: str
    versioning: str
    throttle: str | None
    versions: list[str]
    operations: int
    protected: bool
    policy_set: str | None


class VersionLine(Struct, frozen=True, kw_only=True):
    """A version of an API."""

    api: str
    name: str
    lifecycle: str
    deprecated_on: date | None
    sunset_on: date | None
    successor: str | None
    contract: str | None
    policy_set: str | None


class ScopeLine(Struct, frozen=True, kw_only=True):
    """A scope: which APIs want it, and who has it."""

    name: str
    risk: str
    owner: str | None
    description: str
    apis: list[str]
    consumers: list[str]
    policy_set: str | None


class ConsumerLine(Struct, frozen=True, kw_only=True):
    """A consumer, and the scopes that it was granted."""

    name: str
    system: str | None
    plant: str | None
    owner: str
    throttle: str | None
    issuer: str | None
    client_id: str | None
    expires_on: date | None
    scopes: list[str]
    policy_set: str | None


class ThrottleLine(Struct, frozen=True, kw_only=True):
    """A throttle, and the addresses that it holds."""

    name: str
    requests: int
    per_seconds: int
    burst: int
    quota: int | None
    quota_per_seconds: int | None
    holds: list[str]
    policy_set: str | None


def api_lines(state: GatewayState) -> list[ApiLine]:
    """The APIs, by name."""
    from gateway_policies.model import Api, Version

    versions: dict[str, list[str]] = {}
    for each in _sorted(state.live):
        if isinstance(each, Version):
            versions.setdefault(each.api, []).append(each.name)
    return [
        ApiLine(
            name=each.name,
            layer=str(each.layer),
            system=each.system,
            owner=each.owner,
            base_path=each.base_path,
            upstream=each.upstream,
            versioning=each.versioning,
            throttle=each.throttle,
            versions=versions.get(each.name, []),
            operations=len(each.operations),
            protected=each.protected,
            policy_set=state.owners.get(each.address),
        )
        for each in _sorted(state.live)
        if isinstance(each, Api)
    ]


def version_lines(state: GatewayState) -> list[VersionLine]:
    """The versions, by API and name."""
    from gateway_policies.model import Version

    return [
        VersionLine(
            api=each.api,
            name=each.name,
            lifecycle=str(each.lifecycle),
            deprecated_on=each.deprecated_on,
            sunset_on=each.sunset_on,
            successor=each.successor,
            contract=each.contract,
            policy_set=state.owners.get(each.address),
        )
        for each in _sorted(state.live)
        if isinstance(each, Version)
    ]


def scope_lines(state: GatewayState) -> list[ScopeLine]:
    """The scopes, by name."""
    from gateway_policies.model import Api, Grant, Scope

    apis: dict[str, list[str]] = {}
    consumers: dict[str, list[str]] = {}
    for each in _sorted(state.live):
        if isinstance(each, Api):
            for name in sorted({one.scope for one in each.operations if one.scope is not None}):
                apis.setdefault(name, []).append(each.name)
        elif isinstance(each, Grant):
            consumers.setdefault(each.scope, []).append(each.consumer)
    return [
        ScopeLine(
            name=each.name,
            risk=str(each.risk),
            owner=each.owner,
            description=each.description,
            apis=apis.get(each.name, []),
            consumers=consumers.get(each.name, []),
            policy_set=state.owners.get(each.address),
        )
        for each in _sorted(state.live)
        if isinstance(each, Scope)
    ]


def consumer_lines(state: GatewayState) -> list[ConsumerLine]:
    """The consumers, by name."""
    from gateway_policies.model import Consumer, Grant

    scopes: dict[str, list[str]] = {}
    for each in _sorted(state.live):
        if isinstance(each, Grant):
            scopes.setdefault(each.consumer, []).append(each.scope)
    found = []
    for each in _sorted(state.live):
        if isinstance(each, Consumer):
            known = each.credential
            found.append(
                ConsumerLine(
                    name=each.name,
                    system=each.system,
                    plant=each.plant,
                    owner=each.owner,
                    throttle=each.throttle,
                    issuer=None if known is None else known.issuer,
                    client_id=None if known is None else known.client_id,
                    expires_on=None if known is None else known.expires_on,
                    scopes=scopes.get(each.name, []),
                    policy_set=state.owners.get(each.address),
                )
            )
    return found


def throttle_lines(state: GatewayState) -> list[ThrottleLine]:
    """The throttles, by name."""
    from gateway_policies.model import Throttle
    from gateway_policies.references import referrers

    holds = referrers(state.live)
    return [
        ThrottleLine(
            name=each.name,
            requests=each.requests,
            per_seconds=each.per_seconds,
            burst=each.requests if each.burst is None else each.burst,
            quota=each.quota,
            quota_per_seconds=each.quota_per_seconds,
            holds=sorted(holds.get(each.address, [])),
            policy_set=state.owners.get(each.address),
        )
        for each in _sorted(state.live)
        if isinstance(each, Throttle)
    ]


def _sorted(live: Mapping[str, Resource]) -> list[Resource]:
    return [live[address] for address in sorted(live)]
