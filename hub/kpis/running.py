"""Numbers since the hub began, in memory, for who scrapes them: added to at every commit.

They begin at zero with the process, which is what a counter in Prometheus does: rates are told across it.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict

from hub.store.database import Database
from hub.store.journal import Journal
from transactions.kpis.counts import Measure, Span
from transactions.kpis.reporting import Place


class Running:
    """What was counted since the hub began, by place."""

    def __init__(self, database: Database) -> None:
        self._lock = threading.Lock()  # added to in the writer's thread, read in the readers'
        self._counts: dict[Place, Counter[Measure]] = defaultdict(Counter)
        self._spans: dict[tuple[Place, Span], Counter[int]] = defaultdict(Counter)
        database.writer.on_commit(self._committed)

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
