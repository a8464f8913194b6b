"""What stopped a transaction, over the API: from a refused delivery to who called, what was missing, since when."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from aiohttp import web
from gateway_doubles import NOW, policies_of

from gateway_policies.changeset import Changeset
from gateway_policies.explaining.judging import Reason
from gateway_policies.explaining.stopped_call import StoppedCall
from gateway_policies.model import Consumer, Credential, Grant, Issuer, Resource, Scope, Throttle, by_address
from gateway_policies.planning.applying import changeset_of
from gateway_policies.planning.making import make_plan
from gateway_policies.state import GatewayState

HUB = Consumer(name="andon-hub", owner="it", credential=Credential(issuer="hub", client_id="andon-hub"))
BASE = (Issuer(name="hub", url="hub:"), Scope(name="erp.deliver"), HUB)
DELIVER = Grant(consumer="andon-hub", scope="erp.deliver", reason="delivers")


def refuses(name: str, status: int, **more: str) -> Any:
    """A gateway in front of the target."""
    told = {"api": "erp", "version": "v2", "operation": "POST /documents/{flow}", "client_id": "andon-hub", **more}

    async def answer(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.Response(
            status=status,
            headers={"andon-gateway": "refused", "content-type": "application/problem+json"},
            body=json.dumps({"type": f"urn:andon:gateway:{name}", **told}).encode(),
        )

    return answer


async def apply(local: Any, files: Sequence[Resource], reason: str | None = None) -> int:
    before = msgspec.json.decode((await local.get("gateway/state")).content, type=GatewayState)
    plan = make_plan(policies_of(by_address(files)), before, made_at=NOW)
    asked: Changeset = changeset_of(plan, before, by="whoever", reason=reason)
    headers = {"content-type": "application/json", "if-match": f'"{asked.base}"'}
    answer = await local.post("gateway/changes", content=msgspec.json.encode(asked), headers=headers)
    if answer.status_code == 201:
        return int(answer.json()["number"])
    approved = await local.second("POST", f"plans/{answer.json()['hash']}/approve", json={"reason": "looked at"})
    assert approved.is_success, approved.text
    return int((await local.get("gateway/revisions")).json()["items"][0]["number"])


async def stopped(local: Any, tx: str) -> StoppedCall:
    answer = await local.get(f"transactions/{tx}/refusal")
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=StoppedCall)


async def failed(local: Any, event: str = "e1") -> str:
    tx = await local.send("report", event=event)
    assert (await local.settled(tx))["status"] == "failed"
    return str(tx)


async def test_who_called_what_and_what_was_missing(local: Any, target: Any) -> None:
    await apply(local, BASE)
    target.deliver = refuses("scope-missing", 403, scope="erp.deliver")
    found = await stopped(local, await failed(local))
    assert (found.reason, found.policy) == (Reason.GRANT_MISSING, "consumer.andon-hub.grant.erp.deliver")
    assert found.called == "consumer.andon-hub called POST /documents/{flow} of erp v2 as the client andon-hub"
    assert found.missing.startswith("consumer.andon-hub has no grant of the scope erp.deliver")
    assert (found.stops, found.revision, found.since) == (True, None, "ever: it was never granted")
    assert found.helps.startswith("Grant erp.deliver to consumer.andon-hub")


async def test_since_which_revision_and_by_whom_and_that_it_passes_again(local: Any, target: Any) -> None:
    await apply(local, [*BASE, DELIVER])
    taken = await apply(local, BASE, "nobody knew what it was for")
    target.deliver = refuses("scope-missing", 403, scope="erp.deliver")
    tx = await failed(local)
    found = await stopped(local, tx)
    assert found.revision is not None
    assert (found.revision.number, found.revision.by) == (taken, "ann")
    assert found.since.startswith(f"revision {taken}, which ann applied on ")
    assert found.since.endswith("UTC (nobody knew what it was for)")
    given = await apply(local, [*BASE, DELIVER, Throttle(name="other", requests=1, per_seconds=1)])
    await apply(local, [*BASE, DELIVER])  # another change, which has nothing to do with it
    again = await stopped(local, tx)
    assert (again.stops, again.reason) == (False, Reason.TOKEN_LACKS)
    assert again.since.startswith(f"revision {given}, which ann applied")
    assert again.since.endswith(", it passes")
    assert again.helps.startswith("Replay it")


async def test_a_wildcard_that_was_taken_away_is_why(local: Any, target: Any) -> None:
    await apply(local, [*BASE, msgspec.structs.replace(DELIVER, scope="erp.*")])
    taken = await apply(local, BASE)
    target.deliver = refuses("scope-missing", 403, scope="erp.deliver")
    found = await stopped(local, await failed(local))
    assert found.revision is not None
    assert found.revision.number == taken


async def test_a_grant_that_ended_by_itself(local: Any, target: Any) -> None:
    yesterday = local.hub.clock.now().date() - timedelta(days=1)
    await apply(local, [*BASE, msgspec.structs.replace(DELIVER, expires_on=yesterday)])
    target.deliver = refuses("scope-missing", 403, scope="erp.deliver")
    found = await stopped(local, await failed(local))
    assert (found.reason, found.ended, found.stops) == (Reason.GRANT_ENDED, yesterday, True)
    assert found.since == f"{yesterday + timedelta(days=1)}, the day after its last"


async def test_the_transaction_says_the_policy(local: Any, target: Any) -> None:
    await apply(local, BASE)
    target.deliver = refuses("scope-missing", 403, scope="erp.deliver")
    tx = await failed(local)
    failure = (await local.get(f"transactions/{tx}")).json()["failure"]
    assert (failure["system"], failure["code"]) == ("gateway", "scope-missing")
    assert failure["policy_ref"] == "consumer.andon-hub.grant.erp.deliver"
    listed = (await local.get("transactions", params={"filter": "policy_ref:consumer.andon-hub.*"})).json()["items"]
    assert [each["id"] for each in listed] == [tx]


async def test_what_no_policy_stopped(local: Any, target: Any, problem: Any) -> None:
    passed = await local.send("report", event="e1")
    await local.settled(passed)
    said = problem(await local.get(f"transactions/{passed}/refusal"), 409, "refused")
    assert said.startswith(f"Nothing stops {passed}")

    async def own(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response({"error": {"code": "M3351", "message": "no such material"}}, status=422)

    target.deliver = own
    refused = await local.send("report", event="e2")
    await local.settled(refused)
    said = problem(await local.get(f"transactions/{refused}/refusal"), 409, "refused")
    assert said.startswith(f"No policy of the gateway stopped {refused}: ERP says master-data (M3351)")
    problem(await local.get("transactions/none/refusal"), 404, "not-found")


@pytest.mark.parametrize("name", ["unauthenticated", "throttled", "no-such-route", "upstream-unavailable"])
async def test_every_refusal_can_be_shown(local: Any, target: Any, name: str) -> None:
    await apply(local, BASE)
    target.deliver = refuses(name, 503 if name == "upstream-unavailable" else 401, flags="UF")
    tx = await local.send("report", event="e1")
    await local.settled(tx)
    found = await stopped(local, tx)
    assert found.called
    assert found.missing
    assert found.helps


async def group_changes(local: Any, group: str, **headers: str) -> list[dict[str, Any]]:
    answer = await local.get(f"groups/{group}/changes", headers=headers)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_the_changes_before_a_group_first_failed(local: Any, target: Any, problem: Any) -> None:
    await apply(local, [*BASE, DELIVER])
    taken = await apply(local, BASE, "tidied up")
    target.deliver = refuses("scope-missing", 403, scope="erp.deliver")
    tx = await failed(local)
    await apply(local, [*BASE, Scope(name="later")])  # after its first failure
    group = (await local.get(f"transactions/{tx}")).json()["group"]
    found = await group_changes(local, group)
    assert [each["revision"]["number"] for each in found] == [taken, taken - 1]
    assert found[0]["concerns"] == ["consumer.andon-hub.grant.erp.deliver"]
    assert found[0]["revision"]["reason"] == "tidied up"
    assert found[0]["undo"] == f"andon policy rollback {taken - 1} --dry-run"
    problem(await local.get("groups/ffffffffffff/changes"), 404, "not-found")


async def test_a_gateway_that_was_never_changed_has_no_changes(local: Any, target: Any) -> None:
    target.deliver = refuses("unauthenticated", 401)
    group = (await local.get(f"transactions/{await failed(local)}")).json()["group"]
    assert await group_changes(local, group) == []
