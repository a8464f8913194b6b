"""What a gateway can be asked, whatever stands behind it. ``tests/gateway_policies/conformance`` tests drivers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from gateway_policies.changeset import Changeset
from gateway_policies.enforcement import Effective
from gateway_policies.model import Resource
from gateway_policies.state import GatewayState


class Revision(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A change that a gateway has taken.

    Attributes:
        number: from 1.
        plan: the hash of the plan that it came from.
        fingerprint: of the gateway as it left it.
        approved_by: the second person; None where nobody was asked, or it was done without.
        effective: when it was in force, where a gateway tells that of a change that it has just taken.
        not_in_force: why it is not, though the gateway has taken it.
    """

    number: int
    at: datetime
    by: str
    policy_set: str
    plan: str
    fingerprint: str
    reason: str | None = None
    approved_by: str | None = None
    effective: Effective | None = None
    not_in_force: str | None = None


class GatewayRevision(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A revision, as an API and lists tell of it.

    Attributes:
        added, changed, removed: how many live resources.
        approved_by: see :class:`Revision`.
    """

    number: int
    at: datetime
    by: str
    policy_set: str
    plan: str
    fingerprint: str
    reason: str | None
    added: int
    changed: int
    removed: int
    approved_by: str | None = None


class GatewayChange(GatewayRevision, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A revision that was just made.

    Attributes:
        effective: when it was in force, and what was seen of it; None where no data plane serves, or it does not yet.
        not_in_force: why what serves does not serve this yet.
    """

    effective: Effective | None = None
    not_in_force: str | None = None


class AppliedThen(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a policy set had applied at a revision, by address.

    Attributes:
        adopted: what it has taken over since, and was made by hand, as it was before.
    """

    policy_set: str
    revision: int
    applied: dict[str, Resource]
    adopted: dict[str, Resource]


class ConsumerToken(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An access token (RFC 9068) that a consumer calls the gateway with, shown once.

    Attributes:
        client_id: by which the gateway knows the consumer.
        audience: whom the token is for.
        scopes: what it allows: the scopes of the consumer's grants that are in force.
        notes: why the gateway would refuse it all the same; sentences.
    """

    consumer: str
    client_id: str
    audience: str
    scopes: list[str]
    id: str
    token: str
    issued_at: datetime
    expires_at: datetime
    notes: list[str]


class Stage(StrEnum):
    """How far a gateway is with a change."""

    SENT = "sent"
    COMMITTED = "committed"
    WRITTEN = "written"
    EFFECTIVE = "effective"


class Step(Struct, frozen=True, kw_only=True):
    """A step of a change.

    Attributes:
        done, of: how many of the things that the stage counts are done: changes, or files; 0 of 0 where it counts none.
        revision: that the gateway comes to, from when that is known.
    """

    stage: Stage
    done: int = 0
    of: int = 0
    revision: int | None = None


Report = Callable[[Step], None]
"""Called while a change is made, from the thread that makes it."""


def unheard(_step: Step) -> None:
    """Nobody wants to know."""


class Gateway(Protocol):
    """A gateway that policies are applied to.

    What a changeset asks for is done whole or not at all, whatever happens in between; who reads meanwhile sees the
    one or the other.
    """

    def state(self, policy_set: str) -> GatewayState:
        """The gateway as it is now, as that policy set sees it.

        Raises:
            Missing: there is no such gateway.
            Unreadable: what it keeps cannot be read.
        """
        ...

    def apply(self, changeset: Changeset, at: datetime, report: Report = unheard) -> Revision:
        """Change it.

        Args:
            changeset: what is asked for.
            at: now, with a zone.
            report: told how far it is. What counts something begins with 0 of it and ends with all.

        Raises:
            Moved: it is not as the changeset was planned on, or has taken that plan before.
            Locked: somebody else changes it now.
            Blocked: it would change what another policy set owns.
            PlanAltered: the changeset is for another gateway.
            Unreadable: what it keeps cannot be read or written.
        """
        ...

    def finish(self, by: str, at: datetime) -> Revision | None:
        """Bring to an end what somebody began and could not: a process that was ended after its change was taken.

        Args:
            by: who brings it to an end.
            at: now, with a zone.

        Returns:
            The revision that it was; None where there is nothing of that kind, or somebody is still about it.

        Raises:
            Unreadable: what it keeps cannot be read or written.
        """
        ...

    def unfinished(self) -> Revision | None:
        """What :meth:`finish` would bring to an end; None where there is nothing, or somebody is still about it.

        Raises:
            Unreadable: what it keeps cannot be read.
        """
        ...

    def revisions(self) -> list[Revision]:
        """What it has taken, the newest first."""
        ...

    def revision_of(self, plan: str) -> Revision | None:
        """The revision that the plan with that hash became; None where it was not taken."""
        ...

    def applied(self, policy_set: str, revision: int) -> AppliedThen:
        """What a policy set had applied at a revision, by address; 0 is before the first.

        Raises:
            Missing: there is no such revision.
        """
        ...
