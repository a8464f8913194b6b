"""What the traffic says of the policies, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from commands.terminal import Look, plain

if TYPE_CHECKING:
    from datetime import datetime

    from gateway_policies.impact.model import Denied, Ending, ImpactReport, LeavingVersion

T = TypeVar("T")
_SHOWN = 10


def describe(found: ImpactReport, look: Look, *, full: bool = False) -> str:
    """All of it, what presses most first.

    Args:
        full: everything; otherwise the first ten of each.
    """
    lines = [_head(found, look)]
    for title, told in (
        ("Ends soon, or has ended", [_ending(each, look) for each in found.ending]),
        ("Versions that go and are still called", [_leaving(each, look) for each in found.leaving]),
        ("Refused calls", [_denied(each, look) for each in found.denied]),
        ("Grants that nobody used", [f"{plain(each.address)}  since {each.since:%Y-%m-%d}" for each in found.unused]),
    ):
        if told:
            lines += ["", look.paint(f"{title} ({len(told):,})", "bold"), *_first(told, look, full=full)]
    if found.denied_left_off:
        lines.append(look.paint(f"  {found.denied_left_off:,} kinds of refused calls more", "dim"))
    if found.unknown:
        number = len(found.unknown)
        said = f"Of {number:,} grants nobody can say whether they are used: their APIs' calls were not counted."
        lines += ["", look.paint(said, "dim")]
        if full:
            lines += [look.paint(f"  {plain(each)}", "dim") for each in found.unknown]
    if found.empty:
        lines += ["", f"{look.paint('✓', 'green')} Nothing to do."]
    return "".join(f"{each}\n" for each in lines)


def _head(found: ImpactReport, look: Look) -> str:
    name = look.paint(plain(found.gateway), "bold")
    if found.since is None or found.until is None:
        return f"{name}  nothing is known of calls: none were counted in that time"
    return f"{name}  calls from {found.since:%Y-%m-%d %H:%M} to {found.until:%Y-%m-%d %H:%M}Z"


def _first(told: Sequence[str], look: Look, *, full: bool) -> list[str]:
    shown = [f"  {each}" for each in (told if full else told[:_SHOWN])]
    if len(shown) < len(told):
        shown.append(look.paint(f"  {len(told) - len(shown):,} more; --verbose tells them all", "dim"))
    return shown


def _ending(each: Ending, look: Look) -> str:
    colour = "red" if each.within <= 1 else "yellow"
    if each.days < 0:
        when = f"ended on {each.expires_on}"
    elif each.days == 0:
        when = "ends today"
    else:
        when = f"ends in {each.days} day{'' if each.days == 1 else 's'}, on {each.expires_on}"
    used = "use unknown" if each.calls is None else _used(each.calls, each.last_seen)
    return f"{look.paint(when, colour)}  {each.what} {plain(each.address)}  {used}"


def _used(calls: int, last: datetime | None) -> str:
    if not calls or last is None:
        return "not used"
    return f"{calls:,} call{'' if calls == 1 else 's'}, last on {last:%Y-%m-%d}"


def _leaving(each: LeavingVersion, look: Look) -> str:
    if each.days is None:
        when = f"{each.lifecycle}, no sunset"
    elif each.days < 0:
        when = look.paint(f"sunset was {-each.days} day{'' if each.days == -1 else 's'} ago", "red")
    else:
        when = look.paint(
            f"{each.days} day{'' if each.days == 1 else 's'} to sunset", "yellow" if each.days > 7 else "red"
        )
    who = ", ".join(f"{plain(one.consumer)} {one.calls:,}" for one in each.callers[:3])
    more = f", {len(each.callers) - 3} more" if len(each.callers) > 3 else ""
    to = f"  go to {plain(each.successor)}" if each.successor else ""
    return f"{when}  {plain(each.address)}: {who}{more}{to}"


def _denied(each: Denied, look: Look) -> str:
    who = each.consumer or (f"client {each.client}" if each.client else "(nobody known)")
    what = " ".join(filter(None, (each.api, each.version, each.operation))) or "no API"
    policy = f"  {each.policy}" if each.policy else ""
    why = f"{each.outcome} ({each.meaning})"
    said = f"{plain(who)} at {plain(what)}: {each.calls:,} {why}, last {look.age(each.last_seen)} ago"
    return f"{said}{look.paint(plain(policy), 'dim')}"
