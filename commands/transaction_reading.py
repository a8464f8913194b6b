"""``andon transactions``, the verbs that look: list, show, payload, timeline, lineage, related, watch, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands import completing
from commands.acting_options import Filter, Reason
from commands.app import Noun
from commands.exits import Usage
from commands.output import Detail, Listing, put
from commands.paging import LARGEST_PAGE, chosen, tell_more
from commands.session import Session, session_of
from commands.stopped_view import stopped_lines
from commands.transaction_view import COLUMNS, TIMELINE, describe, describe_entry, describe_payload, refuse_to_steer
from platforms.hub import transactions as calls
from transactions.errors import Invalid
from transactions.export_form import ExportForm
from transactions.history import TimelineEntry
from transactions.model import Status, Transaction

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
        Detail(
            value=transaction,
            human=lambda look: describe(transaction, look, stopped_lines(session, transaction)),
            identify=lambda each: each.id,
        )
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
def lineage(ctx: typer.Context, id: Id) -> None:
    """The process of a transaction as a tree: causes, times, what each waits for."""
    from commands.lineage_view import show_lineage

    show_lineage(session_of(ctx), id)


@app.verb()
def related(
    ctx: typer.Context,
    id: Id,
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="KEY",
            help="Those that share this key, like order, lot, shipment, material.",
            autocompletion=completing.keys,
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, max=LARGEST_PAGE, help="Length of the page of --by.")
    ] = None,
    cursor: Annotated[str | None, typer.Option("--cursor", metavar="C", help="next_cursor of the page before.")] = None,
) -> None:
    """What shares an order, a lot or another business key, newest first."""
    from commands.lineage_view import show_related

    if by is None and (limit is not None or cursor is not None):
        raise Usage("--limit and --cursor are of one list. Nothing was asked. Say which with --by KEY.")
    session = session_of(ctx)
    try:
        show_related(session, id, by, limit, cursor)
    except Invalid as error:
        # A key that it does not have is a mistake of the line.
        raise Usage(error.detail) from error


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
