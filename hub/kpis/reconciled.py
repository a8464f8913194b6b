"""What reconciliations came to, remembered by plant: some key figures are what the systems said last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection

from hub.store.counting import upsert
from hub.store.schema import reconciliations
from transactions.clock import to_micros
from transactions.kpis.model import Reconciled
from transactions.reconciliation.model import Kind


def results(
    kind: Kind,
    *,
    at: datetime,
    as_of: datetime,
    compared: Mapping[str, int],
    differing: Iterable[tuple[str, bool]],
    complete: bool,
) -> list[Reconciled]:
    """What one reconciliation came to at each plant of which anything was compared.

    Args:
        compared: values by plant.
        differing: of each difference, its plant and whether a transaction explains it.
    """
    differences: Counter[str] = Counter()
    unexplained: Counter[str] = Counter()
    for plant, explained in differing:
        differences[plant] += 1
        unexplained[plant] += not explained
    return [
        Reconciled(
            kind=kind,
            plant=plant,
            at=at,
            as_of=as_of,
            compared=number,
            differences=differences[plant],
            unexplained=unexplained[plant],
            complete=complete,
        )
        for plant, number in sorted(compared.items())
        if number
    ]


def remember_results(connection: Connection, found: list[Reconciled]) -> None:
    """Keep what a reconciliation came to; one at the same moment is replaced."""
    statement = upsert(connection.dialect.name, reconciliations)
    keys = ["kind", "plant", "at"]
    others = [column.name for column in reconciliations.c if column.name not in keys]
    connection.execute(
        statement.on_conflict_do_update(index_elements=keys, set_={name: statement.excluded[name] for name in others}),
        [
            {
                "kind": str(each.kind),
                "plant": each.plant,
                "at": to_micros(each.at),
                "as_of": to_micros(each.as_of),
                "compared": each.compared,
                "differences": each.differences,
                "unexplained": each.unexplained,
                "complete": int(each.complete),
            }
            for each in found
        ],
    )
