"""What a resource refers to, and what only one resource of a gateway can have."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from gateway_policies.model import Api, Consumer, Grant, Issuer, Resource, Scope, Throttle, Version


def references(resource: Resource) -> tuple[str, ...]:
    """The addresses that a resource needs, each once: its parent is one of them."""
    match resource:
        case Version(api=api, successor=successor):
            found = [f"api.{api}"]
            if successor is not None:
                found.append(f"api.{api}.version.{successor}")
        case Api(name=name, throttle=throttle, operations=operations):
            found = [f"scope.{each.scope}" for each in operations if each.scope is not None]
            found += [f"api.{name}.version.{version}" for each in operations for version in each.versions or ()]
            if throttle is not None:
                found.append(f"throttle.{throttle}")
        case Consumer(throttle=throttle, credential=credential):
            found = [] if throttle is None else [f"throttle.{throttle}"]
            if credential is not None:
                found.append(f"issuer.{credential.issuer}")
        case Grant(consumer=consumer, scope=scope):
            # A wildcard names no scope: it takes what there is, also nothing.
            found = [f"consumer.{consumer}", *([] if "*" in scope else [f"scope.{scope}"])]
        case Scope() | Throttle() | Issuer():
            return ()
    return tuple(dict.fromkeys(found))


def claims(resource: Resource) -> tuple[str, ...]:
    """What nobody else may have while this resource has it, in words."""
    match resource:
        case Api(base_path=base_path):
            return (f"the base path {base_path}",)
        case Consumer(credential=credential) if credential is not None:
            return (f"the client {credential.client_id} of {credential.issuer}",)
        case _:
            return ()


def referrers(resources: Mapping[str, Resource]) -> dict[str, list[str]]:
    """Who refers to an address, for each address that somebody refers to."""
    found: dict[str, list[str]] = {}
    for address, resource in resources.items():
        for needed in references(resource):
            found.setdefault(needed, []).append(address)
    return found


def dangling(resources: Mapping[str, Resource]) -> list[tuple[str, str]]:
    """Who refers to what is not there, as pairs of addresses."""
    return [
        (address, needed)
        for address, resource in resources.items()
        for needed in references(resource)
        if needed not in resources
    ]


class Names:
    """New names of resources, for whatever is called by the old ones."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        """
        Args:
            addresses: from old to new; of APIs, consumers, scopes, throttles and issuers. No new one is an old one too.
        """
        self._new = {tuple(old.split(".", 1)): new.split(".", 1)[1] for old, new in addresses.items()}

    def _of(self, kind: str, name: str) -> str:
        return self._new.get((kind, name), name)

    def in_resource(self, resource: Resource) -> Resource:
        """The resource with the new names in it; itself where it has none of the old."""
        if not self._new:
            return resource
        changed: dict[str, object] = {}

        def say(field: str, kind: str, name: str | None) -> None:
            if name is not None and (kind, name) in self._new:
                changed[field] = self._of(kind, name)

        match resource:
            case Api(name=name, throttle=throttle, operations=operations):
                say("name", "api", name)
                say("throttle", "throttle", throttle)
                if any(each.scope is not None and ("scope", each.scope) in self._new for each in operations):
                    changed["operations"] = tuple(
                        each
                        if each.scope is None
                        else msgspec.structs.replace(each, scope=self._of("scope", each.scope))
                        for each in operations
                    )
            case Version(api=api):
                say("api", "api", api)
            case Consumer(name=name, throttle=throttle, credential=credential):
                say("name", "consumer", name)
                say("throttle", "throttle", throttle)
                if credential is not None and ("issuer", credential.issuer) in self._new:
                    issuer = self._of("issuer", credential.issuer)
                    changed["credential"] = msgspec.structs.replace(credential, issuer=issuer)
            case Grant(consumer=consumer, scope=scope):
                say("consumer", "consumer", consumer)
                say("scope", "scope", scope)
            case Scope(name=name):
                say("name", "scope", name)
            case Throttle(name=name):
                say("name", "throttle", name)
            case Issuer(name=name):
                say("name", "issuer", name)
        return msgspec.structs.replace(resource, **changed) if changed else resource

    def in_all(self, resources: Mapping[str, Resource]) -> dict[str, Resource]:
        """The resources with the new names in them, by their addresses then."""
        if not self._new:
            return dict(resources)
        renamed = (self.in_resource(each) for each in resources.values())
        return {each.address: each for each in renamed}


def parent_of(address: str) -> str | None:
    """The address of the API or consumer that a version or grant hangs below; None for what stands by itself."""
    kind, _, rest = address.partition(".")
    if kind in ("api", "consumer"):
        name, dot, _ = rest.partition(".")
        if dot:
            return f"{kind}.{name}"
    return None
