"""Calls at the gateway since the hub began, for who scrapes them."""

from __future__ import annotations

import threading
from collections import Counter

from gateway_policies.traffic.counting import Tally
from gateway_policies.traffic.outcomes import Outcome
from hub.metrics import family

MOST_APIS = 200
"""That have series of their own; the calls of more are told together."""
OTHERS = "(others)"


class UsageRunning:
    """Calls by API and outcome. Consumers are left out: there may be thousands, and each would be a series."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # added to on the event loop, read wherever
        self._calls: Counter[tuple[str, Outcome]] = Counter()
        self._apis: set[str] = set()
        self._unreadable = 0

    def add(self, tally: Tally) -> None:
        """Add what was counted."""
        with self._lock:
            self._unreadable += tally.unreadable
            for (_, kind), seen in tally.counts.items():
                api = kind.api
                if api and api not in self._apis:
                    if len(self._apis) < MOST_APIS:
                        self._apis.add(api)
                    else:
                        api = OTHERS
                self._calls[api, kind.outcome] += seen.calls

    def exposition(self, behind: int) -> str:
        """The families, in the text format of Prometheus.

        Args:
            behind: bytes of the log that are not counted yet.
        """
        with self._lock:
            calls, unreadable = sorted(self._calls.items()), self._unreadable
        lines = [
            *family(
                "andon_gateway_requests_total",
                "counter",
                "Calls at the gateway by API and what came of them.",
                [({"api": api, "outcome": str(outcome)}, number) for (api, outcome), number in calls],
            ),
            *family(
                "andon_gateway_log_unreadable_total",
                "counter",
                "Lines of the access log that could not be read.",
                [({}, unreadable)],
            ),
            *family(
                "andon_gateway_log_behind_bytes",
                "gauge",
                "Bytes of the access log that are not counted yet.",
                [({}, behind)],
            ),
        ]
        return "\n".join(lines) + "\n"
