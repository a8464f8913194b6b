"""A plan: what would change at a gateway, why, what that means for those who call, and how it is undone."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import Struct

from gateway_policies.model import Resource, Risk
from gateway_policies.places import Place
from gateway_policies.planning.facets import Value
from gateway_policies.state import GatewayState

SCHEMA = 1
"""The version of a plan's form. It grows by one when something that a reader may rely on changes."""


class Action(StrEnum):
    """What happens to a resource. ``release`` gives back what was adopted, and is only part of what undoes a plan."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    RENAME = "rename"
    ADOPT = "adopt"
    RELEASE = "release"


class Moved(StrEnum):
    """Who moved since it was last applied: the files (pending), the gateway (drift), or both (conflict)."""

    PENDING = "pending"
    DRIFT = "drift"
    CONFLICT = "conflict"


class Hazard(StrEnum):
    """The worst that a change does, in the order in which changes are told."""

    OUTAGE = "outage"
    ACCESS = "access"
    THROTTLE = "throttle"
    NONE = "none"


class Traffic(StrEnum):
    """What is known of the calls that a change meets. What is new has none; unknown is not zero."""

    MEASURED = "measured"
    UNKNOWN = "unknown"
    NEW = "new"


class Guard(StrEnum):
    """What stands against a change. Those of the first line can be overridden with a reason."""

    STILL_CALLED = "still-called"
    GRANT_USED = "grant-used"
    BELOW_PEAK = "below-peak"
    CONFLICT = "conflict"
    PROTECTED = "protected"
    OWNED_BY_OTHER = "owned-by-other"
    STILL_REFERRED = "still-referred"
    NOT_THERE = "not-there"
    TAKEN = "taken"
    SECRET = "secret"  # noqa: S105 - the name of a guard


OVERRIDABLE = frozenset({Guard.STILL_CALLED, Guard.GRANT_USED, Guard.BELOW_PEAK, Guard.CONFLICT})


class FieldChange(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A fact of a resource that changes.

    Attributes:
        field: as the model names it: ``burst``, ``credential.expires_on``, ``operations[POST /{order}/release]`` (its
            value is the scope that the call wants).
        moved: who moved.
        before, after: live, and as the files say; None where nothing is said, and for sets.
        applied: what was last applied; of drift and conflicts.
        added, removed: of a set, what comes and what goes.
    """

    field: str
    moved: Moved
    before: Value = None
    after: Value = None
    applied: Value = None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class Caller(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A consumer that was seen calling."""

    consumer: str
    calls: int
    last_seen: datetime


class Impact(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Whom a change meets.

    Attributes:
        traffic: whether the calls were measured; where they were not, ``calls`` is None.
        since, until: the time that was looked at.
        calls: how many there were in it.
        last_seen: the newest one.
        callers: who made them, most calls first.
        may_call: the consumers that could by their grants, in order, whether they do or not.
    """

    traffic: Traffic
    since: datetime | None = None
    until: datetime | None = None
    calls: int | None = None
    last_seen: datetime | None = None
    callers: tuple[Caller, ...] = ()
    may_call: tuple[str, ...] = ()


class Blocker(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What stands against a change.

    Attributes:
        message: what would go wrong, and what to do, as sentences.
        overridden: the reason that somebody gave for doing it all the same.
    """

    guard: Guard
    message: str
    overridden: str | None = None

    @property
    def open(self) -> bool:
        """Whether it still stands."""
        return self.overridden is None


class Held(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was recorded as applied; None for nothing."""

    resource: Resource | None


class Move(Struct, frozen=True, kw_only=True, rename={"from_": "from"}, forbid_unknown_fields=True):
    """A resource that gets another address because what it hangs below, or is for, is renamed."""

    from_: str
    to: str


class Inverse(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What undoes a change, to be read; ``planning.inverse`` makes the plan of it."""

    action: Action
    address: str
    summary: str


class Change(
    Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"from_": "from"}, forbid_unknown_fields=True
):
    """What happens to one resource.

    Attributes:
        id: the same in every plan that does this to this address.
        moved: of a resource, the strongest of its fields': conflict before pending before drift.
        from_: the address that it is renamed from.
        moves: what moves with it, of a rename.
        follows: whose references follow it, of a rename.
        fields: the facts that change; none where a resource comes or goes whole.
        before, after: the resource, live and planned; after a rename ``before`` already has the new name.
        applied_before, applied_after: what was recorded as applied, where that is not ``before`` or ``after``.
        owned_before, owned_after: whether the policy set owns it.
        hazards: the worst that it does, then why, each as a clause.
        risk: the highest of the scopes that it is about.
        second_person: why somebody else has to approve; empty where nobody has to.
        place: where the files say it; None for what they say no longer.
        needed_by: the addresses that were asked for and need this change, which was not asked for itself.
    """

    id: str
    address: str
    action: Action
    moved: Moved
    hazard: Hazard
    risk: Risk
    impact: Impact
    inverse: Inverse
    because: tuple[str, ...] = ()
    from_: str | None = None
    moves: tuple[Move, ...] = ()
    follows: tuple[str, ...] = ()
    fields: tuple[FieldChange, ...] = ()
    before: Resource | None = None
    after: Resource | None = None
    applied_before: Held | None = None
    applied_after: Held | None = None
    owned_before: bool = False
    owned_after: bool = False
    second_person: tuple[str, ...] = ()
    blockers: tuple[Blocker, ...] = ()
    place: Place | None = None
    needed_by: tuple[str, ...] = ()

    @property
    def drifted(self) -> bool:
        """Whether the gateway moved in it."""
        return self.moved is not Moved.PENDING or any(each.moved is not Moved.PENDING for each in self.fields)

    @property
    def blocked(self) -> bool:
        """Whether something stands against it that nobody has overridden."""
        return any(each.open for each in self.blockers)

    @property
    def recorded_before(self) -> Resource | None:
        """What was recorded as applied."""
        return self.before if self.applied_before is None else self.applied_before.resource

    @property
    def recorded_after(self) -> Resource | None:
        """What will be recorded as applied."""
        return self.after if self.applied_after is None else self.applied_after.resource


class Do(StrEnum):
    """What a step does with a change: a rename that also changes fields is two."""

    RENAME = "rename"
    PUT = "put"
    DELETE = "delete"


class Deed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing of a step: ``change`` is the id of the change that it belongs to."""

    do: Do
    change: str


class Record(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the gateway and the files came to agree on without the plan: only the record of it changes."""

    address: str
    before: Resource | None = None
    after: Resource | None = None
    owned_before: bool = False
    owned_after: bool = False


class Target(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The gateway that a plan is for, as it was when the plan was made."""

    gateway: str
    revision: int
    fingerprint: str
    platform: str | None = None


def target_of(state: GatewayState) -> Target:
    """The gateway as it is."""
    return Target(
        gateway=state.gateway, revision=state.revision, fingerprint=state.fingerprint, platform=state.platform
    )


class Verdict(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plan in numbers.

    Attributes:
        blocked: changes that cannot be made as things stand.
        text: the numbers as a line, and the first thing that blocks.
    """

    add: int
    change: int
    remove: int
    rename: int
    adopt: int
    drifted: int
    conflicts: int
    blocked: int
    second_person: bool
    text: str


class Body(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a plan is, without its hash.

    Attributes:
        environment: whose overlay the files were read with.
        only: the addresses that were asked for; none for all.
        changes: what can cause an outage, what removes access, what cuts a throttle, then the rest.
        steps: the order in which it is done; what stands in one step is done at once.
        drift, conflicts: the ids of the changes in which the gateway moved, and of those in which both did.
        records: see :class:`Record`.
        undoes: the hash of the plan that this one takes back.
        back_to: the revision that the plan goes back to, of a rollback, which has no files.
    """

    schema_version: int
    target: Target
    policy_set: str
    environment: str | None
    made_at: datetime
    expires_at: datetime
    only: tuple[str, ...]
    verdict: Verdict
    changes: tuple[Change, ...]
    steps: tuple[tuple[Deed, ...], ...]
    drift: tuple[str, ...]
    conflicts: tuple[str, ...]
    records: tuple[Record, ...]
    undoes: str | None
    back_to: int | None = None


class Plan(Body, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A plan, and the hash (SHA-256, hex) over the canonical JSON of everything else in it."""

    hash: str

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.changes

    def body(self) -> Body:
        """The plan without its hash."""
        return Body(**{field: getattr(self, field) for field in Body.__struct_fields__})


DECODER = msgspec.json.Decoder(Plan)
