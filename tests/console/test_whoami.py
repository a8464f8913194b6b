"""Who one is, when the token ends, and what is said when the platform takes it no more."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from console_doubles import NOW, FixedClock, MemorySource, context, who

from console.app import AndonApp
from console.screens.board import BoardScreen
from console.screens.whoami import WhoamiScreen
from platforms.bearer import Fixed
from platforms.events import Connection, ConnectionState
from transactions.errors import Forbidden, Unauthenticated
from transactions.people import Limits, Permission, Role

EXPIRED = Unauthenticated("The access token has expired. Sign in again with 'andon login'.")


async def open_page(app, pilot, until) -> WhoamiScreen:
    app.obey("whoami")
    await until(pilot, lambda: isinstance(app.screen, WhoamiScreen) and app.screen.fetched_at is not None)
    await pilot.pause()
    return app.screen


@pytest.mark.parametrize("size", [(80, 60), (120, 60)], ids=["80", "120"])
async def test_who_what_how_far_and_how_long_are_on_one_page(make_app, until, shown, size) -> None:
    source = MemorySource()
    source.me = who(
        Role.OPERATOR,
        name="Shift Lead",
        subject="9f3c",
        granted=(Permission.BREAK_GLASS,),
        limits=Limits(plants=["P03"], risks=["low", "operational"]),
        expires_at=NOW + timedelta(hours=3),
    )
    source.me = msgspec.structs.replace(source.me, kind="federated", issuer="https://idp.example")
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        await open_page(app, pilot, until)
        words = " ".join(shown(app).split())
        for said in (
            "Shift Lead somebody an identity provider vouches for",
            "subject 9f3c",
            "roles operator",
            "reach plant P03, risk low or operational",
            "issuer https://idp.example",
            "token from a test",
            "in 3h (2026-11-20 05:41 UTC)",
            "✓ make plans, run them, and cancel what runs",
            "✓ run a plan without the second person it wants, with a review afterwards",
            "· approve or reject what somebody else asks for",
        ):
            assert said in words
        assert "· deliver business documents" not in words, "no person misses that"
        await pilot.press("y")
        assert app.clipboard == "9f3c"


async def test_a_token_without_an_end_and_rights_without_limits_say_so(make_app, until, shown) -> None:
    source = MemorySource()
    source.me = who(Role.ADMIN)
    app = make_app(source, read_only=True)
    async with app.run_test(size=(120, 60)) as pilot:
        await open_page(app, pilot, until)
        assert "reach     everything" in shown(app)
        assert "ends      not by itself" in shown(app)
        assert "may not" not in shown(app)
        assert "this session is read-only" in shown(app)


async def test_somebody_without_rights_is_told_so(make_app, until, shown) -> None:
    source = MemorySource()
    source.me = who()
    app = make_app(source)
    async with app.run_test(size=(120, 60)) as pilot:
        await open_page(app, pilot, until)
        assert "roles     none" in shown(app)
        assert "may nothing" in shown(app)


async def test_without_an_answer_it_says_so(make_app, until, shown) -> None:
    source = MemorySource()
    source.lose()
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        app.obey("whoami")
        await until(pilot, lambda: isinstance(app.screen, WhoamiScreen) and "No answer from" in shown(app))
        await until(pilot, lambda: "loading" not in shown(app))
        await pilot.press("y")


async def test_names_steer_no_terminal(make_app, until, shown) -> None:
    source = MemorySource()
    source.me = msgspec.structs.replace(
        who(Role.OPERATOR, name="Ann\x1b[2J", limits=Limits(plants=["P\x07"])), issuer="https://\x9bx", kind="\x1bc"
    )
    app = make_app(source)
    async with app.run_test(size=(120, 60)) as pilot:
        await open_page(app, pilot, until)
        page = shown(app).replace("\n", "")
        assert not any(ord(sign) < 32 or 0x7F <= ord(sign) < 0xA0 for sign in page)


async def test_the_bar_names_the_person_and_how_far_the_rights_reach(make_app, until, shown) -> None:
    source = MemorySource()
    source.me = who(Role.OPERATOR, Role.APPROVER, name="Shift Lead", limits=Limits(plants=["P03"]))
    app = make_app(source)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "Shift Lead · approver +1 · P03 only" in shown(app).splitlines()[0])
        await pilot.click("TopBar", offset=(shown(app).index("Shift Lead"), 0))
        await until(pilot, lambda: isinstance(app.screen, WhoamiScreen))


# The end of the token


async def test_a_token_that_ends_soon_is_announced_and_stays_in_the_bar(make_app, until, shown) -> None:
    source = MemorySource()
    source.me = who(Role.OPERATOR, expires_at=NOW + timedelta(minutes=12))
    app = make_app(source)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "ann · operator" in shown(app))
        assert "ends in" not in shown(app)
        app.clock.moment += timedelta(minutes=3)
        app._tick()
        await until(pilot, lambda: "▲ sign-in ends in 9m" in shown(app) and "Your token ends in 9m" in shown(app))
        app._tick()
        await pilot.pause()
        told = [one for one in app._notifications if "Your token ends in 9m" in one.message]
        assert len(told) == 1
        assert "run 'andon login', and begin again" in told[0].message


async def test_in_a_narrow_bar_it_is_short(make_app, until, shown) -> None:
    source = MemorySource()
    source.me = who(Role.OPERATOR, expires_at=NOW + timedelta(minutes=9))
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "▲ 9m left" in shown(app).splitlines()[0])


async def test_after_its_end_the_platform_is_asked_who_one_is_now(make_app, until, shown) -> None:
    source = MemorySource()
    source.me = who(Role.OPERATOR, expires_at=NOW + timedelta(minutes=5))
    app = make_app(source)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "sign-in ends in 5m" in shown(app))
        source.me = who(Role.OPERATOR, expires_at=NOW + timedelta(hours=5))
        app.clock.moment += timedelta(minutes=6)
        app._tick()
        await until(pilot, lambda: "sign-in ends" not in shown(app).splitlines()[0])


# Signed out


@pytest.mark.parametrize("production", [False, True], ids=["elsewhere", "production"])
async def test_a_refused_token_is_said_above_everything_and_what_was_known_stays(
    make_app, until, shown, production: bool
) -> None:
    source = MemorySource()
    app = make_app(source, production=production)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "shipment release" in shown(app))
        source.fail = EXPIRED
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "SIGNED OUT" in shown(app))
        lines = shown(app).splitlines()
        assert "SIGNED OUT" in lines[2 if production else 1]
        assert "PRODUCTION" in lines[1] or not production, "neither hides the other"
        assert "shipment release" in shown(app)
        await pilot.press("f")
        await until(pilot, lambda: "board ▸ failed" in shown(app) and "SIGNED OUT" in shown(app))
        source.fail = None
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "SIGNED OUT" not in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen) and "SIGNED OUT" not in shown(app))


async def test_where_a_new_sign_in_is_taken_up_it_says_how(until, shown) -> None:
    source = MemorySource()
    place = msgspec.structs.replace(context(), tokens=Fixed("t"))
    app = AndonApp(place, source, clock=FixedClock())
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "shipment release" in shown(app))
        source.fail = EXPIRED
        await pilot.press("ctrl+r")
        said = "SIGNED OUT   Run 'andon login' in another terminal; the console takes it up by itself."
        await until(pilot, lambda: said in shown(app))


async def test_no_answer_and_not_allowed_are_not_called_signed_out(make_app, until, shown) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "shipment release" in shown(app))
        source.fail = Forbidden("You may not see the board.")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "You may not see the board" in shown(app))
        assert "SIGNED OUT" not in shown(app)


async def test_whoever_signs_in_again_need_not_be_the_same_person(make_app, until, shown, monkeypatch) -> None:
    from console import app as console_app

    monkeypatch.setattr(console_app, "STREAM_AGAIN_SECONDS", 0.05)
    source = MemorySource()
    events = source.events

    async def refused():
        raise EXPIRED
        yield Connection(state=ConnectionState.LIVE)

    app = make_app(source)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "ann · operator" in shown(app))
        source.fail, source.events = EXPIRED, refused
        app.follow()
        await until(pilot, lambda: "SIGNED OUT" in shown(app) and "■ refused" in shown(app))
        assert not app._notifications, "the line above says it"
        source.me = who(Role.VIEWER, subject="ben")
        source.fail, source.events = None, events
        source.heal()
        await until(pilot, lambda: "ben · viewer" in shown(app) and "SIGNED OUT" not in shown(app))
