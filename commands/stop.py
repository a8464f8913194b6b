"""``andon stop``: every running batch, at once."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.app import Word
from commands.exits import Usage
from commands.output import Detail
from commands.session import session_of
from commands.terminal import Look, plain
from platforms.errors import ReadOnly
from platforms.hub import batches as calls
from transactions.batches import Stopped

app = Word()


@app.verb()
def stop(
    ctx: typer.Context,
    reason: Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit.")] = None,
) -> None:
    """Stop every running batch at once. What has not left goes back to where it was; what has is followed to its end.

    It asks nothing: whoever pulls the cord is in a hurry.
    """
    session = session_of(ctx)
    if session.resolved.read_only:
        raise ReadOnly(
            "This session is read-only, and stop would change something. Nothing was stopped. "
            "Leave out --read-only, or set read_only = false in the context."
        )
    text = (reason or "").strip()
    if not text and reason is None and session.interactive:
        text = session.ask("Reason to stop everything:")
    if not text:
        raise Usage('stop wants a reason, and none was given. Nothing was stopped. Add --reason "TEXT".')
    stopped = session.send(calls.stop(text))
    session.show(
        Detail(value=stopped, human=lambda look: describe(stopped, look), identify=lambda each: "\n".join(each.batches))
    )


def describe(stopped: Stopped, look: Look) -> str:
    """What was stopped, one line each."""
    if not stopped.batches:
        return "Nothing was running: there was nothing to stop.\n"
    lines = [f"  {plain(batch)}" for batch in stopped.batches]
    count = len(stopped.batches)
    head = look.paint(f"■ stopped {count} batch{'' if count == 1 else 'es'}", "red")
    return "\n".join([head, *lines]) + "\n"
