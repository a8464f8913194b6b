"""The hub's own people, where no identity provider names them: as the admin API shows and takes them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from transactions.people import Limits, Permission, Role

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
RESERVED = frozenset({"bootstrap", "hub", "andon", "system", "systems", "simulator", "anonymous", "nobody"})
"""Subjects that the hub uses itself, or that would read as nobody in the audit chain."""

LIFETIME = timedelta(days=30)
"""Of a token, unless told."""
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=365)


class Person(Struct, frozen=True, kw_only=True):
    """Somebody, or a source system, of the hub's own.

    Attributes:
        permissions: given besides those of the roles.
        tokens: how many are usable now.
        expires_at: when the last of these ends; None where there is none.
    """

    name: str
    roles: list[Role]
    permissions: list[Permission]
    limits: Limits
    created_at: datetime
    created_by: str
    tokens: int
    expires_at: datetime | None


class PersonRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to add, with which rights.

    Attributes:
        roles: names of roles, at least one.
        permissions: ``reveal`` or ``break-glass``, besides those of the roles.
        change: replace the rights of somebody who is there already.
    """

    name: str
    roles: list[str]
    permissions: list[str] = msgspec.field(default_factory=list)
    limits: Limits = Limits()
    change: bool = False


class TokenRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``expires_in`` is a duration like ``12h`` or ``30d``, from a minute to a year; 30 days unless told."""

    expires_in: str | None = None


class GivenToken(Struct, frozen=True, kw_only=True):
    """A token, shown once: the hub keeps its id only."""

    name: str
    id: str
    token: str
    issued_at: datetime
    expires_at: datetime


class Departure(Struct, frozen=True, kw_only=True):
    """What the removal of somebody, or of somebody's tokens, came to.

    Attributes:
        tokens: how many usable tokens ended with it.
        note: what to know now; None where there is nothing to say.
    """

    name: str
    tokens: int
    note: str | None = None
