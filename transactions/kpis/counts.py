"""What is counted of the life of transactions; every key figure is made of these numbers alone.

A number is counted at a moment. Most are counted when something happens. Those about what became of the transactions
of a window are counted at the moment the transaction came in, or fell due, however much later it happens; so that sums
over a window speak of the same transactions above and below the line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct, field


class Measure(StrEnum):
    """A number that is counted, and (in its comment) at which moment."""

    RECEIVED = "received"  # when it came in
    APPLIED = "applied"  # when it came in: its target has it now
    WRITTEN_OFF = "written_off"  # when it came in: it was discarded or compensated
    OWED = "owed"  # when it is due
    IN_TIME = "in_time"  # when it is due: its target had it by then
    OPEN = "open"  # when it failed last: it needs a person, or an answer from the target, now
    POSTED = "posted"
    POSTED_MS = "posted_ms"  # from coming in to being posted, milliseconds in all
    DUPLICATES = "duplicates"  # the target had it from somebody else
    REPEATED = "repeated"  # the source sent it again under its key
    FAILED = "failed"
    STUCK = "stuck"  # parked in the target, or posted in part
    FIRST_TRIED = "first_tried"  # the first delivery came to something
    FIRST_PASSED = "first_passed"  # it was posted with the first delivery
    REPLAYED = "replayed"
    REPLAY_POSTED = "replay_posted"
    REPLAY_FAILED = "replay_failed"
    TOUCHED = "touched"  # a person replayed, edited, discarded, restored, resolved, reopened or compensated it
    RESOLVED = "resolved"  # it had needed somebody, and is closed
    RESOLVED_MS = "resolved_ms"  # from first needing somebody to being closed, milliseconds in all
    DOCUMENTS = "documents"  # when it came in; of flows that are followed until the last target
    REACHED = "reached"  # when it came in: every target of the document has it
    REACHED_MS = "reached_ms"  # from coming in to the last target having it, milliseconds in all


class Span(StrEnum):
    """A span of time of which quantiles are told."""

    POSTED = "posted"
    RESOLVED = "resolved"
    REACHED = "reached"


class Totals(Struct):
    """Numbers of one window, of everything or of one plant or flow."""

    counts: Counter[Measure] = field(default_factory=Counter)
    spans: dict[Span, Counter[int]] = field(default_factory=dict)

    def __getitem__(self, measure: Measure) -> int:
        return self.counts[measure]

    def span(self, span: Span) -> Counter[int]:
        """How many spans each slot holds."""
        return self.spans.get(span) or Counter()

    def add(self, other: Totals) -> None:
        """Count what the other counted as well."""
        self.counts.update(other.counts)
        for span, slots in other.spans.items():
            self.spans.setdefault(span, Counter()).update(slots)


def summed(parts: Iterable[Totals]) -> Totals:
    """All of them together."""
    found = Totals()
    for part in parts:
        found.add(part)
    return found
