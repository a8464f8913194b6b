"""Key figures in the Prometheus text format: counters and histograms since the beginning, gauges of now.

Labels are plant, flow and target as they are declared, so that the number of series is bounded by what is declared.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from hub.kpis.asking import Cut, open_by_age, reconciled
from hub.kpis.counting import SUMS
from hub.kpis.running import Running
from hub.metrics import Labels, family
from transactions.kpis.counts import Measure, Span
from transactions.kpis.definitions import AGES
from transactions.kpis.reporting import Place
from transactions.kpis.spans import longest
from transactions.people import EVERYTHING

EDGES = tuple(range(4, 112, 8))
"""Slots whose upper ends are the buckets' edges: from 0.02 s up, each four times the one before."""

_COUNTERS = (
    (Measure.RECEIVED, "andon_received_total", "Transactions that came in."),
    (Measure.POSTED, "andon_posted_total", "Times that a transaction was posted in its target."),
    (Measure.DUPLICATES, "andon_duplicates_total", "Transactions that their target had from somebody else."),
    (Measure.REPEATED, "andon_repeated_total", "Documents that a source sent again under their key, by target."),
    (Measure.FAILED, "andon_failed_total", "Times that a transaction failed."),
    (Measure.STUCK, "andon_stuck_total", "Times that a target parked a transaction, or posted a part of it."),
    (Measure.FIRST_TRIED, "andon_first_deliveries_total", "First deliveries that came to something."),
    (Measure.FIRST_PASSED, "andon_first_deliveries_posted_total", "First deliveries that were posted at once."),
    (Measure.REPLAYED, "andon_replays_total", "Transactions that a plan sent again."),
    (Measure.REPLAY_POSTED, "andon_replays_posted_total", "Replays that were posted."),
    (Measure.REPLAY_FAILED, "andon_replays_failed_total", "Replays that failed, were parked or posted in part."),
    (Measure.TOUCHED, "andon_manual_touches_total", "Times that a person acted on a transaction."),
)
_HISTOGRAMS = (
    (Span.POSTED, "andon_posting_seconds", "From coming in to being posted."),
    (Span.RESOLVED, "andon_resolve_seconds", "From first needing somebody to being closed."),
    (Span.REACHED, "andon_propagation_seconds", "From a document coming in to the last of its targets having it."),
)


def expose(connection: Connection, running: Running, now: datetime) -> str:
    """The families of key figures."""
    counts = running.counts()
    lines: list[str] = []
    for measure, name, text in _COUNTERS:
        found = [(_labels(place), numbers[measure]) for place, numbers in counts if numbers[measure]]
        lines += family(name, "counter", text, found)
    sums = {(place, measure): numbers[measure] for place, numbers in counts for measure in SUMS.values()}
    for span, name, text in _HISTOGRAMS:
        lines += [f"# HELP {name} {text}", f"# TYPE {name} histogram"]
        for place, slots in running.spans(span):
            lines += _histogram(name, place, slots, sums.get((place, SUMS[span]), 0) / 1_000)
    everything = Cut(EVERYTHING)
    lines += family("andon_exceptions", "gauge", "Open exceptions by age.", _by_age(connection, now, everything))
    results = reconciled(connection, everything)
    for name, text, values in (
        (
            "andon_reconciliation_compared",
            "Values compared by the newest reconciliation.",
            [r.compared for r in results],
        ),
        ("andon_reconciliation_differences", "Differences that it found.", [r.differences for r in results]),
        ("andon_reconciliation_timestamp_seconds", "When it was.", [int(r.at.timestamp()) for r in results]),
    ):
        labels = [{"kind": each.kind, "plant": each.plant} for each in results]
        lines += family(name, "gauge", text, zip(labels, values, strict=True))
    return "\n".join(lines) + "\n"


def _by_age(connection: Connection, now: datetime, cut: Cut) -> Iterable[tuple[Labels, int]]:
    for (plant, flow), ages in sorted(open_by_age(connection, now, cut).items()):
        for (label, _), count in zip(AGES, ages, strict=True):
            yield {"plant": plant, "flow": flow, "age": label}, count


def _labels(place: Place) -> Labels:
    plant, flow, target = place
    return {"plant": plant, "flow": flow, "target": target}


def _histogram(name: str, place: Place, slots: Counter[int], total: float) -> list[str]:
    labels, lines, below = _labels(place), [], 0
    edges = iter(sorted(slots))
    waiting = next(edges, None)
    for edge in (*EDGES, None):
        while waiting is not None and (edge is None or waiting <= edge):
            below += slots[waiting]
            waiting = next(edges, None)
        upper = math.inf if edge is None else longest(edge)
        shown = {**labels, "le": "+Inf" if math.isinf(upper) else f"{upper:g}"}
        lines += family(f"{name}_bucket", None, None, [(shown, below)])
    lines += family(f"{name}_sum", None, None, [(labels, total)])
    return lines + family(f"{name}_count", None, None, [(labels, below)])
