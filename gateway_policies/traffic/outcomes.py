"""What came of a call: the target answered, or the gateway refused it, and why."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """What came of a call. The first three are the target's answers; the rest are the gateway's own."""

    OK = "ok"
    CLIENT_ERROR = "client-error"
    SERVER_ERROR = "server-error"
    UPSTREAM_UNAVAILABLE = "upstream-unavailable"
    UNAUTHENTICATED = "unauthenticated"
    CREDENTIAL_EXPIRED = "credential-expired"
    UNKNOWN_CONSUMER = "unknown-consumer"
    SCOPE_MISSING = "scope-missing"
    THROTTLED = "throttled"
    VERSION_RETIRED = "version-retired"
    BROWNOUT = "brownout"
    NO_SUCH_ROUTE = "no-such-route"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    BAD_REQUEST = "bad-request"
    REFUSED = "refused"

    @property
    def let_through(self) -> bool:
        """Whether the policies let it pass, whatever the target made of it."""
        return self in LET_THROUGH

    @property
    def meaning(self) -> str:
        """What happened, in words."""
        return _MEANINGS[self]


LET_THROUGH = frozenset({Outcome.OK, Outcome.CLIENT_ERROR, Outcome.SERVER_ERROR, Outcome.UPSTREAM_UNAVAILABLE})
ARRIVED = LET_THROUGH | {Outcome.THROTTLED}
"""What came as far as the throttles."""

_MEANINGS = {
    Outcome.OK: "answered",
    Outcome.CLIENT_ERROR: "answered by the target with a 4xx",
    Outcome.SERVER_ERROR: "answered by the target with a 5xx",
    Outcome.UPSTREAM_UNAVAILABLE: "let through, and the target could not be reached",
    Outcome.UNAUTHENTICATED: "no token, or one that is not valid",
    Outcome.CREDENTIAL_EXPIRED: "the consumer's credential has expired",
    Outcome.UNKNOWN_CONSUMER: "a valid token of nobody in the policies",
    Outcome.SCOPE_MISSING: "without the scope or without the grant",
    Outcome.THROTTLED: "more than the throttle lets through",
    Outcome.VERSION_RETIRED: "a version that is retired",
    Outcome.BROWNOUT: "a version in its brownout",
    Outcome.NO_SUCH_ROUTE: "a path that no API has",
    Outcome.METHOD_NOT_ALLOWED: "a path that is there, by another method",
    Outcome.BAD_REQUEST: "a request that is none",
    Outcome.REFUSED: "refused by the gateway",
}
_BY_NAME = {str(each): each for each in Outcome}
_BY_FLAG = {
    "RL": Outcome.THROTTLED,
    "RLSE": Outcome.THROTTLED,
    "NR": Outcome.NO_SUCH_ROUTE,
    "UAEX": Outcome.SCOPE_MISSING,
    "UF": Outcome.UPSTREAM_UNAVAILABLE,
    "UH": Outcome.UPSTREAM_UNAVAILABLE,
    "UO": Outcome.UPSTREAM_UNAVAILABLE,
    "UC": Outcome.UPSTREAM_UNAVAILABLE,
    "UT": Outcome.UPSTREAM_UNAVAILABLE,
    "NC": Outcome.UPSTREAM_UNAVAILABLE,
    "LH": Outcome.UPSTREAM_UNAVAILABLE,
    "URX": Outcome.UPSTREAM_UNAVAILABLE,
}
_BY_DETAIL = {
    "jwt_authn": Outcome.UNAUTHENTICATED,
    "rbac_access_denied": Outcome.SCOPE_MISSING,
    "local_rate_limited": Outcome.THROTTLED,
    "route_not_found": Outcome.NO_SUCH_ROUTE,
}


def outcome_of(status: int, refused: str | None = None, flags: str = "", detail: str = "") -> Outcome:
    """What came of a call.

    Args:
        status: the HTTP status that the caller got; 0 where it got none.
        refused: why the gateway refused, as Andon's gateway says it; None where it did not, or the log does not tell.
        flags: Envoy's ``%RESPONSE_FLAGS%``.
        detail: Envoy's ``%RESPONSE_CODE_DETAILS%``.
    """
    if refused:
        return _BY_NAME.get(refused, Outcome.REFUSED)
    for flag in flags.split(",") if flags else ():
        if flag in _BY_FLAG:
            return _BY_FLAG[flag]
    if detail and not detail.startswith("via_upstream"):
        for begin, outcome in _BY_DETAIL.items():
            if detail.startswith(begin):
                return outcome
    if status >= 500 or status < 100:
        return Outcome.SERVER_ERROR
    return Outcome.CLIENT_ERROR if status >= 400 else Outcome.OK
