"""Keys follow rights: what somebody may not do is in neither footer nor help, and its key says why."""

from __future__ import annotations

from typing import Any

import pytest
from console_doubles import MemorySource, who
from textual.widgets._footer import FooterKey

from console.screens.help import keys_of
from transactions.people import Role

ACTING = {
    "failed": {"replay", "edit", "discard", "compensate", "correct", "resolve", "take", "note", "restore"},
    "transaction tx-00000003-7f3a9c": {"replay", "edit", "discard", "compensate", "correct", "resolve", "take", "note"},
    "systems": {"hold", "release"},
    "reconcile": {"reopen lost"},
}
KEYS = {"failed": "r", "transaction tx-00000003-7f3a9c": "D", "systems": "h", "reconcile": "R"}


def offered(app: Any) -> set[str]:
    """What the help would list."""
    return {description for _, keys in keys_of(app.screen) for _, description in keys}


def in_footer(app: Any) -> set[str]:
    return {key.description for key in app.screen.query(FooterKey) if key.display}


async def opened(app: Any, pilot: Any, until: Any, page: str) -> None:
    await until(pilot, lambda: app.session.who is not None)
    app.obey(page)
    await until(pilot, lambda: app.screen.is_mounted and app.screen.fetched_at is not None)


@pytest.mark.parametrize("page", ACTING)
@pytest.mark.parametrize("read_only", [False, True])
async def test_who_may_not_act_is_offered_nothing_that_acts(make_app, until, shown, page, read_only) -> None:
    source = MemorySource()
    source.me = who(Role.OPERATOR if read_only else Role.VIEWER)
    app = make_app(source, read_only=read_only)
    async with app.run_test(size=(120, 30)) as pilot:
        await opened(app, pilot, until, page)
        assert not ACTING[page] & offered(app)
        await until(pilot, lambda: in_footer(app) and not ACTING[page] & in_footer(app))
        await pilot.press(KEYS[page])
        wanted = "This session is read-only" if read_only else "ann is signed in with the role viewer and may not"
        await until(pilot, lambda: wanted in shown(app))
        assert source.requests == []


@pytest.mark.parametrize("page", ACTING)
async def test_who_may_act_is_offered_it(make_app, until, page) -> None:
    app = make_app(MemorySource())
    async with app.run_test(size=(120, 30)) as pilot:
        await opened(app, pilot, until, page)
        assert ACTING[page] <= offered(app)


async def test_an_approver_decides_and_does_not_act(make_app, until, shown) -> None:
    source = MemorySource()
    source.me = who(Role.APPROVER)
    await source.asked_by("kim")
    app = make_app(source)
    async with app.run_test(size=(120, 30)) as pilot:
        await opened(app, pilot, until, "approvals")
        assert {"approve", "reject"} <= offered(app)
        app.obey("failed")
        await until(pilot, lambda: app.screen.query("TransactionTable") and app.screen.fetched_at is not None)
        acts = "act" in app.session.who.permissions
        assert bool(ACTING["failed"] & offered(app)) is acts


async def test_an_operator_is_not_offered_to_decide(make_app, until, shown) -> None:
    source = MemorySource()
    await source.asked_by("kim")
    app = make_app(source)
    async with app.run_test(size=(120, 30)) as pilot:
        await opened(app, pilot, until, "approvals")
        assert not {"approve", "reject"} & offered(app)
        await pilot.press("a")
        await until(pilot, lambda: "may not approve or reject" in " ".join(shown(app).split()))
