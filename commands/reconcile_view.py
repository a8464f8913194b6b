"""A reconciliation as people read it."""

from __future__ import annotations

from msgspec import Struct

from commands.output import Column, Listing
from commands.output.table_form import render
from commands.terminal import Look, one_line, plain
from transactions.reconciliation.model import Difference, Explained, Reconciliation, Said

_STATES = {
    Explained.NOT: ("■ unexplained", "red"),
    Explained.IN_PART: ("▲ in part", "yellow"),
    Explained.WHOLLY: ("● explained", "blue"),
}


def _said(said: Said) -> str:
    return f"{said.system} {'nothing' if said.value is None else said.value}{' ✗' if said.differs else ''}"


def _off(item: Difference) -> str:
    if item.amount is None:
        return ""
    return f"{item.amount} {item.unit or ''}".rstrip()


def _because(item: Difference) -> str:
    if not item.causes:
        seen = f"; the newest about it is {item.related[0]}, processed" if item.related else ""
        return f"no transaction explains it{seen}"
    first, more = item.causes[0], len(item.causes) - 1
    return f"{first.id} {first.why}{f' (and {more} more)' if more else ''}"


COLUMNS: tuple[Column, ...] = (
    Column("why", lambda i, _: _STATES[i.explained][0], style=lambda i: _STATES[i.explained][1]),
    Column("plant", lambda i, _: i.plant),
    Column("object", lambda i, _: i.name, give=2, least=12),
    Column("field", lambda i, _: i.field),
    Column("off by", lambda i, _: _off(i), right=True),
    Column("said (✗ differs)", lambda i, _: " · ".join(map(_said, i.said)), give=1, least=24),
    Column("because", lambda i, _: _because(i), give=3, least=16),
)


class Line(Struct, frozen=True, kw_only=True):
    """A difference as one line of a spreadsheet; ``off_by`` is a number there."""

    explained: Explained
    plant: str
    object: str
    field: str
    off_by: float | None
    unit: str | None
    said: str
    causes: str
    why: str | None


def line_of(item: Difference) -> Line:
    """The line of a difference."""
    return Line(
        explained=item.explained,
        plant=item.plant,
        object=item.name,
        field=item.field,
        off_by=None if item.amount is None else float(item.amount),
        unit=item.unit,
        said=", ".join(map(_said, item.said)),
        causes=" ".join(cause.id for cause in item.causes),
        why=item.causes[0].why if item.causes else None,
    )


def describe(found: Reconciliation, look: Look) -> str:
    """Head, differences, who gave no answer, what was left out, what can be done."""
    return "\n".join([_head(found, look), *_table(found, look), *_notes(found, look)]).rstrip() + "\n"


def unasked(found: Reconciliation) -> str | None:
    """Who could not be asked, in a sentence; None where everybody answered."""
    silent = [f"{one.system} ({one_line(one.problem)})" for one in found.asked if one.problem is not None]
    if not silent:
        return None
    rest = "What the others say was compared." if found.compared else "Nothing could be compared."
    return (
        f"{', '.join(silent)} could not be asked. {rest} Whether they agree is not known. Ask again when they answer."
    )


def _head(found: Reconciliation, look: Look) -> str:
    where = f" of {plain(found.plant)}" if found.plant else ""
    moment = f"as of {found.as_of:%Y-%m-%d %H:%M:%S}Z, tolerance {found.tolerance}"
    if found.agree:
        return f"{look.paint('✓ agree', 'green', 'bold')}  {found.kind}{where}, {found.compared} values {moment}"
    if not found.differences:
        return f"{look.paint('? not known', 'magenta', 'bold')}  {found.kind}{where}, {found.compared} values {moment}"
    told = f"{found.differences} of {found.compared} values differ"
    unexplained = f", {found.unexplained} unexplained" if found.unexplained else ", all explained"
    return f"{look.paint('■ differ', 'red', 'bold')}  {found.kind}{where}, {told}{unexplained}, {moment}"


def _table(found: Reconciliation, look: Look) -> list[str]:
    if not found.items:
        return []
    listing = Listing(of=Difference, items=found.items, columns=COLUMNS, empty="", identify=lambda each: each.name)
    return ["", render(listing, look).rstrip("\n")]


def _notes(found: Reconciliation, look: Look) -> list[str]:
    lines = [""]
    asked = ", ".join(f"{one.system} {one.records}" for one in found.asked if one.problem is None)
    lines.append(look.paint(f"asked: {plain(asked) or 'nobody'}", "dim"))
    lines += [look.paint(f"left out: {plain(note)}", "dim") for note in found.left_out]
    if found.differences > len(found.items):
        lines.append(look.paint(f"{found.differences - len(found.items)} more differences: --limit", "dim"))
    if found.reopenable:
        count = len(found.reopenable)
        lines.append(
            f"{count} acknowledged and not applied: "
            f"andon reconcile {found.kind} --reopen --reason TEXT, then replay {'it' if count == 1 else 'them'}"
        )
    return lines
