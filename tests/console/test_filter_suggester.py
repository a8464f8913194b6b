"""What may come next in a filter is shown behind the cursor, and tab or the right arrow takes it."""

from __future__ import annotations

import pytest
from console_doubles import MemorySource
from textual.widgets import Input

from console.screens.failed import FailedScreen
from console.widgets.filter_input import FilterInput
from console.widgets.filter_suggester import FilterSuggester
from transactions.errors import Unavailable


@pytest.mark.parametrize(
    ("written", "suggested"),
    [
        ("sta", "status:"),
        ("status:fa", "status:failed"),
        ("status:failed", None),
        ("plant:P01 -kin", "plant:P01 -kind:"),
        ("kind:locked,thr", "kind:locked,throttled"),
        ("(status:failed or sta", "(status:failed or status:"),
        ("lo", "lot:"),
        ("ag", "age>"),
        ("age>1", "age>15m"),
        ("plant:P0", "plant:P01"),
        ("plant:p0", None),
        ("target:ER", "target:ERP"),
        ("nothing-like-it", None),
        ("status:failed ", None),
        ("", None),
    ],
)
async def test_what_may_come_next(written: str, suggested: str | None) -> None:
    assert await FilterSuggester(MemorySource(), lambda: ["lot", "order"]).get_suggestion(written) == suggested


async def test_the_platform_is_asked_once_and_only_for_names() -> None:
    source = MemorySource()
    boards = 0
    real = source.board

    async def counted():
        nonlocal boards
        boards += 1
        return await real()

    source.board = counted
    suggester = FilterSuggester(source)
    for text in ("sta", "status:fa", "age>1"):
        await suggester.get_suggestion(text)
    assert boards == 0
    for text in ("plant:P", "plant:P0", "flow:go"):
        await suggester.get_suggestion(text)
    assert boards == 1


async def test_a_suggestion_never_complains() -> None:
    source = MemorySource()
    source.fail = Unavailable("The hub is ending.")
    assert await FilterSuggester(source).get_suggestion("plant:P0") is None
    source.fail = None
    assert await FilterSuggester(source).get_suggestion("plant:P0") == "plant:P01"


async def test_the_right_arrow_takes_it(make_app, until) -> None:
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, FailedScreen) and app.screen.fetched_at is not None)
        await pilot.press("slash", "end", *" plant:P0")
        box = app.screen.query_one("#filter", Input)
        await until(pilot, lambda: box._suggestion == "status:failed plant:P01")
        await pilot.press("right")
        assert box.value == "status:failed plant:P01"


async def test_tab_takes_what_is_offered_and_leaves_where_nothing_is(make_app, until) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        app.obey("failed")
        await until(pilot, lambda: isinstance(app.screen, FailedScreen) and app.screen.fetched_at is not None)
        await pilot.press("slash")
        box = app.screen.query_one("#filter", FilterInput)
        box.value = ""
        await pilot.press(*"status:fa")
        await until(pilot, lambda: box._suggestion == "status:failed")
        await pilot.press("tab")
        assert (box.value, box.cursor_position, box.has_focus) == ("status:failed", 13, True)
        await pilot.press("tab")
        await until(pilot, lambda: not box.has_focus)
        assert box.value == "status:failed"


async def test_in_the_middle_of_the_line_nothing_is_offered(make_app, until) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        app.obey("groups")
        await until(pilot, lambda: app.screen.query("#filter") and app.screen.fetched_at is not None)
        await pilot.press("slash")
        box = app.screen.query_one("#filter", FilterInput)
        box.value = ""
        await pilot.press(*"plant:P0")
        await until(pilot, lambda: box._suggestion == "plant:P01")
        await pilot.press("home", "tab")
        await until(pilot, lambda: not box.has_focus)
        assert box.value == "plant:P0"
