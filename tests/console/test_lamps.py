"""The grid of lamps: what a lamp says, what there is no room for, and moving about."""

from __future__ import annotations

from datetime import timedelta

import pytest
from console_doubles import FLOWS, NOW, PLANTS, make_board
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from console.looks import Tone
from console.widgets.lamps import LampGrid, shown, sparkline
from themes.loader import BUILT_IN, load, variable_defaults
from transactions.landscape import Lamp
from transactions.model import Status

CLOSED = (Status.PROCESSED, Status.DUPLICATE, Status.DISCARDED, Status.RESOLVED, Status.COMPENSATED)
BEING_MOVED = (Status.PENDING, Status.DELIVERING, Status.SENT, Status.COMPENSATING)


def lamp(
    counts: dict[Status, int], *, flow: str = "goods-receipt", plant: str | None = "P01", overdue: int = 0
) -> Lamp:
    failed = counts.get(Status.FAILED, 0)
    return Lamp(
        plant=plant,
        flow=flow,
        counts=counts,
        oldest_failed_at=NOW - timedelta(minutes=38) if failed else None,
        overdue=overdue,
        trend=[0] * 7 + [failed],
    )


class Grid(App[None]):
    """A grid by itself."""

    def __init__(self, lamps: list[Lamp]) -> None:
        super().__init__()
        self.lamps = lamps
        self.opened: list[tuple[str, str | None, Status | None]] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return variable_defaults()

    def compose(self) -> ComposeResult:
        yield LampGrid()

    def on_mount(self) -> None:
        for theme in load([BUILT_IN]).themes.values():
            self.register_theme(theme)
        self.theme = "andon-dark"
        self.grid.show(self.lamps, NOW)
        self.grid.focus()

    @property
    def grid(self) -> LampGrid:
        return self.query_one(LampGrid)

    def lines(self) -> list[str]:
        return [self.grid.render_line(y).text for y in range(self.grid.size.height)]

    def on_lamp_grid_opened(self, message: LampGrid.Opened) -> None:
        self.opened.append((message.flow, message.plant, message.status))


@pytest.mark.parametrize("status", list(Status))
def test_every_status_alone_is_trouble_or_fine(status: Status) -> None:
    said = shown(lamp({status: 3}), NOW)
    if status in CLOSED or status in BEING_MOVED:
        assert (said.glyph, said.word, said.status, said.tone) == ("●", "ok", None, Tone.FINE)
    else:
        assert (said.many, said.status) == (3, status)
        assert said.word


@pytest.mark.parametrize("other", [Status.HELD, Status.RETRYING, Status.IN_DOUBT, Status.PARKED, Status.PROCESSED])
def test_failed_is_said_before_anything_else(other: Status) -> None:
    said = shown(lamp({other: 500, Status.FAILED: 1}, overdue=1), NOW)
    assert (said.word, said.many, said.age, said.overdue) == ("failed", 1, "38m", True)


def test_nothing_ever_delivered_is_a_dot_and_no_lamp() -> None:
    assert shown(lamp({}), NOW).glyph == "·"
    assert shown(lamp({Status.PROCESSED: 0}), NOW).glyph == "·"


@given(st.lists(st.integers(min_value=0, max_value=10**9), min_size=1, max_size=12))
def test_a_trend_has_a_bar_for_every_value_and_shows_every_failure(values: list[int]) -> None:
    bars = sparkline(values)
    assert len(bars) == len(values)
    assert [bar == "▁" for bar in bars] == [value == 0 for value in values]
    if max(values):
        assert bars[values.index(max(values))] == "█"


def test_no_values_are_no_bars() -> None:
    assert sparkline([]) == ""


async def test_flows_stand_in_the_order_of_their_names_under_their_plants() -> None:
    app = Grid(make_board([]).lamps)
    async with app.run_test(size=(120, 10)):
        lines = app.lines()
        names = [line[2:27].strip() for line in lines[1:7]]
        assert names == sorted(flow.replace("-", " ") for flow, *_ in FLOWS)
        for plant in PLANTS:
            assert plant in lines[0]
        assert lines[0].index("P02") + 1 == next(line for line in lines if "failed 214" in line).index("■")


async def test_a_flow_without_a_plant_has_the_last_column() -> None:
    lamps = [lamp({Status.FAILED: 2}, plant=None), lamp({Status.PROCESSED: 1}, plant="P09")]
    app = Grid(lamps)
    async with app.run_test(size=(120, 6)) as pilot:
        header = app.lines()[0]
        assert header.index("P09") < header.index("no plant")
        await pilot.press("right", "enter")
        assert app.opened == [("goods-receipt", None, Status.FAILED)]


@pytest.mark.parametrize(("width", "words"), [(120, "■ failed 214"), (80, "■ 214"), (52, "■ 214")])
async def test_a_lamp_keeps_glyph_and_count_where_there_is_no_room_for_the_word(width: int, words: str) -> None:
    app = Grid(make_board([]).lamps)
    async with app.run_test(size=(width, 10)):
        page = "\n".join(app.lines())
        assert words in page
        assert ("last 4 h" in page) is (width >= 80)
        assert all(app.grid.render_line(y).cell_length >= width - 1 for y in range(10))


async def test_what_there_is_no_room_for_is_counted_and_its_trouble_told() -> None:
    app = Grid(make_board([]).lamps)
    async with app.run_test(size=(100, 4)) as pilot:
        assert app.lines()[0].strip().startswith("↕ 3 more, 2 not ok")
        await pilot.press(*["down"] * 5)
        await pilot.pause()
        assert "shipment release" in "\n".join(app.lines())
        assert app.lines()[0].strip().startswith("↕ 3 more, 2 not ok"), "above counts as well as below"


async def test_with_room_for_all_nothing_is_said_about_more() -> None:
    app = Grid(make_board([]).lamps)
    async with app.run_test(size=(100, 12)):
        assert "↕" not in app.lines()[0]


async def test_hidden_flows_that_are_fine_are_told_quietly() -> None:
    app = Grid([lamp({Status.PROCESSED: 1}, flow=f"flow-{n}") for n in range(9)])
    async with app.run_test(size=(100, 4)):
        assert "6 more, all ok" in app.lines()[0]


async def test_an_empty_platform_is_said_to_be_empty() -> None:
    app = Grid([])
    async with app.run_test(size=(100, 6)) as pilot:
        assert "no transactions yet" in app.lines()[1]
        assert "last 4 h" not in app.lines()[0]
        await pilot.press("down", "right", "enter")
        assert app.opened == []


@pytest.mark.parametrize(
    ("keys", "at"),
    [
        (["up", "left"], (0, 0)),
        (["down", "right"], (1, 1)),
        (["j", "l", "l", "l", "l"], (1, 2)),
        (["down"] * 9, (5, 0)),
        (["l", "h"], (0, 0)),
        (["j", "k"], (0, 0)),
    ],
)
async def test_keys_move_from_lamp_to_lamp_and_stop_at_the_edge(keys: list[str], at: tuple[int, int]) -> None:
    app = Grid(make_board([]).lamps)
    async with app.run_test(size=(100, 10)) as pilot:
        await pilot.press(*keys)
        assert app.grid.at == at


async def test_new_lamps_leave_the_chosen_one_chosen_and_fewer_bring_it_back() -> None:
    app = Grid(make_board([]).lamps)
    async with app.run_test(size=(100, 10)) as pilot:
        await pilot.press(*["down"] * 5, "right", "right")
        app.grid.show(make_board([]).lamps, NOW)
        assert app.grid.at == (5, 2)
        app.grid.show([lamp({Status.FAILED: 1})], NOW)
        assert app.grid.at == (0, 0)


async def test_a_click_on_a_name_of_a_flow_or_plant_opens_nothing() -> None:
    app = Grid(make_board([]).lamps)
    async with app.run_test(size=(100, 10)) as pilot:
        await pilot.click(LampGrid, offset=(5, 2), times=2)
        await pilot.click(LampGrid, offset=(40, 0), times=2)
        await pilot.click(LampGrid, offset=(40, 9), times=2)
        assert app.opened == []
        await pilot.click(LampGrid, offset=(30, 2), times=2)
        assert len(app.opened) == 1


async def test_ages_move_on_with_the_clock() -> None:
    app = Grid(make_board([]).lamps)
    async with app.run_test(size=(120, 10)):
        assert "38m" in "\n".join(app.lines())
        app.grid.tick(NOW + timedelta(minutes=5))
        assert "43m" in "\n".join(app.lines())


async def test_controls_in_names_are_made_visible() -> None:
    app = Grid([lamp({Status.FAILED: 1}, flow="evil\x1b[31m", plant="P\x07")])
    async with app.run_test(size=(100, 5)):
        page = "\n".join(app.lines())
        assert "\x1b" not in page
        assert "\x07" not in page
        assert "evil␛[31m" in page
