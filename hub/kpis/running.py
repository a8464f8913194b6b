"""Numbers since the beginning, in memory, for who scrapes them: summed once at the start, added to at every commit."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict

from sqlalchemy import Connection, func, select

from hub.store.database import Database
from hub.store.journal import Journal
from hub.store.schema import kpi_counts, kpi_spans
from transactions.kpis.counts import Measure, Span
from transactions.kpis.reporting import Place
from transactions.kpis.windows import DAY, HOUR

_MEASURES = [measure.value for measure in Measure]


class Running:
    """What was ever counted, by place."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()  # added to in the writer's thread, read in the readers'
        self._follows = False
        self._counts: dict[Place, Counter[Measure]] = defaultdict(Counter)
        self._spans: dict[tuple[Place, Span], Counter[int]] = defaultdict(Counter)

    async def start(self) -> None:
        """Sum what is stored, then follow; in one job of the writer, so that nothing is counted twice or left out."""
        await self._database.write(self._begin)

    def _begin(self, connection: Connection) -> None:
        with self._lock:
            self._read(connection)
        if not self._follows:  # what else is in this group is not in the tables yet, and told with its commit
            self._database.writer.on_commit(self._committed)
            self._follows = True

    def _read(self, connection: Connection) -> None:
        counts, spans = kpi_counts.c, kpi_spans.c
        place = (counts.plant, counts.flow, counts.target)
        question = (
            select(*place, *(func.sum(counts[name]).label(name) for name in _MEASURES))
            .where(counts.grain.in_((HOUR, DAY)))
            .group_by(*place)
        )
        self._counts.clear()
        self._spans.clear()
        for row in connection.execute(question):
            self._counts[row.plant, row.flow, row.target] = Counter(
                {measure: int(getattr(row, measure.value)) for measure in Measure}
            )
        keys = (spans.plant, spans.flow, spans.target, spans.span, spans.slot)
        lengths = (
            select(*keys, func.sum(spans.count).label("times")).where(spans.grain.in_((HOUR, DAY))).group_by(*keys)
        )
        for row in connection.execute(lengths):
            self._spans[(row.plant, row.flow, row.target), Span(row.span)][row.slot] += int(row.times)

    def _committed(self, told: Journal) -> None:
        with self._lock:
            for (_, plant, flow, target, measure), number in told.kpis.counts.items():
                self._counts[plant, flow, target][measure] += number
            for (_, plant, flow, target, span, slot), times in told.kpis.spans.items():
                self._spans[(plant, flow, target), span][slot] += times

    def counts(self) -> list[tuple[Place, Counter[Measure]]]:
        """What was counted, by place, in the order of their names."""
        with self._lock:
            return sorted((place, Counter(found)) for place, found in self._counts.items())

    def spans(self, span: Span) -> list[tuple[Place, Counter[int]]]:
        """How many spans each slot holds, by place."""
        with self._lock:
            return sorted((place, Counter(found)) for (place, which), found in self._spans.items() if which is span)
