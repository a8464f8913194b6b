from __future__ import annotations

import pytest
from console_doubles import NOW, MemorySource
from textual.widgets import Input

from console.screens.board import BoardScreen
from console.screens.failed import FailedScreen
from console.screens.groups import GroupsScreen
from console.screens.plan import PlanScreen
from console.widgets.groups import GroupTable
from gateway_policies.explaining.changes_before import ChangeBefore
from gateway_policies.gateway import GatewayRevision
from transactions.plans import Action


async def open_groups(app, pilot, until) -> GroupTable:
    await pilot.press("g")
    await until(pilot, lambda: isinstance(app.screen, GroupsScreen) and app.screen.query(GroupTable))
    table = app.screen.query_one(GroupTable)
    await until(pilot, lambda: table.chosen() is not None)
    return table


async def test_the_board_leads_to_the_groups_with_what_is_known_of_each(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(140, 40)) as pilot:
        await open_groups(app, pilot, until)
        await pilot.pause()
        page = shown(app)
        for text in (
            "board ▸ groups",
            "1 of 4",
            "214",
            "38m",
            "↻ 9/12",
            "material consumption",
            "■ data",
            "P02 213",
            "12 replayed, of which 9 failed for the same cause again: replaying alone does not help",
            "41 overdue; 48 held behind them",
            "mending data",
            "mdm-team",
        ):
            assert text in page, text
        await pilot.press("down")
        await until(pilot, lambda: "group 0000000000000001" in shown(app))
        assert "replays" not in shown(app)


async def test_a_narrow_terminal_keeps_what_decides(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_groups(app, pilot, until)
        await pilot.pause()
        for text in ("214", "material consumption", "ERP", "■ data", "helps", "never", "replaying"):
            assert text in shown(app)


@pytest.mark.parametrize(
    ("line", "of"),
    [
        ("groups", "status:failed group:0000000000000000"),
        ("groups plant:P02 or plant:P01", "status:failed (plant:P02 or plant:P01) group:0000000000000000"),
        ("groups status:parked", "status:parked group:0000000000000000"),
    ],
)
async def test_enter_shows_the_transactions_of_the_group(make_app, until, line: str, of: str) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        app.obey(line)
        await until(pilot, lambda: isinstance(app.screen, GroupsScreen) and app.screen.query(GroupTable))
        await until(pilot, lambda: app.screen.query_one(GroupTable).chosen() is not None)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, FailedScreen))
        assert app.screen.filter == of
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, GroupsScreen))


@pytest.mark.parametrize(("key", "action"), [("r", Action.REPLAY), ("D", Action.DISCARD)])
async def test_an_action_is_planned_for_the_whole_group(make_app, until, shown, key: str, action: Action) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_groups(app, pilot, until)
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.query("#reason"))
        page = app.screen
        await pilot.press(*"mended", "enter")
        await until(pilot, lambda: page.plan is not None)
        asked = source.requests[0]
        assert (asked.action, asked.filter, asked.ids) == (action, "status:failed group:0000000000000000", None)


async def test_a_viewer_plans_nothing(make_app, until) -> None:
    source = MemorySource()
    app = make_app(source, read_only=True)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_groups(app, pilot, until)
        await pilot.press("r")
        await pilot.pause()
        assert isinstance(app.screen, GroupsScreen)
        assert source.requests == []


async def test_why_two_are_two_is_told_until_one_goes_on(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        table = await open_groups(app, pilot, until)
        await pilot.press("equals_sign")
        await until(pilot, lambda: "Mark two groups with space" in shown(app))
        await pilot.press("space", "end", "equals_sign")
        await until(pilot, lambda: "0000000000000000 and 0000000000000003" in shown(app))
        page = " ".join(shown(app).split())
        assert "They differ in target ERP and WMS" in page
        assert "their messages are not alike" in page
        await pilot.press("up")
        await until(pilot, lambda: "why two" not in shown(app))
        await pilot.press("space", "equals_sign")
        await until(pilot, lambda: "0000000000000000 and 0000000000000002" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: "why two" not in shown(app))
        assert table.marks == []
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen))


async def test_a_third_mark_takes_the_place_of_the_first(make_app, until) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        table = await open_groups(app, pilot, until)
        await pilot.press("space", "space", "space")
        assert table.marks == [f"{n:016x}" for n in (1, 2)]
        await pilot.press("home", "down", "space")
        assert table.marks == [f"{2:016x}"]


async def test_the_filter_asks_anew_and_is_told_where_it_is_wrong(make_app, until, shown) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        table = await open_groups(app, pilot, until)
        await pilot.press("space", "slash", *"plant:P02", "enter")
        await until(pilot, lambda: source.asked[-1][0] == "plant:P02")
        await until(pilot, lambda: "groups  plant:P02" in shown(app))
        assert table.marks == []
        assert table.has_focus
        await pilot.press("slash", "ctrl+u", *"colour:red", "enter")
        await until(pilot, lambda: "There is no field 'colour'" in shown(app))
        assert app.screen.query_one("#filter", Input).has_focus
        await pilot.press("ctrl+u", *"a/b", "escape")
        assert table.has_focus


async def test_nothing_failing_says_so(make_app, until, shown) -> None:
    source = MemorySource()
    source.many_groups = 0
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("g")
        await until(pilot, lambda: "● nothing is failing" in shown(app))
        app.obey("groups plant:P01")
        await until(pilot, lambda: "● no group matches" in shown(app))


async def test_without_an_answer_it_says_so_and_later_of_when_it_is(make_app, until, shown) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_groups(app, pilot, until)
        source.lose()
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "shown as of 02:41:00" in shown(app))
        assert "214" in shown(app)
        source.heal()
        await until(pilot, lambda: "shown as of" not in shown(app))


async def test_what_happens_is_seen(make_app, until) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        table = await open_groups(app, pilot, until)
        await pilot.press("down")
        source.many_groups = 6
        source.tell("transaction")
        await until(pilot, lambda: table.row_count() == 6)
        chosen = table.chosen()
        assert chosen is not None
        assert chosen.fingerprint == f"{1:016x}", "the cursor stays on its group"


async def test_a_long_list_comes_as_one_goes_down_it(make_app, until, shown) -> None:
    source = MemorySource()
    source.many_groups = 450
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        table = await open_groups(app, pilot, until)
        await until(pilot, lambda: "1 of 200+" in shown(app))
        await pilot.press("end")
        await until(pilot, lambda: table.row_count() == 400)
        await pilot.press("end")
        await until(pilot, lambda: table.row_count() == 450 and "of 450 " in shown(app))
        source.tell("transaction")
        await until(pilot, lambda: source.asked[-1][2:] == (450, None))


async def test_order_by_key_and_by_a_click_on_a_title(make_app, until) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        table = await open_groups(app, pilot, until)
        assert source.asked[-1][1] == "-count"
        await pilot.press("o")
        await until(pilot, lambda: source.asked[-1][1] == "-first_seen")
        await pilot.click(GroupTable, offset=(4, 0))
        await until(pilot, lambda: source.asked[-1][1] == "-count")
        await pilot.click(GroupTable, offset=(4, 0))
        await until(pilot, lambda: source.asked[-1][1] == "count")
        await until(pilot, lambda: (one := table.chosen()) is not None and one.count == 4)


async def test_the_fingerprint_is_copied(make_app, until) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await open_groups(app, pilot, until)
        await pilot.press("y")
        await until(pilot, lambda: app.clipboard == f"{0:016x}")


async def test_words_of_a_target_steer_no_terminal(make_app, until, shown, monkeypatch: pytest.MonkeyPatch) -> None:
    import console_doubles
    import msgspec

    made = console_doubles.group
    evil = {"template": "bad \x1b[31m\nred", "code": "\x1b]0;x\x07", "plants": {"\x1b[2J": 3}, "owner": "\x9b31m"}
    monkeypatch.setattr(console_doubles, "group", lambda n: msgspec.structs.replace(made(n), **evil))
    app = make_app()
    async with app.run_test(size=(140, 40)) as pilot:
        await open_groups(app, pilot, until)
        await pilot.press("space", "end", "equals_sign")
        await pilot.pause()
        assert not {"\x1b", "\x07", "\x9b"} & set(shown(app))


def a_change(number: int, *concerns: str) -> ChangeBefore:
    revision = GatewayRevision(
        number=number, at=NOW, by="ann", plan="ab" * 32, policy_set="policies", reason="tidied up", fingerprint="f",
        added=0, changed=0, removed=1,
    )  # fmt: skip
    return ChangeBefore(
        revision=revision, seconds_before=720, concerns=list(concerns),
        undo=f"andon policy rollback {number - 1} --dry-run",
    )  # fmt: skip


async def test_a_change_of_the_gateway_before_the_first_failure_is_told_with_its_inverse(
    make_app, until, shown
) -> None:
    source = MemorySource()
    grant = "consumer.andon-hub.grant.erp.deliver"
    source.changes["0000000000000001"] = [a_change(4, grant), a_change(3)]
    source.changes["0000000000000002"] = [a_change(3)]
    app = make_app(source)
    async with app.run_test(size=(140, 40)) as pilot:
        await open_groups(app, pilot, until)
        await pilot.press("down")
        await until(pilot, lambda: "rollback 3" in shown(app))
        page = shown(app)
        assert f"revision 4, 12 min before, by ann (tidied up): {grant}" in page
        assert "andon policy rollback 3 --dry-run" in page
        await pilot.press("down")
        await until(pilot, lambda: "0000000000000002" in app.screen._changes)
        assert "rollback" not in shown(app), "what has nothing to do with it is not told"
        await pilot.press("up")
        await until(pilot, lambda: "rollback 3" in shown(app))
