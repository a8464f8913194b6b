"""``andon transactions``: the verbs that act, beside those that look (``commands.transaction_reading``)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.acting import Acting, act
from commands.acting_options import (
    As,
    BreakGlass,
    Canary,
    Concurrency,
    Day,
    DocumentFile,
    DraftOnly,
    Drafts,
    DryRun,
    Evidence,
    Filter,
    ForceMaybePosted,
    ForceSchema,
    ForceSuperseded,
    Ids,
    Patch,
    PlanFrom,
    PlanOut,
    Process,
    Rate,
    Reason,
    Sets,
    StopAfter,
    Wait,
    Yes,
)
from commands.exits import Usage
from commands.session import session_of
from commands.transaction_reading import app
from transactions.plans import Action


@app.verb()
def plan(
    ctx: typer.Context,
    ids: Ids = None,
    action: Annotated[
        Action, typer.Option("--action", metavar="ACTION", help="replay, discard or restore.")
    ] = Action.REPLAY,
    show: Annotated[str | None, typer.Option("--show", metavar="HASH", help="Print a plan that is stored.")] = None,
    filter: Filter = None,
    reason: Reason = None,
    plan_out: PlanOut = None,
    rate: Rate = None,
    concurrency: Concurrency = None,
    canary: Canary = None,
    stop_after_failures: StopAfter = None,
    force_superseded: ForceSuperseded = False,
    force_maybe_posted: ForceMaybePosted = False,
    resolve_as: As = None,
    evidence: Evidence = None,
    process: Process = False,
    date: Day = None,
    force_schema: ForceSchema = False,
    break_glass: BreakGlass = False,
) -> None:
    """Store a plan, print it item by item, and run nothing."""
    session = session_of(ctx)
    if show is not None:
        if ids or filter is not None:
            raise Usage("--show prints a stored plan and takes no ids and no filter. Nothing was done. Leave one out.")
        from commands.plan_view import show_plan
        from platforms.hub import plans

        show_plan(session, session.send(plans.show(show)))
        return
    asked = Acting(
        action=action,
        ids=ids,
        filter=filter,
        reason=reason,
        break_glass=break_glass,
        dry_run=True,
        plan_out=plan_out,
        rate=rate,
        concurrency=concurrency,
        canary=canary,
        stop_after_failures=stop_after_failures,
        force_superseded=force_superseded,
        force_maybe_posted=force_maybe_posted,
        resolve_as=resolve_as,
        evidence=evidence,
        process=process,
        date=date,
        force_schema=force_schema,
    )
    raise typer.Exit(act(session, asked))


@app.verb()
def replay(
    ctx: typer.Context,
    ids: Ids = None,
    filter: Filter = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    plan_out: PlanOut = None,
    plan: PlanFrom = None,
    yes: Yes = False,
    break_glass: BreakGlass = False,
    rate: Rate = None,
    concurrency: Concurrency = None,
    canary: Canary = None,
    stop_after_failures: StopAfter = None,
    force_superseded: ForceSuperseded = False,
    force_maybe_posted: ForceMaybePosted = False,
    force_schema: ForceSchema = False,
    wait: Wait = True,
) -> None:
    """Deliver transactions again, each under the key it had."""
    asked = Acting(
        action=Action.REPLAY,
        ids=ids,
        filter=filter,
        reason=reason,
        break_glass=break_glass,
        dry_run=dry_run,
        plan_out=plan_out,
        plan=plan,
        yes=yes,
        rate=rate,
        concurrency=concurrency,
        canary=canary,
        stop_after_failures=stop_after_failures,
        force_superseded=force_superseded,
        force_maybe_posted=force_maybe_posted,
        force_schema=force_schema,
        wait=wait,
    )
    raise typer.Exit(act(session_of(ctx), asked))


@app.verb()
def edit(
    ctx: typer.Context,
    ids: Ids = None,
    sets: Sets = None,
    patch: Patch = None,
    file: DocumentFile = None,
    drafts: Drafts = False,
    draft: DraftOnly = False,
    filter: Filter = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    plan_out: PlanOut = None,
    plan: PlanFrom = None,
    yes: Yes = False,
    break_glass: BreakGlass = False,
    rate: Rate = None,
    concurrency: Concurrency = None,
    canary: Canary = None,
    stop_after_failures: StopAfter = None,
    force_superseded: ForceSuperseded = False,
    force_maybe_posted: ForceMaybePosted = False,
    force_schema: ForceSchema = False,
    wait: Wait = True,
) -> None:
    """Send failed transactions with another document, under the keys they had. Without --set, --patch and --file:
    $EDITOR."""
    from commands.editing import Editing
    from commands.editing import edit as edit_them

    asked = Acting(
        action=Action.EDIT,
        ids=ids,
        filter=filter,
        reason=reason,
        break_glass=break_glass,
        dry_run=dry_run,
        plan_out=plan_out,
        plan=plan,
        yes=yes,
        rate=rate,
        concurrency=concurrency,
        canary=canary,
        stop_after_failures=stop_after_failures,
        force_superseded=force_superseded,
        force_maybe_posted=force_maybe_posted,
        force_schema=force_schema,
        wait=wait,
    )
    how = Editing(sets=sets, patch=patch, file=file, drafts=drafts, draft_only=draft)
    raise typer.Exit(edit_them(session_of(ctx), asked, how))


@app.verb()
def resolve(
    ctx: typer.Context,
    ids: Ids = None,
    resolve_as: As = None,
    evidence: Evidence = None,
    filter: Filter = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    plan_out: PlanOut = None,
    plan: PlanFrom = None,
    yes: Yes = False,
    break_glass: BreakGlass = False,
    wait: Wait = True,
) -> None:
    """Close unclear transactions by evidence; what the target says counts."""
    if plan is None and (resolve_as is None or not (evidence or "").strip()):
        raise Usage(
            "resolve wants --as applied or --as not-applied, and --evidence: what shows that it is so. Nothing was "
            'done. Write --as applied --evidence "document 4900012345".'
        )
    asked = Acting(
        action=Action.RESOLVE,
        ids=ids,
        resolve_as=resolve_as,
        evidence=evidence,
        filter=filter,
        reason=reason,
        dry_run=dry_run,
        plan_out=plan_out,
        plan=plan,
        yes=yes,
        break_glass=break_glass,
        wait=wait,
    )
    raise typer.Exit(act(session_of(ctx), asked))


@app.verb()
def compensate(
    ctx: typer.Context,
    ids: Ids = None,
    process: Process = False,
    date: Day = None,
    filter: Filter = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    plan_out: PlanOut = None,
    plan: PlanFrom = None,
    yes: Yes = False,
    break_glass: BreakGlass = False,
    rate: Rate = None,
    stop_after_failures: StopAfter = None,
    wait: Wait = True,
) -> None:
    """Undo what transactions posted, by reversals in the targets, newest first."""
    asked = Acting(
        action=Action.COMPENSATE,
        ids=ids,
        process=process,
        date=date,
        filter=filter,
        reason=reason,
        dry_run=dry_run,
        plan_out=plan_out,
        plan=plan,
        yes=yes,
        break_glass=break_glass,
        rate=rate,
        stop_after_failures=stop_after_failures,
        wait=wait,
    )
    raise typer.Exit(act(session_of(ctx), asked))


@app.verb()
def correct(
    ctx: typer.Context,
    ids: Ids = None,
    sets: Sets = None,
    patch: Patch = None,
    file: DocumentFile = None,
    drafts: Drafts = False,
    draft: DraftOnly = False,
    date: Day = None,
    filter: Filter = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    plan_out: PlanOut = None,
    plan: PlanFrom = None,
    yes: Yes = False,
    break_glass: BreakGlass = False,
    rate: Rate = None,
    stop_after_failures: StopAfter = None,
    force_schema: ForceSchema = False,
    wait: Wait = True,
) -> None:
    """Reverse what was posted, and post the right thing under a key of its own. Without --set, --patch and --file:
    $EDITOR."""
    from commands.editing import Editing
    from commands.editing import edit as edit_them

    asked = Acting(
        action=Action.CORRECT,
        ids=ids,
        date=date,
        filter=filter,
        reason=reason,
        dry_run=dry_run,
        plan_out=plan_out,
        plan=plan,
        yes=yes,
        break_glass=break_glass,
        rate=rate,
        stop_after_failures=stop_after_failures,
        force_schema=force_schema,
        wait=wait,
    )
    how = Editing(sets=sets, patch=patch, file=file, drafts=drafts, draft_only=draft)
    raise typer.Exit(edit_them(session_of(ctx), asked, how))


@app.verb()
def discard(
    ctx: typer.Context,
    ids: Ids = None,
    filter: Filter = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    plan_out: PlanOut = None,
    plan: PlanFrom = None,
    yes: Yes = False,
    break_glass: BreakGlass = False,
    wait: Wait = True,
) -> None:
    """Close transactions unprocessed, with a reason. They can be restored."""
    _close_or_reopen(ctx, Action.DISCARD, ids, filter, reason, dry_run, plan_out, plan, yes, break_glass, wait)


@app.verb()
def restore(
    ctx: typer.Context,
    ids: Ids = None,
    filter: Filter = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    plan_out: PlanOut = None,
    plan: PlanFrom = None,
    yes: Yes = False,
    break_glass: BreakGlass = False,
    wait: Wait = True,
) -> None:
    """Bring discarded transactions back. Nothing is sent until a replay does."""
    _close_or_reopen(ctx, Action.RESTORE, ids, filter, reason, dry_run, plan_out, plan, yes, break_glass, wait)


@app.verb()
def assign(
    ctx: typer.Context,
    ids: Ids = None,
    filter: Filter = None,
    to: Annotated[str | None, typer.Option("--to", metavar="NAME|me|none", help="Who works on it.")] = None,
    ticket: Annotated[str | None, typer.Option("--ticket", metavar="T|none", help="Id of its ticket.")] = None,
    waiting_on: Annotated[
        str | None, typer.Option("--waiting-on", metavar="TEXT|none", help="What people wait for.")
    ] = None,
) -> None:
    """Say who works on transactions, under which ticket, and what they wait for. Nothing is sent."""
    from commands import owning

    raise typer.Exit(owning.assign(session_of(ctx), ids, filter, owning.request_of(to, ticket, waiting_on)))


@app.verb()
def note(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]... TEXT", help="Ids, and the note.", show_default=False)
    ] = None,
    filter: Filter = None,
) -> None:
    """Add a note to transactions; it stays in their timeline, with your name."""
    from commands import owning

    raise typer.Exit(owning.note(session_of(ctx), words or [], filter))


def _close_or_reopen(
    ctx: typer.Context,
    action: Action,
    ids: list[str] | None,
    filter: str | None,
    reason: str | None,
    dry_run: bool,
    plan_out: Path | None,
    plan: str | None,
    yes: bool,
    break_glass: bool,
    wait: bool,
) -> None:
    asked = Acting(
        action=action,
        ids=ids,
        filter=filter,
        reason=reason,
        break_glass=break_glass,
        dry_run=dry_run,
        plan_out=plan_out,
        plan=plan,
        yes=yes,
        wait=wait,
    )
    raise typer.Exit(act(session_of(ctx), asked))
