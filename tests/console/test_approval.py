"""One plan that wants two people: looked at, approved, rejected, reviewed, and how it stands for who asked."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from console_doubles import NOW, MemorySource, who
from textual.widgets import Button, Input

from console import app as console_app
from console.screens.approval import ApprovalScreen
from console.screens.batch import BatchScreen
from console.screens.board import BoardScreen
from console.screens.transaction import TransactionScreen
from transactions.errors import NotFound, Refused, Stale, Unreachable
from transactions.people import Role
from transactions.plans import Decision


@pytest.fixture
async def source() -> MemorySource:
    made = MemorySource()
    made.me = who(Role.APPROVER)
    return made


async def look(app, pilot, until, plan: str, *keys: str) -> ApprovalScreen:
    """Open the page of a plan."""
    await until(pilot, lambda: app.session.who is not None)
    app.obey(f"approvals {plan}")
    await until(pilot, lambda: isinstance(app.screen, ApprovalScreen) and app.screen.plan is not None)
    await pilot.pause()
    for key in keys:
        await pilot.press(key)
    await pilot.pause()
    return app.screen


async def test_the_plan_shows_with_its_items_who_asked_and_why(make_app, until, shown, source) -> None:
    plan = await source.asked_by("ben", ids=tuple(range(1, 13)))
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await look(app, pilot, until, plan)
        page = shown(app)
        assert "Discard 11 transactions" in page, "those that it acts on"
        assert "◆ waits for your decision, 23h left" in page
        assert "ben, 12m ago" in page
        assert "replaced by order 4711, ticket 88" in page
        assert "It is a discard of 9 financial and quality transactions." in page
        assert "comes first" in page, "what will not go is shown with its reason"
        assert "waits until 2026-11-21 02:29" in page
        assert f"andon approvals approve {plan[:12]} --reason TEXT" in page
        assert not app.screen.query_one("#decision").display
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TransactionScreen))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
async def test_an_approval_says_what_it_starts_and_is_followed(make_app, until, shown, source, size) -> None:
    plan = await source.asked_by("ben")
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        await look(app, pilot, until, plan, "a")
        words = " ".join(shown(app).split())
        assert "A discard of 3 starts now, in the name of ben and with the rights of ben." in words
        assert source.decisions == []
        await pilot.press(*"lots checked")
        await until(pilot, lambda: "--reason 'lots checked' --yes" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, BatchScreen) and "by ben" in shown(app))
        assert source.decisions == [(plan, Decision.APPROVE, "lots checked")]
        assert app.commands_done[-1][1] == f"andon approvals approve {plan[:12]} --reason 'lots checked' --yes"
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen))


async def test_a_rejection_goes_back_and_starts_nothing(make_app, until, shown, source) -> None:
    plan = await source.asked_by("ben")
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await look(app, pilot, until, plan, "x")
        assert "The plan can never run" in shown(app)
        await pilot.press(*"wrong lots", "enter")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen) and "Nothing was sent, and ben" in shown(app))
        assert source.made == {}
        assert app.commands_done[-1][1] == f"andon approvals reject {plan[:12]} --reason 'wrong lots' --yes"


@pytest.mark.parametrize("typed", [(), ("space", "space")], ids=["nothing", "blanks"])
async def test_a_decision_wants_a_reason(make_app, until, shown, source, typed) -> None:
    plan = await source.asked_by("ben")
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await look(app, pilot, until, plan, "a", *typed, "enter")
        await until(pilot, lambda: "To approve wants a reason" in shown(app))
        assert source.decisions == []
        assert app.commands_done == []


async def test_production_wants_its_name_typed_to_start_something(make_app, until, shown, source) -> None:
    plan = await source.asked_by("ben")
    app = make_app(source, production=True)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await look(app, pilot, until, plan, "a", *"seen", "enter")
        assert page.query_one("#confirm", Input).has_focus, "the name comes after the reason"
        await pilot.press(*"plant", "enter")
        await until(pilot, lambda: "The name does not match: nothing was started" in shown(app))
        assert source.decisions == []
        page.query_one("#confirm", Input).value = "plant-gateway"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, BatchScreen))


async def test_on_production_a_rejection_wants_no_name(make_app, until, source) -> None:
    plan = await source.asked_by("ben")
    app = make_app(source, production=True)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await look(app, pilot, until, plan, "x")
        assert not page.query_one("#confirm-line").display
        await pilot.press(*"no", "enter")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen))


async def test_buttons_do_what_keys_do(make_app, until, source) -> None:
    plan = await source.asked_by("ben")
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await look(app, pilot, until, plan, "a", *"seen")
        await pilot.click("#cancel")
        await until(pilot, lambda: not page.has_class("-deciding"))
        await pilot.press("x")
        assert page.query_one("#reason", Input).value == "seen", "what was written stays"
        assert str(page.query_one("#decide", Button).label) == "reject"
        await pilot.click("#decide")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen))
        assert source.decisions == [(plan, Decision.REJECT, "seen")]


async def test_escape_leaves_the_decision_first_and_then_the_page(make_app, until, source) -> None:
    plan = await source.asked_by("ben")
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await look(app, pilot, until, plan, "a", *"half a re", "up")
        assert page.query_one("#items").has_focus, "the items can be looked at while deciding"
        await pilot.press("escape")
        assert app.screen is page
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen))
        assert source.decisions == []


@pytest.mark.parametrize(
    "error",
    [
        Refused("ben, who asked for it, may not do this any more. Nothing was started."),
        Refused("ann asked for the plan, and four eyes are two people."),
    ],
    ids=["the asker lost the rights", "own"],
)
async def test_a_refusal_is_told_in_place_and_nothing_written_is_lost(make_app, until, shown, source, error) -> None:
    plan = await source.asked_by("ben")
    source.fail_decision = error
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await look(app, pilot, until, plan, "a", *"seen", "enter")
        await until(pilot, lambda: error.detail in shown(app))
        assert page.query_one("#reason", Input).value == "seen"
        assert not page.query_one("#decide", Button).disabled
        source.fail_decision = None
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, BatchScreen))


async def test_what_was_decided_meanwhile_cannot_be_decided_again(make_app, until, shown, source) -> None:
    plan = await source.asked_by("ben")
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await look(app, pilot, until, plan, "a", *"seen")
        source._decide(source.plans[plan], "zoe", Decision.REJECT, "wrong lots")
        source.fail_decision = Stale("The plan was rejected by zoe: wrong lots. Nothing was sent.")
        await pilot.press("enter")
        await until(pilot, lambda: "■ rejected by zoe, 0s ago: wrong lots. Nothing was sent." in shown(app))
        await until(pilot, lambda: "what was written here was not sent" in shown(app))
        assert page.query_one("#decide", Button).disabled


async def test_no_answer_is_not_called_a_refusal(make_app, until, shown, source) -> None:
    plan = await source.asked_by("ben")
    source.fail_decision = Unreachable("No answer. Whether the platform did what was asked is not known.")
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await look(app, pilot, until, plan, "a", *"seen", "enter")
        await until(pilot, lambda: "Whether the platform did what was asked is not known" in shown(app))


async def test_leaving_the_page_does_not_cut_the_decision_off(make_app, until, shown, source) -> None:
    plan = await source.asked_by("ben")
    answer, approve = asyncio.Event(), source.approve

    async def slow(hash, reason):  # noqa: A002
        await answer.wait()
        return await approve(hash, reason)

    source.approve = slow
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await look(app, pilot, until, plan, "a", *"seen", "enter", "escape", "escape")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen))
        answer.set()
        await until(pilot, lambda: "It runs now, in the name of ben" in shown(app))
        assert len(source.made) == 1


async def test_a_refusal_after_leaving_is_told_where_one_is(make_app, until, shown, source) -> None:
    plan = await source.asked_by("ben")
    answer = asyncio.Event()

    async def slow(hash, reason):  # noqa: A002
        await answer.wait()
        raise Refused("Four eyes are two people.")

    source.reject = slow
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await look(app, pilot, until, plan, "x", *"no", "enter", "escape", "escape")
        answer.set()
        await until(pilot, lambda: "Four eyes are two people." in shown(app))


# Reviews


async def test_a_review_is_closed_without_touching_what_ran(make_app, until, shown, source) -> None:
    plan = await source.glass_broken_by("dora")
    before = dict(source.made)
    app = make_app(source, production=True)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await look(app, pilot, until, plan, "a")
        assert "▲ a review by somebody else is owed, due in 22h" in shown(app)
        assert "What ran stays as it is" in " ".join(shown(app).split())
        assert "review " in shown(app).splitlines()[0], "it is called what it is"
        assert not page.query_one("#confirm-line").display, "it starts nothing"
        await pilot.press(*"fine", "enter")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen) and "What was found is on record" in shown(app))
        assert source.made == before


async def test_a_review_that_is_late_says_by_how_much(make_app, until, shown, source) -> None:
    plan = await source.glass_broken_by("dora", ago=timedelta(hours=26))
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await look(app, pilot, until, plan)
        assert "■ a review by somebody else is owed, and overdue by 2h" in shown(app)


async def test_what_ran_can_be_looked_at_from_its_review(make_app, until, source) -> None:
    plan = await source.glass_broken_by("dora")
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await look(app, pilot, until, plan, "o")
        await until(pilot, lambda: isinstance(app.screen, BatchScreen))


# For the one who asked, and for who only looks


async def test_ones_own_says_who_decides_and_gives_the_command(make_app, until, shown, source) -> None:
    plan = await source.asked_by("ann")
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await look(app, pilot, until, plan, "a")
        assert "◆ yours: somebody else decides, 23h left" in shown(app)
        assert f"for somebody else: andon approvals approve {plan[:12]} --reason TEXT" in shown(app)
        assert not page.has_class("-deciding")
        await until(pilot, lambda: "Four eyes are two people" in shown(app))
        await pilot.press("y")
        assert app.clipboard == f"andon approvals approve {plan[:12]} --reason TEXT"


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        (Decision.APPROVE, "✓ approved by zoe, 0s ago: looked at. o opens its batch."),
        (Decision.REJECT, "■ rejected by zoe, 0s ago: looked at. Nothing was sent."),
    ],
)
async def test_the_decision_of_somebody_else_shows_by_itself(
    make_app, until, shown, source, monkeypatch, decision: Decision, said: str
) -> None:
    monkeypatch.setattr(console_app, "COALESCE_SECONDS", 0.01)
    plan = await source.asked_by("ann")
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await look(app, pilot, until, plan)
        source.decided_by("zoe", plan, decision, "looked at")
        await until(pilot, lambda: said in shown(app))
        await pilot.press("o")
        if decision is Decision.APPROVE:
            await until(pilot, lambda: isinstance(app.screen, BatchScreen))
        else:
            assert isinstance(app.screen, ApprovalScreen), "there is no batch to open"


async def test_who_may_not_approve_looks_and_is_told_who_decides(make_app, until, shown, source) -> None:
    source.me = who(Role.VIEWER)
    plan = await source.asked_by("ben")
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await look(app, pilot, until, plan, "a")
        assert "waits for somebody who may approve it" in shown(app)
        await until(pilot, lambda: "role approver" in shown(app))


async def test_a_read_only_session_decides_nothing(make_app, until, shown, source) -> None:
    plan = await source.asked_by("ben")
    app = make_app(source, read_only=True)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await look(app, pilot, until, plan, "a")
        await until(pilot, lambda: "This session is read-only" in shown(app))
        assert not page.has_class("-deciding")


async def test_what_expired_says_that_nothing_was_sent(make_app, until, shown, source) -> None:
    import msgspec

    from transactions.plans import PlanState

    plan = await source.asked_by("ben")
    source.plans[plan] = msgspec.structs.replace(source.plans[plan], state=PlanState.EXPIRED)
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await look(app, pilot, until, plan, "a")
        assert "▲ expired: nobody decided in time. Nothing was sent." in shown(app)
        assert not app.screen.has_class("-deciding"), "there is nothing to decide"


async def test_a_plan_that_is_not_there_says_so(make_app, until, shown, source) -> None:
    async def missing(hash):  # noqa: A002
        raise NotFound(f"There is no plan {hash!r}. Take a hash from the list.")

    source.plan = missing
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        app.obey("approvals 9f3c9f3c9f3c")
        await until(pilot, lambda: "There is no plan '9f3c9f3c9f3c'" in shown(app))
        await until(pilot, lambda: "loading" not in shown(app))
        await pilot.press("a", "x", "o")
        assert app.screen.plan is None


async def test_words_of_others_steer_no_terminal(make_app, until, shown, source) -> None:
    plan = await source.asked_by("ben\x1b[2J", reason="see \x1b]0;title\x07 [bold]this[/]", because=["It \x9bx."])
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await look(app, pilot, until, plan, "a")
        page = shown(app)
        assert "[bold]this[/]" in page
        assert not any((ord(sign) < 32 and sign != "\n") or 0x7F <= ord(sign) < 0xA0 for sign in page)


async def test_the_time_left_runs_down(make_app, until, shown, source) -> None:
    plan = await source.asked_by("ben", ago=timedelta())
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await look(app, pilot, until, plan)
        app.clock.moment = NOW + timedelta(hours=22)
        app._tick()
        await until(pilot, lambda: "2h left" in shown(app))
