"""Groups from counters, from one index, and by looking at every transaction: three ways to one answer."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, and_, select, text, true

from hub.masks import NO_MASKS
from hub.store.database import Database
from hub.store.filter_sql import compile_filter
from hub.store.group_matching import TALLIED, Asked
from hub.store.groups import SORTS, group_page, one_group
from hub.store.reach import within
from hub.store.rows import to_transaction
from hub.store.schema import transactions
from hub.store.transitions import change, fail, fetch, move
from transactions.clock import from_micros, to_micros
from transactions.errors import BadCursor, Invalid, NotFound
from transactions.filters import parse
from transactions.filters.matching import matches
from transactions.filters.query import fields_of
from transactions.groups import Group
from transactions.model import Failure, FailureKind, Status
from transactions.pages import Cursor, Page, encode_cursor
from transactions.people import EVERYTHING, Reach
from transactions.states import CLOSED, Event

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NOW = NOON + timedelta(minutes=47, seconds=11)
OWNERS: dict[str, str | None] = {"material-consumption": "erp-team", "goods-receipt": "logistics", "labor-time": None}
Add = Callable[..., str]

BY_TALLIES = (
    "",
    "plant:P01",
    "plant:none",
    "-plant:P01",
    "flow:goods-receipt,labor-time",
    "target:W*",
    "kind:master-data",
    "help:data,decision",
    "-help:wait",
    "code:M1*",
    "owner:erp-team",
    "owner:none",
    "status:failed,parked",
    "-status:failed",
    "status:processed or plant:P02",
    "(status:failed or status:held) -target:ERP",
)
BY_ROWS = ("age>20m", "overdue:true plant:P01", "risk:financial kind:locked", "source:MES", "order:1", "id:01*")


def asked(filter_text: str, reach: Reach = EVERYTHING, *, tallied: bool | None = None) -> Asked:
    """As the API asks."""
    condition = compile_filter(filter_text, frozenset({"order"}), NOW) if filter_text else None
    fields = fields_of(parse(filter_text))
    parts = [true() if condition is None else condition, *within(reach, transactions)]
    if "status" not in fields:
        parts.append(transactions.c.status == Status.FAILED)
    known = fields <= TALLIED
    assert known is (filter_text in BY_TALLIES)
    return Asked(
        condition=and_(*parts),
        tallied=known if tallied is None else tallied,
        reach=reach,
        owners=OWNERS,
        now=NOW,
    )


async def filled(store: Database, add: Add, seed: int) -> None:
    """A store after a bad night: failed, held behind others, parked, processed and replayed ones."""
    chance = random.Random(seed)

    def job(connection: Connection) -> None:
        ids: list[str] = []
        for _ in range(60):
            flow = chance.choice(list(OWNERS))
            tx_id = add(
                connection,
                flow=flow,
                owner=OWNERS[flow],
                plant=chance.choice(["P01", "P02", None]),
                target=chance.choice(["ERP", "WMS"]),
                risk=chance.choice(["financial", "low"]),
                status=Status.DELIVERING,
                due_at=chance.choice([None, to_micros(NOW) + chance.randrange(-3_000_000_000, 400_000_000)]),
            )
            if ids and chance.random() < 0.25:
                held: Any = fetch(connection, tx_id)
                values = {"hold_kind": "lane", "blocked_by": chance.choice(ids)}
                move(connection, held, Event.RETRY, now=NOON, by="test", text=None)
                held = fetch(connection, tx_id)
                move(connection, held, Event.HOLD, now=NOON, by="test", text=None, values=values)
            else:
                kind = chance.choice([FailureKind.MASTER_DATA, FailureKind.LOCKED, FailureKind.PERIOD_CLOSED])
                failure = Failure(
                    kind=kind, help=kind.help, code=chance.choice(["M1", "M12", "F5"]), message="x y", system="ERP"
                )
                at = NOON + timedelta(minutes=chance.randrange(45))
                row: Any = fetch(connection, tx_id)
                fail(connection, row, failure, now=at, by="test")
                if chance.random() < 0.2:
                    row = fetch(connection, tx_id)
                    move(connection, row, Event.DISCARD, now=at, by="test", text=None)
            ids.append(tx_id)

    await store.write(job)


def recounted(connection: Connection, filter_text: str, reach: Reach) -> dict[str, dict[str, Any]]:
    """What looking at every transaction says."""
    query = parse(filter_text)
    rows = {row.id: row for row in connection.execute(select(transactions))}
    found: dict[str, dict[str, Any]] = defaultdict(lambda: {"plants": defaultdict(int), "overdue": 0, "members": []})
    for row in rows.values():
        transaction = to_transaction(row, NOW)
        wanted = matches(query, transaction, "", NOW) and reach.covers(row.plant, row.flow)
        if "status" not in fields_of(query):
            wanted = wanted and row.status == Status.FAILED
        if row.fingerprint is None or not wanted:
            continue
        group = found[row.fingerprint]
        group["plants"][row.plant or ""] += 1
        group["overdue"] += Status(row.status) not in CLOSED and row.due_at is not None and row.due_at < to_micros(NOW)
        group["members"].append(row)
    for group in found.values():
        behind = {member.id for member in group["members"]}
        waiting: set[str] = set()
        while more := {r.id for r in rows.values() if r.blocked_by in behind | waiting} - waiting:
            waiting |= more
        group["blocked"] = sum(reach.covers(rows[each].plant, rows[each].flow) for each in waiting)
        at = [member.failed_at for member in group["members"] if member.failed_at is not None]
        group["oldest"] = min(at, default=None)
        group["sample"] = max(group["members"], key=lambda member: (member.failed_at or 0, member.id)).id
    return found


def same(groups: list[Group], counted: dict[str, dict[str, Any]]) -> None:
    assert {group.fingerprint for group in groups} == set(counted)
    for group in groups:
        expected = counted[group.fingerprint]
        assert group.plants == expected["plants"]
        assert group.count == sum(expected["plants"].values())
        assert (group.overdue, group.blocked) == (expected["overdue"], expected["blocked"])
        assert group.oldest_failed_at == (None if expected["oldest"] is None else from_micros(expected["oldest"]))
        assert group.sample == expected["sample"]


REACHES = [EVERYTHING, Reach(plants=frozenset({"P01"})), Reach(flows=frozenset({"goods-receipt", "labor-time"}))]


@pytest.mark.parametrize("reach", REACHES, ids=["everything", "one plant", "two flows"])
@pytest.mark.parametrize("seed", range(3))
async def test_three_ways_lead_to_the_same_groups(store: Database, add: Add, seed: int, reach: Reach) -> None:
    await filled(store, add, seed)

    def compare(connection: Connection) -> None:
        for filter_text in (*BY_TALLIES, *BY_ROWS):
            counted = recounted(connection, filter_text, reach)
            ways = (None, False) if filter_text in BY_TALLIES else (None,)
            for tallied in ways:
                question = asked(filter_text, reach, tallied=tallied)
                same(group_page(connection, question, "-count", 1000, None, NO_MASKS).items, counted)

    await store.read(compare)


@pytest.mark.parametrize("sort", [*SORTS, *(f"-{name}" for name in SORTS)])
@pytest.mark.parametrize("filter_text", ["", "age>1m"])
async def test_pages_of_any_order_are_the_whole_list(store: Database, add: Add, sort: str, filter_text: str) -> None:
    await filled(store, add, 5)

    def turn(connection: Connection) -> None:
        whole = group_page(connection, asked(filter_text), sort, 1000, None, NO_MASKS)
        assert whole.next_cursor is None
        found: list[Group] = []
        page: Page[Group] | None = None
        while page is None or page.next_cursor is not None:
            cursor = None if page is None else page.next_cursor
            page = group_page(connection, asked(filter_text), sort, 3, cursor, NO_MASKS)
            assert len(page.items) <= 3
            found += page.items
        assert found == whole.items
        values = [getattr(group, sort.removeprefix("-")) for group in found]
        assert values == sorted(values, reverse=sort.startswith("-"))

    await store.read(turn)


async def test_the_trend_and_what_was_seen_are_those_of_the_plants_within_reach(store: Database, add: Add) -> None:
    kind = FailureKind.LOCKED
    failure = Failure(kind=kind, help=kind.help, code="M1", message="x", system="ERP")

    def job(connection: Connection) -> None:
        for plant, minutes in (("P01", 0), ("P01", 40), ("P02", 2), (None, -300)):
            tx_id = add(connection, plant=plant, status=Status.DELIVERING)
            row: Any = fetch(connection, tx_id)
            fail(connection, row, failure, now=NOON + timedelta(minutes=minutes), by="test")

    await store.write(job)
    told = [
        (await store.read(lambda c, r=reach: group_page(c, asked("", r), "-count", 9, None, NO_MASKS))).items[0]  # type: ignore[misc]
        for reach in (EVERYTHING, *(Reach(plants=frozenset({plant})) for plant in ("P01", "P02")))
    ]
    assert [group.trend for group in told] == [[0, 0, 0, 0, 0, 0, 2, 1], [0, 0, 0, 0, 0, 0, 1, 1], [0] * 6 + [1, 0]]
    assert [group.first_seen for group in told] == [NOON + timedelta(minutes=m) for m in (-300, 0, 2)]
    assert [group.last_seen for group in told] == [NOON + timedelta(minutes=m) for m in (40, 40, 2)]
    assert [group.plants for group in told] == [{"": 1, "P01": 2, "P02": 1}, {"P01": 2}, {"P02": 1}]


async def test_what_waits_in_a_circle_is_counted_once(store: Database, add: Add) -> None:
    kind = FailureKind.LOCKED
    failure = Failure(kind=kind, help=kind.help, code="M1", message="x", system="ERP")

    def job(connection: Connection) -> None:
        first = add(connection, status=Status.DELIVERING)
        row: Any = fetch(connection, first)
        fail(connection, row, failure, now=NOON, by="test")
        ids = [add(connection, status=Status.HELD, hold_kind="lane", blocked_by=first)]
        ids += [add(connection, status=Status.HELD, hold_kind="lane", blocked_by=ids[-1]) for _ in range(2)]
        lost = add(connection, status=Status.HELD, hold_kind="lane")
        row = fetch(connection, lost)
        change(connection, row, blocked_by=lost)

    await store.write(job)
    page = await store.read(lambda c: group_page(c, asked(""), "-blocked", 9, None, NO_MASKS))
    assert [group.blocked for group in page.items] == [3]


async def test_one_by_its_beginning(store: Database, add: Add) -> None:
    await filled(store, add, 2)
    every = (await store.read(lambda c: group_page(c, asked(""), "-count", 1000, None, NO_MASKS))).items
    one = every[0]

    def by(prefix: str, reach: Reach = EVERYTHING) -> Any:
        return lambda c: one_group(c, asked("", reach), prefix, NO_MASKS)

    assert await store.read(by(one.fingerprint)) == one
    assert await store.read(by(one.fingerprint[:10])) == one
    with pytest.raises(Invalid, match="too short"):
        await store.read(by(one.fingerprint[:3]))
    with pytest.raises(NotFound):
        await store.read(by("zzzz"))
    with pytest.raises(NotFound, match="you may see"):
        await store.read(by(one.fingerprint, Reach(plants=frozenset({"P09"}))))


async def test_several_that_begin_alike_are_named_within_reach(store: Database, add: Add) -> None:
    await filled(store, add, 2)

    def rename(connection: Connection) -> None:
        for table in ("groups", "group_plants", "tallies", "transactions"):
            connection.execute(
                text(f"UPDATE {table} SET fingerprint = 'aaaa' || fingerprint WHERE length(fingerprint) = 16")
            )

    await store.write(rename)
    with pytest.raises(Invalid, match="Several groups begin with 'aaaa': aaaa") as told:
        await store.read(lambda c: one_group(c, asked(""), "aaaa", NO_MASKS))
    assert told.value.detail.count("aaaa") == 6
    nobody = Reach(flows=frozenset())
    with pytest.raises(NotFound):
        await store.read(lambda c: one_group(c, asked("", nobody), "aaaa", NO_MASKS))


async def test_a_group_that_is_over_is_known_still(store: Database, add: Add) -> None:
    kind = FailureKind.LOCKED
    failure = Failure(kind=kind, help=kind.help, code="M1", message="x", system="ERP")

    def job(connection: Connection) -> str:
        tx_id = add(connection, status=Status.DELIVERING)
        row: Any = fetch(connection, tx_id)
        fail(connection, row, failure, now=NOON, by="test")
        row = fetch(connection, tx_id)
        move(connection, row, Event.DISCARD, now=NOON, by="test", text=None)
        return str(fetch(connection, tx_id).fingerprint)  # type: ignore[union-attr]

    fingerprint = await store.write(job)
    assert (await store.read(lambda c: group_page(c, asked(""), "-count", 9, None, NO_MASKS))).items == []
    one = await store.read(lambda c: one_group(c, asked(""), fingerprint, NO_MASKS))
    assert (one.count, one.plants, one.sample, one.oldest_failed_at) == (0, {}, None, None)
    assert one.first_seen == NOON


@pytest.mark.parametrize("bad", [Cursor("groups:-count", "x", "y"), Cursor("groups:-count", None, "y")])
async def test_a_cursor_of_ones_own_making_is_refused(store: Database, bad: Cursor) -> None:
    with pytest.raises(BadCursor):
        await store.read(lambda c: group_page(c, asked(""), "-count", 9, encode_cursor(bad), NO_MASKS))


async def test_another_order_is_refused(store: Database) -> None:
    with pytest.raises(Invalid, match="cannot be sorted by 'template'"):
        await store.read(lambda c: group_page(c, asked(""), "template", 9, None, NO_MASKS))
    other = encode_cursor(Cursor("groups:count", 1, "y"))
    with pytest.raises(BadCursor):
        await store.read(lambda c: group_page(c, asked(""), "-count", 9, other, NO_MASKS))


async def test_no_way_leads_over_every_row(store: Database, add: Add) -> None:
    await filled(store, add, 1)

    def plans(connection: Connection) -> list[str]:
        told: list[str] = []
        database: Any = connection.connection.driver_connection
        statements: list[str] = []
        database.set_trace_callback(statements.append)
        for filter_text in ("", "plant:P01", "age>20m", "kind:locked overdue:true"):
            for sort in SORTS:
                group_page(connection, asked(filter_text), sort, 50, None, NO_MASKS)
        database.set_trace_callback(None)
        for statement in statements:
            told += [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {statement}")]
        return told

    told = await store.read(plans)
    assert told
    whole = [line for line in told if line.startswith("SCAN transactions") and "COVERING INDEX tx_groups" not in line]
    assert whole == []
    assert not [line for line in told if line.startswith(("SCAN waiting", "SCAN further"))]
