"""The index says where to look, and never what there is: answers are right however far it is behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from hub.search import sqlite as engine
from hub.store.filter_sql import condition_of
from hub.store.schema import search_changes, transactions
from transactions.filters import parse

from .conftest import MASKS, NOW, Shelf, masks_of

# few letters, so that texts meet by parts of three
TEXTS = st.text('abB"é𝄞 ', max_size=9)
NEEDLES = st.text('abB"é𝄞 ', min_size=3, max_size=6).filter(lambda one: len(one.strip()) >= 3)


def documents() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"order": TEXTS},
        optional={"name": TEXTS, "lines": st.lists(st.fixed_dictionaries({"price": TEXTS}), max_size=2)},
    )


def written(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from(["open", "masked"]), documents(), st.none() | TEXTS),
        st.tuples(st.just("fail"), st.integers(0, 9), TEXTS),
        st.tuples(st.just("edit"), st.integers(0, 9), documents()),
        st.tuples(st.just("index"), st.integers(1, 3)),
        st.tuples(st.just("restart")),
    ),
    min_size=1,
    max_size=10,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, needles=st.lists(NEEDLES, min_size=1, max_size=3))
async def test_whatever_happens_sql_finds_what_memory_finds(
    steps: list[Any], needles: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory() as folder, monkeypatch.context() as patched:
        patched.setattr(engine, "_FEW", 2)
        shelf = Shelf(Path(folder))
        shelf.open()
        try:
            await _play(shelf, steps, [json.dumps(needle, ensure_ascii=False) for needle in needles])
        finally:
            shelf.close()


async def _play(shelf: Shelf, steps: list[Any], needles: list[str]) -> None:
    ids: list[str] = []
    for step in steps:
        match step:
            case ("add", flow, document, message):
                keys = {"order": document["order"], "name": document.get("name", "")}
                # a target's words are cleared of what is masked before they are stored
                ids.append(shelf.add(written(document), flow=flow, message=message, keys=keys))
            case ("fail", n, message) if ids:
                kind = {"failure_kind": "schema", "failure_help": "data", "failure_code": "c", "failure_system": "B"}
                shelf.change(ids[n % len(ids)], failure_message=message, **kind)
            case ("edit", n, document) if ids:
                shelf.change(ids[n % len(ids)], content=written(document))
            case ("index", most):
                shelf.index.step(most)
            case ("restart",):
                shelf.index.close()
                shelf.index.open()
    for needle in needles:
        for asked in (needle, f"-{needle}", f"message:{needle}", f"{needle} or flow:open"):
            expected = await shelf.recall(asked)
            assert await shelf.find(asked) == expected, asked
            assert await shelf.find(asked, page=True) == expected, asked


async def test_it_knows_how_far_it_is_behind(shelf: Shelf) -> None:
    one = shelf.add(b'{"a":"first"}')
    shelf.add(b'{"a":"second"}')
    assert await shelf.behind() == 2
    assert shelf.index.step(1) == engine.Step(written=1, left=1)
    assert await shelf.behind() == 1
    shelf.catch_up()
    assert await shelf.behind() == 0
    shelf.change(one, failure_message="Period is closed")
    assert await shelf.behind() == 1
    assert await shelf.find("closed") == {one}
    shelf.catch_up()
    assert await shelf.behind() == 0
    assert await shelf.find("closed") == {one}


async def test_a_change_that_no_search_sees_is_no_work(shelf: Shelf) -> None:
    one = shelf.add()
    shelf.catch_up()
    shelf.change(one, status="discarded", failure_message=None, assignee="ann")
    assert await shelf.behind() == 0


async def test_only_the_revision_in_use_is_found(shelf: Shelf) -> None:
    one = shelf.add(b'{"lot":"TYPO-1"}')
    shelf.catch_up()
    shelf.change(one, content=b'{"lot":"LOT-4711"}', revision=2)
    for _ in range(2):
        assert await shelf.find("lot-4711") == {one}
        assert await shelf.find("typo-1") == set()
        shelf.catch_up()


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        ("Größe 12".encode("utf-16"), "text/plain; charset=utf-16"),
        ("Größe 12".encode("utf-16"), "text/plain"),
        ("Größe 12".encode("latin-1"), "text/plain; charset=iso-8859-1"),
        ("<?xml version='1.0' encoding='ISO-8859-1'?><a>Größe 12</a>".encode("latin-1"), "application/xml"),
        ("Größe 12".encode(), "text/plain; charset=UTF-8"),
        ("\ufeffGröße 12".encode(), "text/plain"),
        ("<?xml version='1.0' encoding='UTF-8'?><a>Größe 12</a>".encode(), "application/xml"),
        (b"UNH+1\x00" + "Größe 12".encode(), "text/plain"),
    ],
)
async def test_text_is_found_in_any_charset(shelf: Shelf, content: bytes, content_type: str) -> None:
    one = shelf.add(content, content_type=content_type)
    for _ in range(2):
        assert await shelf.find('"größe 12"') == {one}
        assert await shelf.find("größe13") == set()
        shelf.catch_up()


async def test_bytes_that_are_no_text_are_searched_as_they_are(shelf: Shelf) -> None:
    one = shelf.add(b"\xff\xc3ORDERS\xe2\x00", content_type="application/edi-x12")
    shelf.catch_up()
    assert await shelf.find("zzz") == set()
    assert await shelf.find("tx-1") == {one}


@pytest.mark.parametrize(
    "asked", ["tx-1", "TX-1", "key/1", "corr-1", "LOT-77", "lot-7", '"period is"', "4711", '"quote\\""']
)
async def test_words_find_ids_keys_message_and_payload(shelf: Shelf, asked: str) -> None:
    one = shelf.add(b'{"note":"order 4711"}', message="Period is closed", keys={"lot": "LOT-77", "odd": 'with "quote"'})
    shelf.add(b'{"note":"another"}', message="Locked", keys={"lot": "L-1"})
    for _ in range(2):
        assert await shelf.find(asked) == {one}
        shelf.catch_up()


async def test_names_of_keys_are_not_words(shelf: Shelf) -> None:
    shelf.add(keys={"order": "1"})
    shelf.catch_up()
    assert await shelf.find("order") == set()


async def test_what_is_masked_is_not_even_indexed(shelf: Shelf) -> None:
    document = written({"order": "A-100", "name": "Petersen", "lines": [{"price": "12.50"}]})
    shelf.add(document, flow="masked", keys={"order": "A-100", "name": "Petersen"})
    seen = shelf.add(document, flow="open", keys={"order": "A-100", "name": "Petersen"})
    shelf.catch_up()
    for word in ("petersen", "12.50"):
        assert await shelf.find(word) == {seen}
        assert await indexed(shelf, word) == [2]
    assert await indexed(shelf, "a-100") == [1, 2]


async def indexed(shelf: Shelf, needle: str) -> list[int]:
    """The transactions that have an entry with this text."""
    return await shelf.database.read(lambda c: list(c.execute(engine._indexed(needle)).scalars()))


async def test_other_masks_make_it_anew_before_anybody_searches(tmp_path: Path) -> None:
    document = written({"order": "A-100", "name": "Petersen"})
    shelf = Shelf(tmp_path, masks_of("$.lines"))
    shelf.open()
    shelf.add(document, flow="masked")
    shelf.catch_up()
    assert await shelf.find("petersen") == {"tx-1"}
    assert await indexed(shelf, "petersen") == [1]
    shelf.close()
    with shelf.index.path.open("rb") as old:  # while it is held open, no other file gets its number
        shelf = Shelf(tmp_path, MASKS)
        shelf.open()
        assert shelf.index.path.stat().st_ino != os.fstat(old.fileno()).st_ino
    assert await indexed(shelf, "petersen") == []
    assert await shelf.behind() == 1
    for _ in range(2):
        assert await shelf.find("petersen") == set()
        assert await shelf.find("a-100") == {"tx-1"}
        shelf.catch_up()
    shelf.close()


async def test_the_same_masks_take_it_up_again(tmp_path: Path) -> None:
    for count in (1, 2, 3):
        shelf = Shelf(tmp_path)
        shelf.open()
        assert await shelf.behind() == 0
        shelf.add(id=f"run-{count}", idempotency_key=f"run-{count}")
        shelf.catch_up()
        shelf.close()


@pytest.mark.parametrize("damage", [b"", b"not a database at all", None])
async def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: bytes | None) -> None:
    shelf = Shelf(tmp_path)
    shelf.open()
    one = shelf.add(b'{"a":"first"}')
    shelf.catch_up()
    shelf.close()
    if damage is None:
        content = bytearray(shelf.index.path.read_bytes())
        content[4096:] = b"\x5a" * len(content[4096:])
        damage = bytes(content)
    shelf.index.path.write_bytes(damage)
    shelf = Shelf(tmp_path)
    shelf.open()
    assert await shelf.behind() == 1
    shelf.catch_up()
    assert await shelf.find("first") == {one}
    shelf.close()


async def test_one_of_another_store_is_made_anew(tmp_path: Path) -> None:
    for name in ("one", "two"):
        shelf = Shelf(_made(tmp_path / name))
        shelf.open()
        shelf.add(id=f"tx-of-{name}")
        shelf.catch_up()
        shelf.close()
    (tmp_path / "one/search.db").write_bytes((tmp_path / "two/search.db").read_bytes())
    shelf = Shelf(tmp_path / "one")
    shelf.open()
    assert await shelf.behind() == 1
    assert await shelf.find("of-one") == {"tx-of-one"}
    shelf.close()


async def test_one_that_is_newer_than_a_restored_store_is_made_anew(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.open()
    one = shelf.add()
    shelf.catch_up()
    shelf.index.close()
    shelf.database.close()
    backup = (tmp_path / "andon.db").read_bytes()
    shelf = Shelf(tmp_path)
    shelf.open()
    shelf.change(one, failure_message="Locked")
    shelf.catch_up()
    shelf.close()
    (tmp_path / "andon.db").write_bytes(backup)
    shelf = Shelf(tmp_path)
    shelf.open()
    assert await shelf.behind() == 1
    shelf.close()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


KILLED = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from conftest import MASKS
from hub.search.sqlite import SqliteTextIndex
index = SqliteTextIndex(Path(sys.argv[1]), MASKS)
index.open()
index.step(1)
connection = index._connection
connection.execute("BEGIN")
index._step(connection, 10)
os._exit(9)
"""


async def test_a_kill_takes_the_step_back_that_was_under_way(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    for n in range(3):
        shelf.add(written({"order": f"ORDER-{n}"}))
    here = str(Path(__file__).parent)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), here], capture_output=True, text=True)
    assert killed.returncode == 9, killed.stderr
    shelf.open()
    assert await shelf.behind() == 2
    assert await indexed(shelf, "order-") == [1]
    assert await shelf.find("order-") == {"tx-1", "tx-2", "tx-3"}
    shelf.catch_up()
    assert await indexed(shelf, "order-") == [1, 2, 3]
    shelf.close()


async def test_without_an_index_everything_is_looked_at(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    one = shelf.add(b'{"a":"first"}')
    shelf.add(b'{"a":"second"}')
    assert await shelf.find("first") == {one}
    assert await shelf.find("first", page=True) == {one}
    assert await shelf.behind() == 2
    shelf.close()


async def test_a_file_that_went_away_costs_one_answer(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    one = shelf.add(b'{"a":"first"}')
    shelf.database.attach(engine.ATTACHED, tmp_path / "nowhere.db", shelf.index.lost)
    shelf.index.usable = True
    await shelf.database.read(lambda c: None)
    assert not shelf.index.usable
    assert await shelf.find("first") == {one}
    shelf.close()


async def plan_of(shelf: Shelf, asked: str, *, page: bool) -> str:
    """How SQLite would find it, a page of it at a time."""

    def question(connection: Any) -> str:
        search = shelf.index.for_page(connection) if page else shelf.index
        condition = condition_of(parse(asked), NOW, MASKS, search)
        assert condition is not None
        query = select(transactions).where(condition).order_by(transactions.c.created_at, transactions.c.id).limit(51)
        compiled = query.compile(connection, compile_kwargs={"literal_binds": True})
        rows = connection.execute(text("EXPLAIN QUERY PLAN " + str(compiled).replace(":", "\\:")))
        return "\n".join(str(row[3]) for row in rows)

    return await shelf.database.read(question)


async def test_what_is_rare_is_fetched_and_what_is_frequent_is_met_on_the_way(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_FEW", 3)
    for n in range(4):
        shelf.add(written({"order": "every" if n else "rare"}))
    shelf.catch_up()
    rare, frequent = await plan_of(shelf, "rare", page=True), await plan_of(shelf, "every", page=True)
    assert "SEARCH transactions USING INTEGER PRIMARY KEY" in rare
    assert "SCAN transactions USING INDEX tx_created" in frequent
    assert "SEARCH transactions USING INTEGER PRIMARY KEY" in await plan_of(shelf, "every", page=False)
    for plan in (rare, frequent):
        assert "VIRTUAL TABLE" in plan


@pytest.mark.parametrize("count", [1, 15, 16, 17, 50])
async def test_a_frequent_text_is_found_in_every_part_of_the_index(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(engine, "_FEW", 1)
    for n in range(count):
        shelf.add(written({"order": "rare" if n % 7 == 3 else "every"}), keys={})
    shelf.catch_up()
    for _ in range(2):
        assert len(await shelf.find("every", page=True)) == count - count // 7 - (count % 7 > 3)
        assert await shelf.find("every", page=True) == await shelf.recall("every")
        assert await shelf.find("-every", page=True) == await shelf.recall("-every")
        shelf.change("tx-1", content=written({"order": "other"}))
        shelf.change("tx-1", content=written({"order": "every again"}))
        shelf.add(written({"order": "rare and not yet indexed"}), keys={})


async def test_only_the_parts_that_a_page_meets_are_asked_for(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_FEW", 1)
    for _ in range(160):
        shelf.add(written({"order": "every"}))
    shelf.catch_up()

    def looked_up(connection: Any, rows: int) -> int:
        """How often the index is asked where a run of three characters is, for a page."""
        frequent = shelf.index.for_page(connection).may_contain("every")
        assert frequent is not None
        order = transactions.c.created_at.desc(), transactions.c.id.desc()
        page = select(transactions.c.id).where(frequent).order_by(*order).limit(rows)
        told: list[str] = []
        raw: Any = connection.connection.dbapi_connection
        raw.set_trace_callback(told.append)
        assert len(connection.execute(page).all()) == rows
        raw.set_trace_callback(None)
        return sum("trigrams_idx" in each for each in told)

    page = await shelf.database.read(lambda c: looked_up(c, 5))
    assert page > 0
    assert await shelf.database.read(lambda c: looked_up(c, 160)) > page * (engine._PARTS // 2)


async def test_notes_of_changes_are_numbered_for_ever(shelf: Shelf) -> None:
    one = shelf.add()
    for _ in range(2):
        shelf.change(one, failure_message="again")
        with shelf.database.engine.begin() as connection:
            newest = connection.execute(select(search_changes.c.n)).scalars().all()
            connection.execute(search_changes.delete())
        assert len(newest) == 1
    assert newest == [2]
