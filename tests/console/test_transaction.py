from __future__ import annotations

import msgspec
import pytest
from console_doubles import MemorySource
from textual.widgets import TabbedContent

from console.screens.plan import PlanScreen
from console.screens.transaction import TransactionScreen
from transactions.model import Status

ID = "tx-00000003-7f3a9c"


async def opened(app, pilot, until, shown, id: str = ID) -> TransactionScreen:  # noqa: A002
    app.obey(f"transaction {id}")
    await until(pilot, lambda: isinstance(app.screen, TransactionScreen) and "M7021" in shown(app))
    return app.screen


async def test_the_summary_says_what_happened_what_it_means_and_what_helps(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until, shown)
        page = shown(app)
        for text in (
            "■ failed",
            "goods receipt",
            "WMS → ERP",
            "ERP says",
            "is not in ERP",
            "helps",
            ID,
            "4700003",
            "WMS-3",
        ):
            assert text in page


async def test_the_payload_has_business_fields_first_and_x_shows_it_raw(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await opened(app, pilot, until, shown)
        await pilot.press("2")
        await until(pilot, lambda: '  "quantity": 12.50' in shown(app))
        lines = shown(app).splitlines()
        fields = next(n for n, line in enumerate(lines) if line.strip().startswith("order "))
        assert fields < next(n for n, line in enumerate(lines) if '"order"' in line)
        await pilot.press("x")
        await until(pilot, lambda: '"quantity":12.50' in shown(app))
        assert "as it came" in shown(app)
        assert page.query_one(TabbedContent).active == "payload"


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("3", "POST to ERP: 422 M3351"),
        ("4", "process PO-4700003"),
        ("5", "sha256"),
        ("6", "evil ␛]0;title␇"),
        ("1", "ERP says"),
    ],
)
async def test_every_tab_is_a_key_away(make_app, until, shown, key: str, text: str) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until, shown)
        await pilot.press(key)
        await until(pilot, lambda: text in shown(app))


async def test_an_id_that_does_not_exist_is_answered(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        app.obey("transaction nothing-like-it")
        await until(pilot, lambda: "There is no transaction 'nothing-like-it'" in shown(app))
        assert "loading" not in shown(app)


async def test_it_follows_what_happens_to_it(make_app, until, shown) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until, shown)
        source.changed[ID] = msgspec.structs.replace(source._row(3), status=Status.PROCESSED)
        source.tell("transaction", ID)
        await until(pilot, lambda: "✓ processed" in shown(app))
        # When it was processed is not known here: the age is of the failure, and says so.
        head = next(line for line in shown(app).splitlines() if "✓ processed" in line)
        assert "✓ processed  failed " in head
        assert " ago" in head


async def test_r_begins_a_replay_of_this_one(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until, shown)
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen))
        assert app.screen.draft.ids == [ID]


async def test_y_copies_the_id(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, until, shown)
        await pilot.press("y")
        assert app.clipboard == ID
