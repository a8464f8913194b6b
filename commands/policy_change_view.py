"""A change of the gateway that waits for a second person, as that person reads it."""

from __future__ import annotations

from collections.abc import Iterator

from commands.terminal import Look, plain
from transactions.plans import PolicyChange, PolicyChanges, PolicyDoes

SHOWN = 40
_SIGNS = {
    PolicyDoes.ADD: ("+", "green"),
    PolicyDoes.CHANGE: ("~", "yellow"),
    PolicyDoes.REMOVE: ("-", "red"),
    PolicyDoes.RENAME: (">", "yellow"),
}


def describe_changes(policy: PolicyChanges, look: Look) -> str:
    """What becomes of the gateway, first what somebody has to look at."""
    lines = [line for change in policy.changes[:SHOWN] for line in _told(change, look)]
    more = policy.total - min(SHOWN, len(policy.changes))
    if more > 0:
        lines.append(look.paint(f"and {more:,} more; -o json prints {len(policy.changes):,}", "dim"))
    return "".join(f"{each}\n" for each in lines)


def in_numbers(policy: PolicyChanges) -> str:
    """``2 to add, 1 to remove``."""
    return ", ".join(f"{count:,} to {does}" for does, count in policy.counts.items() if count) or "nothing"


def _told(change: PolicyChange, look: Look) -> Iterator[str]:
    sign, colour = _SIGNS[change.does]
    name = change.address if change.from_ is None else f"{change.from_} → {change.address}"
    yield f"  {look.paint(sign, colour)} {plain(name)}"
    if change.because:
        yield f"      {look.paint('◆', 'yellow')} {plain('; '.join(change.because))}"
    yield from (f"      {plain(each)}" for each in change.said)
