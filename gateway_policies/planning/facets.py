"""A resource as the facts that it states, so that two spellings of one policy are the same facts.

A fact that has its default is left out. A set is a sorted tuple, so that it can be told what came and what went.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import TypeAlias

import msgspec

from gateway_policies.model import Api, Brownout, Consumer, Credential, Operation, Resource, Throttle, Version

Value: TypeAlias = str | int | bool | tuple[str, ...] | None
"""What a fact is; None where it is not stated."""

ANY_TOKEN = "any token"  # noqa: S105 - what is said of an operation that wants no scope
HIDDEN = "(hidden)"

_IDENTITY = {
    "Api": ("name",),
    "Version": ("api", "name"),
    "Scope": ("name",),
    "Throttle": ("name",),
    "Consumer": ("name",),
    "Grant": ("consumer", "scope"),
    "Issuer": ("name",),
}
_TOLD_APART = ("operations", "brownouts", "credential")
_ADDRESSES = ("upstream", "url")
# A user before the host, as RFC 3986 has it; and one whose password has signs that it should have spelled out, which
# shows by a port that is no number.
_USER = re.compile(r"//(?:[^/?#]*|[^/?#@:]*:(?!\d+(?:[/?#]|$))[^@]*)@")
_SECRET_PLACES = ("env:", "file:", "keyring:")


def facets(resource: Resource) -> dict[str, Value]:
    """What a resource states, beside what it is called."""
    kind = type(resource)
    defaults = dict(zip(reversed(kind.__struct_fields__), reversed(kind.__struct_defaults__), strict=False))
    found: dict[str, Value] = {}
    for field in kind.__struct_fields__:
        if field in _IDENTITY[kind.__name__] or field in _TOLD_APART:
            continue
        value = getattr(resource, field)
        if field not in defaults or value != defaults[field]:
            found[field] = value.isoformat() if isinstance(value, date) else value
    match resource:
        case Api(operations=operations):
            found.update(_operations(operations))
        case Version(brownouts=brownouts) if brownouts:
            found["brownouts"] = tuple(sorted({span(each) for each in brownouts}))
        case Consumer(credential=credential) if credential is not None:
            for field in Credential.__struct_fields__:
                value = getattr(credential, field)
                if value is not None:
                    found[f"credential.{field}"] = value.isoformat() if isinstance(value, date) else value
        case Throttle(burst=burst, requests=requests) if burst == requests:
            found.pop("burst")  # as much as the refill is what it has when nothing is said
        case _:
            pass
    return found


def span(brownout: Brownout) -> str:
    """A brownout as a fact has it."""
    return f"{_moment(brownout.from_)}/{_moment(brownout.until)}"


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _operations(operations: tuple[Operation, ...]) -> Iterator[tuple[str, Value]]:
    """One by one method and path, however they were written together."""
    by_call: dict[str, dict[str, set[str]]] = {}
    for each in operations:
        for method in each.methods:
            scopes = by_call.setdefault(f"{method} {each.path}", {})
            scopes.setdefault(each.scope or ANY_TOKEN, set()).update(each.versions or ("*",))
    for call in sorted(by_call):
        scopes = by_call[call]
        if len(scopes) == 1:
            ((scope, versions),) = scopes.items()
            yield f"operations[{call}]", scope
            if "*" not in versions:
                yield f"operations[{call}].versions", tuple(sorted(versions))
            continue
        for version in sorted(set().union(*scopes.values())):
            wanted = sorted(scope for scope, versions in scopes.items() if version in versions)
            said = "" if version == "*" else f" in {version}"
            yield f"operations[{call}{said}]", " or ".join(wanted)


def alike(one: Resource, other: Resource) -> bool:
    """Whether two resources say the same."""
    return one == other or (type(one) is type(other) and facets(one) == facets(other))


def field_of(facet: str) -> str:
    """The field of the model that a fact is stated in: ``operations`` of ``operations[GET /].versions``."""
    return facet.partition("[")[0].partition(".")[0]


def call_of(facet: str) -> str | None:
    """Method and path of a fact about an operation: ``GET /{order}``; None for any other fact."""
    if not facet.startswith("operations["):
        return None
    call = facet.partition("[")[2].rpartition("]")[0]
    return call.partition(" in ")[0] if " in " in call else call


def with_kept(resource: Resource, live: Resource, kept: frozenset[str]) -> Resource:
    """``resource`` with the named facts as they are in ``live``."""
    if not kept:
        return resource
    changed: dict[str, object] = {}
    fields = {field_of(each) for each in kept}
    for field in fields - {"credential", "operations"}:
        changed[field] = getattr(live, field)
    if isinstance(resource, Consumer) and isinstance(live, Consumer) and "credential" in fields:
        changed["credential"] = _credential_with(resource.credential, live.credential, kept)
    if isinstance(resource, Api) and isinstance(live, Api) and "operations" in fields:
        calls = {call for each in kept if (call := call_of(each)) is not None}
        ours = [each for each in _apart(resource.operations) if f"{each.methods[0]} {each.path}" not in calls]
        theirs = [each for each in _apart(live.operations) if f"{each.methods[0]} {each.path}" in calls]
        changed["operations"] = tuple(sorted(ours + theirs, key=lambda each: (each.key, each.scope or "")))
    return msgspec.structs.replace(resource, **changed)


def _credential_with(ours: Credential | None, live: Credential | None, kept: frozenset[str]) -> Credential | None:
    if ours is None or live is None:
        return ours if live is None else live
    names = [each.partition(".")[2] for each in kept if each.startswith("credential.")]
    return msgspec.structs.replace(ours, **{name: getattr(live, name) for name in names})


def _apart(operations: tuple[Operation, ...]) -> Iterator[Operation]:
    for each in operations:
        for method in each.methods:
            yield msgspec.structs.replace(each, methods=(method,))


def without_secrets(resource: Resource) -> Resource:
    """The resource as it may be shown and kept: a secret in it is hidden by its field, never by its text."""
    changed: dict[str, object] = {}
    if isinstance(resource, Consumer) and resource.credential is not None:
        secret = shown("credential.secret", resource.credential.secret)
        if secret != resource.credential.secret:
            changed["credential"] = msgspec.structs.replace(resource.credential, secret=secret)
    for field in _ADDRESSES:
        text = getattr(resource, field, None)
        if text is not None and (said := shown(field, text)) != text:
            changed[field] = said
    return msgspec.structs.replace(resource, **changed) if changed else resource


def shown(facet: str, value: Value) -> Value:
    """A fact as it may be shown and kept."""
    if not isinstance(value, str):
        return value
    if facet == "credential.secret":
        return value if value.startswith(_SECRET_PLACES) else HIDDEN
    return _without_password(value) if facet in _ADDRESSES else value


def in_words(value: Value) -> str:
    """A fact's value, to be read."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ", ".join(value) or "none"
        case _:
            return str(value) or "none"


def _without_password(url: str) -> str:
    return _USER.sub(f"//{HIDDEN}@", url, count=1)


def hides(resource: Resource) -> bool:
    """Whether a secret stands, or was hidden, in the resource itself, where only the place of one belongs."""
    if without_secrets(resource) != resource:
        return True
    credential = resource.credential if isinstance(resource, Consumer) else None
    return (credential is not None and credential.secret == HIDDEN) or any(
        HIDDEN in str(getattr(resource, field, "")) for field in _ADDRESSES
    )
