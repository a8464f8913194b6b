"""Who may do what: roles, the permissions they stand for, and how far they reach."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Permission(StrEnum):
    """What an operation wants of the person who asks for it."""

    READ = "read"
    ACT = "act"
    APPROVE = "approve"
    AUDIT = "audit"
    REVEAL = "reveal"
    BREAK_GLASS = "break-glass"
    SEND = "send"
    SIMULATE = "simulate"
    USERS = "users"
    POLICY_PLAN = "policy-plan"
    POLICY_APPLY = "policy-apply"
    INGRESS = "ingress"

    @property
    def meaning(self) -> str:
        """What it allows, in words that follow 'may'."""
        return _MEANINGS[self]


class Role(StrEnum):
    """What a person is to the hub. ``source`` is a system that only sends documents."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    POLICY_AUTHOR = "policy-author"
    POLICY_ADMIN = "policy-admin"
    ADMIN = "admin"
    SOURCE = "source"

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the role allows."""
        return _ROLES[self]


_MEANINGS = {
    Permission.READ: "see transactions, systems, plans and batches",
    Permission.ACT: "make plans, run them, and cancel what runs",
    Permission.APPROVE: "approve or reject what somebody else asks for, and review what was done without approval",
    Permission.AUDIT: "read the audit chain",
    Permission.REVEAL: "see masked fields, with a reason, which is audited",
    Permission.BREAK_GLASS: "run a plan without the second person it wants, with a review afterwards",
    Permission.SEND: "send a document by hand",
    Permission.SIMULATE: "switch faults of the simulated systems",
    Permission.USERS: "add and remove people, and give them tokens",
    Permission.POLICY_PLAN: "plan changes of the gateway's policies",
    Permission.POLICY_APPLY: "apply changes of the gateway's policies",
    Permission.INGRESS: "deliver business documents as a source system",
}

_READ = frozenset({Permission.READ})
_ROLES = {
    Role.VIEWER: _READ,
    Role.OPERATOR: _READ | {Permission.ACT, Permission.SEND, Permission.SIMULATE},
    Role.APPROVER: _READ | {Permission.APPROVE, Permission.AUDIT},
    Role.POLICY_AUTHOR: _READ | {Permission.POLICY_PLAN},
    Role.POLICY_ADMIN: _READ | {Permission.POLICY_PLAN, Permission.POLICY_APPLY, Permission.AUDIT},
    Role.ADMIN: frozenset(Permission),
    Role.SOURCE: frozenset({Permission.INGRESS}),
}

GRANTABLE = frozenset({Permission.REVEAL, Permission.BREAK_GLASS})
"""Permissions that are given one by one, besides roles; only an admin has them by role."""


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far somebody's rights reach. None is without limit; an empty list reaches nothing.

    Attributes:
        plants: names of plants. What has no plant is out of reach of somebody with a list.
        flows: names of flows.
        risks: ``low``, ``operational``, ``quality``, ``financial``.
    """

    plants: list[str] | None = None
    flows: list[str] | None = None
    risks: list[str] | None = None

    @property
    def unlimited(self) -> bool:
        """Whether everything is within reach."""
        return self.plants is None and self.flows is None and self.risks is None

    def describe(self) -> str:
        """In words: ``plant P03, risk low or operational``; ``everything``."""
        parts = [
            f"{name} {' or '.join(values) if values else 'none'}"
            for name, values in (("plant", self.plants), ("flow", self.flows), ("risk", self.risks))
            if values is not None
        ]
        return ", ".join(parts) or "everything"


class Principal(Struct, frozen=True, kw_only=True):
    """Who a token belongs to, and what that one may do.

    Attributes:
        subject: who it is, for good: what plans, batches and the audit chain name.
        kind: ``bootstrap`` for the token of the hub's machine, ``user`` of the hub's own, ``federated`` for somebody an
            identity provider vouches for, ``system`` for a source.
        name: how the person is called, where the token says so; never used to decide anything.
        granted: permissions besides those of the roles.
        issuer: who made the token.
    """

    subject: str
    kind: str
    roles: tuple[Role, ...] = ()
    granted: frozenset[Permission] = frozenset()
    limits: Limits = Limits()
    name: str | None = None
    issuer: str | None = None
    expires_at: datetime | None = None

    @property
    def permissions(self) -> frozenset[Permission]:
        """Everything the principal may do."""
        return permissions_of(self.roles, self.granted)


class Place(Struct, frozen=True, kw_only=True, order=True):
    """Where an action acts. None is everywhere: only somebody without a limit there may act on it."""

    plant: str | None
    flow: str | None


class Reach(Struct, frozen=True, kw_only=True):
    """Limits with the risk resolved to the flows that have it: what a question to the store is cut down to.

    Attributes:
        plants: None for all, and for what has no plant.
        flows: None for all.
    """

    plants: frozenset[str] | None = None
    flows: frozenset[str] | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing is cut."""
        return self.plants is None and self.flows is None

    def covers(self, plant: str | None, flow: str | None) -> bool:
        """Whether a transaction, or a place, is within reach."""
        return (self.plants is None or plant in self.plants) and (self.flows is None or flow in self.flows)

    def covers_flow(self, flow: str) -> bool:
        """Whether transactions of a flow can be within reach."""
        return self.flows is None or flow in self.flows

    def touches(self, plant: str | None, flow: str | None) -> bool:
        """Whether something about a place, where None is everywhere, is also about what is within reach."""
        return (self.plants is None or plant is None or plant in self.plants) and (
            self.flows is None or flow is None or flow in self.flows
        )


EVERYTHING = Reach()


def reach_of(limits: Limits, risk_of: dict[str, str]) -> Reach:
    """What ``limits`` come to, with ``risk_of`` every declared flow. A flow that nobody declares has no risk, and is
    out of reach of somebody who is limited by risk."""
    flows = None if limits.flows is None else frozenset(limits.flows)
    if limits.risks is not None:
        by_risk = frozenset(flow for flow, risk in risk_of.items() if risk in limits.risks)
        flows = by_risk if flows is None else flows & by_risk
    return Reach(plants=None if limits.plants is None else frozenset(limits.plants), flows=flows)


def permissions_of(roles: Iterable[Role], granted: Iterable[Permission] = ()) -> frozenset[Permission]:
    """What roles, and what was granted besides, allow together."""
    found = frozenset(granted)
    for role in roles:
        found |= role.permissions
    return found
