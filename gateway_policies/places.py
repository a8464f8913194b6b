"""Where something is said: a file of the policies, a line, a column."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct


class Place(Struct, frozen=True, order=True):
    """A place in a file.

    Attributes:
        file: below the folder of the policies, with ``/``.
        line, column: from 1; a column counts characters.
    """

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        """``consumers/mes-p03.toml:12:3``, as editors and terminals follow it."""
        return f"{self.file}:{self.line}:{self.column}"


class Places(Protocol):
    """Where the policies say what they say. A file is only searched when somebody asks about it."""

    def of(self, address: str, field: str | None = None) -> Place | None:
        """Where a resource, or one of its fields, is said; of several files the one that has the last word.

        Args:
            address: a resource's; or ``gateway``, ``lint``, ``drift`` and ``suppress[N]`` of ``andon.toml`` (N from 0,
                in the order of ``PolicySet.suppressions``).
            field: as the model names it, with dots into what it holds: ``throttle``, ``credential.expires_on``,
                ``operations[POST /{order}/release].scope`` (by the operation's key), ``brownouts[0].until``; None
                for where the resource itself begins. A field that is not said, since it has its default, is where the
                resource begins.

        Returns:
            None for what no file says.
        """
        ...


class Nowhere:
    """The places of policies that were made without files."""

    def of(self, address: str, field: str | None = None) -> Place | None:
        """None, always."""
        return None
