"""The plan that takes a plan back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from gateway_policies.errors import Moved
from gateway_policies.model import Resource
from gateway_policies.places import Nowhere
from gateway_policies.planning.making import VALID_FOR, change_id, draft, in_order, judged, sealed
from gateway_policies.planning.model import Action, Body, Change, Deed, Do, FieldChange, Plan, target_of
from gateway_policies.planning.model import Moved as Who
from gateway_policies.planning.scene import Scene
from gateway_policies.planning.usage import Seen, Usage
from gateway_policies.planning.verdict import verdict_of
from gateway_policies.state import GatewayState

_OTHER_WAY = {
    Action.CREATE: Action.DELETE,
    Action.DELETE: Action.CREATE,
    Action.UPDATE: Action.UPDATE,
    Action.ADOPT: Action.RELEASE,
    Action.RELEASE: Action.ADOPT,
}


def inverse(
    plan: Plan,
    state: GatewayState,
    *,
    made_at: datetime,
    usage: Usage | None = None,
    valid_for: timedelta = VALID_FOR,
) -> Plan:
    """The plan that puts back what ``plan`` changed: what is live, whose it is, and what is recorded as applied.

    Args:
        plan: one that was applied.
        state: the gateway as it is after that.
        made_at: now, with a zone.
        usage: what was seen at the gateway; None: nothing is known of the calls.

    Raises:
        Moved: the gateway is not as the plan left it.
    """
    drafts = [each for change in plan.changes for each in _turned(change)]
    left = next(
        (each.address for each in drafts if each.action is not Action.RENAME and not _as_left(each, state)), None
    )
    if left is not None:
        raise Moved(
            f"{left} is not as the plan {plan.hash[:12]} left it. Nothing was changed. "
            "Plan the files of that time instead."
        )
    after: dict[str, Resource] = dict(state.live)
    for each in drafts:
        if each.after is None:
            after.pop(each.address, None)
        elif each.action is not Action.RENAME:
            after[each.address] = each.after
    scene = Scene(
        before=state.live,
        after=after,
        owners=state.owners,
        policy_set=plan.policy_set,
        seen=Seen(usage),
        today=made_at.date(),
    )
    changes = in_order(judged(each, scene, places=Nowhere(), overrides={}) for each in drafts)
    names = {each.id: each for each in plan.changes}
    return sealed(
        Body(
            schema_version=plan.schema_version,
            target=target_of(state),
            policy_set=plan.policy_set,
            environment=plan.environment,
            made_at=made_at,
            expires_at=made_at + valid_for,
            only=(),
            verdict=verdict_of(changes),
            changes=changes,
            steps=tuple(
                tuple(_deed(deed, names[deed.change]) for deed in reversed(step)) for step in reversed(plan.steps)
            ),
            drift=(),
            conflicts=(),
            records=tuple(
                msgspec.structs.replace(
                    each,
                    before=each.after,
                    after=each.before,
                    owned_before=each.owned_after,
                    owned_after=each.owned_before,
                )
                for each in plan.records
            ),
            undoes=plan.hash,
        )
    )


def _turned(change: Change) -> Iterator[Change]:
    """The other way round. A rename that also changed fields is two: they are put back under the new name first."""
    fields = tuple(map(_field, change.fields))
    if change.action is Action.RENAME:
        old = change.from_ or ""
        yield draft(
            Action.RENAME,
            old,
            before=change.before,
            after=change.before,
            recorded_before=change.recorded_before,
            recorded_after=change.recorded_before,
            from_=change.address,
            moves=tuple(msgspec.structs.replace(each, from_=each.to, to=each.from_) for each in change.moves),
            follows=change.follows,
            owned_before=True,
            owned_after=True,
        )
        if not fields:
            return
    yield draft(
        _OTHER_WAY.get(change.action, Action.UPDATE),
        change.address,
        before=change.after,
        after=change.before,
        recorded_before=change.recorded_after,
        recorded_after=change.recorded_before,
        fields=fields if change.after is not None and change.before is not None else (),
        owned_before=change.owned_after,
        owned_after=change.owned_before,
    )


def _field(field: FieldChange) -> FieldChange:
    return FieldChange(
        field=field.field,
        moved=Who.PENDING,
        before=field.after,
        after=field.before,
        added=field.removed,
        removed=field.added,
    )


def _deed(deed: Deed, change: Change) -> Deed:
    if change.action is Action.RENAME:
        if deed.do is Do.RENAME:
            return Deed(do=Do.RENAME, change=change_id(Action.RENAME, change.from_ or ""))
        return Deed(do=Do.PUT, change=change_id(Action.UPDATE, change.address))
    do = Do.DELETE if change.before is None else Do.PUT
    return Deed(do=do, change=change_id(_OTHER_WAY[change.action], change.address))


def _as_left(turned: Change, state: GatewayState) -> bool:
    return state.live.get(turned.address) == turned.before
