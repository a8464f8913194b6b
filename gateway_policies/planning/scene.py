"""The whole that a change stands in: the gateway before, the gateway after, and who refers to whom in both."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import cached_property

from gateway_policies.model import Api, Consumer, Grant, Lifecycle, Resource, Risk, Scope, Throttle, Version
from gateway_policies.planning.usage import Seen, fits
from gateway_policies.references import claims, referrers

SERVED = frozenset({Lifecycle.ACTIVE, Lifecycle.DEPRECATED, Lifecycle.BROWNOUT})
_RISKS = {each: place for place, each in enumerate(Risk)}


class Scene:
    """What the judges of a change look at."""

    def __init__(
        self,
        *,
        before: Mapping[str, Resource],
        after: Mapping[str, Resource],
        owners: Mapping[str, str],
        policy_set: str,
        seen: Seen,
        today: date,
        back_to: int | None = None,
    ) -> None:
        """
        Args:
            before: what is live, under the names after the plan's renames.
            after: what will be.
            owners: of what is live, under the same names.
            back_to: the revision that the plan goes back to; None for a plan of files.
        """
        self.before, self.after, self.owners = before, after, owners
        self.policy_set, self.seen, self.today, self.back_to = policy_set, seen, today, back_to
        self._risks: dict[str, Risk] = {}

    @cached_property
    def referrers_before(self) -> dict[str, list[str]]:
        """Who refers to an address as things are."""
        return referrers(self.before)

    @cached_property
    def referrers_after(self) -> dict[str, list[str]]:
        """Who will refer to an address."""
        return referrers(self.after)

    @cached_property
    def claimed_after(self) -> dict[str, list[str]]:
        """Who will claim what only one can have."""
        found: dict[str, list[str]] = {}
        for address, resource in self.after.items():
            for claim in claims(resource):
                found.setdefault(claim, []).append(address)
        return found

    @cached_property
    def grants_by_consumer(self) -> dict[str, list[str]]:
        """The scopes that consumers are granted or will be, by consumer."""
        found: dict[str, list[str]] = {}
        for side in (self.before, self.after):
            for resource in side.values():
                if isinstance(resource, Grant):
                    found.setdefault(resource.consumer, []).append(resource.scope)
        return found

    @cached_property
    def _calls_by_scope(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for resource in self.before.values():
            if isinstance(resource, Api):
                for each in resource.operations:
                    if each.scope is not None:
                        found.setdefault(each.scope, []).append(resource.name)
        return found

    def apis_with(self, scope: str) -> list[str]:
        """The names of the APIs that want a scope, or one that a wildcard has in it."""
        if "*" in scope:
            return [api for name, apis in self._calls_by_scope.items() if fits(scope, name) for api in apis]
        return self._calls_by_scope.get(scope, [])

    def granted(self, scope: str) -> list[str]:
        """The names of the consumers that have a scope."""
        return [
            resource.consumer
            for each in self.referrers_before.get(f"scope.{scope}", ())
            if isinstance(resource := self.before[each], Grant)
        ]

    def risk_of_scope(self, scope: str) -> Risk:
        """The higher of what it is and what it will be: a plan cannot make a scope harmless and grant it in one go.
        Of a wildcard the highest of all that it has in it."""
        known = self._risks.get(scope)
        if known is None:
            address = f"scope.{scope}"
            if "*" in scope:
                fits = _pattern(scope).fullmatch
                found = [each for side in (self.before, self.after) for each in side.values()]
                risks = [each.risk for each in found if isinstance(each, Scope) and fits(each.name)]
            else:
                sides = (self.before.get(address), self.after.get(address))
                risks = [each.risk for each in sides if isinstance(each, Scope)]
            known = self._risks[scope] = highest(*risks)
        return known

    @cached_property
    def _wildcards(self) -> list[tuple[re.Pattern[str], str]]:
        return [
            (_pattern(each.scope), each.consumer)
            for each in self.after.values()
            if isinstance(each, Grant) and "*" in each.scope
        ]

    def by_wildcard(self, scope: str) -> list[str]:
        """The names of the consumers that will have a scope without being granted it by its name."""
        return sorted({consumer for pattern, consumer in self._wildcards if pattern.fullmatch(scope)})

    def throttle(self, name: str | None, *, after: bool) -> Throttle | None:
        """A throttle by name."""
        found = (self.after if after else self.before).get(f"throttle.{name}")
        return found if isinstance(found, Throttle) else None

    def served_versions(self, api: str) -> list[str]:
        """The names of the versions of an API that may be called as things are."""
        return [
            version.name
            for each in self.referrers_before.get(f"api.{api}", ())
            if isinstance(version := self.before[each], Version) and version.lifecycle in SERVED
        ]

    def throttled_by(self, name: str) -> list[str]:
        """Who is held by a throttle before and after: where it is cut, these feel it."""
        address = f"throttle.{name}"
        after = set(self.referrers_after.get(address, ()))
        return [each for each in self.referrers_before.get(address, ()) if each in after]

    def risk_of(self, resource: Resource) -> Risk:
        """The highest risk of the scopes that a resource is about."""
        match resource:
            case Grant(scope=scope):
                return self.risk_of_scope(scope)
            case Scope(name=name):
                return self.risk_of_scope(name)
            case Api(operations=operations):
                return highest(*(self.risk_of_scope(each.scope) for each in operations if each.scope is not None))
            case Version(api=api, name=name):
                api_resource = self.before.get(f"api.{api}") or self.after.get(f"api.{api}")
                operations = api_resource.operations if isinstance(api_resource, Api) else ()
                wanted = (each.scope for each in operations if each.versions is None or name in each.versions)
                return highest(*(self.risk_of_scope(each) for each in wanted if each is not None))
            case Consumer(name=name):
                return highest(*(self.risk_of_scope(each) for each in self.grants_by_consumer.get(name, ())))
            case _:
                return Risk.OPERATIONAL


def highest(*risks: Risk) -> Risk:
    """The highest of some risks, low for none."""
    return max(risks, key=_RISKS.__getitem__, default=Risk.LOW)


def _pattern(wildcard: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in wildcard.split("*")))
