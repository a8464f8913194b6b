"""Groups as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from commands.output import Column
from commands.terminal import Look, one_line, plain
from transactions.group_words import badge
from transactions.group_words import describe as words_of
from transactions.groups import Group, GroupDifference
from transactions.kpis.sparkline import sparkline
from transactions.model import Help

if TYPE_CHECKING:
    from gateway_policies.explaining.changes_before import ChangeBefore


_CHANGES = 3


def plants_of(group: Group) -> str:
    """``P02 214, P03 52``: the plants with most first."""
    places = sorted(group.plants.items(), key=lambda place: (-place[1], place[0]))
    return ", ".join(f"{plant or 'none'} {count}" for plant, count in places)


def _number(count: int) -> str:
    return str(count) if count else ""


COLUMNS: tuple[Column, ...] = (
    Column("fingerprint", lambda g, _: g.fingerprint, give=4, least=8),
    Column("count", lambda g, _: str(g.count), right=True),
    Column("last 4 h", lambda g, _: sparkline(g.trend)),
    Column("age", lambda g, look: look.age(g.oldest_failed_at), right=True),
    Column("overdue", lambda g, _: _number(g.overdue), style=lambda g: "red" if g.overdue else None, right=True),
    Column("blocks", lambda g, _: _number(g.blocked), style=lambda g: "cyan" if g.blocked else None, right=True),
    Column("again", lambda g, _: badge(g), style=lambda g: "yellow" if g.repeated else None),
    Column("flow", lambda g, _: g.flow, give=2, least=12),
    Column("target", lambda g, _: g.target),
    Column("helps", lambda g, _: g.help),
    Column("plants", lambda g, _: plants_of(g), give=3, least=7),
    Column("failure", lambda g, _: f"{g.kind}: {g.code} {g.template}", give=1, least=24),
)


def describe(group: Group, look: Look, changes: Sequence[ChangeBefore] = ()) -> str:
    """Sentences first, then what to type next.

    Args:
        changes: of the gateway, before its first failure.
    """
    words = words_of(group, look.now)
    told = [
        ("where", words.where),
        ("when", words.when),
        ("last 4 h", f"{sparkline(group.trend)} {sum(group.trend):,} failures"),
        ("replays", words.repeats),
        ("helps", words.helps),
        ("never", words.never),
        ("sample", group.sample or ""),
        ("fingerprint", group.fingerprint),
    ]
    lines = [look.paint(plain(words.what), "bold"), ""]
    lines += [f"  {label:<13}{one_line(text)}" for label, text in told if text]
    if changes:
        from gateway_policies.explaining.changes_before import in_words

        told = [("before it" if n == 0 else "", in_words(each)) for n, each in enumerate(changes[:_CHANGES])]
        lines += [f"  {label:<13}{one_line(text)}" for label, text in told]
    undo = [each.undo for each in changes[:_CHANGES] if each.concerns]
    lines += ["", *(f"  {look.paint(plain(line), 'dim')}" for line in (*next_commands(group), *undo))]
    return "\n".join(lines)


def next_commands(group: Group) -> list[str]:
    """What to type next: look at one, and plan what may help. Nothing is run by these."""
    if not group.count:
        return [f"andon tx list --filter group:{group.fingerprint}"]
    verb = "discard" if group.help == Help.NEVER else "replay"
    one = [] if group.sample is None else [f"andon tx show {plain(group.sample)}"]
    every = f"'status:failed group:{group.fingerprint}'"
    return [*one, f"andon tx {verb} --filter {every} --reason TEXT --dry-run"]


def describe_difference(difference: GroupDifference, look: Look) -> str:
    """Why two groups are two, then the parts that differ, side by side."""
    lines = [look.paint(one_line(difference.because), "bold")]
    if difference.parts:
        lines.append("")
    for part in difference.parts:
        lines += [f"  {part.name:<10}{one_line(part.this)}", f"  {'':<10}{one_line(part.other)}"]
    return "\n".join(lines)
