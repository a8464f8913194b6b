"""The hub's own people: rights that are looked up anew, tokens that end with them, and an audit of both."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from hub.declarations import Catalogue
from hub.identity.people import COMES_BACK, People
from hub.identity.rights import read_lifetime
from hub.store.database import Database
from hub.store.schema import audit, people_tokens
from transactions.accounts import PersonRequest
from transactions.errors import Invalid, NotFound, Refused
from transactions.people import Limits, Permission, Role


async def entries(database: Database) -> list[tuple[str, str, str]]:
    rows = await database.read(lambda c: c.execute(select(audit).order_by(audit.c.seq)).all())
    return [(row.actor, row.action, row.subject) for row in rows]


async def test_somebody_is_added_shown_changed_and_removed(
    people: People, database: Database, catalogue: Catalogue, asked: Any
) -> None:
    person = await people.add(
        asked("ann", "operator", plants=["P02", "P01"], permissions=["reveal"]), catalogue, "root"
    )
    assert (person.roles, person.permissions) == ([Role.OPERATOR], [Permission.REVEAL])
    assert person.limits == Limits(plants=["P01", "P02"])
    assert (person.created_by, person.tokens, person.expires_at) == ("root", 0, None)
    assert people.everybody() == [person]

    changed = await people.add(asked("ann", "viewer", change=True), catalogue, "kim")
    assert (changed.roles, changed.permissions, changed.limits) == ([Role.VIEWER], [], Limits())
    assert changed.created_by == "root"

    gone = await people.remove("ann", "kim")
    assert (gone.name, gone.tokens, gone.note) == ("ann", 0, None)
    assert people.everybody() == []
    with pytest.raises(NotFound, match="nobody of the name 'ann'"):
        people.describe("ann")
    assert await entries(database) == [
        ("root", "person.added", "ann"),
        ("kim", "person.changed", "ann"),
        ("kim", "person.removed", "ann"),
    ]


async def test_the_audit_says_what_rights_were_and_are_and_never_a_token(
    people: People, database: Database, catalogue: Catalogue, asked: Any
) -> None:
    await people.add(asked("ann", "operator", flows=["report"]), catalogue, "root")
    await people.add(asked("ann", "admin", change=True), catalogue, "root")
    issued = await people.give("ann", timedelta(days=1), "root")
    await people.revoke("ann", "root")
    rows = await database.read(lambda c: c.execute(select(audit).order_by(audit.c.seq)).all())
    before, after = (msgspec.json.decode(text) for text in (rows[1].before, rows[1].after))
    assert before["roles"] == ["operator"]
    assert before["limits"]["flows"] == ["report"]
    assert after == {"roles": ["admin"], "permissions": [], "limits": {"plants": None, "flows": None, "risks": None}}
    assert msgspec.json.decode(rows[2].after)["token"] == issued.id
    assert [row.action for row in rows[2:]] == ["person.token", "person.tokens-revoked"]


async def test_a_name_that_is_taken_is_not_taken_over(people: People, catalogue: Catalogue, asked: Any) -> None:
    await people.add(asked("ann", "viewer"), catalogue, "root")
    with pytest.raises(Refused, match=r"'ann' already, as viewer, reaching everything.*--change"):
        await people.add(asked("ann", "admin"), catalogue, "root")
    assert people.describe("ann").roles == [Role.VIEWER]
    with pytest.raises(NotFound, match="nobody of the name 'ben'"):
        await people.add(asked("ben", "admin", change=True), catalogue, "root")
    assert [person.name for person in people.everybody()] == ["ann"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Ann",
        "ann smith",
        "a/b",
        "../x",
        ".ann",
        "-ann",
        "_x",
        "a" * 65,
        "ann\n",
        "änn",
        "ann%00",
        "a\u202eb",
        "ann:x",
    ],
)
async def test_names_that_nobody_can_have(name: str, people: People, catalogue: Catalogue, asked: Any) -> None:
    with pytest.raises(Invalid, match="cannot be a name"):
        await people.add(asked(name, "viewer"), catalogue, "root")


@pytest.mark.parametrize("name", ["bootstrap", "hub", "andon", "system", "simulator", "nobody"])
async def test_names_that_the_hub_keeps(name: str, people: People, catalogue: Catalogue, asked: Any) -> None:
    with pytest.raises(Invalid, match="keeps for itself"):
        await people.add(asked(name, "admin"), catalogue, "root")


@pytest.mark.parametrize("name", ["a", "0", "ann.smith", "mes-p01", "x_1", "a" * 64])
async def test_names_that_one_can_have(name: str, people: People, catalogue: Catalogue, asked: Any) -> None:
    assert (await people.add(asked(name, "viewer"), catalogue, "root")).name == name


@pytest.mark.parametrize(
    ("request_", "said", "meant"),
    [
        ({"roles": ["operatr"]}, "no role 'operatr'. Did you mean operator", ["operator"]),
        ({"roles": ["Admin"]}, "no role 'Admin'. Did you mean admin?", ["admin"]),
        ({"limits": Limits(plants=["p02"])}, "no plant 'p02'. Did you mean P02", None),
        ({"limits": Limits(flows=["reprot"])}, "no flow 'reprot'. Did you mean report", None),
        ({"limits": Limits(risks=["finance"])}, "no risk 'finance'. Did you mean financial", None),
        ({"limits": Limits(plants=["Z9", "P01"])}, "no plant 'Z9'", None),
        ({"permissions": ["users"]}, "no permission 'users'", None),
        ({"permissions": ["breakglass"]}, "Did you mean break-glass", ["break-glass"]),
        ({"roles": []}, "would have no role", None),
    ],
)
async def test_rights_that_there_are_not(
    request_: dict[str, Any], said: str, meant: list[str] | None, people: People, catalogue: Catalogue
) -> None:
    request = PersonRequest(**{"name": "ann", "roles": ["viewer"], **request_})
    with pytest.raises(Invalid) as caught:
        await people.add(request, catalogue, "root")
    assert said in caught.value.detail
    assert "Nothing was changed" in caught.value.detail
    if meant is not None:
        assert caught.value.extra["suggestions"] == meant
    assert people.everybody() == []


async def test_a_later_person_of_the_same_name_does_not_inherit_tokens(
    people: People, database: Database, catalogue: Catalogue, asked: Any
) -> None:
    await people.add(asked("ann", "admin"), catalogue, "root")
    issued = await people.give("ann", timedelta(days=30), "root")
    assert people.roster.tokens[issued.id].name == "ann"
    assert (await people.remove("ann", "root")).tokens == 1
    await people.add(asked("ann", "admin"), catalogue, "root")
    assert people.roster.tokens == {}
    assert await database.read(lambda c: c.execute(select(people_tokens)).all()) == []


async def test_another_process_finds_everything_as_it_was(
    people: People, database: Database, moment: Any, catalogue: Catalogue, asked: Any
) -> None:
    await people.add(asked("ann", "operator", "approver", risks=["low"], permissions=["reveal"]), catalogue, "root")
    await people.give("ann", timedelta(days=1), "root")
    other = People(database, moment)
    await other.load()
    assert other.roster == people.roster


async def test_tokens_are_counted_while_they_last(
    people: People, catalogue: Catalogue, asked: Any, moment: Any
) -> None:
    await people.add(asked("ann", "viewer"), catalogue, "root")
    await people.give("ann", timedelta(hours=1), "root")
    long = await people.give("ann", timedelta(hours=2), "root")
    found = people.describe("ann")
    assert (found.tokens, found.expires_at) == (2, long.expires_at)
    moment.forward(hours=1)
    assert people.describe("ann").tokens == 1
    moment.forward(hours=1)
    assert (people.describe("ann").tokens, people.describe("ann").expires_at) == (0, None)
    await people.give("ann", timedelta(hours=1), "root")
    assert len(people.roster.tokens) == 1  # what has ended is cleared away


async def test_no_token_for_nobody(people: People) -> None:
    for ask in (
        people.give("ann", timedelta(days=1), "root"),
        people.revoke("ann", "root"),
        people.remove("ann", "root"),
    ):
        with pytest.raises(NotFound, match="hub users list"):
            await ask


async def test_the_last_admin_goes_and_is_told_how_one_comes_in_again(
    people: People, catalogue: Catalogue, asked: Any
) -> None:
    await people.add(asked("ann", "admin"), catalogue, "root")
    await people.add(asked("ben", "admin"), catalogue, "root")
    await people.add(asked("kim", "admin", plants=["P01"]), catalogue, "root")  # an admin of one plant runs no hub
    for name in ("ann", "ben", "kim"):
        await people.give(name, timedelta(days=1), "root")
    assert (await people.remove("ann", "ben")).note is None
    assert (await people.revoke("ben", "ben")).note == COMES_BACK
    assert (await people.remove("ben", "kim")).note is None


async def test_a_change_that_nobody_waits_for_any_more_holds_all_the_same(
    people: People, catalogue: Catalogue, asked: Any
) -> None:
    """Who asked may hang up: what was written must not stay unknown to the gate."""
    await people.add(asked("ann", "admin"), catalogue, "root")
    known = asyncio.Event()
    people.on_change(lambda _roster: known.set())
    asking = asyncio.create_task(people.remove("ann", "root"))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    async with asyncio.timeout(30):
        await known.wait()
    assert people.everybody() == []


async def test_changes_at_the_same_moment_end_as_they_are_stored(
    people: People, database: Database, moment: Any, catalogue: Catalogue, asked: Any
) -> None:
    await people.add(asked("ann", "viewer"), catalogue, "root")
    roles = ["viewer", "operator", "approver", "admin"] * 10
    await asyncio.gather(*(people.add(asked("ann", role, change=True), catalogue, "root") for role in roles))
    await asyncio.gather(*(people.add(asked(f"p{n}", "viewer"), catalogue, "root") for n in range(20)))
    stored = People(database, moment)
    await stored.load()
    assert stored.roster == people.roster
    assert len(people.everybody()) == 21


async def test_an_older_answer_does_not_undo_a_newer_one(people: People, catalogue: Catalogue, asked: Any) -> None:
    """Somebody who was removed must not come back because two answers overtook each other."""
    await people.add(asked("ann", "admin"), catalogue, "root")
    before = people.roster
    await people.remove("ann", "root")
    people._take(1, before)
    assert people.everybody() == []


@pytest.mark.parametrize(("text", "days"), [(None, 30.0), ("12h", 0.5), ("365d", 365.0), ("1m", 1 / 1440)])
def test_how_long_a_token_lives(text: str | None, days: float) -> None:
    assert read_lifetime(text) == timedelta(days=days)


@pytest.mark.parametrize("text", ["366d", "59s", "0s", "", "soon", "-1d", "9" * 400 + "d", "1e9d"])
def test_lives_that_no_token_has(text: str) -> None:
    with pytest.raises(Invalid, match="No token was given"):
        read_lifetime(text)
