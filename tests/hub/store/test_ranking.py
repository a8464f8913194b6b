"""Ranks: kept with every change, so that the order by priority is read from an index and is right at every moment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from hub.masks import NO_MASKS
from hub.store.paging import order_of
from hub.store.questions import SORTABLE, STORED, transaction_page
from hub.store.ranking import rank_in
from hub.store.schema import transactions
from hub.store.transitions import fail, fetch, move, rank_again
from transactions.clock import to_micros
from transactions.model import Failure, FailureKind, Priority, Status
from transactions.priority import RANKED, priority_of
from transactions.states import Event

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FAILURE = Failure(
    kind=FailureKind.BUSINESS_RULE, help=FailureKind.BUSINESS_RULE.help, code="M7021", message="no", system="ERP"
)
ON_LINE = '{"order":"4711","line":"P01-L1"}'


def failed(connection: Any, add: Any, **fields: Any) -> str:
    tx_id: str = add(connection, status=Status.DELIVERING, **fields)
    fail(connection, fetch(connection, tx_id), FAILURE, now=NOON, by="hub")
    return tx_id


def behind(connection: Any, add: Any, tx_id: str, **fields: Any) -> str:
    """One that waits for ``tx_id``, as delivery makes it wait."""
    one: str = add(connection, **fields)
    values = {"hold_kind": "lane", "blocked_by": tx_id, "waiting_on": "sequence"}
    move(connection, fetch(connection, one), Event.HOLD, now=NOON, by="hub", text=None, values=values)
    rank_again(connection, tx_id)
    return one


def priority(connection: Any, tx_id: str) -> Priority | None:
    row = fetch(connection, tx_id)
    assert row is not None
    assert row.rank == rank_in(connection, row, Status(row.status)), "it is what it would be now"
    return None if row.rank is None else priority_of(row.rank)


async def test_what_needs_somebody_has_a_rank_and_loses_it_when_it_moves_on(store, add) -> None:
    def job(connection: Any) -> None:
        tx_id = add(connection, due_at=to_micros(NOON))
        assert priority(connection, tx_id) is None
        move(connection, fetch(connection, tx_id), Event.DISPATCH, now=NOON, by="hub", text=None)
        assert priority(connection, tx_id) is None
        fail(connection, fetch(connection, tx_id), FAILURE, now=NOON, by="hub")
        assert priority(connection, tx_id) is Priority.DUE
        move(connection, fetch(connection, tx_id), Event.RUN, now=NOON, by="ann", text=None)
        assert priority(connection, tx_id) is None

    await store.write(job)


async def test_a_downtime_that_did_not_arrive_is_a_line_that_is_down_until_its_end_waits_behind_it(store, add) -> None:
    def job(connection: Any) -> None:
        lane = {"flow": "downtime-event", "lane": "CMMS|P01|equipment=P01-L1-M1", "target": "CMMS", "risk": "low"}
        start = failed(connection, add, line_down=1, **lane)
        assert priority(connection, start) is Priority.LINE_DOWN
        behind(connection, add, start, flow="maintenance-order", target="CMMS", lane="CMMS|P01|other")
        assert priority(connection, start) is Priority.LINE_DOWN
        end = behind(connection, add, start, **lane)
        assert priority(connection, start) is Priority.DUE
        move(connection, fetch(connection, end), Event.DISCARD, now=NOON, by="ann", text=None)
        assert priority(connection, start) is Priority.LINE_DOWN

    await store.write(job)


async def test_an_order_that_waits_on_a_line_lifts_what_holds_it(store, add) -> None:
    def job(connection: Any) -> None:
        holds = failed(connection, add, business_keys=ON_LINE)
        alone = failed(connection, add, business_keys=ON_LINE)
        off = failed(connection, add, business_keys='{"order":"4711"}')
        assert priority(connection, holds) is Priority.DUE
        one = behind(connection, add, holds)
        two = behind(connection, add, holds)
        behind(connection, add, off)
        assert [priority(connection, each) for each in (holds, alone, off)] == [
            Priority.LINE_WAITS,
            Priority.DUE,
            Priority.DUE,
        ]
        for waiting, expected in ((one, Priority.LINE_WAITS), (two, Priority.DUE)):
            move(connection, fetch(connection, waiting), Event.DISCARD, now=NOON, by="ann", text=None)
            assert priority(connection, holds) is expected

    await store.write(job)


async def test_what_waited_before_it_failed_counts_as_well(store, add) -> None:
    def job(connection: Any) -> None:
        moving = add(connection, status=Status.DELIVERING, business_keys=ON_LINE)
        behind(connection, add, moving)
        assert priority(connection, moving) is None
        fail(connection, fetch(connection, moving), FAILURE, now=NOON, by="hub")
        assert priority(connection, moving) is Priority.LINE_WAITS

    await store.write(job)


EVENTS = [
    Event.DISPATCH,
    Event.HOLD,
    Event.RELEASE,
    Event.FAIL,
    Event.PROCESSED,
    Event.RUN,
    Event.DISCARD,
    Event.RESTORE,
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(steps=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(EVENTS), st.integers(0, 3)), max_size=30))
def test_after_any_history_every_rank_is_what_it_would_be(tmp_path_factory, steps) -> None:
    from hub.store.database import open_database
    from transactions.states import allowed

    store = open_database(tmp_path_factory.mktemp("store"))
    try:
        with store.engine.begin() as connection:
            ids = []
            for n in range(4):
                connection.execute(
                    transactions.insert(),
                    {
                        "id": f"t{n}", "flow": "f", "plant": "P01", "source": "MES", "target": "ERP",
                        "status": Status.PENDING, "risk": "low", "created_at": n, "due_at": 100 + n, "attempts": 0,
                        "business_keys": ON_LINE, "correlation_id": "c", "idempotency_key": f"k{n}", "lane": "l",
                        "key_origin": "recipe", "content_type": "application/json", "payload_sha256": "ab",
                        "revision": 1, "version": 1, "definitive": 1, "lookups": 0, "tries": 0, "line_down": n % 2,
                    },
                )  # fmt: skip
                ids.append(f"t{n}")
            for which, event, other in steps:
                row = fetch(connection, ids[which])
                if row is None or not allowed(Status(row.status), event):
                    continue
                if event is Event.FAIL:
                    fail(connection, row, FAILURE, now=NOON, by="hub")
                elif event is Event.HOLD and other < which:
                    values = {"hold_kind": "lane", "blocked_by": ids[other], "waiting_on": "sequence"}
                    move(connection, row, event, now=NOON, by="hub", text=None, values=values)
                    rank_again(connection, ids[other])
                elif event is not Event.HOLD:
                    move(connection, row, event, now=NOON, by="hub", text=None)
            for tx_id in ids:
                row = fetch(connection, tx_id)
                assert row is not None
                status = Status(row.status)
                assert (row.rank is not None) == (status in RANKED)
                assert row.rank == rank_in(connection, row, status)
    finally:
        store.close()


# pages


def page(connection: Any, sort: str, limit: int, cursor: str | None = None) -> Any:
    order = order_of(transactions, SORTABLE, sort, "id", STORED)
    return transaction_page(connection, lambda _: None, order, limit, cursor, NOON, NO_MASKS)


def walk(connection: Any, sort: str, limit: int, between: Any = None) -> list[str]:
    seen, cursor = [], None
    while True:
        found = page(connection, sort, limit, cursor)
        seen += [each.id for each in found.items]
        cursor = found.next_cursor
        if cursor is None:
            return seen
        if between is not None:
            between()


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
async def test_the_order_backwards_is_the_order_read_from_its_end(store, add, limit) -> None:
    """The console reads long lists from both ends."""

    def job(connection: Any) -> None:
        late = failed(connection, add, due_at=5, risk="low", line_down=0)
        down = failed(connection, add, due_at=9, risk="low", line_down=1)
        money = failed(connection, add, due_at=6, risk="financial")
        moving = [add(connection) for _ in range(3)]
        forward = walk(connection, "priority", limit)
        assert forward == [down, money, late, *sorted(moving)]
        assert walk(connection, "-priority", limit) == forward[::-1]

    await store.write(job)


async def test_every_row_comes_once_while_more_are_added(store, add) -> None:
    def job(connection: Any) -> None:
        there = [failed(connection, add, due_at=n * 1_000_000, risk="low") for n in range(6)]
        there += [add(connection) for _ in range(3)]
        for sort in ("priority", "-priority"):
            added = iter(range(100))

            def more(added: Any = added) -> None:
                failed(connection, add, due_at=next(added) * 700_000, risk="low")

            seen = walk(connection, sort, 2, more)
            assert len(seen) == len(set(seen))
            assert set(there) <= set(seen)

    await store.write(job)


@pytest.mark.parametrize("sort", ["priority", "-priority", "due_at", "-due_at"])
async def test_a_page_of_what_failed_is_read_from_an_index(store, add, sort) -> None:
    """No sorting, and no look at more rows than the page has."""
    order = order_of(transactions, SORTABLE, sort, "id", STORED)
    column = order.column.name

    def plan(connection: Any) -> str:
        direction = "DESC" if order.descending else "ASC"
        rows = connection.execute(
            text(
                f"EXPLAIN QUERY PLAN SELECT * FROM transactions WHERE status = 'failed' AND {column} IS NOT NULL"
                f" ORDER BY {column} {direction}, id {direction} LIMIT 51"
            )
        )
        return " ".join(str(row[-1]) for row in rows)

    told = await store.read(plan)
    assert "TEMP B-TREE" not in told
    assert "INDEX tx_status_" in told
