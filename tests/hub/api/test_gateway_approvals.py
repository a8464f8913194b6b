"""Changes of the gateway that want a second person: asked for, approved, rejected, overtaken, and glass broken."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from gateway_doubles import NOW, policies_of, replaced
from sqlalchemy import update

from gateway_policies.changeset import Changeset, Edit
from gateway_policies.model import Consumer, Grant, Resource, Risk, Scope, Throttle, by_address
from gateway_policies.planning.applying import changeset_of
from gateway_policies.planning.making import make_plan
from gateway_policies.state import GatewayState
from hub.gateway.telling import TOLD
from hub.store.gateway_schema import gateway_asked
from hub.store.schema import plans, reviews
from transactions.audit import verify
from transactions.clock import to_micros
from transactions.history import AuditEntry
from transactions.people import Limits, Permission, Principal, Role

READ, POST = Scope(name="orders.read", risk=Risk.LOW), Scope(name="ledger.post", risk=Risk.FINANCIAL)
MES = Consumer(name="mes", owner="it")
GRANT = Grant(consumer="mes", scope="ledger.post", reason="posts what it used")
PEOPLE = {
    "admin-of-policies": Principal(subject="grete", kind="user", roles=(Role.POLICY_ADMIN,)),
    "both": Principal(subject="paul", kind="user", roles=(Role.POLICY_ADMIN, Role.APPROVER)),
    "approver": Principal(subject="otto", kind="user", roles=(Role.APPROVER,)),
    "reader": Principal(subject="rita", kind="user", roles=(Role.VIEWER,)),
    "plant-approver": Principal(subject="pia", kind="user", roles=(Role.APPROVER,), limits=Limits(plants=["P01"])),
    "glass": Principal(
        subject="gina", kind="user", roles=(Role.POLICY_ADMIN,), granted=frozenset({Permission.BREAK_GLASS})
    ),
}


class Gate:
    """The gateway as people see and change it."""

    def __init__(self, local: Any) -> None:
        self.local = local
        for token, principal in PEOPLE.items():
            local.hub.access.accept(token, principal)

    async def ask(self, token: str, method: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
        return await self.local.client.request(method, path, headers=headers, **more)

    async def state(self, name: str = "policies") -> GatewayState:
        answer = await self.local.get("gateway/state", params={"set": name})
        return msgspec.json.decode(answer.content, type=GatewayState)

    async def changes(self, *files: Resource, name: str = "policies", **more: Any) -> Changeset:
        policies = msgspec.structs.replace(policies_of(by_address(files)), name=name)
        before = await self.state(name)
        found = changeset_of(make_plan(policies, before, made_at=NOW), before, by="whoever")
        return msgspec.structs.replace(found, **more)

    async def send(self, asked: Changeset, token: str = "admin-of-policies") -> Any:
        return await self.ask(
            token,
            "POST",
            "gateway/changes",
            content=msgspec.json.encode(asked),
            headers={"content-type": "application/json", "if-match": f'"{asked.base}"'},
        )

    async def wanted(self, asked: Changeset, token: str = "admin-of-policies") -> str:
        answer = await self.send(asked, token)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:andon:problem:second-person-wanted")
        return str(answer.json()["hash"])

    async def decide(self, token: str, plan: str, word: str = "approve", reason: str = "read line by line") -> Any:
        return await self.ask(token, "POST", f"plans/{plan}/{word}", json={"reason": reason})

    async def waiting(self, token: str = "approver") -> list[dict[str, Any]]:
        return list((await self.ask(token, "GET", "approvals")).json()["items"])

    async def audit(self, action: str) -> list[dict[str, Any]]:
        return list((await self.local.get("audit", params={"action": action})).json()["items"])


@pytest.fixture
async def gate(local: Any) -> Gate:
    """A gateway with a financial scope and somebody who may not use it yet."""
    found = Gate(local)
    answer = await found.send(await found.changes(POST, MES))
    assert answer.status_code == 201, answer.text
    return found


async def granting(gate: Gate, **more: Any) -> Changeset:
    return await gate.changes(POST, MES, GRANT, **more)


async def test_it_waits_says_so_and_changes_nothing(gate: Gate, problem: Any) -> None:
    asked = await granting(gate)
    answer = await gate.send(asked)
    detail = problem(answer, 409, "second-person-wanted")
    digest = answer.json()["hash"]
    assert "consumer.mes.grant.ledger.post grants a financial scope." in detail
    assert f"'andon approvals approve {digest[:12]} --reason TEXT'" in detail
    assert answer.json()["because"] == ["consumer.mes.grant.ledger.post grants a financial scope."]
    assert (await gate.state()).revision == 1
    (item,) = await gate.waiting()
    assert (item["hash"], item["kind"], item["action"]) == (digest, "approval", "policy")
    assert (item["requested_by"], item["count"], item["own"]) == ("grete", 1, False)
    assert item["reason"] == "Apply the policy set policies: 1 to add"
    (entry,) = await gate.audit("plan.policy")
    assert (entry["actor"], entry["subject"]) == ("grete", digest)
    assert entry["after"]["addresses"] == [GRANT.address]
    assert entry["after"]["policy_plan"] == asked.plan


async def test_the_plan_says_line_by_line_what_would_be_applied(gate: Gate) -> None:
    standard = Throttle(name="standard", requests=600, per_seconds=60)
    assert (await gate.send(await gate.changes(POST, MES, standard))).status_code == 201
    digest = await gate.wanted(
        await gate.changes(POST, replaced(MES, description="of plant 1"), replaced(standard, requests=60), READ, GRANT)
    )
    plan = (await gate.ask("approver", "GET", f"plans/{digest[:12]}")).json()
    assert (plan["state"], plan["items"], plan["platform"]) == ("awaiting-approval", [], "test")
    policy = plan["policy"]
    assert policy["counts"] == {"add": 2, "change": 2, "remove": 0, "rename": 0}
    assert [(each["address"], each["does"]) for each in policy["changes"]] == [
        (GRANT.address, "add"),
        (standard.address, "change"),
        (MES.address, "change"),
        (READ.address, "add"),
    ]
    grant, throttle, mes, _ = policy["changes"]
    assert grant["because"] == ["grants a financial scope"]
    assert grant["said"] == ["reason: posts what it used"]
    assert throttle["said"] == ["requests: 600 → 60"]
    assert "because" not in mes


async def test_an_approval_applies_just_that_in_the_name_of_the_asker(gate: Gate) -> None:
    asked = await granting(gate, reason="go-live of plant 1")
    digest = await gate.wanted(asked)
    answer = await gate.decide("approver", digest)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["kind"], told["decision"], told["state"], told["revision"], told["batch"]) == (
        *("approval", "approve", "run"),
        2,
        None,
    )
    state = await gate.state()
    assert state.live[GRANT.address] == GRANT
    assert state.owners[GRANT.address] == "policies"
    newest = (await gate.local.get("gateway/revisions")).json()["items"][0]
    assert (newest["number"], newest["by"], newest["plan"], newest["reason"]) == (
        *(2, "grete", asked.plan),
        "go-live of plant 1",
    )
    changed, _ = await gate.audit("gateway.changed")
    assert (changed["actor"], changed["after"]["approved_by"], changed["after"]["asked_as"]) == (
        *("grete", "otto"),
        digest,
    )
    (given,) = await gate.audit("approval.given")
    assert given["actor"] == "otto"
    plan = (await gate.ask("reader", "GET", f"plans/{digest}")).json()
    assert (plan["state"], plan["revision"], plan["approval"]["decided_by"]) == ("run", 2, "otto")
    assert await gate.waiting() == []


async def test_the_chain_of_it_holds(gate: Gate) -> None:
    await gate.decide("approver", await gate.wanted(await granting(gate)))
    answer = await gate.local.get("audit", params={"limit": 1000})
    entries = [msgspec.convert(each, AuditEntry) for each in reversed(answer.json()["items"])]
    verify(entries)


async def test_nobody_approves_their_own(gate: Gate, problem: Any) -> None:
    digest = await gate.wanted(await granting(gate), "both")
    assert "four eyes are two people" in problem(await gate.decide("both", digest), 409, "refused")
    (own,) = await gate.waiting("both")
    assert own["own"] is True
    assert (await gate.state()).revision == 1


async def test_a_token_that_the_asker_gave_out_since_is_no_second_person(gate: Gate, problem: Any) -> None:
    made = await gate.ask("admin-token", "POST", "users", json={"name": "kim", "roles": ["approver"]})
    assert made.is_success, made.text
    digest = await gate.wanted(await granting(gate), "admin-token")
    token = (await gate.ask("admin-token", "POST", "users/kim/token", json={})).json()["token"]
    assert "could be both persons" in problem(await gate.decide(token, digest), 409, "refused")
    assert (await gate.state()).revision == 1
    assert (await gate.decide("approver", digest)).status_code == 200


async def test_whoever_may_not_approve_or_sees_a_part_only(gate: Gate, problem: Any) -> None:
    digest = await gate.wanted(await granting(gate))
    problem(await gate.decide("reader", digest), 403, "forbidden")
    problem(await gate.decide("plant-approver", digest), 404, "not-found")
    assert await gate.waiting("plant-approver") == []
    assert "wants a reason" in problem(await gate.decide("approver", digest, reason=" "), 422, "invalid-request")


async def test_the_same_plan_sent_again_goes_on_waiting(gate: Gate) -> None:
    asked = await granting(gate)
    first = await gate.wanted(asked)
    assert await gate.wanted(asked) == first
    assert await gate.wanted(msgspec.structs.replace(asked, by="somebody else")) == first
    assert len(await gate.waiting()) == 1


async def test_another_change_cannot_wait_in_the_name_of_the_same_plan(gate: Gate, problem: Any) -> None:
    asked = await granting(gate)
    digest = await gate.wanted(asked)
    more = Edit(address=READ.address, resource=READ, owned=True, applied=READ)
    other = msgspec.structs.replace(asked, steps=(*asked.steps, (more,)))
    assert "asked for something else" in problem(await gate.send(other), 409, "plan-altered")
    await gate.decide("approver", digest)
    assert READ.address not in (await gate.state()).live


async def test_what_was_rejected_stays_rejected(gate: Gate, problem: Any) -> None:
    asked = await granting(gate)
    digest = await gate.wanted(asked)
    answer = await gate.decide("approver", digest, "reject", "the ledger is closed")
    assert (answer.json()["state"], answer.json()["revision"]) == ("rejected", None)
    assert "rejected by otto: the ledger is closed" in problem(await gate.send(asked), 412, "stale")
    assert "rejected by otto" in problem(await gate.decide("approver", digest), 412, "stale")
    assert (await gate.state()).revision == 1


async def test_a_base_that_moved_meanwhile_is_stale_and_waits_no_more(gate: Gate, problem: Any) -> None:
    asked = await granting(gate)
    digest = await gate.wanted(asked)
    assert (await gate.send(await gate.changes(POST, MES, READ))).status_code == 201
    assert await gate.waiting() == []
    detail = problem(await gate.decide("approver", digest), 412, "stale")
    assert "has changed since this was asked for" in detail
    assert (await gate.ask("reader", "GET", f"plans/{digest}")).json()["state"] == "stale"
    assert GRANT.address not in (await gate.state()).live
    (entry,) = await gate.audit("approval.overtaken")
    assert (entry["subject"], entry["after"]["revision"]) == (digest, 2)
    problem(await gate.send(asked), 412, "stale")


async def test_a_change_of_nothing_overtakes_nothing(gate: Gate) -> None:
    digest = await gate.wanted(await granting(gate))
    nothing = msgspec.structs.replace(await gate.changes(POST, MES), plan="0" * 64, steps=())
    assert (await gate.send(nothing)).status_code == 201
    assert len(await gate.waiting()) == 1
    assert (await gate.decide("approver", digest)).status_code == 200


async def test_of_two_that_wait_one_is_applied(gate: Gate, problem: Any) -> None:
    first = await gate.wanted(await granting(gate))
    other = await gate.wanted(await gate.changes(POST), "both")
    assert len(await gate.waiting()) == 2
    assert (await gate.decide("approver", other)).status_code == 200
    problem(await gate.decide("approver", first), 412, "stale")
    assert sorted((await gate.state()).live) == [POST.address]


async def test_an_approved_plan_is_applied_once(gate: Gate, problem: Any) -> None:
    asked = await granting(gate)
    digest = await gate.wanted(asked)
    await gate.decide("approver", digest)
    assert "as revision 2" in problem(await gate.decide("approver", digest), 412, "stale")
    assert "as revision 2 by grete" in problem(await gate.send(asked), 412, "stale")
    assert (await gate.state()).revision == 2


async def test_what_nobody_decided_in_time_can_be_asked_for_again(gate: Gate, problem: Any) -> None:
    asked = await granting(gate)
    digest = await gate.wanted(asked)
    past = to_micros(gate.local.hub.clock.now() - timedelta(seconds=1))
    await gate.local.hub.database.write(
        lambda c: c.execute(update(plans).where(plans.c.hash == digest).values(expires_at=past))
    )
    problem(await gate.decide("approver", digest), 412, "stale")
    again = await gate.wanted(asked)
    assert again != digest
    assert (await gate.decide("approver", again)).status_code == 200


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, None])
async def test_an_asker_who_may_not_apply_any_more(
    gate: Gate, problem: Any, monkeypatch: pytest.MonkeyPatch, role: Role | None
) -> None:
    digest = await gate.wanted(await granting(gate))
    now_is = None if role is None else Principal(subject="grete", kind="user", roles=(role,))
    monkeypatch.setattr(gate.local.hub.access, "current", lambda _who: now_is)
    assert "may not do this any more" in problem(await gate.decide("approver", digest), 409, "refused")
    assert (await gate.state()).revision == 1


async def test_an_asker_whose_rights_were_limited_meanwhile(
    gate: Gate, problem: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = await gate.wanted(await granting(gate))
    now_is = msgspec.structs.replace(PEOPLE["admin-of-policies"], limits=Limits(risks=["low"]))
    monkeypatch.setattr(gate.local.hub.access, "current", lambda _who: now_is)
    assert "may not do this any more" in problem(await gate.decide("approver", digest), 409, "refused")


async def test_a_store_that_was_edited_is_not_applied(gate: Gate, problem: Any) -> None:
    asked = await granting(gate)
    digest = await gate.wanted(asked)
    worse = msgspec.structs.replace(GRANT, scope="orders.read")
    edit = Edit(address=worse.address, resource=worse, owned=True, applied=worse)
    text = msgspec.json.encode(msgspec.structs.replace(asked, steps=((edit,),))).decode()
    await gate.local.hub.database.write(
        lambda c: c.execute(update(gateway_asked).where(gateway_asked.c.plan == digest).values(changeset=text))
    )
    assert "is not what was asked for" in problem(await gate.decide("approver", digest), 409, "plan-altered")
    assert (await gate.state()).revision == 1


async def test_it_is_not_run_as_a_plan_of_transactions(gate: Gate, problem: Any) -> None:
    digest = await gate.wanted(await granting(gate), "admin-token")
    answer = await gate.ask("admin-token", "POST", f"plans/{digest}/run")
    assert "andon policy apply" in problem(answer, 409, "refused")
    asked = {"action": "policy", "reason": "r", "ids": ["x"]}
    assert "cannot plan policy" in problem(await gate.local.post("plans", json=asked), 422, "invalid-request")


async def test_glass_is_broken_with_a_reason_and_reviewed_by_somebody_else(gate: Gate, problem: Any) -> None:
    bare = await granting(gate, break_glass=True)
    assert "wants a reason" in problem(await gate.send(bare, "glass"), 422, "invalid-request")
    asked = await granting(gate, break_glass=True, reason="line 4 stands")
    problem(await gate.send(asked), 403, "forbidden")
    assert (await gate.state()).revision == 1
    answer = await gate.send(asked, "glass")
    assert (answer.status_code, answer.json()["by"]) == (201, "gina")
    (item,) = await gate.waiting()
    assert (item["kind"], item["action"], item["requested_by"]) == ("review", "policy", "gina")
    assert item["reason"] == "line 4 stands"
    (entry,) = await gate.audit("glass.broken")
    assert entry["after"]["because"] == ["consumer.mes.grant.ledger.post grants a financial scope."]
    assert (await gate.decide("approver", item["hash"])).json()["kind"] == "review"
    assert await gate.waiting() == []


async def test_glass_is_broken_for_what_waits_already(gate: Gate) -> None:
    asked = await granting(gate)
    digest = await gate.wanted(asked, "glass")
    answer = await gate.send(msgspec.structs.replace(asked, break_glass=True, reason="line 4 stands"), "glass")
    assert answer.status_code == 201
    (item,) = await gate.waiting()
    assert (item["hash"], item["kind"], item["reason"]) == (digest, "review", item["reason"])
    assert (await gate.audit("glass.broken"))[0]["reason"] == "line 4 stands"


async def test_whoever_owes_a_review_does_not_break_glass_again(gate: Gate, problem: Any) -> None:
    asked = await granting(gate, break_glass=True, reason="line 4 stands")
    assert (await gate.send(asked, "glass")).status_code == 201
    past = to_micros(gate.local.hub.clock.now() - timedelta(hours=1))
    await gate.local.hub.database.write(lambda c: c.execute(update(reviews).values(due_at=past)))
    again = await gate.changes(POST, MES, break_glass=True, reason="again")
    assert "overdue" in problem(await gate.send(again, "glass"), 409, "refused")
    assert GRANT.address in (await gate.state()).live


async def test_broken_glass_lifts_no_guard(gate: Gate, problem: Any) -> None:
    dangling = await granting(gate, break_glass=True, reason="line 4 stands")
    edit = Edit(address="consumer.mes.grant.x", resource=Grant(consumer="mes", scope="x"))
    asked = msgspec.structs.replace(dangling, steps=(*dangling.steps, (edit,)))
    problem(await gate.send(asked, "glass"), 409, "refused")
    assert (await gate.state()).revision == 1


async def test_glass_that_need_not_be_broken_is_not(gate: Gate) -> None:
    asked = await gate.changes(POST, MES, READ, break_glass=True, reason="line 4 stands")
    assert (await gate.send(asked)).status_code == 201
    assert await gate.waiting() == []
    assert await gate.audit("glass.broken") == []


async def test_a_large_one_is_told_in_part_and_applied_whole(gate: Gate) -> None:
    many = [Scope(name=f"s.n{each}", risk=Risk.LOW) for each in range(TOLD + 50)]
    digest = await gate.wanted(await gate.changes(POST, MES, GRANT, *many))
    policy = (await gate.ask("approver", "GET", f"plans/{digest}")).json()["policy"]
    assert (policy["counts"]["add"], len(policy["changes"])) == (TOLD + 51, TOLD)
    assert policy["changes"][0]["address"] == GRANT.address
    assert (await gate.decide("approver", digest)).status_code == 200
    assert len((await gate.state()).live) == TOLD + 53


async def test_the_handover_and_the_status_tell_that_it_waits(gate: Gate) -> None:
    digest = await gate.wanted(await granting(gate))
    handover = (await gate.local.get("handover")).json()
    assert [each["hash"] for each in handover["approvals"]] == [digest]
    listed = (await gate.local.get("plans", params={"state": "awaiting-approval"})).json()["items"]
    assert [(each["hash"], each["action"]) for each in listed] == [(digest, "policy")]


async def test_what_is_sent_again_goes_on_waiting_in_the_words_that_others_read(gate: Gate, problem: Any) -> None:
    asked = await granting(gate, reason="go-live of plant 3")
    digest = await gate.wanted(asked)
    for same in ("go-live of plant 3", " go-live of plant 3 ", "", None):
        assert await gate.wanted(msgspec.structs.replace(asked, reason=same)) == digest
    answer = await gate.send(msgspec.structs.replace(asked, reason="because I say so"))
    detail = problem(answer, 409, "refused")
    assert "waits already, and the second person reads this reason: 'go-live of plant 3'." in detail
    assert "let it be rejected and make a new plan" in detail
    (item,) = await gate.waiting()
    assert (item["hash"], item["reason"]) == (digest, "go-live of plant 3")


async def test_without_words_of_ones_own_no_others_are_taken_either(gate: Gate, problem: Any) -> None:
    asked = await granting(gate)
    digest = await gate.wanted(asked)
    problem(await gate.send(msgspec.structs.replace(asked, reason="now I know why")), 409, "refused")
    assert await gate.wanted(asked) == digest


async def test_glass_that_is_broken_while_it_waits_has_a_reason_of_its_own(gate: Gate) -> None:
    asked = await granting(gate, reason="go-live of plant 3")
    await gate.wanted(asked, "glass")
    broken = msgspec.structs.replace(asked, reason="the line stands", break_glass=True)
    answer = await gate.send(broken, "glass")
    assert (answer.status_code, answer.json()["reason"]) == (201, "the line stands")


async def test_revisions_name_who_approved_them(gate: Gate) -> None:
    asked = await granting(gate)
    digest = await gate.wanted(asked)
    assert (await gate.decide("approver", digest)).status_code == 200
    assert (await gate.send(await gate.changes(POST, MES, GRANT, READ))).status_code == 201
    broken = await gate.changes(POST, MES, READ, break_glass=True, reason="the line stands")
    assert (await gate.send(broken, "glass")).status_code == 201
    found = (await gate.local.get("gateway/revisions")).json()["items"]
    assert [(each["number"], each["by"], each["approved_by"]) for each in found] == [
        (4, "gina", None),
        (3, "grete", None),
        (2, "grete", "otto"),
        (1, "grete", None),
    ]
    (one,) = (await gate.local.get("gateway/revisions", params={"plan": asked.plan})).json()["items"]
    assert one["approved_by"] == "otto"


async def test_who_rejected_another_plan_is_not_who_approved(gate: Gate) -> None:
    digest = await gate.wanted(await granting(gate, plan="a" * 64))
    assert (await gate.decide("approver", digest, "reject")).status_code == 200
    digest = await gate.wanted(await granting(gate, plan="b" * 64))
    assert (await gate.decide("both", digest)).status_code == 200
    found = (await gate.local.get("gateway/revisions")).json()["items"]
    assert [each["approved_by"] for each in found] == ["paul", None]
