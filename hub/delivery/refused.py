"""What a gateway's refusal makes of a delivery: a failure that names the policy.

A refusal is certain: nothing has reached the target. Only where the gateway itself lost the way to it may the document
have arrived, unless the gateway says that it never had a connection.
"""

from __future__ import annotations

from datetime import UTC, datetime

from gateway_policies.explaining.judging import Judged, Reason, judge
from gateway_policies.explaining.refused import RefusedCall, read_refusal
from gateway_policies.explaining.words import message_of
from hub.delivery.answers import Answer, Outcome, Result
from transactions.model import GATEWAY, Failure, FailureKind

_KINDS: dict[Reason, FailureKind] = {
    Reason.TOKEN: FailureKind.UNAUTHORIZED,
    Reason.UNKNOWN: FailureKind.UNAUTHORIZED,
    Reason.CREDENTIAL_ENDED: FailureKind.UNAUTHORIZED,
    Reason.GRANT_MISSING: FailureKind.FORBIDDEN,
    Reason.GRANT_ENDED: FailureKind.FORBIDDEN,
    Reason.TOKEN_LACKS: FailureKind.FORBIDDEN,
    Reason.THROTTLED: FailureKind.THROTTLED,
    Reason.RETIRED: FailureKind.VERSION_RETIRED,
    Reason.BROWNOUT: FailureKind.VERSION_RETIRED,
    Reason.NO_ROUTE: FailureKind.MAPPING,
    Reason.NO_METHOD: FailureKind.MAPPING,
    Reason.BAD_REQUEST: FailureKind.MAPPING,
    Reason.UNREACHABLE: FailureKind.UNREACHABLE,
}
_AGAIN = frozenset({FailureKind.THROTTLED, FailureKind.UNREACHABLE})
LOST = "gateway-lost-it"
"""The code of a call that left the gateway and came to no answer."""


def refusal_in(answer: Answer) -> RefusedCall | None:
    """The call that a gateway refused with this answer; None for an answer of the target's."""
    return read_refusal(answer.status, answer.headers, answer.body)


def blind(call: RefusedCall, now: datetime | None = None) -> Judged:
    """What stopped a call, by what the gateway says alone."""
    return judge(call, {}, (now or datetime.now(UTC)).date())


def outcome_of(found: Judged, wait: float | None) -> Outcome:
    """What a refusal makes of a delivery.

    Args:
        wait: the seconds that the gateway asked to wait.
    """
    if not found.call.never_sent:
        failure = _failure(FailureKind.UNKNOWN_OUTCOME, LOST, found)
        return Outcome(result=Result.UNKNOWN, failure=failure, definitive=False)
    kind = _KINDS[found.reason]
    failure = _failure(kind, found.call.name, found)
    return Outcome(result=Result.FAILED, failure=failure, retry=kind in _AGAIN, retry_after=wait)


def _failure(kind: FailureKind, code: str, found: Judged) -> Failure:
    return Failure(
        kind=kind, help=kind.help, code=code, message=message_of(found), system=GATEWAY, policy_ref=found.policy
    )
