"""Targets in the test's own process, for the life cycle: they post, reverse and park by key, never look whether they
did so before, and answer what they are told to. What they have done is the truth that the hub is held against."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter, deque
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
import pytest

from hub.delivery.answers import Answer
from hub.delivery.channel import NoAnswer, NotSent, Outgoing
from transactions.model import FailureKind

LATE = 0.015  # seconds after which a late posting lands; within what the targets declare
MOODS = (
    "applied",
    "accepted",
    "accepted-lost",
    "rejected",
    "locked",
    "refused",
    "lost",
    "lost-applied",
    "lost-late",
    "parked",
)
"""What a target does with a delivery. Of those that are ``lost`` no answer comes; an ``accepted-lost`` one is a lie."""


class World:
    """All targets, as a channel to them.

    Attributes:
        moods: what is done with the next deliveries, one each; after them everything is applied.
        mute: questions get no answer.
        hangs: the next delivery gets no answer until the hub has ended; ``applied`` where it is applied all the same.
        applied: how often each key was applied, whatever was reversed since.
        watch: called with the key of each delivery that arrives.
    """

    def __init__(self) -> None:
        self.moods: deque[str] = deque()
        self.mute = False
        self.hangs: str | None = None
        self.hung = asyncio.Event()
        self.applied: Counter[str] = Counter()
        self.reversed: Counter[str] = Counter()
        self.content: dict[str, str] = {}
        self.parked: dict[str, str] = {}
        self.late: list[asyncio.TimerHandle] = []
        self.watch: Callable[[str], None] = lambda _key: None

    async def send(self, request: Outgoing) -> Answer:
        """See :class:`hub.delivery.channel.Channel`."""
        await asyncio.sleep(0)
        parts = [unquote(part) for part in urlsplit(request.url).path.split("/")[1:]]
        if request.method == "GET":
            return self._question(parts)
        key, sha256 = request.headers["idempotency-key"], hashlib.sha256(request.content or b"").hexdigest()
        self.watch(key)
        original = parts[1] if parts[-1] == "reversal" else None
        if self.hangs is not None:
            mood, self.hangs = self.hangs, None
            if mood == "applied":
                self._apply(key, sha256, original)
            self.hung.set()
            await asyncio.Event().wait()
        mood = self.moods.popleft() if self.moods else "applied"
        if mood == "accepted-lost" and urlsplit(request.url).hostname == "edi":
            mood = "accepted"  # nobody could ever tell that it lied
        return self._deliver(mood, key, sha256, original)

    async def close(self) -> None:
        """Nothing is open."""

    def people_post(self, key: str) -> None:
        """Somebody there posts what was parked."""
        self._apply(key, self.parked.pop(key), None)

    def stands(self, key: str) -> bool:
        """Whether a key is applied, and was not reversed."""
        return self.applied[key] > self.reversed[key]

    def _deliver(self, mood: str, key: str, sha256: str, original: str | None) -> Answer:
        match mood:
            case "applied":
                return _says(201, status="applied", document=self._apply(key, sha256, original))
            case "accepted":
                self._apply(key, sha256, original)
                return _says(202, status="accepted")
            case "accepted-lost" if original is None:
                return _says(202, status="accepted")
            case "locked":
                return _says(423, code="LOCKED", message="somebody has it open")
            case "refused":
                raise NotSent(FailureKind.UNREACHABLE, "connection-refused", "No connection")
            case "lost":
                raise NoAnswer("read-timeout", "No answer")
            case "lost-applied":
                self._apply(key, sha256, original)
                raise NoAnswer("read-timeout", "No answer")
            case "lost-late":
                loop = asyncio.get_running_loop()
                self.late.append(loop.call_later(LATE, self._apply, key, sha256, original))
                raise NoAnswer("read-timeout", "No answer")
            case "parked" if original is None:
                self.parked[key] = sha256
                return _says(200, status="parked", document="C1", code="COGI", message="deficit")
            case _:
                return _says(422, code="M7053", message="closed")

    def _apply(self, key: str, sha256: str, original: str | None) -> str:
        if original is not None:
            self.reversed[original] += 1
        self.applied[key] += 1
        self.content[key] = sha256
        return f"49{sum(self.applied.values()):08d}"

    def _question(self, parts: list[str]) -> Answer:
        if self.mute:
            raise NoAnswer("read-timeout", "No answer")
        if parts[-1] == "follows":
            return _says(200, items=[])
        key = parts[1]
        if self.applied[key]:
            return _says(200, status="applied", sha256=self.content[key], document="4900000001")
        return _says(200, status="parked" if key in self.parked else "absent")


def _says(status: int, /, **body: Any) -> Answer:
    return Answer(status=status, headers={"content-type": "application/json"}, body=msgspec.json.encode(body))


@pytest.fixture(scope="session")
def world() -> type[World]:
    """The targets; one for each life."""
    return World


@pytest.fixture(scope="session")
def moods() -> tuple[str, ...]:
    """What a target may do with a delivery."""
    return MOODS
