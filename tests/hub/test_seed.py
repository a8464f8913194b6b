"""A seeded store is one that deliveries could have left behind."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from hub.declarations import shipped_catalogue
from hub.delivery import guards
from hub.documents import extract_keys, read_document
from hub.errors import AlreadyRunning, StoreError
from hub.folder import Folder
from hub.intake import lane_of, object_of
from hub.seed import LIMIT, SeedRefused, seed
from hub.store.board import board
from hub.store.database import open_database
from hub.store.group_counts import SLOT
from hub.store.journal import HALF_HOUR
from hub.store.rows import to_attempt, to_transaction
from hub.store.schema import attempts, transactions
from transactions.canonical import sha256_bytes
from transactions.clock import to_micros
from transactions.grouping import fingerprint, template
from transactions.model import Status
from transactions.people import EVERYTHING

NOW = datetime(2026, 9, 14, 6, 30, tzinfo=UTC)
COUNT = 3_000


class Stopped:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW


def ask(data: Path, question: str, *values: Any) -> list[Any]:
    with sqlite3.connect(f"file:{data / 'andon.db'}?mode=ro", uri=True) as connection:
        connection.row_factory = sqlite3.Row
        found = connection.execute(question, values).fetchall()
    connection.close()
    return found


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("seeded") / "data"
    seed(data, COUNT, 5, Stopped())
    return data


def test_so_many_failed_ones_of_every_flow_and_plant(seeded: Path) -> None:
    catalogue = shipped_catalogue()
    rows = ask(seeded, "SELECT flow, plant, target, status, failure_kind FROM transactions")
    assert len(rows) == COUNT
    assert {row["status"] for row in rows} == {"failed"}
    assert {row["flow"] for row in rows} == set(catalogue.flow)
    assert {row["plant"] for row in rows} == set(catalogue.plant)
    assert {row["target"] for row in rows} == {target for flow in catalogue.flow.values() for target in flow.targets}
    assert len({row["failure_kind"] for row in rows}) >= 12


STORED = {*(f"{name}{suffix}" for name in ("andon.db", "search.db") for suffix in ("", "-wal", "-shm")), "hub.lock"}


def test_nothing_temporary_stays(seeded: Path) -> None:
    assert {path.name for path in seeded.iterdir()} <= STORED


def test_documents_say_what_their_rows_say(seeded: Path) -> None:
    catalogue = shipped_catalogue()
    rows = ask(
        seeded,
        "SELECT t.*, p.content, r.size, r.sha256 AS revised FROM transactions t"
        " JOIN payloads p ON p.sha256 = t.payload_sha256 JOIN revisions r ON r.tx_id = t.id",
    )
    assert len(rows) == COUNT
    for row in rows:
        flow = catalogue.flow[row["flow"]]
        keys = extract_keys(read_document(row["content"], row["content_type"]), flow.keys)
        assert json.loads(row["business_keys"]) == keys
        assert row["payload_sha256"] == row["revised"] == sha256_bytes(row["content"])
        assert row["size"] == len(row["content"])
        assert row["lane"] == lane_of(flow, row["target"], row["plant"], keys)
        assert row["object_key"] == object_of(row["flow"], flow, row["target"], row["plant"], keys)
        assert row["object_version"] == (keys.get(flow.version) if flow.version else None)
        identity = [row["source"], row["plant"], row["flow"], *(keys[name] for name in flow.identity), row["target"]]
        assert row["idempotency_key"] == ":".join(identity)


def test_business_keys_can_be_searched(seeded: Path) -> None:
    indexed = Counter(row["tx_seq"] for row in ask(seeded, "SELECT tx_seq FROM business_keys"))
    for row in ask(seeded, "SELECT seq, business_keys FROM transactions"):
        assert indexed[row["seq"]] == len(json.loads(row["business_keys"]))


def test_groups_tallies_and_trend_count_what_is_there(seeded: Path) -> None:
    rows = ask(seeded, "SELECT * FROM transactions")
    for row in rows:
        shape = template(row["failure_message"])
        group = fingerprint(row["flow"], row["target"], row["failure_kind"], row["failure_code"], shape)
        assert row["fingerprint"] == group
    counted = Counter((row["status"], row["plant"], row["flow"], row["target"], row["fingerprint"]) for row in rows)
    assert {tuple(row)[:5]: row["count"] for row in ask(seeded, "SELECT * FROM tallies")} == counted
    trend = Counter((row["failed_at"] // HALF_HOUR, row["plant"], row["flow"]) for row in rows)
    assert {tuple(row)[:3]: row["count"] for row in ask(seeded, "SELECT * FROM failures_by_half_hour")} == trend
    of_group = Counter((row["fingerprint"], row["failed_at"] // HALF_HOUR, row["plant"]) for row in rows)
    kept = ask(seeded, "SELECT * FROM group_failures_by_half_hour")
    assert {tuple(row)[:3]: row["count"] for row in kept} == of_group
    due = Counter((row["status"], row["fingerprint"], row["plant"], row["due_at"] // SLOT) for row in rows)
    assert {tuple(row)[:4]: row["count"] for row in ask(seeded, "SELECT * FROM group_due")} == due
    for place in ask(seeded, "SELECT * FROM group_plants"):
        seen = [row["failed_at"] for row in rows if (row["fingerprint"], row["plant"]) == tuple(place)[:2]]
        assert tuple(place)[2:] == (min(seen), max(seen), 0, 0)
    groups = {row["fingerprint"]: row for row in ask(seeded, "SELECT * FROM groups")}
    assert set(groups) == {row["fingerprint"] for row in rows}
    for name, group in groups.items():
        times = [row["failed_at"] for row in rows if row["fingerprint"] == name]
        assert (group["first_seen"], group["last_seen"]) == (min(times), max(times))


def test_times_are_of_the_last_hours_and_ids_sort_by_them(seeded: Path) -> None:
    rows = ask(seeded, "SELECT id, created_at, failed_at, due_at FROM transactions ORDER BY seq")
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    assert [row["created_at"] for row in rows] == sorted(row["created_at"] for row in rows)
    assert rows[0]["created_at"] >= to_micros(NOW - timedelta(hours=9))
    assert all(row["created_at"] < row["failed_at"] <= to_micros(NOW) for row in rows)
    assert any(row["due_at"] < to_micros(NOW) for row in rows)
    assert any(row["due_at"] > to_micros(NOW) for row in rows)


def test_the_hub_reads_every_row(seeded: Path) -> None:
    database = open_database(seeded)
    try:
        with database.engine.connect() as connection:
            for row in connection.execute(select(transactions)):
                shown = to_transaction(row, NOW)
                assert shown.status is Status.FAILED
                assert shown.failure is not None
                tries = [
                    to_attempt(one)
                    for one in connection.execute(
                        select(attempts).where(attempts.c.tx_id == row.id).order_by(attempts.c.n)
                    )
                ]
                assert len(tries) == row.attempts
                assert tries[-1].failure == shown.failure
                assert all(one.started_at < one.finished_at for one in tries if one.finished_at)
                assert tries[-1].request_headers["ce-id"] == row.id
            shown_board = board(connection, "test", [], NOW, EVERYTHING)
    finally:
        database.close()
    assert shown_board.counts[Status.FAILED] == COUNT
    assert sum(lamp.counts[Status.FAILED] for lamp in shown_board.lamps) == COUNT
    assert any(sum(lamp.trend) for lamp in shown_board.lamps)


def test_the_first_failed_one_of_a_lane_waits_for_nothing(seeded: Path) -> None:
    """What waits behind a failed one would have been held: it must not be failed itself."""
    catalogue = shipped_catalogue()
    database = open_database(seeded)
    try:
        with database.engine.connect() as connection:
            for row in connection.execute(select(transactions)):
                flow = catalogue.flow[row.flow]
                assert guards.behind_in_lane(connection, row, flow) is None, (row.flow, row.lane)
                assert guards.required_first(connection, row, flow) is None, (row.flow, row.business_keys)
    finally:
        database.close()


def test_the_same_seed_writes_the_same(tmp_path: Path) -> None:
    for name, number in (("one", 11), ("two", 11), ("three", 12)):
        seed(tmp_path / name, 200, number, Stopped())
    told = [
        [
            tuple(row)
            for row in ask(tmp_path / name, "SELECT * FROM transactions, attempts ON tx_id = id ORDER BY seq, n")
        ]
        for name in ("one", "two", "three")
    ]
    assert told[0] == told[1] != told[2]


@pytest.mark.parametrize("count", [0, 1, 7])
def test_exactly_as_many_as_asked_for(tmp_path: Path, count: int) -> None:
    seed(tmp_path, count, 1, Stopped())
    assert ask(tmp_path, "SELECT count(*) FROM transactions")[0][0] == count


def test_every_index_is_there_again(seeded: Path, tmp_path: Path) -> None:
    open_database(tmp_path).close()
    named = "SELECT name FROM sqlite_master WHERE type = 'index' ORDER BY name"
    assert [tuple(row) for row in ask(seeded, named)] == [tuple(row) for row in ask(tmp_path, named)]


def test_a_store_with_transactions_is_left_alone(tmp_path: Path) -> None:
    seed(tmp_path, 3, 1, Stopped())
    before = [tuple(row) for row in ask(tmp_path, "SELECT * FROM transactions")]
    with pytest.raises(SeedRefused, match="has 3 transactions already"):
        seed(tmp_path, 3, 2, Stopped())
    assert [tuple(row) for row in ask(tmp_path, "SELECT * FROM transactions")] == before


def test_a_store_that_served_keeps_its_audit_chain(tmp_path: Path) -> None:
    seed(tmp_path, 0, 1, Stopped())
    seed(tmp_path, 2, 1, Stopped())
    rows = ask(tmp_path, "SELECT seq, action, previous, hash FROM audit ORDER BY seq")
    assert [(row["seq"], row["action"]) for row in rows] == [(1, "hub.seeded"), (2, "hub.seeded")]
    assert rows[1]["previous"] == rows[0]["hash"]


@pytest.mark.parametrize("count", [-1, LIMIT + 1])
def test_a_number_out_of_bounds_is_refused(tmp_path: Path, count: int) -> None:
    with pytest.raises(SeedRefused, match="cannot be seeded"):
        seed(tmp_path / "data", count, 1)
    assert not (tmp_path / "data").exists()


def test_a_folder_that_is_served_is_refused(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    try:
        with pytest.raises(AlreadyRunning):
            seed(tmp_path, 1, 1)
    finally:
        folder.close()


def test_a_damaged_store_is_refused_and_stays(tmp_path: Path) -> None:
    (tmp_path / "andon.db").write_bytes(b"not a database, however long it is looked at" * 100)
    with pytest.raises(StoreError, match="damaged"):
        seed(tmp_path, 1, 1)
    assert (tmp_path / "andon.db").read_bytes().startswith(b"not a database")
