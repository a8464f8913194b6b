"""Watching transactions change, as the platform's event stream tells it."""

from __future__ import annotations

from difflib import get_close_matches

from msgspec import Struct

from commands.exits import Usage
from commands.output import Form, put
from commands.session import Session
from commands.terminal import Look, one_line, state
from platforms.events import Connection, ConnectionState
from platforms.hub import landscape
from transactions.history import StreamEvent
from transactions.steering import escaped_json


class Wanted(Struct, frozen=True, kw_only=True):
    """Which changes to tell; None means any."""

    flow: str | None = None
    plant: str | None = None
    status: str | None = None

    def matches(self, event: StreamEvent) -> bool:
        """Whether ``event`` is a change of a transaction that is wanted."""
        return event.type == "transaction" and all(
            value is None or event.data.get(name) == value
            for name, value in (("flow", self.flow), ("plant", self.plant), ("status", self.status))
        )


def watch_transactions(session: Session, wanted: Wanted, count: int | None) -> None:
    """Tell changes as they come: a line each, and one JSON object a line in every form for machines.

    Args:
        session: where to write.
        wanted: which changes.
        count: end after so many; None goes on until interrupted.
    """
    _check(session, wanted)
    told = 0
    form = session.form
    events = session.client.events()
    for event in events:
        if isinstance(event, Connection):
            _tell_connection(session, event)
        elif event.type == "reset":
            _tell_gap(session, event)
        elif wanted.matches(event):
            put(session.stdout, rendered(event, form, session.look()))
            told += 1
            if told == count:
                return


def _check(session: Session, wanted: Wanted) -> None:
    """Refuse names that nothing can have: watching for them would never tell anything, and not say why.

    Raises:
        Usage: the platform knows no such flow or plant.
    """
    if wanted.flow is not None:
        _known("flow", wanted.flow, [flow.name for flow in session.send(landscape.flows()).items])
    if wanted.plant is not None:
        _known("plant", wanted.plant, [plant.name for plant in session.send(landscape.plants()).items])


def _known(noun: str, name: str, names: list[str]) -> None:
    if name not in names:
        near = get_close_matches(name, names, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(sorted(names)) or 'none'}."
        raise Usage(f"There is no {noun} {name!r}. Nothing would ever be told. {hint}")


def rendered(event: StreamEvent, form: Form, look: Look) -> bytes:
    """An event as one line. A stream has no end, so JSON, YAML and CSV all mean JSONL here."""
    if form is Form.ID:
        return f"{one_line(event.id)}\n".encode()
    if form is not Form.TABLE:
        import msgspec

        return escaped_json(msgspec.json.encode(event)) + b"\n"
    data = {name: one_line(str(value)) if value is not None else "" for name, value in event.data.items()}
    word, style = state(data.get("status", ""))
    before = data.get("before", "")
    cells = [
        f"{event.at:%H:%M:%S}",
        f"{one_line(event.id):<28}",
        f"{data.get('flow', ''):<26}",
        f"{data.get('plant', ''):<5}",
        f"{data.get('target', ''):<8}",
        f"{before:>16} → {look.paint(word, style)}",
    ]
    return ("  ".join(cells) + "\n").encode()


def _tell_gap(session: Session, event: StreamEvent) -> None:
    """Some changes will never be told: whoever keeps a list by them has to look anew."""
    if session.form not in (Form.TABLE, Form.ID):
        put(session.stdout, rendered(event, session.form, session.look()))
    session.note(
        f"▲ the platform no longer has the changes before {event.seq}, or is another one now. What happened meanwhile "
        "is not told: look with 'andon tx list'"
    )


def _tell_connection(session: Session, event: Connection) -> None:
    if event.state is ConnectionState.LIVE:
        session.note("● live")
    else:
        # The first sentence says what happened; what to do about it is being done.
        because, _, _ = (event.because or "").partition(". ")
        session.note(f"▲ lost: {because.rstrip('.')}. Trying again in {event.retry_in or 0:.1f} s")
