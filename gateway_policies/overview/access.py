"""Who may call what at a gateway: resources by kind, and the grants between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from functools import cached_property

from msgspec import Struct

from gateway_policies.linting.scene import pattern
from gateway_policies.model import Api, Consumer, Grant, Operation, Resource, Scope, Throttle, Version

_SYSTEM = "system:"


class Given(Struct, frozen=True):
    """That a consumer has a scope.

    Attributes:
        grant: what gives it.
        inherited: whether it comes with a wildcard, and not by its own name.
    """

    grant: Grant
    inherited: bool


class Access:
    """The resources of a gateway, and who may call what of them."""

    def __init__(self, live: Mapping[str, Resource], today: date) -> None:
        """
        Args:
            live: what is in force, by address.
            today: what expired before it allows nothing any more.
        """
        self.live, self.today = live, today
        self.apis: dict[str, Api] = {}
        self.versions: list[Version] = []
        self.scopes: dict[str, Scope] = {}
        self.throttles: dict[str, Throttle] = {}
        self.consumers: dict[str, Consumer] = {}
        self._grants: dict[str, list[Grant]] = defaultdict(list)
        for _, each in sorted(live.items()):
            match each:
                case Api(name=name):
                    self.apis[name] = each
                case Version():
                    self.versions.append(each)
                case Scope(name=name):
                    self.scopes[name] = each
                case Throttle(name=name):
                    self.throttles[name] = each
                case Consumer(name=name):
                    self.consumers[name] = each
                case Grant(consumer=consumer):
                    self._grants[consumer].append(each)
                case _:
                    pass

    def given(self, consumer: str) -> dict[str, Given]:
        """What a consumer has by its grants, by scope; also by those that have expired.

        A grant by name comes before one by wildcard, and one that lasts before one that has ended.
        """
        found: dict[str, Given] = {}
        for grant in sorted(self._grants.get(consumer, ()), key=lambda each: (self.ended(each), "*" in each.scope)):
            if "*" not in grant.scope:
                found.setdefault(grant.scope, Given(grant, False))
                continue
            for scope in self._fitting(grant.scope):
                found.setdefault(scope, Given(grant, True))
        return found

    def ended(self, grant: Grant) -> bool:
        """Whether a grant's last day is over."""
        return grant.expires_on is not None and grant.expires_on < self.today

    def _fitting(self, wildcard: str) -> tuple[str, ...]:
        if wildcard not in self._fits:
            fits = pattern(wildcard).fullmatch
            self._fits[wildcard] = tuple(each for each in self.scopes if fits(each))
        return self._fits[wildcard]

    @cached_property
    def _fits(self) -> dict[str, tuple[str, ...]]:
        return {}

    @cached_property
    def holders(self) -> dict[str, frozenset[str]]:
        """The names of the consumers that have a scope today, by its name."""
        found: dict[str, set[str]] = defaultdict(set)
        for name, grants in self._grants.items():
            if name not in self.consumers:
                continue
            for grant in grants:
                if not self.ended(grant):
                    for scope in self._fitting(grant.scope) if "*" in grant.scope else (grant.scope,):
                        found[scope].add(name)
        return {scope: frozenset(names) for scope, names in found.items()}

    @cached_property
    def known(self) -> frozenset[str]:
        """The consumers that can show who they are: they may call what wants no scope."""
        return frozenset(name for name, each in self.consumers.items() if each.credential is not None)

    def known_by(self, consumer: str) -> str | None:
        """The name of the issuer that a consumer is known by; None for one that cannot show who it is."""
        found = self.consumers.get(consumer)
        return None if found is None or found.credential is None else found.credential.issuer

    def operations(self, api: str, version: str | None = None) -> list[Operation]:
        """The operations of an API, or of one of its versions."""
        found = self.apis.get(api)
        return [
            each
            for each in (() if found is None else found.operations)
            if version is None or each.versions is None or version in each.versions
        ]

    def may_call(self, api: str, version: str | None = None) -> frozenset[str]:
        """The names of the consumers that may call some of it, whether they do or not."""
        scopes = {each.scope for each in self.operations(api, version)}
        if None in scopes:
            scopes.discard(None)
            return self.known.union(*(self.holders.get(each, ()) for each in scopes if each is not None))
        return frozenset().union(*(self.holders.get(each, ()) for each in scopes if each is not None))

    @cached_property
    def wanting(self) -> dict[str, tuple[str, ...]]:
        """The names of the APIs that want a scope, by its name."""
        found: dict[str, dict[str, None]] = defaultdict(dict)
        for name, api in self.apis.items():
            for each in api.operations:
                if each.scope is not None:
                    found[each.scope][name] = None
        return {scope: tuple(names) for scope, names in found.items()}

    def apis_of(self, system: str) -> list[Api]:
        """The APIs of a system, those that show it as it is first."""
        wanted = system.casefold()
        return sorted(
            (each for each in self.apis.values() if system_of(each).casefold() == wanted),
            key=lambda each: (each.layer != "system", each.name),
        )

    def find(self, address: str) -> Resource | None:
        """A resource by its address."""
        return self.live.get(address)


def system_of(api: Api) -> str:
    """The system that an API is of, by what it says or by what stands behind it; empty for neither."""
    if api.system is not None:
        return api.system
    return api.upstream.removeprefix(_SYSTEM) if api.upstream.startswith(_SYSTEM) else ""
