"""What is around the pages: connection, command line, help, palette, keys, themes, holds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from console_doubles import MemorySource
from textual import events
from textual.widgets import Button

from console.screens.batch import BatchScreen
from console.screens.board import BoardScreen
from console.screens.command import CommandScreen
from console.screens.failed import FailedScreen
from console.screens.help import HelpScreen
from console.screens.plan import PlanScreen
from console.screens.systems import SystemsScreen
from transactions.plans import Action


async def test_a_lost_connection_says_so_keeps_what_shows_and_heals(make_app, until, shown) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "● live" in shown(app) and "mdm-team" in shown(app))
        source.lose()
        await until(pilot, lambda: "▲ reconnecting" in shown(app))
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "No answer from http://127.0.0.1:8470" in shown(app))
        assert "shown as of 02:41:00" in shown(app)
        assert "mdm-team" in shown(app), "what was known stays, with its time"
        source.heal()
        await until(pilot, lambda: "● live" in shown(app) and "No answer" not in shown(app))


@pytest.mark.parametrize(
    "line", ["board", "failed", "batches", "approvals", "whoami", "systems", "log", "transaction tx-00000001-7f3a9c"]
)
async def test_every_page_says_that_the_platform_does_not_answer(make_app, until, shown, line: str) -> None:
    source = MemorySource()
    source.lose()
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.obey(line)
        said = "Nothing was done" if line == "log" else "No answer from"
        await until(pilot, lambda: said in shown(app))


async def test_the_command_line_goes_anywhere(make_app, until) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("colon")
        await until(pilot, lambda: isinstance(app.screen, CommandScreen))
        await pilot.press(*"sys", "tab")
        assert app.screen.query_one("#line").value == "systems"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SystemsScreen))
        await pilot.press("colon", *"board", "enter")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen))
        await pilot.press("colon", *"q", "enter")
        await until(pilot, lambda: not app.is_running or app._exit)


async def test_what_is_typed_right_behind_the_colon_is_no_key_of_the_page(make_app, until) -> None:
    source = MemorySource()
    await source.asked_by("ben")
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        app.obey("approvals")
        await until(pilot, lambda: app.screen.fetched_at is not None)
        for letter in ":approvals x":
            # As a terminal hands over what is pasted: all at once.
            app.post_message(events.Key({":": "colon", " ": "space"}.get(letter, letter), letter))
        await until(pilot, lambda: isinstance(app.screen, CommandScreen))
        await until(pilot, lambda: app.screen.query_one("#line").value == "approvals x")
        assert source.decisions == []


async def test_in_a_line_of_text_a_colon_is_a_colon(make_app, until) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, FailedScreen) and app.screen.fetched_at is not None)
        await pilot.press("slash", *" plant", "colon", *"P02")
        await until(pilot, lambda: app.screen.query_one("#filter").value == "status:failed plant:P02")


async def test_ctrl_c_says_which_key_ends_the_console(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, BoardScreen))
        await pilot.press("ctrl+c")
        await until(pilot, lambda: "q ends the console" in shown(app))


async def test_time_passes_over_a_page_that_has_no_widgets_yet(make_app, until) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, BoardScreen))
        page = SystemsScreen()
        app.push_screen(page)
        assert app.screen is page
        app._tick()
        await until(pilot, lambda: page.is_mounted)


async def test_an_unknown_command_is_answered(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("colon", *"xyz", "enter")
        await until(pilot, lambda: "There is no command 'xyz'" in shown(app))


async def test_help_lists_the_keys_that_run_on_this_page(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 90)) as pilot:
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, FailedScreen))
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen) and "replay" in shown(app))
        page = shown(app)
        for text in ("space", "mark range", "discard", "everywhere", ":transaction ID", "command log"):
            assert text in page
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, FailedScreen))


async def test_a_breadcrumb_is_a_way_back(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f")
        await until(pilot, lambda: "board ▸ failed" in shown(app))
        await pilot.click("TopBar", offset=(shown(app).splitlines()[0].index("board") + 1, 0))
        await until(pilot, lambda: isinstance(app.screen, BoardScreen))


async def test_keys_can_be_moved_and_faults_are_told(make_app, until, shown, tmp_path: Path) -> None:
    (tmp_path / "keys.toml").write_text('[keys]\n"app.failed" = "F2"\n"app.faild" = "x"\n'.replace("F2", "f2"))
    app = make_app(config_folder=tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "did you mean 'app.failed'?" in shown(app))
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(app.screen, FailedScreen))


async def test_themes_of_ones_own_load_and_a_broken_one_is_told(make_app, until, shown, tmp_path: Path) -> None:
    folder = tmp_path / "themes"
    folder.mkdir()
    colours = '[colours]\nprimary = "#112233"\nforeground = "#eeeeee"\nbackground = "#000000"\n'
    (folder / "good.toml").write_text(f'name = "night"\n{colours}')
    (folder / "bad.toml").write_text("name = 3\n")
    app = make_app(config_folder=tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "bad.toml" in shown(app))
        app.obey("theme night")
        await until(pilot, lambda: app.theme == "night")
        (folder / "good.toml").write_text(f'name = "night"\n{colours.replace("#112233", "#445566")}')
        app._tick()
        assert app.available_themes["night"].primary == "#445566", "a changed file is loaded while it runs"


@pytest.mark.parametrize("theme", ["andon-light", "textual-dark", "nord"])
async def test_it_runs_under_other_themes_too(make_app, until, shown, theme: str) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        app.obey(f"theme {theme}")
        await pilot.press("f")
        await until(pilot, lambda: "1 of 266" in shown(app))


async def test_no_color_draws_none(make_app, until, shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f")
        await until(pilot, lambda: "1 of 266" in shown(app))
        from textual.filter import NoColor

        assert any(isinstance(one, NoColor) for one in app._filters)
        assert "▌" in shown(app), "the cursor shows without colour"


async def test_holding_and_releasing_a_system_are_plans(make_app, until, shown) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("s")
        await until(pilot, lambda: "■ down" in shown(app) and "No holds" in shown(app))
        assert "connection refused" in shown(app)
        for key, action in (("h", Action.HOLD), ("u", Action.RELEASE)):
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.query("#reason"))
            page = app.screen
            await pilot.press(*"night", "enter")
            await until(pilot, lambda page=page: page.plan is not None and not page.query_one("#run", Button).disabled)
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, BatchScreen))
            assert source.requests[-1].action is action
            assert source.requests[-1].options.target == "ERP"
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, SystemsScreen))
            held = action is Action.HOLD
            await until(pilot, lambda held=held: ("◆ ERP" in shown(app)) is held)


async def test_the_palette_has_the_words_of_the_command_line(make_app) -> None:
    app = make_app()
    async with app.run_test():
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert {":failed", ":batches", ":systems", ":gateway consumers", ":theme andon-light"} <= set(titles)
        assert ":transaction" not in titles, "it wants an id"


async def test_leaving_closes_the_connection(make_app) -> None:
    source = MemorySource()
    async with make_app(source).run_test():
        assert not source.closed
    assert source.closed


def test_the_first_paint_imports_no_http_and_no_other_page() -> None:
    code = (
        "import sys, console.app, console.platform_source, console.screens.board\n"
        "late = [name for name in ('httpx', 'lark', 'hub', 'pygments', 'console.screens.failed',"
        " 'console.screens.gateway', 'gateway_policies')"
        " if name in sys.modules]\n"
        "print(late)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert answer.stdout.strip() == "[]"


async def test_the_connection_is_never_cut_off_by_where_one_is(make_app, until, shown) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in range(3):
            app.obey("failed status:failed flow:material-consumption plant:P02 target:ERP age>15m")
        source.lose()
        await until(pilot, lambda: "▲ reconnecting" in shown(app)[:80])
