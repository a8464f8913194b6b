"""The page of reconciliation: tabs, who says what and why, and the way to the transactions that explain it."""

from __future__ import annotations

import asyncio

import pytest
from console_doubles import MemorySource, agreement

from console.screens.failed import FailedScreen
from console.screens.plan import PlanScreen
from console.screens.reconcile import ReconcileScreen
from console.screens.transaction import TransactionScreen
from transactions.errors import Unreachable
from transactions.model import Status
from transactions.plans import Action
from transactions.reconciliation.model import Asked, Cause, Difference, Explained, Kind, Said


def cause(name: str, **more) -> Cause:
    told = {
        "flow": "goods-receipt",
        "source": "MES",
        "target": "ERP",
        "status": Status.FAILED,
        "why": "It failed: M7053",
    }
    return Cause(**{"id": name, **told, **more})


def difference(order: str = "4711", **more) -> Difference:
    said = [Said(system="MES/P01", value="100", unit="EA"), Said(system="ERP", value="60", unit="EA", differs=True)]
    told = {
        "keys": {"order": order}, "plant": "P01", "field": "confirmed", "said": said, "amount": "-40", "unit": "EA",
        "explained": Explained.WHOLLY, "causes": [cause("tx-1"), cause("tx-2")],
    }  # fmt: skip
    return Difference(**{**told, **more})


def differing(*items: Difference, kind: Kind = Kind.ORDERS, **more):
    unexplained = sum(item.explained is Explained.NOT for item in items)
    return agreement(kind, items=list(items), agree=False, differences=len(items), unexplained=unexplained, **more)


@pytest.fixture
def source() -> MemorySource:
    source = MemorySource()
    unknown = difference("4712", explained=Explained.NOT, causes=[], related=["tx-9"])
    source.reconciliations[Kind.ORDERS] = differing(unknown, difference())
    return source


async def open_page(app, pilot, until, word: str = "reconcile") -> ReconcileScreen:
    app.obey(word)
    await until(pilot, lambda: isinstance(app.screen, ReconcileScreen) and app.screen.fetched_at is not None)
    await pilot.pause()
    return app.screen


@pytest.mark.parametrize("size", [(80, 24), (120, 34)])
async def test_it_says_who_says_what_and_why(make_app, until, shown, source, size) -> None:
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        await open_page(app, pilot, until)
        page = shown(app)
        assert "■ differ  2 of 1,200 values, 1 unexplained" in page
        for text in ("■ unexplained", "● explained", "4711", "-40 EA", "No transaction explains it"):
            assert text in page
        assert "tx-9" in page
        await pilot.press("down")
        await until(pilot, lambda: "It failed: M7053" in shown(app))
        assert "MES/P01" in shown(app)
        assert "60 EA" in shown(app)


async def test_each_tab_is_asked_once_and_by_hand(make_app, until, shown, source) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 34)) as pilot:
        screen = await open_page(app, pilot, until)
        await pilot.press("right")
        await until(pilot, lambda: screen.kind is Kind.INVENTORY and "✓ agree  1,200 values" in shown(app))
        await pilot.press("5")
        await until(pilot, lambda: source.reconciled[-1] is Kind.SHIPMENTS)
        await pilot.press("1")
        await until(pilot, lambda: screen.kind is Kind.ORDERS and "4711" in shown(app))
        assert source.reconciled == [Kind.ORDERS, Kind.INVENTORY, Kind.SHIPMENTS]
        await pilot.press("left")
        await until(pilot, lambda: screen.kind is Kind.SHIPMENTS)
        app.action_reload()
        await until(pilot, lambda: source.reconciled[-2:] == [Kind.SHIPMENTS, Kind.SHIPMENTS])


async def test_what_happens_elsewhere_asks_nobody_again(make_app, until, source) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 34)) as pilot:
        screen = await open_page(app, pilot, until)
        screen.changed(frozenset({"transaction", "batch"}))
        await pilot.pause()
        assert source.reconciled == [Kind.ORDERS]


@pytest.mark.parametrize("kind", list(Kind))
async def test_a_word_leads_to_its_tab(make_app, until, source, kind: Kind) -> None:
    app = make_app(source)
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await open_page(app, pilot, until, f"reconcile {kind[:2]}")
        assert (screen.kind, source.reconciled) == (kind, [kind])


async def test_enter_opens_what_explains_it(make_app, until, source) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 34)) as pilot:
        await open_page(app, pilot, until)
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, FailedScreen))
        assert app.screen.filter == "id:tx-1,tx-2"


async def test_enter_opens_what_was_processed_where_nothing_explains_it(make_app, until, source) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 34)) as pilot:
        await open_page(app, pilot, until)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TransactionScreen))
        assert app.screen.transaction_id == "tx-9"


async def test_a_difference_that_the_hub_never_saw_says_so(make_app, until, shown, source) -> None:
    source.reconciliations[Kind.ORDERS] = differing(difference(explained=Explained.NOT, causes=[]))
    app = make_app(source)
    async with app.run_test(size=(120, 34)) as pilot:
        await open_page(app, pilot, until)
        await pilot.press("enter")
        await until(pilot, lambda: "the hub never saw one" in shown(app))


async def test_what_was_lost_is_reopened_by_a_plan(make_app, until, shown, source) -> None:
    lost = cause("tx-5", status=Status.PROCESSED, reopenable=True)
    source.reconciliations[Kind.ORDERS] = differing(difference(causes=[lost]), reopenable=["tx-5"])
    app = make_app(source)
    async with app.run_test(size=(120, 34)) as pilot:
        await open_page(app, pilot, until)
        assert "1 acknowledged and not applied: R reopens" in shown(app)
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen))
        draft = app.screen.draft
        assert (draft.action, draft.ids, draft.count) == (Action.REOPEN, ["tx-5"], 1)
        assert "own books do not have it" in (draft.options.evidence or "")
        command = draft.equivalent("MES lied")
        assert command.startswith("andon reconcile orders --reopen --evidence 'orders as of ")
        assert command.endswith(" --reason 'MES lied' --yes")


async def test_nothing_lost_is_nothing_to_reopen(make_app, until, shown, source) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 34)) as pilot:
        await open_page(app, pilot, until)
        await pilot.press("R")
        await until(pilot, lambda: "Nothing here was acknowledged and not applied" in shown(app))
        assert isinstance(app.screen, ReconcileScreen)


async def test_a_system_without_an_answer_is_no_agreement(make_app, until, shown, source) -> None:
    asked = [Asked(system="ERP", records=0, problem="No connection")]
    source.reconciliations[Kind.ORDERS] = agreement(
        Kind.ORDERS, agree=False, asked=asked, left_out=["3 values, since a system gave no answer"]
    )
    app = make_app(source)
    async with app.run_test(size=(120, 34)) as pilot:
        await open_page(app, pilot, until)
        page = shown(app)
        assert "? not known" in page
        assert "▲ ERP gave no answer: No connection" in page
        assert "left out: 3 values" in page


async def test_while_they_are_asked_it_says_so_and_keys_go_on(make_app, until, shown, source) -> None:
    source.waiting = asyncio.Event()
    app = make_app(source)
    async with app.run_test(size=(120, 34)) as pilot:
        app.obey("reconcile")
        await until(pilot, lambda: "asking the systems for their orders" in shown(app))
        await pilot.press("right")
        await until(pilot, lambda: "asking the systems for their inventory" in shown(app))
        source.waiting.set()
        await until(pilot, lambda: "✓ agree" in shown(app))


async def test_an_error_keeps_what_was_said(make_app, until, shown, source) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 34)) as pilot:
        await open_page(app, pilot, until)
        source.fail = Unreachable("The platform cannot be reached. Try again.")
        app.action_reload()
        await until(pilot, lambda: "shown as of" in shown(app))
        assert "4711" in shown(app)
        assert "asking again" not in shown(app)


async def test_hostile_words_are_drawn_harmless(make_app, until, shown, source) -> None:
    said = [Said(system="MES\x1b[2J", value="\x1b]0;x\x07"), Said(system="ERP", value=None, differs=True)]
    evil = difference("47\x1b[31m11", said=said, causes=[cause("t\x1b", why="[red]no[/red]\x1b[1m")], unit="\x1b")
    source.reconciliations[Kind.ORDERS] = differing(evil, left_out=["\x1b[5m"])
    app = make_app(source)
    async with app.run_test(size=(120, 34)) as pilot:
        await open_page(app, pilot, until)
        page = shown(app)
        assert "\x1b" not in page
        assert "[red]no[/red]" in page
        assert "ERP nothing" in page
