"""The line at the top at every width: where one is, which platform, and whether what shows is live."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from console_doubles import NOW, FixedClock, MemorySource, context
from textual.app import App, ComposeResult

from console.app import AndonApp
from console.second_person import Waiting
from console.widgets.topbar import Place, TopBar
from platforms.events import ConnectionState
from themes.loader import BUILT_IN, load, variable_defaults


class Bar(App[None]):
    """The bar by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.clicked: list[int] = []
        self.words: list[str] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return variable_defaults()

    def compose(self) -> ComposeResult:
        yield TopBar()

    def on_mount(self) -> None:
        for theme in load([BUILT_IN]).themes.values():
            self.register_theme(theme)
        self.theme = "andon-dark"
        self.bar.styles.height = 1

    @property
    def bar(self) -> TopBar:
        return self.query_one(TopBar)

    def text(self, place: Place) -> str:
        self.bar.show(place)
        return self.bar.render().plain

    def on_top_bar_crumb_clicked(self, message: TopBar.CrumbClicked) -> None:
        self.clicked.append(message.depth)

    def on_top_bar_word_clicked(self, message: TopBar.WordClicked) -> None:
        self.words.append(message.word)


def place(**changes: object) -> Place:
    return Place(
        crumbs=("board", "failed"),
        platform="plant-gateway",
        person="ann · operator",
        read_only=False,
        connection=ConnectionState.LIVE,
        since=NOW,
        now=NOW,
    )._replace(**changes)  # type: ignore[arg-type]


async def test_before_anything_is_known_it_says_its_name() -> None:
    app = Bar()
    async with app.run_test(size=(80, 3)):
        assert app.bar.render().plain == " andon"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "● live"),
        ({"connection": None}, "○ connecting"),
        ({"connection": ConnectionState.LOST, "since": None}, "▲ reconnecting"),
        ({"connection": ConnectionState.LOST, "since": NOW - timedelta(minutes=3)}, "▲ reconnecting, 3m"),
        ({"connection": ConnectionState.LOST, "refused": True}, "■ refused"),
        ({"read_only": True}, "read-only"),
    ],
)
@pytest.mark.parametrize("width", [60, 80, 132])
async def test_the_state_of_the_connection_is_said_at_every_width(
    changes: dict[str, object], said: str, width: int
) -> None:
    app = Bar()
    async with app.run_test(size=(width, 3)):
        assert said in app.text(place(**changes))


@pytest.mark.parametrize("width", [40, 60, 80, 100, 132])
@pytest.mark.parametrize("crumb", ["failed", "failed  status:failed plant:P02 " + "flow:goods-receipt " * 9])
async def test_it_is_one_line_and_never_longer_than_the_terminal(width: int, crumb: str) -> None:
    app = Bar()
    async with app.run_test(size=(width, 3)):
        text = app.text(place(crumbs=("board", crumb)))
        assert len(text) == width
        assert text.rstrip().endswith("● live")


@pytest.mark.parametrize("width", [30, 40, 60, 70, 80, 100, 120])
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "● live"),
        ({"connection": ConnectionState.LOST, "since": NOW - timedelta(hours=13)}, "▲ reconnecting, 13h"),
        ({"connection": ConnectionState.LOST, "refused": True}, "■ refused"),
    ],
)
async def test_the_state_shows_however_much_else_there_is_to_say(
    width: int, changes: dict[str, object], said: str
) -> None:
    app = Bar()
    async with app.run_test(size=(width, 3)):
        text = app.text(
            place(
                crumbs=("board", "failed  " + "flow:goods-receipt " * 9),
                platform="a-platform-with-a-very-long-name.plant-03.example",
                name="somebody-with-a-long-name",
                read_only=True,
                ends_in="9m",
                waiting=Waiting(approve=20, review=30, overdue=12),
                **changes,
            )
        )
        assert len(text) == width
        assert text.rstrip().endswith(said)


@pytest.mark.parametrize(("width", "platform", "person"), [(60, False, False), (80, True, False), (120, True, True)])
async def test_more_is_said_where_there_is_room(width: int, platform: bool, person: bool) -> None:
    app = Bar()
    async with app.run_test(size=(width, 3)):
        text = app.text(place())
        assert ("plant-gateway" in text) is platform
        assert ("ann · operator" in text) is person
        assert ("02:41" in text) is person


async def test_who_one_is_gets_what_room_there_is() -> None:
    wide, narrow = Bar(), Bar()
    long = place(crumbs=("board", "failed  " + "flow:goods-receipt " * 9), name="ann")
    async with wide.run_test(size=(120, 3)):
        text = wide.text(place(name="ann"))
        assert "ann · operator" in text
        assert "02:41" in text
        text = wide.text(long)
        assert "ann  ● live" in text, "who one is stays, its details and the time do not"
    async with narrow.run_test(size=(80, 3)):
        assert "plant-gateway  ann  ● live" in narrow.text(place(name="ann"))
        assert "ann  " not in narrow.text(long), "where one is goes first in a narrow one"


@pytest.mark.parametrize(
    ("width", "said"),
    [
        (60, "■ 1 late review  ● live"),
        (80, "■ 1 late review  plant-gateway"),
        (120, "■ 1 late review  3 to decide  plant-gateway"),
        (160, "■ 1 late review  1 to review  2 to approve  plant-gateway"),
    ],
)
async def test_what_waits_for_a_second_person_is_in_the_bar_and_a_way_there(width: int, said: str) -> None:
    app = Bar()
    async with app.run_test(size=(width, 3)) as pilot:
        text = app.text(place(waiting=Waiting(approve=2, review=2, overdue=1), name="ann"))
        assert said in text
        assert len(text) == width
        await pilot.pause()
        await pilot.click(TopBar, offset=(text.index("late review"), 0))
        await until_clicked(pilot, app)
        assert app.words == ["approvals"]


@pytest.mark.parametrize(("width", "said"), [(80, "▲ 9m left"), (120, "▲ sign-in ends in 9m")])
async def test_a_sign_in_that_ends_soon_is_said_and_a_way_to_more(width: int, said: str) -> None:
    app = Bar()
    async with app.run_test(size=(width, 3)) as pilot:
        text = app.text(place(ends_in="9m", name="ann"))
        assert said in text
        await pilot.pause()
        await pilot.click(TopBar, offset=(text.index(said) + 2, 0))
        await until_clicked(pilot, app)
        assert app.words == ["whoami"]


async def until_clicked(pilot, app: Bar) -> None:
    for _ in range(200):
        if app.words:
            return
        await pilot.pause()


async def test_a_click_on_a_breadcrumb_tells_its_depth_and_beside_it_nothing() -> None:
    app = Bar()
    async with app.run_test(size=(100, 3)) as pilot:
        text = app.text(place(crumbs=("board", "failed", "tx-1")))
        await pilot.pause()
        for crumb in ("board", "failed", "tx-1"):
            await pilot.click(TopBar, offset=(text.index(crumb) + 1, 0))
        assert app.clicked == [0, 1, 2]
        await pilot.click(TopBar, offset=(text.index("▸"), 0))
        await pilot.click(TopBar, offset=(1, 0))
        await pilot.click(TopBar, offset=(60, 0))
        assert app.clicked == [0, 1, 2]


async def test_only_the_crumbs_behind_are_shortened() -> None:
    app = Bar()
    async with app.run_test(size=(132, 3)):
        long = "failed  flow:production-order-release"
        assert long in app.text(place(crumbs=("board", long)))
        assert "failed  flow:produc…" in app.text(place(crumbs=("board", long, "tx-1")))


async def test_nothing_in_a_name_reaches_the_terminal_as_a_control() -> None:
    app = Bar()
    async with app.run_test(size=(132, 3)):
        text = app.text(place(platform="plant\x1b]0;x\x07", crumbs=("board", "a\x9bb")))
        assert not any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in text)


async def test_the_same_place_is_not_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Bar()
    async with app.run_test(size=(100, 3)):
        app.bar.show(place())
        drawn = []
        monkeypatch.setattr(app.bar, "refresh", lambda: drawn.append(1))
        app.bar.show(place())
        assert drawn == []
        app.bar.show(place(crumbs=("board",)))
        assert drawn == [1]


@pytest.mark.parametrize(
    ("colour", "drawn"), [("red", "#FF0000"), ("#3366ff", "#3366FF"), ("sparkly", None), (None, None)]
)
async def test_the_platform_has_the_colour_of_its_context(colour: str | None, drawn: str | None) -> None:
    app = Bar()
    async with app.run_test(size=(120, 1)):
        app.bar.show(place(colour=colour))
        line = app.bar.render()
        start = line.plain.index("plant-gateway")
        styles = [str(span.style) for span in line.spans if span.start <= start < span.end]
        assert styles == [drawn or app.theme_variables["foreground"]]


async def test_the_console_gives_the_colour_of_its_context_to_the_bar() -> None:
    app = AndonApp(msgspec.structs.replace(context(), colour="red"), MemorySource(), clock=FixedClock())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        line = app.screen.query_one(TopBar).render()
        assert "#FF0000" in [str(span.style) for span in line.spans]
