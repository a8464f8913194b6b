"""The line-drawn table by itself: columns, cursor, mouse, themes."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from console.looks import Tone
from console.widgets.table import GAP, Cell, Column, Row, RowTable, Table
from themes.loader import BUILT_IN, load, variable_defaults

COLUMNS = (
    Column("name", "name", 8),
    Column("count", "count", 5, right=True),
    Column("words", "words", 10, flex=True),
    Column("extra", "extra", 6, least=60),
)


def row(n: int, *, words: str = "some words", version: object = 0) -> Row:
    return Row(f"row-{n}", version, [Cell(f"n{n}"), Cell(str(n)), Cell(words, Tone.QUIET), Cell("more")])


class Bench(App[None]):
    """A table and nothing else, which writes down what it is told."""

    def __init__(self, *rows: Row) -> None:
        super().__init__()
        self.rows = rows
        self.moved: list[int] = []
        self.opened: list[int] = []
        self.titles: list[str] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return variable_defaults()

    def compose(self) -> ComposeResult:
        yield RowTable(COLUMNS)

    def on_mount(self) -> None:
        for theme in load([BUILT_IN]).themes.values():
            self.register_theme(theme)
        self.theme = "andon-dark"
        self.table.show_rows(self.rows)
        self.table.focus()

    @property
    def table(self) -> RowTable:
        return self.query_one(RowTable)

    def line(self, y: int) -> str:
        return self.table.render_line(y).text

    def on_table_moved(self, message: Table.Moved) -> None:
        assert message.control is message.table
        self.moved.append(message.index)

    def on_table_opened(self, message: Table.Opened) -> None:
        assert message.control is message.table
        self.opened.append(message.index)

    def on_table_header_clicked(self, message: Table.HeaderClicked) -> None:
        assert message.control is message.table
        self.titles.append(message.key)


def bench(count: int = 50) -> Bench:
    return Bench(*(row(n) for n in range(count)))


async def test_columns_line_up_under_their_titles() -> None:
    app = bench()
    async with app.run_test(size=(50, 10)):
        header, first = app.line(0), app.line(1)
        assert header.startswith("  name")
        assert first.startswith("▌ n0")
        assert header.index("count") + len("count") == first.index("0", 6) + 1, "numbers end where their title ends"
        assert header.index("words") == first.index("some words")


@pytest.mark.parametrize(("width", "there"), [(50, False), (59, False), (60, True), (100, True)])
async def test_a_column_shows_only_where_there_is_room_for_it(width: int, there: bool) -> None:
    app = bench(3)
    async with app.run_test(size=(width, 10)):
        assert ("extra" in app.line(0)) is there
        assert ("more" in app.line(1)) is there


@pytest.mark.parametrize("width", [20, 33, 50, 60, 79, 80, 120, 200])
async def test_every_line_is_exactly_as_wide_as_the_table(width: int) -> None:
    app = bench(3)
    async with app.run_test(size=(width, 8)):
        for y in range(8):
            assert app.table.render_line(y).cell_length == width


async def test_the_flexible_column_takes_what_the_others_leave() -> None:
    app = Bench(row(0, words="x" * 200))
    async with app.run_test(size=(90, 5)):
        fixed = 2 + 8 + 5 + 6 + GAP * 3
        assert app.line(1).count("x") == 90 - fixed - 1
        assert "…" in app.line(1)


async def test_wide_characters_count_two_cells() -> None:
    app = Bench(row(0, words="材料不足 in P02"), row(1))
    async with app.run_test(size=(60, 5)):
        assert app.table.render_line(1).cell_length == 60
        before = app.line(1).index("more")
        assert before + 4 == app.line(2).index("more"), "four wide characters take four cells more than letters"


@pytest.mark.parametrize(
    ("keys", "at"),
    [
        (["down"], 1),
        (["j", "j"], 2),
        (["down", "up"], 0),
        (["up"], 0),
        (["k"], 0),
        (["end"], 49),
        (["end", "down"], 49),
        (["end", "home"], 0),
        (["pagedown"], 8),
        (["pagedown", "pageup"], 0),
        (["end", "pageup"], 41),
    ],
)
async def test_keys_move_the_cursor_and_never_beyond_the_ends(keys: list[str], at: int) -> None:
    app = bench()
    async with app.run_test(size=(50, 10)) as pilot:
        await pilot.press(*keys)
        assert app.table.cursor == at


@pytest.mark.parametrize("keys", [["end"], ["pagedown"] * 3, ["down"] * 20, ["end", "up"], ["end", "home"]])
async def test_the_cursor_is_always_in_sight(keys: list[str]) -> None:
    app = bench()
    async with app.run_test(size=(50, 10)) as pilot:
        await pilot.press(*keys)
        await pilot.pause()
        first, last = app.table.visible_rows()
        assert first <= app.table.cursor <= last + 1
        assert sum(app.line(y).startswith("▌") for y in range(10)) == 1


async def test_enter_opens_and_an_empty_table_opens_nothing() -> None:
    app = bench()
    async with app.run_test(size=(50, 10)) as pilot:
        await pilot.press("down", "down", "enter")
        assert app.opened == [2]
        app.table.show_rows([])
        await pilot.press("enter", "down", "end")
        await pilot.pause()
        assert app.opened == [2]
        assert app.table.cursor == 0
        assert app.table.current() is None


async def test_a_click_moves_and_a_double_click_opens() -> None:
    app = bench()
    async with app.run_test(size=(50, 10)) as pilot:
        await pilot.click(RowTable, offset=(5, 4))
        assert (app.table.cursor, app.opened) == (3, [])
        await pilot.click(RowTable, offset=(5, 4), times=2)
        assert app.opened == [3]


async def test_a_click_below_the_last_row_does_nothing() -> None:
    app = bench(2)
    async with app.run_test(size=(50, 10)) as pilot:
        await pilot.click(RowTable, offset=(5, 8), times=2)
        assert (app.table.cursor, app.opened) == (0, [])


@pytest.mark.parametrize(("x", "titles"), [(2, ["name"]), (9, ["name"]), (14, ["count"]), (22, ["words"]), (0, [])])
async def test_a_click_on_a_title_names_its_column(x: int, titles: list[str]) -> None:
    app = bench()
    async with app.run_test(size=(50, 10)) as pilot:
        await pilot.click(RowTable, offset=(x, 0))
        assert app.titles == titles
        assert app.table.cursor == 0


async def test_new_rows_leave_the_cursor_on_the_row_it_was_on() -> None:
    app = bench()
    async with app.run_test(size=(50, 10)) as pilot:
        await pilot.press(*["down"] * 4)
        app.table.show_rows([row(99), row(98), *(row(n) for n in range(50))])
        assert app.table.current().id == "row-4"
        app.table.show_rows([row(7), row(8)])
        assert app.table.current().id in ("row-7", "row-8"), "gone: somewhere within what is there"
        await pilot.pause()
        assert app.moved[-1] == app.table.cursor


async def test_fewer_rows_bring_the_cursor_back_within_them() -> None:
    app = bench()
    async with app.run_test(size=(50, 10)) as pilot:
        await pilot.press("end")
        app.table.show_rows([row(100), row(101), row(102)])
        await pilot.pause()
        assert app.table.cursor == 2
        assert "n102" in app.line(3 - app.table.scroll_offset.y)


async def test_a_drawn_row_is_kept_until_its_version_changes() -> None:
    app = Bench(row(0), row(1))
    async with app.run_test(size=(50, 10)):
        once = app.table.render_line(2)
        assert app.table.render_line(2) is once
        app.table.show_rows([row(0), row(1, words="other", version=1)])
        assert "other" in app.line(2)


async def test_without_the_focus_the_cursor_stays_and_is_dimmer() -> None:
    app = bench(3)
    async with app.run_test(size=(50, 10)) as pilot:
        bright = [segment.style for segment in app.table.render_line(1)]
        app.screen.set_focus(None)
        await pilot.pause()
        dim = [segment.style for segment in app.table.render_line(1)]
        assert app.line(1).startswith("▌")
        assert [style.bgcolor for style in bright] != [style.bgcolor for style in dim]


async def test_another_theme_draws_everything_anew() -> None:
    app = bench(3)
    async with app.run_test(size=(50, 10)) as pilot:
        dark = next(iter(app.table.render_line(2))).style
        app.theme = "andon-light"
        await pilot.pause()
        assert next(iter(app.table.render_line(2))).style.bgcolor != dark.bgcolor


async def test_a_marked_row_carries_a_star() -> None:
    app = Bench(row(0), row(1)._replace(marked=True))
    async with app.run_test(size=(50, 10)):
        assert app.line(1).startswith("▌ n0")
        assert app.line(2).startswith(" *n1")
