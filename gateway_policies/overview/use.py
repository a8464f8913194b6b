"""What was seen of calls, in sentences beside what the policies allow; nothing is said where nothing is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway_policies.model import Throttle, Version
from gateway_policies.overview.access import Access
from gateway_policies.overview.throttling import Held
from gateway_policies.planning.usage import Calls, Seen, callers

Line = tuple[str, str]
_NAMED = 4


def calls_of_version(version: Version, seen: Seen) -> str | None:
    """Who still calls a version; None where that is not known."""
    return _told(seen, seen.calls_of(version), [version.api])


def use_of_mark(consumer: str, scope: str, access: Access, seen: Seen) -> Iterator[Line]:
    """How often a consumer used a scope, and when last."""
    who = access.consumers[consumer]
    found = [each for each in seen.calls_of(who) if each.scope == scope]
    told = _told(seen, found, access.wanting.get(scope, ()), named=False)
    if told is not None:
        yield "used", told


def peaks_of_throttle(throttle: Throttle, held: Held, seen: Seen) -> Iterator[Line]:
    """The busiest minutes of whom a throttle holds, and how near they came to it."""
    addresses = [*(f"api.{each}" for each in held.apis), *(f"consumer.{each}" for each in held.consumers)]
    peaks = sorted(
        (peak for address in addresses if (peak := seen.peak(address)) is not None),
        key=lambda each: (-each.per_minute, each.address),
    )
    if not peaks:
        return
    refill = throttle.per_second * 60
    said = [
        f"{each.address} {each.per_minute:,} on {each.at:%Y-%m-%d %H:%M} ({each.per_minute / refill:.0%})"
        for each in peaks[:_NAMED]
    ]
    more = f", {len(peaks) - _NAMED} more" if len(peaks) > _NAMED else ""
    yield "busiest", f"calls in a minute, of {refill:,.0f} that refill: {', '.join(said)}{more}"


def _told(seen: Seen, found: list[Calls], apis: Iterable[str], *, named: bool = True) -> str | None:
    since = seen.since
    if since is None or not (found or seen.measures(apis)):
        return None
    who = callers(found)
    if not who:
        return f"none since {since:%Y-%m-%d %H:%M}"
    total, last = sum(each.calls for each in who), max(each.last_seen for each in who)
    said = f"{total:,} since {since:%Y-%m-%d %H:%M}, last on {last:%Y-%m-%d %H:%M}"
    if not named:
        return said
    names = [f"{each.consumer} {each.calls:,}" for each in who[:_NAMED]]
    names += [f"{len(who) - _NAMED} more"] if len(who) > _NAMED else []
    return f"{said}: {', '.join(names)}"
