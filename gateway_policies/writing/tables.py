"""Policies to the tables that files have for them, the other way of ``loading.making``; defaults are left out."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway_policies.durations import span_of
from gateway_policies.model import (
    Api,
    Consumer,
    Grant,
    Issuer,
    Operation,
    PolicySet,
    Resource,
    Scope,
    Throttle,
    Version,
)

Table = dict[str, Any]


def documents(policies: PolicySet) -> dict[str, Table]:
    """The tables of every file, by its path below the folder, as ``andon policy init`` and ``export`` lay them out."""
    files: dict[str, Table] = {"andon.toml": settings(policies)}
    for resource in policies.resources.values():
        put(files, resource)
    return {file: files[file] for file in sorted(files)}


def put(files: dict[str, Table], resource: Resource) -> None:
    """Put a resource into the tables of the file that is its home."""
    table = table_of(resource)
    match resource:
        case Issuer():
            files.setdefault("andon.toml", {}).setdefault("issuer", {})[resource.name] = table
        case Scope():
            files.setdefault("scopes.toml", {}).setdefault("scope", {})[resource.name] = table
        case Throttle():
            files.setdefault("throttles.toml", {}).setdefault("throttle", {})[resource.name] = table
        case Api():
            # What is inside an API may have come before it: the table itself stands on top all the same.
            file = f"apis/{resource.name}.toml"
            operations = [operation_table(each) for each in resource.operations]
            files[file] = {"api": table, **files.get(file, {})} | ({"operation": operations} if operations else {})
        case Version():
            files.setdefault(f"apis/{resource.api}.toml", {}).setdefault("version", []).append(table)
        case Consumer():
            file = f"consumers/{resource.name}.toml"
            files[file] = {"consumer": table, **files.get(file, {})}
        case Grant():
            files.setdefault(f"consumers/{resource.consumer}.toml", {}).setdefault("grant", []).append(table)


def settings(policies: PolicySet) -> Table:
    """The tables of ``andon.toml``, but for the issuers."""
    gateway = {"name": policies.gateway}
    if policies.name != PolicySet.DEFAULT_NAME:
        gateway["set"] = policies.name
    found: Table = {"gateway": gateway}
    if policies.lint:
        found["lint"] = {rule: severity.value for rule, severity in policies.lint.items()}
    if policies.noise:
        found["drift"] = {"ignore": list(policies.noise)}
    if policies.suppressions:
        found["suppress"] = [msgspec.structs.asdict(each) for each in policies.suppressions]
    return found


def table_of(resource: Resource) -> Table:
    """The table of a resource: without its operations, where it is an API."""
    match resource:
        case Throttle():
            return _throttle(resource)
        case Version():
            table = _said(resource, without=("api", "brownouts"))
            if resource.brownouts:
                table["brownout"] = [{"from": each.from_, "until": each.until} for each in resource.brownouts]
            return table
        case Grant():
            return _said(resource, without=("consumer",))
        case Api():
            return _said(resource, without=("operations",))
        case Consumer():
            return _said(resource)
        case Scope() | Issuer():
            return _said(resource, without=("name",))


def operation_table(operation: Operation) -> Table:
    """The table of an operation."""
    return _said(operation)


def _throttle(throttle: Throttle) -> Table:
    table: Table = {"requests": throttle.requests, "per": span_of(throttle.per_seconds)}
    if throttle.burst is not None:
        table["burst"] = throttle.burst
    if throttle.quota is not None and throttle.quota_per_seconds is not None:
        table |= {"quota": throttle.quota, "quota_per": span_of(throttle.quota_per_seconds)}
    if throttle.protected:
        table["protected"] = True
    return table


def _said(struct: msgspec.Struct, without: tuple[str, ...] = ()) -> Table:
    """The fields of a struct that differ from their defaults, as values that TOML has."""
    table = {}
    for field in msgspec.structs.fields(struct):
        value = getattr(struct, field.name)
        if field.name in without or (not field.required and value == field.default):
            continue
        if isinstance(value, msgspec.Struct):
            value = _said(value)
        elif isinstance(value, tuple):
            value = list(value)
        elif isinstance(value, str):
            # An enumeration's word is a text, and must not be written as anything else.
            value = str(value)
        table[field.name] = value
    return table
