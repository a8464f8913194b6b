"""Ids: sorted by the time they were made, and never twice."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from hub import ids
from hub.ids import go_on_after, new_id

NOW = datetime(2060, 1, 1, tzinfo=UTC)  # later than any other test's, so that the order is by this one's moments


def test_an_id_is_a_ulid() -> None:
    assert re.fullmatch(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", new_id(NOW))


def test_ids_of_one_moment_sort_in_the_order_they_were_made() -> None:
    made = [new_id(NOW) for _ in range(2000)]
    assert made == sorted(made)
    assert len(set(made)) == 2000


def test_ids_grow_though_the_clock_was_set_back() -> None:
    later = new_id(NOW + timedelta(hours=1))
    assert new_id(NOW) > later


def test_ids_go_on_after_those_of_an_earlier_run_though_its_clock_was_ahead(monkeypatch) -> None:
    monkeypatch.setattr(ids, "_last", 0)
    newest = new_id(NOW + timedelta(hours=1))
    monkeypatch.setattr(ids, "_last", 0)  # a new process
    go_on_after(newest)
    assert newest < new_id(NOW) < new_id(NOW)


def test_an_id_of_another_kind_is_nothing_to_go_on_after(monkeypatch) -> None:
    monkeypatch.setattr(ids, "_last", 0)
    for other in ("", "z" * 26, "01ARZ3NDEKTSV4RRFFQ69G5FA", "not-one-of-ours"):
        go_on_after(other)
    assert ids._last == 0


def test_ids_of_many_threads_are_all_different() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: new_id(NOW), range(4000)))
    assert len(set(made)) == 4000
