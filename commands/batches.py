"""``andon batches``: the durable runs of plans."""

from __future__ import annotations

from typing import Annotated

import typer

from commands import completing
from commands.acting import act_again
from commands.app import Noun
from commands.batch_view import COLUMNS, columns_of, describe_batch, describe_items
from commands.exits import Exit
from commands.following import follow
from commands.output import Detail, Listing
from commands.paging import LARGEST_PAGE, chosen, every, tell_more
from commands.session import Session, session_of
from commands.terminal import Look
from platforms.hub import batches as calls
from transactions.batches import Batch, BatchItem, BatchState
from transactions.plans import REVERSING

app = Noun(help="Follow, pause, resume and cancel the runs of plans; take again what failed.")

ITEMS_SHOWN = 20

Id = Annotated[
    str, typer.Argument(metavar="ID", help="Id of a batch.", autocompletion=completing.batches, show_default=False)
]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Store and print the plan, and run nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask. Needed where nobody can be asked.")]


@app.verb("list")
def list_(
    ctx: typer.Context,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, max=LARGEST_PAGE, help="Length of the page.")
    ] = None,
    cursor: Annotated[str | None, typer.Option("--cursor", metavar="C", help="next_cursor of the page before.")] = None,
    all: Annotated[bool, typer.Option("--all", help="Every page.")] = False,
) -> None:
    """Batches, newest first."""
    session = session_of(ctx)
    page = chosen(session, calls.list_page, limit=limit, cursor=cursor, all=all)
    session.show(
        Listing(
            of=Batch,
            items=page.items,
            columns=COLUMNS,
            empty="No plan was run yet.",
            identify=lambda each: each.id,
            next_cursor=page.next_cursor,
        )
    )
    tell_more(session, page)


@app.verb()
def show(
    ctx: typer.Context,
    id: Id,
    items: Annotated[bool, typer.Option("--items", help="Its items, instead of itself.")] = False,
) -> None:
    """One batch, or its items."""
    session = session_of(ctx)
    if not items:
        _show(session, session.send(calls.show(id)))
        return
    page = every(session, lambda cursor: calls.items(id, LARGEST_PAGE, cursor))
    session.show(
        Listing(
            of=BatchItem,
            items=page.items,
            columns=columns_of(page.items),
            empty="The batch has no items.",
            identify=lambda each: each.id,
        )
    )


@app.verb()
def cancel(ctx: typer.Context, id: Id) -> None:
    """Stop a batch for good.

    What was not sent goes back to where it was; what was sent stays sent.
    """
    session = session_of(ctx)
    _show(session, session.send(calls.cancel(id)))


@app.verb()
def pause(ctx: typer.Context, id: Id) -> None:
    """Take up nothing more until it is resumed.

    What is under way is followed to its end.
    """
    session = session_of(ctx)
    _show(session, session.send(calls.pause(id)))


@app.verb()
def resume(
    ctx: typer.Context,
    id: Id,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow the run to its end.")] = False,
) -> None:
    """Go on with a paused batch."""
    session = session_of(ctx)
    batch = session.send(calls.resume(id))
    _show(session, follow(session, batch) if wait else batch)


@app.verb("retry-failed")
def retry_failed(ctx: typer.Context, id: Id, reason: Reason = None, dry_run: DryRun = False, yes: Yes = False) -> None:
    """Make a new plan of what failed in a batch, and run it as any other."""
    session = session_of(ctx)
    raise typer.Exit(act_again(session, id, reason, dry_run=dry_run, yes=yes))


@app.verb()
def watch(ctx: typer.Context, id: Id) -> None:
    """Follow a batch to its end; exits 5 where some items were not processed."""
    session = session_of(ctx)
    batch = follow(session, session.send(calls.show(id)))
    _show(session, batch)
    if batch.state is not BatchState.DONE or any(n for name, n in batch.counts.items() if name != "processed"):
        raise typer.Exit(Exit.SOME)


def _show(session: Session, batch: Batch) -> None:
    def human(look: Look) -> str:
        told = describe_batch(batch, look)
        if batch.action not in REVERSING:
            return told
        # What reverses what, and what is posted instead, is what such a batch is about.
        items = session.send(calls.items(batch.id, ITEMS_SHOWN, None)).items
        return f"{told}\n\n{describe_items(batch, items, look)}"

    session.show(Detail(value=batch, human=human, identify=lambda each: each.id))
