"""A change of the gateway that wants two people, in the console: read line by line, approved, rejected, overtaken."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from console_doubles import NOW, MemorySource, who

from console.screens.approval import ApprovalScreen
from console.screens.approvals import ApprovalsScreen
from console.second_person import consequence
from transactions.approvals import ApprovalKind
from transactions.people import Role
from transactions.plans import (
    Action,
    Approval,
    Decision,
    Plan,
    PlanOptions,
    PlanState,
    PolicyChange,
    PolicyChanges,
    PolicyDoes,
    plan_hash,
)

CHANGES = [
    PolicyChange(
        address="consumer.mes-p03.grant.ledger.post",
        does=PolicyDoes.ADD,
        said=["reason: posts what it used"],
        because=["grants a financial scope"],
    ),
    PolicyChange(
        address="throttle.standard",
        does=PolicyDoes.CHANGE,
        said=["requests: 600 → 60", *(f"fact-{n}: {n} → {n + 1}" for n in range(9))],
        because=["cuts 600 in 60 s to 60 in 60 s"],
    ),
    PolicyChange(address="scope.orders.all", does=PolicyDoes.RENAME, from_="scope.orders.read"),
]


def policy_plan(changes: list[PolicyChange] = CHANGES) -> Plan:
    counts = {str(does): sum(each.does is does for each in changes) for does in PolicyDoes}
    plan = Plan(
        hash="",
        state=PlanState.AWAITING_APPROVAL,
        platform="test",
        action=Action.POLICY,
        reason="go-live of plant 3",
        options=PlanOptions(),
        requested_by="grete",
        created_at=NOW - timedelta(minutes=5),
        expires_at=NOW + timedelta(hours=23),
        filter=None,
        items=[],
        verdicts={},
        second_person=["consumer.mes-p03.grant.ledger.post grants a financial scope."],
        approval=Approval(asked_by="grete", asked_at=NOW - timedelta(minutes=5)),
        policy=PolicyChanges(
            gateway="plant-gateway",
            policy_set="policies",
            plan="ab" * 32,
            base="cd" * 32,
            revision=4,
            sha256="ef" * 32,
            counts=counts,
            changes=changes,
        ),
    )
    return msgspec.structs.replace(plan, hash=plan_hash(plan.body()))


@pytest.fixture
def plan() -> Plan:
    return policy_plan()


@pytest.fixture
def source(plan: Plan) -> MemorySource:
    made = MemorySource()
    made.me = who(Role.APPROVER)
    made.plans[plan.hash] = plan
    return made


async def look(app, pilot, until, plan: Plan, *keys: str) -> ApprovalScreen:
    await until(pilot, lambda: app.session.who is not None)
    app.obey(f"approvals {plan.hash}")
    await until(pilot, lambda: isinstance(app.screen, ApprovalScreen) and app.screen.plan is not None)
    await pilot.pause()
    for key in keys:
        await pilot.press(key)
    await pilot.pause()
    return app.screen


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
async def test_it_shows_what_becomes_of_each_and_why_two_people(make_app, until, shown, source, plan, size) -> None:
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        await look(app, pilot, until, plan)
        page = shown(app)
        assert "Change 3 resources of plant-gateway" in page
        assert "◆ waits for your decision, 23h left" in page
        assert "go-live of plant 3" in page
        assert "+ add 1   ~ change 1   > rename 1" in page
        assert "revision 4 of plant-gateway" in page
        assert "consumer.mes-p03.grant.ledger.post" in page
        assert "◆ grants a financial scope" in page, "the row under the cursor is told whole"
        assert "reason: posts what it used" in page
        await pilot.press("down")
        await pilot.pause()
        assert "requests: 600 → 60" in shown(app)
        assert "and 4 more" in shown(app)


async def test_enter_looks_at_it_at_the_gateway_where_it_is_there(
    make_app, until, shown, source, plan, monkeypatch
) -> None:
    app = make_app(source)
    async with app.run_test(size=(140, 40)) as pilot:
        await look(app, pilot, until, plan, "enter")
        await until(pilot, lambda: "is not at the gateway yet" in shown(app))
        assert isinstance(app.screen, ApprovalScreen)
        obeyed: list[str] = []
        monkeypatch.setattr(app, "obey", obeyed.append)
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: obeyed)
        assert obeyed == ["gateway scope.orders.read"], "by the name that it has there"


async def test_a_rename_names_both(make_app, until, shown, source, plan) -> None:
    app = make_app(source)
    async with app.run_test(size=(140, 40)) as pilot:
        await look(app, pilot, until, plan)
        assert "scope.orders.read → scope.orders.all" in shown(app)


async def test_an_approval_changes_the_gateway_in_the_name_of_the_asker(make_app, until, shown, source, plan) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await look(app, pilot, until, plan, "a")
        words = " ".join(shown(app).split())
        assert "3 resources of the gateway change now, all or none, in the name of grete" in words
        await pilot.press(*"read", "enter")
        await until(pilot, lambda: source.decisions != [])
        await until(pilot, lambda: not isinstance(app.screen, ApprovalScreen))
        assert source.decisions == [(plan.hash, Decision.APPROVE, "read")]
        await until(
            pilot, lambda: "The gateway is at revision 5 now, in the name of grete." in " ".join(shown(app).split())
        )


async def test_a_rejection_says_that_nothing_was_changed(make_app, until, shown, source, plan) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await look(app, pilot, until, plan, "x")
        assert "It can never be applied: nothing is changed" in " ".join(shown(app).split())
        await pilot.press(*"no", "enter")
        await until(pilot, lambda: source.decisions != [])
        await until(pilot, lambda: "Nothing was changed, and grete can read why." in " ".join(shown(app).split()))
        await look(app, pilot, until, plan)
        assert "rejected by" in shown(app)
        assert "Nothing was changed." in shown(app)


@pytest.mark.parametrize(
    ("state", "revision", "said"),
    [
        (PlanState.STALE, None, "overtaken: the gateway has changed since. Nothing was changed."),
        (PlanState.EXPIRED, None, "expired: nobody decided in time. Nothing was changed."),
        (PlanState.RUN, 5, "It made revision 5."),
    ],
)
async def test_how_it_stands_afterwards(make_app, until, shown, source, plan, state, revision, said) -> None:
    source.plans[plan.hash] = msgspec.structs.replace(plan, state=state, revision=revision)
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await look(app, pilot, until, plan)
        assert said in shown(app)


async def test_the_list_shows_it_with_how_many(make_app, until, shown, source, plan) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.session.who is not None)
        app.obey("approvals")
        await until(pilot, lambda: isinstance(app.screen, ApprovalsScreen) and app.screen.fetched_at is not None)
        await pilot.pause()
        (line,) = [each for each in shown(app).splitlines() if "policy" in each]
        assert line.split()[1:7] == ["◆", "approval", "5m", "policy", "3", "grete"]


async def test_words_of_others_steer_no_terminal(make_app, until, shown, source) -> None:
    hostile = policy_plan(
        [PolicyChange(address="scope.x", does=PolicyDoes.REMOVE, said=["\x1b[2Jgone"], because=["\x1b]0;x\x07"])]
    )
    source.plans[hostile.hash] = hostile
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await look(app, pilot, until, hostile)
        assert "\x1b" not in shown(app)


def test_what_one_resource_is_called() -> None:
    said = consequence(Decision.APPROVE, ApprovalKind.APPROVAL, Action.POLICY, 1, "grete")
    assert said.startswith("1 resource of the gateway")
