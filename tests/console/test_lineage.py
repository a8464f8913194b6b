"""The lineage tab: the process as a tree, what is related, and the way to each of them and back."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from console_doubles import NOW, MemorySource
from textual.widgets import TabbedContent

from console.screens.failed import FailedScreen
from console.screens.transaction import TransactionScreen
from console.widgets.lineage import related_rows, tree_title
from console.widgets.table import RowTable
from transactions.lineage import Lineage
from transactions.model import DueBecause, Priority
from transactions.related import Related

ID = "tx-00000003-7f3a9c"


@pytest.fixture
def at_lineage(until, shown):
    async def go(app, pilot) -> TransactionScreen:
        app.obey(f"transaction {ID}")
        await until(pilot, lambda: isinstance(app.screen, TransactionScreen) and "M7021" in shown(app))
        await pilot.press("4")
        await until(pilot, lambda: "process PO-4700003" in shown(app))
        return app.screen

    return go


async def test_the_process_is_drawn_as_a_tree_with_what_waits(make_app, shown, at_lineage) -> None:
    app = make_app()
    async with app.run_test(size=(140, 40)) as pilot:
        page = await at_lineage(app, pilot)
        lines = shown(app).splitlines()
        first, asked, held, *_ = [n for n, line in enumerate(lines) if any(sign in line for sign in ("✓", "■", "◆"))][
            -5:
        ]
        assert "✓ material consumption  processed" in lines[first]
        assert "├─ ■ goods receipt  failed  ◀" in lines[asked]
        assert "│  ├─ ◆" in lines[held]
        assert f"waits for sequence: {ID}" in lines[held]
        assert "1 waits for it" in lines[asked]
        assert "2 beyond your reach" in shown(app)
        table = page.query_one("#lineage-list", RowTable)
        current = table.current()
        assert current is not None
        assert current.id == ID, "the cursor is on the one that is asked about"


async def test_enter_goes_to_that_transaction_and_back_is_where_one_was(make_app, until, shown, at_lineage) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await at_lineage(app, pilot)
        page.query_one("#lineage-list").focus()
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, TransactionScreen) and app.screen is not page)
        assert app.screen.transaction_id == "tx-00000011-7f3a9c"
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is page)
        assert page.query_one(TabbedContent).active == "lineage"
        current = page.query_one("#lineage-list", RowTable).current()
        assert current is not None
        assert current.id == "tx-00000011-7f3a9c"


async def test_enter_on_itself_stays(make_app, at_lineage) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await at_lineage(app, pilot)
        page.query_one("#lineage-list").focus()
        await pilot.press("enter")
        await pilot.pause()
        assert app.screen is page


async def test_what_is_related_opens_as_a_list_of_its_key(make_app, until, shown, at_lineage) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await at_lineage(app, pilot)
        assert "shares a key with" in shown(app)
        assert "10000+" in shown(app)
        page.query_one("#related-list").focus()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, FailedScreen))
        assert app.screen.filter == "order:4700003"


async def test_at_80_columns_the_tree_is_there(make_app, until, shown, at_lineage) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await at_lineage(app, pilot)
        assert "├─ ■ goods receipt" in shown(app)
        assert "shares a key with" in shown(app)


async def test_a_process_is_asked_for_only_when_it_is_looked_at(make_app, until, shown) -> None:
    source = MemorySource()
    asked: list[str] = []
    lineage = source.lineage

    async def told(id: str) -> Lineage:  # noqa: A002
        asked.append(id)
        return await lineage(id)

    source.lineage = told  # type: ignore[method-assign]
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        app.obey(f"transaction {ID}")
        await until(pilot, lambda: isinstance(app.screen, TransactionScreen) and "M7021" in shown(app))
        assert asked == []
        await pilot.press("4")
        await until(pilot, lambda: "process PO-4700003" in shown(app))
        assert asked == [ID]


async def test_a_lost_connection_says_so_and_keeps_what_shows(make_app, until, shown, at_lineage) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await at_lineage(app, pilot)
        source.lose()
        page.again()
        await until(pilot, lambda: "No answer from" in shown(app))
        assert "process PO-4700003" in shown(app)


async def test_the_summary_says_when_it_is_due_and_why_it_comes_first(make_app, until, shown) -> None:
    source = MemorySource()
    source.changed[ID] = msgspec.structs.replace(
        source._row(3),
        due_at=NOW + timedelta(hours=2),
        due_because=DueBecause.SHIFT_END,
        priority=Priority.LINE_DOWN,
        business_keys={"line": "P03-L2"},
    )
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        app.obey(f"transaction {ID}")
        await until(pilot, lambda: "line P03-L2 is down, and ERP does not know" in shown(app))
        assert "the shift ends" in shown(app)


def test_what_is_not_shown_is_said() -> None:
    lineage = Lineage(process="p", of="t", total=1, beyond=0, left_out=0, items=[])
    assert tree_title(lineage) == ("process p", "1 transaction")
    more = msgspec.structs.replace(lineage, total=2_000, beyond=3, left_out=9, next_cursor="c")
    _, counts = tree_title(more)
    assert counts == "2000 transactions  the first 0 are shown  3 beyond your reach  9 further away"
    assert related_rows(Related(of="t", items=[])) == []
