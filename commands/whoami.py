"""``andon whoami``: who you are to the platform."""

from __future__ import annotations

import typer

from commands.app import Word
from commands.output import Detail
from commands.session import session_of
from commands.terminal import Look, plain
from platforms.contexts import Resolved
from platforms.hub import server
from transactions.durations import short
from transactions.landscape import WhoAmI

app = Word()


class Bearer(WhoAmI, frozen=True, kw_only=True):
    """Who the token belongs to, and where this machine has it from; never the token."""

    context: str
    url: str
    token_from: str


@app.verb()
def whoami(ctx: typer.Context) -> None:
    """Who you are to the platform: subject, roles, limits, expiry, and where the token came from."""
    session = session_of(ctx)
    bearer = bearer_of(session.send(server.whoami()), session.resolved)
    session.show(Detail(value=bearer, human=lambda look: describe(bearer, look), identify=lambda each: each.subject))


def bearer_of(who: WhoAmI, resolved: Resolved) -> Bearer:
    """What the platform says, with what this machine knows."""
    fields = {name: getattr(who, name) for name in WhoAmI.__struct_fields__}
    return Bearer(**fields, context=resolved.name, url=resolved.url, token_from=resolved.token_from)


def describe(who: Bearer, look: Look) -> str:
    """In words."""
    name = f" · {plain(who.name)}" if who.name else ""
    subject = look.paint(plain(who.subject), "bold")
    rows = [
        ("roles", ", ".join(who.roles) or "none"),
        ("may", ", ".join(who.permissions) or "nothing"),
        ("reach", who.limits.describe()),
        ("token", who.token_from),
        ("issuer", who.issuer or ""),
        ("until", until(who, look)),
    ]
    return "\n".join(
        [
            f"{subject}{name} ({plain(who.kind)}) on {plain(who.context)}, {plain(who.url)}",
            *(f"  {look.paint(f'{label:<8}', 'dim')}{plain(text)}" for label, text in rows if text),
        ]
    )


def until(who: WhoAmI, look: Look) -> str:
    """When the token ends."""
    if who.expires_at is None:
        return "it does not expire by itself"
    left = who.expires_at - look.now
    when = f"in {short(left)}" if left.total_seconds() > 0 else "over by this machine's clock"
    return f"{who.expires_at:%Y-%m-%d %H:%M} UTC, {when}"
