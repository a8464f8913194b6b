"""Causes as people read them."""

from __future__ import annotations

from commands.output import Column
from commands.terminal import Look, one_line, plain
from transactions.causes.model import MORE, Cause, Doing, Step
from transactions.causes.places import listed
from transactions.model import Help

_STYLES = {Help.NEVER: "dim", Help.CARE: "yellow"}

COLUMNS: tuple[Column, ...] = (
    Column("cause", lambda c, _: c.title, style=lambda c: _STYLES.get(c.help, "red"), give=2, least=24),
    Column("blocks", lambda c, _: str(c.blocks.transactions), right=True),
    Column("overdue", lambda c, _: str(c.blocks.overdue or ""), style=lambda _: "red", right=True),
    Column("age", lambda c, look: look.age(c.since), right=True),
    Column("helps", lambda c, _: c.help),
    Column("who can help", lambda c, _: c.owner or "", give=3, least=10),
    Column("id", lambda c, _: c.id, give=4, least=10, middle=True),
)

ORDER: tuple[Column, ...] = (
    Column("when", lambda s, _: s.phase.title, give=3, least=10),
    Column("do", lambda s, _: s.do),
    Column("what", lambda s, _: s.text, give=1, least=30),
    Column("who", lambda s, _: s.who or "", give=4, least=8),
    Column("command", lambda s, _: s.command or "", give=2, least=20),
)


def describe(cause: Cause, rank: int, look: Look) -> str:
    """The cause, what it blocks, why it is taken for the cause, what to do first, and what not to do."""
    blocks = cause.blocks
    risk = f", {blocks.risk}" if blocks.risk is not None else ""
    late = f", {blocks.overdue} of them overdue" if blocks.overdue else ""
    about = [
        f"{many} {name}{'s' * (many != 1)}" for name, many in (("order", blocks.orders), ("lot", blocks.lots)) if many
    ]
    told = [
        ("blocks", f"{blocks.transactions} transactions{late}{risk}" + (f"; {', '.join(about)}" if about else "")),
        ("where", ", ".join([*cause.targets, *cause.plants])),
        ("flows", ", ".join(cause.flows)),
        ("from", ", ".join(cause.sources)),
        ("since", f"{look.age(cause.since)} ago" if cause.since is not None else ""),
        ("helps", f"{cause.help}" + (f": {cause.owner}" if cause.owner else "")),
        *((name, listed(values)) for name, values in cause.objects.items() if name in ("material", "lot")),
        ("groups", " ".join(cause.groups)),
        ("id", cause.id),
    ]
    lines = [look.paint(f"{rank}  {plain(cause.title)}", "bold"), ""]
    lines += [f"  {label:<9}{one_line(text)}" for label, text in told if text]
    lines += ["", look.paint("why", "bold"), *(f"  {one_line(text)}" for text in cause.evidence)]
    lines += ["", look.paint(f"first (place {cause.order} among all causes)", "bold")]
    for number, step in enumerate(cause.first, 1):
        lines += _step(number, step, look)
    lines += [
        "",
        look.paint("never", "bold"),
        *(f"  {look.paint('▲', 'yellow')} {one_line(text)}" for text in cause.care),
    ]
    return "\n".join(lines) + "\n"


def _step(number: int, step: Step, look: Look) -> list[str]:
    who = f" ({step.who})" if step.do is Doing.MEND and step.who else ""
    lines = [f"  {number}. {one_line(step.text)}{who}"]
    if step.command is not None:
        lines.append(f"     {look.paint(one_line(step.command), 'dim')}")
        if MORE in step.command.split():
            where = f"'andon groups causes {step.cause} -o json' has the ids"
            told = f"{MORE} stands for the rest of the {len(step.ids)}: {where}"
            lines.append(f"     {look.paint(one_line(told), 'dim')}")
    return lines
