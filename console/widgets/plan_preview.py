"""What a plan would do: its numbers, and its items with the reasons against them. Nothing here acts."""

from __future__ import annotations

from collections import Counter

from rich.cells import cell_len
from rich.text import Text

from console.drafts import place_of
from console.looks import Tone, of_verdict
from console.text import clean, number, one_line, pretty_name, shorten, shorten_middle
from console.widgets.sentences import Line
from console.widgets.table import Cell, Column, Row
from transactions.edits import FieldDifference
from transactions.plans import Action, BlastRadius, Plan, PlanItem, PlanOptions, Touched, Verdict

ITEMS = (
    Column("verdict", "verdict", 15),
    Column("id", "id", 14),
    Column("flow", "flow", 24, least=90),
    Column("plant", "plant", 5),
    Column("target", "target", 8),
    Column("because", "because", 16, flex=True),
)
ITEMS_SHOWN = 2000
DIFFERENCES_SHOWN = 4
VALUE_CELLS = 60
PATH_CELLS = 40
_AND_POSTS = ", and posts the right document"
WIDE = 100
PLACED = frozenset({Action.HOLD, Action.RELEASE})
"""Actions on a place, which have no items of their own."""


def acts(plan: Plan) -> bool:
    """Whether running it would do anything."""
    return plan.action in PLACED or any(item.runs for item in plan.items)


def sentence(action: Action, options: PlanOptions, count: int) -> str:
    """What is done to how many: ``Discard 12 transactions``."""
    if action in PLACED:
        verb = "Hold back deliveries to" if action is Action.HOLD else "Release what is held for"
        return f"{verb} {clean(place_of(options))}"
    if options.process and not count:
        return "Compensate a whole process"
    many = "1 transaction" if count == 1 else f"{number(count)} transactions"
    return f"{str(action).capitalize()} {many}"


def totals(plan: Plan, tones: dict[str, str]) -> Text:
    """How many items carry each verdict."""
    text = Text()
    if plan.action in PLACED:
        return text
    for verdict in Verdict:
        count, look = plan.verdicts.get(verdict, 0), of_verdict(verdict)
        if not count and verdict is not Verdict.SEND:
            continue
        word = str(plan.action) if verdict is Verdict.SEND and plan.action is not Action.REPLAY else look.word
        text.append(f"{look.glyph} {word} {number(count)}   ", tones[look.tone if count else Tone.QUIET])
    return text


def facts(plan: Plan, tones: dict[str, str], *, most: int = 6) -> list[Line]:
    """Where it would act, and on what; ``most`` names of a kind, so that each kind has its line."""
    changed = Counter(_place(each) for edit in plan.edits for each in edit.difference)
    return [
        *((label, told, tones["foreground"]) for label, told in _where(plan, most)),
        *([] if plan.radius is None else _around(plan.radius, tones, most)),
        *([("changes", _most(changed, most), tones["bright"])] if changed else []),
    ]


def _where(plan: Plan, most: int) -> list[tuple[str, str]]:
    if len(plan.items) != 1:
        return [(label, _most(values, most)) for label, values in _counted(plan)]
    (item,) = plan.items
    place = f" of {one_line(item.plant)}" if item.plant else ""
    return [("about", f"{pretty_name(item.flow)}{place} at {one_line(item.target)}, {item.risk}")]


def _counted(plan: Plan) -> tuple[tuple[str, Counter[str]], ...]:
    return (
        ("plants", Counter(item.plant or "none" for item in plan.items)),
        ("targets", Counter(item.target for item in plan.items)),
        ("flows", Counter(pretty_name(item.flow) for item in plan.items)),
        ("risk", Counter(str(item.risk) for item in plan.items)),
    )


def _around(radius: BlastRadius, tones: dict[str, str], most: int) -> list[Line]:
    """Orders and lots, and what waits behind; what there is none of is not told."""
    told = [("orders", _named(radius.orders, most)), ("lots", _named(radius.lots, most))]
    if radius.behind.count:
        told.append(("behind", f"{number(radius.behind.count)} wait for these"))
    return [(label, text, tones["foreground"]) for label, text in told if text]


def _named(touched: Touched, most: int) -> str:
    shown = ", ".join(one_line(name) for name in touched.some[:most])
    return f"{shown} … {number(touched.count)} in all" if touched.count > most else shown


def rows(plan: Plan) -> list[Row]:
    """Its items: what will not simply go is what a person has to look at, so it comes first."""
    items = sorted(plan.items, key=lambda item: item.verdict is Verdict.SEND)[:ITEMS_SHOWN]
    return [_row(item, plan.action) for item in items]


def details(plan: Plan, row: Row | None, tones: dict[str, str]) -> Text:
    """The item of a row, whole: why, and what differs in the document that it sends. A correction has two steps."""
    text = Text()
    if row is None:
        return text
    because = row.cells[-1].text
    edit = next((edit for edit in plan.edits if edit.id == row.id), None)
    if edit is None:
        text.append(because, tones["foreground"])
        return text
    if plan.action is Action.CORRECT:
        text.append("1 reverse  ", tones["quiet"])
        text.append(f"{because.removesuffix(_AND_POSTS)}\n", tones["foreground"])
        text.append("2 post     ", tones["quiet"])
        text.append("the right document, under a key of its own, once that is verified", tones["foreground"])
    else:
        text.append(
            because or f"revision {edit.base} → {edit.base + 1}, by {one_line(edit.made_by)}", tones["foreground"]
        )
    for each in edit.difference[:DIFFERENCES_SHOWN]:
        text.append(f"\n  {_place(each)}  ", tones["quiet"])
        text.append(_value(each.before), tones[Tone.FAILED])
        text.append(" → ", tones["quiet"])
        text.append(_value(each.after), tones[Tone.FINE])
    more = len(edit.difference) - DIFFERENCES_SHOWN + edit.more
    if more > 0:
        text.append(f"\n  and {number(more)} more", tones["quiet"])
    for finding in edit.findings[:DIFFERENCES_SHOWN]:
        text.append(f"\n▲ {one_line(finding.path)} {one_line(finding.message)}", tones["late"])
    return text


def _place(difference: FieldDifference) -> str:
    """Where documents differ: the end of a path says more than its beginning."""
    path = one_line(difference.path) or "document"
    return path if cell_len(path) <= PATH_CELLS else f"…{path[-PATH_CELLS + 1 :]}"


def _value(value: str | None) -> str:
    return "nothing" if value is None else shorten(one_line(value), VALUE_CELLS)


def _most(values: Counter[str], most: int) -> str:
    told = ", ".join(f"{name} {number(count)}" for name, count in values.most_common(most))
    return f"{told} …" if len(values) > most else told


def room(width: int) -> int:
    """How many names of a kind fit into a line of so many cells."""
    return 6 if width >= WIDE else 3


def _row(item: PlanItem, action: Action) -> Row:
    look = of_verdict(item.verdict)
    word = str(action) if item.verdict is Verdict.SEND and action is not Action.REPLAY else look.word
    return Row(
        item.id,
        item.etag,
        [
            Cell(f"{look.glyph} {word}", look.tone),
            Cell(shorten_middle(clean(item.id), 14), Tone.QUIET),
            Cell(pretty_name(item.flow)),
            Cell(one_line(item.plant or "·")),
            Cell(one_line(item.target)),
            Cell(one_line(item.because or ""), Tone.PLAIN if item.verdict is Verdict.SEND else Tone.BRIGHT),
        ],
    )
