"""Which policy refused a call: worked out where the gateway could not say, and whether it would do so still."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest

from gateway_policies.explaining.judging import Judged, Reason, judge
from gateway_policies.explaining.refused import RefusedCall
from gateway_policies.explaining.words import called, helps, message_of
from gateway_policies.model import (
    Api,
    Consumer,
    Credential,
    Grant,
    Lifecycle,
    Operation,
    Resource,
    Scope,
    Throttle,
    Version,
)

YESTERDAY, TODAY, LATER = date(2026, 11, 20), date(2026, 11, 21), date(2027, 1, 31)
ERP = Api(
    name="erp",
    owner="it",
    base_path="/erp",
    upstream="system:ERP",
    throttle="erp-quota",
    operations=(Operation(methods=("POST",), path="/documents/{flow}", scope="erp.deliver"),),
)
HUB = Consumer(name="andon-hub", owner="it", throttle="hub", credential=Credential(issuer="hub", client_id="hub-1"))
BASE: tuple[Resource, ...] = (
    ERP,
    Version(api="erp", name="v1", lifecycle=Lifecycle.RETIRED, successor="v2"),
    Version(api="erp", name="v2", lifecycle=Lifecycle.ACTIVE),
    Scope(name="erp.deliver"),
    HUB,
    Throttle(name="erp-quota", requests=180, per_seconds=1, burst=200),
    Throttle(name="hub", requests=100, per_seconds=1),
)
CALL: dict[str, Any] = {"api": "erp", "version": "v2", "operation": "POST /documents/{flow}", "client_id": "hub-1"}
WHAT = "POST /documents/{flow} of erp v2"


def judged(name: str, *more: Resource, base: Iterable[Resource] = BASE, **call: Any) -> Judged:
    live = {each.address: each for each in (*base, *more)}
    return judge(RefusedCall(name=name, status=403, **{**CALL, **call}), live, TODAY)


def grant(scope: str = "erp.deliver", ends: date | None = None, who: str = "andon-hub") -> Grant:
    return Grant(consumer=who, scope=scope, expires_on=ends)


@pytest.mark.parametrize(
    ("grants", "reason", "policy", "ended", "stops"),
    [
        ((), Reason.GRANT_MISSING, "erp.deliver", None, True),
        ((grant(who="mes"),), Reason.GRANT_MISSING, "erp.deliver", None, True),
        ((grant("erp.read"),), Reason.GRANT_MISSING, "erp.deliver", None, True),
        ((grant(ends=YESTERDAY),), Reason.GRANT_ENDED, "erp.deliver", YESTERDAY, True),
        ((grant("erp.*", YESTERDAY),), Reason.GRANT_ENDED, "erp.*", YESTERDAY, True),
        ((grant(ends=YESTERDAY), grant("*")), Reason.TOKEN_LACKS, "*", None, False),
        ((grant(ends=TODAY),), Reason.TOKEN_LACKS, "erp.deliver", None, False),
        ((grant("*", YESTERDAY), grant(ends=YESTERDAY)), Reason.GRANT_ENDED, "erp.deliver", YESTERDAY, True),
    ],
)
def test_a_scope_that_is_missing(
    grants: tuple[Grant, ...], reason: Reason, policy: str, ended: date | None, stops: bool
) -> None:
    for scope in ("erp.deliver", None):  # where the gateway names only the operation, the policies say what it wants
        found = judged("scope-missing", *grants, scope=scope)
        assert (found.reason, found.consumer, found.policy) == (
            reason,
            "andon-hub",
            f"consumer.andon-hub.grant.{policy}",
        )
        assert (found.ended, found.stops, found.call.scope) == (ended, stops, "erp.deliver")


def test_who_called_is_known_by_the_policy_where_no_client_is_told() -> None:
    found = judged("scope-missing", client_id=None, policy="consumer.andon-hub.grant.erp.deliver")
    assert (found.consumer, found.policy) == ("andon-hub", "consumer.andon-hub.grant.erp.deliver")
    nobody = judged("scope-missing", client_id="stranger", scope="erp.deliver")
    assert (nobody.consumer, nobody.policy) == (None, None)


def test_a_client_that_the_policies_do_not_know() -> None:
    found = judged("unknown-consumer", client_id="stranger")
    assert (found.reason, found.consumer, found.policy, found.stops) == (Reason.UNKNOWN, None, None, True)
    assert not judged("unknown-consumer").stops  # it is known now


@pytest.mark.parametrize(("ends", "stops"), [(YESTERDAY, True), (TODAY, False), (LATER, False), (None, False)])
def test_a_credential_that_ended(ends: date | None, stops: bool) -> None:
    hub = Consumer(name="andon-hub", owner="it", credential=Credential(issuer="h", client_id="hub-1", expires_on=ends))
    found = judged("credential-expired", hub)
    assert (found.reason, found.policy) == (Reason.CREDENTIAL_ENDED, "consumer.andon-hub")
    assert (found.ended, found.stops) == (ends, stops)


@pytest.mark.parametrize(
    ("call", "base", "policy"),
    [
        ({"policy": "throttle.hub"}, BASE, "throttle.hub"),
        ({"policy": "throttle.gone"}, BASE, "throttle.gone"),
        ({}, BASE, None),  # it may have been either
        ({"client_id": None}, BASE, "throttle.erp-quota"),
        ({"api": None}, BASE, "throttle.hub"),
        ({"throttled": "api"}, BASE, "throttle.erp-quota"),
        ({"throttled": "consumer"}, BASE, "throttle.hub"),
        ({"throttled": "consumer", "client_id": None}, BASE, None),
        ({}, (), None),
    ],
)
def test_a_throttle(call: dict[str, Any], base: tuple[Resource, ...], policy: str | None) -> None:
    found = judged("throttled", base=base, **call)
    assert (found.reason, found.policy) == (Reason.THROTTLED, policy)


def test_a_version_that_is_gone() -> None:
    found = judged("version-retired", version="v1")
    assert (found.reason, found.policy, found.stops) == (Reason.RETIRED, "api.erp.version.v1", True)
    assert not judged("version-retired").stops  # v2 is active: somebody brought it back
    brown = judged("brownout")
    assert (brown.reason, brown.policy, brown.stops) == (Reason.BROWNOUT, "api.erp.version.v2", True)


@pytest.mark.parametrize(
    ("name", "reason", "policy"),
    [
        ("unauthenticated", Reason.TOKEN, None),
        ("no-such-route", Reason.NO_ROUTE, "api.erp"),
        ("method-not-allowed", Reason.NO_METHOD, "api.erp"),
        ("upstream-unavailable", Reason.UNREACHABLE, None),
        ("bad-request", Reason.BAD_REQUEST, "api.erp"),
        ("something-new", Reason.BAD_REQUEST, "api.erp"),
    ],
)
def test_what_no_grant_would_change(name: str, reason: Reason, policy: str | None) -> None:
    found = judged(name)
    assert (found.reason, found.policy) == (reason, policy)


@pytest.mark.parametrize(
    ("found", "message", "help_"),
    [
        (
            judged("scope-missing"),
            f"consumer.andon-hub has no grant of the scope erp.deliver, which {WHAT} wants",
            "Grant erp.deliver to consumer.andon-hub",
        ),
        (
            judged("scope-missing", grant(ends=YESTERDAY)),
            f"The grant consumer.andon-hub.grant.erp.deliver ended on 2026-11-20, and {WHAT} wants erp.deliver",
            "Renew the grant",
        ),
        (
            judged("scope-missing", grant()),
            f"The token of consumer.andon-hub does not carry the scope erp.deliver, which {WHAT} wants",
            "Replay it",
        ),
        (
            judged("unknown-consumer", client_id="stranger"),
            "No consumer of the policies is known as the client stranger",
            "Say in the policies who calls",
        ),
        (
            judged("throttled", policy="throttle.erp-quota"),
            "More calls than throttle.erp-quota (180 in 1s, 200 at once) lets through",
            "Wait",
        ),
        (judged("throttled", base=()), "More calls than a throttle lets through", "Wait"),
        (
            judged("version-retired", version="v1"),
            "The version v1 of erp is retired; v2 follows it",
            "Call the successor",
        ),
        (
            judged("unauthenticated", detail="Jwt is expired."),
            "The call had no token that the gateway accepts: Jwt is expired",
            "Look at the token",
        ),
        (
            judged("upstream-unavailable", flags=("UF",)),
            "The gateway got no answer from what is behind erp (no connection): nothing was sent",
            "See whether the upstream runs",
        ),
        (
            judged("upstream-unavailable", flags=("UC",)),
            "The gateway got no answer from what is behind erp (the connection broke): it may have been posted",
            "See whether the upstream runs",
        ),
    ],
)
def test_in_words(found: Judged, message: str, help_: str) -> None:
    assert message_of(found) == message
    assert helps(found).startswith(help_)


@pytest.mark.parametrize(
    "name", ["scope-missing", "unknown-consumer", "credential-expired", "throttled", "version-retired"]
)
@pytest.mark.parametrize("left_out", [*CALL, "all"])
def test_whatever_is_not_told_is_not_made_up(name: str, left_out: str) -> None:
    nothing = dict.fromkeys(CALL if left_out == "all" else (left_out,))
    for base in (BASE, ()):
        found = judged(name, base=base, **nothing)
        for text in (message_of(found), called(found), helps(found)):
            assert text
            assert "None" not in text
