"""Asking targets whether they have what they acknowledged."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from msgspec import Struct

from hub.delivery.answers import Found
from hub.delivery.begin import question
from hub.delivery.channel import Channel, NoAnswer, NotSent
from hub.delivery.classify import classify_lookup
from hub.documents import json_find
from hub.landscape import Landscape
from hub.reconciliation.finding import Candidate
from transactions.clock import to_micros

MOST_QUESTIONS = 400
_AT_ONCE = 8
WITHIN = 15.0
"""Seconds for all questions of one reconciliation."""


class Proof(Enum):
    """What a target says of a delivery that it acknowledged."""

    THERE = "there"
    ABSENT = "absent"
    PARKED = "parked"
    REVERSED = "reversed"
    JUST_NOW = "just-now"
    CANNOT_BE_ASKED = "cannot-be-asked"
    UNKNOWN = "unknown"


class Proven(Struct, frozen=True, kw_only=True):
    """A proof, and the number of the document that it is about."""

    proof: Proof
    document: str | None = None


class Prover:
    """Asks by idempotency key, each transaction once, within a budget of questions and time.

    Args:
        began: when systems were asked for what they hold: what was sent at that time may have come in between.
    """

    def __init__(self, channel: Channel, landscape: Landscape, authorization: str | None, began: datetime) -> None:
        self._channel, self._landscape, self._authorization = channel, landscape, authorization
        self._began = began
        self._known: dict[str, Proven] = {}
        self.left = 0
        """Deliveries that were not asked for, because there were too many."""

    async def prove(self, candidates: list[Candidate]) -> None:
        """Ask for those that were not asked for before."""
        new = {each.row.id: each for each in candidates if each.row.id not in self._known}
        room = MOST_QUESTIONS - len(self._known)
        asked = list(new.values())[: max(0, room)]
        self.left += len(new) - len(asked)
        limit = asyncio.Semaphore(_AT_ONCE)

        async def one(candidate: Candidate) -> None:
            async with limit:
                self._known[candidate.row.id] = await self._ask(candidate.row)

        try:
            async with asyncio.timeout(WITHIN):
                await asyncio.gather(*(one(candidate) for candidate in asked))
        except TimeoutError:
            self.left += sum(each.row.id not in self._known for each in asked)

    def proven(self, candidate: Candidate) -> Proven:
        """What the target said."""
        return self._known.get(candidate.row.id, Proven(proof=Proof.UNKNOWN))

    async def _ask(self, row: Any) -> Proven:
        endpoint = self._landscape.endpoint(row.target, row.plant)
        if endpoint is None or endpoint.url is None:
            return Proven(proof=Proof.UNKNOWN)
        settled = self._began - timedelta(seconds=endpoint.declaration.settle_seconds())
        if row.sent_at is not None and row.sent_at > to_micros(settled):
            return Proven(proof=Proof.JUST_NOW)
        request = question(endpoint, row, self._authorization)
        if request is None:
            return Proven(proof=Proof.CANNOT_BE_ASKED)
        try:
            answer = await self._channel.send(request)
        except (NotSent, NoAnswer):
            return Proven(proof=Proof.UNKNOWN)
        found = classify_lookup(answer)
        match found.status:
            case Found.ABSENT:
                return Proven(proof=Proof.ABSENT)
            case Found.PARKED:
                return Proven(proof=Proof.PARKED, document=found.document)
            case Found.APPLIED:
                reversal = _reversal(answer.body)
                return Proven(proof=Proof.THERE if reversal is None else Proof.REVERSED, document=reversal)
            case _:
                return Proven(proof=Proof.UNKNOWN)


def _reversal(body: bytes) -> str | None:
    """The document by which a posting was taken back, where the target says so."""
    try:
        return json_find("$.reversal")(json.loads(body))
    except (ValueError, RecursionError):
        return None  # XML, and those say no such thing
