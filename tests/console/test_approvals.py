"""The list of what waits for a second person."""

from __future__ import annotations

from datetime import timedelta

import pytest
from console_doubles import MemorySource, who

from console import app as console_app
from console.screens.approval import ApprovalScreen
from console.screens.approvals import ApprovalsScreen
from console.screens.board import BoardScreen
from transactions.people import Role
from transactions.plans import Action, Decision, PlanOptions


async def world(*roles: Role) -> MemorySource:
    """Something of every kind."""
    source = MemorySource()
    source.me = who(*roles)
    await source.asked_by("ben", ids=tuple(range(1, 13)))
    await source.asked_by(
        "cleo",
        action=Action.RELEASE,
        ids=(),
        options=PlanOptions(target="ERP", plant="P02"),
        because=["It releases a hold of financial transactions."],
        reason="ERP is back",
        ago=timedelta(minutes=3),
    )
    await source.asked_by("ann", ids=(5,), reason="double booking", ago=timedelta(hours=1))
    await source.glass_broken_by("dora", ago=timedelta(hours=26))
    return source


async def open_list(app, pilot, until) -> ApprovalsScreen:
    await until(pilot, lambda: app.session.who is not None)
    await pilot.press("p")
    await until(pilot, lambda: isinstance(app.screen, ApprovalsScreen) and app.screen.fetched_at is not None)
    await pilot.pause()
    return app.screen


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
async def test_what_is_late_comes_first_what_is_ones_own_last(make_app, until, shown, size) -> None:
    app = make_app(await world(Role.APPROVER))
    async with app.run_test(size=size) as pilot:
        await open_list(app, pilot, until)
        page = shown(app)
        rows = [line.split() for line in page.splitlines()[3:7]]
        assert rows[0][:6] == ["▌", "■", "overdue", "1d", "discard", "1"]
        assert "2h late" in page
        assert rows[1][:5] == ["◆", "approval", "12m", "discard", "11"]
        assert rows[2][:5] == ["◆", "approval", "3m", "release", "·"], "a place has no count"
        assert rows[3][:6] == ["◆", "approval", "1h", "discard", "1", "you"]


async def test_the_one_under_the_cursor_is_told_whole(make_app, until, shown) -> None:
    app = make_app(await world(Role.APPROVER))
    async with app.run_test(size=(80, 24)) as pilot:
        await open_list(app, pilot, until)
        await until(pilot, lambda: "until then dora cannot break glass again" in " ".join(shown(app).split()))
        await pilot.press("down")
        await until(pilot, lambda: "It is a discard of 9 financial and quality transactions." in shown(app))
        assert "replaced by order 4711, ticket 88" in shown(app)
        assert "Your approval starts it in the name of ben" in shown(app)
        await pilot.press("end")
        await until(pilot, lambda: "yours: somebody else decides" in shown(app))
        assert "y copies the command for them" in " ".join(shown(app).split())


async def test_nothing_waiting_is_good_news(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_list(app, pilot, until)
        assert "● nothing waits for a second person" in shown(app)
        await pilot.press("a", "x", "enter", "y")
        assert isinstance(app.screen, ApprovalsScreen), "keys without a row do nothing"


async def test_a_lost_connection_keeps_the_list_with_its_time(make_app, until, shown) -> None:
    source = await world(Role.APPROVER)
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_list(app, pilot, until)
        source.lose()
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "shown as of 02:41:00" in shown(app))
        assert "dora" in shown(app)


async def test_without_an_answer_it_says_so_and_loads_no_more(make_app, until, shown) -> None:
    source = MemorySource()
    source.lose()
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, ApprovalsScreen) and "No answer from" in shown(app))
        await until(pilot, lambda: "loading" not in shown(app))
        assert "nothing waits" not in shown(app), "not known is not nothing"


@pytest.mark.parametrize(("key", "decision"), [("enter", None), ("a", Decision.APPROVE), ("x", Decision.REJECT)])
async def test_a_decision_is_made_with_the_items_in_sight(make_app, until, key: str, decision) -> None:
    app = make_app(await world(Role.APPROVER))
    async with app.run_test(size=(120, 40)) as pilot:
        await open_list(app, pilot, until)
        await pilot.press("down", key)
        await until(pilot, lambda: isinstance(app.screen, ApprovalScreen) and app.screen.plan is not None)
        assert app.screen.has_class("-deciding") is (decision is not None)
        assert app.screen.query_one("#items").display
        assert app.session.approvals, "nothing was decided by that"


async def test_ones_own_is_refused_before_it_is_tried(make_app, until, shown) -> None:
    source = await world(Role.APPROVER)
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_list(app, pilot, until)
        await pilot.press("end", "a")
        await until(pilot, lambda: "Four eyes are two people" in shown(app))
        assert isinstance(app.screen, ApprovalsScreen)
        assert source.decisions == []


async def test_who_may_not_approve_is_told_which_role_that_wants(make_app, until, shown) -> None:
    app = make_app(await world(Role.OPERATOR))
    async with app.run_test(size=(120, 40)) as pilot:
        await open_list(app, pilot, until)
        await pilot.press("x")
        await until(pilot, lambda: "Ask an admin of the platform for the role approver" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ApprovalScreen))


async def test_the_command_for_somebody_else_is_copied(make_app, until) -> None:
    app = make_app(await world(Role.OPERATOR))
    async with app.run_test(size=(120, 40)) as pilot:
        page = await open_list(app, pilot, until)
        await pilot.press("y")
        assert app.clipboard == f"andon approvals approve {page.current().hash[:12]} --reason TEXT"


async def test_what_was_decided_elsewhere_goes_by_itself(make_app, until, shown, monkeypatch) -> None:
    monkeypatch.setattr(console_app, "COALESCE_SECONDS", 0.01)
    source = await world(Role.APPROVER)
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_list(app, pilot, until)
        await until(pilot, lambda: "■ 1 late review  2 to approve" in shown(app))
        waiting = [one for one in app.session.approvals if one.requested_by == "ben"]
        source.decided_by("zoe", waiting[0].hash, Decision.REJECT, "no")
        await until(pilot, lambda: "ben" not in shown(app) and "1 to approve" in shown(app))


async def test_what_expires_goes_with_the_time(make_app, until, shown) -> None:
    source = MemorySource()
    source.me = who(Role.APPROVER)
    await source.asked_by("ben", ago=timedelta(hours=23, minutes=59))
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_list(app, pilot, until)
        assert "1 to approve" in shown(app)
        app.clock.moment += timedelta(minutes=2)
        app._tick()
        await until(pilot, lambda: "nothing waits for a second person" in shown(app))
        assert "to approve" not in shown(app)


async def test_more_than_a_page_says_that_it_is_the_first(make_app, until, shown, monkeypatch) -> None:
    from console.screens import approvals

    monkeypatch.setattr(approvals, "SHOWN", 2)
    app = make_app(await world(Role.APPROVER))
    async with app.run_test(size=(120, 40)) as pilot:
        await open_list(app, pilot, until)
        assert "first 2" in shown(app)


async def test_the_board_counts_what_waits_for_this_person(make_app, until, shown) -> None:
    app = make_app(await world(Role.APPROVER))
    async with app.run_test(size=(132, 40)) as pilot:
        await until(pilot, lambda: "to approve" in shown(app) and "late review" in shown(app))
        lines = [line[98:].split() for line in shown(app).splitlines()]
        assert ["◆", "to", "approve", "2", "12m"] in lines
        assert ["■", "late", "review", "1"] in lines
        assert ["○", "yours", "wait", "1"] in lines


@pytest.mark.parametrize("size", [(120, 28), (132, 30)])
async def test_on_a_low_board_nothing_that_waits_is_cut_off(make_app, until, shown, size) -> None:
    app = make_app(await world(Role.APPROVER))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "to approve" in shown(app))
        page = shown(app)
        assert "late review" in page
        assert "? parked" not in page, "what there is none of makes room"


async def test_for_who_decides_nothing_only_ones_own_is_counted(make_app, until, shown) -> None:
    app = make_app(await world(Role.OPERATOR))
    async with app.run_test(size=(132, 40)) as pilot:
        await until(pilot, lambda: "yours wait" in shown(app))
        assert "to approve" not in shown(app)
        assert "late review" not in shown(app)


async def test_the_count_in_the_bar_is_a_way_there(make_app, until, shown) -> None:
    app = make_app(await world(Role.APPROVER))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "■ 1 late review" in shown(app) and isinstance(app.screen, BoardScreen))
        await pilot.click("TopBar", offset=(shown(app).index("late review"), 0))
        await until(pilot, lambda: isinstance(app.screen, ApprovalsScreen))
