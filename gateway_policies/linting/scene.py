"""Policies as rules look at them: by kind, and who belongs to whom."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from functools import cached_property
from typing import NamedTuple, TypeVar

from gateway_policies.model import (
    Api,
    Consumer,
    Grant,
    Issuer,
    Lifecycle,
    Operation,
    PolicySet,
    Scope,
    Throttle,
    Version,
)

T = TypeVar("T")

SERVED = frozenset({Lifecycle.ACTIVE, Lifecycle.DEPRECATED, Lifecycle.BROWNOUT})
LEAVING = frozenset({Lifecycle.DEPRECATED, Lifecycle.BROWNOUT})
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Use(NamedTuple):
    """An operation that wants a scope."""

    api: Api
    operation: Operation

    @property
    def writes(self) -> bool:
        """Whether it can change something."""
        return not WRITES.isdisjoint(self.operation.methods)

    def __str__(self) -> str:
        return f"{self.operation.key} of {self.api.address}"


class Scene:
    """What rules look at.

    Args:
        policies: what is looked at.
        today: the day that dates are held against.
        systems: names of systems that are known to be there, besides those that policies name.
    """

    def __init__(self, policies: PolicySet, today: date, systems: Collection[str] = ()) -> None:
        self.policies = policies
        self.today = today
        self.systems = frozenset(systems)
        self.apis: list[Api] = []
        self.versions: list[Version] = []
        self.scopes: list[Scope] = []
        self.throttles: list[Throttle] = []
        self.consumers: list[Consumer] = []
        self.grants: list[Grant] = []
        self.issuers: list[Issuer] = []
        # By address, whatever order they are kept in: which of two is the first to be told does not depend on that.
        for _, each in sorted(policies.resources.items()):
            match each:
                case Grant():
                    self.grants.append(each)
                case Consumer():
                    self.consumers.append(each)
                case Version():
                    self.versions.append(each)
                case Api():
                    self.apis.append(each)
                case Scope():
                    self.scopes.append(each)
                case Throttle():
                    self.throttles.append(each)
                case Issuer():
                    self.issuers.append(each)

    @cached_property
    def systems_said(self) -> list[tuple[str, str]]:
        """The systems that policies name, each with the address of who does."""
        said = [(each.address, each.system) for each in self.apis if each.system is not None]
        return said + [(each.address, each.system) for each in self.consumers if each.system is not None]

    @cached_property
    def scope_named(self) -> dict[str, Scope]:
        """Scopes by name."""
        return {each.name: each for each in self.scopes}

    @cached_property
    def throttle_named(self) -> dict[str, Throttle]:
        """Throttles by name."""
        return {each.name: each for each in self.throttles}

    @cached_property
    def versions_of(self) -> dict[str, list[Version]]:
        """The versions of an API, by its name."""
        return _by((each.api, each) for each in self.versions)

    @cached_property
    def grants_of(self) -> dict[str, list[Grant]]:
        """The grants of a consumer, by its name."""
        return _by((each.consumer, each) for each in self.grants)

    @cached_property
    def uses(self) -> dict[str, list[Use]]:
        """The operations that want a scope, by its name."""
        return _by(
            (each.scope, Use(api, each)) for api in self.apis for each in api.operations if each.scope is not None
        )

    @cached_property
    def granted(self) -> dict[str, list[Grant]]:
        """The grants that have a scope in them, by its name."""
        return _by((scope, grant) for grant in self.grants for scope in self.scopes_in(grant))

    @cached_property
    def _fitting(self) -> dict[str, tuple[str, ...]]:
        return {}

    def scopes_in(self, grant: Grant) -> tuple[str, ...]:
        """The names of the scopes that a grant allows, of those that there are."""
        if "*" not in grant.scope:
            return (grant.scope,) if grant.scope in self.scope_named else ()
        if grant.scope not in self._fitting:
            fits = pattern(grant.scope).fullmatch
            self._fitting[grant.scope] = tuple(name for name in self.scope_named if fits(name))
        return self._fitting[grant.scope]

    def versions_with(self, use: Use) -> Iterator[Version]:
        """The versions that have an operation."""
        for each in self.versions_of.get(use.api.name, ()):
            if use.operation.versions is None or each.name in use.operation.versions:
                yield each

    def is_served(self, use: Use) -> bool:
        """Whether an operation can be called, in any version."""
        return any(each.lifecycle in SERVED for each in self.versions_with(use))

    def days_to(self, day: date) -> int:
        """Days from today on; negative for what is past."""
        return (day - self.today).days


def pattern(text: str) -> re.Pattern[str]:
    """A pattern over names or addresses, in which ``*`` is anything."""
    return re.compile(".*".join(re.escape(part) for part in text.split("*")))


def _by(pairs: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    found: dict[str, list[T]] = defaultdict(list)
    for key, each in pairs:
        found[key].append(each)
    return dict(found)


def stands(lifecycle: Lifecycle) -> str:
    """``is a draft``, ``is in brownout``: where a version stands in its life."""
    if lifecycle is Lifecycle.DRAFT:
        return "is a draft"
    return "is in brownout" if lifecycle is Lifecycle.BROWNOUT else f"is {lifecycle}"


def days(number: int) -> str:
    """``1 day``, ``30 days``."""
    return f"{number} day" if number == 1 else f"{number:,} days"
