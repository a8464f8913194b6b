"""The seam to a target: what is sent, what comes back, and the two ways in which nothing comes back."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from hub.delivery.answers import Answer
from transactions.model import FailureKind


class Outgoing(Struct, frozen=True, kw_only=True):
    """A request to a target.

    Attributes:
        to: the system and the plant of the instance that it is for; None for one that is nobody's.
        pinned: the fingerprint (SHA-256, in hex) of the only certificate that is believed; None for the machine's own
            authorities.
    """

    method: str
    url: str
    headers: dict[str, str]
    content: bytes | None = None
    to: tuple[str, str | None] | None = None
    pinned: str | None = None


class NotSent(Exception):
    """Nothing left: the target certainly does not know of it.

    Attributes:
        kind: unreachable, timeout or certificate.
        code: ours, since the target said nothing.
    """

    def __init__(self, kind: FailureKind, code: str, message: str) -> None:
        super().__init__(message)
        self.kind, self.code, self.message = kind, code, message


class NoAnswer(Exception):
    """It left, or may have left, and no answer came: the outcome is unknown."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Channel(Protocol):
    """Carries requests to targets and answers back."""

    async def send(self, request: Outgoing) -> Answer:
        """Send a request and wait for its answer.

        Raises:
            NotSent: nothing left.
            NoAnswer: it may have left, and no answer came.
        """
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...
