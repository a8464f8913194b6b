"""``andon groups``: failed transactions with the same cause, together."""

from __future__ import annotations

from typing import Annotated

import typer

from commands import completing
from commands.acting_options import Filter
from commands.app import Noun
from commands.causes import causes
from commands.exits import Usage
from commands.group_view import COLUMNS, describe, describe_difference
from commands.output import Detail, Listing
from commands.paging import LARGEST_PAGE, chosen, tell_more
from commands.session import Session, session_of
from commands.stopped_view import changes_of
from platforms.hub import groups as calls
from transactions.errors import Invalid
from transactions.groups import Group

app = Noun(help="Failed transactions with the same cause, together: how many, since when, what helps.")

Fingerprint = Annotated[
    str,
    typer.Argument(
        metavar="FINGERPRINT",
        help="Of a group; its beginning does.",
        autocompletion=completing.groups,
        show_default=False,
    ),
]


@app.verb("list")
def list_(
    ctx: typer.Context,
    filter: Filter = None,
    sort: Annotated[
        str | None,
        typer.Option(
            "--sort", metavar="FIELD", autocompletion=completing.group_sorts, help="-count: the largest first."
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, max=LARGEST_PAGE, help="Length of the page.")
    ] = None,
    cursor: Annotated[str | None, typer.Option("--cursor", metavar="C", help="next_cursor of the page before.")] = None,
    all: Annotated[bool, typer.Option("--all", help="Every page.")] = False,
) -> None:
    """Groups of what is failed now, the largest first; a filter with a status: of what is in that status."""
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
            of=Group,
            items=page.items,
            columns=COLUMNS,
            empty="No group matches." if filter else "Nothing is failed.",
            identify=lambda each: each.fingerprint,
            next_cursor=page.next_cursor,
        )
    )
    tell_more(session, page)


@app.verb()
def show(
    ctx: typer.Context,
    fingerprint: Fingerprint,
    compare: Annotated[
        str | None,
        typer.Option(
            "--compare",
            metavar="FINGERPRINT",
            autocompletion=completing.groups,
            help="Say why these two are not one group, instead.",
        ),
    ] = None,
) -> None:
    """What a group is, since when, where, what replays came to, what helps, and what to type next."""
    session = session_of(ctx)
    try:
        _show(session, fingerprint, compare)
    except Invalid as error:
        # The beginning of a fingerprint that is too short, or of several.
        raise Usage(error.detail) from error


def _show(session: Session, fingerprint: str, other: str | None) -> None:
    if other is not None:
        difference = session.send(calls.difference(fingerprint, other))
        session.show(
            Detail(
                value=difference,
                human=lambda look: describe_difference(difference, look),
                identify=lambda each: each.fingerprint,
            )
        )
        return
    group = session.send(calls.show(fingerprint))
    session.show(
        Detail(
            value=group,
            human=lambda look: describe(group, look, changes_of(session, group)),
            identify=lambda each: each.fingerprint,
        )
    )


app.verb()(causes)
