"""The page of systems: trouble first, holds by hand, and what is behind a row."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from console_doubles import NOW, MemorySource, make_system

from console.screens.failed import FailedScreen
from console.screens.plan import PlanScreen
from console.screens.systems import SystemsScreen
from transactions.landscape import Health, Hold
from transactions.plans import Action


def hold(name: str = "hold-1", **place: str | None) -> Hold:
    where = {"target": None, "plant": None, "flow": None} | place
    return Hold(id=name, reason="stocktaking", placed_by="ann", placed_at=NOW - timedelta(hours=2), held=1200, **where)


async def open_systems(app, pilot, until) -> SystemsScreen:
    await pilot.press("s")
    await until(pilot, lambda: isinstance(app.screen, SystemsScreen) and app.screen.fetched_at is not None)
    await pilot.pause()
    return app.screen


async def test_what_needs_a_hand_comes_first(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 30)) as pilot:
        await open_systems(app, pilot, until)
        page = shown(app)
        places = [page.index(word) for word in ("■ down", "▲ warning", "● ok", "○ idle")]
        assert places == sorted(places)
        assert "429 quota of mes-p03" in page


@pytest.mark.parametrize("width", [80, 100, 132])
async def test_health_breaker_and_counts_show_at_every_width(make_app, until, shown, width: int) -> None:
    app = make_app()
    async with app.run_test(size=(width, 24)) as pilot:
        await open_systems(app, pilot, until)
        line = next(line for line in shown(app).splitlines() if "■ down" in line)
        assert line.split()[:7] == ["▌", "■", "down", "ERP", "·", "open", "214"]
        assert "48" in line


async def test_enter_lists_what_is_open_at_a_system(make_app, until) -> None:
    app = make_app()
    async with app.run_test(size=(120, 30)) as pilot:
        await open_systems(app, pilot, until)
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, FailedScreen))
        assert app.screen.filter == "status:failed,in-doubt,parked,held target:MES plant:P03"


@pytest.mark.parametrize(
    ("place", "words", "wanted"),
    [
        ({"target": "ERP"}, "◆ ERP", "status:held target:ERP"),
        ({"plant": "P02"}, "◆ P02", "status:held plant:P02"),
        ({"flow": "goods-receipt"}, "◆ goods-receipt", "status:held flow:goods-receipt"),
        ({"target": "WMS", "plant": "P01"}, "◆ WMS  P01", "status:held target:WMS plant:P01"),
        ({}, "◆ everything", "status:held"),
    ],
)
async def test_a_hold_says_what_it_holds_and_opens_it(
    make_app, until, shown, place: dict[str, str], words: str, wanted: str
) -> None:
    source = MemorySource()
    source.placed = [hold(**place)]
    app = make_app(source)
    async with app.run_test(size=(120, 30)) as pilot:
        await open_systems(app, pilot, until)
        page = shown(app)
        for text in (words, "1,200", "2h", "ann", "stocktaking"):
            assert text in page
        assert "No holds" not in page
        await pilot.press("tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, FailedScreen))
        assert app.screen.filter == wanted


async def test_release_takes_the_hold_on_the_system_under_the_cursor(make_app, until) -> None:
    source = MemorySource()
    source.placed = [hold("a", target="WMS"), hold("b", target="MES", plant="P03")]
    app = make_app(source)
    async with app.run_test(size=(120, 30)) as pilot:
        await open_systems(app, pilot, until)
        await pilot.press("down", "u")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen))
        draft = app.screen.draft
        assert (draft.action, draft.options.target, draft.options.plant) == (Action.RELEASE, "MES", "P03")


async def test_release_in_the_list_of_holds_takes_that_hold(make_app, until) -> None:
    source = MemorySource()
    source.placed = [hold("a", target="WMS"), hold("b", flow="goods-receipt")]
    app = make_app(source)
    async with app.run_test(size=(120, 30)) as pilot:
        await open_systems(app, pilot, until)
        await pilot.press("tab", "down", "u")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen))
        assert app.screen.draft.options.flow == "goods-receipt"
        assert app.screen.draft.options.target is None


async def test_nothing_to_release_is_said(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 30)) as pilot:
        await open_systems(app, pilot, until)
        await pilot.press("u")
        await until(pilot, lambda: "There is no hold here to release" in shown(app))
        assert isinstance(app.screen, SystemsScreen)


@pytest.mark.parametrize("key", ["h", "u"])
async def test_read_only_holds_and_releases_nothing(make_app, until, shown, key: str) -> None:
    source = MemorySource()
    source.placed = [hold(target="ERP")]
    app = make_app(source, read_only=True)
    async with app.run_test(size=(120, 30)) as pilot:
        await open_systems(app, pilot, until)
        await pilot.press(key)
        await until(pilot, lambda: "This session is read-only" in shown(app))
        assert source.requests == []


async def test_a_system_that_recovers_moves_and_the_cursor_stays_on_its_system(make_app, until, shown) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(120, 30)) as pilot:
        page = await open_systems(app, pilot, until)
        await pilot.press("down")
        assert page.query_one("#systems").current().id == "MES/P03"

        async def mended():
            return [make_system("ERP", Health.OK), make_system("MES", Health.DOWN, plant="P03", open=9)]

        source.systems = mended
        source.tell("system", "ERP")
        await until(pilot, lambda: "■ down" not in shown(app).split("MES")[0].split("ERP")[-1] and "9" in shown(app))
        await until(pilot, lambda: page.query_one("#systems").row_count() == 2)
        assert page.query_one("#systems").current().id == "MES/P03"
        assert page.query_one("#systems").cursor == 0


async def test_ages_move_on_with_the_clock(make_app, until, shown) -> None:
    source = MemorySource()
    source.placed = [hold(target="ERP")]
    app = make_app(source)
    async with app.run_test(size=(120, 30)) as pilot:
        await open_systems(app, pilot, until)
        app.clock.moment = NOW + timedelta(hours=3)
        app._tick()
        await until(pilot, lambda: "5h" in shown(app))


async def test_words_of_a_system_cannot_command_the_terminal(make_app, until, shown) -> None:
    source = MemorySource()

    async def hostile():
        return [
            msgspec.structs.replace(
                make_system("ERP", Health.DOWN, last_failure="\x1b[2J\x07boom"), breaker="open\x1b", owner="o"
            )
        ]

    source.systems = hostile
    app = make_app(source)
    async with app.run_test(size=(132, 24)) as pilot:
        await open_systems(app, pilot, until)
        page = shown(app)
        assert "\x1b" not in page
        assert "boom" in page
