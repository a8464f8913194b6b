"""What to change in policies for a call that they stop: never more than the call needs, never a wildcard, and never
without an end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TypeAlias

from msgspec import Struct

from gateway_policies.edits import SetField
from gateway_policies.explaining.judging import Judged, Reason, judge
from gateway_policies.explaining.refused import RefusedCall
from gateway_policies.explaining.stopped_call import StoppedCall
from gateway_policies.model import Api, Consumer, Credential, Grant, Lifecycle, Resource, Risk, Scope, Throttle, Version
from gateway_policies.nearest import listed
from gateway_policies.overview.access import Access
from gateway_policies.planning.usage import Usage

GRANTED_FOR = timedelta(days=90)
"""How long what is granted or renewed lasts, unless the credential ends before."""
POSTPONED_BY = timedelta(days=30)
"""How long a version that comes back goes on."""

Change: TypeAlias = Grant | SetField
"""A grant that is added, or a field that says something else."""

_NAMES = {
    Reason.TOKEN: "unauthenticated",
    Reason.UNKNOWN: "unknown-consumer",
    Reason.CREDENTIAL_ENDED: "credential-expired",
    Reason.GRANT_MISSING: "scope-missing",
    Reason.GRANT_ENDED: "scope-missing",
    Reason.TOKEN_LACKS: "scope-missing",
    Reason.THROTTLED: "throttled",
    Reason.RETIRED: "version-retired",
    Reason.BROWNOUT: "brownout",
    Reason.NO_ROUTE: "no-such-route",
    Reason.NO_METHOD: "method-not-allowed",
    Reason.UNREACHABLE: "upstream-unavailable",
}


class Suggestion(Struct, frozen=True, kw_only=True):
    """What would let a call pass.

    Attributes:
        what: in a sentence.
        changes: in the files; together they are the smallest.
        notes: what to know before it is decided on; sentences.
    """

    what: str
    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()


class NoSuggestion(Exception):
    """No change of the policies is to be suggested; the message says why, and what helps instead."""


def suggest(found: StoppedCall, files: Mapping[str, Resource], today: date, usage: Usage | None = None) -> Suggestion:
    """The smallest change of the files that would let a call pass.

    Args:
        found: the call, held against what is live.
        files: what the policy files say, by address.
        today: the day that grants and credentials are held against.
        usage: what was seen at the gateway; None where nothing is known.

    Raises:
        NoSuggestion: nothing in the policies stops it, the files let it pass already, or what is missing is not theirs
            to give.
    """
    if not found.stops:
        raise NoSuggestion("The policies that are live let it pass now. Replay it.")
    call = RefusedCall(
        name=_NAMES.get(found.reason, "bad-request"),
        status=0,
        api=found.api,
        version=found.version,
        operation=found.operation,
        scope=found.scope,
        client_id=found.client_id,
        policy=found.policy,
        throttled=found.throttled,
    )
    again = judge(call, files, today)
    if not again.stops:
        raise NoSuggestion("The files let it pass already, and are not applied: 'andon policy plan' shows them.")
    access = Access(files, today)
    match again.reason:
        case Reason.GRANT_MISSING | Reason.GRANT_ENDED:
            return _grant(again, access)
        case Reason.CREDENTIAL_ENDED:
            return _credential(again, access)
        case Reason.THROTTLED:
            return _throttle(again, access, usage)
        case Reason.RETIRED:
            return _version(again, access)
        case Reason.BROWNOUT:
            raise NoSuggestion(_brownout(again, access))
        case Reason.UNKNOWN:
            raise NoSuggestion(
                f"No consumer of the files has the client {found.client_id or '(not told)'} as its credential. Who it "
                "is, and what it may, is for its owner to say: write a consumer for it."
            )
        case Reason.TOKEN:
            raise NoSuggestion("The call had no token that can be used, and no policy lets one through without.")
        case Reason.UNREACHABLE:
            raise NoSuggestion("What stands behind the gateway did not answer. No policy did that.")
        case _:
            raise NoSuggestion("The gateway has no such address or operation. Compare it with 'andon gateway apis'.")


def _grant(found: Judged, access: Access) -> Suggestion:
    scope, who = found.call.scope, found.consumer
    if who is None or scope is None:
        raise NoSuggestion("The gateway did not say who called or what was missing, so that nothing can be granted.")
    consumer = access.consumers.get(who)
    if consumer is None:
        raise NoSuggestion(f"consumer.{who} is not in the files. Look in those of the policy set that has it.")
    known = access.scopes.get(scope)
    if known is None:
        raise NoSuggestion(f"scope.{scope} is not in the files. Say there first what it allows, and at what risk.")
    until, why = _until(consumer, access.today)
    there = access.find(f"consumer.{who}.grant.{scope}")
    notes = [*why, *_risk(known)]
    if isinstance(there, Grant):
        return Suggestion(
            what=f"Renew {there.address}, which ended on {there.expires_on}, until {until}.",
            changes=(SetField(there.address, "expires_on", until),),
            notes=tuple(notes),
        )
    if found.reason is Reason.GRANT_ENDED:
        notes.append(f"It was granted with the wildcard {found.policy}, which ended. The name alone is enough here.")
    grant = Grant(consumer=who, scope=scope, reason=f"say why: {_called(found)} was refused", expires_on=until)
    return Suggestion(what=f"Grant {scope} to {consumer.address} until {until}.", changes=(grant,), notes=tuple(notes))


def _credential(found: Judged, access: Access) -> Suggestion:
    consumer = None if found.consumer is None else access.consumers.get(found.consumer)
    if consumer is None or consumer.credential is None:
        raise NoSuggestion("The files do not say the credential that ended. Look in those that have its consumer.")
    until = access.today + GRANTED_FOR
    return Suggestion(
        what=f"Renew the credential of {consumer.address}, which ended on {found.ended}, until {until}.",
        changes=(SetField(consumer.address, "credential.expires_on", until),),
        notes=(_first_at_the_issuer(consumer.credential),),
    )


def _first_at_the_issuer(credential: Credential) -> str:
    return (
        f"Have issuer.{credential.issuer} renew the client {credential.client_id} first: the policies say only until "
        "when it is believed."
    )


def _throttle(found: Judged, access: Access, usage: Usage | None) -> Suggestion:
    throttle = found.throttle
    if throttle is None:
        raise NoSuggestion("The gateway did not say which throttle it was, and it may have been either of two.")
    holders: list[Api | Consumer] = [*access.apis.values(), *access.consumers.values()]
    subjects = [each.address for each in holders if each.throttle == throttle.name]
    concerned = _subject(found, access, throttle) or subjects
    peaks = [] if usage is None else [each.per_minute for each in usage.peaks if each.address in concerned]
    if not peaks:
        raise NoSuggestion(
            f"How many calls there were is not known, so that no rate for {throttle.address} can be told. It is tried "
            "again by itself."
        )
    peak = max(peaks)
    requests = -(-peak * throttle.per_seconds // 60)
    notes = []
    others = [each for each in subjects if each not in concerned]
    if others:
        notes.append(f"The throttle is also that of {listed(sorted(others), 5)}, which could call as fast then.")
    if requests > throttle.requests:
        return Suggestion(
            what=f"Let {throttle.address} refill {requests:,} instead of {throttle.requests:,}: as many as were called "
            f"at the busiest, {peak:,} in a minute.",
            changes=(SetField(throttle.address, "requests", requests),),
            notes=tuple(notes),
        )
    bucket = throttle.requests if throttle.burst is None else throttle.burst
    if peak <= bucket:
        raise NoSuggestion(
            f"{throttle.address} lets through as much as was ever called in a minute ({peak:,}). Wait: it is tried "
            "again by itself."
        )
    return Suggestion(
        what=f"Let {throttle.address} take {peak:,} at once instead of {bucket:,}: its rate is enough, and so many "
        "came at once that the bucket was empty. All of the busiest minute would pass then.",
        changes=(SetField(throttle.address, "burst", peak),),
        notes=tuple(notes),
    )


def _version(found: Judged, access: Access) -> Suggestion:
    version = found.version
    if version is None:
        raise NoSuggestion(f"{found.policy or 'The version'} is not in the files.")
    until = access.today + POSTPONED_BY
    changes: list[Change] = [SetField(version.address, "lifecycle", str(Lifecycle.DEPRECATED))]
    if version.sunset_on is None or version.sunset_on < until:
        changes.append(SetField(version.address, "sunset_on", until))
    if version.deprecated_on is None:
        changes.append(SetField(version.address, "deprecated_on", access.today))
    return Suggestion(
        what=f"Postpone the retirement of {version.address} to {until}.",
        changes=tuple(changes),
        notes=(*_successor(version, access), "It is a postponement: whoever calls the version still has to leave it."),
    )


def _successor(version: Version, access: Access) -> tuple[str, ...]:
    api = access.apis.get(version.api)
    if version.successor is None or api is None:
        return ("It has no successor in the files.",)
    return (f"Better than that: have the caller go over to {version.successor}, at {_path(api, version.successor)}.",)


def _path(api: Api, version: str) -> str:
    if api.versioning.startswith("header:"):
        return f"{api.base_path} with {api.versioning.removeprefix('header:')}: {version}"
    return f"{api.base_path}/{version}"


def _brownout(found: Judged, access: Access) -> str:
    version = found.version
    to = "" if version is None else f" {_successor(version, access)[0]}"
    return f"It is a brownout, which ends by itself; the call passes after it. No change is suggested.{to}"


def _until(consumer: Consumer, today: date) -> tuple[date, list[str]]:
    until = today + GRANTED_FOR
    ends = None if consumer.credential is None else consumer.credential.expires_on
    if ends is not None and today <= ends < until:
        return ends, [f"It ends with the credential of {consumer.address}."]
    return until, []


def _risk(scope: Scope) -> list[str]:
    if scope.risk not in (Risk.FINANCIAL, Risk.QUALITY):
        return []
    return [f"{scope.address} is {scope.risk}: applying it wants a second person."]


def _called(found: Judged) -> str:
    call = found.call
    return f"{call.operation or 'a call'} of {call.api}" if call.api is not None else call.operation or "a call"


def _subject(found: Judged, access: Access, throttle: Throttle) -> list[str]:
    """Whose calls exhausted it: of the API and the consumer of the call, whichever has it."""
    pair = (access.apis.get(found.call.api or ""), access.consumers.get(found.consumer or ""))
    return [each.address for each in pair if each is not None and each.throttle == throttle.name]
