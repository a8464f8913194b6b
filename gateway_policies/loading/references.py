"""Names of one policy in another: each has to lead somewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase

from msgspec import Struct

from gateway_policies.loading.mistakes import quoted
from gateway_policies.model import Api, Consumer, Grant, Resource, Version
from gateway_policies.nearest import did_you_mean

_MOST_HINTS = 200
"""Finding the nearest name takes long among thousands, and nobody reads so many."""


class Dangling(Struct, frozen=True):
    """A name that leads nowhere: in which field of what, and what to say of it."""

    address: str
    field: str
    message: str
    help: str


class References:
    """The names in policies.

    Args:
        resources: everything, by address.
        unknowable: kinds of addresses of which some may be in a file that could not be read; their names are let be.
        contract: whether there is a file, below the folder of the policies.
    """

    def __init__(
        self, resources: Mapping[str, Resource], unknowable: set[str], contract: Callable[[str], str | None]
    ) -> None:
        self._resources = resources
        self._unknowable = unknowable
        self._contract = contract
        self._hints: dict[tuple[str, str], str] = {}

    def dangling(self) -> Iterator[Dangling]:
        """What leads nowhere, in the order of the resources."""
        for address, each in self._resources.items():
            if isinstance(each, Grant):
                if f"scope.{each.scope}" not in self._resources:
                    yield from self._granted(address, each.scope)
            elif isinstance(each, Consumer):
                yield from self._named(address, "throttle", "throttle", each.throttle)
                if each.credential is not None:
                    yield from self._named(address, "credential.issuer", "issuer", each.credential.issuer)
            elif isinstance(each, Version):
                yield from self._version(address, each)
            elif isinstance(each, Api):
                yield from self._api(address, each)

    def _named(self, address: str, field: str, kind: str, name: str | None) -> Iterator[Dangling]:
        if not name or f"{kind}.{name}" in self._resources or kind in self._unknowable:
            return
        home = {"throttle": "throttles.toml", "issuer": "andon.toml", "scope": "scopes.toml"}[kind]
        yield Dangling(
            address,
            field,
            f"{address} names the {kind} {quoted(name)}, and there is none.{self._hint(f'{kind}.', name)}",
            f"Describe it in {home}, or name one that is there.",
        )

    def _granted(self, address: str, scope: str) -> Iterator[Dangling]:
        if "*" not in scope:
            yield from self._named(address, "scope", "scope", scope)
        elif "scope" not in self._unknowable and not any(
            fnmatchcase(each, f"scope.{scope}") for each in self._resources if each.startswith("scope.")
        ):
            yield Dangling(address, "scope", f"{address} fits no scope.", "Name the scopes one by one.")

    def _version(self, address: str, version: Version) -> Iterator[Dangling]:
        prefix = f"api.{version.api}.version."
        if version.successor == version.name:
            yield Dangling(address, "successor", f"{address} is its own successor.", "Name the version to go to.")
        elif version.successor and f"{prefix}{version.successor}" not in self._resources:
            yield Dangling(
                address,
                "successor",
                f"{address} names the successor {quoted(version.successor)}, and the API has no such version."
                f"{self._hint(prefix, version.successor)}",
                "Describe it in a [[version]], or name one that is there.",
            )
        if version.contract:
            wrong = self._contract(version.contract)
            if wrong is not None:
                yield Dangling(
                    address,
                    "contract",
                    f"{address} has the contract {quoted(version.contract, 120)}, and {wrong}.",
                    "Put the document there; the path begins at the folder of the policies.",
                )

    def _api(self, address: str, api: Api) -> Iterator[Dangling]:
        yield from self._named(address, "throttle", "throttle", api.throttle)
        for operation in api.operations:
            field = f"operations[{operation.key}]"
            yield from self._named(address, f"{field}.scope", "scope", operation.scope)
            for number, version in enumerate(operation.versions or ()):
                if f"{address}.version.{version}" not in self._resources:
                    yield Dangling(
                        address,
                        f"{field}.versions[{number}]",
                        f"{address}: {operation.key} is in the version {quoted(version)}, and there is none."
                        f"{self._hint(f'{address}.version.', version)}",
                        "Describe it in a [[version]], or name those that are there.",
                    )

    def _hint(self, prefix: str, name: str) -> str:
        if (prefix, name) not in self._hints:
            if len(self._hints) >= _MOST_HINTS:
                return ""
            known = [each[len(prefix) :] for each in self._resources if each.startswith(prefix)]
            self._hints[prefix, name] = did_you_mean(name, known)
        return self._hints[prefix, name]
