"""Plans: what an action will do, item by item, frozen; approvals and runs name its hash."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from transactions.canonical import sha256_of
from transactions.edits import PlannedEdit, Step
from transactions.errors import PlanAltered
from transactions.model import Risk, Status

PLAN_VALIDITY = timedelta(hours=24)
LONGEST_REASON = 1_000
"""Characters: a reason stands beside each transaction that is acted on."""

Rate = Annotated[float, Meta(ge=0.001, le=100_000)]
"""Deliveries per second: from one in a quarter of an hour."""


class Action(StrEnum):
    """What a plan does with its items."""

    REPLAY = "replay"
    EDIT = "edit"
    CORRECT = "correct"
    COMPENSATE = "compensate"
    DISCARD = "discard"
    RESTORE = "restore"
    RESOLVE = "resolve"
    HOLD = "hold"
    RELEASE = "release"
    REOPEN = "reopen"
    POLICY = "policy"
    """A change of the gateway that waits for a second person; ``andon policy apply`` asks for it."""


REVERSING = frozenset({Action.COMPENSATE, Action.CORRECT})
"""Actions that take back what targets posted."""


class Verdict(StrEnum):
    """What the plan decided for one item."""

    SEND = "send"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"
    HELD_BEHIND = "held-behind"
    MAYBE_POSTED = "maybe-posted"
    REFUSED = "refused"


class Resolution(StrEnum):
    """What somebody says became of an unclear transaction."""

    APPLIED = "applied"
    NOT_APPLIED = "not-applied"


class PlanState(StrEnum):
    """Where a plan is in its own life."""

    PLANNED = "planned"
    AWAITING_APPROVAL = "awaiting-approval"
    RUN = "run"
    REJECTED = "rejected"
    EXPIRED = "expired"
    STALE = "stale"
    """The gateway, which it would have changed, has changed since."""


class Decision(StrEnum):
    """What a second person says."""

    APPROVE = "approve"
    REJECT = "reject"


_OVERRIDES = ("force_superseded", "force_schema", "force_maybe_posted", "break_glass")


class PlanOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a plan runs.

    Attributes:
        rate: deliveries per second at most.
        concurrency: deliveries at one time at most.
        canary: items in the first wave.
        stop_after_failures: the run stops by itself when the same failure came this often.
        force_superseded: send what a newer version has replaced.
        target, plant, flow: what a hold or a release is about.
        drain_rate: deliveries per second after a release.
        force_schema: send what does not fit its schema.
        patch: of an edit, the steps that change each document; without any, the drafts that are stored.
        force_maybe_posted: send what somebody may have posted by hand; for named ids only.
        resolve_as: of a resolve, what became of it.
        evidence: of a resolve, and of a reopen where the target cannot be asked: what shows it, a document number say.
        process: of a compensation, everything with the same correlation id as the transactions that are named.
        date: of a compensation, the day that its reversals are posted on, in an open period (ISO 8601).
        break_glass: run without the second person that it wants; somebody else reviews it afterwards.
    """

    rate: Rate | None = None
    concurrency: Annotated[int, Meta(ge=1, le=1000)] | None = None
    canary: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    stop_after_failures: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    force_superseded: bool = False
    target: str | None = None
    plant: str | None = None
    flow: str | None = None
    drain_rate: Rate | None = None
    break_glass: bool = False
    force_schema: bool = False
    patch: list[Step] = []
    force_maybe_posted: bool = False
    resolve_as: Resolution | None = None
    evidence: Annotated[str, Meta(max_length=1000)] | None = None
    process: bool = False
    date: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None

    @property
    def overrides(self) -> list[str]:
        """The guards that it overrides, by the names of their options."""
        return [name for name in _OVERRIDES if getattr(self, name)]


class PlanRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a caller asks for: an action on ids, or on all that match a filter (exactly one of the two; none for
    holds and releases, which name a place in their options)."""

    action: Action
    reason: str
    ids: list[str] | None = None
    filter: str | None = None
    options: PlanOptions = msgspec.field(default_factory=PlanOptions)


class PlanItem(Struct, frozen=True, kw_only=True):
    """One transaction in a plan, as it was when the plan was made.

    Attributes:
        waits: true where it is held behind nothing but a hold that people placed: a run takes it up all the same, and
            it goes when that is released.
    """

    id: str
    flow: str
    plant: str | None
    target: str
    status: Status
    risk: Risk
    etag: str
    revision: int
    payload_sha256: str
    idempotency_key: str
    verdict: Verdict
    because: str | None = None
    waits: bool | UnsetType = UNSET

    @property
    def runs(self) -> bool:
        """Whether a run takes it up."""
        return self.verdict is Verdict.SEND or self.waits is True


class PolicyDoes(StrEnum):
    """What becomes of a resource of the gateway."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"
    RENAME = "rename"


class PolicyChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What becomes of one resource of the gateway.

    Attributes:
        said: what it states, or what changes in it, a fact in each.
        because: why somebody else has to look at it; empty where nobody has to.
        from_: the address that it is renamed from.
    """

    address: str
    does: PolicyDoes
    said: list[str] = msgspec.field(default_factory=list)
    because: list[str] = msgspec.field(default_factory=list)
    from_: str | None = msgspec.field(default=None, name="from")


class PolicyChanges(Struct, frozen=True, kw_only=True):
    """A change of the gateway that was asked for.

    Attributes:
        gateway: its name.
        policy_set: whose files it comes from.
        plan: the hash of the policies' own plan.
        base, revision: the state of the gateway that it is for.
        sha256: of the change as it was sent, which is what an approval applies.
        counts: how many resources, by what becomes of them.
        changes: what becomes of each, first what somebody has to look at; at most so many as somebody may read.
    """

    gateway: str
    policy_set: str
    plan: str
    base: str
    revision: int
    sha256: str
    counts: dict[str, int]
    changes: list[PolicyChange]

    @property
    def total(self) -> int:
        """How many resources it is about."""
        return sum(self.counts.values())


class PlanBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The frozen part: everything the hash is over. ``second_person`` says why one is wanted; empty where none is.
    ``edits`` are the documents that an edit sends, in the order of its items; ``holds`` the ids of those that a release
    lifts; ``policy`` the change of the gateway, which has no items."""

    platform: str
    action: Action
    reason: str
    options: PlanOptions
    requested_by: str
    created_at: datetime
    expires_at: datetime
    filter: str | None
    items: list[PlanItem]
    second_person: list[str] = msgspec.field(default_factory=list)
    edits: list[PlannedEdit] = msgspec.field(default_factory=list)
    holds: list[str] = msgspec.field(default_factory=list)
    policy: PolicyChanges | None = None

    @property
    def count(self) -> int:
        """How much it acts on: transactions, or resources of the gateway."""
        return sum(item.runs for item in self.items) if self.policy is None else self.policy.total


class Approval(Struct, frozen=True, kw_only=True):
    """Where a plan stands with its second person; decided_at is None while nobody has decided."""

    asked_by: str
    asked_at: datetime
    decision: Decision | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str | None = None


class Touched(Struct, frozen=True, kw_only=True):
    """How many of something, and the first of them by name."""

    count: int
    some: list[str]


class BlastRadius(Struct, frozen=True, kw_only=True):
    """What a plan touches besides the transactions that it names, as it was when somebody looked.

    Attributes:
        orders, lots: what its transactions are about.
        behind: transactions that wait for one of them, or for one that does.
    """

    orders: Touched
    lots: Touched
    behind: Touched


class Plan(Struct, frozen=True, kw_only=True):
    """A stored plan: the frozen body, its hash, and where it stands. What ran is a ``batch``, or, of a change of the
    gateway, its ``revision``."""

    hash: str
    state: PlanState
    platform: str
    action: Action
    reason: str
    options: PlanOptions
    requested_by: str
    created_at: datetime
    expires_at: datetime
    filter: str | None
    items: list[PlanItem]
    verdicts: dict[str, int]
    batch: str | None = None
    second_person: list[str] = msgspec.field(default_factory=list)
    approval: Approval | None = None
    radius: BlastRadius | None = None
    edits: list[PlannedEdit] = msgspec.field(default_factory=list)
    holds: list[str] = msgspec.field(default_factory=list)
    policy: PolicyChanges | None = None
    revision: int | None = None

    @property
    def ran_as(self) -> str:
        """What it became: ``batch 01…``, ``revision 5``."""
        return f"batch {self.batch}" if self.revision is None else f"revision {self.revision}"

    @property
    def count(self) -> int:
        """How much it acts on: transactions, or resources of the gateway."""
        return self.body().count

    def body(self) -> PlanBody:
        """The part that the hash is over."""
        return PlanBody(**{name: getattr(self, name) for name in PlanBody.__struct_fields__})


class PlanSummary(Struct, frozen=True, kw_only=True):
    """A plan in a list: without its items."""

    hash: str
    state: PlanState
    action: Action
    reason: str
    requested_by: str
    created_at: datetime
    expires_at: datetime
    verdicts: dict[str, int]
    batch: str | None = None


def plan_hash(body: PlanBody) -> str:
    """Hex SHA-256 over the canonical JSON of the body."""
    return sha256_of(body)


def count_verdicts(items: list[PlanItem]) -> dict[str, int]:
    """How many items carry each verdict; every verdict is named, also with zero."""
    counts = {str(verdict): 0 for verdict in Verdict}
    for item in items:
        counts[item.verdict] += 1
    return counts


def check_unaltered(plan: Plan, platform: str) -> None:
    """Hold a plan (from a file, say) against its own hash and the platform it is to run on.

    Raises:
        PlanAltered: edited since it was made, or made for another platform.
    """
    if plan_hash(plan.body()) != plan.hash:
        raise PlanAltered(
            f"The plan does not match its hash {plan.hash[:12]}…: it was edited after it was made. "
            "Nothing was sent. Make a new plan instead of changing one."
        )
    if plan.platform != platform:
        raise PlanAltered(
            f"The plan was made for platform {plan.platform!r}, and this is {platform!r}. Nothing was sent. "
            "Switch to the right context, or make the plan here."
        )
