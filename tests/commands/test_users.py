"""``andon hub users``: on a hub of its own, from the first admin to the last; and how things are worded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from commands.exits import Exit
from transactions.accounts import Departure, Person
from transactions.people import Limits, Role

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def people_hub(hub_factory: Callable[..., Any]) -> Any:
    return hub_factory()


@pytest.fixture
def run(people_hub: Any) -> Callable[..., Any]:
    def andon(*arguments: str, token: str | None = None, code: int = 0) -> Any:
        ran = subprocess.run(
            [sys.executable, "-m", "commands", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env={**os.environ, **people_hub.env, "ANDON_TOKEN": token or people_hub.token},
            timeout=90,
            check=False,
        )
        assert "Traceback" not in ran.stderr, ran.stderr
        assert ran.returncode == code, ran.stderr
        return ran

    return andon


def words(text: str) -> str:
    return " ".join(text.split())


def test_from_the_first_admin_to_the_last(run: Callable[..., Any], people_hub: Any) -> None:
    assert "no people of its own yet" in run("hub", "users", "list").stdout
    assert json.loads(run("hub", "users", "list", "-o", "json").stdout) == {"items": [], "next_cursor": None}

    added = run("hub", "users", "add", "ann", "--role", "admin")
    assert added.stdout == "ann: admin; reaches everything.\n"
    assert "andon hub users token ann" in added.stderr
    given = run("hub", "users", "token", "ann", "-o", "json")
    ann = json.loads(given.stdout)["token"]
    life = datetime.fromisoformat(json.loads(given.stdout)["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=29, hours=23) < life <= timedelta(days=30)
    assert "not shown again" in given.stderr
    assert ann not in given.stderr

    # Now the hub has an admin: the token of its folder is no use, and is not there any more.
    off = run("whoami", code=Exit.NOT_ALLOWED)
    assert "an admin of its own, ann" in words(off.stderr)
    assert not (people_hub.data / "bootstrap.token").exists()

    def as_ann(*arguments: str, code: int = 0) -> Any:
        return run("hub", "users", *arguments, token=ann, code=code)

    limits = ("--plant", "P01", "--plant", "P02", "--flow", "material-consumption", "--risk", "financial")
    source = json.loads(as_ann("add", "mes-p01", "--role", "source", *limits, "-o", "json").stdout)
    assert source["limits"] == {"plants": ["P01", "P02"], "flows": ["material-consumption"], "risks": ["financial"]}
    as_ann("add", "kim", "--role", "operator", "--role", "approver", "--permission", "reveal")
    assert as_ann("list", "-o", "id").stdout.split() == ["ann", "kim", "mes-p01"]
    table = as_ann("list").stdout
    assert "approver, operator, +reveal" in table
    assert "plant P01 or P02, flow material-consumption, risk financial" in table

    kim = as_ann("token", "kim", "--expires", "12h").stdout.strip()
    who = json.loads(run("whoami", "-o", "json", token=kim).stdout)
    assert (who["subject"], who["roles"]) == ("kim", ["approver", "operator"])
    refused = run("hub", "users", "list", token=kim, code=Exit.NOT_ALLOWED)
    assert "'users'" in refused.stderr

    taken = as_ann("add", "kim", "--role", "viewer", code=Exit.REFUSED)
    assert "--change" in taken.stderr
    as_ann("add", "kim", "--role", "viewer", "--change")
    assert json.loads(run("whoami", "-o", "json", token=kim).stdout)["roles"] == ["viewer"]

    assert as_ann("token", "kim", "--revoke").stdout == "kim: 1 token ended.\n"
    run("whoami", token=kim, code=Exit.NOT_ALLOWED)
    assert as_ann("remove", "kim").stdout == "Removed kim; there was no usable token.\n"
    assert "hub users list" in as_ann("remove", "kim", code=Exit.NOT_FOUND).stderr

    # A restart changes nothing: tokens and people are kept, and the folder has no token.
    assert people_hub.stop() == 0
    people_hub.start()
    assert people_hub.token == ""
    assert as_ann("list", "-o", "id").stdout.split() == ["ann", "mes-p01"]

    last = as_ann("remove", "ann")
    assert "next start" in last.stderr
    run("whoami", token=ann, code=Exit.NOT_ALLOWED)
    assert people_hub.stop() == 0
    people_hub.start()
    assert json.loads(run("whoami", "-o", "json").stdout)["kind"] == "bootstrap"
    history = json.loads(run("audit", "list", "-o", "json", "--all").stdout)["items"]
    assert [(entry["actor"], entry["action"]) for entry in reversed(history)][:3] == [
        ("bootstrap", "person.added"),
        ("bootstrap", "person.token"),
        ("ann", "person.added"),
    ]
    assert ann not in json.dumps(history)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("add", "bo"), Exit.USAGE, "--role operator"),
        (("add", "bo", "--role", "operatr"), Exit.REFUSED, "Did you mean operator"),
        (("add", "bo", "--role", "viewer", "--plant", "p01"), Exit.REFUSED, "Did you mean P01?"),
        (("add", "bo", "--role", "viewer", "--flow", "material"), Exit.REFUSED, "no flow 'material'"),
        (("add", "bo", "--role", "viewer", "--risk", "high"), Exit.REFUSED, "no risk 'high'"),
        (("add", "bo", "--role", "viewer", "--permission", "act"), Exit.REFUSED, "no permission 'act'"),
        (("add", "Bo", "--role", "viewer"), Exit.REFUSED, "cannot be a name"),
        (("add", "bootstrap", "--role", "viewer"), Exit.REFUSED, "keeps for itself"),
        (("add", "bo", "--role", "viewer", "--change"), Exit.NOT_FOUND, "nobody of the name 'bo'"),
        (("token", "bo"), Exit.NOT_FOUND, "nobody of the name 'bo'"),
        (("token", "bo", "--expires", "400d"), Exit.REFUSED, "from a minute to 365d"),
        (("token", "bo", "--expires", "1d", "--revoke"), Exit.USAGE, "Leave one of them out"),
        (("token", "../token"), Exit.NOT_FOUND, "no name looks like that"),
        (("remove", "a/b"), Exit.NOT_FOUND, "no name looks like that"),
        (("remove", ""), Exit.NOT_FOUND, "no name looks like that"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_done(
    arguments: tuple[str, ...], code: Exit, said: str, hub: Any
) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "commands", "hub", "users", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, **hub.env},
        timeout=90,
        check=False,
    )
    assert ran.returncode == code, ran.stderr
    assert ran.stdout == ""
    assert said in words(ran.stderr)


def test_the_token_alone_is_on_stdout(andon: Callable[..., Any], platform: Any) -> None:
    platform.stock()
    ran = andon("hub", "users", "token", "kim")
    assert (ran.code, ran.out) == (0, "secret\n")
    assert "secret" not in ran.err
    ran = andon("hub", "users", "token", "kim", "--quiet")
    assert (ran.out, ran.err) == ("secret\n", "")


def test_read_only_changes_nobody(andon: Callable[..., Any], platform: Any) -> None:
    platform.stock()
    for line in ("add kim --role viewer", "remove kim", "token kim", "token kim --revoke"):
        ran = andon("--read-only", "hub", "users", *line.split())
        assert ran.code == Exit.REFUSED
        assert ran.out == ""
    assert platform.sent("POST") == platform.sent("DELETE") == []


def test_what_is_asked(andon: Callable[..., Any], platform: Any) -> None:
    platform.stock()
    andon("hub", "users", "add", "kim", "--role", "viewer", "--role", "approver", "--risk", "low", "--change")
    (asked,) = [each for each in platform.asked if each.method == "POST"]
    assert json.loads(asked.body) == {
        "name": "kim",
        "roles": ["viewer", "approver"],
        "permissions": [],
        "limits": {"plants": None, "flows": None, "risks": ["low"]},
        "change": True,
    }
    andon("hub", "users", "token", "kim", "--expires", "2h")
    assert json.loads(platform.asked[-1].body) == {"expires_in": "2h"}


def test_notes_of_the_hub_are_told(andon: Callable[..., Any], platform: Any) -> None:
    platform.stock()
    platform.on("DELETE", "users/kim", Departure(name="kim", tokens=0, note="No admin is left."))
    platform.on("DELETE", "users/kim/token", Departure(name="kim", tokens=3, note="No admin is left."))
    for line in ("remove kim", "token kim --revoke"):
        ran = andon("hub", "users", *line.split())
        assert "No admin is left." in ran.err
        assert "No admin is left." not in ran.out
    assert "3 tokens ended" in ran.out


def test_names_that_would_write_to_the_terminal(andon: Callable[..., Any], platform: Any) -> None:
    platform.stock()
    odd = Person(
        name="kim\x1b[2J",
        roles=[Role.VIEWER],
        permissions=[],
        limits=Limits(plants=["P\x1b]0;x\x07"]),
        created_at=NOW,
        created_by="\x1b[31mann",
        tokens=0,
        expires_at=None,
    )
    platform.on("POST", "users", odd)
    platform.on("GET", "users", platform.page(odd))
    for line in ("add kim --role viewer", "list"):
        ran = andon("hub", "users", *line.split())
        assert ran.code == 0
        assert "\x1b" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("what", "begun", "offered"),
    [
        ("roles", "policy", ["policy-author", "policy-admin"]),
        ("risks", "f", ["financial"]),
        ("grantable", "", ["break-glass", "reveal"]),
    ],
)
def test_what_the_shell_offers(what: str, begun: str, offered: list[str]) -> None:
    from commands import completing

    assert getattr(completing, what)(begun) == offered
