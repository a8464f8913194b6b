"""What one run of ``andon`` has at hand: options, streams, the context and its client."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar, cast

from msgspec import Struct

from commands.exits import Usage
from commands.output import Detail, Form, Listing, write
from commands.terminal import Look, look_at, plain
from transactions.clock import Clock, SystemClock

if TYPE_CHECKING:
    from platforms.calls import Call
    from platforms.context_file import Context
    from platforms.contexts import Found, Resolved
    from platforms.origins import Address
    from platforms.protocol import Sender

T = TypeVar("T")


class Options(Struct):
    """The options that may stand anywhere on the line."""

    context: str | None = None
    url: str | None = None
    output: str | None = None
    no_color: bool = False
    quiet: bool = False
    verbose: bool = False
    read_only: bool = False


class Session:
    """One run: everything a command reads from the world or writes to it goes through here."""

    def __init__(
        self,
        environ: Mapping[str, str],
        folder: Path,
        *,
        clock: Clock | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``environ`` and ``folder`` (the working folder) decide the context; ``clock`` and ``sleep`` are the time."""
        self.environ = environ
        self.folder = folder
        self.options = Options()
        self.clock = clock or SystemClock()
        self.sleep = sleep
        self.given_filter: str | None = None
        self._resolved: Resolved | None = None
        self._client: Sender | None = None

    @property
    def stdout(self) -> IO[str]:
        """Where results go."""
        return sys.stdout

    @property
    def stderr(self) -> IO[str]:
        """Where everything else goes."""
        return sys.stderr

    @property
    def interactive(self) -> bool:
        """Whether somebody is there to be asked."""
        return sys.stdin is not None and sys.stdin.isatty() and self.stdout.isatty()

    @property
    def form(self) -> Form:
        """The form of output that was asked for.

        Raises:
            Usage: there is no such form.
        """
        asked = self.options.output or self.environ.get("ANDON_OUTPUT") or Form.TABLE
        try:
            return Form(asked)
        except ValueError as error:
            place = "-o" if self.options.output else "ANDON_OUTPUT"
            raise Usage(
                f"{place} {asked!r} is not a form of output. Nothing was done. Use one of: {', '.join(Form)}."
            ) from error

    @property
    def resolved(self) -> Resolved:
        """The platform to work on; raises ContextError where that cannot be told."""
        if self._resolved is None:
            from platforms.contexts import Choice, resolve

            choice = Choice(context=self.options.context, url=self.options.url, read_only=self.options.read_only)
            self._resolved = resolve(choice, self.environ, self.folder, self._signed_in)
            for warning in (self._resolved.warning, self._resolved.in_clear):
                if warning is not None:
                    # Not for --quiet to silence.
                    self.stderr.write(f"andon: {plain(warning)}\n")
            self.trace(
                f"{self._resolved.name}: {self._resolved.url}, chosen by {self._resolved.chosen_by}; "
                f"token: {self._resolved.token_from}"
            )
        return self._resolved

    @property
    def token_from(self) -> str | None:
        """Where the token came from, or why there is none; None where no platform was asked yet."""
        if self._resolved is None:
            return None
        return f"it came from {self._resolved.token_from}" if self._resolved.signed_in else self._resolved.token_from

    @property
    def client(self) -> Sender:
        """The client of that platform."""
        if self._client is None:
            from platforms.synchronous import SyncClient

            self._client = SyncClient(self.resolved, sleep=self.sleep)
        return self._client

    def send(self, call: Call[T]) -> T:
        """The answer of a call; raises an AndonError where there is none."""
        began = time.monotonic()
        try:
            return self.client.send(call)
        finally:
            self.trace(f"{call.method} {call.path} {(time.monotonic() - began) * 1000:.0f} ms")

    def download(self, call: Call[bytes]) -> Iterator[bytes]:
        """The answer of a call in pieces as they arrive; raises an AndonError where there is none, or not all."""
        self.trace(f"{call.method} {call.path}")
        return self.client.download(call)

    def show(self, shown: Listing | Detail) -> None:
        """Results to stdout, in the form that was asked for."""
        write(shown, self.form, self.stdout, self.look)

    def look(self) -> Look:
        """What stdout can show."""
        return look_at(self.stdout, self.environ, self.clock.now(), no_colour=self.options.no_color)

    def look_err(self) -> Look:
        """What stderr can show."""
        return look_at(self.stderr, self.environ, self.clock.now(), no_colour=self.options.no_color)

    def note(self, text: str) -> None:
        """A remark for people, on stderr; not when --quiet."""
        if not self.options.quiet:
            self.stderr.write(f"{plain(text)}\n")

    def ask(self, question: str) -> str:
        """What somebody types in answer; question and echo never touch stdout, which is for results.

        Raises:
            typer.Abort: the input ended instead.
        """
        self.stderr.write(f"{plain(question)} ")
        self.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            import typer

            self.stderr.write("\n")
            raise typer.Abort
        return line.strip()

    def trace(self, text: str) -> None:
        """A remark for who asked for them with -v."""
        if self.options.verbose:
            self.stderr.write(f"  {plain(text)}\n")

    def close(self) -> None:
        """Let go of connections."""
        if self._client is not None:
            self._client.close()

    def _signed_in(self, address: Address, context: Context) -> Found | None:
        # Imported late: with ANDON_TOKEN set nobody asks for what is stored.
        from platforms.signin.finding import find

        return find(address, context, self.environ, self.clock)


def session_of(context: Any) -> Session:
    """The session that a command's context carries."""
    return cast(Session, context.obj)
