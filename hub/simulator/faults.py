"""Which faults are on, where, and which messages they hit. Durable; the same seed hits the same messages."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable

from hub.declarations import Catalogue
from hub.simulator.fault_kinds import FAULTS, FaultKind, Where
from transactions.books import Fault, FaultChange, FaultSetting
from transactions.errors import Invalid


class Switchboard:
    """The faults that are on.

    Args:
        connection: where settings are kept.
        catalogue: says which systems, plants and flows there are.
        seed: of the story.
        now: wall-clock seconds, for faults that end by themselves.
    """

    def __init__(
        self, connection: sqlite3.Connection, catalogue: Catalogue, seed: int, now: Callable[[], float] = time.time
    ) -> None:
        self._connection = connection
        self._catalogue = catalogue
        self._seed = seed
        self._now = now
        self._active: dict[str, list[tuple[FaultSetting, float | None]]] = {}
        self._load()

    def change(self, change: FaultChange) -> list[str]:
        """Switch a fault on or off.

        Returns:
            The names of the faults whose settings changed.

        Raises:
            Invalid: an unknown fault, system, plant or flow, or a fault that does not act there.
        """
        self._check(change)
        if change.on:
            assert change.name is not None
            until = None if change.for_seconds is None else self._now() + change.for_seconds
            place = (change.name, change.system or "", change.plant or "", change.flow or "")
            self._connection.execute(
                "INSERT OR REPLACE INTO fault VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*place, change.probability, change.for_seconds, until),
            )
            changed = [change.name]
        else:
            changed = [change.name] if change.name else sorted(self._active)
            self._connection.execute(
                "DELETE FROM fault WHERE (?1 IS NULL OR name = ?1) AND (?2 IS NULL OR system = ?2)"
                " AND (?3 IS NULL OR plant = ?3) AND (?4 IS NULL OR flow = ?4)",
                (change.name, change.system, change.plant, change.flow),
            )
        self._load()
        return changed

    def expire(self) -> list[str]:
        """Switch off what has run its time; the names of those faults."""
        now = self._now()
        over = sorted(
            {
                name
                for name, settings in self._active.items()
                for _, until in settings
                if until is not None and until <= now
            }
        )
        if over:
            self._connection.execute("DELETE FROM fault WHERE until IS NOT NULL AND until <= ?", (now,))
            self._load()
        return over

    @property
    def timed(self) -> bool:
        """Whether a fault is on that ends by itself."""
        return any(until is not None for settings in self._active.values() for _, until in settings)

    def faults(self) -> list[Fault]:
        """Every fault there is, and where it is on."""
        return [
            Fault(
                name=name,
                description=kind.description,
                heals=kind.heals,
                active=[setting for setting, _ in self._active.get(name, [])],
            )
            for name, kind in FAULTS.items()
        ]

    def hits(self, name: str, system: str, plant: str | None, flow: str, message: str) -> bool:
        """Whether a fault hits a message: the same answer for every attempt."""
        settings = self._active.get(name)
        if not settings:
            return False
        kind = FAULTS[name]
        if not acts_on(kind, self._catalogue, system) or (kind.flows is not None and flow not in kind.flows):
            return False
        share = _share(self._seed, name, message)
        return any(
            setting.system in (None, system)
            and setting.plant in (None, plant)
            and setting.flow in (None, flow)
            and share < setting.probability
            for setting, _ in settings
        )

    def down(self, system: str, plant: str | None) -> bool:
        """Whether the port of a system's instance refuses connections."""
        for name in ("target-down", "plant-offline"):
            for setting, _ in self._active.get(name, []):
                here = acts_on(FAULTS[name], self._catalogue, system)
                if here and setting.system in (None, system) and setting.plant in (None, plant):
                    return True
        return False

    def _load(self) -> None:
        self._active = {}
        for row in self._connection.execute("SELECT * FROM fault ORDER BY name, system, plant, flow"):
            setting = FaultSetting(
                system=row["system"] or None,
                plant=row["plant"] or None,
                flow=row["flow"] or None,
                probability=row["probability"],
                for_seconds=row["for_seconds"],
            )
            self._active.setdefault(row["name"], []).append((setting, row["until"]))

    def _check(self, change: FaultChange) -> None:
        if change.name is None:
            if change.on:
                raise Invalid("Say which fault to switch on: " + ", ".join(FAULTS) + ".")
        elif change.name not in FAULTS:
            raise Invalid(f"There is no fault {change.name!r}. There are: {', '.join(FAULTS)}.", faults=list(FAULTS))
        places = (
            ("system", change.system, list(self._catalogue.system)),
            ("plant", change.plant, list(self._catalogue.plant)),
            ("flow", change.flow, list(self._catalogue.flow)),
        )
        for role, value, known in places:
            if value is not None and value not in known:
                raise Invalid(f"There is no {role} {value!r}. There are: {', '.join(known)}.")
        if not change.on or change.name is None:
            return
        kind = FAULTS[change.name]
        if not 0 < change.probability <= 1:
            raise Invalid(f"The probability {change.probability:g} must be above 0 and at most 1.")
        if change.for_seconds is not None and change.for_seconds <= 0:
            raise Invalid("A fault that ends by itself must last longer than 0 seconds.")
        if change.system is not None and not acts_on(kind, self._catalogue, change.system):
            able = [system for system in self._catalogue.system if acts_on(kind, self._catalogue, system)]
            raise Invalid(f"{change.name} does not act on {change.system}. It acts on: {', '.join(able)}.")
        central = change.system is not None and not self._catalogue.system[change.system].local
        if kind.where is Where.SOCKET and central and change.plant is not None:
            raise Invalid(
                f"{change.system} has no instance of its own in {change.plant}, so {change.name} would close nothing. "
                "Name the system without a plant."
            )
        if change.flow is not None and kind.flows is not None and change.flow not in kind.flows:
            raise Invalid(f"{change.name} does not hit {change.flow}. It hits: {', '.join(kind.flows)}.")
        if kind.where is Where.SOCKET and (change.flow is not None or change.probability < 1):
            raise Invalid(f"{change.name} closes a port, for every message: it takes neither a flow nor a probability.")


def acts_on(kind: FaultKind, catalogue: Catalogue, system: str) -> bool:
    """Whether a fault can be on at a system: a target (a source, for emission) of a flow it hits."""
    if kind.systems is not None and system not in kind.systems:
        return False
    if kind.local:
        return catalogue.system[system].local
    if kind.where is Where.SOCKET:
        return True
    flows = (flow for name, flow in catalogue.flow.items() if kind.flows is None or name in kind.flows)
    return any(system in (flow.sources if kind.where is Where.EMISSION else flow.targets) for flow in flows)


def _share(seed: int, fault: str, message: str) -> float:
    """A number in [0, 1) that is the message's own for this seed and fault."""
    digest = hashlib.sha256(f"{seed}|{fault}|{message}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
