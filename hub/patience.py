"""How long the hub waits for strangers: connections whose requests do not arrive are closed.

Uvicorn times idle connections and no others. Somebody who sends a byte now and then would keep a connection for good,
and with enough of them keep everybody else out (Slowloris). So a request's head, and then its body, have to be whole
in time, also the body of a request that was refused by its head.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import h11
import msgspec
from msgspec import Struct
from uvicorn.protocols.http.h11_impl import H11Protocol

from hub.api.door import SECURITY_HEADERS
from hub.api.problems import PROBLEM_JSON
from transactions.errors import PROBLEM_BASE, AndonError, HeadersTooLarge, Invalid, TooSlow

_GRACE = 5.0
"""Seconds after the body's own time: who is slow by mistake is answered 408 first."""


class Patience(Struct, frozen=True, kw_only=True):
    """How long is waited, and for how many.

    Attributes:
        head_seconds: for the first line and the header fields.
        body_seconds: for the body.
        body_bytes: of one request that are read at all, to throw them away, after it was refused.
        connections: that are kept at one time; more are closed at once.
    """

    head_seconds: float = 10.0
    body_seconds: float = 60.0
    body_bytes: int = 32 * 1024 * 1024
    connections: int = 1000


class PatientProtocol(H11Protocol):
    """Uvicorn's connection, with an end to its patience."""

    def __init__(self, patience: Patience, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._patience = patience
        self._timer: asyncio.TimerHandle | None = None
        self._waits_for: str | None = None
        self._taken = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody connected."""
        super().connection_made(transport)
        if len(self.connections) > self._patience.connections:
            transport.abort()
            return
        self._wait("head", self._patience.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """They went away."""
        self._wait(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Something came."""
        self._taken += len(data)
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """An answer has left."""
        super().on_response_complete()
        self._look()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, or too much of it."""
        refused = sys.exception()
        status = refused.error_status_hint if isinstance(refused, h11.RemoteProtocolError) else 400
        if status == 431:
            self._refuse(HeadersTooLarge("The header fields are larger than the hub reads. Nothing was done."))
        else:
            self._refuse(Invalid("The request is not HTTP/1.1 as it should be. Nothing was done."), 400)

    def _look(self) -> None:
        """See what this connection waits for now, and begin to count when that has changed."""
        if self.transport.is_closing():
            self._wait(None)
        elif self.conn.their_state is h11.SEND_BODY:
            if self._taken > self._patience.body_bytes:
                self.transport.abort()
            elif self._waits_for != "body":
                self._wait("body", self._patience.body_seconds + _GRACE)
        elif self.conn.their_state is h11.IDLE and self.timeout_keep_alive_task is None:
            self._taken = 0
            if self._waits_for != "head":
                self._wait("head", self._patience.head_seconds)
        else:
            self._taken = 0
            self._wait(None)

    def _wait(self, what: str | None, seconds: float = 0.0) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._waits_for = what
        if what is not None:
            self._timer = self.loop.call_later(seconds, self._too_long)

    def _too_long(self) -> None:
        self._timer = None
        if self.transport.is_closing():
            return
        if self._waits_for == "head" and self.conn.trailing_data[0]:
            seconds = self._patience.head_seconds
            self._refuse(TooSlow(f"The header fields did not arrive whole within {seconds:g} s. Nothing was done."))
        else:
            self.transport.abort()

    def _refuse(self, error: AndonError, status: int | None = None) -> None:
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        body = msgspec.json.encode(
            {
                "type": PROBLEM_BASE + error.problem,
                "title": error.title,
                "status": status or error.status,
                "detail": error.detail,
                "instance": "/",
            }
        )
        headers = [
            (b"content-type", PROBLEM_JSON.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
            *SECURITY_HEADERS,
        ]
        for event in (
            h11.Response(status_code=status or error.status, headers=headers),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
