"""What the console and the commands need of a platform, and nothing more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, TypeVar

from platforms.calls import Call
from platforms.events import Connection
from transactions.history import StreamEvent

T = TypeVar("T")


class Sender(Protocol):
    """Sends calls and waits for their answers."""

    @property
    def address(self) -> str:
        """Where the platform is, for messages."""
        ...

    def send(self, call: Call[T]) -> T:
        """The answer; raises an ``AndonError`` where there is none."""
        ...

    def download(self, call: Call[bytes]) -> Iterator[bytes]:
        """The answer in pieces as they arrive, for what may be larger than memory."""
        ...

    def events(self, last_event_id: int | None = None) -> Iterator[StreamEvent | Connection]:
        """Events as they come, without an end; changes of the connection come between them."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
