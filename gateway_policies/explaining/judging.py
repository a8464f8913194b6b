"""Which policy refused a call, and why: what the gateway said of it, held against the policies that are live."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum

import msgspec
from msgspec import Struct

from gateway_policies.explaining.refused import RefusedCall
from gateway_policies.linting.scene import pattern
from gateway_policies.model import Grant, Resource, Throttle, Version
from gateway_policies.overview.access import Access


class Reason(StrEnum):
    """Why a call was refused."""

    TOKEN = "token"  # noqa: S105 - none, or one that cannot be used
    UNKNOWN = "unknown"
    CREDENTIAL_ENDED = "credential-ended"
    GRANT_MISSING = "grant-missing"
    GRANT_ENDED = "grant-ended"
    TOKEN_LACKS = "token-lacks"  # noqa: S105 - granted, and not in the token
    THROTTLED = "throttled"
    RETIRED = "retired"
    BROWNOUT = "brownout"
    NO_ROUTE = "no-route"
    NO_METHOD = "no-method"
    BAD_REQUEST = "bad-request"
    UNREACHABLE = "unreachable"


class Judged(Struct, frozen=True, kw_only=True):
    """What stopped a call.

    Attributes:
        consumer: who called, without ``consumer.``; None where nobody could say.
        policy: the address of what stopped it; of a grant that is missing the one that it would have. None where no
            policy did, or none can be told.
        ended: the last day of what has ended.
        stops: whether the policies that are live would stop it still; time and other calls apart.
    """

    call: RefusedCall
    reason: Reason
    consumer: str | None = None
    policy: str | None = None
    ended: date | None = None
    throttle: Throttle | None = None
    version: Version | None = None
    stops: bool = True


_REASONS = {
    "unauthenticated": Reason.TOKEN,
    "throttled": Reason.THROTTLED,
    "version-retired": Reason.RETIRED,
    "brownout": Reason.BROWNOUT,
    "no-such-route": Reason.NO_ROUTE,
    "method-not-allowed": Reason.NO_METHOD,
    "bad-request": Reason.BAD_REQUEST,
    "upstream-unavailable": Reason.UNREACHABLE,
}


def judge(call: RefusedCall, live: Mapping[str, Resource], today: date, client_id: str | None = None) -> Judged:
    """What stopped a call, and whether it would be stopped still.

    Args:
        live: what is in force, by address.
        today: the day, in UTC, that grants and credentials are held against.
        client_id: who called, for a refusal that does not say.
    """
    access = Access(live, today)
    who = _consumer(call.client_id or client_id, call.policy, access)
    match call.name:
        case "scope-missing":
            return _scope(call, who, access)
        case "unknown-consumer":
            return Judged(call=call, reason=Reason.UNKNOWN, consumer=who, stops=who is None)
        case "credential-expired":
            ended = _credential_ended(who, access)
            policy = call.policy if who is None else f"consumer.{who}"
            return Judged(
                call=call,
                reason=Reason.CREDENTIAL_ENDED,
                consumer=who,
                policy=policy,
                ended=ended,
                stops=who is None or (ended is not None and ended < today),
            )
        case "throttled":
            throttle = _throttle(call, who, access)
            policy = call.policy if throttle is None else throttle.address
            return Judged(call=call, reason=Reason.THROTTLED, consumer=who, policy=policy, throttle=throttle)
        case "version-retired" | "brownout":
            address = call.policy or (f"api.{call.api}.version.{call.version}" if call.api and call.version else None)
            version = None if address is None else access.find(address)
            found = version if isinstance(version, Version) else None
            reason = _REASONS[call.name]
            stops = reason is Reason.BROWNOUT or found is None or found.lifecycle == "retired"
            return Judged(call=call, reason=reason, consumer=who, policy=address, version=found, stops=stops)
    policy = call.policy or (f"api.{call.api}" if call.api is not None else None)
    return Judged(
        call=call,
        reason=_REASONS.get(call.name, Reason.BAD_REQUEST),
        consumer=who,
        policy=None if call.name in ("unauthenticated", "upstream-unavailable") else policy,
    )


def _consumer(client_id: str | None, policy: str | None, access: Access) -> str | None:
    if policy is not None and policy.startswith("consumer."):
        return policy.split(".")[1]
    if client_id is None:
        return None
    return next(
        (
            name
            for name, each in access.consumers.items()
            if each.credential is not None and each.credential.client_id == client_id
        ),
        None,
    )


def _credential_ended(who: str | None, access: Access) -> date | None:
    consumer = None if who is None else access.consumers.get(who)
    return None if consumer is None or consumer.credential is None else consumer.credential.expires_on


def _scope(call: RefusedCall, who: str | None, access: Access) -> Judged:
    scope = call.scope or _scope_of(call, access)
    if who is None or scope is None:
        return Judged(call=call, reason=Reason.GRANT_MISSING, consumer=who, policy=call.policy)
    call = msgspec.structs.replace(call, scope=scope)
    given = covering(who, scope, access)
    if given is None:
        policy = f"consumer.{who}.grant.{scope}"
        return Judged(call=call, reason=Reason.GRANT_MISSING, consumer=who, policy=policy)
    if access.ended(given):
        return Judged(call=call, reason=Reason.GRANT_ENDED, consumer=who, policy=given.address, ended=given.expires_on)
    # It is granted now, and was not then; or the token has not caught up with it.
    return Judged(call=call, reason=Reason.TOKEN_LACKS, consumer=who, policy=given.address, stops=False)


def covering(who: str, scope: str, access: Access) -> Grant | None:
    """The grant that gives a consumer a scope, by name or by wildcard: one in force before one that has ended, and of
    those the one that lasted longest."""
    found = [
        each
        for each in access.live.values()
        if isinstance(each, Grant)
        and each.consumer == who
        and (each.scope == scope or ("*" in each.scope and pattern(each.scope).fullmatch(scope) is not None))
    ]
    return max(found, key=lambda each: (each.expires_on or date.max, "*" not in each.scope), default=None)


def _scope_of(call: RefusedCall, access: Access) -> str | None:
    """What an operation wants, where the gateway names only the operation."""
    return next(
        (each.scope for each in access.operations(call.api or "", call.version) if each.key == call.operation), None
    )


def _throttle(call: RefusedCall, who: str | None, access: Access) -> Throttle | None:
    """The throttle that was exhausted: as told; else the only one that it can have been."""
    if call.policy is not None:
        named = access.find(call.policy)
        return named if isinstance(named, Throttle) else None
    sides = {"api": access.apis.get(call.api or ""), "consumer": access.consumers.get(who or "")}
    names = {
        each.throttle
        for side, each in sides.items()
        if each is not None and each.throttle is not None and call.throttled in (side, None)
    }
    return access.throttles.get(names.pop()) if len(names) == 1 else None
