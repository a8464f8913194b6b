"""The policies of a gateway held against what was seen there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from gateway_policies.impact.model import (
    WARNED,
    Denied,
    Ending,
    ImpactReport,
    LeavingVersion,
    UnusedGrant,
    What,
)
from gateway_policies.model import Api, Consumer, Grant, Lifecycle, Resource, Version
from gateway_policies.planning.usage import Calls, Seen, Usage, callers, fits
from gateway_policies.state import GatewayState
from gateway_policies.traffic.outcomes import Outcome
from gateway_policies.traffic.report import UsageRow

_LEAVING = (Lifecycle.DEPRECATED, Lifecycle.BROWNOUT)
_FAR = date.max


def impact_of(
    state: GatewayState, usage: Usage | None, refused: Sequence[UsageRow], *, today: date, left_off: int = 0
) -> ImpactReport:
    """What the traffic says of the policies that are live.

    Args:
        usage: what was let through; None where nothing is known of calls.
        refused: what was refused, added up by consumer, API, version, operation, scope and outcome.
        today: the day that ends are counted from.
        left_off: how many kinds of refused calls more there are.
    """
    seen, wanting = Seen(usage), _wanting(state.live.values())
    grants = [each for each in _sorted(state.live) if isinstance(each, Grant)]
    lasting = [each for each in grants if not _over(each.expires_on, today)]
    known = [each for each in lasting if seen.calls_of(each) or seen.measures(_apis(wanting, each.scope))]
    return ImpactReport(
        gateway=state.gateway,
        on=today,
        since=None if usage is None else usage.since,
        until=None if usage is None else usage.until,
        unused=tuple(
            UnusedGrant(address=each.address, consumer=each.consumer, scope=each.scope, since=usage.since)
            for each in known
            if usage is not None and not seen.calls_of(each)
        ),
        unknown=tuple(each.address for each in lasting if each not in known),
        denied=tuple(map(_denied, refused)),
        denied_left_off=left_off,
        leaving=tuple(
            sorted(
                _leaving(state.live, seen, today), key=lambda each: (each.sunset_on or _FAR, -each.calls, each.address)
            )
        ),
        ending=tuple(
            sorted(_ending(state.live, seen, wanting, today), key=lambda each: (each.expires_on, each.address))
        ),
    )


def _sorted(live: Mapping[str, Resource]) -> Iterator[Resource]:
    return (live[address] for address in sorted(live))


def _wanting(live: Iterable[Resource]) -> dict[str, set[str]]:
    """The APIs that want a scope, by scope."""
    found: dict[str, set[str]] = {}
    for each in live:
        if isinstance(each, Api):
            for operation in each.operations:
                if operation.scope is not None:
                    found.setdefault(operation.scope, set()).add(each.name)
    return found


def _apis(wanting: Mapping[str, set[str]], scope: str) -> set[str]:
    if "*" not in scope:
        return wanting.get(scope, set())
    return {api for name, apis in wanting.items() if fits(scope, name) for api in apis}


def _over(last: date | None, today: date) -> bool:
    return last is not None and last < today


def _denied(row: UsageRow) -> Denied:
    outcome = Outcome(row.outcome) if row.outcome in set(Outcome) else Outcome.REFUSED
    return Denied(
        consumer=row.consumer,
        client=row.client,
        api=row.api,
        version=row.version,
        operation=row.operation,
        scope=row.scope,
        outcome=str(outcome),
        meaning=outcome.meaning,
        policy=_policy(row, outcome),
        calls=row.calls,
        last_seen=row.last_seen,
    )


def _policy(row: UsageRow, outcome: Outcome) -> str | None:
    match outcome:
        case Outcome.SCOPE_MISSING if row.consumer and row.scope:
            return f"consumer.{row.consumer}.grant.{row.scope}"
        case Outcome.CREDENTIAL_EXPIRED | Outcome.THROTTLED if row.consumer:
            return f"consumer.{row.consumer}"
        case Outcome.VERSION_RETIRED | Outcome.BROWNOUT if row.api and row.version:
            return f"api.{row.api}.version.{row.version}"
        case Outcome.NO_SUCH_ROUTE | Outcome.METHOD_NOT_ALLOWED if row.api:
            return f"api.{row.api}"
        case _:
            return None


def _leaving(live: Mapping[str, Resource], seen: Seen, today: date) -> Iterator[LeavingVersion]:
    for each in _sorted(live):
        if isinstance(each, Version) and each.lifecycle in _LEAVING:
            who = callers(seen.calls_of(each))
            if who:
                yield LeavingVersion(
                    address=each.address,
                    lifecycle=str(each.lifecycle),
                    sunset_on=each.sunset_on,
                    days=None if each.sunset_on is None else (each.sunset_on - today).days,
                    successor=each.successor,
                    calls=sum(one.calls for one in who),
                    callers=who,
                )


def _ending(live: Mapping[str, Resource], seen: Seen, wanting: Mapping[str, set[str]], today: date) -> Iterator[Ending]:
    for each in _sorted(live):
        if isinstance(each, Consumer) and each.credential is not None:
            granted = (one.scope for one in live.values() if isinstance(one, Grant) and one.consumer == each.name)
            yield from _end(What.CREDENTIAL, each, None, each.credential.expires_on, seen, wanting, granted, today)
        elif isinstance(each, Grant):
            yield from _end(What.GRANT, each, each.scope, each.expires_on, seen, wanting, [each.scope], today)


def _end(
    what: What,
    resource: Consumer | Grant,
    scope: str | None,
    last: date | None,
    seen: Seen,
    wanting: Mapping[str, set[str]],
    scopes: Iterable[str],
    today: date,
) -> Iterator[Ending]:
    if last is None or (last - today).days > WARNED[-1]:
        return
    days = (last - today).days
    found: list[Calls] = seen.calls_of(resource)
    known = bool(found) or seen.measures({api for each in scopes for api in _apis(wanting, each)})
    yield Ending(
        what=what,
        address=resource.address,
        consumer=resource.consumer if isinstance(resource, Grant) else resource.name,
        scope=scope,
        expires_on=last,
        days=days,
        within=0 if days < 0 else next(each for each in WARNED if days <= each),
        calls=sum(each.calls for each in found) if known else None,
        last_seen=max((each.last_seen for each in found), default=None),
    )
