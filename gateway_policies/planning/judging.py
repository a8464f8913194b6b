"""A change judged: what it does, whom it meets, and what stands against it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from gateway_policies.model import Api, Consumer, Grant, Issuer, Resource, Scope, Throttle, Version
from gateway_policies.nearest import listed
from gateway_policies.planning.conflicts import conflict
from gateway_policies.planning.facets import call_of, hides
from gateway_policies.planning.hazards import rate
from gateway_policies.planning.model import (
    OVERRIDABLE,
    Action,
    Blocker,
    Caller,
    Change,
    FieldChange,
    Guard,
    Impact,
    Moved,
    Traffic,
)
from gateway_policies.planning.scene import SERVED, Scene
from gateway_policies.planning.usage import Calls, callers
from gateway_policies.references import claims, references

_SHOWN = 3


def _named(names: Iterable[str]) -> str:
    return listed(names, _SHOWN)


def impact_of(scene: Scene, before: Resource | None, fields: tuple[FieldChange, ...]) -> Impact:
    """Whom a change meets: nobody, where the resource is new."""
    if before is None:
        return Impact(traffic=Traffic.NEW)
    subjects = scene.referrers_before.get(before.address, ())
    found = scene.seen.calls_of(before, subjects)
    apis: Iterable[str]
    may_call: Iterable[str] = ()
    match before:
        case Api(name=name):
            apis = [name]
            may_call = _able(scene, before)
            calls = {call for each in fields if (call := call_of(each.field)) is not None}
            if fields and all(call_of(each.field) is not None for each in fields):
                found = [each for call in sorted(calls) for each in scene.seen.of_operation(name, call)]
        case Version(api=api):
            apis = [api]
            parent = scene.before.get(f"api.{api}")
            may_call = _able(scene, parent, before.name) if isinstance(parent, Api) else ()
        case Grant(consumer=consumer, scope=scope):
            apis, may_call = scene.apis_with(scope), [consumer]
        case Scope(name=name):
            apis, may_call = scene.apis_with(name), scene.granted(name)
        case Consumer(name=name):
            apis = [api for scope in scene.grants_by_consumer.get(name, ()) for api in scene.apis_with(scope)]
            may_call = [name]
        case Throttle() | Issuer():
            apis = [each.partition(".")[2] for each in subjects if each.startswith("api.")]
            consumers = [each.partition(".")[2] for each in subjects if each.startswith("consumer.")]
            apis += [
                api
                for consumer in consumers
                for scope in scene.grants_by_consumer.get(consumer, ())
                for api in scene.apis_with(scope)
            ]
            may_call = consumers
    return scene.seen.impact(found, apis, may_call)


def _able(scene: Scene, api: Api, version: str | None = None) -> Iterator[str]:
    scopes = {
        each.scope
        for each in api.operations
        if each.scope is not None and (version is None or each.versions is None or version in each.versions)
    }
    for scope in scopes:
        yield from scene.granted(scope)


def blockers_of(scene: Scene, change: Change, *, protected: bool, overrides: Mapping[str, str]) -> tuple[Blocker, ...]:
    """What stands against a change.

    Args:
        protected: whether the resource may not be deleted.
        overrides: reasons, by address.
    """
    address, before, after = change.address, change.before, change.after
    found = [
        *_ownership(scene, address),
        *_protection(scene, change.action, address, protected),
        *_ties(scene, address, before, after),
        *_secrets(address, after),
        *_conflict(scene, change),
        *_usage(scene, before, after, change.fields),
    ]
    reason = overrides.get(address)
    return tuple(
        Blocker(guard=guard, message=message, overridden=reason if guard in OVERRIDABLE else None)
        for guard, message in found
    )


_Found = Iterator[tuple[Guard, str]]


def _ownership(scene: Scene, address: str) -> _Found:
    owner = scene.owners.get(address)
    if owner is not None and owner != scene.policy_set:
        yield (
            Guard.OWNED_BY_OTHER,
            f"{address} belongs to the policy set {owner}. {_let_go(scene, owner)}",
        )


def _let_go(scene: Scene, owner: str) -> str:
    if scene.back_to is None:
        return f"Take it out of these files, or have {owner} let go of it."
    return f"Revision {scene.back_to} of {scene.policy_set} had it: have {owner} let go of it first."


def _protection(scene: Scene, action: Action, address: str, protected: bool) -> _Found:
    if action is Action.DELETE and protected:
        then = "take it out of the files" if scene.back_to is None else "go back"
        yield (
            Guard.PROTECTED,
            f"{address} is protected. Apply it with 'protected = false' first, then {then}.",
        )


def _ties(scene: Scene, address: str, before: Resource | None, after: Resource | None) -> _Found:
    if after is None:
        left = [each for each in scene.referrers_after.get(address, ()) if each in scene.after]
        if left:
            yield (
                Guard.STILL_REFERRED,
                f"{_named(_whose(scene, each) for each in left)} still {_refer(left)} {address}.",
            )
        return
    missing = [each for each in references(after) if each not in scene.after]
    if missing:
        yield (
            Guard.NOT_THERE,
            f"{address} refers to {_named(missing)}, which neither {_source(scene)} nor the gateway will have.",
        )
    held = () if before is None else claims(before)
    for claim in claims(after):
        others = [each for each in scene.claimed_after[claim] if each != address]
        if others and claim not in held:
            yield Guard.TAKEN, f"{claim} is taken by {_named(_whose(scene, each) for each in others)}."


def _source(scene: Scene) -> str:
    return "the files" if scene.back_to is None else f"revision {scene.back_to}"


def _refer(left: list[str]) -> str:
    return "refers to" if len(left) == 1 else "refer to"


def _whose(scene: Scene, address: str) -> str:
    owner = scene.owners.get(address)
    if owner == scene.policy_set or address not in scene.before:
        return address
    return f"{address} ({'made by hand' if owner is None else f'of the policy set {owner}'})"


def _secrets(address: str, after: Resource | None) -> _Found:
    if after is not None and hides(after):
        yield (
            Guard.SECRET,
            f"A secret stands in {address} itself. Say where it is instead: env:NAME, file:PATH, keyring:SERVICE/NAME.",
        )


def _conflict(scene: Scene, change: Change) -> _Found:
    if change.moved is Moved.CONFLICT:
        yield Guard.CONFLICT, conflict(change, scene.back_to)


def _usage(scene: Scene, before: Resource | None, after: Resource | None, fields: tuple[FieldChange, ...]) -> _Found:
    match before, after:
        case Api() as api, None:
            yield from _called(f"{api.address} is", scene.seen.calls_of(api))
        case Api() as api, Api() as new:
            yield from _operations_called(scene, api, new, fields)
            yield from _below_peak(scene, api.throttle, new.throttle, [api.address])
        case Version() as version, new_version if version.lifecycle in SERVED and not _served(new_version):
            yield from _called(f"{version.address} is", scene.seen.calls_of(version))
        case Scope() as scope, None:
            yield from _used(f"{scope.address} is", scene.seen.calls_of(scope))
        case Grant() as grant, None:
            lost = [
                each for each in scene.seen.calls_of(grant) if not _granted(scene, grant.consumer, each.scope or "")
            ]
            yield from _used(f"{grant.address} is", lost)
        case Consumer() as consumer, None:
            yield from _used(f"{consumer.address} is", scene.seen.calls_of(consumer))
        case Consumer() as consumer, Consumer() as new_consumer:
            yield from _below_peak(scene, consumer.throttle, new_consumer.throttle, [consumer.address])
        case Throttle() as throttle, Throttle() as new_throttle if new_throttle.per_second < throttle.per_second:
            yield from _too_fast(scene, new_throttle, scene.throttled_by(throttle.name))
        case _:
            pass


def _served(resource: Resource | None) -> bool:
    return isinstance(resource, Version) and resource.lifecycle in SERVED


def _operations_called(scene: Scene, before: Api, after: Api, fields: tuple[FieldChange, ...]) -> _Found:
    if before.base_path != after.base_path or before.versioning != after.versioning:
        yield from _called(f"{before.address} is", scene.seen.calls_of(before), " as it is reached today")
        return
    for call in dict.fromkeys(call_of(each.field) for each in fields):
        if call is None:
            continue
        calls = scene.seen.of_operation(before.name, call)
        lost = [one for one in calls if not _still_allowed(scene, after, call, one)]
        if lost:
            yield from _called(f"{call} of {before.address} is", lost)


def _still_allowed(scene: Scene, api: Api, call: str, seen: Calls) -> bool:
    method, _, path = call.partition(" ")
    return any(
        method in each.methods
        and path == each.path
        and (each.versions is None or seen.version in each.versions)
        and (each.scope is None or _granted(scene, seen.consumer, each.scope))
        for each in api.operations
    )


def _granted(scene: Scene, consumer: str, scope: str) -> bool:
    return f"consumer.{consumer}.grant.{scope}" in scene.after or consumer in scene.by_wildcard(scope)


def _called(subject: str, found: list[Calls], how: str = "") -> _Found:
    who = callers(found)
    if who:
        yield Guard.STILL_CALLED, f"{subject} still called{how} by {_counted(who)}."


def _used(subject: str, found: list[Calls]) -> _Found:
    who = callers(found)
    if who:
        yield Guard.GRANT_USED, f"{subject} still used by {_counted(who)}."


def _counted(who: tuple[Caller, ...]) -> str:
    calls, last = sum(each.calls for each in who), max(each.last_seen for each in who)
    return (
        f"{_named(each.consumer for each in who)}: {calls:,} call{'' if calls == 1 else 's'}, last on {last:%Y-%m-%d}"
    )


def _below_peak(scene: Scene, before: str | None, after: str | None, subjects: list[str]) -> _Found:
    new = scene.throttle(after, after=True)
    if before != after and new is not None:
        old = scene.throttle(before, after=False)
        if old is None or new.per_second < old.per_second:
            yield from _too_fast(scene, new, subjects)


def _too_fast(scene: Scene, throttle: Throttle, subjects: Iterable[str]) -> _Found:
    for each in subjects:
        peak = scene.seen.peak(each)
        if peak is not None and peak.per_minute > throttle.per_second * 60:
            yield (
                Guard.BELOW_PEAK,
                (
                    f"{each} was seen with {peak.per_minute:,} calls in a minute on {peak.at:%Y-%m-%d}, "
                    f"and {throttle.address} would let through {rate(throttle)}."
                ),
            )
