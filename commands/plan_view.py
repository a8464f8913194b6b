"""A plan as people read it: what will happen, and what stands against it."""

from __future__ import annotations

from collections import Counter

from commands.edit_view import describe_edits
from commands.output import Column, Detail, Listing
from commands.output.table_form import render
from commands.policy_change_view import describe_changes, in_numbers
from commands.session import Session
from commands.terminal import Look, plain, spoken, state
from transactions.plans import Action, Decision, Plan, PlanItem, PolicyChanges, Touched, Verdict

SHOWN_ITEMS = 30
NOTHING_IS_SENT = frozenset({Action.DISCARD, Action.RESTORE, Action.RESOLVE, Action.REOPEN})


def columns(action: Action) -> tuple[Column, ...]:
    """The columns of a plan's items."""
    return (
        Column("id", lambda i, _: i.id, give=4, least=13, middle=True),
        Column("verdict", lambda i, _: state(in_words(action, i.verdict))[0], style=lambda i: state(i.verdict)[1]),
        Column("status", lambda i, _: i.status),
        Column("flow", lambda i, _: i.flow, give=1),
        Column("plant", lambda i, _: i.plant or ""),
        Column("target", lambda i, _: i.target),
        Column("risk", lambda i, _: i.risk),
        Column("because", lambda i, _: i.because or "", give=3),
    )


def in_words(action: Action, verdict: str) -> str:
    """A verdict for people: nothing is sent by a plan that discards, so what it may do has the action's name."""
    return str(action) if verdict == Verdict.SEND and action in NOTHING_IS_SENT else str(verdict)


def show_plan(session: Session, plan: Plan) -> None:
    """Print a plan."""
    session.show(Detail(value=plan, human=lambda look: describe_plan(plan, look), identify=lambda each: each.hash))


def describe_plan(plan: Plan, look: Look) -> str:
    """Head, blast radius, then the items (those with something against them first); of policies what they change."""
    short = f"{plan.hash[:12]}…"
    count = "" if plan.action in (Action.HOLD, Action.RELEASE) else f" {plan.count if plan.policy else len(plan.items)}"
    made = f"made {spoken(look.now - plan.created_at)} by {plain(plan.requested_by)}"
    lines = [
        f"{look.paint(f'{plan.action}{count}', 'bold')}   plan {short}   {plan.state}   {made}",
        f"  reason    {plain(plan.reason)}",
    ]
    if plan.policy is not None:
        lines += [f"  {label:<10}{plain(text)}" for label, text in _of_policies(plan.policy)]
    elif plan.items:
        lines += [f"  {label:<10}{plain(text)}" for label, text in radius(plan) if text]
    elif plan.action in (Action.HOLD, Action.RELEASE):
        options = plan.options
        lines.append(f"  place     {place(options.target, options.plant, options.flow)}")
    else:
        lines.append("  nothing matches: there is nothing to do")
    lines += [f"  {label:<10}{plain(text)}" for label, text in eyes(plan, look)]
    lines.append(f"  hash      {plan.hash}")
    text = "\n".join(lines) + "\n"
    if plan.policy is not None:
        return f"{text}\n{describe_changes(plan.policy, look)}"
    if plan.items:
        told = sorted(plan.items, key=lambda item: item.verdict is Verdict.SEND)[:SHOWN_ITEMS]
        listing = Listing(
            of=PlanItem, items=told, columns=columns(plan.action), empty="", identify=lambda item: item.id
        )
        text += "\n" + render(listing, look)
        if len(plan.items) > len(told):
            text += look.paint(f"and {len(plan.items) - len(told)} more; -o jsonl prints all\n", "dim")
    return text + describe_edits(plan, look)


def _of_policies(policy: PolicyChanges) -> list[tuple[str, str]]:
    return [
        ("gateway", f"{policy.gateway}, as it was at revision {policy.revision}"),
        ("policies", f"{policy.policy_set}, plan {policy.plan[:12]}…"),
        ("changes", in_numbers(policy)),
    ]


def eyes(plan: Plan, look: Look) -> list[tuple[str, str]]:
    """Whether one person is enough, and what the second said, as label and text."""
    if not plan.second_person:
        return []
    lines = [("second", f"◆ wanted: {' '.join(plan.second_person)}")]
    if plan.options.break_glass:
        lines.append(("", "▲ runs without one (break glass); somebody else reviews it within 24 hours"))
    found = plan.approval
    if found is not None:
        asked = f"{found.asked_by} asked {spoken(look.now - found.asked_at)}"
        if found.decided_by is None:
            lines.append(("", f"{asked}; nobody has decided"))
        else:
            word = "approved" if found.decision is Decision.APPROVE else "rejected"
            lines.append(("", f"{asked}; {word} by {found.decided_by}: {found.reason}"))
    return lines


def radius(plan: Plan) -> list[tuple[str, str]]:
    """What a plan touches, as label and text."""

    def counted(values: list[str]) -> str:
        return ", ".join(f"{name} {count}" for name, count in Counter(values).most_common(8))

    return [
        (
            "verdicts",
            ", ".join(f"{in_words(plan.action, name)} {count}" for name, count in plan.verdicts.items() if count),
        ),
        ("plants", counted([item.plant for item in plan.items if item.plant])),
        ("targets", counted([item.target for item in plan.items])),
        ("flows", counted([item.flow for item in plan.items])),
        ("risks", counted([item.risk for item in plan.items])),
        *around(plan),
    ]


def around(plan: Plan) -> list[tuple[str, str]]:
    """Orders and lots that a plan is about, and what waits behind it, as label and text."""
    if plan.radius is None:
        return []

    def named(touched: Touched) -> str:
        shown = ", ".join(touched.some[:8])
        more = touched.count - min(8, len(touched.some))
        return f"{shown} and {more} more" if more > 0 else shown

    behind = plan.radius.behind.count
    return [
        ("orders", named(plan.radius.orders)),
        ("lots", named(plan.radius.lots)),
        ("behind", f"{behind} wait{'s' if behind == 1 else ''} for these" if behind else ""),
    ]


def place(target: str | None, plant: str | None, flow: str | None) -> str:
    """Where a hold is, in words."""
    parts = [("target", target), ("plant", plant), ("flow", flow)]
    return ", ".join(f"{label} {value}" for label, value in parts if value) or "everything"
