"""A consumer's token over the API: on record before it is given, and never kept."""

from __future__ import annotations

from typing import Any

import jwt
import msgspec
import pytest
from gateway_doubles import NOW, policies_of

from gateway_policies.changeset import Changeset
from gateway_policies.gateway import ConsumerToken
from gateway_policies.model import Consumer, Credential, Grant, Issuer, Scope, by_address
from gateway_policies.planning.applying import changeset_of
from gateway_policies.planning.making import make_plan
from gateway_policies.state import GatewayState

LIVE = (
    Issuer(name="hub", url="hub:", audience="plant-gateway"),
    Scope(name="orders.read"),
    Consumer(name="mes", owner="it", credential=Credential(issuer="hub", client_id="mes-1")),
    Consumer(name="hand", owner="it"),
    Grant(consumer="mes", scope="orders.read", reason="looks"),
)


@pytest.fixture
async def governed(local: Any) -> Any:
    """A hub whose gateway has policies."""
    before = msgspec.json.decode((await local.get("gateway/state")).content, type=GatewayState)
    asked: Changeset = changeset_of(make_plan(policies_of(by_address(LIVE)), before, made_at=NOW), before, by="whoever")
    headers = {"content-type": "application/json", "if-match": f'"{asked.base}"'}
    answer = await local.post("gateway/changes", content=msgspec.json.encode(asked), headers=headers)
    assert answer.status_code == 201, answer.text
    return local


async def test_it_is_given_and_on_record(governed: Any) -> None:
    answer = await governed.post("gateway/consumers/mes/token", json={"expires_in": "2m"})
    assert answer.status_code == 201, answer.text
    given = msgspec.json.decode(answer.content, type=ConsumerToken)
    (key,) = jwt.PyJWKSet.from_dict(governed.hub.consumers.key_set()).keys
    said = jwt.decode(given.token, key, algorithms=["EdDSA"], audience="plant-gateway")
    assert (said["client_id"], said["scope"], said["exp"] - said["iat"]) == ("mes-1", "orders.read", 120)
    entries = (await governed.get("audit")).json()["items"]
    (entry,) = [each for each in entries if each["action"] == "gateway.token-given"]
    assert (entry["actor"], entry["subject"]) == ("ann", "consumer.mes")
    assert entry["after"]["token"] == given.id
    assert given.token not in (await governed.get("audit")).text


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("mess", {}, 404, "Did you mean 'mes'"),
        ("hand", {}, 409, "has no credential"),
        ("mes", {"expires_in": "2h"}, 422, "from 1s to 1h"),
        ("mes", {"scopes": ["*"]}, 422, "scopes"),
    ],
)
async def test_what_is_refused_is_not_on_record(
    governed: Any, path: str, body: dict[str, Any], status: int, words: str
) -> None:
    answer = await governed.post(f"gateway/consumers/{path}/token", json=body)
    assert (answer.status_code, words in answer.text) == (status, True), answer.text
    assert "gateway.token-given" not in (await governed.get("audit")).text


async def test_it_opens_nothing_of_the_admin_api(governed: Any) -> None:
    token = (await governed.post("gateway/consumers/mes/token", json={})).json()["token"]
    answer = await governed.client.get("whoami", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
