"""The simulator as one process: opens everything, keeps it going, closes it in order."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path

from aiohttp import web

from hub.declarations import Catalogue
from hub.errors import SimulatorError
from hub.simulator.account import Account
from hub.simulator.arrival import Arrivals
from hub.simulator.control import SimulatorState, control_application
from hub.simulator.database import Meta, open_database
from hub.simulator.emission import Emission
from hub.simulator.faults import Switchboard
from hub.simulator.ledger import Ledger, read_ledger
from hub.simulator.listener import Listener
from hub.simulator.outbox import OutboxSender
from hub.simulator.postings import Instance, Postings
from hub.simulator.reading import Reader
from hub.simulator.settings import Endpoints, SimulatorSettings, Ways
from hub.simulator.system import SystemApi
from transactions.books import Fault, FaultChange

DATABASE = "simulator.db"
_CONTROL = "(control)"
_TICK = 0.1


class Simulator:
    """Every simulated system, the sources' outboxes, and the control over them.

    Raises:
        SimulatorError: the books cannot be opened, or belong to another seed.
    """

    def __init__(self, settings: SimulatorSettings) -> None:
        self._settings = settings
        self._path = Path(settings.data) / DATABASE
        self._connection = open_database(self._path)
        self._meta = Meta(self._connection)
        self._keep_seed()
        catalogue = settings.catalogue
        reader = Reader(catalogue)
        self._switchboard = Switchboard(self._connection, catalogue, settings.seed)
        self._sender = OutboxSender(self._connection, settings)
        self._emission = Emission(self._connection, settings, self._switchboard, reader, self._sender.wake)
        self._postings = Postings(self._connection, reader, self._emission.plant_clock)
        self._arrivals = Arrivals(catalogue, self._switchboard, self._postings, self._promise)
        self._listeners: dict[str, tuple[Instance, Listener]] = {
            instance.name: (instance, Listener(self._application(instance))) for instance in _instances(catalogue)
        }
        self._control = Listener(control_application(self, settings.control_token))
        self._due = asyncio.Event()
        self._moving_sockets = asyncio.Lock()

    async def open(self) -> Endpoints:
        """Listen on every port."""
        ports = {row["instance"]: row["port"] for row in self._connection.execute("SELECT * FROM port")}
        taken: dict[str, int] = {}
        for name, (instance, listener) in self._listeners.items():
            down = self._switchboard.down(instance.system, instance.plant)
            taken[name] = await listener.open(ports.get(name), down=down)
        taken[_CONTROL] = await self._control.open(ports.get(_CONTROL), down=False)
        self._connection.executemany("INSERT OR REPLACE INTO port VALUES (?, ?)", taken.items())
        systems = {name: listener.url for name, (_, listener) in self._listeners.items()}
        return Endpoints(control=self._control.url, systems=systems)

    async def run(self) -> None:
        """Emit, send and settle, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._emission.run())
            group.create_task(self._sender.run())
            group.create_task(self._settle())

    async def close(self) -> None:
        """Close every port and the books."""
        await asyncio.gather(self._control.close(), *(listener.close() for _, listener in self._listeners.values()))
        self._connection.close()

    def faults(self) -> list[Fault]:
        """See :class:`hub.simulator.control.Controlled`."""
        return self._switchboard.faults()

    async def set_fault(self, change: FaultChange) -> None:
        """See :class:`hub.simulator.control.Controlled`."""
        await self._changed(self._switchboard.change(change))

    def pause(self) -> None:
        """See :class:`hub.simulator.control.Controlled`."""
        self._emission.pause()

    def resume(self, documents: int | None) -> None:
        """See :class:`hub.simulator.control.Controlled`."""
        self._emission.resume(documents)

    def state(self) -> SimulatorState:
        """See :class:`hub.simulator.control.Controlled`."""
        return SimulatorState(
            emitting=self._emission.emitting and not self._emission.finished,
            emitted=self._emission.emitted,
            outbox_waiting=self._sender.waiting(),
            plant_clock=self._emission.plant_clock().isoformat().replace("+00:00", "Z"),
            finished=self._emission.finished,
        )

    async def ledger(self) -> Ledger:
        """See :class:`hub.simulator.control.Controlled`."""
        return await asyncio.to_thread(read_ledger, self._path)

    def send_by(self, ways: Ways) -> None:
        """See :class:`hub.simulator.control.Controlled`."""
        self._sender.ways = ways

    def _application(self, instance: Instance) -> web.Application:
        account = Account(self._connection, instance.name)
        parts = (self._settings.catalogue, self._arrivals, self._postings, account, self._path)
        return SystemApi(instance, *parts).application()

    def _keep_seed(self) -> None:
        told = self._meta.get("seed")
        if told is None:
            self._meta.set("seed", str(self._settings.seed))
        elif told != str(self._settings.seed):
            self._connection.close()
            raise SimulatorError(
                f"The folder {self._settings.data} holds the story of seed {told}, and seed {self._settings.seed} was "
                f"asked for. A story goes on and is never begun again: use --seed {told}, or another folder."
            )

    def _promise(self) -> None:
        self._due.set()

    async def _settle(self) -> None:
        """Post what was promised, when it is due, and end faults that end by themselves."""
        while True:
            await self._changed(self._switchboard.expire())
            self._postings.settle(time.time())
            waiting = self._connection.execute("SELECT 1 FROM posting WHERE due_at IS NOT NULL LIMIT 1").fetchone()
            timed = self._switchboard.timed
            if waiting is None and not timed:
                self._due.clear()
                await self._due.wait()
            await asyncio.sleep(_TICK)

    async def _changed(self, names: list[str]) -> None:
        """Bring ports and parked postings in line with the faults that are on now."""
        if not names:
            return
        async with self._moving_sockets:
            for instance, listener in self._listeners.values():
                down = self._switchboard.down(instance.system, instance.plant)
                if down == listener.up:
                    await (listener.fall() if down else listener.rise())
        for fault in ("parked", "partial"):
            if fault in names:
                self._postings.work_off(fault, partial(self._switchboard.hits, fault))
        self._due.set()


def _instances(catalogue: Catalogue) -> list[Instance]:
    found = []
    for name, plant in catalogue.instances():
        system = catalogue.system[name]
        found.append(Instance(system=name, plant=plant, dialect=system.dialect, idempotent=system.idempotent))
    return found
