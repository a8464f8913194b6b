"""The diagnosis of a running hub: evidence is brought together, held against the rules, and remembered for a moment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

import structlog
from msgspec import structs
from sqlalchemy import ColumnElement, Connection, select

from hub.causes.cells import cells_of, symptoms_of
from hub.causes.reconciled import lost_in, skewed_in
from hub.causes.repeats import Repeats
from hub.causes.waiting import waiting
from hub.declarations import FlowDeclaration
from hub.landscape import Landscape
from hub.masks import Masks
from hub.reconciliation.reconciling import Reconciler, Wanted
from hub.store.database import Database
from hub.store.reach import within
from hub.store.schema import business_keys, transactions
from transactions.causes.alike import meant
from transactions.causes.diagnosis import diagnose
from transactions.causes.model import Causes
from transactions.causes.symptoms import Evidence, FlowFacts, Surroundings, Symptom, SystemFacts
from transactions.clock import Clock, to_micros
from transactions.durations import parse_duration
from transactions.errors import AndonError
from transactions.landscape import Semantics
from transactions.model import FailureKind, Risk
from transactions.people import Reach
from transactions.reconciliation.model import Kind, Reconciliation
from transactions.reconciliation.tolerance import Tolerance

log = structlog.get_logger("andon.causes")

FRESH = 2.0
"""Seconds for which causes are told again as they were."""
_MOST_REACHES = 50
_MOST_DIFFERENCES = 2_000
_MOST_LOTS = 500

Losses = Callable[[], Mapping[str, Mapping[str, int]]]


class Diagnostician:
    """Names the causes of trouble.

    Args:
        losses: what was lost on the way to each instance lately, by code.
        answering: when each instance that answers now did last.
    """

    def __init__(
        self,
        database: Database,
        landscape: Landscape,
        reconciler: Reconciler,
        losses: Losses,
        clock: Clock,
        answering: Callable[[], Mapping[str, datetime]] = dict,
    ) -> None:
        self._database, self._landscape, self._reconciler = database, landscape, reconciler
        self._losses, self._answering, self._clock = losses, answering, clock
        self._repeats = Repeats(landscape.catalogue)
        self._known: dict[Reach, tuple[float, Causes]] = {}

    async def causes(
        self, reach: Reach, condition: ColumnElement[bool] | None = None, *, reconcile: bool = False
    ) -> Causes:
        """Every cause within reach, the one that blocks most first.

        Args:
            condition: cuts down which transactions are looked at.
            reconcile: ask the systems what they hold as well, which shows what no failure tells of.
        """
        if condition is None and not reconcile:
            known = self._known.get(reach)
            if known is not None and time.monotonic() - known[0] < FRESH:
                return known[1]
        told = await self._reconciled(reach) if reconcile else []
        losses = {label: dict(codes) for label, codes in self._losses().items()}
        now = self._clock.now()
        found = await self._database.read(lambda c: self._diagnosed(c, reach, condition, told, losses, now))
        found = structs.replace(found, reconciled=reconcile)
        if condition is None and not reconcile:
            self._remember(reach, found)
        return found

    def _remember(self, reach: Reach, found: Causes) -> None:
        while len(self._known) >= _MOST_REACHES:
            del self._known[next(iter(self._known))]
        self._known[reach] = (time.monotonic(), found)

    def _diagnosed(
        self,
        connection: Connection,
        reach: Reach,
        condition: ColumnElement[bool] | None,
        told: list[Reconciliation],
        losses: dict[str, dict[str, int]],
        now: datetime,
    ) -> Causes:
        masks, micros = self._landscape.masks, to_micros(now)
        behind, held = waiting(connection, reach, masks, micros)
        cells, left = cells_of(connection, reach, masks, condition)
        symptoms, replaced = symptoms_of(
            connection, cells, behind, condition, self._landscape.catalogue.flow, masks, micros
        )
        whole = condition is None
        evidence = Evidence(
            symptoms=[*symptoms, *(held if whole else ())],
            losses=losses,
            answering=dict(self._answering()),
            alike=_alike(connection, symptoms, reach, masks),
            twins=self._repeats.twins(connection, reach) if whole else [],
            replaced=replaced,
            lost=lost_in(connection, told, reach),
            skewed=skewed_in(connection, told, self._landscape, reach),
        )
        found = diagnose(evidence, surroundings(self._landscape))
        return structs.replace(found, looked_at=found.looked_at + len(replaced) + left, unexplained=left)

    async def _reconciled(self, reach: Reach) -> list[Reconciliation]:
        """What every kind of reconciliation says; one that cannot be made within this reach says nothing."""
        kinds = [kind for kind in Kind if kind in self._landscape.catalogue.reconciliation]
        return [one for one in await asyncio.gather(*(self._one(kind, reach) for kind in kinds)) if one is not None]

    async def _one(self, kind: Kind, reach: Reach) -> Reconciliation | None:
        wanted = Wanted(kind=kind, as_of=None, tolerance=Tolerance(), plant=None, limit=_MOST_DIFFERENCES)
        try:
            return await self._reconciler.reconcile(wanted, reach)
        except AndonError as error:  # nothing of it is within this reach, or no system can be compared
            log.info("causes.not-reconciled", kind=kind, because=error.detail)
            return None


def _alike(connection: Connection, symptoms: Iterable[Symptom], reach: Reach, masks: Masks) -> dict[str, str]:
    """For lots that no target knows, the known one that each looks like, where the one who asks may know of it."""
    unknown = {
        lot: other
        for one in symptoms
        if one.kind is FailureKind.MASTER_DATA
        for lot in one.objects.get("lot", ())
        if (other := meant(lot)) is not None
    }
    if not unknown:
        return {}
    hidden = masks.keys.get("lot", [])
    known = set(
        connection.execute(
            select(business_keys.c.value)
            .join(transactions, transactions.c.seq == business_keys.c.tx_seq)
            .where(
                business_keys.c.name == "lot",
                business_keys.c.value.in_(sorted(set(unknown.values()))[:_MOST_LOTS]),
                transactions.c.flow.not_in(hidden),
                *within(reach, transactions),
            )
            .distinct()
        ).scalars()
    )
    return {lot: other for lot, other in unknown.items() if other in known}


def surroundings(landscape: Landscape) -> Surroundings:
    """The landscape as a diagnosis wants it."""
    catalogue = landscape.catalogue
    return Surroundings(
        systems={
            name: SystemFacts(owner=system.owner, local=system.local, asks=system.lookup is not None)
            for name, system in catalogue.system.items()
        },
        flows={
            name: FlowFacts(
                owner=flow.owner,
                risk=flow.risk,
                place=place,
                fixed=frozenset(
                    key for key in (*flow.identity, flow.object, flow.version, *(flow.order_by or "").split("+")) if key
                ),
            )
            for place, (name, flow) in enumerate(_chain(catalogue.flow))
        },
    )


def _chain(flows: Mapping[str, FlowDeclaration]) -> list[tuple[str, FlowDeclaration]]:
    """Flows in the order in which they are sent: holds of quality first, then along what each requires."""

    def depth(name: str, on_the_way: frozenset[str] = frozenset()) -> int:
        flow = flows.get(name)
        if flow is None or name in on_the_way:
            return 0
        return max((1 + depth(need.flow, on_the_way | {name}) for need in flow.requires), default=0)

    def key(item: tuple[str, FlowDeclaration]) -> tuple[bool, int, float, str]:
        name, flow = item
        first = flow.risk is Risk.QUALITY and flow.semantics is Semantics.SNAPSHOT
        return not first, depth(name), parse_duration(flow.slo).total_seconds(), name

    return sorted(flows.items(), key=key)
