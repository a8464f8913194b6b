"""The event stream without its I/O: reading server-sent events, and when to ask again after a loss."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import msgspec
from msgspec import Struct

from platforms.calls import Call, Request, request_for
from platforms.errors import UnexpectedAnswer
from transactions.errors import AndonError, Unavailable, Unreachable
from transactions.history import StreamEvent
from transactions.untrusted import parse_json

STREAM = "text/event-stream"
SILENCE_SECONDS = 45.0
"""Three missed pings: the platform comments every 15 s, so a longer silence is a lost connection."""
FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 15.0


class ConnectionState(StrEnum):
    """Whether events arrive."""

    LIVE = "live"
    LOST = "lost"


class Connection(Struct, frozen=True, kw_only=True):
    """The connection changed: ``live`` again, or ``lost``, why, and in how many seconds it is tried again."""

    state: ConnectionState
    because: str | None = None
    retry_in: float | None = None


class EventReader:
    """Reads server-sent events from bytes as they arrive, in pieces of any size."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """The events that are complete now.

        Raises:
            UnexpectedAnswer: an event that is none of the admin API's.
        """
        # CR alone is not treated as a line end: the admin API never sends one, and a CR LF may be cut in two.
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        events = []
        for raw in lines:
            line = raw.removesuffix(b"\r")
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif not line and self._data:
                events.append(_decode(b"\n".join(self._data)))
                self._data.clear()
        return events


def _decode(data: bytes) -> StreamEvent:
    try:
        return parse_json(data, StreamEvent)
    except msgspec.DecodeError as error:
        raise UnexpectedAnswer(
            f"The platform sent an event that this version of andon cannot read ({error}). "
            "Live updates stop here. Check both versions with 'andon doctor'."
        ) from error


class Resumption:
    """Where the stream has got to, and how long to wait before the next try."""

    def __init__(self, last_event_id: int | None, jitter: Callable[[], float]) -> None:
        """``jitter`` gives numbers from 0 to 1, so that many clients do not come back at one moment."""
        self.last_event_id = last_event_id
        self._jitter = jitter
        self._losses = 0
        self._renewed = False

    def request(self, *, base_path: str, token: str | None, agent: str) -> Request:
        """The request that goes on after the last event seen."""
        headers = {} if self.last_event_id is None else {"Last-Event-ID": str(self.last_event_id)}
        call: Call[bytes] = Call(
            method="GET", path="events", answers=bytes, accept=STREAM, headers=headers, patience=SILENCE_SECONDS
        )
        return request_for(call, base_path=base_path, token=token, agent=agent)

    def live(self) -> Connection:
        """The platform has answered."""
        self._losses = 0
        self._renewed = False
        return Connection(state=ConnectionState.LIVE)

    def may_renew(self) -> bool:
        """Whether a refused token may be renewed: once, until the platform has taken one again."""
        first, self._renewed = not self._renewed, True
        return first

    def seen(self, event: StreamEvent) -> StreamEvent:
        """Remember ``event`` as the newest."""
        self.last_event_id = event.seq
        return event

    def lost(self, error: AndonError | None) -> Connection:
        """The connection is gone (``error`` None: the platform ended it); says when to try again.

        Raises:
            AndonError: ``error`` itself where trying again cannot help: not signed in, not allowed, not a platform.
        """
        if error is not None and (
            not isinstance(error, Unreachable | Unavailable) or isinstance(error, UnexpectedAnswer)
        ):
            raise error
        delay = min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2**self._losses)
        self._losses = min(self._losses + 1, 10)
        because = "the platform ended the connection" if error is None else error.detail
        return Connection(state=ConnectionState.LOST, because=because, retry_in=delay * (0.5 + self._jitter() / 2))
