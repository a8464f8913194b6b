"""A raw HTTP peer, for what a healthy hub cannot be made to do: hang up, answer nonsense, redirect."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from platforms.contexts import Resolved


class Peer:
    """Answers each connection with the next of the prepared pieces of bytes, then hangs up."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.answers: list[list[bytes]] = []
        self.requests: list[bytes] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def will_answer(self, status: str, body: bytes = b"", *, kind: str = "application/json", more: str = "") -> None:
        # it hangs up, and says so: nobody sends another request into a connection that is about to end
        length = f"Content-Length: {len(body)}\r\nConnection: close"
        head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{length}\r\n{more}\r\n"
        self.answers.append([head.encode() + body])

    def will_stream(self, *events: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
        self.answers.append([head, *events])

    def will_hang_up(self) -> None:
        self.answers.append([])

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                self.requests.append(_request(connection))
                for piece in self.answers.pop(0) if self.answers else []:
                    connection.sendall(piece)


def _request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        data += piece
        if not piece or data.startswith(b"\x16"):
            # Hung up, or somebody who speaks TLS and waits for an answer to that.
            return data
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@pytest.fixture
def peer() -> Iterator[Peer]:
    one = Peer()
    yield one
    one.close()


@pytest.fixture
def context_at() -> Callable[..., Resolved]:
    def make(url: str, **more: Any) -> Resolved:
        fields = {
            "name": "test",
            "platform": "hub",
            "url": url,
            "production": False,
            "read_only": False,
            "colour": None,
            "ca": None,
            "chosen_by": "the test",
            "token": "secret-token",
            "token_from": "the test",
        }
        return Resolved(**{**fields, **more})

    return make


@pytest.fixture
def event() -> Callable[[int], bytes]:
    def make(seq: int) -> bytes:
        data = msgspec.json.encode(
            {"seq": seq, "at": datetime(2026, 1, 2, tzinfo=UTC), "type": "transaction", "id": f"tx{seq}", "data": {}}
        )
        return b"id: %d\nevent: transaction\ndata: %s\n\n" % (seq, data)

    return make
