"""Following a batch to its end."""

from __future__ import annotations

from commands.progress import Progress
from commands.session import Session
from platforms.errors import UnexpectedAnswer
from platforms.hub import batches
from transactions.batches import Batch, BatchState
from transactions.errors import Unavailable, Unreachable

FINAL = frozenset({BatchState.STOPPED, BatchState.CANCELLED, BatchState.DONE})
RESTING = FINAL | {BatchState.PAUSED}
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 1.0
PATIENCE_SECONDS = 60.0
"""A hub that restarts goes on with its batches; so long is it waited for."""


def follow(session: Session, batch: Batch) -> Batch:
    """Ask for a batch until it rests; progress on stderr where that is a terminal.

    The batch does not depend on anybody following it: an interruption here changes nothing there.

    Raises:
        Unreachable: the platform has been away for longer than a restart takes.
    """
    pause, away = FIRST_PAUSE, 0.0
    progress = Progress(session)
    try:
        while batch.state not in RESTING:
            session.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 1.5)
            try:
                batch = session.send(batches.show(batch.id))
                away = 0.0
            except UnexpectedAnswer:
                raise
            except (Unreachable, Unavailable) as error:
                away += pause
                if away > PATIENCE_SECONDS:
                    raise Unreachable(
                        f"The platform stopped answering while batch {batch.id} ran: {error.detail} "
                        f"It goes on by itself. Look with 'andon batches watch {batch.id}'."
                    ) from error
            progress.show(in_short(batch))
    except KeyboardInterrupt:
        progress.end()
        session.note(
            f"Batch {batch.id} goes on. Follow it: andon batches watch {batch.id}; stop it: … cancel {batch.id}"
        )
        raise
    progress.end()
    return batch


def in_short(batch: Batch) -> str:
    """A batch on one line."""
    told = ", ".join(f"{name} {count}" for name, count in batch.counts.items() if count)
    return f"{batch.action} {batch.state}: {told or 'nothing'} of {batch.total}"
