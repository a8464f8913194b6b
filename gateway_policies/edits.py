"""Changes to what policies say, by address: what a person would do in the file, named without the file."""

from __future__ import annotations

from datetime import date
from typing import TypeAlias

from msgspec import Struct

Said: TypeAlias = str | int | bool | date | tuple[str, ...]
"""What a field can be set to."""


class SetField(Struct, frozen=True, order=True):
    """Say something else in a field, or say it at all.

    Attributes:
        address: as ``Places.of`` takes it.
        field: likewise.
    """

    address: str
    field: str
    value: Said


class Remove(Struct, frozen=True, order=True):
    """Take out a resource, or one of its fields where ``field`` is given."""

    address: str
    field: str | None = None


Edit: TypeAlias = SetField | Remove
