"""A plan that wants a second person: said before it runs, asked for instead of run, and what breaking glass takes."""

from __future__ import annotations

import asyncio

import pytest
from console_doubles import MemorySource, who
from textual.widgets import Button, Input

from console.drafts import Draft
from console.screens.approval import ApprovalScreen
from console.screens.approvals import ApprovalsScreen
from console.screens.batch import BatchScreen
from console.screens.board import BoardScreen
from console.screens.plan import PlanScreen
from transactions.errors import Refused
from transactions.people import Permission, Role
from transactions.plans import Action, Decision, PlanState

ONE = ["tx-00000001-7f3a9c"]
"""A financial one."""
HARMLESS = ["tx-00000000-7f3a9c"]


async def planned(app, pilot, until, *, action: Action = Action.DISCARD, ids: list[str] = ONE) -> PlanScreen:
    """A draft with its reason and its plan."""
    await until(pilot, lambda: app.session.who is not None)
    app.draft(Draft(action=action, ids=ids, count=len(ids)))
    await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.query("#reason"))
    page = app.screen
    await pilot.press(*"mended", "enter")
    await until(pilot, lambda: page.plan is not None)
    await pilot.pause()
    return page


def glass() -> MemorySource:
    """Somebody who may break glass."""
    source = MemorySource()
    source.me = who(Role.OPERATOR, granted=(Permission.BREAK_GLASS,))
    return source


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
async def test_that_two_are_wanted_and_why_is_said_before_it_is_asked_for(make_app, until, shown, size) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        page = await planned(app, pilot, until)
        words = " ".join(shown(app).split())
        assert "◆ It is a discard of 1 financial transaction. Nothing runs until somebody else approves it." in words
        assert "ask for approval" in words, "the button says what it does, whole"
        assert str(page.query_one("#run", Button).label) == "ask for approval"
        assert source.plans[page.plan.hash].state is PlanState.PLANNED


async def test_one_person_is_enough_for_most(make_app, until, shown) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await planned(app, pilot, until, ids=HARMLESS)
        assert str(page.query_one("#run", Button).label) == "run"
        assert "somebody else" not in shown(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, BatchScreen))


async def test_asking_leads_to_what_waits_with_the_command_for_the_other(make_app, until, shown) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        plan = (await planned(app, pilot, until)).plan.hash
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ApprovalScreen) and app.screen.plan is not None)
        await until(pilot, lambda: "◆ yours: somebody else decides, 1d left" in shown(app))
        assert "waits until 2026-11-21 02:41" in shown(app)
        assert f"for somebody else: andon approvals approve {plan[:12]} --reason TEXT" in shown(app)
        assert source.made == {}
        assert source.plans[plan].state is PlanState.AWAITING_APPROVAL
        assert app.commands_done[-1][1] == f"andon tx discard {ONE[0]} --reason mended --yes"
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen))


async def test_leaving_before_the_answer_does_not_lose_what_was_asked(make_app, until, shown) -> None:
    source = MemorySource()
    answer, run = asyncio.Event(), source.run

    async def slow(hash):  # noqa: A002
        await answer.wait()
        return await run(hash)

    source.run = slow
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await planned(app, pilot, until)
        await pilot.press("enter", "escape")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen))
        answer.set()
        await until(pilot, lambda: "It is under approvals (p)" in shown(app))
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, ApprovalsScreen) and app.screen.current() is not None)
        assert app.screen.current().own


@pytest.mark.parametrize(
    ("decision", "said"),
    [(Decision.APPROVE, "was approved, and it runs"), (Decision.REJECT, "was rejected; nothing was sent")],
)
async def test_who_asked_is_told_of_the_decision_on_any_page(make_app, until, shown, decision, said) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        plan = (await planned(app, pilot, until)).plan.hash
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ApprovalScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen))
        source.decided_by("zoe", plan, decision, "looked at")
        await until(pilot, lambda: said in shown(app))


async def test_who_may_not_act_is_told_so_and_gets_no_plan(make_app, until, shown) -> None:
    source = MemorySource()
    source.me = who(Role.VIEWER)
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.session.who is not None)
        await pilot.press("f")
        await until(pilot, lambda: "1 of 266" in shown(app))
        await pilot.press("D")
        await until(pilot, lambda: "may not make plans, run them, and cancel what runs" in shown(app))
        assert "role operator" in shown(app)
        assert source.requests == []


async def test_who_may_not_act_cancels_no_batch(make_app, until, shown) -> None:
    source = MemorySource(settle=False)
    await source.glass_broken_by("dora")
    source.me = who(Role.APPROVER)
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.session.who is not None)
        app.open(BatchScreen(next(iter(source.made.values()))))
        await until(pilot, lambda: isinstance(app.screen, BatchScreen) and app.screen.fetched_at is not None)
        await pilot.press("c")
        await until(pilot, lambda: "Ask an admin of the platform for the role operator" in shown(app))
        assert "cancelled" not in shown(app)


# Breaking glass


async def test_breaking_glass_is_not_offered_without_the_permission(make_app, until, shown) -> None:
    source = MemorySource()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await planned(app, pilot, until)
        assert "glass" not in shown(app)
        await pilot.press("ctrl+g")
        assert len(source.requests) == 1


async def test_breaking_glass_is_not_offered_where_one_person_is_enough(make_app, until, shown) -> None:
    app = make_app(glass())
    async with app.run_test(size=(120, 40)) as pilot:
        await planned(app, pilot, until, ids=HARMLESS)
        assert "glass" not in shown(app)


@pytest.mark.parametrize("production", [False, True], ids=["elsewhere", "production"])
async def test_breaking_glass_wants_its_words_typed_and_says_what_follows(
    make_app, until, shown, production: bool
) -> None:
    source = glass()
    app = make_app(source, production=production)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await planned(app, pilot, until)
        assert "^g break glass" in shown(app)
        asked = page.plan.hash
        await pilot.press("ctrl+g")
        await until(pilot, lambda: page.plan.hash != asked)
        words = " ".join(shown(app).split())
        assert "■ Runs without the second person it wants." in words
        assert "somebody else reviews it by 2026-11-21 02:41" in words
        assert "--break-glass" in words
        assert page.query_one("#confirm", Input).has_focus
        await pilot.press(*"yes", "enter")
        await until(pilot, lambda: "Nothing was sent. Type exactly 'break glass" in shown(app))
        assert source.made == {}
        page.query_one("#confirm", Input).value = "break glass plant-gateway" if production else "break glass"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, BatchScreen))
        assert source.requests[-1].options.break_glass
        await until(pilot, lambda: "Somebody else owes a review of this within 24 hours" in shown(app))
        assert list(source.reviews) == [source.made["batch-0000"].plan], "a review is owed"
        assert app.commands_done[-1][1] == f"andon tx discard {ONE[0]} --break-glass --reason mended --yes"


async def test_there_is_a_way_back_from_the_glass(make_app, until, shown) -> None:
    source = glass()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await planned(app, pilot, until)
        await pilot.click("#glass")
        await until(pilot, lambda: "ask for approval instead" in shown(app))
        await pilot.click("#glass")
        await until(pilot, lambda: not page.plan.options.break_glass)
        await pilot.pause()
        assert not page.query_one("#confirm-line").display
        await pilot.click("#run")
        await until(pilot, lambda: isinstance(app.screen, ApprovalScreen))
        assert source.made == {}


async def test_a_refusal_to_break_glass_keeps_the_plan_that_asks(make_app, until, shown) -> None:
    source = glass()
    make_plan = source.make_plan

    async def refusing(request):
        if request.options.break_glass:
            raise Refused("ann broke glass before, and the review of that is overdue. Nothing was changed.")
        return await make_plan(request)

    source.make_plan = refusing
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await planned(app, pilot, until)
        await pilot.press("ctrl+g")
        await until(pilot, lambda: "the review of that is overdue" in shown(app))
        assert "Nothing runs until somebody else approves it" in shown(app)
        page.query_one("#run", Button).press()
        await until(pilot, lambda: isinstance(app.screen, ApprovalScreen))


async def test_another_reason_asks_again_and_does_not_break_glass(make_app, until) -> None:
    source = glass()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await planned(app, pilot, until)
        await pilot.press("ctrl+g")
        await until(pilot, lambda: page.plan.options.break_glass)
        reason = page.query_one("#reason", Input)
        reason.focus()
        reason.value = "another"
        await pilot.press("enter")
        await until(pilot, lambda: page.plan.reason == "another")
        assert not page.plan.options.break_glass


async def test_without_a_reason_no_glass_is_broken(make_app, until, shown) -> None:
    source = glass()
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await planned(app, pilot, until)
        page.query_one("#reason", Input).value = "  "
        page.query_one("#glass", Button).press()
        await until(pilot, lambda: "A reason is needed" in shown(app))
        assert len(source.requests) == 1
