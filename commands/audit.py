"""``andon audit``: who did what, when and why."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.app import Noun
from commands.output import Column, Listing
from commands.paging import LARGEST_PAGE, chosen, tell_more
from commands.session import session_of
from platforms.hub import server
from transactions.history import AuditEntry

app = Noun(help="Who did what, when and why.")

COLUMNS: tuple[Column, ...] = (
    Column("seq", lambda e, _: str(e.seq), right=True),
    Column("at", lambda e, _: f"{e.at:%Y-%m-%d %H:%M:%S}"),
    Column("actor", lambda e, _: e.actor, give=1),
    Column("action", lambda e, _: e.action),
    Column("subject", lambda e, _: e.subject, give=4, least=13, middle=True),
    Column("reason", lambda e, _: e.reason or "", give=3),
)


@app.verb("list")
def list_(
    ctx: typer.Context,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, max=LARGEST_PAGE, help="Length of the page.")
    ] = None,
    cursor: Annotated[str | None, typer.Option("--cursor", metavar="C", help="next_cursor of the page before.")] = None,
    all: Annotated[bool, typer.Option("--all", help="Every page.")] = False,
) -> None:
    """Entries of the audit chain, newest first."""
    session = session_of(ctx)
    page = chosen(session, server.audit, limit=limit, cursor=cursor, all=all)
    session.show(
        Listing(
            of=AuditEntry,
            items=page.items,
            columns=COLUMNS,
            empty="Nothing was done yet.",
            identify=lambda each: str(each.seq),
            next_cursor=page.next_cursor,
        )
    )
    tell_more(session, page)
