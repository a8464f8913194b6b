"""What came of a call: what the gateway says itself, Envoy's flags, and plain statuses."""

from __future__ import annotations

import pytest

from gateway_policies.traffic.outcomes import ARRIVED, LET_THROUGH, Outcome, outcome_of

REFUSALS = (
    *("unauthenticated", "credential-expired", "unknown-consumer", "scope-missing", "throttled"),
    *("version-retired", "brownout", "no-such-route", "method-not-allowed", "bad-request"),
)


@pytest.mark.parametrize("name", REFUSALS)
def test_what_the_gateway_says_counts_whatever_the_status(name: str) -> None:
    found = outcome_of(200, name, "UF", "via_upstream")
    assert found == name
    assert not found.let_through


def test_a_reason_that_nobody_knows_is_a_refusal_all_the_same() -> None:
    assert outcome_of(403, "full-moon") is Outcome.REFUSED


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.OK),
        (204, Outcome.OK),
        (304, Outcome.OK),
        (400, Outcome.CLIENT_ERROR),
        (403, Outcome.CLIENT_ERROR),  # the target's own, which the gateway did not refuse
        (429, Outcome.CLIENT_ERROR),
        (500, Outcome.SERVER_ERROR),
        (503, Outcome.SERVER_ERROR),
        (0, Outcome.SERVER_ERROR),  # the caller went away
    ],
)
def test_without_a_refusal_the_status_tells(status: int, outcome: Outcome) -> None:
    assert outcome_of(status, None, "-", "via_upstream") is outcome
    assert outcome.let_through


@pytest.mark.parametrize(
    ("flags", "detail", "outcome"),
    [
        ("RL", "local_rate_limited", Outcome.THROTTLED),
        ("-", "local_rate_limited", Outcome.THROTTLED),
        ("NR", "route_not_found", Outcome.NO_SUCH_ROUTE),
        ("-", "jwt_authn_access_denied{Jwt_is_missing}", Outcome.UNAUTHENTICATED),
        ("-", "rbac_access_denied_matched_policy[none]", Outcome.SCOPE_MISSING),
        ("UAEX", "", Outcome.SCOPE_MISSING),
        ("UF,URX", "upstream_reset_before_response_started", Outcome.UPSTREAM_UNAVAILABLE),
        ("DC", "downstream_remote_disconnect", Outcome.SERVER_ERROR),
    ],
)
def test_a_plain_envoy_tells_by_flags_and_details(flags: str, detail: str, outcome: Outcome) -> None:
    assert outcome_of(503, None, flags, detail) is outcome


def test_every_outcome_has_words_and_what_is_throttled_has_arrived() -> None:
    assert all(each.meaning and not each.meaning.endswith(".") for each in Outcome)
    assert {Outcome.THROTTLED} == ARRIVED - LET_THROUGH
