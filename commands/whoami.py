"""``andon whoami``: who the token belongs to."""

from __future__ import annotations

import typer

from commands.app import Word
from commands.output import Detail
from commands.session import session_of
from commands.terminal import Look, plain
from platforms.hub import server
from transactions.landscape import WhoAmI

app = Word()


@app.verb()
def whoami(ctx: typer.Context) -> None:
    """Who the token belongs to, and what it allows."""
    session = session_of(ctx)
    who = session.send(server.whoami())
    session.show(
        Detail(
            value=who,
            human=lambda look: describe(who, session.resolved.name, session.resolved.token_from, look),
            identify=lambda each: each.subject,
        )
    )


def describe(who: WhoAmI, context: str, token_from: str, look: Look) -> str:
    """In words."""
    until = "does not expire" if who.expires_at is None else f"expires {who.expires_at:%Y-%m-%d %H:%M} UTC"
    return "\n".join(
        [
            f"{look.paint(plain(who.subject), 'bold')} ({plain(who.kind)}) on {plain(context)}",
            f"  roles        {plain(', '.join(who.roles)) or 'none'}",
            f"  permissions  {plain(', '.join(who.permissions)) or 'none'}",
            f"  token        from {plain(token_from)}; {until}",
        ]
    )
