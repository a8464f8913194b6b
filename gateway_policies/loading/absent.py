"""Contracts whose whole folder is not there, as after an export of a gateway, which has none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from gateway_policies.findings import Finding
from gateway_policies.loading.mistakes import quoted
from gateway_policies.model import Resource, Severity, Version
from gateway_policies.nearest import listed
from gateway_policies.places import Places

_FEW = 3


class Absent(Struct, frozen=True):
    """A folder that is not there, and the versions that name their contracts in it.

    Attributes:
        addresses: of the versions.
        files: what they name.
    """

    folder: str
    addresses: list[str]
    files: list[str]

    def finding(self, places: Places) -> Finding:
        """One warning for all of them, at the first."""
        first, *others = self.addresses
        who = f"{len(self.addresses):,} versions name their contracts" if others else f"{first} names its contract"
        return Finding(
            rule="contracts-absent",
            severity=Severity.WARNING,
            message=f"The folder {quoted(self.folder)} is not there, and {who} in it: "
            f"{listed(sorted(set(map(quoted, self.files))), _FEW)}.",
            address=first,
            place=places.of(first, "contract"),
            help="Put the documents there: a gateway does not have them, so an export does not either. "
            "Until then nobody compares them.",
        )


def absent_contracts(folder: Path, resources: Mapping[str, Resource]) -> list[Absent]:
    """The folders of contracts that are not there. Where any contract is, one that is missing is a mistake of its own.

    Args:
        folder: of the policies.
        resources: all of them, by address.
    """
    named = {each.address: each.contract for each in resources.values() if isinstance(each, Version) and each.contract}
    if any((folder / file).exists() for file in named.values()):
        return []
    found: dict[str, Absent] = {}
    for address, file in named.items():
        top, slash, _ = file.partition("/")
        if slash and not (folder / top).exists():
            absent = found.setdefault(top, Absent(top, [], []))
            absent.addresses.append(address)
            absent.files.append(file)
    return list(found.values())
