"""The page of the handover: what it shows, the other shift, a file, and words to the next one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from console_doubles import MemorySource

from console.screens.handover import HandoverScreen
from console.screens.note import NoteScreen
from transactions.errors import Unreachable


@pytest.fixture
def source() -> MemorySource:
    return MemorySource()


async def open_page(app, pilot, until, line: str = "handover") -> HandoverScreen:
    app.obey(line)
    await until(pilot, lambda: isinstance(app.screen, HandoverScreen) and app.screen.fetched_at is not None)
    await pilot.pause()
    return app.screen


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_what_is_left_comes_first(make_app, source, until, shown, size) -> None:
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        await open_page(app, pilot, until)
        said = shown(app)
        assert "Handover: current shift" in said
        assert "100 failed" in said
        assert "■ At a glance" in said
        assert "look at [P02](http://x) first" in said


async def test_the_other_shift_and_back(make_app, source, until, shown) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_page(app, pilot, until)
        await pilot.press("p")
        await until(pilot, lambda: "Handover: previous shift" in shown(app))
        await pilot.press("p")
        await until(pilot, lambda: "Handover: current shift" in shown(app))
        assert source.shifts == ["current", "previous", "current"]


async def test_a_word_opens_the_one_before(make_app, source, until, shown) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_page(app, pilot, until, "handover prev")
        assert source.shifts == ["previous"]


async def test_it_is_written_into_the_folder_the_console_runs_in(
    make_app, source, until, shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_page(app, pilot, until)
        await pilot.press("w")
        await until(pilot, lambda: "handover-20260328-2130.md" in shown(app))
        assert (tmp_path / "handover-20260328-2130.md").read_text().startswith("# Handover: current shift")


async def test_a_folder_that_takes_nothing_is_said(
    make_app, source, until, shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "handover-20260328-2130.md").mkdir()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_page(app, pilot, until)
        await pilot.press("w")
        await until(pilot, lambda: "cannot be written" in shown(app))


async def test_words_to_the_next_shift(make_app, source, until, shown) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_page(app, pilot, until)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, NoteScreen))
        assert "in the handover of this shift" in shown(app)
        await pilot.press(*"watch", "enter")
        await until(pilot, lambda: source.said == ["watch"] and len(source.shifts) == 2)


async def test_before_it_arrives_and_when_it_does_not(make_app, source, until, shown) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        source.waiting = asyncio.Event()
        app.obey("handover")
        await until(pilot, lambda: isinstance(app.screen, HandoverScreen))
        await until(pilot, lambda: "loading" in shown(app))
        await pilot.press("w")
        await until(pilot, lambda: "has not arrived" in shown(app))
        source.fail = Unreachable("No answer from the hub. Nothing was changed. Start it.")
        source.waiting.set()
        await until(pilot, lambda: "No answer from the hub" in shown(app))
        assert "loading" not in shown(app)
