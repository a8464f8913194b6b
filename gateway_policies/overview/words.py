"""What is said of a version, a grant or a throttle that somebody looks at: labels, and a sentence for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date

from gateway_policies.durations import span_of
from gateway_policies.model import Brownout, Lifecycle, Throttle, Version
from gateway_policies.nearest import listed
from gateway_policies.overview.access import Access
from gateway_policies.overview.calendar import Phase, Turn, What, next_turn, overdue, phase_on
from gateway_policies.overview.matrix import How, Mark, Matrix
from gateway_policies.overview.throttling import Held, Limit, Pair, Whose, bucket
from gateway_policies.overview.use import calls_of_version, peaks_of_throttle, use_of_mark
from gateway_policies.planning.usage import Seen

UNSEEN = Seen(None)
"""Where nothing is known of calls."""

Line = tuple[str, str]
"""A label and a sentence."""

NAMES = 8
"""So many names are told before the rest is counted."""


def days_of(number: int) -> str:
    """``1 day``, ``30 days``."""
    return f"{number} day" if number == 1 else f"{number:,} days"


def when(day: date, today: date) -> str:
    """``2027-06-01, in 192 days``."""
    left = (day - today).days
    if left == 0:
        return f"{day}, today"
    return f"{day}, in {days_of(left)}" if left > 0 else f"{day}, {days_of(-left)} ago"


def state_of(version: Version, today: date) -> str:
    """Where a version stands, in a word or two."""
    if overdue(version, today) or (phase_on(version, today, today) is Phase.SUNSET):
        return "past sunset"
    return str(version.lifecycle)


def next_of(version: Version, today: date) -> str:
    """What comes next, short: ``sunset in 27d``; nothing where nothing does."""
    late = overdue(version, today)
    if late:
        return f"sunset {late:,}d ago"
    turn = next_turn(version, today)
    if turn is None:
        return ""
    return f"{turn.what} {_soon(turn, today)}"


def _soon(turn: Turn, today: date) -> str:
    left = (turn.on - today).days
    return "today" if left == 0 else f"in {left:,}d"


def about_version(version: Version, access: Access, seen: Seen = UNSEEN) -> Iterator[Line]:
    """What there is to say of a version: its dates, what comes next, and who is still on it."""
    today = access.today
    yield "now", _now(version, today)
    coming = [*_turns(version, today)]
    if coming:
        yield "next", "; ".join(coming)
    yield from _callers(version, access, seen)


def _now(version: Version, today: date) -> str:
    late = overdue(version, today)
    if late:
        return f"{version.lifecycle}, and callers were told that it goes on {when(version.sunset_on or today, today)}"
    match version.lifecycle:
        case Lifecycle.DRAFT:
            return "a draft: it is not served"
        case Lifecycle.RETIRED if version.sunset_on is not None and version.sunset_on > today:
            return f"retired: calls get 410, and callers were told {when(version.sunset_on, today)}"
        case Lifecycle.RETIRED:
            return "retired: calls get 410"
        case Lifecycle.ACTIVE if version.deprecated_on is not None and version.deprecated_on < today:
            return f"active, and was to be deprecated on {when(version.deprecated_on, today)}"
        case Lifecycle.ACTIVE:
            return "active"
    since = "" if version.deprecated_on is None else f" since {when(version.deprecated_on, today)}"
    return f"{'in brownout' if version.lifecycle is Lifecycle.BROWNOUT else 'deprecated'}{since}"


def _turns(version: Version, today: date) -> Iterator[str]:
    if version.lifecycle is Lifecycle.RETIRED:
        return
    if version.deprecated_on is not None and version.deprecated_on >= today and version.lifecycle is Lifecycle.ACTIVE:
        yield f"{What.DEPRECATED} {when(version.deprecated_on, today)}"
    for each in version.brownouts:
        if each.until.astimezone(UTC).date() >= today:
            yield _brownout(each)
    if version.sunset_on is not None and version.sunset_on >= today:
        yield f"{What.SUNSET} {when(version.sunset_on, today)}"


def _brownout(each: Brownout) -> str:
    begin, until = each.from_.astimezone(UTC), each.until.astimezone(UTC)
    end = f"{until:%H:%M}" if begin.date() == until.date() else f"{until:%Y-%m-%d %H:%M}"
    return f"brownout {begin:%Y-%m-%d %H:%M} to {end} UTC"


def _callers(version: Version, access: Access, seen: Seen) -> Iterator[Line]:
    able = access.may_call(version.api, version.name)
    calls = calls_of_version(version, seen)
    if version.lifecycle is not Lifecycle.RETIRED:
        unknown = "; how many calls is not known" if calls is None else ""
        yield "may call", f"{_counted(able)}{unknown}" if able else "nobody"
    if calls is not None:
        yield "calls", calls
    if version.successor is None:
        if version.lifecycle in (Lifecycle.DEPRECATED, Lifecycle.BROWNOUT):
            yield "instead", "no successor is named"
        return
    successor = access.find(f"api.{version.api}.version.{version.successor}")
    stands = str(successor.lifecycle) if isinstance(successor, Version) else "not there"
    left = able - access.may_call(version.api, version.successor)
    lacking = f"; without a scope for it: {_counted(left)}" if left else ""
    yield "instead", f"{version.successor} ({stands}){lacking}"


def _counted(names: Iterable[str]) -> str:
    ordered = sorted(names)
    return f"{len(ordered):,} consumer{'' if len(ordered) == 1 else 's'}: {listed(ordered, NAMES)}"


def about_mark(
    consumer: str, scope: str, mark: Mark | None, matrix: Matrix, access: Access, seen: Seen = UNSEEN
) -> Iterator[Line]:
    """What there is to say of a consumer and a scope."""
    who = access.consumers[consumer]
    place = " ".join(each for each in (who.system, who.plant) if each)
    known = who.credential
    yield "who", f"{consumer}{f' ({place})' if place else ''}, owned by {who.owner}"
    risk = matrix.risk(scope)
    opens = access.wanting.get(scope, ())
    what = f"{scope}, {risk} risk" if risk is not None else f"{scope}, which is no scope of the gateway"
    yield "what", f"{what}; {f'wanted by {listed(opens, NAMES)}' if opens else 'wanted by no API'}"
    if mark is None:
        yield "has it", "no: calls that want it are refused"
    else:
        yield "has it", _has(mark, access.today)
        if mark.given.grant.reason:
            yield "because", mark.given.grant.reason
        if mark.risky:
            yield "risky", ", ".join(mark.risky)
    yield from use_of_mark(consumer, scope, access, seen)
    if known is None:
        yield "known by", "no credential: it cannot call"
    elif known.expires_on is not None:
        yield "known by", f"{known.client_id} at {known.issuer} until {when(known.expires_on, access.today)}"


def _has(mark: Mark, today: date) -> str:
    how = f"by the wildcard {mark.given.grant.scope}" if mark.given.inherited else "by name"
    if mark.ends is None:
        return f"yes, {how}, without an end"
    whose = "its credential" if mark.by_credential else "the grant"
    if mark.how is How.EXPIRED:
        return f"no more: {whose} ended on {when(mark.ends, today)}"
    return f"yes, {how}; {whose} ends on {when(mark.ends, today)}"


def rate(throttle: Throttle) -> str:
    """``600 in 1m``."""
    return f"{throttle.requests:,} in {span_of(throttle.per_seconds)}"


def quota(throttle: Throttle) -> str:
    """``200,000 in 1d``; nothing where there is none."""
    if throttle.quota is None or not throttle.quota_per_seconds:
        return ""
    return f"{throttle.quota:,} in {span_of(throttle.quota_per_seconds)}"


def about_throttle(throttle: Throttle, held: Held, seen: Seen = UNSEEN) -> Iterator[Line]:
    """What a throttle does, and whom it holds."""
    yield (
        "lets",
        f"{rate(throttle)}, and {bucket(throttle):,} at once"
        + (f"; {quota(throttle)} at most" if quota(throttle) else ""),
    )
    if held.apis:
        yield "shared", f"by all who call {listed(held.apis, NAMES)}"
    if held.consumers:
        yield "each", f"{_counted(held.consumers)} by {'itself' if len(held.consumers) == 1 else 'themselves'}"
    yield from peaks_of_throttle(throttle, held, seen)
    if not held.apis and not held.consumers:
        yield "holds", "nobody: no API and no consumer names it"


def about_pair(pair: Pair, callers: int) -> Iterator[Line]:
    """What holds a consumer at an API, limit by limit."""
    found = pair.limits
    if found.rate is None:
        yield "rate", "nothing holds it"
    else:
        yield "rate", f"{rate(found.rate.throttle)}, by {_by(found.rate, callers)}"
    if found.burst is not None:
        yield "burst", f"{bucket(found.burst.throttle):,} at once, by {_by(found.burst, callers)}"
    if found.quota is not None:
        yield "quota", f"{quota(found.quota.throttle)}, by {_by(found.quota, callers)}"


def _by(limit: Limit, callers: int) -> str:
    if limit.whose is Whose.CONSUMER:
        return f"throttle.{limit.throttle.name}, its own"
    shared = f"shared by {callers:,} that may call" if callers != 1 else "of the API, which it alone may call"
    return f"throttle.{limit.throttle.name}, {shared}"
