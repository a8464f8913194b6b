"""A change of the gateway that waits for a second person: what becomes of each resource, and why two are wanted."""

from __future__ import annotations

from rich.text import Text

from console.looks import Tone
from console.text import clean, number, one_line
from console.widgets.sentences import Line
from console.widgets.table import Cell, Column, Row
from transactions.plans import PolicyChange, PolicyChanges, PolicyDoes

CHANGES = (
    Column("does", "does", 8),
    Column("address", "address", 30, flex=True),
    Column("because", "why two people", 20, flex=True, least=90),
)
FACTS_SHOWN = 6
_SIGNS = {
    PolicyDoes.ADD: ("+", Tone.FINE),
    PolicyDoes.CHANGE: ("~", Tone.LATE),
    PolicyDoes.REMOVE: ("-", Tone.FAILED),
    PolicyDoes.RENAME: (">", Tone.LATE),
}


def sentence(policy: PolicyChanges) -> str:
    """What is done to how many: ``Change 3 resources of plant-gateway``."""
    many = "1 resource" if policy.total == 1 else f"{number(policy.total)} resources"
    return f"Change {many} of {one_line(policy.gateway)}"


def totals(policy: PolicyChanges, tones: dict[str, str]) -> Text:
    """How many of each."""
    text = Text()
    for does, (sign, tone) in _SIGNS.items():
        count = policy.counts.get(does, 0)
        if count:
            text.append(f"{sign} {does} {number(count)}   ", tones[tone])
    return text


def facts(policy: PolicyChanges, tones: dict[str, str]) -> list[Line]:
    """Where it comes from, and what it is for."""
    return [
        ("about", f"revision {number(policy.revision)} of {one_line(policy.gateway)}", tones["foreground"]),
        ("from", f"{one_line(policy.policy_set)}, plan {clean(policy.plan[:12])}", tones["foreground"]),
    ]


def rows(policy: PolicyChanges) -> list[Row]:
    """The changes, as the platform orders them: first what somebody has to look at."""
    return [_row(each) for each in policy.changes]


def details(policy: PolicyChanges, row: Row | None, tones: dict[str, str]) -> Text:
    """The change of a row, whole: why two people, and what it states or changes."""
    change = None if row is None else next((each for each in policy.changes if each.address == row.id), None)
    text = Text()
    if change is None:
        return text
    if change.because:
        text.append(f"◆ {one_line('; '.join(change.because))}", tones["bright"])
    for said in change.said[:FACTS_SHOWN]:
        text.append(f"{chr(10) if text else ''}  {one_line(said)}", tones["foreground"])
    more = len(change.said) - FACTS_SHOWN
    if more > 0:
        text.append(f"\n  and {number(more)} more", tones["quiet"])
    return text


def _row(change: PolicyChange) -> Row:
    sign, tone = _SIGNS[change.does]
    name = change.address if change.from_ is None else f"{change.from_} → {change.address}"
    return Row(
        change.address,
        change.does,
        [
            Cell(f"{sign} {change.does}", tone),
            Cell(one_line(name), Tone.BRIGHT if change.because else Tone.PLAIN),
            Cell(one_line("; ".join(change.because)), Tone.QUIET),
        ],
    )
