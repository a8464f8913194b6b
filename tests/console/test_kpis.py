"""The page of key figures: windows, a plot, parts, and the way to the transactions behind a figure."""

from __future__ import annotations

import asyncio

import pytest
from console_doubles import MemorySource
from kpi_doubles import figures

from console.screens.failed import FailedScreen
from console.screens.kpis import KpisScreen, PartsTable
from console.screens.reconcile import ReconcileScreen
from console.widgets.plot import bars, columns
from console.widgets.table import RowTable
from transactions.errors import Invalid, Unreachable


@pytest.fixture
def source() -> MemorySource:
    return MemorySource()


async def open_page(app, pilot, until, word: str = "kpis") -> KpisScreen:
    app.obey(word)
    await until(pilot, lambda: isinstance(app.screen, KpisScreen) and app.screen.fetched_at is not None)
    await pilot.pause()
    return app.screen


async def go_to(page: KpisScreen, pilot, name: str) -> None:
    """The cursor on a figure."""
    table = page.query_one("#figures", RowTable)
    table.cursor = next(n for n in range(table.row_count()) if table.row_at(n).id == name)
    await pilot.pause()


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_figures_with_their_bars_at_both_sizes(make_app, source, until, shown, size) -> None:
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        await open_page(app, pilot, until)
        said = shown(app)
        assert "Posting latency p50" in said
        assert "■ missed" in said
        assert "● met" in said
        assert "material consumption" in said
        assert "│" in said  # the plot


async def test_another_window_by_number_and_by_arrows(make_app, source, until, shown) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await open_page(app, pilot, until)
        assert source.windows == ["24h"]
        await pilot.press("4")
        await until(pilot, lambda: source.windows[-1] == "7d" and "13 Nov" in shown(app))
        await pilot.press("right")
        await until(pilot, lambda: source.windows[-1] == "shift")
        await pilot.press("right")
        await until(pilot, lambda: page.window == "1h")
        await pilot.press("left")
        await until(pilot, lambda: page.window == "shift")


async def test_a_window_that_somebody_wrote(make_app, source, until) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await open_page(app, pilot, until, "kpis 36h")
        assert (page.window, source.windows) == ("36h", ["36h"])
        await pilot.press("2")
        await until(pilot, lambda: page.window == "8h")


async def test_enter_opens_the_list_behind_a_figure(make_app, source, until) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await open_page(app, pilot, until)
        await go_to(page, pilot, "failed-rate")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, FailedScreen))
        assert "status:failed failed_at>=2026-11-19T02:41:00Z" in source.asked[-1][0]


async def test_a_part_opens_its_own_list(make_app, source, until) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await open_page(app, pilot, until)
        await go_to(page, pilot, "failed-rate")
        page.query_one(PartsTable).focus()
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, FailedScreen))
        assert source.asked[-1][0].endswith(" flow:material-consumption")


async def test_parts_are_told_by_flow_or_by_plant(make_app, source, until, shown) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await open_page(app, pilot, until)
        assert "by flow" in shown(app)
        await pilot.press("v")
        await until(pilot, lambda: "by plant" in shown(app))
        parts = page.query_one(PartsTable)
        assert [parts.row_at(n).id for n in range(parts.row_count())] == ["P01", "P02", "P03"]


async def test_what_systems_said_leads_to_reconciliation(make_app, source, until, shown) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await open_page(app, pilot, until)
        await go_to(page, pilot, "inventory-variance")
        assert "as the systems said at 20 Nov 02:16" in shown(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ReconcileScreen))


async def test_a_figure_without_a_list_says_so(make_app, source, until) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await open_page(app, pilot, until)
        await go_to(page, pilot, "replay-volume")
        await pilot.press("enter")
        await until(pilot, lambda: any("No list" in note.message for note in app._notifications))


async def test_a_hub_that_counted_nothing_yet(make_app, source, until, shown) -> None:
    source.figures["24h"] = figures(empty=True)
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await open_page(app, pilot, until)
        assert "nothing was counted yet" in shown(app)
        assert "not in the window" in shown(app)


async def test_loading_trouble_and_what_stays_on_the_screen(make_app, source, until, shown) -> None:
    source.waiting = asyncio.Event()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        app.obey("kpis")
        await until(pilot, lambda: isinstance(app.screen, KpisScreen) and "loading" in shown(app))
        source.waiting.set()
        page = app.screen
        await until(pilot, lambda: page.fetched_at is not None)
        source.fail = Unreachable("The hub does not answer.")
        page.again()
        await until(pilot, lambda: "The hub does not answer." in shown(app))
        assert "shown as of" in shown(app)
        assert "Posting latency p50" in shown(app)


async def test_a_window_that_is_none_is_said(make_app, source, until, shown) -> None:
    source.fail = Invalid("The window cannot be used: 'soon' is not a window.")
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        app.obey("kpis soon")
        await until(pilot, lambda: "is not a window" in shown(app))
        assert "loading" not in shown(app)


def test_bars_keep_every_peak_and_never_make_something_nothing() -> None:
    assert columns([1, 2, 3], 9) == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert columns([1, 9, 1, 1], 2) == [9, 1]
    assert columns([None, None, 4, None], 2) == [None, 4]
    assert columns([], 5) == []
    top, ground = bars([0.001, 8, None, 0], 4, 2)
    assert top == " █  "
    assert ground == "▁█· "
    assert bars([0, 0], 2, 1) == ["  "]
