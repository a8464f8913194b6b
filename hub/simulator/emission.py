"""The emission cursor: the sources write the story's documents into their outboxes, two a second of plant time."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import time
from collections.abc import Callable
from datetime import datetime

import msgspec

from hub.simulator.database import Meta
from hub.simulator.documents import Pen
from hub.simulator.effects import encode, own_effects_of
from hub.simulator.faults import Switchboard
from hub.simulator.reading import Reader, Reading
from hub.simulator.settings import SimulatorSettings, instance_name
from hub.simulator.source_faults import damaged
from hub.simulator.story import SECONDS_PER_DOCUMENT, Step, block_steps, moment

_TICK = 0.05
_MOST_PER_TICK = 500
LATE_SECONDS = 3.0

_KEY_STYLES = {
    "MES": "header",
    "CMMS": "header",
    "APS": "header",
    "supplier-portal": "header",
    "WMS": "recipe",
    "PLM": "recipe",
    "EDI": "recipe",
}
"""How a source names its messages: an ``Idempotency-Key`` beside its CloudEvents, those alone (the default), or
nothing, so that the hub makes the key by the flow's recipe."""


class Emission:
    """Writes documents into the outboxes; durable, so that a restart goes on where it was.

    Args:
        wake: called when an outbox has something new.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        settings: SimulatorSettings,
        switchboard: Switchboard,
        reader: Reader,
        wake: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._switchboard = switchboard
        self._reader = reader
        self._wake = wake
        self._meta = Meta(connection)
        self._plants = list(settings.catalogue.plant)
        self._lines = {name: plant.lines for name, plant in settings.catalogue.plant.items()}
        self.emitted = int(self._meta.get("emitted") or 0)
        self._block, self._offset = (int(part) for part in (self._meta.get("cursor") or "0:0").split(":"))
        allowance = self._meta.get("allowance")
        self._allowance = None if not allowance else int(allowance)
        self._steps = self._told(self._block)
        stored = self._meta.get("emitting")
        self.emitting = stored == "yes" if stored else not settings.paused
        self._changed = asyncio.Event()
        self._keep_own_of_before()

    @property
    def finished(self) -> bool:
        """Whether every document that was asked for is emitted."""
        return self._settings.documents is not None and self.emitted >= self._settings.documents

    def plant_clock(self) -> datetime:
        """The time in the plants: it moves with the documents."""
        return moment(self.emitted)

    def pause(self) -> None:
        """Emit no more, until :meth:`resume`."""
        self._set_emitting(False, None)

    def resume(self, documents: int | None = None) -> None:
        """Go on; after so many more ``documents``, pause by itself."""
        self._set_emitting(True, documents)

    def emit(self, count: int) -> int:
        """Emit so many documents, or what is left.

        Returns:
            How many it were.
        """
        if self._settings.documents is not None:
            count = min(count, self._settings.documents - self.emitted)
        if self._allowance is not None:
            count = min(count, self._allowance)
        if count <= 0 or not self._plants:
            return 0
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for _ in range(count):
                self._emit_next()
            if self._allowance is not None:
                self._allowance -= count
                self._meta.set("allowance", str(self._allowance))
                if self._allowance == 0:
                    self.emitting = False
                    self._meta.set("emitting", "no")
            self._meta.set("emitted", str(self.emitted))
            self._meta.set("cursor", f"{self._block}:{self._offset}")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        self._wake()
        return count

    async def run(self) -> None:
        """Emit at the speed that was asked for, until cancelled."""
        per_second = self._settings.speed / SECONDS_PER_DOCUMENT
        due, last = 0.0, time.monotonic()
        while True:
            if not self.emitting or self.finished or per_second <= 0:
                self._changed.clear()
                await self._changed.wait()
                due, last = 0.0, time.monotonic()
                continue
            await asyncio.sleep(_TICK)
            now = time.monotonic()
            # What a stalled process missed is not made up for in one burst.
            due = min(due + (now - last) * per_second, _MOST_PER_TICK)
            last = now
            if due >= 1 and self.emitting:
                self.emit(int(due))
                due -= int(due)

    def _set_emitting(self, emitting: bool, allowance: int | None) -> None:
        self.emitting = emitting
        self._allowance = allowance
        self._meta.set("emitting", "yes" if emitting else "no")
        self._meta.set("allowance", "" if allowance is None else str(allowance))
        self._changed.set()

    def _told(self, block: int) -> list[Step]:
        return block_steps(self._settings.seed, block, self._plants, self._lines) if self._plants else []

    def _emit_next(self) -> None:
        if self._offset >= len(self._steps):
            self._block, self._offset = self._block + 1, 0
            self._steps = self._told(self._block)
        step, cause = self._steps[self._offset], self._cause()
        self._offset += 1
        self.emitted += 1
        source = self._sender(step)
        if source is None:
            return  # a team's own catalogue without this flow or source: nobody sends it
        flow = self._settings.catalogue.flow[step.flow]
        written = step.write(Pen(source, moment(self.emitted), _message_id(source, self.emitted)))
        truth = self._reader.read(step.flow, written.body)
        assert truth.identity is not None, "the story's documents carry every key of their identity"

        def hit(fault: str) -> bool:
            return self._switchboard.hits(fault, step.source, step.plant, step.flow, truth.identity or "")

        body = damaged(written.body, hit)
        headers = self._headers(step, source, truth.identity, cause)
        not_before = time.time() + LATE_SECONDS if hit("late-messages") else 0.0
        recorded_at = time.time()
        self._keep_own(step, source, truth, recorded_at)
        seq = self._put(step, source, written.content_type, headers, body, not_before, recorded_at)
        self._connection.executemany(
            "INSERT INTO owed VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
            [
                (seq, step.flow, target, step.plant, source, truth.identity, truth.essence)
                for target in flow.targets
                if target != step.source
            ],
        )
        if hit("duplicate-messages"):
            again = {name: value for name, value in headers.items() if name != "Idempotency-Key"}
            again |= _event_headers(f"{_message_id(source, self.emitted)}-R1", step.flow, self.emitted, truth.identity)
            self._put(step, source, written.content_type, again, body, not_before, recorded_at)

    def _keep_own(self, step: Step, source: str, truth: Reading, recorded_at: float) -> None:
        """What the source itself knows from now on, whatever becomes of the document."""
        changes = own_effects_of(step.source, step.flow, step.plant, truth)
        if changes:
            self._connection.execute(
                "INSERT INTO own (instance, flow, changes, recorded_at) VALUES (?, ?, ?, ?)",
                (source, step.flow, encode(changes), recorded_at),
            )

    def _keep_own_of_before(self) -> None:
        """Books of an earlier version have no records of the sources' own: the story tells what they are."""
        if self._meta.get("own") is not None:
            return
        self._connection.execute("BEGIN IMMEDIATE")
        for block in range(self._block + 1 if self.emitted else 0):
            steps = self._told(block)
            for step in steps if block < self._block else steps[: self._offset]:
                source = self._sender(step)
                if source is not None:
                    written = step.write(Pen(source, moment(0), ""))
                    self._keep_own(step, source, self._reader.read(step.flow, written.body), 0.0)
        self._meta.set("own", "kept")
        self._connection.execute("COMMIT")

    def _put(
        self,
        step: Step,
        source: str,
        content_type: str,
        headers: dict[str, str],
        body: bytes,
        not_before: float,
        recorded_at: float,
    ) -> int:
        row = self._connection.execute(
            "INSERT INTO outbox"
            " (source, plant, flow, content_type, headers, payload, sha256, state, not_before, recorded_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', ?, ?) RETURNING seq",
            (
                source,
                step.plant,
                step.flow,
                content_type,
                msgspec.json.encode(headers).decode(),
                body,
                hashlib.sha256(body).hexdigest(),
                not_before,
                recorded_at,
            ),
        ).fetchone()
        return int(row[0])

    def _cause(self) -> str | None:
        """The message before this one in its process: the one that led to it."""
        step = self._steps[self._offset]
        if not step.follows:
            return None
        for back in range(self._offset - 1, -1, -1):
            before = self._steps[back]
            source = self._sender(before) if before.process == step.process else None
            if source is not None:
                return _message_id(source, self.emitted + 1 - (self._offset - back))
        return None

    def _sender(self, step: Step) -> str | None:
        """The instance that sends a step's document; None where the catalogue lacks its flow or its source."""
        flow, system = self._settings.catalogue.flow.get(step.flow), self._settings.catalogue.system.get(step.source)
        if flow is None or system is None or step.source not in flow.sources:
            return None
        return instance_name(step.source, step.plant if system.local else None)

    def _headers(self, step: Step, source: str, identity: str, cause: str | None) -> dict[str, str]:
        headers = {
            "ce-source": f"/{source}",
            "ce-plant": step.plant,
            "ce-correlationid": step.process,
            "traceparent": _traceparent(self._settings.seed, step.process, self.emitted),
        }
        if cause is not None:
            headers["ce-causationid"] = cause
        style = _KEY_STYLES.get(step.source, "event")
        if style == "header":
            headers["Idempotency-Key"] = f"{source}:{identity}"
        if style != "recipe":
            headers |= _event_headers(_message_id(source, self.emitted), step.flow, self.emitted, identity)
        return headers


def _message_id(source: str, number: int) -> str:
    return f"{source.replace('/', '-')}-{number:08d}"


def _event_headers(name: str, flow: str, number: int, identity: str) -> dict[str, str]:
    return {
        "ce-specversion": "1.0",
        "ce-id": name,
        "ce-type": flow,
        "ce-time": moment(number).isoformat().replace("+00:00", "Z"),
        "ce-subject": identity.split("|")[1],
    }


def _traceparent(seed: int, process: str, number: int) -> str:
    trace = hashlib.sha256(f"{seed}|{process}".encode()).hexdigest()[:32]
    span = hashlib.sha256(f"{seed}|{number}".encode()).hexdigest()[:16]
    return f"00-{trace}-{span}-01"
