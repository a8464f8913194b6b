"""The gateway over the API: its state, changes that are taken or refused whole, and revisions."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from gateway_doubles import NOW, policies_of, replaced

from gateway_policies.changeset import Changeset, Edit
from gateway_policies.model import Consumer, Grant, Resource, Risk, Scope, by_address
from gateway_policies.planning.applying import changeset_of
from gateway_policies.planning.making import make_plan
from gateway_policies.state import GatewayState
from hub.api.sizes import BODY_LIMIT
from transactions.people import Limits, Principal, Role

READ, POST = Scope(name="orders.read", risk=Risk.LOW), Scope(name="ledger.post", risk=Risk.FINANCIAL)
MES = Consumer(name="mes", owner="it")


async def state(local: Any, name: str = "policies") -> GatewayState:
    answer = await local.get("gateway/state", params={"set": name})
    assert answer.status_code == 200, answer.text
    found = msgspec.json.decode(answer.content, type=GatewayState)
    assert answer.headers["etag"] == f'"{found.fingerprint}"'
    return found


async def changeset(local: Any, *files: Resource, name: str = "policies") -> Changeset:
    policies = msgspec.structs.replace(policies_of(by_address(files)), name=name)
    before = await state(local, name)
    return changeset_of(make_plan(policies, before, made_at=NOW), before, by="whoever")


async def send(local: Any, asked: Changeset, match: str | None = None, **headers: str) -> Any:
    return await local.post(
        "gateway/changes",
        content=msgspec.json.encode(asked),
        headers={"content-type": "application/json", "if-match": f'"{match or asked.base}"', **headers},
    )


async def apply(local: Any, *files: Resource, name: str = "policies") -> dict[str, Any]:
    answer = await send(local, await changeset(local, *files, name=name))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_a_change_is_live_owned_and_on_record(local: Any) -> None:
    assert (await state(local)).revision == 0
    told = await apply(local, READ, MES)
    assert (told["number"], told["by"], told["policy_set"]) == (1, "ann", "policies")
    assert (told["added"], told["changed"], told["removed"]) == (2, 0, 0)
    found = await state(local)
    assert found.live == {MES.address: MES, READ.address: READ}
    assert found.owners == dict.fromkeys(found.live, "policies")
    assert found.applied == found.live
    assert told["fingerprint"] == found.fingerprint
    (entry,) = (await local.get("audit", params={"action": "gateway.changed"})).json()["items"]
    assert (entry["actor"], entry["subject"]) == ("ann", "plant-gateway")
    assert entry["after"]["plan"] == told["plan"]
    assert entry["after"]["added"] == sorted(found.live)


async def test_without_if_match_or_with_another_it_is_not_taken(local: Any, problem: Any) -> None:
    asked = await changeset(local, READ)
    bare = await local.post("gateway/changes", json=msgspec.to_builtins(asked))
    assert "If-Match" in problem(bare, 428, "precondition-required")
    problem(await send(local, asked, match="0" * 64), 412, "stale")
    assert (await state(local)).live == {}


async def test_a_base_that_moved_and_a_plan_that_was_taken(local: Any, problem: Any) -> None:
    first, other = await changeset(local, READ), await changeset(local, MES)
    assert (await send(local, first)).status_code == 201
    assert "at revision 1 now" in problem(await send(local, other), 412, "stale")
    assert "as revision 1 by ann" in problem(await send(local, first), 412, "stale")
    assert (await state(local)).revision == 1


async def test_the_sets_of_others_and_other_gateways(local: Any, problem: Any) -> None:
    await apply(local, READ, name="office")
    found = await state(local)
    assert (found.applied, found.owners) == ({}, {READ.address: "office"})
    asked = Changeset(
        gateway="plant-gateway",
        policy_set="policies",
        base=found.fingerprint,
        plan="f" * 64,
        by="x",
        steps=((Edit(address=READ.address),),),
    )
    assert "belongs to the policy set office" in problem(await send(local, asked), 409, "refused")
    elsewhere = msgspec.structs.replace(asked, gateway="office-gateway")
    assert "is for the gateway office-gateway" in problem(await send(local, elsewhere), 409, "plan-altered")


async def test_a_change_is_taken_whole_or_not_at_all(local: Any, problem: Any) -> None:
    before = await state(local)
    good = Edit(address=READ.address, resource=READ, owned=True, applied=READ)
    for bad, status, kind in (
        (Edit(address="consumer.mes.grant.x", resource=Grant(consumer="mes", scope="x")), 409, "refused"),
        (Edit(address="scope.other", resource=READ), 422, "invalid-request"),
    ):
        asked = Changeset(
            gateway="plant-gateway",
            policy_set="policies",
            base=before.fingerprint,
            plan="e" * 64,
            by="x",
            steps=((good,), (bad,)),
        )
        assert "Nothing was changed" in problem(await send(local, asked), status, kind)
    assert await state(local) == before
    for change in ({"plan": ""}, {"policy_set": "\x1b"}, {"reason": "x" * 10_001}):
        problem(await send(local, msgspec.structs.replace(asked, **change)), 422, "invalid-request")


async def test_revisions_are_pages_and_lead_back(local: Any, problem: Any) -> None:
    await apply(local, READ)
    await apply(local, MES, name="office")
    await apply(local, replaced(READ, description="read orders"), POST)
    first = (await local.get("gateway/revisions", params={"limit": 2})).json()
    rest = (await local.get("gateway/revisions", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    numbers = [each["number"] for each in first["items"] + rest["items"]]
    assert (numbers, rest["next_cursor"]) == ([3, 2, 1], None)
    newest = first["items"][0]
    assert (newest["added"], newest["changed"], newest["removed"]) == (1, 1, 0)
    then = (await local.get("gateway/revisions/2/applied")).json()
    assert list(then["applied"]) == [READ.address]
    assert "description" not in then["applied"][READ.address]
    assert (await local.get("gateway/revisions/1/applied", params={"set": "office"})).json()["applied"] == {}
    problem(await local.get("gateway/revisions/4/applied"), 404, "not-found")
    for odd in ("-1", "x", "1" * 20, "²"):
        problem(await local.get(f"gateway/revisions/{odd}/applied"), 422, "invalid-request")
    problem(await local.get("gateway/revisions", params={"cursor": "x"}), 400, "bad-cursor")


@pytest.mark.parametrize("path", ["gateway/state", "gateway/revisions", "gateway/revisions/0/applied"])
async def test_rights_within_limits_do_not_do(local: Any, problem: Any, path: str) -> None:
    local.hub.access.accept(
        "limited", Principal(subject="lin", kind="user", roles=(Role.POLICY_ADMIN,), limits=Limits(plants=["P01"]))
    )
    problem(await local.get(path, headers={"Authorization": "Bearer limited"}), 403, "forbidden")
    problem(await local.second("POST", "gateway/changes", json={}), 403, "forbidden")


async def test_all_that_a_company_says_fits_into_one_change(local: Any, problem: Any) -> None:
    long = replaced(READ, description="x" * BODY_LIMIT)
    edit = Edit(address=long.address, resource=long, owned=True, applied=READ)
    asked = msgspec.structs.replace(await changeset(local, READ), plan="", steps=((edit,),))
    assert "plan has to be" in problem(await send(local, asked), 422, "invalid-request")
    answer = await local.post("plans", content=msgspec.json.encode(asked), headers={"content-type": "application/json"})
    problem(answer, 413, "too-large")
