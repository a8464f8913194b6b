"""A change between two contracts: what it is, whom it breaks, where it stands in both."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Level(StrEnum):
    """What a change means for those who call."""

    BREAKING = "breaking"
    UNDECIDED = "undecided"
    COMPATIBLE = "compatible"


class Direction(StrEnum):
    """Which way a document goes: to the API, which must go on accepting it, or from it, as it promised."""

    REQUEST = "request"
    RESPONSE = "response"

    @property
    def other(self) -> Direction:
        """The way back."""
        return Direction.RESPONSE if self is Direction.REQUEST else Direction.REQUEST


class Spot(Struct, frozen=True, order=True):
    """A place in a contract: a file below the folder of the policies, and a JSON pointer (RFC 6901) in it."""

    file: str
    pointer: str


class Change(Struct, frozen=True, kw_only=True):
    """One change.

    Attributes:
        id: what kind of change; ``docs/policies/contracts.md`` has them all.
        operations: where it shows, ``POST /orders``; a schema that many share changes once.
        path: in the document, ``lines[].quantity``; empty for the whole.
        before, after: where it stands; None where it is not there.
    """

    id: str
    level: Level
    message: str
    operations: tuple[str, ...] = ()
    path: str = ""
    before: Spot | None = None
    after: Spot | None = None


def pointer_to(base: str, *keys: str | int) -> str:
    """A JSON pointer further down."""
    return base + "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in keys)


def keys_of(pointer: str) -> list[str]:
    """What a JSON pointer goes through."""
    return [key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")[1:]]
