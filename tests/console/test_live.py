"""What the console does with the stream: coalesces, catches up, says what is refused; and the collector kept quiet."""

from __future__ import annotations

import gc

import pytest
from console_doubles import FixedClock, MemorySource, context
from textual.widgets import Static

from console import app as console_app
from console.app import AndonApp
from console.screens.board import BoardScreen
from console.screens.failed import FailedScreen
from platforms.events import Connection, ConnectionState
from transactions.errors import Unauthenticated, Unreachable


def counting(source: MemorySource) -> list[int]:
    """Makes the source write down every time it is asked for the board."""
    asked: list[int] = []
    board = source.board

    async def counted():
        asked.append(len(asked))
        return await board()

    source.board = counted
    return asked


def refusing(source: MemorySource) -> None:
    """The platform does not take the token."""
    error = Unauthenticated("The access token is not valid here. Read it anew.")

    async def events():
        raise error
        yield Connection(state=ConnectionState.LIVE)

    source.fail, source.events = error, events


async def test_a_flood_of_events_is_one_fetch(make_app, until, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_app, "COALESCE_SECONDS", 0.05)
    source = MemorySource()
    asked = counting(source)
    app = make_app(source)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.connection is ConnectionState.LIVE and asked)
        before, seen = len(asked), app.changes_seen
        for n in range(500):
            source.tell("transaction", f"tx-{n}")
        await until(pilot, lambda: app.changes_seen > seen)
        await until(pilot, lambda: len(asked) > before)
        assert len(asked) - before < 10


@pytest.mark.parametrize(("kind", "fetches"), [("transaction", True), ("hold", True), ("audit", False)])
async def test_only_events_that_matter_here_fetch(
    make_app, until, monkeypatch: pytest.MonkeyPatch, kind: str, fetches: bool
) -> None:
    monkeypatch.setattr(console_app, "COALESCE_SECONDS", 0.01)
    source = MemorySource()
    asked = counting(source)
    app = make_app(source)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.connection is ConnectionState.LIVE and asked)
        before, seen = len(asked), app.changes_seen
        source.tell(kind)
        await until(pilot, lambda: app.changes_seen > seen)
        assert (app.screen.seen == app.changes_seen) is fetches
        if fetches:
            await until(pilot, lambda: len(asked) > before)


async def test_a_page_come_back_to_catches_up_with_what_it_missed(make_app, until, monkeypatch) -> None:
    monkeypatch.setattr(console_app, "COALESCE_SECONDS", 0.01)
    source = MemorySource()
    asked = counting(source)
    app = make_app(source)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.screen.fetched_at is not None)
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, FailedScreen) and app.screen.fetched_at is not None)
        before, seen = len(asked), app.changes_seen
        source.tell("transaction")
        await until(pilot, lambda: app.changes_seen > seen)
        assert len(asked) == before, "a page that does not show is left alone"
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen) and len(asked) > before)


async def test_a_page_come_back_to_without_news_is_not_fetched_again(make_app, until) -> None:
    source = MemorySource()
    asked = counting(source)
    app = make_app(source)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.screen.fetched_at is not None and app.connection is ConnectionState.LIVE)
        before = len(asked)
        await pilot.press("L", "escape")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen))
        await pilot.pause()
        assert len(asked) == before


async def test_a_refused_token_is_called_refused_and_not_reconnecting(make_app, until, shown) -> None:
    source = MemorySource()
    refusing(source)
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "■ refused" in shown(app) and "not valid here" in shown(app))
        assert "reconnecting" not in shown(app)
        assert "loading" not in shown(app)
        assert not app._notifications, "the page says it; twice would hide what it says"


async def test_a_token_refused_later_is_said_with_the_time_of_what_shows(make_app, until, shown) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "● live" in shown(app) and "shipment release" in shown(app))
        refusing(source)
        app.follow()
        await until(pilot, lambda: "■ refused" in shown(app) and "shown as of 02:41:00" in shown(app))
        assert "shipment release" in shown(app), "what was known stays"


async def test_after_a_refusal_it_tries_again_by_itself(make_app, until, shown, monkeypatch) -> None:
    monkeypatch.setattr(console_app, "STREAM_AGAIN_SECONDS", 0.05)
    source = MemorySource()
    events = source.events
    refusing(source)
    app = make_app(source)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "■ refused" in shown(app))
        source.fail, source.events = None, events
        await until(pilot, lambda: "● live" in shown(app))


async def test_who_the_token_belongs_to_is_asked_again_with_the_connection(make_app, until, shown) -> None:
    source = MemorySource()
    source.fail = Unreachable("No answer.")
    app = make_app(source)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "No answer." in shown(app))
        assert app.person == ""
        source.heal()
        await until(pilot, lambda: app.person == "ann · operator")


async def test_the_place_is_told_before_and_after_there_are_pages(make_app) -> None:
    app = make_app()
    app.show_place()
    async with app.run_test():
        app.show_place()


async def test_in_its_own_process_what_was_loaded_is_left_out_of_collection(until, monkeypatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(gc, "freeze", lambda: done.append("freeze"))
    monkeypatch.setattr(gc, "set_threshold", lambda *_: done.append("threshold"))
    monkeypatch.setattr(gc, "collect", lambda *_: done.append("collect") or 0)
    app = AndonApp(context(), MemorySource(), clock=FixedClock(), own_process=True)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.connection is ConnectionState.LIVE)
        assert done == ["freeze", "threshold"] * 2, "at the first paint, and when the client is loaded"
        for _ in range(console_app.COLLECTED_EVERY):
            app._tick()
        assert done.count("collect") == 1


async def test_in_a_process_of_others_the_collector_is_theirs(make_app, until, monkeypatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(gc, "freeze", lambda: done.append("freeze"))
    app = make_app()
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.connection is ConnectionState.LIVE)
        app._tick()
        assert done == []


@pytest.mark.parametrize(
    "line", ["board", "failed", "batches", "approvals", "whoami", "systems", "log", "transaction tx-00000001-7f3a9c"]
)
async def test_q_leaves_from_every_page_and_the_footer_says_so(make_app, until, shown, line: str) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        app.obey(line)
        await until(pilot, lambda: getattr(app.screen, "fetched_at", None) is not None)
        await until(pilot, lambda: "q quit" in shown(app).splitlines()[23])
        await pilot.press("q")
        await until(pilot, lambda: app._exit)


async def test_where_a_q_is_a_letter_the_footer_says_how_to_go_back(make_app, until, shown) -> None:
    from console.drafts import Draft
    from transactions.plans import Action

    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        app.draft(Draft(action=Action.REPLAY, ids=["tx-00000001-7f3a9c"], count=1))
        await until(pilot, lambda: "esc back, nothing is sent" in shown(app))
        assert "q quit" not in shown(app)
        await pilot.press("q")
        assert not app._exit


async def test_a_page_without_an_answer_loads_no_more(make_app, until, shown) -> None:
    source = MemorySource()
    source.lose()
    app = make_app(source)
    async with app.run_test(size=(100, 30)) as pilot:
        for line in ("board", "failed", "batches", "approvals", "systems", "transaction tx-1"):
            app.obey(line)
            await until(pilot, lambda: any(notice.display for notice in app.screen.query("#notice").results(Static)))
            await until(pilot, lambda: "loading" not in shown(app))
