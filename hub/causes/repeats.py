"""Events that a source sent more than once, under other message ids: found among what came in since the last look."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from hub.declarations import Catalogue
from hub.store.reach import within
from hub.store.schema import business_keys, corrections, reversals, transactions
from transactions.causes.symptoms import Twin
from transactions.clock import from_micros
from transactions.model import Status
from transactions.people import Reach

LOOKED_BACK = 10_000
"""Transactions that the first look after a start goes back; what came in before is taken to have been dealt with."""
MOST_EVENTS = 5_000
_CHUNK = 400

_VOID = (Status.DISCARDED, Status.COMPENSATED, Status.COMPENSATING, Status.DUPLICATE, Status.RESOLVED)
"""What no target has, will get, or has under another number: it doubles nothing."""
_POSTED = (Status.PROCESSED, Status.SENT, Status.IN_DOUBT, Status.PARKED, Status.PARTLY_PROCESSED)

_Event = tuple[str, str, str, str]  # flow, source, target, values of the identity

_ROWS = select(
    transactions.c.seq,
    transactions.c.id,
    transactions.c.flow,
    transactions.c.source,
    transactions.c.target,
    transactions.c.plant,
    transactions.c.status,
    transactions.c.created_at,
    transactions.c.business_keys,
)


class Repeats:
    """Remembers which events came more than once; each look goes over what came in since the one before."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._identity = {name: flow.identity for name, flow in catalogue.flow.items() if flow.identity}
        self._seen: int | None = None
        self._events: dict[_Event, set[int]] = {}
        self._lock = threading.Lock()

    def twins(self, connection: Connection, reach: Reach) -> list[Twin]:
        """The transactions that tell an event once more and are posted, or may be."""
        with self._lock:
            self._look(connection)
            events = [sorted(seqs) for seqs in self._events.values()]
        rows = {row.seq: row for row in self._rows(connection, [seq for seqs in events for seq in seqs], reach)}
        found = []
        for seqs in events:
            members = [rows[seq] for seq in seqs if seq in rows and rows[seq].status not in _VOID]
            stays = next((row for row in members if row.status in _POSTED), members[0] if members else None)
            found += [_twin(row, stays) for row in members if stays is not None and row is not stays]
        return found

    def _look(self, connection: Connection) -> None:
        newest = connection.execute(select(func.max(transactions.c.seq))).scalar() or 0
        if self._seen is None:
            self._seen = max(0, newest - LOOKED_BACK)
        if self._seen < newest:  # what more there is, the next look goes over
            upto = min(newest, self._seen + LOOKED_BACK)
            came = connection.execute(_ROWS.where(transactions.c.seq > self._seen, transactions.c.seq <= upto)).all()
            self._compare(connection, came)
            self._seen = upto
        while len(self._events) > MOST_EVENTS:
            del self._events[next(iter(self._events))]

    def _compare(self, connection: Connection, came: Iterable[Any]) -> None:
        values: dict[str, set[str]] = defaultdict(set)  # name of the first key of an identity → its values
        events: set[_Event] = set()
        for row in came:
            event = self._event(row)
            if event is not None:
                events.add(event)
                values[self._identity[row.flow][0]].add(msgspec.json.decode(event[3], type=list[str])[0])
        alike: dict[_Event, set[int]] = defaultdict(set)
        for name, wanted in values.items():
            again = list(self._more_than_once(connection, name, sorted(wanted)))
            for row in self._about(connection, name, again):
                event = self._event(row)
                if event in events:
                    alike[event].add(row.seq)
        for event, seqs in alike.items():
            if len(seqs) > 1:
                self._events.setdefault(event, set()).update(seqs)

    def _more_than_once(self, connection: Connection, name: str, values: list[str]) -> Iterator[str]:
        """The values that several transactions of one flow to one target have: most have one."""
        table = transactions.c
        query = (
            select(business_keys.c.value)
            .join(transactions, table.seq == business_keys.c.tx_seq)
            .where(business_keys.c.name == name)
            .group_by(business_keys.c.value, table.flow, table.source, table.target, table.plant)
            .having(func.count() > 1)
        )
        for start in range(0, len(values), _CHUNK):
            chunk = values[start : start + _CHUNK]
            yield from set(connection.execute(query.where(business_keys.c.value.in_(chunk))).scalars())

    def _event(self, row: Any) -> _Event | None:
        names = self._identity.get(row.flow)
        if names is None:
            return None
        keys = msgspec.json.decode(row.business_keys, type=dict[str, str])
        values = [keys.get(name) for name in names]
        if None in values:
            return None
        return row.flow, row.source, f"{row.target} {row.plant or ''}", msgspec.json.encode(values).decode()

    def _about(self, connection: Connection, name: str, values: list[str]) -> Iterator[Any]:
        query = (
            _ROWS.join(business_keys, business_keys.c.tx_seq == transactions.c.seq)
            .where(business_keys.c.name == name)
            .where(
                transactions.c.id.not_in(select(reversals.c.tx_id)),
                transactions.c.id.not_in(select(corrections.c.tx_id)),
            )
        )
        for start in range(0, len(values), _CHUNK):
            yield from connection.execute(query.where(business_keys.c.value.in_(values[start : start + _CHUNK])))

    def _rows(self, connection: Connection, seqs: list[int], reach: Reach) -> Iterator[Any]:
        for start in range(0, len(seqs), _CHUNK):
            chunk = seqs[start : start + _CHUNK]
            yield from connection.execute(_ROWS.where(transactions.c.seq.in_(chunk), *within(reach, transactions)))


def _twin(row: Any, stays: Any) -> Twin:
    return Twin(
        id=row.id,
        first=stays.id,
        status=Status(row.status),
        flow=row.flow,
        target=row.target,
        plant=row.plant,
        source=row.source,
        created_at=from_micros(row.created_at),
    )
