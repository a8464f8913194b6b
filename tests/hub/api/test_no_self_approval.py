"""Four eyes are two people by whatever door one comes: another token, an account that one made oneself, breaking the
glass, taking again what failed."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from aiohttp import web

from transactions.people import Permission, Principal, Role


class As:
    """A client of the hub with one token."""

    def __init__(self, local: Any, token: str) -> None:
        self._local, self.headers = local, {"Authorization": f"Bearer {token}"}

    async def post(self, path: str, body: Any = None) -> httpx.Response:
        return await self._local.client.post(path, headers=self.headers, json=body)

    async def asks(self, tx: str, **options: Any) -> str:
        """A plan that wants a second person, run; returns its hash."""
        body = {"action": "discard", "reason": "obsolete order", "ids": [tx], "options": options}
        made = await self.post("plans", body)
        assert made.status_code == 201, made.text
        await self.post(f"plans/{made.json()['hash']}/run")
        return str(made.json()["hash"])

    async def decides(self, digest: str, decision: str = "approve") -> httpx.Response:
        return await self.post(f"plans/{digest}/{decision}", {"reason": "looked at it"})


@pytest.fixture
async def failed(local, target) -> str:
    async def reject(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response({"error": {"code": "M7053", "message": "closed"}}, status=422)

    target.deliver = reject
    tx = await local.send("consumption", event="e1", order="1", material="M1")
    assert (await local.settled(tx))["status"] == "failed"
    return str(tx)


async def person(local: Any, by: str, name: str, *roles: str) -> As:
    """Somebody with an account and a token that ``by`` gave."""
    headers = {"Authorization": f"Bearer {by}"}
    made = await local.client.post("users", headers=headers, json={"name": name, "roles": list(roles)})
    assert made.status_code in (200, 201, 409), made.text
    given = await local.client.post(f"users/{name}/token", headers=headers, json={})
    assert given.is_success, given.text
    return As(local, given.json()["token"])


@pytest.mark.parametrize("decision", ["approve", "reject"])
async def test_another_token_is_not_another_person(local, problem, failed, decision) -> None:
    one = await person(local, "admin-token", "kim", "operator", "approver")
    other = await person(local, "admin-token", "kim", "operator", "approver")
    digest = await one.asks(failed)
    assert "nobody may" in problem(await other.decides(digest, decision), 409, "refused")
    assert (await local.get(f"transactions/{failed}")).json()["status"] == "failed"


async def test_a_plan_that_somebody_else_ran_is_approved_by_neither(local, problem, failed) -> None:
    kim = await person(local, "admin-token", "kim", "operator", "approver")
    lee = await person(local, "admin-token", "lee", "operator", "approver")
    body = {"action": "discard", "reason": "obsolete order", "ids": [failed], "options": {}}
    digest = (await kim.post("plans", body)).json()["hash"]
    problem(await lee.post(f"plans/{digest}/run"), 409, "second-person-wanted")
    for who in (kim, lee):
        problem(await who.decides(digest), 409, "refused")


async def test_a_token_that_one_gave_oneself_in_the_name_of_another_approves_nothing(local, problem, failed) -> None:
    local.hub.access.accept("root-token", Principal(subject="root", kind="user", roles=(Role.ADMIN,)))
    root = As(local, "root-token")
    digest = await root.asks(failed)
    puppet = await person(local, "root-token", "puppet", "approver")
    assert "could be both persons" in problem(await puppet.decides(digest), 409, "refused")
    # nor one of somebody who was there before
    await person(local, "admin-token", "kim", "approver")
    stolen = await person(local, "root-token", "kim", "approver")
    assert "root" in problem(await stolen.decides(digest), 409, "refused")
    assert (await local.get(f"transactions/{failed}")).json()["status"] == "failed"
    # Somebody to whom nothing was given since decides.
    honest = await person(local, "admin-token", "lee", "approver")
    assert (await honest.decides(digest)).status_code == 200


async def test_who_was_given_a_token_before_decides(local, failed) -> None:
    """Also within the same second, which is all that a token knows of its time."""
    local.hub.access.accept("root-token", Principal(subject="root", kind="user", roles=(Role.ADMIN,)))
    kim = await person(local, "root-token", "kim", "approver")
    digest = await As(local, "root-token").asks(failed)
    assert (await kim.decides(digest)).status_code == 200


async def test_who_broke_the_glass_does_not_review_it(local, problem, failed) -> None:
    roles, glass = (Role.ADMIN,), frozenset({Permission.BREAK_GLASS})
    local.hub.access.accept("root-token", Principal(subject="root", kind="user", roles=roles, granted=glass))
    local.hub.access.accept("root-again", Principal(subject="root", kind="user", roles=(Role.APPROVER,)))
    digest = await As(local, "root-token").asks(failed, break_glass=True)
    assert (await local.get(f"plans/{digest}")).json()["state"] == "run"
    problem(await As(local, "root-token").decides(digest), 409, "refused")
    problem(await As(local, "root-again").decides(digest), 409, "refused")
    puppet = await person(local, "root-token", "puppet", "approver")
    assert "could be both persons" in problem(await puppet.decides(digest), 409, "refused")
    (owed,) = (await local.get("approvals")).json()["items"]
    assert (owed["kind"], owed["hash"]) == ("review", digest)


async def test_what_failed_of_an_approved_run_is_asked_for_anew(local, problem, target, failed) -> None:
    """An approval is of one plan: taking again what failed is another, without the approval and without the glass."""
    kim = await person(local, "admin-token", "kim", "operator", "approver")
    body = {"action": "replay", "reason": "order is sorted", "ids": [failed], "options": {"force_superseded": True}}
    digest = (await kim.post("plans", body)).json()["hash"]
    problem(await kim.post(f"plans/{digest}/run"), 409, "second-person-wanted")
    batch = (await As(local, "second-token").decides(digest)).json()["batch"]["id"]
    for _ in range(2000):
        if (await local.get(f"batches/{batch}")).json()["finished_at"]:
            break
        await local.settled(failed)
    again = await kim.post(f"batches/{batch}/retry-failed", {"reason": "once more"})
    assert again.status_code == 201, again.text
    assert again.json()["second_person"]
    assert again.json()["hash"] != digest
    problem(await kim.post(f"plans/{again.json()['hash']}/run"), 409, "second-person-wanted")
    problem(await kim.decides(again.json()["hash"]), 409, "refused")
