from __future__ import annotations

import msgspec
import pytest
from console_doubles import MemorySource
from textual.widgets import Input

from console.screens.board import BoardScreen
from console.screens.failed import FailedScreen
from console.screens.transaction import TransactionScreen
from console.text import number
from console.widgets.transactions import TransactionTable
from transactions.model import Status


async def open_failed(app, pilot, until) -> TransactionTable:
    await pilot.press("f")
    await until(pilot, lambda: isinstance(app.screen, FailedScreen) and app.screen.query(TransactionTable))
    table = app.screen.query_one(TransactionTable)
    await until(pilot, lambda: table.current() is not None and app.screen._counted)
    return table


async def test_rows_preview_and_counts(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await open_failed(app, pilot, until)
        await pilot.pause()
        page = shown(app)
        for text in (
            "1 of 266",
            "4700001",
            "■ data",
            "MES says",
            "means",
            "helps",
            "mdm-team",
            "try",
            "board ▸ failed",
        ):
            assert text in page
        await pilot.press("down")
        await until(pilot, lambda: "tx-00000001-7f3a9c" in shown(app))


async def test_the_filter_line_asks_anew_and_marks_are_gone(make_app, until) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        table = await open_failed(app, pilot, until)
        await pilot.press("space", "slash", "end", *" plant:P02", "enter")
        await until(pilot, lambda: source.asked[-1][0] == "status:failed plant:P02")
        assert table.marks == {}
        assert table.has_focus


async def test_a_filter_that_cannot_be_read_is_told_at_the_filter(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await open_failed(app, pilot, until)
        await pilot.press("slash", "home", *"colour:red ", "enter")
        await until(pilot, lambda: "There is no field 'colour'" in shown(app))
        assert "did you mean  code  lot" in shown(app)
        assert app.screen.query_one("#filter", Input).has_focus
        await pilot.press("ctrl+u", "ctrl+k", *"status:failed", "enter")
        await until(pilot, lambda: "There is no field" not in shown(app) and "1 of 266" in shown(app))


async def test_nothing_found_says_so(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        app.obey("failed nothing")
        await until(pilot, lambda: "● nothing matches this filter" in shown(app))


async def test_marks_ranges_and_all(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        table = await open_failed(app, pilot, until)
        await pilot.press("space", "down", "down", "v")
        assert len(table.marks) == 4
        await pilot.press("shift+down", "shift+down")
        assert len(table.marks) == 6
        await until(pilot, lambda: "6 marked" in shown(app))
        await pilot.press("A")
        await until(pilot, lambda: "266 marked" in shown(app))
        await pilot.press("escape")
        assert not table.all_marked
        assert isinstance(app.screen, FailedScreen), "the first escape takes the marks back, not the page"


async def test_order_by_key_and_by_a_click_on_a_title(make_app, until) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        table = await open_failed(app, pilot, until)
        assert source.asked[-1][1] == "priority"
        for order in ("-failed_at", "due_at", "flow"):
            await pilot.press("o")
            await until(pilot, lambda order=order: source.asked[-1][1] == order)
        await pilot.click(TransactionTable, offset=(3, 0))
        await until(pilot, lambda: source.asked[-1][1] == "-due_at")
        await pilot.click(TransactionTable, offset=(3, 0))
        await until(pilot, lambda: source.asked[-1][1] == "due_at")
        assert table.cursor == 0


async def test_back_restores_filter_and_cursor(make_app, until) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        table = await open_failed(app, pilot, until)
        await pilot.press(*["down"] * 5, "enter")
        await until(pilot, lambda: isinstance(app.screen, TransactionScreen))
        assert app.screen.transaction_id == "tx-00000005-7f3a9c"
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, FailedScreen))
        assert app.screen.query_one(TransactionTable) is table
        assert (table.cursor, app.screen.filter) == (5, "status:failed")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen))


async def test_a_click_moves_and_a_double_click_opens(make_app, until) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        table = await open_failed(app, pilot, until)
        await pilot.click(TransactionTable, offset=(10, 8))
        assert table.cursor == 7
        await pilot.click(TransactionTable, offset=(10, 8), times=2)
        await until(pilot, lambda: isinstance(app.screen, TransactionScreen))


async def test_y_copies_the_ids_whole(make_app, until) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_failed(app, pilot, until)
        await pilot.press("y")
        assert app.clipboard == "tx-00000000-7f3a9c"
        await pilot.press("space", "space", "y")
        assert app.clipboard == "tx-00000000-7f3a9c\ntx-00000001-7f3a9c"


async def test_live_changes_show_in_place_and_the_cursor_stays_on_its_transaction(make_app, until, shown) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        table = await open_failed(app, pilot, until)
        await pilot.press(*["down"] * 3)
        one = table.window.row(2)
        source.changed[one.id] = msgspec.structs.replace(one, status=Status.PROCESSED, etag="new")
        here = table.current().id
        source.tell("transaction", one.id)
        await until(pilot, lambda: "✓ processed" in shown(app))
        assert table.current().id == here


@pytest.mark.parametrize("key", ["r", "D", "u"])
async def test_read_only_refuses_what_acts_and_says_why(make_app, until, shown, key: str) -> None:
    source = MemorySource()
    source.changed["tx-00000000-7f3a9c"] = msgspec.structs.replace(source._row(0), status=Status.DISCARDED)
    app = make_app(source, read_only=True)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_failed(app, pilot, until)
        await pilot.press(key)
        await until(pilot, lambda: "This session is read-only" in shown(app))
        assert "read-only" in shown(app).splitlines()[0]
        assert source.requests == []


async def test_a_million_rows_cost_no_more_than_what_shows(make_app, until, shown) -> None:
    source = MemorySource(1_000_000)
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        table = await open_failed(app, pilot, until)
        assert len(source.asked) == 1
        await pilot.press("end")
        await until(pilot, lambda: table.current() is not None)
        assert table.current().id == "tx-00999999-7f3a9c"
        assert len(source.asked) == 2, "the end is asked for from the other side"
        await pilot.press("home")
        await until(pilot, lambda: "1 of 1,000,000" in shown(app))
        assert len(source.asked) == 2, "the first page is still at hand"
        table.cursor = 20_000
        await until(pilot, lambda: table.current() is not None)
        assert table.current().id == "tx-00020000-7f3a9c"


async def test_control_characters_in_data_never_reach_the_terminal(make_app, until, shown) -> None:
    source = MemorySource()
    hostile = msgspec.structs.replace(source._row(0), business_keys={"order": "\x1b]0;owned\x07"}, etag="x")
    source.changed[hostile.id] = hostile
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_failed(app, pilot, until)
        await pilot.pause()
        assert "\x1b" not in shown(app)
        assert "\x07" not in shown(app)
        assert "␛]0;own" in shown(app)


async def test_what_is_typed_right_behind_the_slash_is_text_and_no_key(make_app, until) -> None:
    from textual import events

    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        table = await open_failed(app, pilot, until)
        for character in ("slash", "A", "slash", "D"):
            app.post_message(events.Key(character, "/" if character == "slash" else character))
        await until(pilot, lambda: app.screen.query_one("#filter", Input).value == "status:failedA/D")
        assert not table.all_marked


async def test_a_count_that_was_given_up_is_told_as_a_least_one(make_app, until, shown) -> None:
    source = MemorySource()
    source.counts_to = 240
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_failed(app, pilot, until)
        await until(pilot, lambda: "1 of 240+" in shown(app))
        await pilot.press("A")
        await until(pilot, lambda: "240+ marked" in shown(app))


async def test_a_search_that_is_behind_says_how_far(make_app, until, shown) -> None:
    source = MemorySource()
    source.search_behind = 12_345
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await open_failed(app, pilot, until)
        await until(pilot, lambda: f"search catches up: {number(12_345)} to go" in shown(app))
