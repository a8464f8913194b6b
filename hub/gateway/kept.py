"""The gateway's state in the store: read whole, written where it changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, func, select

from gateway_policies.canonical import canonical
from gateway_policies.changeset import adopted
from gateway_policies.gateway import AppliedThen, GatewayRevision, Revision
from gateway_policies.model import Resource
from gateway_policies.state import GatewayState, fingerprint_of
from hub.store.gateway_schema import gateway_applied, gateway_asked, gateway_resources, gateway_revisions
from hub.store.schema import approvals
from transactions.clock import from_micros, to_micros
from transactions.errors import NotFound
from transactions.plans import Decision

_RESOURCE: msgspec.json.Decoder[Resource] = msgspec.json.Decoder(Resource)
_BEFORE: msgspec.json.Decoder[dict[str, Resource | None]] = msgspec.json.Decoder(dict[str, Resource | None])
_ADOPTED: msgspec.json.Decoder[dict[str, Resource]] = msgspec.json.Decoder(dict[str, Resource])
_KEPT = [each for each in GatewayRevision.__struct_fields__ if each != "approved_by"]  # that stands with the approval
_DELETED = 500  # addresses in one statement


class Kept:
    """Everything that the gateway has, at one moment."""

    def __init__(self, connection: Connection) -> None:
        self.revision: int = connection.execute(
            select(func.coalesce(func.max(gateway_revisions.c.number), 0))
        ).scalar_one()
        self.live: dict[str, Resource] = {}
        self.owners: dict[str, str] = {}
        self.applied: dict[str, dict[str, Resource]] = {}
        for address, resource, owner in connection.execute(
            select(gateway_resources).order_by(gateway_resources.c.address)
        ):
            if resource is not None:
                self.live[address] = _RESOURCE.decode(resource)
            if owner is not None:
                self.owners[address] = owner
        for name, address, resource in connection.execute(
            select(gateway_applied).order_by(gateway_applied.c.policy_set, gateway_applied.c.address)
        ):
            self.applied.setdefault(name, {})[address] = _RESOURCE.decode(resource)

    @cached_property
    def fingerprint(self) -> str:
        """Of all of it."""
        return fingerprint_of(self.live, self.owners, self.applied)

    def seen_by(self, policy_set: str, gateway: str, platform: str) -> GatewayState:
        """All of it, as a policy set sees it."""
        return GatewayState(
            gateway=gateway,
            revision=self.revision,
            fingerprint=self.fingerprint,
            live=self.live,
            owners=self.owners,
            applied=self.applied.get(policy_set, {}),
            platform=platform,
        )


def keep(connection: Connection, policy_set: str, before: GatewayState, after: GatewayState) -> None:
    """Write what differs between two states of the gateway, as that policy set sees them."""
    addresses = _differing(before.live, after.live) | _differing(before.owners, after.owners)
    _delete(connection, gateway_resources, addresses)
    rows = [
        {"address": each, "resource": _text(after.live.get(each)), "owner": after.owners.get(each)}
        for each in sorted(addresses)
        if each in after.live or each in after.owners
    ]
    if rows:
        connection.execute(gateway_resources.insert(), rows)
    recorded = _differing(before.applied, after.applied)
    _delete(connection, gateway_applied, recorded, gateway_applied.c.policy_set == policy_set)
    records = [
        {"policy_set": policy_set, "address": each, "resource": _text(after.applied[each])}
        for each in sorted(recorded)
        if each in after.applied
    ]
    if records:
        connection.execute(gateway_applied.insert(), records)


def keep_revision(connection: Connection, told: GatewayRevision, before: GatewayState, after: GatewayState) -> None:
    """Write that it was changed, what the set had applied before at the addresses where that changed, and what was made
    by hand and is the set's now."""
    recorded = {each: before.applied.get(each) for each in sorted(_differing(before.applied, after.applied))}
    connection.execute(
        gateway_revisions.insert(),
        {
            **{each: getattr(told, each) for each in _KEPT},
            "at": to_micros(told.at),
            "changes": canonical(recorded).decode(),
            "adopted": canonical(adopted(before, after, told.policy_set)).decode(),
        },
    )


def revisions() -> Select[Any]:
    """Every revision, with who approved it."""
    approver = (
        select(approvals.c.decided_by)
        .join(gateway_asked, gateway_asked.c.plan == approvals.c.plan)
        .where(
            gateway_asked.c.policy_plan == gateway_revisions.c.plan,
            gateway_asked.c.revision == gateway_revisions.c.number,
            approvals.c.decision == Decision.APPROVE,
        )
        .limit(1)
        .scalar_subquery()
    )
    return select(gateway_revisions, approver.label("approved_by"))


def to_revision(row: Any) -> GatewayRevision:
    """A row of :func:`revisions`."""
    return GatewayRevision(
        number=row.number,
        at=from_micros(row.at),
        by=row.by,
        policy_set=row.policy_set,
        plan=row.plan,
        fingerprint=row.fingerprint,
        reason=row.reason,
        added=row.added,
        changed=row.changed,
        removed=row.removed,
        approved_by=row.approved_by,
    )


def revision_of_plan(connection: Connection, plan: str) -> Revision | None:
    """The revision that a plan became; None where it was not taken."""
    row = connection.execute(select(gateway_revisions).where(gateway_revisions.c.plan == plan)).first()
    if row is None:
        return None
    return Revision(
        number=row.number,
        at=from_micros(row.at),
        by=row.by,
        policy_set=row.policy_set,
        plan=row.plan,
        fingerprint=row.fingerprint,
        reason=row.reason,
    )


def applied_then(connection: Connection, policy_set: str, revision: int) -> AppliedThen:
    """What a policy set had applied at a revision, and what it has adopted since.

    Raises:
        NotFound: there is no such revision.
    """
    kept = Kept(connection)
    if not 0 <= revision <= kept.revision:
        raise NotFound(
            f"The gateway has no revision {revision}: it has taken {kept.revision}. "
            "Give one that 'andon policy revisions' lists."
        )
    found = dict(kept.applied.get(policy_set, {}))
    by_hand: dict[str, Resource] = {}
    rows = connection.execute(
        select(gateway_revisions.c.changes, gateway_revisions.c.adopted)
        .where(gateway_revisions.c.number > revision, gateway_revisions.c.policy_set == policy_set)
        .order_by(gateway_revisions.c.number.desc())
    )
    for changes, taken_over in rows:
        for address, resource in _BEFORE.decode(changes).items():
            if resource is None:
                found.pop(address, None)
            else:
                found[address] = resource
        if taken_over is not None:
            by_hand.update(_ADOPTED.decode(taken_over))
    return AppliedThen(
        policy_set=policy_set,
        revision=revision,
        applied=dict(sorted(found.items())),
        adopted=dict(sorted(each for each in by_hand.items() if each[0] not in found)),
    )


def _differing(before: Mapping[str, object], after: Mapping[str, object]) -> set[str]:
    return {each for each in before.keys() | after.keys() if before.get(each) != after.get(each)}


def _delete(connection: Connection, table: Any, addresses: Iterable[str], *more: Any) -> None:
    found = sorted(addresses)
    for begin in range(0, len(found), _DELETED):
        connection.execute(table.delete().where(table.c.address.in_(found[begin : begin + _DELETED]), *more))


def _text(resource: Resource | None) -> str | None:
    return None if resource is None else canonical(resource).decode()
