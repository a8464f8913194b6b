"""How far something is, on one line of stderr that is written over; nothing where that is no terminal."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from commands.terminal import one_line

if TYPE_CHECKING:
    from commands.session import Session


class Progress:
    """The line. It is gone when the work is done, also when it ends badly."""

    def __init__(self, session: Session) -> None:
        self._stderr = session.stderr
        self._on = session.stderr.isatty() and not session.options.quiet

    def show(self, text: str) -> None:
        """Say how far it is."""
        if self._on:
            self._stderr.write(f"\r\x1b[K{one_line(text)}")
            self._stderr.flush()

    def end(self) -> None:
        """Take the line away."""
        if self._on:
            self._stderr.write("\r\x1b[K")
            self._stderr.flush()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
