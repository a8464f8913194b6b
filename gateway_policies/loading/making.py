"""Tables that were checked, to the resources that they describe; and addresses to places in the tables."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Any

from gateway_policies.durations import seconds_of
from gateway_policies.loading.formats import Kind
from gateway_policies.loading.mistakes import Path
from gateway_policies.loading.shapes import BROKEN
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
)

Table = dict[str, Any]


def resources_of(kind: Kind, raw: Table) -> Iterator[tuple[Path, Resource]]:
    """Every resource of a file, with where it begins; ``raw`` is what a check has left of the file."""
    match kind:
        case Kind.API:
            yield from _api(raw)
        case Kind.CONSUMER:
            yield from _consumer(raw)
        case Kind.SCOPES:
            for name, each in raw.get("scope", {}).items():
                yield ("scope", name), scope(name, each)
        case Kind.THROTTLES:
            for name, each in raw.get("throttle", {}).items():
                yield ("throttle", name), throttle(name, each)
        case Kind.ANDON:
            for name, each in raw.get("issuer", {}).items():
                yield ("issuer", name), Issuer(name=name, **each)


def usable(raw: Table, key: str) -> list[Table]:
    """The items of a list that a check has left."""
    return [each for each in raw.get(key, ()) if each is not BROKEN]


def _api(raw: Table) -> Iterator[tuple[Path, Resource]]:
    table = dict(raw["api"])
    if "layer" in table:
        table["layer"] = Layer(table["layer"])
    operations: dict[str, Operation] = {}
    for each in usable(raw, "operation"):
        made = operation(each)
        operations.setdefault(made.key, made)
    yield ("api",), Api(operations=tuple(operations[key] for key in sorted(operations)), **table)
    for number, each in enumerate(raw.get("version", ())):
        if each is not BROKEN:
            yield ("version", number), version(raw["api"]["name"], each)


def operation(table: Table) -> Operation:
    """An operation; its methods and versions in the order of the alphabet, which means nothing."""
    versions = table.get("versions")
    return Operation(
        methods=tuple(sorted(table["methods"])),
        path=table["path"],
        scope=table.get("scope"),
        versions=None if versions is None else tuple(sorted(versions)),
    )


def version(api: str, table: Table) -> Version:
    """A version; its brownouts in the order of time, and in UTC."""
    rest = {key: value for key, value in table.items() if key != "brownout"}
    if "lifecycle" in rest:
        rest["lifecycle"] = Lifecycle(rest["lifecycle"])
    brownouts = sorted(
        Brownout(from_=each["from"].astimezone(UTC), until=each["until"].astimezone(UTC))
        for each in usable(table, "brownout")
    )
    return Version(api=api, brownouts=tuple(brownouts), **rest)


def _consumer(raw: Table) -> Iterator[tuple[Path, Resource]]:
    table = dict(raw["consumer"])
    if "credential" in table:
        table["credential"] = Credential(**table["credential"])
    yield ("consumer",), Consumer(**table)
    for number, each in enumerate(raw.get("grant", ())):
        if each is not BROKEN:
            yield ("grant", number), Grant(consumer=table["name"], **each)


def scope(name: str, table: Table) -> Scope:
    """A scope."""
    rest = dict(table)
    if "risk" in rest:
        rest["risk"] = Risk(rest["risk"])
    return Scope(name=name, **rest)


def throttle(name: str, table: Table) -> Throttle:
    """A throttle. A burst that says what counts anyway is left out, so that one policy has one spelling."""
    burst, quota_per = table.get("burst"), table.get("quota_per")
    return Throttle(
        name=name,
        requests=table["requests"],
        per_seconds=seconds_of(table["per"]),
        burst=None if burst == table["requests"] else burst,
        quota=table.get("quota"),
        quota_per_seconds=None if quota_per is None else seconds_of(quota_per),
        protected=table.get("protected", False),
    )
