"""``andon systems``: how they are doing; holds."""

from __future__ import annotations

from typing import Annotated

import typer

from commands import completing
from commands.acting import Acting, act
from commands.app import Noun
from commands.exits import Usage
from commands.output import Column, Listing
from commands.session import session_of
from commands.terminal import state
from platforms.hub import landscape
from transactions.landscape import Hold, System
from transactions.plans import Action

app = Noun(help="Systems and their health; place and release holds.")

COLUMNS: tuple[Column, ...] = (
    Column("name", lambda s, _: s.name),
    Column("plant", lambda s, _: s.plant or ""),
    Column("health", lambda s, _: state(s.health)[0], style=lambda s: state(s.health)[1]),
    Column("breaker", lambda s, _: s.breaker, style=lambda s: None if s.breaker == "closed" else "yellow"),
    Column("open", lambda s, _: str(s.open), right=True),
    Column("held", lambda s, _: str(s.held), right=True),
    Column("moving", lambda s, _: str(s.moving), right=True),
    Column("success", lambda s, look: look.age(s.last_success_at), right=True),
    Column("failure", lambda s, look: look.age(s.last_failure_at), right=True),
    Column("last failure", lambda s, _: s.last_failure or "", give=2),
)

HOLDS: tuple[Column, ...] = (
    Column("id", lambda h, _: h.id, give=4, least=13, middle=True),
    Column("target", lambda h, _: h.target or "any"),
    Column("plant", lambda h, _: h.plant or "any"),
    Column("flow", lambda h, _: h.flow or "any"),
    Column("held", lambda h, _: str(h.held), right=True),
    Column("age", lambda h, look: look.age(h.placed_at), right=True),
    Column("by", lambda h, _: h.placed_by, give=1),
    Column("reason", lambda h, _: h.reason, give=3),
)

Name = Annotated[
    str | None,
    typer.Argument(
        metavar="[TARGET]",
        help="The system to deliver nothing to.",
        autocompletion=completing.systems,
        show_default=False,
    ),
]
Target = Annotated[
    str | None,
    typer.Option("--target", metavar="TARGET", help="The same, as an option.", autocompletion=completing.systems),
]
PlantOption = Annotated[
    str | None, typer.Option("--plant", metavar="PLANT", help="Only of this plant.", autocompletion=completing.plants)
]
FlowOption = Annotated[
    str | None, typer.Option("--flow", metavar="FLOW", help="Only of this flow.", autocompletion=completing.flows)
]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Store and print the plan, and run nothing.")]
BreakGlass = Annotated[
    bool,
    typer.Option(
        "--break-glass",
        help="Without the second person it wants: a permission of that name; somebody else reviews it within a day.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask. Needed where nobody can be asked.")]


@app.verb("list")
def list_(
    ctx: typer.Context,
    holds: Annotated[bool, typer.Option("--holds", help="The holds that people have placed, instead.")] = False,
) -> None:
    """Every system, and every plant's own instance of one."""
    session = session_of(ctx)
    if holds:
        placed = session.send(landscape.holds())
        session.show(
            Listing(
                of=Hold,
                items=placed.items,
                columns=HOLDS,
                empty="Nothing is on hold.",
                identify=lambda each: each.id,
                next_cursor=placed.next_cursor,
            )
        )
        return
    page = session.send(landscape.systems())
    session.show(
        Listing(
            of=System,
            items=page.items,
            columns=COLUMNS,
            empty="The platform knows no systems.",
            identify=lambda each: each.name if each.plant is None else f"{each.name}@{each.plant}",
            next_cursor=page.next_cursor,
        )
    )


@app.verb()
def hold(
    ctx: typer.Context,
    name: Name = None,
    target: Target = None,
    plant: PlantOption = None,
    flow: FlowOption = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Hold deliveries back: to a target, of a plant, of a flow."""
    asked = Acting(
        action=Action.HOLD,
        reason=reason,
        dry_run=dry_run,
        yes=yes,
        target=_place(name, target, plant, flow),
        plant=plant,
        flow=flow,
    )
    raise typer.Exit(act(session_of(ctx), asked))


@app.verb()
def release(
    ctx: typer.Context,
    name: Name = None,
    target: Target = None,
    plant: PlantOption = None,
    flow: FlowOption = None,
    reason: Reason = None,
    drain_rate: Annotated[
        str | None, typer.Option("--drain-rate", metavar="N/s", help="Deliveries per second afterwards, at most.")
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    break_glass: BreakGlass = False,
) -> None:
    """Release a hold; what it held goes out in order."""
    asked = Acting(
        action=Action.RELEASE,
        reason=reason,
        dry_run=dry_run,
        yes=yes,
        break_glass=break_glass,
        target=_place(name, target, plant, flow),
        plant=plant,
        flow=flow,
        drain_rate=drain_rate,
    )
    raise typer.Exit(act(session_of(ctx), asked))


def _place(name: str | None, target: str | None, plant: str | None, flow: str | None) -> str | None:
    if name is not None and target is not None and name != target:
        raise Usage(f"{name} and --target {target} name two systems. Nothing was done. Leave one of them out.")
    if name is None and target is None and plant is None and flow is None:
        raise Usage(
            "No place was named. Nothing was done. Name a target, --plant or --flow, or several of them together."
        )
    return name or target
