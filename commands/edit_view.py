"""Differences and drafts as people read them."""

from __future__ import annotations

from commands.output import Detail
from commands.session import Session
from commands.terminal import Look, one_line, plain
from transactions.edits import Draft, FieldDifference, PayloadDifference
from transactions.plans import Action, Plan

_ITEMS, _LINES = 20, 8


def show_draft(session: Session, draft: Draft) -> None:
    """Print a draft."""
    session.show(Detail(value=draft, human=lambda look: describe_draft(draft, look), identify=lambda each: each.id))


def describe_draft(draft: Draft, look: Look) -> str:
    """What a draft changes."""
    head = look.paint(f"draft of {plain(draft.id)}, revision {draft.base + 1}, {draft.size} bytes", "bold")
    lines = [head, *lines_of(draft.difference, draft.more, look)]
    lines += [look.paint(f"  ▲ {one_line(each.path)} {one_line(each.message)}", "yellow") for each in draft.findings]
    return "\n".join(lines)


def show_difference(session: Session, found: PayloadDifference) -> None:
    """Print where two revisions differ."""
    session.show(
        Detail(value=found, human=lambda look: describe_difference(found, look), identify=lambda each: each.id)
    )


def describe_difference(found: PayloadDifference, look: Look) -> str:
    """Where two revisions differ."""
    head = look.paint(f"revision {found.from_} → {found.to}", "bold")
    if found.withheld:
        return f"{head}\nwithheld: {plain(found.withheld)}"
    if found.same:
        return f"{head}\nThey say the same."
    return "\n".join([head, *lines_of(found.differences, found.more, look, most=len(found.differences))])


def describe_edits(plan: Plan, look: Look) -> str:
    """What an edit or a correction changes in each of its documents; nothing for other actions."""
    if not plan.edits:
        return ""
    lines = ["", look.paint("differences", "bold")]
    for edit in plan.edits[:_ITEMS]:
        revisions = f"revision {edit.base} → {edit.base + 1}"
        if plan.action is Action.CORRECT:
            revisions = "what was posted → what is posted instead"
        lines.append(f"  {plain(edit.id)}  {revisions}  by {plain(edit.made_by)}")
        lines += [f"  {line}" for line in lines_of(edit.difference, edit.more, look)]
        lines += [f"    ▲ {one_line(each.path)} {one_line(each.message)}" for each in edit.findings[:_LINES]]
    if len(plan.edits) > _ITEMS:
        lines.append(look.paint(f"  and {len(plan.edits) - _ITEMS} more; -o json prints all", "dim"))
    return "\n".join(lines) + "\n"


def lines_of(found: list[FieldDifference], more: int, look: Look, most: int = _LINES) -> list[str]:
    """One line for each difference."""
    if not found:
        return ["  written differently, and says the same"]
    lines = [
        f"  {one_line(each.path)}  {_value(each.before, look, 'red')} → {_value(each.after, look, 'green')}"
        for each in found[:most]
    ]
    left = len(found) - most + more if len(found) > most else more
    return [*lines, look.paint(f"  and {left} more", "dim")] if left > 0 else lines


def _value(value: str | None, look: Look, style: str) -> str:
    return look.paint("nothing", "dim") if value is None else look.paint(one_line(value), style)
