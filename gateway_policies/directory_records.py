"""What a gateway's directory keeps in its files, and what these are called."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
from msgspec import Struct

from gateway_policies.canonical import canonical
from gateway_policies.gateway import Revision
from gateway_policies.model import Resource
from gateway_policies.state import fingerprint_of

FORMAT = 1
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")
_LONGEST = 180


class Head(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a directory is.

    Attributes:
        format: of its files.
        gateway: its name.
        revision: how many changes it has taken.
        place: tells it from other directories of the same name; None in those that are older than this.
    """

    format: int
    gateway: str
    revision: int
    place: str | None = None


class Set(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a policy set owns, and what it applied last."""

    name: str
    owns: tuple[str, ...] = ()
    applied: dict[str, Resource] = {}


class Taken(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A revision, what the set had applied before at the addresses that it changed, and what was made by hand and
    became the set's, as it was before."""

    revision: Revision
    before: dict[str, Resource | None]
    adopted: dict[str, Resource] = {}


class Journal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change, as the files are to be after it; None for a resource that is to go."""

    head: Head
    taken: Taken
    live: dict[str, Resource | None]
    set_after: Set


class Content(Struct, frozen=True, kw_only=True):
    """All that a directory says at one moment."""

    head: Head
    live: dict[str, Resource]
    sets: dict[str, Set]

    @property
    def fingerprint(self) -> str:
        """Of all of it."""
        return fingerprint_of(self.live, self.owners, {name: each.applied for name, each in self.sets.items()})

    def set_named(self, name: str) -> Set:
        """A policy set; one without anything, where it has not applied anything."""
        return self.sets.get(name) or Set(name=name)

    @property
    def owners(self) -> dict[str, str]:
        """Policy sets by the addresses that they own."""
        return {address: name for name, each in self.sets.items() for address in each.owns}


def place_of(path: Path) -> str:
    """What tells a directory from every other that is there: it becomes part of a gateway that is made in it.

    Raises:
        OSError: it cannot be looked at.
    """
    return hashlib.sha256(f"{path.resolve()}\0{path.stat().st_ino}".encode()).hexdigest()[:16]


def file_name(name: str) -> str:
    """The file of an address or a policy set. Capitals are spelled out, since some disks do not tell them apart."""
    spelled = "".join(chr(each) if chr(each) in _PLAIN else f"%{each:02x}" for each in name.encode())
    if len(spelled) > _LONGEST:
        spelled = f"{spelled[:_LONGEST]}~{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return f"{spelled}.json"


def readable(resource: Resource) -> bytes:
    """A resource as people can edit it."""
    return msgspec.json.format(canonical(resource), indent=2) + b"\n"
