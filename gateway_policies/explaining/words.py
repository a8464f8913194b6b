"""A refused call in sentences: what failures say of it, and what people read who look for what stopped them."""

from __future__ import annotations

from gateway_policies.durations import span_of
from gateway_policies.explaining.judging import Judged, Reason
from gateway_policies.explaining.refused import RefusedCall

_CONNECTION = {
    "UF": "no connection",
    "UH": "nobody there to connect to",
    "UO": "too much under way",
    "NR": "no way there",
    "NC": "no way there",
    "UC": "the connection broke",
    "UT": "no answer in time",
    "UR": "the other side broke off",
    "UPE": "what came was no HTTP",
}


def message_of(found: Judged) -> str:
    """What stopped the call, for the failure of a transaction: the same for every call that is stopped by the same."""
    call, who = found.call, _who(found)
    match found.reason:
        case Reason.GRANT_MISSING:
            scope = "the scope" if call.scope is None else f"the scope {call.scope}"
            return f"{who} has no grant of {scope}, which {_operation(call)} wants"
        case Reason.GRANT_ENDED:
            return f"{_grant(found)} ended on {found.ended}, and {_operation(call)} wants {call.scope}"
        case Reason.TOKEN_LACKS:
            return f"The token of {who} does not carry the scope {call.scope}, which {_operation(call)} wants"
        case Reason.CREDENTIAL_ENDED:
            when = "" if found.ended is None else f" on {found.ended}"
            return f"The credential of {who} ended{when}, so that {_operation(call)} refuses it"
        case Reason.UNKNOWN:
            known = "a client that it does not say" if call.client_id is None else f"the client {call.client_id}"
            return f"No consumer of the policies is known as {known}"
        case Reason.TOKEN:
            return f"The call had no token that the gateway accepts{_detail(call)}"
        case Reason.THROTTLED:
            return f"More calls than {_throttle(found)} lets through"
        case Reason.RETIRED:
            return f"{_version(call)} is retired{_successor(found)}"
        case Reason.BROWNOUT:
            return f"{_version(call)} answers as if it were gone, in a planned brownout{_successor(found)}"
        case Reason.NO_ROUTE:
            return f"The gateway has nothing at this address{_detail(call)}"
        case Reason.NO_METHOD:
            return f"The gateway has no such operation{_detail(call)}"
        case Reason.UNREACHABLE:
            why = ", ".join(_CONNECTION.get(each, each) for each in call.flags) or "it does not say why"
            came = "nothing was sent" if call.never_sent else "it may have been posted"
            return f"The gateway got no answer from what is behind {call.api or 'it'} ({why}): {came}"
        case _:
            return f"The gateway refused the call{_detail(call)}"


def called(found: Judged) -> str:
    """Who called what, with which credential."""
    call = found.call
    client = "" if call.client_id is None else f" as the client {call.client_id}"
    return f"{_who(found)} called {_operation(call)}{client}"


def missing(found: Judged) -> str:
    """What was missing, in a sentence without its full stop."""
    return message_of(found)


def helps(found: Judged) -> str:
    """What to do about it."""
    call, who = found.call, _who(found)
    if not found.stops:
        return "Replay it: the policies that are live now let it pass"
    match found.reason:
        case Reason.GRANT_MISSING if found.consumer is not None and call.scope is not None:
            return f"Grant {call.scope} to {who}, if it should have it: 'andon policy suggest' writes the change"
        case Reason.GRANT_MISSING | Reason.UNKNOWN:
            return "Say in the policies who calls: a consumer with this client as its credential, and what it may"
        case Reason.GRANT_ENDED:
            return "Renew the grant, if it is needed still: 'andon policy suggest' writes the change"
        case Reason.CREDENTIAL_ENDED:
            return "Renew the credential at its issuer, then its last day in the policies: 'andon policy suggest'"
        case Reason.TOKEN:
            return (
                "Look at the token: who signed it, for whom, and until when. No policy lets a call through without one"
            )
        case Reason.THROTTLED:
            return (
                "Wait: it is tried again by itself. If this rate is to be expected, 'andon policy suggest' writes a "
                "wider throttle"
            )
        case Reason.RETIRED:
            return "Call the successor: 'andon policy suggest' says where, and what would postpone the retirement"
        case Reason.BROWNOUT:
            return "Go over to the successor before the version goes for good; after the brownout it passes again"
        case Reason.NO_ROUTE | Reason.NO_METHOD | Reason.BAD_REQUEST:
            return "Compare the address and the method with 'andon gateway apis'"
        case _:
            return "See whether the upstream runs: 'andon systems list'"


def _who(found: Judged) -> str:
    if found.consumer is not None:
        return f"consumer.{found.consumer}"
    return "Somebody" if found.call.client_id is None else f"The client {found.call.client_id}"


def _operation(call: RefusedCall) -> str:
    what = call.operation or "an operation"
    if call.api is None:
        return what
    return f"{what} of {call.api}" + (f" {call.version}" if call.version is not None else "")


def _version(call: RefusedCall) -> str:
    if call.api is None:
        return call.policy or "This version"
    return f"The version {call.version} of {call.api}" if call.version is not None else f"This version of {call.api}"


def _successor(found: Judged) -> str:
    version = found.version
    return "" if version is None or version.successor is None else f"; {version.successor} follows it"


def _grant(found: Judged) -> str:
    return "The grant" if found.policy is None else f"The grant {found.policy}"


def _throttle(found: Judged) -> str:
    throttle = found.throttle
    if throttle is None:
        return found.policy or "a throttle"
    bucket = throttle.requests if throttle.burst is None else throttle.burst
    return f"{throttle.address} ({throttle.requests:,} in {span_of(throttle.per_seconds)}, {bucket:,} at once)"


def _detail(call: RefusedCall) -> str:
    return "" if call.detail is None else f": {call.detail.rstrip('.')}"
