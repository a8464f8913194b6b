"""Resolving and compensating from the page of a transaction: what is asked, and the plan that comes of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from console_doubles import MemorySource
from textual.widgets import Checkbox, RadioSet

from console.drafts import Draft
from console.screens.plan import PlanScreen
from console.screens.transaction import TransactionScreen
from console.screens.undoing import CompensateScreen, ResolveScreen
from transactions.model import Status, Transaction
from transactions.plans import Action, PlanOptions, Resolution

ID = "tx-00000003-7f3a9c"


class Source(MemorySource):
    """A platform on which the one transaction has the status that the test wants."""

    status = Status.IN_DOUBT

    async def transaction(self, id: str) -> Transaction:  # noqa: A002
        return msgspec.structs.replace(await super().transaction(id), status=self.status)


@pytest.fixture
def source() -> Source:
    return Source()


async def opened(app: Any, pilot: Any, until: Any) -> TransactionScreen:
    app.obey(f"transaction {ID}")
    await until(pilot, lambda: isinstance(app.screen, TransactionScreen) and app.screen.transaction is not None)
    screen: TransactionScreen = app.screen
    return screen


async def test_resolve_asks_for_outcome_and_evidence_and_plans_it(make_app, source, until) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until)
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.screen, ResolveScreen))
        await pilot.press("down", "space")
        assert app.screen.query_one("#outcome", RadioSet).pressed_index == 1
        await pilot.press("tab", "enter")
        assert isinstance(app.screen, ResolveScreen), "without evidence nothing is planned"
        await pilot.press(*"seen", "enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen))
        draft = app.screen.draft
        assert (draft.action, draft.ids) == (Action.RESOLVE, [ID])
        assert draft.options == PlanOptions(resolve_as=Resolution.NOT_APPLIED, evidence="seen")


async def test_compensate_asks_how_much_and_when(make_app, source, until) -> None:
    source.status = Status.PROCESSED
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until)
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, CompensateScreen))
        await pilot.press("space")
        assert app.screen.query_one("#process", Checkbox).value
        await pilot.press("tab", *"soon", "enter")
        assert isinstance(app.screen, CompensateScreen), "that is no day"
        await pilot.press(*["backspace"] * 4, *("minus" if char == "-" else char for char in "2026-12-01"), "enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen))
        assert app.screen.draft.options == PlanOptions(process=True, date="2026-12-01")


@pytest.mark.parametrize(
    ("key", "status"), [("v", Status.PROCESSED), ("v", Status.SENT), ("c", Status.FAILED), ("c", Status.IN_DOUBT)]
)
async def test_what_cannot_be_is_said_at_once(make_app, source, until, key, status) -> None:
    source.status = status
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await opened(app, pilot, until)
        await pilot.press(key)
        await pilot.pause()
        assert app.screen is page


async def test_escape_plans_nothing(make_app, source, until) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await opened(app, pilot, until)
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.screen, ResolveScreen))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is page)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"resolve_as": Resolution.APPLIED, "evidence": "document 49"},
            "tx resolve tx-1 --as applied --evidence 'document 49'",
        ),
        ({"process": True, "date": "2026-12-01"}, "tx compensate tx-1 --process --date 2026-12-01"),
    ],
)
def test_each_has_its_command(options: dict[str, Any], words: str) -> None:
    action = Action.RESOLVE if "evidence" in options else Action.COMPENSATE
    draft = Draft(action=action, ids=["tx-1"], options=PlanOptions(**options), count=1)
    assert draft.equivalent("why") == f"andon {words} --reason why --yes"
