"""Sending what is in the outboxes to the hub, until it is accepted; in order within a plant."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import aiohttp
import msgspec

from hub.simulator.settings import SimulatorSettings, Ways

_REFUSED_FOR_GOOD = frozenset({400, 404, 409, 413, 415, 422})
"""The hub will not take the document as it is; everything else is worth another try."""
_TIMEOUT = aiohttp.ClientTimeout(total=30, connect=5)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
_CHUNK = 50

RECORDED = "ce-recordedtime"
"""When a source recorded what a document tells (CloudEvents, extension Recorded Time)."""


def recorded_text(moment: float) -> str:
    """Seconds since 1970 as the header says them."""
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


def recorded_time(text: str | None) -> float | None:
    """What the header says in seconds since 1970; None where it says nothing that can be read."""
    try:
        return None if text is None else datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


class _Item(msgspec.Struct):
    id: str
    target: str


class _Accepted(msgspec.Struct):
    items: list[_Item]


class OutboxSender:
    """One sender for each plant.

    Attributes:
        ways: through the gateway.
    """

    def __init__(self, connection: sqlite3.Connection, settings: SimulatorSettings) -> None:
        self._connection = connection
        self._settings = settings
        self.ways = Ways()
        self._new: dict[str, asyncio.Event] = {plant: asyncio.Event() for plant in settings.catalogue.plant}

    def wake(self) -> None:
        """There is something new."""
        for event in self._new.values():
            event.set()

    def waiting(self) -> int:
        """Documents that the hub has not accepted yet."""
        row = self._connection.execute("SELECT count(*) FROM outbox WHERE state = 'waiting'").fetchone()
        return int(row[0])

    async def run(self) -> None:
        """Send, until cancelled."""
        headers = {"Authorization": f"Bearer {self._settings.token}"}
        async with (
            aiohttp.ClientSession(headers=headers, timeout=_TIMEOUT, cookie_jar=aiohttp.DummyCookieJar()) as session,
            asyncio.TaskGroup() as group,
        ):
            for plant in self._new:
                group.create_task(self._send_plant(session, plant))

    async def _send_plant(self, session: aiohttp.ClientSession, plant: str) -> None:
        new = self._new[plant]
        while True:
            new.clear()
            rows = self._next(plant)
            for row in rows:
                await self._send(session, row)
            if not rows:
                try:
                    async with asyncio.timeout(self._until_late(plant)):
                        await new.wait()
                except TimeoutError:
                    continue  # a message that was held back is due

    def _next(self, plant: str) -> Sequence[sqlite3.Row]:
        return self._connection.execute(
            "SELECT seq, source, plant, flow, content_type, headers, payload, recorded_at FROM outbox"
            " WHERE state = 'waiting' AND plant = ? AND not_before <= ? ORDER BY not_before, seq LIMIT ?",
            (plant, time.time(), _CHUNK),
        ).fetchall()

    def _until_late(self, plant: str) -> float | None:
        row = self._connection.execute(
            "SELECT min(not_before) FROM outbox WHERE state = 'waiting' AND plant = ?", (plant,)
        ).fetchone()
        return None if row[0] is None else max(0.01, row[0] - time.time())

    async def _send(self, session: aiohttp.ClientSession, row: sqlite3.Row) -> None:
        pause = _FIRST_PAUSE
        while not await self._tried(session, row):
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _tried(self, session: aiohttp.ClientSession, row: sqlite3.Row) -> bool:
        """Whether the hub gave a final answer."""
        headers = msgspec.json.decode(row["headers"], type=dict[str, str])
        headers["Content-Type"] = row["content_type"]
        if row["recorded_at"]:
            headers[RECORDED] = recorded_text(row["recorded_at"])
        url, pinned = f"{self._settings.hub}/ingress/{row['flow']}", self._settings.hub_certificate
        ways = self.ways
        if row["flow"] in ways.flows and row["source"] in ways.tokens:
            url, pinned = f"{ways.url}{ways.flows[row['flow']]}", ways.pinned
            headers["Authorization"] = f"Bearer {ways.tokens[row['source']]}"
        try:
            async with session.post(
                url,
                params={"plant": row["plant"]},
                data=row["payload"],
                headers=headers,
                ssl=True if pinned is None else aiohttp.Fingerprint(bytes.fromhex(pinned)),
            ) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError):
            return False  # no hub there, or no answer: it stays in the outbox and is tried again
        if response.headers.get("andon-gateway") == "refused":
            return False  # the hub has not seen it, and policies change
        if response.status in _REFUSED_FOR_GOOD:
            self._finish(row["seq"], "refused", f"{response.status} {body[:500].decode(errors='replace')}", [])
            return True
        if not 200 <= response.status < 300:
            return False
        try:
            accepted = msgspec.json.decode(body, type=_Accepted)
        except msgspec.DecodeError:
            return False  # not a hub's answer: something else listens there
        self._finish(row["seq"], "accepted", None, accepted.items)
        return True

    def _finish(self, seq: int, state: str, note: str | None, items: list[_Item]) -> None:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE outbox SET state = ?, note = ?, payload = NULL WHERE seq = ?", (state, note, seq))
        connection.executemany(
            "UPDATE owed SET transaction_id = ? WHERE seq = ? AND target = ?",
            [(item.id, seq, item.target) for item in items],
        )
        connection.execute("COMMIT")
