"""The hub's own people: in the store, and in memory so that rights are looked up anew at every request.

Every change is written, with its entry in the audit chain, before it is answered, and holds from the next request on.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, select

from hub.declarations import Catalogue
from hub.identity.rights import check_name, read_rights
from hub.ids import new_id
from hub.store.database import Database
from hub.store.journal import journal
from hub.store.schema import people, people_tokens
from transactions.accounts import Departure, Person, PersonRequest
from transactions.clock import Clock, from_micros, to_micros
from transactions.errors import NotFound, Refused
from transactions.people import Limits, Permission, Role

T = TypeVar("T")

COMES_BACK = (
    "No admin with a usable token is left. From its next start on, the hub writes bootstrap.token into its data folder "
    "again, and accepts it."
)


class Account(Struct, frozen=True, kw_only=True):
    """Somebody, with the rights of this moment."""

    name: str
    roles: tuple[Role, ...]
    granted: frozenset[Permission]
    limits: Limits
    created_at: datetime
    created_by: str

    @property
    def runs_the_hub(self) -> bool:
        """Whether this is an admin over everything."""
        return Role.ADMIN in self.roles and self.limits.unlimited


class Issued(Struct, frozen=True, kw_only=True):
    """A token that was given."""

    id: str
    name: str
    issued_at: datetime
    expires_at: datetime


class Roster(Struct, frozen=True):
    """Everybody, and every token, at one moment."""

    people: dict[str, Account]
    tokens: dict[str, Issued]

    def live(self, name: str, now: datetime) -> list[Issued]:
        """Somebody's usable tokens."""
        return [token for token in self.tokens.values() if token.name == name and token.expires_at > now]

    def admin(self, now: datetime) -> str | None:
        """Somebody who can run the hub: an admin over everything with a usable token."""
        return next(
            (
                token.name
                for token in self.tokens.values()
                if token.expires_at > now and self.people[token.name].runs_the_hub
            ),
            None,
        )


class People:
    """Adds, changes and removes people, and keeps count of their tokens."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self.roster = Roster({}, {})
        self._order = itertools.count(1)
        self._newest = 0
        self._changed: list[Callable[[Roster], None]] = []

    def on_change(self, callback: Callable[[Roster], None]) -> None:
        """Call ``callback`` whenever somebody, or a token, came or went."""
        self._changed.append(callback)

    async def load(self) -> None:
        """Read everybody from the store."""
        self._take(0, await self._database.read(_roster))

    def describe(self, name: str) -> Person:
        """Somebody, for the admin API.

        Raises:
            NotFound: there is nobody of that name.
        """
        return _person(self._one(name), self.roster, self._clock.now())

    def everybody(self) -> list[Person]:
        """All of them, by name."""
        now = self._clock.now()
        return [_person(self.roster.people[name], self.roster, now) for name in sorted(self.roster.people)]

    async def add(self, asked: PersonRequest, catalogue: Catalogue, by: str) -> Person:
        """Add somebody; with ``asked.change`` replace the rights of somebody who is there.

        Args:
            catalogue: the plants and flows that limits may name.
            by: who adds them, for the audit chain.

        Raises:
            Invalid: see :func:`hub.identity.rights.read_rights`.
            Refused: the name is taken, and no change was asked for.
            NotFound: a change was asked for, and there is nobody.
        """
        roles, granted, limits = read_rights(asked, catalogue)
        now = self._clock.now()

        def write(connection: Connection) -> None:
            before = _stored(connection, asked.name)
            if before is not None and not asked.change:
                raise Refused(
                    f"There is {asked.name!r} already, as {', '.join(before.roles)}, reaching "
                    f"{before.limits.describe()}. Nothing was changed. To replace these rights: "
                    f"'andon hub users add {asked.name} --change' with all that should hold from now on."
                )
            if before is None and asked.change:
                raise _nobody(asked.name)
            after = Account(
                name=asked.name,
                roles=roles,
                granted=granted,
                limits=limits,
                created_at=now if before is None else before.created_at,
                created_by=by if before is None else before.created_by,
            )
            if before is not None:
                connection.execute(people.delete().where(people.c.name == asked.name))
            connection.execute(people.insert(), _row(after))
            action = "person.added" if before is None else "person.changed"
            told = None if before is None else _told(before)
            journal(connection).effect(now, by, action, asked.name, None, told, _told(after))

        await self._change(write)
        return self.describe(asked.name)

    async def remove(self, name: str, by: str) -> Departure:
        """Remove somebody, with every token: a later person of that name does not come into them.

        Raises:
            NotFound: there is nobody of that name.
        """
        now = self._clock.now()
        had_admin = self.roster.admin(now) is not None

        def write(connection: Connection) -> int:
            before = _stored(connection, name)
            if before is None:
                raise _nobody(name)
            ended = _end_tokens(connection, name, now)
            connection.execute(people.delete().where(people.c.name == name))
            journal(connection).effect(now, by, "person.removed", name, None, _told(before), None)
            return ended

        ended = await self._change(write)
        return Departure(name=name, tokens=ended, note=self._note(had_admin, now))

    async def give(self, name: str, lifetime: timedelta, by: str) -> Issued:
        """Write down a new token of somebody's. It is made, and signed, from what is returned.

        Raises:
            NotFound: there is nobody of that name.
        """
        moment = self._clock.now()
        now = moment.replace(microsecond=0)  # a token knows whole seconds
        issued = Issued(id=new_id(now), name=name, issued_at=now, expires_at=now + lifetime)

        def write(connection: Connection) -> None:
            if _stored(connection, name) is None:
                raise _nobody(name)
            connection.execute(people_tokens.delete().where(people_tokens.c.expires_at <= to_micros(now)))
            connection.execute(
                people_tokens.insert(),
                {
                    "id": issued.id,
                    "name": name,
                    "issued_at": to_micros(moment),
                    "issued_by": by,
                    "expires_at": to_micros(issued.expires_at),
                },
            )
            told = {"token": issued.id, "expires_at": issued.expires_at}
            journal(connection).effect(now, by, "person.token", name, None, None, told)

        await self._change(write)
        return issued

    async def revoke(self, name: str, by: str) -> Departure:
        """End every token of somebody's, who keeps the rights.

        Raises:
            NotFound: there is nobody of that name.
        """
        now = self._clock.now()
        had_admin = self.roster.admin(now) is not None

        def write(connection: Connection) -> int:
            if _stored(connection, name) is None:
                raise _nobody(name)
            ended = _end_tokens(connection, name, now)
            journal(connection).effect(now, by, "person.tokens-revoked", name, None, {"tokens": ended}, {"tokens": 0})
            return ended

        ended = await self._change(write)
        return Departure(name=name, tokens=ended, note=self._note(had_admin, now))

    def _note(self, had_admin: bool, now: datetime) -> str | None:
        return COMES_BACK if had_admin and self.roster.admin(now) is None else None

    def _one(self, name: str) -> Account:
        found = self.roster.people.get(name)
        if found is None:
            raise _nobody(name)
        return found

    async def _change(self, job: Callable[[Connection], T]) -> T:
        """Write, and know of it from then on, also when whoever asked has gone away meanwhile."""

        def write(connection: Connection) -> tuple[T, int, Roster]:
            answer = job(connection)
            return answer, next(self._order), _roster(connection)

        async def through() -> T:
            answer, order, roster = await self._database.write(write)
            self._take(order, roster)
            return answer

        return await asyncio.shield(asyncio.create_task(through(), name="andon-people"))

    def _take(self, order: int, roster: Roster) -> None:
        if order < self._newest:  # a later write was told of first
            return
        self._newest, self.roster = order, roster
        for callback in self._changed:
            callback(roster)


def _nobody(name: str) -> NotFound:
    check_name(name)
    return NotFound(f"There is nobody of the name {name!r}. Nothing was changed. See 'andon hub users list'.")


def _roster(connection: Connection) -> Roster:
    found = {row.name: _account(row) for row in connection.execute(select(people))}
    tokens = {
        row.id: Issued(
            id=row.id, name=row.name, issued_at=from_micros(row.issued_at), expires_at=from_micros(row.expires_at)
        )
        for row in connection.execute(select(people_tokens))
        if row.name in found
    }
    return Roster(found, tokens)


def _stored(connection: Connection, name: str) -> Account | None:
    row = connection.execute(select(people).where(people.c.name == name)).first()
    return None if row is None else _account(row)


def _end_tokens(connection: Connection, name: str, now: datetime) -> int:
    usable = people_tokens.c.expires_at > to_micros(now)
    mine = people_tokens.c.name == name
    ended = len(connection.execute(select(people_tokens.c.id).where(mine, usable)).all())
    connection.execute(people_tokens.delete().where(mine))
    return ended


def _account(row: object) -> Account:
    stored = msgspec.convert(row, _Stored, from_attributes=True)
    return Account(
        name=stored.name,
        roles=msgspec.json.decode(stored.roles, type=tuple[Role, ...]),
        granted=msgspec.json.decode(stored.granted, type=frozenset[Permission]),
        limits=msgspec.json.decode(stored.limits, type=Limits),
        created_at=from_micros(stored.created_at),
        created_by=stored.created_by,
    )


class _Stored(Struct, frozen=True):
    name: str
    roles: str
    granted: str
    limits: str
    created_at: int
    created_by: str


def _row(account: Account) -> dict[str, object]:
    return {
        "name": account.name,
        "roles": msgspec.json.encode(account.roles).decode(),
        "granted": msgspec.json.encode(sorted(account.granted)).decode(),
        "limits": msgspec.json.encode(account.limits).decode(),
        "created_at": to_micros(account.created_at),
        "created_by": account.created_by,
    }


def _told(account: Account) -> dict[str, object]:
    """Rights as the audit chain keeps them."""
    return {
        "roles": list(account.roles),
        "permissions": sorted(account.granted),
        "limits": msgspec.to_builtins(account.limits),
    }


def _person(account: Account, roster: Roster, now: datetime) -> Person:
    live = roster.live(account.name, now)
    return Person(
        name=account.name,
        roles=list(account.roles),
        permissions=sorted(account.granted),
        limits=account.limits,
        created_at=account.created_at,
        created_by=account.created_by,
        tokens=len(live),
        expires_at=max((token.expires_at for token in live), default=None),
    )
