from __future__ import annotations

from console_doubles import MemorySource
from textual.widgets import Button, Input

from console.screens.batch import BatchScreen
from console.screens.batches import BatchesScreen
from console.screens.failed import FailedScreen
from console.screens.log import LogScreen
from console.screens.plan import PlanScreen
from console.widgets.transactions import TransactionTable
from transactions.errors import Refused, Unreachable
from transactions.plans import Action


async def draft(app, pilot, until, *keys: str) -> PlanScreen:
    await pilot.press("f")
    await until(pilot, lambda: isinstance(app.screen, FailedScreen) and app.screen.query(TransactionTable))
    table = app.screen.query_one(TransactionTable)
    await until(pilot, lambda: table.current() is not None and app.screen._counted)
    await pilot.press(*keys)
    await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.query("#reason"))
    return app.screen


async def plan(app, pilot, until, page: PlanScreen) -> None:
    await pilot.press(*"mended", "enter")
    await until(pilot, lambda: page.plan is not None and not page.query_one("#run", Button).disabled)


async def test_replay_of_marked_ones_from_reason_to_outcome(make_app, until, shown) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await draft(app, pilot, until, "space", "space", "r")
        assert "Replay 2 transactions" in shown(app)
        assert source.requests == [], "nothing is planned without a reason"
        await plan(app, pilot, until, page)
        await until(pilot, lambda: "● send 2" in shown(app))
        assert source.made == {}, "a plan sends nothing"
        assert "andon tx replay tx-00000000-7f3a9c tx-00000001-7f3a9c --reason mended --yes" in shown(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, BatchScreen) and "All of them" in shown(app))
        assert "✓ done" in shown(app)
        assert source.requests[0].ids == ["tx-00000000-7f3a9c", "tx-00000001-7f3a9c"]
        assert source.requests[0].reason == "mended"


async def test_all_that_match_is_a_plan_on_the_filter(make_app, until, shown) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await draft(app, pilot, until, "A", "D")
        await plan(app, pilot, until, page)
        assert (source.requests[0].action, source.requests[0].filter) == (Action.DISCARD, "status:failed")
        await until(pilot, lambda: "◆ held behind 7" in shown(app))
        assert "comes first" in shown(app), "what has a reason against it is shown with the reason"


async def test_an_empty_reason_makes_no_plan(make_app, until, shown) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await draft(app, pilot, until, "r")
        await pilot.press("space", "enter")
        await until(pilot, lambda: "A reason is needed" in shown(app))
        assert source.requests == []


async def test_escape_goes_back_and_nothing_is_sent(make_app, until) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await draft(app, pilot, until, "r")
        await plan(app, pilot, until, page)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, FailedScreen))
        assert source.made == {}


async def test_a_reason_changed_after_the_plan_wants_a_new_plan(make_app, until, shown) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await draft(app, pilot, until, "r")
        await plan(app, pilot, until, page)
        page.query_one("#reason", Input).value = "another"
        page.query_one("#run", Button).press()
        await until(pilot, lambda: "The reason was changed" in shown(app))
        assert source.made == {}


async def test_production_wants_its_name_typed(make_app, until, shown) -> None:
    source = MemorySource()
    app = make_app(source, production=True)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await draft(app, pilot, until, "r")
        assert "PRODUCTION   plant-gateway" in shown(app)
        await plan(app, pilot, until, page)
        assert page.query_one("#confirm", Input).has_focus
        await pilot.press(*"plant", "enter")
        await until(pilot, lambda: "The name does not match" in shown(app))
        assert source.made == {}
        page.query_one("#confirm", Input).value = "plant-gateway"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, BatchScreen))


async def test_a_refused_run_says_so_and_nothing_is_sent(make_app, until, shown) -> None:
    source = MemorySource()
    source.fail_run = Refused("Another action holds 1 of the transactions. Look at the batches.")
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await draft(app, pilot, until, "r")
        await plan(app, pilot, until, page)
        await pilot.press("enter")
        await until(pilot, lambda: "Another action holds" in shown(app) and "It did not run" in shown(app))


async def test_no_answer_to_a_run_is_not_called_a_failure_and_can_be_repeated(make_app, until, shown) -> None:
    source = MemorySource()
    source.fail_run = Unreachable("No answer from the hub.")
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await draft(app, pilot, until, "r")
        await plan(app, pilot, until, page)
        await pilot.press("enter")
        await until(pilot, lambda: "it may have begun" in shown(app))
        source.fail_run = None
        page.query_one("#run", Button).press()
        await until(pilot, lambda: isinstance(app.screen, BatchScreen))
        assert len(source.made) == 1


async def test_leaving_the_page_does_not_cut_the_run_off(make_app, until, shown) -> None:
    import asyncio

    source = MemorySource()
    answer = asyncio.Event()
    run = source.run

    async def slow(hash):  # noqa: A002
        await answer.wait()
        return await run(hash)

    source.run = slow
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await draft(app, pilot, until, "r")
        await plan(app, pilot, until, page)
        await pilot.press("enter", "escape")
        await until(pilot, lambda: isinstance(app.screen, FailedScreen))
        answer.set()
        await until(pilot, lambda: "Follow it under batches" in shown(app))
        assert len(source.made) == 1


async def test_a_batch_is_followed_until_it_ends_and_can_be_cancelled(make_app, until, shown) -> None:
    source = MemorySource(settle=False)
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await draft(app, pilot, until, "r")
        await plan(app, pilot, until, page)
        await pilot.press("enter")
        await until(pilot, lambda: "goes on if this page" in shown(app))
        source.finish("batch-0000")
        await until(pilot, lambda: "✓ done" in shown(app))
        await pilot.press("c")
        await until(pilot, lambda: "nothing left to cancel" in shown(app))
        await pilot.press("b")
        await until(pilot, lambda: isinstance(app.screen, BatchesScreen) and "100%" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, BatchScreen))


async def test_cancel_asks_the_platform(make_app, until, shown) -> None:
    source = MemorySource(settle=False)
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await draft(app, pilot, until, "r")
        await plan(app, pilot, until, page)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, BatchScreen))
        await pilot.press("c")
        await until(pilot, lambda: "▲ cancelled" in shown(app))


async def test_the_command_log_has_what_was_done(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("L")
        await until(pilot, lambda: "Nothing was done in this session" in shown(app))
        await pilot.press("escape")
        page = await draft(app, pilot, until, "r")
        await plan(app, pilot, until, page)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, BatchScreen))
        await pilot.press("L")
        await until(pilot, lambda: isinstance(app.screen, LogScreen) and "--reason mended --yes" in shown(app))
        await pilot.press("y")
        assert app.clipboard == "andon tx replay tx-00000000-7f3a9c --reason mended --yes"
