"""``andon transactions``: see them, follow them, act on them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands import completing
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
from commands.app import Noun
from commands.exits import Usage
from commands.output import Detail, Listing, put
from commands.paging import LARGEST_PAGE, chosen, tell_more
from commands.session import Session, session_of
from commands.transaction_view import COLUMNS, TIMELINE, describe, describe_entry, describe_payload, refuse_to_steer
from platforms.hub import transactions as calls
from transactions.errors import Invalid
from transactions.export_form import ExportForm
from transactions.history import TimelineEntry
from transactions.model import Status, Transaction
from transactions.plans import Action

app = Noun(help="List, show, replay, discard and restore transactions.")

Id = Annotated[str, typer.Argument(metavar="ID", help="Id of a transaction.", show_default=False)]


@app.verb("list")
def list_(
    ctx: typer.Context,
    filter: Filter = None,
    sort: Annotated[
        str | None,
        typer.Option(
            "--sort", metavar="FIELD", autocompletion=completing.sorts, help="-failed_at: newest failure first."
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, max=LARGEST_PAGE, help="Length of the page.")
    ] = None,
    cursor: Annotated[str | None, typer.Option("--cursor", metavar="C", help="next_cursor of the page before.")] = None,
    all: Annotated[bool, typer.Option("--all", help="Every page.")] = False,
) -> None:
    """A page of transactions, newest first."""
    session = session_of(ctx)
    session.given_filter = filter
    try:
        page = chosen(
            session, lambda size, at: calls.list_page(filter, sort, size, at), limit=limit, cursor=cursor, all=all
        )
    except Invalid as error:
        # What is wrong with a question is wrong with the line: --sort, most of all.
        raise Usage(error.detail) from error
    session.show(
        Listing(
            of=Transaction,
            items=page.items,
            columns=COLUMNS,
            empty="No transactions match." if filter else "There are no transactions.",
            identify=lambda each: each.id,
            next_cursor=page.next_cursor,
        )
    )
    tell_more(session, page)


@app.verb()
def show(ctx: typer.Context, id: Id) -> None:
    """What happened to a transaction, what it means, what helps; then its fields."""
    session = session_of(ctx)
    transaction = session.send(calls.show(id))
    session.show(
        Detail(value=transaction, human=lambda look: describe(transaction, look), identify=lambda each: each.id)
    )


@app.verb()
def payload(
    ctx: typer.Context,
    id: Id,
    revision: Annotated[
        int | None, typer.Option("--revision", metavar="N", min=1, help="The newest, unless told.")
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="Byte for byte but for masks; not to a terminal it would steer.")
    ] = False,
    reveal: Annotated[bool, typer.Option("--reveal", help="Without masks. Wants a permission and --reason.")] = False,
    draft: Annotated[bool, typer.Option("--draft", help="The edited one that is stored and not in use.")] = False,
    diff: Annotated[
        tuple[str, str] | None,
        typer.Option("--diff", metavar="N M", help="Where two revisions differ; 'draft' names the one not in use."),
    ] = None,
    reason: Reason = None,
) -> None:
    """The document of a transaction; what its flow masks is shown to who reveals it."""
    why = _why_revealed(reveal, reason)
    session = session_of(ctx)
    if diff is not None or draft:
        if raw or reveal or revision is not None or (draft and diff is not None):
            raise Usage("--diff and --draft stand alone. Nothing was asked. Leave out the others.")
        _payload_as_edited(session, id, diff)
        return
    if raw:
        content = session.send(
            calls.payload_bytes(id, revision) if why is None else calls.reveal_bytes(id, revision, why)
        )
        if session.stdout.isatty():
            refuse_to_steer(content)
        put(session.stdout, content)
        return
    shown = session.send(calls.payload(id, revision) if why is None else calls.reveal(id, revision, why))
    session.show(Detail(value=shown, human=lambda look: describe_payload(shown, look), identify=lambda each: each.id))


def _payload_as_edited(session: Session, id: str, diff: tuple[str, str] | None) -> None:
    from commands.edit_view import show_difference
    from platforms.hub import edits
    from transactions.edits import DRAFT

    if diff is not None:
        show_difference(session, session.send(edits.difference(id, *diff)))
        return
    shown = session.send(calls.payload(id, DRAFT))
    session.show(Detail(value=shown, human=lambda look: describe_payload(shown, look), identify=lambda each: each.id))


def _why_revealed(reveal: bool, reason: str | None) -> str | None:
    """The reason to reveal; None where nothing is revealed.

    Raises:
        Usage: one without the other.
    """
    if reveal and not (reason or "").strip():
        raise Usage(
            "--reveal shows what is masked, and wants a --reason: the platform keeps it in its audit, with who asked. "
            "Nothing was revealed. Say why with --reason TEXT."
        )
    if reason is not None and not reveal:
        raise Usage(
            "--reason says why masked fields are revealed, and nothing was to be. Nothing was asked. Add --reveal, or "
            "leave --reason out."
        )
    return reason if reveal else None


@app.verb()
def timeline(ctx: typer.Context, id: Id) -> None:
    """Everything that happened to a transaction, oldest first."""
    session = session_of(ctx)
    page = session.send(calls.timeline(id))
    session.show(
        Listing(
            of=TimelineEntry,
            items=page.items,
            columns=TIMELINE,
            empty="Nothing has happened to it yet.",
            identify=describe_entry,
            next_cursor=page.next_cursor,
        )
    )


@app.verb()
def watch(
    ctx: typer.Context,
    flow: Annotated[
        str | None, typer.Option("--flow", metavar="FLOW", autocompletion=completing.flows, help="Only this flow.")
    ] = None,
    plant: Annotated[
        str | None, typer.Option("--plant", metavar="PLANT", autocompletion=completing.plants, help="Only there.")
    ] = None,
    status: Annotated[
        Status | None, typer.Option("--status", metavar="STATUS", help="Only changes to this status.")
    ] = None,
    count: Annotated[int | None, typer.Option("--count", metavar="N", min=1, help="End after so many changes.")] = None,
) -> None:
    """Changes of status as they happen; ends with ctrl+c."""
    from commands.watching import Wanted, watch_transactions

    watch_transactions(session_of(ctx), Wanted(flow=flow, plant=plant, status=status), count)


@app.verb()
def export(
    ctx: typer.Context,
    filter: Filter = None,
    format: Annotated[
        ExportForm | None,
        typer.Option("--format", metavar="csv|jsonl", help="As told, else by the ending of FILE, else jsonl."),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option("--columns", metavar="A,B", help="Only these, in this order, like id,order,failure.code."),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option("--sort", metavar="FIELD", autocompletion=completing.sorts, help="Oldest first, unless told."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write it there, whole or not at all; else to stdout.")
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="CSV for programs: also texts that a spreadsheet would run.")
    ] = False,
) -> None:
    """Write all that match, of one moment, to a file or stdout."""
    from commands.exporting import export_transactions

    export_transactions(session_of(ctx), filter, columns, sort, form=format, out=out, raw=raw)


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
