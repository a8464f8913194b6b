"""A plan made: the files, the gateway and what was last applied, held against each other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from gateway_policies.canonical import sha256_of
from gateway_policies.model import Api, PolicySet, Resource, Risk
from gateway_policies.places import Nowhere, Place, Places
from gateway_policies.planning.facets import alike, call_of, field_of, hides, shown, without_secrets
from gateway_policies.planning.hazards import harms, worst
from gateway_policies.planning.judging import blockers_of, impact_of
from gateway_policies.planning.model import (
    SCHEMA,
    Action,
    Body,
    Change,
    FieldChange,
    Hazard,
    Held,
    Impact,
    Inverse,
    Move,
    Moved,
    Plan,
    Record,
    Traffic,
    target_of,
)
from gateway_policies.planning.order import Work
from gateway_policies.planning.renames import find_renames
from gateway_policies.planning.scene import Scene, highest
from gateway_policies.planning.selecting import select
from gateway_policies.planning.threeway import Noise, compare
from gateway_policies.planning.usage import Seen, Usage
from gateway_policies.planning.verdict import verdict_of
from gateway_policies.references import Names, referrers
from gateway_policies.state import GatewayState

VALID_FOR = timedelta(hours=24)
_HAZARDS = tuple(Hazard)


def make_plan(
    policies: PolicySet,
    state: GatewayState,
    *,
    made_at: datetime,
    environment: str | None = None,
    usage: Usage | None = None,
    places: Places | None = None,
    overrides: Mapping[str, str] | None = None,
    only: Sequence[str] = (),
    given_up: Mapping[str, Resource] | None = None,
    back_to: int | None = None,
    valid_for: timedelta = VALID_FOR,
) -> Plan:
    """What would have to happen for the gateway to be as the files say.

    Args:
        policies: the files.
        state: the gateway, as ``policies.name`` sees it.
        made_at: now, with a zone.
        environment: whose overlay the files were read with.
        usage: what was seen at the gateway; None: nothing is known of the calls.
        places: where the files say what.
        overrides: reasons for what is blocked, by address.
        only: addresses, with ``*`` for anything; what hangs below one is part of it. None for all.
        given_up: what the files no longer say and is not deleted for that, since it was made by hand once: as it is
            to be left, by address.
        back_to: the revision whose content ``policies`` is, where that is not what files say.
    """
    sides = _sides(policies, state)
    drafts, records = _drafts(policies, state, sides, given_up or {})
    wanted = select(drafts, only, sides.live)
    scene = Scene(
        before=sides.live,
        after=_after(sides.live, (each for each, _ in wanted)),
        owners=sides.owners,
        policy_set=policies.name,
        seen=Seen(usage, sides.renames),
        today=made_at.date(),
        back_to=back_to,
    )
    changes = in_order(
        judged(change, scene, places=places or Nowhere(), overrides=overrides or {}, needed_by=needed_by)
        for change, needed_by in wanted
    )
    return sealed(
        Body(
            schema_version=SCHEMA,
            target=target_of(state),
            policy_set=policies.name,
            environment=environment,
            made_at=made_at,
            expires_at=made_at + valid_for,
            only=tuple(only),
            verdict=verdict_of(changes, back_to),
            changes=changes,
            steps=Work(changes, sides.live).steps(),
            drift=tuple(each.id for each in changes if each.drifted),
            conflicts=tuple(each.id for each in changes if each.moved is Moved.CONFLICT),
            records=() if only else tuple(records),
            undoes=None,
            back_to=back_to,
        )
    )


def in_order(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Changes as they are told: what can cause an outage, what removes access, what cuts a throttle, then the rest."""
    return tuple(sorted(changes, key=lambda each: (_HAZARDS.index(each.hazard), each.address, each.action)))


def sealed(body: Body) -> Plan:
    """The body with its hash."""
    fields = {field: getattr(body, field) for field in Body.__struct_fields__}
    return Plan(**fields, hash=sha256_of(body))


def change_id(action: Action, address: str) -> str:
    """What a change is called: the same in every plan that does this to this address."""
    return hashlib.sha256(f"{action} {address}".encode()).hexdigest()[:12]


def draft(
    action: Action,
    address: str,
    *,
    moved: Moved = Moved.PENDING,
    before: Resource | None,
    after: Resource | None,
    recorded_before: Resource | None,
    recorded_after: Resource | None,
    **more: object,
) -> Change:
    """A change that nobody has judged yet."""
    return msgspec.structs.replace(
        Change(
            id=change_id(action, address),
            address=address,
            action=action,
            moved=moved,
            hazard=Hazard.NONE,
            risk=Risk.LOW,
            impact=Impact(traffic=Traffic.UNKNOWN),
            inverse=Inverse(action=action, address=address, summary=""),
            before=before,
            after=after,
            applied_before=None if recorded_before == before else Held(resource=recorded_before),
            applied_after=None if recorded_after == after else Held(resource=recorded_after),
        ),
        **more,
    )


class _Sides(Struct, frozen=True, kw_only=True):
    """Everything under the names after the renames."""

    renames: dict[str, str]
    files: Mapping[str, Resource]
    live: dict[str, Resource]
    applied: dict[str, Resource]
    owners: dict[str, str]


def _sides(policies: PolicySet, state: GatewayState) -> _Sides:
    ours = [address for address, owner in state.owners.items() if owner == policies.name]
    renames = find_renames(policies.resources, state.live, state.applied, ours)
    names = Names(renames)
    owners = state.owners
    if renames:
        # What an address becomes is seen from the resource; an owner may be left of one that only the record still has.
        known = {**state.applied, **state.live}
        owners = {
            names.in_resource(known[address]).address if address in known else address: owner
            for address, owner in owners.items()
        }
    return _Sides(
        renames=renames,
        files=policies.resources,
        live=names.in_all(state.live),
        applied=names.in_all(state.applied),
        owners=owners,
    )


def _drafts(
    policies: PolicySet, state: GatewayState, sides: _Sides, given_up: Mapping[str, Resource]
) -> tuple[list[Change], list[Record]]:
    noise = Noise(policies.noise)
    changes = _renamed(sides, state, noise)
    new = {each.address for each in changes}
    recorded = {each.address for each in changes if each.fields}  # by the renames themselves
    records = []
    for address in sorted(sides.files.keys() | sides.live.keys() | sides.applied.keys()):
        change = None if address in new else _compared(address, sides, policies.name, noise, given_up.get(address))
        if change is not None:
            changes.append(change)
        elif address not in recorded and (record := _recorded(address, sides, policies.name)) is not None:
            records.append(record)
    return changes, records


def _renamed(sides: _Sides, state: GatewayState, noise: Noise) -> list[Change]:
    if not sides.renames:
        return []
    names = Names(sides.renames)
    known = {**state.applied, **state.live}
    referring = referrers(known)
    found = []
    for old, new in sides.renames.items():
        live, applied, files = sides.live[new], sides.applied.get(new), sides.files[new]
        compared = compare(files, live, applied, noise)
        touched = [(each, names.in_resource(known[each]).address) for each in sorted(referring.get(old, ()))]
        found.append(
            draft(
                Action.RENAME,
                new,
                moved=compared.moved,
                before=live,
                after=compared.after if compared.fields else live,
                recorded_before=applied,
                recorded_after=files if compared.fields else applied,
                from_=old,
                moves=tuple(Move(from_=each, to=then) for each, then in touched if each != then),
                follows=tuple(then for each, then in touched if each == then),
                fields=compared.fields,
                owned_before=True,
                owned_after=True,
            )
        )
    return found


def _compared(
    address: str, sides: _Sides, policy_set: str, noise: Noise, left: Resource | None = None
) -> Change | None:
    files, live, applied = sides.files.get(address), sides.live.get(address), sides.applied.get(address)
    ours = sides.owners.get(address) == policy_set
    if files is None:
        if not ours or live is None:
            return None
        return _gone(address, live, applied, noise) if left is None else _released(address, live, applied, left)
    if live is None:
        return _absent(address, files, applied, ours, noise)
    compared = compare(files, live, applied if ours else None, noise)
    if ours and not compared.fields:
        return None
    return draft(
        Action.UPDATE if ours else Action.ADOPT,
        address,
        moved=compared.moved,
        before=live,
        after=compared.after if compared.fields else live,
        recorded_before=applied,
        recorded_after=files,
        fields=compared.fields,
        owned_before=ours,
        owned_after=True,
    )


def _gone(address: str, live: Resource, applied: Resource | None, noise: Noise) -> Change:
    """Ours, live, and no longer in the files."""
    drifted = () if applied is None else compare(applied, live, applied, noise).fields
    return draft(
        Action.DELETE,
        address,
        moved=Moved.CONFLICT if drifted else Moved.PENDING,
        before=live,
        after=None,
        recorded_before=applied,
        recorded_after=None,
        fields=drifted,
        owned_before=True,
    )


def _released(address: str, live: Resource, applied: Resource | None, left: Resource) -> Change:
    """Ours for as long as the files said it, and made by hand before that."""
    return draft(
        Action.RELEASE,
        address,
        before=live,
        after=left,
        recorded_before=applied,
        recorded_after=None,
        fields=compare(left, live, None, Noise(())).fields,
        owned_before=True,
    )


def _absent(address: str, files: Resource, applied: Resource | None, ours: bool, noise: Noise) -> Change | None:
    """In the files, and not live: new, or deleted by hand."""
    if applied is None:
        moved = Moved.PENDING
    elif noise.covers(address):
        if alike(files, applied):
            return None
        moved = Moved.PENDING
    else:
        moved = Moved.DRIFT if alike(files, applied) else Moved.CONFLICT
    return draft(
        Action.CREATE,
        address,
        moved=moved,
        before=None,
        after=files,
        recorded_before=applied,
        recorded_after=files,
        owned_before=ours,
        owned_after=True,
    )


def _recorded(address: str, sides: _Sides, policy_set: str) -> Record | None:
    """What the record does not know yet, though the files and the gateway agree."""
    files, live, applied = sides.files.get(address), sides.live.get(address), sides.applied.get(address)
    if files is None and live is None:
        return Record(address=address, before=applied, owned_before=sides.owners.get(address) == policy_set)
    if files is None or live is None or sides.owners.get(address) != policy_set:
        return None
    if applied is not None and alike(files, applied):
        return None
    return Record(address=address, before=applied, after=files, owned_before=True, owned_after=True)


def _after(live: Mapping[str, Resource], changes: Iterable[Change]) -> dict[str, Resource]:
    after = dict(live)
    for each in changes:
        if each.after is None:
            after.pop(each.address, None)
        else:
            after[each.address] = each.after
    return after


def judged(
    change: Change,
    scene: Scene,
    *,
    places: Places,
    overrides: Mapping[str, str],
    needed_by: Sequence[str] = (),
) -> Change:
    """A draft with what it does, whom it meets, and what stands against it; without any secret."""
    found = harms(scene, change.before, change.after, change.fields, change.from_)
    recorded = change.recorded_before
    return msgspec.structs.replace(
        change,
        hazard=worst(found),
        because=tuple(each.because for each in found),
        second_person=tuple(each.because for each in found if each.second),
        risk=highest(*(scene.risk_of(each) for each in (change.before, change.after) if each is not None)),
        impact=impact_of(scene, change.before, change.fields),
        inverse=_inverse(change),
        blockers=blockers_of(
            scene,
            change,
            protected=any(getattr(each, "protected", False) for each in (change.before, recorded)),
            overrides=overrides,
        ),
        place=_place(change, places),
        needed_by=tuple(needed_by),
        fields=tuple(map(_shown, change.fields)),
        before=_clean(change.before),
        after=_clean(change.after),
        applied_before=_held(change.applied_before),
        applied_after=_held(change.applied_after),
    )


def _clean(resource: Resource | None) -> Resource | None:
    return None if resource is None else without_secrets(resource)


def _held(held: Held | None) -> Held | None:
    return None if held is None else Held(resource=_clean(held.resource))


def _shown(field: FieldChange) -> FieldChange:
    return msgspec.structs.replace(
        field,
        before=shown(field.field, field.before),
        after=shown(field.field, field.after),
        applied=shown(field.field, field.applied),
    )


def _place(change: Change, places: Places) -> Place | None:
    """Where the files say what changes; of several fields the first that they say."""
    if change.after is None:
        return None
    whole = places.of(change.address)
    for each in change.fields:
        place = places.of(change.address, _in_files(change.after, each.field))
        if place is not None and place != whole:
            return place
    return whole


def _in_files(resource: Resource, facet: str) -> str:
    call = call_of(facet)
    if call is None or not isinstance(resource, Api):
        return facet
    method, _, path = call.partition(" ")
    key = next((each.key for each in resource.operations if method in each.methods and each.path == path), None)
    return field_of(facet) if key is None else f"operations[{key}]"


def _inverse(change: Change) -> Inverse:
    match change.action:
        case Action.CREATE:
            return Inverse(action=Action.DELETE, address=change.address, summary="delete it again")
        case Action.DELETE:
            return Inverse(action=Action.CREATE, address=change.address, summary="create it again as it was")
        case Action.RENAME:
            summary = "rename it back, with what moved along"
            return Inverse(action=Action.RENAME, address=change.from_ or "", summary=summary)
        case Action.ADOPT:
            summary = "give it up, and leave it as it was made by hand"
            return Inverse(action=Action.RELEASE, address=change.address, summary=summary)
        case Action.UPDATE | Action.RELEASE:
            lost = change.before is not None and hides(change.before)
            summary = "put back what was there" + (", but for its secret, which nobody kept" if lost else "")
            return Inverse(action=Action.UPDATE, address=change.address, summary=summary)
