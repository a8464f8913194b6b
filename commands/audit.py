"""``andon audit``: who did what, when and why; exports, and whether they are whole."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from commands.app import Noun
from commands.exits import Exit, misread
from commands.output import Column, Detail, Listing
from commands.paging import LARGEST_PAGE, chosen, tell_more
from commands.session import Session, session_of
from platforms.hub import audit
from transactions.history import AuditEntry
from transactions.moments import parse_moment

app = Noun(help="Who did what, when and why.")

COLUMNS: tuple[Column, ...] = (
    Column("seq", lambda e, _: str(e.seq), right=True),
    Column("at", lambda e, _: f"{e.at:%Y-%m-%d %H:%M:%S}"),
    Column("actor", lambda e, _: e.actor, give=1),
    Column("action", lambda e, _: e.action),
    Column("subject", lambda e, _: e.subject, give=4, least=13, middle=True),
    Column("reason", lambda e, _: e.reason or "", give=3),
)

Text = str | None


@app.verb("list")
def list_(
    ctx: typer.Context,
    actor: Annotated[
        Text, typer.Option("--actor", metavar="NAME", help="Who did it; a * at the end stands for anything.")
    ] = None,
    action: Annotated[
        Text, typer.Option("--action", metavar="ACTION", help="What was done, like batch.replay or batch.*")
    ] = None,
    subject: Annotated[
        Text, typer.Option("--subject", metavar="ID", help="What it was done to; a * at the end stands for anything.")
    ] = None,
    since: Annotated[
        Text, typer.Option("--since", metavar="WHEN", help="From then on: a date or time in UTC, or 2h for hours ago.")
    ] = None,
    until: Annotated[Text, typer.Option("--until", metavar="WHEN", help="Before then, written alike.")] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, max=LARGEST_PAGE, help="Length of the page.")
    ] = None,
    cursor: Annotated[str | None, typer.Option("--cursor", metavar="C", help="next_cursor of the page before.")] = None,
    all: Annotated[bool, typer.Option("--all", help="Every page.")] = False,
) -> None:
    """Entries of the audit chain, newest first."""
    session = session_of(ctx)
    began = _moment(session, "--since", since)
    ended = _moment(session, "--until", until)
    page = chosen(
        session,
        lambda count, at: audit.entries(
            count, at, actor=actor, action=action, subject=subject, since=began, until=ended
        ),
        limit=limit,
        cursor=cursor,
        all=all,
    )
    asked = any(value is not None for value in (actor, action, subject, since, until))
    session.show(
        Listing(
            of=AuditEntry,
            items=page.items,
            columns=COLUMNS,
            empty="Nothing that was done fits that." if asked else "Nothing was done yet.",
            identify=lambda each: str(each.seq),
            next_cursor=page.next_cursor,
        )
    )
    tell_more(session, page)


@app.verb()
def export(
    ctx: typer.Context,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write it there, whole or not at all; else to stdout.")
    ] = None,
    first: Annotated[int | None, typer.Option("--from", metavar="N", min=1, help="Begin with entry N.")] = None,
    last: Annotated[int | None, typer.Option("--to", metavar="N", min=1, help="End with entry N.")] = None,
) -> None:
    """Write entries as JSON lines whose end is signed. They are checked on the way; 'verify' checks them again."""
    from commands import audit_export, audit_keys, audit_view

    session = session_of(ctx)
    key = audit_keys.choose(session, None)
    done = audit_export.write(session, audit.export(first, last), key.key, out)
    if out is not None:
        session.show(
            Detail(
                value=done, human=lambda look: audit_view.describe_export(done, look), identify=lambda each: each.file
            )
        )
    audit_keys.offer_pin(session, key)


@app.verb()
def verify(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What 'andon audit export' wrote.", show_default=False)],
    key: Annotated[
        Path | None,
        typer.Option("--key", metavar="FILE", help="The key to hold it against; else the pinned one, else the hub's."),
    ] = None,
) -> None:
    """Check an export, offline where the key is pinned or given. Exits 1 and names the first broken entry."""
    from commands import audit_export, audit_keys, audit_view

    session = session_of(ctx)
    with audit_export.reading(file) as lines:
        chosen_key = audit_keys.choose(session, key)
        if chosen_key.source is audit_keys.Source.FETCHED:
            audit_keys.warn_of_first_use(session, chosen_key)
        found, end = audit_export.check(lines, chosen_key.key)
    session.show(
        Detail(
            value=found,
            human=lambda look: audit_view.describe(found, end, chosen_key, look),
            identify=lambda each: each.head or "none",
        )
    )
    if not found.ok:
        raise typer.Exit(Exit.FAILED)
    audit_keys.offer_pin(session, chosen_key)


@app.verb("key")
def key_(
    ctx: typer.Context,
    pin: Annotated[
        bool, typer.Option("--pin", help="Keep it in the context: from now on exports are held against it.")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="With --pin: also where another one is pinned.")] = False,
) -> None:
    """The key that signs exports, and whether it is the pinned one."""
    from commands import audit_keys, audit_view

    session = session_of(ctx)
    shown = audit_keys.look_up(session, pin=pin, replace=replace)
    session.show(
        Detail(
            value=shown,
            human=lambda look: audit_view.describe_key(shown, look),
            identify=lambda each: each.fingerprint,
        )
    )


def _moment(session: Session, option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_moment(text, session.clock.now())
    except ValueError as error:
        raise misread(option, error) from error
