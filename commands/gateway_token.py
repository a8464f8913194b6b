"""``andon gateway token``: a token of a consumer's, to try the gateway with."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.output import Detail
from commands.session import session_of
from commands.terminal import plain


def token(
    ctx: typer.Context,
    consumer: Annotated[
        str, typer.Argument(metavar="CONSUMER", help="As 'andon gateway consumers' names it.", show_default=False)
    ],
    expires: Annotated[
        str | None,
        typer.Option("--expires", metavar="TIME", help="Its life, like 10m; 5m unless told, 1h at most."),
    ] = None,
) -> None:
    """Print a token that a consumer would call the gateway with, to try what it lets through. Who asked is on record;
    the token is for consumers that are known by the hub itself (an issuer with the url hub:)."""
    session = session_of(ctx)
    from platforms.hub import gateway

    given = session.send(gateway.consumer_token(consumer, expires))
    session.show(Detail(value=given, human=lambda _: plain(given.token), identify=lambda each: each.id))
    scopes = ", ".join(given.scopes) or "nothing that wants a scope"
    session.note(
        f"A token of {given.consumer}'s until {given.expires_at:%H:%M:%S} UTC, for {given.audience}. "
        f"It allows: {scopes}."
    )
    for note in given.notes:
        session.note(note)
