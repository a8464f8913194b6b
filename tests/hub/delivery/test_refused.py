"""A gateway on the way refuses: a failure that names the policy, certain where it is, in doubt where it is not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from aiohttp import web

from gateway_policies.explaining.judging import Judged, judge
from gateway_policies.explaining.refused import RefusedCall
from gateway_policies.model import Consumer, Credential, Grant, Resource
from hub.delivery.answers import Answer, Found, Result
from hub.delivery.classify import classify, classify_lookup
from hub.errors import StoreError
from transactions.model import FailureKind, Help, Status
from transactions.plans import Action

K = FailureKind
CALLED = {"api": "erp", "version": "v2", "operation": "POST /documents/{flow}", "client_id": "hub-1"}


def problem(name: str, **more: Any) -> bytes:
    return json.dumps({"type": f"urn:andon:gateway:{name}", "title": name, **CALLED, **more}).encode()


def refusal(name: str, status: int, headers: dict[str, str] | None = None, **more: Any) -> Answer:
    told = {"andon-gateway": "refused", "content-type": "application/problem+json", **(headers or {})}
    return Answer(status=status, headers=told, body=problem(name, **more))


@pytest.mark.parametrize(
    ("name", "status", "kind", "help_", "retry"),
    [
        ("unauthenticated", 401, K.UNAUTHORIZED, Help.POLICY, False),
        ("credential-expired", 401, K.UNAUTHORIZED, Help.POLICY, False),
        ("unknown-consumer", 401, K.UNAUTHORIZED, Help.POLICY, False),
        ("scope-missing", 403, K.FORBIDDEN, Help.POLICY, False),
        ("throttled", 429, K.THROTTLED, Help.WAIT, True),
        ("version-retired", 410, K.VERSION_RETIRED, Help.POLICY, False),
        ("brownout", 410, K.VERSION_RETIRED, Help.POLICY, False),
        ("no-such-route", 404, K.MAPPING, Help.DATA, False),
        ("method-not-allowed", 405, K.MAPPING, Help.DATA, False),
        ("bad-request", 400, K.MAPPING, Help.DATA, False),
    ],
)
def test_a_refusal_is_certain(name: str, status: int, kind: FailureKind, help_: Help, retry: bool) -> None:
    found = classify(refusal(name, status, policy="throttle.x"), "ERP")
    assert found.failure is not None
    assert (found.result, found.definitive, found.retry) == (Result.FAILED, True, retry)
    assert (found.failure.kind, found.failure.help) == (kind, help_)
    assert (found.failure.code, found.failure.system) == (name, "gateway")


@pytest.mark.parametrize("status", [502, 503, 504])
@pytest.mark.parametrize(
    ("flags", "sent"), [("UF", False), ("UH", False), ("NC", False), ("UC", True), ("UT", True), (None, True)]
)
def test_a_way_that_was_lost_behind_the_gateway(status: int, flags: str | None, sent: bool) -> None:
    found = classify(refusal("upstream-unavailable", status, flags=flags), "ERP")
    assert found.failure is not None
    if sent:
        assert (found.result, found.definitive, found.retry) == (Result.UNKNOWN, False, False)
        assert (found.failure.kind, found.failure.code) == (K.UNKNOWN_OUTCOME, "gateway-lost-it")
    else:
        assert (found.result, found.definitive, found.retry) == (Result.FAILED, True, True)
        assert (found.failure.kind, found.failure.code) == (K.UNREACHABLE, "upstream-unavailable")


def test_a_refusal_asks_to_wait() -> None:
    assert classify(refusal("throttled", 429, {"retry-after": "3"}), "ERP").retry_after == 3


def test_a_targets_own_refusal_is_the_targets() -> None:
    answer = Answer(status=403, headers={"content-type": "application/json"}, body=problem("scope-missing"))
    found = classify(answer, "ERP")
    assert found.failure is not None
    assert (found.failure.system, found.failure.policy_ref) == ("ERP", None)


def test_a_refused_question_says_nothing_of_the_posting() -> None:
    assert classify_lookup(refusal("no-such-route", 404)).status is Found.UNKNOWN
    assert classify_lookup(refusal("scope-missing", 403)).status is Found.UNKNOWN


class Policies:
    """Policies that a test sets."""

    def __init__(self, *live: Resource) -> None:
        self.live = {each.address: each for each in live}
        self.broken = False

    def limit(self, _system: str) -> float | None:
        return None

    async def judge(self, call: RefusedCall, now: datetime) -> Judged:
        if self.broken:
            raise StoreError("The store cannot be read.")
        return judge(call, self.live, now.astimezone(UTC).date())


HUB = Consumer(name="andon-hub", owner="it", credential=Credential(issuer="hub", client_id="hub-1"))


@pytest.fixture
async def behind(bench: Any, target: Any) -> AsyncIterator[tuple[Any, Any, Policies]]:
    """A workbench whose target is behind a gateway."""
    policies = Policies(HUB)
    bench.engine.gateway = policies
    return bench, target, policies


def answers(name: str, status: int, **more: Any) -> Any:
    async def refuse(_request: web.Request, _body: bytes) -> web.StreamResponse:
        headers = {"andon-gateway": "refused", "content-type": "application/problem+json"}
        return web.Response(status=status, headers=headers, body=problem(name, **more))

    return refuse


async def test_a_failure_names_the_grant_that_is_missing(behind: Any) -> None:
    bench, target, policies = behind
    target.deliver = answers("scope-missing", 403, scope="erp.deliver")
    row = await bench.until(await bench.send("report", event="e1"), Status.FAILED)
    assert (row.failure_kind, row.failure_code, row.failure_system) == ("forbidden", "scope-missing", "gateway")
    assert row.failure_policy_ref == "consumer.andon-hub.grant.erp.deliver"
    assert row.failure_message.startswith("consumer.andon-hub has no grant of the scope erp.deliver")
    assert (row.attempts, row.definitive) == (1, 1)
    policies.live |= {
        each.address: each for each in [Grant(consumer="andon-hub", scope="*", expires_on=date(2000, 1, 1))]
    }
    ended = await bench.until(await bench.send("report", event="e2"), Status.FAILED)
    assert ended.failure_policy_ref == "consumer.andon-hub.grant.*"
    assert ended.fingerprint != row.fingerprint


async def test_without_the_policies_the_gateways_word_counts(behind: Any) -> None:
    bench, target, policies = behind
    policies.broken = True
    target.deliver = answers("scope-missing", 403, policy="consumer.andon-hub.grant.erp.deliver")
    row = await bench.until(await bench.send("report", event="e1"), Status.FAILED)
    assert row.failure_policy_ref == "consumer.andon-hub.grant.erp.deliver"


async def test_what_was_refused_is_sent_again_when_it_may_pass(behind: Any) -> None:
    bench, target, _ = behind
    passes = target.deliver
    target.deliver = answers("scope-missing", 403, scope="erp.deliver")
    tx = await bench.send("report", event="e1")
    await bench.until(tx, Status.FAILED)
    target.deliver = passes
    await bench.act(Action.REPLAY, tx)
    row = await bench.until(tx, Status.PROCESSED)
    assert row.failure_policy_ref is None
    assert len(set(target.keys_sent())) == 1


async def test_a_throttle_of_the_gateway_is_waited_for(behind: Any) -> None:
    bench, target, _ = behind
    passes, refuse = target.deliver, answers("throttled", 429, policy="throttle.erp-quota")
    seen: list[int] = []

    async def first_refused(request: web.Request, body: bytes) -> web.StreamResponse:
        seen.append(1)
        return await (refuse if len(seen) == 1 else passes)(request, body)

    target.deliver = first_refused
    row = await bench.until(await bench.send("report", event="e1"), Status.PROCESSED)
    assert row.attempts == 2


async def test_what_may_have_passed_the_gateway_is_in_doubt(behind: Any) -> None:
    bench, target, _ = behind
    target.lookup = answers("upstream-unavailable", 503, flags="UC")
    target.deliver = answers("upstream-unavailable", 503, flags="UC")
    tx = await bench.send("consumption", event="e1", order="1")
    row = await bench.until(tx, Status.IN_DOUBT)
    assert (row.failure_kind, row.failure_code) == ("unknown-outcome", "gateway-lost-it")
    assert len(target.keys_sent()) == 1
