"""The list of failures and the plan, beyond the usual way: columns, causes, sentences, counts that changed since."""

from __future__ import annotations

import msgspec
import pytest
from console_doubles import NOW, MemorySource, transaction
from textual.widgets import Button

from console.screens.failed import FailedScreen
from console.screens.plan import PlanScreen
from console.widgets.preview import Preview
from console.widgets.transactions import COLUMNS, TransactionTable, cells_of
from transactions.explanation import explain
from transactions.model import Status


def cell(of: str, one: object) -> str:
    place = next(index for index, column in enumerate(COLUMNS) if column.key == of)
    return cells_of(one, NOW)[place].text  # type: ignore[arg-type]


async def open_failed(app, pilot, until, filter: str = "status:failed") -> TransactionTable:  # noqa: A002
    app.obey(f"failed {filter}")
    await until(pilot, lambda: isinstance(app.screen, FailedScreen) and app.screen.query(TransactionTable))
    table = app.screen.query_one(TransactionTable)
    await until(pilot, lambda: table.current() is not None and app.screen._counted)
    return table


@pytest.mark.parametrize("status", list(Status))
def test_every_status_fills_every_cell(status: Status) -> None:
    cells = cells_of(transaction(1, status=status), NOW)
    assert len(cells) == len(COLUMNS)
    assert cell("status", transaction(1, status=status))


@pytest.mark.parametrize(
    ("keys", "reference"),
    [
        ({"order": "4700119", "material": "M"}, "4700119"),
        ({"material": "M", "lot": "L", "receipt": "GR-1"}, "GR-1"),
        ({"partner": "V2016", "shipment": "ASN-1"}, "ASN-1"),
        ({"plant": "P02", "plan": "PP-1"}, "PP-1"),
        ({"material": "M"}, ""),
        ({}, ""),
    ],
)
def test_the_reference_is_the_document_and_not_what_has_a_column(keys: dict[str, str], reference: str) -> None:
    one = msgspec.structs.replace(transaction(1), business_keys=keys)
    assert cell("reference", one) == reference


@pytest.mark.parametrize(("status", "begins"), [(Status.FAILED, "■ data"), (Status.RETRYING, "▲ retrying")])
def test_a_failure_begins_with_what_helps_and_the_rest_with_its_state(status: Status, begins: str) -> None:
    assert cell("status", transaction(0, status=status)).startswith(begins)


def test_a_held_one_says_what_it_waits_for() -> None:
    held = msgspec.structs.replace(transaction(0, status=Status.HELD), waiting_on="tx-9 of the same order")
    assert cell("status", held) == "◆ held  waits for tx-9 of the same order"


def test_no_plant_is_a_dot() -> None:
    assert cell("plant", msgspec.structs.replace(transaction(0), plant=None)) == "·"


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (132, 42)])
async def test_what_must_never_be_done_is_in_sight_at_every_size(make_app, until, shown, size) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        table = await open_failed(app, pilot, until)
        await until(pilot, lambda: "never" in shown(app))
        words = explain(table.current()).never.split(":")[0]
        assert words in " ".join(shown(app).split())
        assert app.screen.query_one(Preview).size.height >= 5


async def test_the_preview_says_the_words_of_the_explanation(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(132, 42)) as pilot:
        table = await open_failed(app, pilot, until)
        for _ in range(4):
            answers = explain(table.current())
            for sentence in (answers.means, answers.helps, answers.never):
                words = " ".join(sentence.split())
                await until(pilot, lambda words=words: words in " ".join(shown(app).split()))
            await pilot.press("down")


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 40), (132, 42)])
async def test_causes_are_told_with_what_they_block_and_who_can_help(make_app, until, shown, size) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "1 Material 4711-22" in shown(app))
        (line,) = [line for line in shown(app).splitlines() if "1 Material 4711-22" in line]
        assert [word for word in ("214", "38m", "mdm-team") if word not in line] == []


async def test_of_the_cause_under_the_cursor_the_first_step_is_told(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "first  mdm-team: Have it mended" in shown(app))
        app.screen.query_one("#causes").focus()
        await pilot.press("down")
        await until(pilot, lambda: "first  erp-integration:" in shown(app))


async def test_a_count_that_changed_before_the_plan_is_told(make_app, until, shown) -> None:
    source = MemorySource(12)
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_failed(app, pilot, until)
        await pilot.press("A", "r")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and "Replay 12 transactions" in shown(app))
        source.total = 17
        page = app.screen
        await pilot.press(*"mended", "enter")
        await until(pilot, lambda: page.plan is not None and not page.query_one("#run", Button).disabled)
        await until(pilot, lambda: "Replay 17 transactions   12 when this page was opened" in shown(app))


async def test_verdicts_that_nothing_has_are_left_out(make_app, until, shown) -> None:
    app = make_app(MemorySource(3))
    async with app.run_test(size=(80, 24)) as pilot:
        await open_failed(app, pilot, until)
        await pilot.press("A", "r")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.query("#reason"))
        page = app.screen
        await pilot.press(*"mended", "enter")
        await until(pilot, lambda: page.plan is not None and "send 3" in shown(app))
        assert "duplicate" not in shown(app)
        assert "maybe posted" not in shown(app)


@pytest.mark.parametrize("key", ["r", "D"])
async def test_acting_on_nothing_is_answered(make_app, until, shown, key: str) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(100, 30)) as pilot:
        app.obey("failed nothing")
        await until(pilot, lambda: "nothing matches" in shown(app))
        app.screen.action_act("replay" if key == "r" else "discard")
        await until(pilot, lambda: "no transaction here to act on" in shown(app))
        assert source.requests == []


async def test_only_discarded_ones_are_restored(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await open_failed(app, pilot, until)
        await pilot.press("u")
        await until(pilot, lambda: "Only discarded ones can be restored" in shown(app))


async def test_a_range_over_rows_never_seen_says_how_many_are_missing(make_app, until, shown) -> None:
    app = make_app(MemorySource(3000))
    async with app.run_test(size=(120, 40)) as pilot:
        table = await open_failed(app, pilot, until)
        await pilot.press("space", "end")
        await until(pilot, lambda: table.current() is not None)
        await pilot.press("v")
        await until(pilot, lambda: "rows between were never in sight and are not marked" in shown(app))
        assert len(table.marks) < 3000


async def test_escape_in_the_filter_takes_back_what_was_typed(make_app, until) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(100, 30)) as pilot:
        table = await open_failed(app, pilot, until)
        asked = len(source.asked)
        await pilot.press("slash", *" plant", "escape")
        await until(pilot, lambda: table.has_focus)
        assert app.screen.query_one("#filter").value == "status:failed"
        assert len(source.asked) == asked
