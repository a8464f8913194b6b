"""What a system says was built on a posting, and that it refuses to take it back before."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.simulator.database import SCHEMA_VERSION, open_database
from hub.simulator.following import closed_period, open_from
from hub.simulator.postings import Document
from hub.simulator.refusals import Refusal


def story(workshop: Any, system: str = "ERP") -> list[tuple[str, Document]]:
    """A whole story posted in one system; its keys and documents, in order."""
    told = []
    for n, document in enumerate(workshop.story(3)):
        if system not in workshop.postings.reader._flows[document.flow].targets:
            continue
        keyed = msgspec.structs.replace(document, key=f"k{n}")
        workshop.post(system, keyed)
        told.append((f"k{n}", keyed))
    return told


def followed(workshop: Any, key: str, system: str = "ERP") -> list[Any]:
    return list(workshop.postings.followed(workshop.instance(system), key))


def test_what_followed_is_refused_until_it_is_reversed_itself(workshop: Any) -> None:
    """Newest first, the whole story can be taken back; and nothing before what followed it."""
    told = story(workshop)
    blocked = [key for key, _ in told if followed(workshop, key)]
    assert blocked, "the story has receipts that were decided on, and confirmations that were received"
    for key in blocked:
        with pytest.raises(Refusal) as caught:
            workshop.postings.reverse(workshop.instance("ERP"), key)
        assert caught.value.code in {one.code for one in followed(workshop, key)}
    for key, _ in reversed(told):
        assert not followed(workshop, key), key
        assert workshop.postings.reverse(workshop.instance("ERP"), key).status == 201


def test_each_follower_is_named_with_its_document_and_key(workshop: Any) -> None:
    told = story(workshop)
    keys = {key for key, _ in told}
    named = [one for key in keys for one in followed(workshop, key)]
    assert named
    assert all(one.text for one in named)
    assert any(one.document and one.key in keys for one in named)


def test_a_reversal_is_known_under_its_own_key(workshop: Any) -> None:
    told = story(workshop)
    key, last = told[-1][0], workshop.instance("ERP")
    assert workshop.postings.lookup(last, "reverse:k")["status"] == "absent"
    made = workshop.postings.reverse(last, key, under="reverse:k", sha256="ab" * 32, day="2026-12-01")
    found = workshop.postings.lookup(last, "reverse:k")
    assert found == {"status": "applied", "sha256": "ab" * 32, "document": made.body["document"]}
    again = workshop.postings.reverse(last, key, under="reverse:k", sha256="ab" * 32)
    assert again.body == {"status": "duplicate", "document": made.body["document"]}


def test_what_was_reversed_by_hand_is_known_under_the_key_that_comes_later(workshop: Any) -> None:
    told = story(workshop)
    key, erp = told[-1][0], workshop.instance("ERP")
    number = workshop.postings.reverse(erp, key).body["document"]
    workshop.postings.reverse(erp, key, under="reverse:k", sha256="cd" * 32)
    assert workshop.postings.lookup(erp, "reverse:k")["document"] == number


def test_nothing_is_said_of_a_posting_that_is_not_there(workshop: Any) -> None:
    with pytest.raises(Refusal) as caught:
        followed(workshop, "nobody")
    assert caught.value.status == 404


@pytest.mark.parametrize(
    ("now", "first"),
    [
        (datetime(2026, 11, 21, tzinfo=UTC), date(2026, 12, 1)),
        (datetime(2026, 12, 31, tzinfo=UTC), date(2027, 1, 1)),
        (datetime(2026, 1, 1, tzinfo=UTC), date(2026, 2, 1)),
    ],
)
def test_while_a_period_is_closed_the_next_month_is_open(now: datetime, first: date) -> None:
    assert open_from(now) == first
    assert closed_period(now, first.isoformat()) is None
    for asked in (None, now.date().isoformat(), "2020-01-01", "soon"):
        closed = closed_period(now, asked)
        assert closed is not None
        assert closed.kind == "period-closed"


def test_books_of_an_earlier_version_take_reversals_with_keys(tmp_path: Path) -> None:
    path = tmp_path / "books.sqlite"
    connection = open_database(path)
    for name in ("reversal_key", "reversal_sha256", "reversal_day"):
        connection.execute("DROP INDEX IF EXISTS posting_reversal")
        connection.execute(f"ALTER TABLE posting DROP COLUMN {name}")
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    connection = open_database(path)
    assert connection.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION
    assert {"reversal_key", "reversal_sha256", "reversal_day"} <= {
        row["name"] for row in connection.execute("PRAGMA table_info(posting)")
    }
    with pytest.raises(sqlite3.OperationalError):
        connection.execute("ALTER TABLE posting ADD COLUMN reversal_key TEXT")
    connection.close()
