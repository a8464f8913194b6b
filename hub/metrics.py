"""Metrics in the Prometheus text format (0.0.4)."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, Table, func, select

from hub.store.schema import audit, batches, events, tallies

Labels = dict[str, str]


def exposition(connection: Connection, breakers: dict[str, str], writable: bool = True, search_behind: int = 0) -> str:
    """Everything ``/metrics`` shows.

    Args:
        connection: a reader's.
        breakers: the state of each target's breaker.
        writable: whether the store takes writes.
        search_behind: transactions that the index of the search does not have yet.
    """
    rows = connection.execute(
        select(tallies.c.status, tallies.c.flow, tallies.c.target, tallies.c.plant, func.sum(tallies.c.count)).group_by(
            tallies.c.status, tallies.c.flow, tallies.c.target, tallies.c.plant
        )
    ).all()
    found = [
        ({"status": status, "flow": flow, "target": target, "plant": plant}, int(count))
        for status, flow, target, plant, count in rows
    ]
    running = connection.execute(select(batches.c.state, func.count()).group_by(batches.c.state)).all()
    lines = [
        *family("andon_transactions", "gauge", "Transactions by status, flow, target and plant.", found),
        *family("andon_batches", "gauge", "Batches by state.", [({"state": state}, n) for state, n in running]),
        *family(
            "andon_breaker_open",
            "gauge",
            "1 while the breaker of a target is not closed.",
            [({"target": label}, int(state != "closed")) for label, state in sorted(breakers.items())],
        ),
        *family(
            "andon_search_behind",
            "gauge",
            "Transactions that the index of the search does not have yet.",
            [({}, search_behind)],
        ),
        *family("andon_store_writable", "gauge", "0 while the store takes no writes.", [({}, int(writable))]),
        *family("andon_events_total", "counter", "Events ever written.", [({}, _newest(connection, events))]),
        *family("andon_audit_total", "counter", "Entries of the audit chain.", [({}, _newest(connection, audit))]),
    ]
    return "\n".join(lines) + "\n"


def _newest(connection: Connection, table: Table) -> int:
    newest: int | None = connection.execute(select(func.max(table.c.seq))).scalar()
    return newest or 0


def family(name: str, kind: str | None, text: str | None, samples: Iterable[tuple[Labels, float]]) -> list[str]:
    """One family of samples; without ``kind``, the samples alone."""
    lines = [] if kind is None else [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
    for labels, value in samples:
        inside = ",".join(f'{label}="{_escaped(said)}"' for label, said in labels.items())
        lines.append(f"{name}{{{inside}}} {value}" if inside else f"{name} {value}")
    return lines


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
