"""Four eyes over the admin API: who asks, who may decide, and what starts then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
from aiohttp import web
from sqlalchemy import select, update

from hub.store.schema import plans, reviews, transactions
from transactions.audit import verify
from transactions.clock import to_micros
from transactions.history import AuditEntry
from transactions.people import Limits, Permission, Principal, Role

PEOPLE = {
    "operator-a": Principal(subject="anna", kind="user", roles=(Role.OPERATOR, Role.APPROVER)),
    "operator-b": Principal(subject="bert", kind="user", roles=(Role.OPERATOR, Role.APPROVER)),
    "operator-only": Principal(subject="olga", kind="user", roles=(Role.OPERATOR,)),
    "approver-only": Principal(subject="abel", kind="user", roles=(Role.APPROVER,)),
    "other-plant": Principal(
        subject="otto", kind="user", roles=(Role.OPERATOR, Role.APPROVER), limits=Limits(plants=["P02"])
    ),
    "glass": Principal(
        subject="gina", kind="user", roles=(Role.OPERATOR,), granted=frozenset({Permission.BREAK_GLASS})
    ),
}


class As:
    """A client of the hub as one of the people."""

    def __init__(self, local: Any, token: str) -> None:
        self._local, self._headers = local, {"Authorization": f"Bearer {token}"}

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self._local.client.get(path, headers=self._headers, **more)

    async def post(self, path: str, **more: Any) -> httpx.Response:
        return await self._local.client.post(path, headers=self._headers, **more)

    async def plan(self, action: str, *ids: str, **options: Any) -> dict[str, Any]:
        body: dict[str, Any] = {"action": action, "reason": "obsolete order", "options": options}
        if ids:
            body["ids"] = list(ids)
        answer = await self.post("plans", json=body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def run(self, plan: dict[str, Any]) -> httpx.Response:
        return await self.post(f"plans/{plan['hash']}/run")

    async def approve(self, plan: dict[str, Any], reason: str = "order is closed in ERP") -> httpx.Response:
        return await self.post(f"plans/{plan['hash']}/approve", json={"reason": reason})

    async def reject(self, plan: dict[str, Any], reason: str = "not yet") -> httpx.Response:
        return await self.post(f"plans/{plan['hash']}/reject", json={"reason": reason})

    async def waiting(self) -> list[dict[str, Any]]:
        answer = await self.get("approvals")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])


@pytest.fixture
def rejecting(target) -> Iterator[Any]:
    async def reject(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response({"error": {"code": "M7053", "message": "closed"}}, status=422)

    usual, target.deliver = target.deliver, reject
    yield target
    target.deliver = usual


@pytest.fixture
def people(local, rejecting) -> Any:
    for token, principal in PEOPLE.items():
        local.hub.access.accept(token, principal)

    def who(token: str) -> As:
        return As(local, token)

    return who


async def failed(local, count: int = 1, flow: str = "consumption", plant: str = "P01") -> list[str]:
    ids = []
    for n in range(count):
        body = {"event": f"{flow}{plant}{n}", "order": f"{n}", "material": "M1"}
        answer = await local.post("ingress", params={"flow": flow, "plant": plant}, json=body)
        ids.append(str(answer.json()["items"][0]["id"]))
    for tx in ids:
        assert (await local.settled(tx))["status"] == "failed"
    return ids


async def status(local, tx: str) -> str:
    return str((await local.get(f"transactions/{tx}")).json()["status"])


async def test_a_discard_of_money_waits_and_starts_with_the_second_persons_word(local, people, problem) -> None:
    anna, bert = people("operator-a"), people("operator-b")
    (tx,) = await failed(local)
    plan = await anna.plan("discard", tx)
    assert plan["second_person"] == ["It is a discard of 1 financial transaction."]
    assert plan["state"] == "planned"
    assert await bert.waiting() == []  # a plan that nobody wants to run waits for nobody

    answer = await anna.run(plan)
    detail = problem(answer, 409, "second-person-wanted")
    assert plan["hash"] in detail
    assert "andon approvals approve" in detail
    assert (answer.json()["hash"], answer.json()["because"]) == (plan["hash"], plan["second_person"])
    assert await status(local, tx) == "failed"
    stored = (await anna.get(f"plans/{plan['hash']}")).json()
    assert stored["state"] == "awaiting-approval"
    assert (stored["approval"]["asked_by"], stored["approval"]["decided_by"]) == ("anna", None)

    (item,) = await bert.waiting()
    assert {name: item[name] for name in ("hash", "action", "requested_by", "reason", "count", "kind", "own")} == {
        "hash": plan["hash"],
        "action": "discard",
        "requested_by": "anna",
        "reason": "obsolete order",
        "count": 1,
        "kind": "approval",
        "own": False,
    }
    assert item["expires_at"] == plan["expires_at"]
    assert [(each["hash"], each["own"]) for each in await anna.waiting()] == [(plan["hash"], True)]

    decided = await bert.approve(plan)
    assert decided.status_code == 200, decided.text
    body = decided.json()
    assert (body["kind"], body["decision"], body["state"], body["batch"]["started_by"]) == (
        "approval",
        "approve",
        "run",
        "anna",
    )
    await _ended(local, body["batch"]["id"])
    assert await status(local, tx) == "discarded"
    assert await bert.waiting() == []
    stored = (await anna.get(f"plans/{plan['hash']}")).json()
    assert stored["approval"]["decided_by"] == "bert"
    assert (stored["approval"]["decision"], stored["approval"]["reason"]) == ("approve", "order is closed in ERP")


async def _ended(local, batch: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while found.get("finished_at") is None:
        found = (await local.get(f"batches/{batch}")).json()
    return found


async def test_nobody_decides_on_their_own(local, people, problem) -> None:
    anna, bert, abel = people("operator-a"), people("operator-b"), people("approver-only")
    (tx,) = await failed(local)
    plan = await anna.plan("discard", tx)
    await anna.run(plan)
    for decide in (anna.approve, anna.reject):
        assert "two people" in problem(await decide(plan), 409, "refused")
    # who made the plan decides as little as who asked to run it
    other = await anna.plan("discard", tx)
    await bert.run(other)
    problem(await anna.approve(other), 409, "refused")
    problem(await bert.approve(other), 409, "refused")
    assert await status(local, tx) == "failed"
    assert (await abel.approve(other)).status_code == 200


async def test_who_may_decide(local, people, problem) -> None:
    (tx,) = await failed(local)
    plan = await people("operator-a").plan("discard", tx)
    await people("operator-a").run(plan)
    problem(await people("operator-only").approve(plan), 403, "forbidden")
    problem(await people("operator-only").reject(plan), 403, "forbidden")
    # what is out of reach is not there, and not in the list either
    problem(await people("other-plant").approve(plan), 404, "not-found")
    assert await people("other-plant").waiting() == []
    # an approver who is no operator can approve and cannot run it alone
    problem(await people("approver-only").run(plan), 403, "forbidden")
    assert (await people("approver-only").approve(plan)).status_code == 200


async def test_a_decision_wants_a_reason_and_the_hash(local, people, problem) -> None:
    (tx,) = await failed(local)
    plan = await people("operator-a").plan("discard", tx)
    bert = people("operator-b")
    assert "Nobody asked" in problem(await bert.approve(plan), 409, "refused")
    await people("operator-a").run(plan)
    for reason in ("", "   "):
        problem(await bert.approve(plan, reason), 422, "invalid-request")
    problem(await bert.approve({"hash": "0" * 64}), 404, "not-found")
    problem(await bert.approve({"hash": plan["hash"][:8]}), 404, "not-found")
    problem(await bert.post(f"plans/{plan['hash']}/approve", json={"reason": "x", "hash": "y"}), 422, "invalid-request")
    assert (await bert.approve({"hash": plan["hash"][:12]})).status_code == 200


async def test_a_reason_is_a_sentence_and_no_book(local, people, problem) -> None:
    """It is written beside each transaction, into the audit chain and into every list: a long one fills the disk."""
    anna, bert = people("operator-a"), people("operator-b")
    (tx,) = await failed(local)
    body = {"action": "discard", "reason": "x" * 1_001, "ids": [tx]}
    assert "1,000 are the most" in problem(await anna.post("plans", json=body), 422, "invalid-request")
    problem(await anna.post("stop", json={"reason": "x" * 1_001}), 422, "invalid-request")
    answer = await anna.post("plans", json=body | {"reason": "x" * 1_000})
    await anna.run(answer.json())
    for decision in (bert.approve, bert.reject):
        problem(await decision(answer.json(), "x" * 1_001), 422, "invalid-request")
    assert (await bert.approve(answer.json(), "x" * 1_000)).status_code == 200


async def test_a_rejected_plan_is_over(local, people, problem) -> None:
    anna, bert = people("operator-a"), people("operator-b")
    (tx,) = await failed(local)
    plan = await anna.plan("discard", tx)
    await anna.run(plan)
    assert (await bert.reject(plan)).json()["state"] == "rejected"
    assert "rejected by bert: not yet" in problem(await anna.run(plan), 412, "stale")
    problem(await bert.approve(plan), 412, "stale")
    assert await status(local, tx) == "failed"
    assert await bert.waiting() == []


async def test_approving_twice_runs_once(local, people, problem) -> None:
    anna, bert, abel = people("operator-a"), people("operator-b"), people("approver-only")
    (tx,) = await failed(local)
    plan = await anna.plan("discard", tx)
    await anna.run(plan)
    first = await bert.approve(plan)
    assert first.json()["batch"]["id"] in problem(await abel.approve(plan), 412, "stale")
    problem(await anna.run(plan), 412, "stale")


async def test_asking_again_goes_on_waiting(local, people, problem) -> None:
    anna = people("operator-a")
    (tx,) = await failed(local)
    plan = await anna.plan("discard", tx)
    for _ in range(3):
        problem(await anna.run(plan), 409, "second-person-wanted")
    assert len(await people("operator-b").waiting()) == 1


async def test_an_approval_dies_with_its_plan(local, people, problem) -> None:
    anna, bert = people("operator-a"), people("operator-b")
    (tx,) = await failed(local)
    plan = await anna.plan("discard", tx)
    await anna.run(plan)
    earlier = to_micros(local.hub.clock.now() - timedelta(seconds=1))
    await local.hub.database.write(
        lambda c: c.execute(update(plans).where(plans.c.hash == plan["hash"]).values(expires_at=earlier))
    )
    assert await bert.waiting() == []
    assert (await bert.get("plans", params={"state": "awaiting-approval"})).json()["items"] == []
    (listed,) = (await bert.get("plans", params={"state": "expired"})).json()["items"]
    assert (listed["hash"], listed["state"]) == (plan["hash"], "expired")
    assert "expired" in problem(await bert.approve(plan), 412, "stale")


async def test_what_changed_since_is_left_alone_when_the_approval_comes(local, people) -> None:
    anna, bert = people("operator-a"), people("operator-b")
    first, second = await failed(local, 2)
    plan = await anna.plan("discard", first, second)
    await anna.run(plan)
    await local.hub.database.write(
        lambda c: c.execute(
            update(transactions).where(transactions.c.id == first).values(version=transactions.c.version + 1)
        )
    )
    batch = await _ended(local, (await bert.approve(plan)).json()["batch"]["id"])
    assert (batch["counts"]["processed"], batch["counts"]["skipped"]) == (1, 1)
    assert await status(local, first) == "failed"


async def own_person(local: Any, name: str, **asked: Any) -> As:
    """Somebody of the hub's own people, with a token of the hub's own issuer."""
    added = await local.post("users", json={"name": name, "roles": ["operator", "approver"]} | asked)
    assert added.status_code in (200, 201), added.text
    return As(local, (await local.post(f"users/{name}/token", json={})).json()["token"])


@pytest.mark.parametrize(
    "now_is",
    [
        None,
        {"roles": ["viewer"]},
        {"roles": ["operator"], "limits": {"plants": ["P02"]}},
        {"roles": ["operator"], "limits": {"risks": ["low"]}},
    ],
    ids=["removed", "viewer", "other-plant", "other-risk"],
)
async def test_it_runs_in_the_askers_rights_of_that_moment(local, people, problem, now_is) -> None:
    """Of real people: rights that were taken back since are no rights, and a removed person runs nothing."""
    anna, bert = await own_person(local, "anna"), people("operator-b")
    (tx,) = await failed(local)
    plan = await anna.plan("discard", tx)
    await anna.run(plan)
    if now_is is None:
        assert (await local.delete("users/anna")).status_code == 200
    else:
        await own_person(local, "anna", change=True, **now_is)
    assert "may not do this any more" in problem(await bert.approve(plan), 409, "refused")
    assert await status(local, tx) == "failed"
    assert len(await bert.waiting()) == 1  # nothing of the decision is kept
    assert (await bert.reject(plan)).status_code == 200


async def test_what_bootstrap_asked_for_ends_with_bootstrap(local, people, problem) -> None:
    (tx,) = await failed(local)
    plan = await local.plan("discard", tx)
    problem(await local.post(f"plans/{plan['hash']}/run"), 409, "second-person-wanted")
    boss = await own_person(local, "boss", roles=["admin"])  # the hub has an admin now, and bootstrap is off
    assert "may not do this any more" in problem(await boss.approve(plan), 409, "refused")
    assert (await boss.get(f"transactions/{tx}")).json()["status"] == "failed"


async def test_a_plan_of_somebody_whose_issuer_is_not_trusted_any_more(local, people, problem) -> None:
    stranger = Principal(
        subject="anna", kind="federated", roles=(Role.OPERATOR,), issuer="https://idp.example/realms/plant"
    )
    local.hub.access.accept("stranger", stranger)
    (tx,) = await failed(local)
    plan = await people("stranger").plan("discard", tx)
    await people("stranger").run(plan)
    assert "may not do this any more" in problem(await people("operator-b").approve(plan), 409, "refused")
    assert await status(local, tx) == "failed"


async def test_what_one_person_may_do_alone(local, people) -> None:
    anna = people("operator-a")
    (tx,) = await failed(local)
    (low,) = await failed(local, flow="report")
    for plan in (
        await anna.plan("replay", tx),
        await anna.plan("discard", low),
        await anna.plan("hold", target="ERP"),
    ):
        assert plan["second_person"] == []
        assert (await anna.run(plan)).status_code == 202


async def test_releasing_money_wants_two_and_releasing_mail_one(local, people, problem) -> None:
    anna, bert = people("operator-a"), people("operator-b")
    for place in ({"target": "ERP"}, {"target": "EDI"}):
        assert (await anna.run(await anna.plan("hold", **place))).status_code == 202
    alone = await anna.plan("release", target="EDI")
    assert (await anna.run(alone)).status_code == 202
    plan = await anna.plan("release", target="ERP")
    assert plan["second_person"] == ["It releases a hold of financial transactions."]
    problem(await anna.run(plan), 409, "second-person-wanted")
    assert len((await anna.get("holds")).json()["items"]) == 1
    assert (await bert.waiting())[0]["count"] == 0
    assert (await bert.approve(plan)).status_code == 200
    assert (await anna.get("holds")).json()["items"] == []


async def test_a_release_is_of_the_hold_that_was_there_and_not_of_a_later_one(local, people, problem) -> None:
    """Somebody held it again meanwhile, for a reason that whoever approves the old plan has never seen."""
    anna, bert = people("operator-a"), people("operator-b")
    await anna.run(await anna.plan("hold", target="ERP"))
    old, new = await anna.plan("release", target="ERP"), await anna.plan("release", target="ERP")
    for plan in (old, new):
        problem(await anna.run(plan), 409, "second-person-wanted")
    assert (await bert.approve(new)).status_code == 200
    await bert.run(await bert.plan("hold", target="ERP"))
    assert "not there any more" in problem(await bert.approve(old), 412, "stale")
    assert len((await anna.get("holds")).json()["items"]) == 1
    assert (await bert.reject(old)).status_code == 200


async def test_many_want_two(local, people, problem) -> None:
    local.hub.items_alone = 2
    anna = people("operator-a")
    ids = await failed(local, 3, flow="report")
    assert (await anna.plan("replay", *ids[:2]))["second_person"] == []
    plan = await anna.plan("replay", *ids)
    assert "more than 2 want two people" in problem(await anna.run(plan), 409, "second-person-wanted")


async def test_an_unapproved_plan_does_not_run_through_another_door(local, people, problem) -> None:
    """Not by another person's run, not with another action's name, not by an admin."""
    anna, bert = people("operator-a"), people("operator-b")
    (tx,) = await failed(local)
    plan = await anna.plan("discard", tx)
    for who in (anna, bert):
        problem(await who.run(plan), 409, "second-person-wanted")
    problem(await local.post(f"plans/{plan['hash']}/run"), 409, "second-person-wanted")
    assert await status(local, tx) == "failed"


# Break glass


async def test_glass_is_broken_with_a_permission_and_reviewed_by_somebody_else(local, people, problem) -> None:
    gina, bert = people("glass"), people("operator-b")
    (tx,) = await failed(local)
    plan = await gina.plan("discard", tx, break_glass=True)
    assert plan["second_person"]
    assert (await gina.run(plan)).status_code == 202
    await _ended(local, (await gina.get(f"plans/{plan['hash']}")).json()["batch"])
    assert await status(local, tx) == "discarded"
    (item,) = await bert.waiting()
    assert (item["kind"], item["requested_by"], item["overdue"], item["hash"]) == (
        "review",
        "gina",
        False,
        plan["hash"],
    )
    problem(await gina.approve(plan), 403, "forbidden")
    done = await bert.approve(plan, "was right, ERP confirmed")
    assert (done.json()["kind"], done.json()["batch"]) == ("review", None)
    assert await bert.waiting() == []
    problem(await bert.approve(plan), 412, "stale")


async def test_without_the_permission_glass_holds(local, people, problem) -> None:
    anna, gina = people("operator-a"), people("glass")
    (tx,) = await failed(local)
    body = {"action": "discard", "reason": "x", "ids": [tx], "options": {"break_glass": True}}
    assert "break-glass" in problem(await anna.post("plans", json=body), 403, "forbidden")
    # nor by running a plan of somebody who may
    plan = await gina.plan("discard", tx, break_glass=True)
    problem(await anna.run(plan), 403, "forbidden")
    assert await status(local, tx) == "failed"


async def test_a_guard_holds_whatever_glass_is_broken(local, people) -> None:
    gina = people("glass")
    (tx,) = await failed(local)
    await local.hub.database.write(
        lambda c: c.execute(update(transactions).where(transactions.c.id == tx).values(status="in-doubt"))
    )
    plan = await gina.plan("discard", tx, break_glass=True)
    assert plan["verdicts"]["send"] == 0
    assert plan["items"][0]["verdict"] == "refused"


async def test_an_overdue_review_keeps_the_glass_whole(local, people, problem) -> None:
    gina, bert = people("glass"), people("operator-b")
    first, second = await failed(local, 2)
    plan = await gina.plan("discard", first, break_glass=True)
    again = await gina.plan("discard", second, break_glass=True)
    await gina.run(plan)
    earlier = to_micros(local.hub.clock.now() - timedelta(seconds=1))
    await local.hub.database.write(lambda c: c.execute(update(reviews).values(due_at=earlier)))
    assert (await bert.waiting())[0]["overdue"] is True
    assert "overdue" in problem(await gina.run(again), 409, "refused")
    body = {"action": "discard", "reason": "x", "ids": [second], "options": {"break_glass": True}}
    problem(await gina.post("plans", json=body), 409, "refused")
    assert (await bert.reject(plan, "should have been asked")).status_code == 200
    assert (await gina.run(again)).status_code == 202


async def test_a_review_that_is_owed_and_not_late_does_not_stop_the_next_emergency(local, people) -> None:
    gina = people("glass")
    for tx in await failed(local, 2):
        assert (await gina.run(await gina.plan("discard", tx, break_glass=True))).status_code == 202


# What is written down


async def test_every_word_is_in_the_audit_chain(local, people) -> None:
    anna, bert, gina = people("operator-a"), people("operator-b"), people("glass")
    first, second = await failed(local, 2)
    plan = await anna.plan("discard", first)
    await anna.run(plan)
    await bert.approve(plan)
    broken = await gina.plan("discard", second, break_glass=True)
    await gina.run(broken)
    await bert.reject(broken, "should have been asked")
    entries = [msgspec.convert(entry, AuditEntry) for entry in (await local.get("audit?limit=100")).json()["items"]][
        ::-1
    ]
    verify(entries)
    told = [(entry.actor, entry.action, entry.subject) for entry in entries]
    for expected in (
        ("anna", "approval.asked", plan["hash"]),
        ("bert", "approval.given", plan["hash"]),
        ("gina", "glass.broken", broken["hash"]),
        ("bert", "review.done", broken["hash"]),
    ):
        assert expected in told
    (started,) = [entry for entry in entries if entry.action == "batch.discard" and entry.actor == "anna"]
    assert started.after == {"plan": plan["hash"], "approved_by": "bert"}


async def test_the_stream_tells_of_it(local, people) -> None:
    from hub.store.schema import events

    anna, bert = people("operator-a"), people("operator-b")
    (tx,) = await failed(local)
    plan = await anna.plan("discard", tx)
    await anna.run(plan)
    await bert.reject(plan)
    rows = await local.hub.database.read(
        lambda c: c.execute(select(events.c.id, events.c.data).where(events.c.type == "approval")).all()
    )
    assert [(row.id, msgspec.json.decode(row.data)["state"]) for row in rows] == [
        (plan["hash"], "awaiting-approval"),
        (plan["hash"], "rejected"),
    ]


async def test_what_waits_comes_in_pages(local, people) -> None:
    anna, bert = people("operator-a"), people("operator-b")
    ids = await failed(local, 3)
    hashes = []
    for tx in ids:
        plan = await anna.plan("discard", tx)
        await anna.run(plan)
        hashes.append(plan["hash"])
    page = (await bert.get("approvals?limit=2")).json()
    rest = (await bert.get("approvals", params={"limit": 2, "cursor": page["next_cursor"]})).json()
    assert [item["hash"] for item in page["items"] + rest["items"]] == hashes
    assert rest["next_cursor"] is None


async def test_waiting_survives_a_restart(local, people) -> None:
    """Nothing of it is in memory: another hub on the same store knows it."""
    from hub.recovery import approvals
    from transactions.people import EVERYTHING

    (tx,) = await failed(local)
    plan = await people("operator-a").plan("discard", tx)
    await people("operator-a").run(plan)
    now = local.hub.clock.now()
    page = await local.hub.database.read(lambda c: approvals.list_open(c, EVERYTHING, "bert", now, 10, None))
    assert [item.hash for item in page.items] == [plan["hash"]]
    assert await local.hub.database.read(lambda c: approvals.count_open(c, now)) == (1, 0)
