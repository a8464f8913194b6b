"""Setting fields in the documents of several transactions at once, to send them again or to correct what was posted."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from console_doubles import MemorySource
from textual.widgets import Input

from console.drafts import Draft
from console.screens.change import ChangeScreen
from console.screens.plan import PlanScreen
from console.screens.undoing import CompensateScreen, ResolveScreen
from transactions.edits import Step
from transactions.errors import NotFound
from transactions.history import Payload
from transactions.model import Status, Transaction
from transactions.pages import Page
from transactions.plans import Action, PlanOptions, Resolution

UNIT = Step(op="set", path="$.unit", value="KG", loose=True)


class Source(MemorySource):
    """A platform on which every transaction has the status that the test wants."""

    status = Status.FAILED

    async def page(self, filter: str, sort: str, limit: int, cursor: str | None) -> Page[Transaction]:  # noqa: A002
        found = await super().page(filter, sort, limit, cursor)
        return msgspec.structs.replace(
            found, items=[msgspec.structs.replace(one, status=self.status) for one in found.items]
        )


@pytest.fixture
def source() -> Source:
    return Source()


async def opened(app: Any, pilot: Any, until: Any) -> Any:
    app.obey("failed")
    await until(pilot, lambda: app.screen.query("TransactionTable") and app.screen.table.current() is not None)
    return app.screen


def write(app: Any, field: str, text: str) -> None:
    line = app.screen.query_one(field, Input)
    line.value = text
    line.focus()


async def test_marked_ones_are_edited_by_values_at_paths(make_app, source, until, shown) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until)
        await pilot.press("space", "space", "e")
        await until(pilot, lambda: isinstance(app.screen, ChangeScreen))
        await until(pilot, lambda: '"material"' in shown(app))
        assert "Edit 2 documents" in shown(app)
        for text in ("$.unit=KG", "$.n:=1"):
            write(app, "#step", text)
            await pilot.press("enter")
        await until(pilot, lambda: "+ $.n:=1" in shown(app))
        await pilot.press("ctrl+z")
        await until(pilot, lambda: "+ $.n:=1" not in shown(app) and "+ $.unit=KG" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen))
        draft = app.screen.draft
        assert (draft.action, len(draft.ids), draft.options) == (Action.EDIT, 2, PlanOptions(patch=[UNIT]))
        assert draft.equivalent("r").endswith("--set '$.unit=KG' --reason r --yes")
        assert "--drafts" not in draft.equivalent("r")


async def test_all_that_match_are_corrected_with_a_day(make_app, source, until, shown) -> None:
    source.status = Status.PROCESSED
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await opened(app, pilot, until)
        await pilot.press("A", "C")
        await until(pilot, lambda: isinstance(app.screen, ChangeScreen))
        assert "Correct 266 documents" in shown(app)
        write(app, "#step", "$.unit=KG")
        await pilot.press("enter")
        write(app, "#day", "soon")
        await pilot.press("enter")
        await until(pilot, lambda: "soon is no day" in shown(app))
        write(app, "#day", "2026-12-01")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen))
        draft = app.screen.draft
        assert (draft.action, draft.ids, draft.filter, draft.count) == (Action.CORRECT, None, page.filter, 266)
        assert draft.options == PlanOptions(patch=[UNIT], date="2026-12-01")


async def test_what_is_no_value_at_a_path_is_said_and_nothing_is_planned_without_one(
    make_app, source, until, shown
) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await opened(app, pilot, until)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, ChangeScreen))
        await pilot.press("enter")
        await until(pilot, lambda: "Nothing is set yet" in shown(app))
        write(app, "#step", "unit KG")
        await pilot.press("enter")
        await until(pilot, lambda: "is not PATH=VALUE" in shown(app))
        assert app.screen.query_one("#step", Input).value == "unit KG"
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is page)


async def test_a_value_that_was_not_added_is_not_lost_silently(make_app, source, until, shown) -> None:
    source.status = Status.PROCESSED
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until)
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, ChangeScreen))
        write(app, "#step", "$.unit=KG")
        write(app, "#day", "")
        await pilot.press("enter")
        await until(pilot, lambda: "was not added" in shown(app))
        assert isinstance(app.screen, ChangeScreen)


async def test_a_document_that_cannot_be_shown_can_be_changed_all_the_same(make_app, source, until, shown) -> None:
    async def missing(id: str, revision: int | None) -> Payload:  # noqa: A002
        raise NotFound("There is no payload \x1b[2J here.")

    source.payload = missing
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until)
        await pilot.press("e")
        await until(pilot, lambda: "The document cannot be shown: There is no payload ␛[2J here." in shown(app))
        write(app, "#step", "$.unit=KG")
        await pilot.press("enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen))


@pytest.mark.parametrize(
    ("key", "status", "said"),
    [
        ("e", Status.PROCESSED, "only a failed one is edited"),
        ("C", Status.FAILED, "only what was posted is corrected"),
        ("c", Status.FAILED, "nothing is posted that could be taken back"),
        ("V", Status.PROCESSED, "nothing about it is unclear"),
    ],
)
async def test_what_cannot_be_is_said_at_once(make_app, source, until, shown, key, status, said) -> None:
    source.status = status
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await opened(app, pilot, until)
        await pilot.press(key)
        await until(pilot, lambda: said in shown(app))
        assert app.screen is page


async def test_marked_ones_are_compensated_and_resolved_together(make_app, source, until, shown) -> None:
    source.status = Status.PROCESSED
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until)
        await pilot.press("space", "space", "c")
        await until(pilot, lambda: isinstance(app.screen, CompensateScreen))
        said = " ".join(shown(app).split())
        assert "Take back what 2 transactions posted in their targets" in said
        assert "their correlation ids" in said
        await pilot.press("tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen))
        assert (app.screen.draft.action, len(app.screen.draft.ids)) == (Action.COMPENSATE, 2)


async def test_all_that_match_are_resolved_by_one_evidence(make_app, source, until, shown) -> None:
    source.status = Status.IN_DOUBT
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until)
        await pilot.press("A", "V")
        await until(pilot, lambda: isinstance(app.screen, ResolveScreen))
        assert "Resolve 266 transactions at their targets" in shown(app)
        write(app, "#evidence", "list 7 of the day")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen))
        draft = app.screen.draft
        assert (draft.action, draft.ids, draft.count) == (Action.RESOLVE, None, 266)
        assert draft.options == PlanOptions(resolve_as=Resolution.APPLIED, evidence="list 7 of the day")


@pytest.mark.parametrize("action", [Action.EDIT, Action.CORRECT])
def test_without_values_the_stored_drafts_are_taken(action: Action) -> None:
    draft = Draft(action=action, ids=["tx-1"], count=1)
    assert draft.equivalent("r") == f"andon tx {action} tx-1 --drafts --reason r --yes"
