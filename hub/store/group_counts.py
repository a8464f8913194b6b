"""What is counted of groups: when they were seen at each plant, their trend, what is due when, and how replays ended.

Kept on every change, beside the tallies, and written with the group of jobs that made the change; so that no list of
groups looks at the transactions themselves. Transactions that never failed are in no group and cost nothing here.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, case, update

from hub.store.counting import HALF_HOUR, adding, dropping_zeros, upsert
from hub.store.schema import group_due, group_failures_by_half_hour, group_plants
from transactions.model import Status

SLOT = 300_000_000
"""Microseconds of a slot in ``group_due``."""

GroupPlant = tuple[str, str]
DueKey = tuple[str, str, str, int]

_ENDED = (
    update(group_plants)
    .where(group_plants.c.fingerprint == bindparam("of_group"), group_plants.c.plant == bindparam("of_plant"))
    .values(
        replayed=group_plants.c.replayed + bindparam("ended"),
        repeated=group_plants.c.repeated + bindparam("again"),
    )
)


class GroupCounts:
    """What is still to be counted of groups with the running group of jobs; ``''`` is the plant of what has none."""

    def __init__(self) -> None:
        self.seen: dict[GroupPlant, tuple[int, int]] = {}
        self.trend: Counter[tuple[str, int, str]] = Counter()
        self.due: Counter[DueKey] = Counter()
        self.ended: Counter[GroupPlant] = Counter()
        self.repeated: Counter[GroupPlant] = Counter()

    def saw(self, group: str, plant: str, moment: int) -> None:
        """A transaction of ``plant`` came into ``group`` at ``moment`` (microseconds)."""
        first, last = self.seen.get((group, plant), (moment, moment))
        self.seen[group, plant] = (min(first, moment), max(last, moment))

    def failed(self, group: str, plant: str, moment: int) -> None:
        """One of the failures that the trend shows."""
        self.trend[group, moment // HALF_HOUR, plant] += 1

    def count_due(self, status: Status, group: str | None, plant: str, due_at: int | None, change: int) -> None:
        """A transaction is (``change`` 1) or is no longer (-1) in ``status`` and ``group``."""
        if group and due_at is not None:
            self.due[status, group, plant, due_at // SLOT] += change

    def replay_ended(self, group: str, plant: str, *, repeated: bool) -> None:
        """A transaction that failed in ``group`` and was sent again has an outcome; ``repeated``: the same failure."""
        self.ended[group, plant] += 1
        self.repeated[group, plant] += repeated

    def write(self, connection: Connection) -> None:
        """Add it to the tables."""
        dialect = connection.dialect.name
        if self.seen:
            rows = [
                {"fingerprint": group, "plant": plant, "first_seen": first, "last_seen": last}
                for (group, plant), (first, last) in self.seen.items()
            ]
            connection.execute(_saw(dialect), [{**row, "replayed": 0, "repeated": 0} for row in rows])
        if self.trend:
            names = ("fingerprint", "half_hour", "plant")
            connection.execute(
                adding(dialect, group_failures_by_half_hour),
                [{**dict(zip(names, key, strict=True)), "count": n} for key, n in self.trend.items()],
            )
        if self.due:
            self._write_due(connection)
        if self.ended:
            connection.execute(
                _ENDED,
                [
                    {"of_group": group, "of_plant": plant, "ended": n, "again": self.repeated[group, plant]}
                    for (group, plant), n in self.ended.items()
                ],
            )

    def _write_due(self, connection: Connection) -> None:
        names = ("status", "fingerprint", "plant", "slot")
        changed = [(dict(zip(names, key, strict=True)), n) for key, n in self.due.items() if n]
        if changed:
            connection.execute(adding(connection.dialect.name, group_due), [{**key, "count": n} for key, n in changed])
        lower = [{f"of_{name}": value for name, value in key.items()} for key, n in changed if n < 0]
        if lower:
            connection.execute(dropping_zeros(group_due), lower)


@lru_cache(maxsize=4)
def _saw(dialect: str) -> Any:
    statement = upsert(dialect, group_plants)
    new, old = statement.excluded, group_plants.c
    return statement.on_conflict_do_update(
        index_elements=["fingerprint", "plant"],
        set_={
            "first_seen": case((new.first_seen < old.first_seen, new.first_seen), else_=old.first_seen),
            "last_seen": case((new.last_seen > old.last_seen, new.last_seen), else_=old.last_seen),
        },
    )
