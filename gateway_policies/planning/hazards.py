"""What a change can do to those who call: an outage, less access, less throughput; and whether one person is enough."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from msgspec import Struct

from gateway_policies.model import (
    Api,
    Consumer,
    Credential,
    Grant,
    Issuer,
    Lifecycle,
    Resource,
    Risk,
    Scope,
    Throttle,
    Version,
)
from gateway_policies.nearest import listed
from gateway_policies.planning.facets import ANY_TOKEN, call_of, facets
from gateway_policies.planning.model import FieldChange, Hazard
from gateway_policies.planning.scene import SERVED, Scene

GRAVE = frozenset({Risk.FINANCIAL, Risk.QUALITY})
_ORDER = tuple(Hazard)


class Harm(Struct, frozen=True):
    """One thing that a change does.

    Attributes:
        because: what, as a clause: ``removes operation POST /``.
        second: whether somebody else has to approve it.
    """

    hazard: Hazard
    because: str
    second: bool = True


def worst(harms: list[Harm]) -> Hazard:
    """The worst of what a change does."""
    return min((each.hazard for each in harms), key=_ORDER.index, default=Hazard.NONE)


def harms(
    scene: Scene,
    before: Resource | None,
    after: Resource | None,
    fields: tuple[FieldChange, ...],
    renamed_from: str | None = None,
) -> list[Harm]:
    """What a change does.

    Args:
        scene: what it stands in.
        before, after: the resource; None where there is none.
        fields: what changes in it.
        renamed_from: the address that it had.
    """
    found: list[Harm] = []
    match before, after:
        case None, Grant() as grant:
            found += _granting(scene, grant, "grants")
        case None, Scope() as scope:
            found += _comes_to(scene, scope)
        case Api() as api, None:
            found += _api_gone(scene, api)
        case Api() as api, Api() as new:
            found += _api(scene, api, new, fields)
        case Version(lifecycle=lifecycle), None if lifecycle in SERVED:
            found.append(Harm(Hazard.OUTAGE, f"removes a version that is {lifecycle}"))
        case Version() as version, Version() as new_version:
            found += _version(version, new_version, fields)
        case Scope(), None:
            found.append(Harm(Hazard.ACCESS, "removes the scope"))
        case Scope() as scope, Scope() as new_scope:
            found += _scope(scope, new_scope, renamed_from)
            found += _comes_to(scene, new_scope) if renamed_from is not None else []
        case Throttle() as throttle, Throttle() as new_throttle:
            found += _less(throttle, new_throttle, "")
        case Consumer(), None:
            found.append(Harm(Hazard.ACCESS, "removes the consumer"))
        case Consumer() as consumer, Consumer() as new_consumer:
            found += _consumer(scene, consumer, new_consumer)
        case Grant() as grant, None:
            over = grant.expires_on is not None and grant.expires_on < scene.today
            found += [] if over else [Harm(Hazard.ACCESS, "removes the grant")]
        case Grant() as grant, Grant() as new_grant:
            found += _grant(scene, grant, new_grant)
        case Issuer(), None:
            found.append(Harm(Hazard.OUTAGE, "removes the issuer: its tokens are no longer accepted"))
        case Issuer() as issuer, Issuer() as new_issuer:
            if (issuer.url, issuer.jwks_file, issuer.audience) != (
                new_issuer.url,
                new_issuer.jwks_file,
                new_issuer.audience,
            ):
                found.append(Harm(Hazard.OUTAGE, "accepts other tokens than before"))
        case _:
            pass
    return sorted(found, key=lambda each: _ORDER.index(each.hazard))


def _api_gone(scene: Scene, api: Api) -> Iterator[Harm]:
    served = scene.served_versions(api.name)
    if served:
        yield Harm(Hazard.OUTAGE, f"removes the API with {', '.join(served)}")


def _api(scene: Scene, before: Api, after: Api, fields: tuple[FieldChange, ...]) -> Iterator[Harm]:
    if before.base_path != after.base_path:
        yield Harm(Hazard.OUTAGE, f"nothing answers at {before.base_path} any more")
    if before.versioning != after.versioning:
        yield Harm(Hazard.OUTAGE, "versions are asked for in another way")
    if before.upstream != after.upstream:
        yield Harm(Hazard.OUTAGE, "calls go to another upstream", second=False)
    for each in fields:
        yield from _operation(scene, after, each)
    yield from _other_throttle(scene, before.throttle, after.throttle)


def _operation(scene: Scene, api: Api, field: FieldChange) -> Iterator[Harm]:
    call = call_of(field.field)
    if call is None:
        return
    if field.field.endswith("].versions"):
        gone = field.removed or (field.before if isinstance(field.before, tuple) else ("some versions",))
        if field.removed or (field.before is None and field.after is not None and not field.added):
            yield Harm(Hazard.OUTAGE, f"takes {call} from {', '.join(gone)}")
    elif field.before is not None and field.after is None:
        if f"operations[{call}]" not in facets(api):
            yield Harm(Hazard.OUTAGE, f"removes operation {call}")
    elif field.before is not None and field.after == ANY_TOKEN:
        grave = scene.risk_of_scope(str(field.before)) in GRAVE
        yield Harm(Hazard.NONE, f"lets any token call {call}, which wanted {field.before}", second=grave)
    elif field.before is not None:
        yield Harm(Hazard.ACCESS, f"{call} wants {field.after} instead of {field.before}")


def _version(before: Version, after: Version, fields: tuple[FieldChange, ...]) -> Iterator[Harm]:
    if before.lifecycle in SERVED and after.lifecycle not in SERVED:
        word = "retires" if after.lifecycle is Lifecycle.RETIRED else "takes out of service"
        yield Harm(Hazard.OUTAGE, f"{word} a version that is {before.lifecycle}")
    elif before.lifecycle is not Lifecycle.BROWNOUT and after.lifecycle is Lifecycle.BROWNOUT:
        yield Harm(Hazard.OUTAGE, "begins brownouts", second=False)
    if after.lifecycle in SERVED:
        for each in fields:
            if each.field == "brownouts" and each.added:
                yield Harm(Hazard.OUTAGE, f"answers as if gone in {', '.join(each.added)}", second=False)


def _scope(before: Scope, after: Scope, renamed_from: str | None) -> Iterator[Harm]:
    if renamed_from is not None:
        yield Harm(Hazard.ACCESS, f"tokens with {renamed_from.partition('.')[2]} are no longer enough")
    if before.risk in GRAVE and after.risk not in GRAVE:
        yield Harm(Hazard.NONE, f"calls a {before.risk} scope {after.risk}")


def _comes_to(scene: Scene, scope: Scope) -> Iterator[Harm]:
    """A grave scope that a wildcard has in it is granted with its name."""
    holders = scene.by_wildcard(scope.name) if scene.risk_of_scope(scope.name) in GRAVE else []
    if holders:
        risk = scene.risk_of_scope(scope.name)
        yield Harm(Hazard.NONE, f"grants a {risk} scope to {listed(holders, 3)}, by a wildcard")


def _consumer(scene: Scene, before: Consumer, after: Consumer) -> Iterator[Harm]:
    old, new = before.credential, after.credential
    if old is not None and new is None:
        yield Harm(Hazard.ACCESS, "removes its credential")
    elif old is None and new is not None:
        yield from _let_in(scene, after.name, new)
    elif old is not None and new is not None:
        if (old.issuer, old.client_id) != (new.issuer, new.client_id):
            yield Harm(Hazard.ACCESS, f"client {old.client_id} of {old.issuer} is no longer known")
        yield from _ends_sooner(scene, old.expires_on, new.expires_on, "its credential")
    yield from _other_throttle(scene, before.throttle, after.throttle)


def _let_in(scene: Scene, consumer: str, credential: Credential) -> Iterator[Harm]:
    """A consumer that nobody could be until now: whatever it was granted is granted to a client now."""
    grave = {each for each in scene.grants_by_consumer.get(consumer, ()) if scene.risk_of_scope(each) in GRAVE}
    if grave:
        client = f"client {credential.client_id} of {credential.issuer}"
        yield Harm(Hazard.NONE, f"lets {client} use {listed(sorted(grave), 3)}")


def _grant(scene: Scene, before: Grant, after: Grant) -> Iterator[Harm]:
    yield from _ends_sooner(scene, before.expires_on, after.expires_on, "the grant")
    if before.expires_on is not None and (after.expires_on is None or after.expires_on > before.expires_on):
        yield from _granting(scene, after, "extends")


def _granting(scene: Scene, grant: Grant, word: str) -> Iterator[Harm]:
    risk = scene.risk_of_scope(grant.scope)
    if risk in GRAVE:
        yield Harm(Hazard.NONE, f"{word} a {risk} scope")


def _ends_sooner(scene: Scene, before: date | None, after: date | None, what: str) -> Iterator[Harm]:
    if after is None or (before is not None and before <= after):
        return
    if after < scene.today:
        yield Harm(Hazard.ACCESS, f"ends {what} at once")
    else:
        yield Harm(Hazard.ACCESS, f"ends {what} on {after} instead of {before or 'never'}", second=False)


def _other_throttle(scene: Scene, before: str | None, after: str | None) -> Iterator[Harm]:
    if before == after or after is None:
        return
    new = scene.throttle(after, after=True)
    if before is None:
        yield Harm(Hazard.THROTTLE, f"is held by throttle {after}, and was by none")
    elif new is not None and (old := scene.throttle(before, after=False)) is not None:
        yield from _less(old, new, f"throttle {after} is tighter than {before}: ")


def _less(before: Throttle, after: Throttle, introduction: str) -> Iterator[Harm]:
    said = []
    if after.per_second < before.per_second:
        said.append(f"{rate(before)} to {rate(after)}")
    if burst(after) < burst(before) and (before.burst, after.burst) != (None, None):
        said.append(f"burst {burst(before)} to {burst(after)}")
    if _quota(after) < _quota(before):
        said.append("a smaller quota" if before.quota is not None else "a quota where there was none")
    if said:
        yield Harm(Hazard.THROTTLE, f"{introduction}cuts {', '.join(said)}")


def burst(throttle: Throttle) -> int:
    """How many a throttle's bucket holds."""
    return throttle.requests if throttle.burst is None else throttle.burst


def rate(throttle: Throttle) -> str:
    """A throttle's refill: ``600 in 60 s``."""
    return f"{throttle.requests} in {throttle.per_seconds} s"


def _quota(throttle: Throttle) -> float:
    if throttle.quota is None or not throttle.quota_per_seconds:
        return float("inf")
    return throttle.quota / throttle.quota_per_seconds
