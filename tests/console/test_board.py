from __future__ import annotations

from console_doubles import NOW, MemorySource

from console.screens.board import BoardScreen
from console.screens.cause import CauseScreen
from console.screens.failed import FailedScreen
from console.widgets.lamps import LampGrid, shown, sparkline
from transactions.landscape import Lamp
from transactions.model import Status


def lamp(**counts: int) -> Lamp:
    by_status = {Status(name.replace("_", "-")): count for name, count in counts.items()}
    return Lamp(
        plant="P01",
        flow="goods-receipt",
        counts=by_status,
        oldest_failed_at=None,
        overdue=0,
        trend=[0, 0, 0, 0, 0, 0, 0, 0],
    )


def test_a_lamp_says_the_worst_there_is_with_glyph_and_word() -> None:
    assert shown(lamp(failed=3, held=9), NOW)[:4] == ("■", "failed", "failed", 3)
    assert shown(lamp(in_doubt=1, held=9), NOW)[:2] == ("?", "in doubt")
    assert shown(lamp(processed=9), NOW)[:2] == ("●", "ok")
    assert shown(None, NOW)[:2] == ("·", "")


def test_the_trend_is_eight_bars_and_a_single_failure_shows() -> None:
    assert sparkline([0] * 8) == "▁▁▁▁▁▁▁▁"
    assert sparkline([0, 0, 0, 0, 0, 0, 1, 500])[-2:] == "▂█"


async def test_it_opens_on_the_board_with_causes_lamps_and_what_waits(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "shipment release" in shown(app))
        page = shown(app)
        assert isinstance(app.screen, BoardScreen)
        for text in ("■ failed 214", "38m", "overdue", "? in doubt", "◆ held 48", "M", "mdm-team", "● live", "ann"):
            assert text in page


async def test_at_80_columns_everything_that_matters_is_still_there(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        texts = ("shipment release", "■ 214", "■ 266 failed", "41 overdue", "◆ 48 held", "? help", "● live", "P03")
        await until(pilot, lambda: all(text in shown(app) for text in texts))


async def test_a_lamp_opens_what_is_behind_it(make_app, until) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(LampGrid)._flows)
        await pilot.press("down", "right", "enter")
        await until(pilot, lambda: isinstance(app.screen, FailedScreen))
        assert app.screen.filter == "status:failed plant:P02 flow:material-consumption"


async def test_the_mouse_opens_a_lamp_too(make_app, until) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(LampGrid)._flows)
        await pilot.click(LampGrid, offset=(55, 3), times=2)
        await until(pilot, lambda: isinstance(app.screen, FailedScreen))
        assert "status:held plant:P02" in app.screen.filter


async def test_a_cause_opens_whole_and_from_there_its_transactions(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "mdm-team" in shown(app))
        app.screen.query_one("#causes").focus()
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, CauseScreen) and "ERP throttles" in shown(app))
        await until(pilot, lambda: "Do not raise your own limit above the quota." in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, FailedScreen))
        assert app.screen.filter == "status:failed group:0000000000000001"


async def test_events_bring_the_board_up_to_date_without_moving_the_cursor(make_app, until, shown) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one(LampGrid)._flows)
        await pilot.press("down", "down", "right")
        boards = 0

        async def quiet():
            nonlocal boards
            boards += 1
            from console_doubles import make_board

            return make_board([])

        source.board = quiet
        for _ in range(200):
            source.tell("transaction")
        await until(pilot, lambda: boards)
        await pilot.pause()
        assert boards <= 3, "two hundred events are one or two fetches"
        assert app.screen.query_one(LampGrid).at == (2, 1)


async def test_when_nothing_fails_it_says_so(make_app, until, shown) -> None:
    import msgspec
    from console_doubles import make_board

    source = MemorySource()

    async def calm():
        return msgspec.structs.replace(make_board([]), causes=[], counts={Status.PROCESSED: 10}, overdue=0)

    source.board = calm
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "● nothing is failing" in shown(app))
