"""The tree of a process: whole, without circles, and the same in whatever order its transactions are told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from transactions.lineage import (
    DEEPEST,
    Knot,
    Lineage,
    LineageItem,
    Link,
    LinkKind,
    Place,
    Waiting,
    arrange,
    nested,
    of_one_page,
    remarks,
)
from transactions.model import Status

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def knot(name: str, cause: str | None = None, *, target: str = "ERP", event: str | None = None) -> Knot:
    return Knot(id=name, seq=int("".join(filter(str.isdigit, name)) or 0), target=target, event=event, cause=cause)


def drawn(places: list[Place]) -> list[str]:
    return [f"{'. ' * place.depth}{place.id}" for place in places]


def item(name: str, depth: int = 0, **fields: Any) -> LineageItem:
    usual: dict[str, Any] = {
        "parent": None, "flow": "goods-receipt", "plant": "P01", "source": "MES", "target": "ERP",
        "status": Status.PROCESSED, "created_at": NOW, "failed_at": None, "closed_at": NOW, "due_at": NOW,
        "due_because": None, "overdue": False, "priority": None, "business_keys": {}, "document": None, "revision": 1,
        "failure": None,
    }  # fmt: skip
    return LineageItem(id=name, depth=depth, **{**usual, **fields})


def test_what_caused_it_comes_before_it_and_siblings_come_by_time() -> None:
    places = arrange([knot("t4", "t1"), knot("t2", "t1"), knot("t1"), knot("t3", "t2"), knot("t5")])
    assert drawn(places) == ["t1", ". t2", ". . t3", ". t4", "t5"]
    assert [place.parent for place in places] == [None, "t1", "t2", "t1", None]


def test_a_cause_is_named_by_the_message_and_leads_from_the_same_target() -> None:
    """A document goes to several targets; its successor at one of them follows what went there."""
    places = arrange(
        [
            knot("t1", event="m1", target="ERP"),
            knot("t2", event="m1", target="WMS"),
            knot("t3", "m1", event="m2", target="WMS"),
            knot("t4", "m1", event="m2", target="ERP"),
            knot("t5", "m2", event="m3", target="QMS"),
        ]
    )
    assert drawn(places) == ["t1", ". t4", "t2", ". t3", ". . t5"]


def test_a_cause_that_is_not_here_begins_a_tree() -> None:
    assert drawn(arrange([knot("t1", "elsewhere"), knot("t2", "t1")])) == ["t1", ". t2"]


def test_a_message_is_not_its_own_cause() -> None:
    assert drawn(arrange([knot("t1", "t1"), knot("t2", "m2", event="m2")])) == ["t1", "t2"]


def test_a_circle_is_opened_at_its_first() -> None:
    places = arrange([knot("t1", "t3"), knot("t2", "t1"), knot("t3", "t2"), knot("t4", "t2")])
    assert drawn(places) == ["t1", ". t2", ". . t3", ". . t4"]


def test_what_is_out_of_sight_gives_its_place_to_what_it_caused() -> None:
    knots = [knot("t1"), knot("t2", "t1"), knot("t3", "t2"), knot("t4", "t3")]
    assert drawn(arrange(knots, {"t1", "t4"}.__contains__)) == ["t1", ". t4"]
    assert drawn(arrange(knots, {"t3", "t4"}.__contains__)) == ["t3", ". t4"]
    assert arrange(knots, lambda _: False) == []


def test_a_chain_of_thousands_is_arranged_and_cut_at_the_deepest_level() -> None:
    chain = [knot(f"t{n}", f"t{n - 1}" if n else None) for n in range(5_000)]
    places = arrange(reversed(chain))
    assert [place.id for place in places] == [one.id for one in chain]
    assert max(place.depth for place in places) == DEEPEST - 1
    assert all(place.parent == f"t{DEEPEST - 2}" for place in places[DEEPEST - 1 :])
    assert msgspec.json.encode(nested(item(place.id, place.depth) for place in places))


causes = st.lists(st.none() | st.integers(0, 30), min_size=1, max_size=30)


@given(causes=causes, hidden=st.sets(st.integers(0, 30)), data=st.data())
def test_every_visible_one_stands_once_below_what_stands_before_it(causes, hidden, data) -> None:
    knots = [knot(f"t{n}", None if cause is None else f"t{cause}") for n, cause in enumerate(causes)]
    seen = {one.id for one in knots if int(one.id[1:]) not in hidden}
    places = arrange(knots, seen.__contains__)
    assert sorted(place.id for place in places) == sorted(seen)
    depths: dict[str, int] = {}
    for place in places:
        assert place.parent is None or depths[place.parent] == place.depth - 1
        assert (place.depth == 0) == (place.parent is None)
        depths[place.id] = place.depth
    assert arrange(data.draw(st.permutations(knots)), seen.__contains__) == places


@given(causes=causes)
def test_branches_within_branches_say_what_the_lines_say(causes) -> None:
    knots = [knot(f"t{n}", None if cause is None else f"t{cause}") for n, cause in enumerate(causes)]
    places = arrange(knots)
    told: list[tuple[str, int]] = []

    def walk(branches: Any, depth: int) -> None:
        for branch in branches:
            told.append((branch.id, depth))
            walk(branch.children, depth + 1)

    walk(nested(item(place.id, place.depth) for place in places), 0)
    assert told == [(place.id, place.depth) for place in places]


def test_remarks_say_what_it_waits_for_and_who_has_it() -> None:
    told = remarks(
        item(
            "t1",
            waiting=Waiting(text="sequence: t0 is failed ahead of it", kind="lane", id="t0"),
            holds_back=2,
            links=[Link(kind=LinkKind.REVERSED_BY, id="t9")],
            revision=3,
            batch="b1",
            batch_by="ann",
            assignee="kim",
        )
    )
    assert told == [
        "waits for sequence: t0 is failed ahead of it",
        "2 wait for it",
        "reversed by t9",
        "edited, revision 3",
        "in batch b1 of ann",
        "with kim",
    ]
    assert remarks(item("t1")) == []
    assert remarks(item("t1", holds_back=1)) == ["1 waits for it"]


def test_pages_become_one() -> None:
    first = Lineage(process="p", of="t1", total=2, beyond=1, left_out=0, items=[item("t1")], next_cursor="c")
    whole = of_one_page(first, [item("t1"), item("t2")])
    assert ([each.id for each in whole.items], whole.next_cursor, whole.beyond) == (["t1", "t2"], None, 1)
