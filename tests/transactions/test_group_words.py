"""Groups in sentences, and why two of them are two."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.group_words import badge, compare, describe
from transactions.grouping import fingerprint
from transactions.groups import Group
from transactions.model import FailureKind

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def group(**fields: Any) -> Group:
    usual: dict[str, Any] = {
        "flow": "material-consumption",
        "target": "ERP",
        "kind": "master-data",
        "code": "M3351",
        "template": "Material <id> not maintained in plant <id>",
        "count": 214,
        "first_seen": NOW - timedelta(hours=3),
        "last_seen": NOW - timedelta(minutes=2),
        "plants": {"P02": 213, "": 1},
    }
    told = {**usual, **fields}
    told.setdefault("help", FailureKind(told["kind"]).help)
    parts = (told[name] for name in ("flow", "target", "kind", "code", "template"))
    told.setdefault("fingerprint", fingerprint(*parts))
    return Group(**told)


def test_what_it_is_and_since_when() -> None:
    words = describe(group(oldest_failed_at=NOW - timedelta(minutes=38), owner="mdm-team"), NOW)
    assert words.what == (
        "214 failed transactions of material-consumption to ERP: master-data M3351, "
        "“Material <id> not maintained in plant <id>”"
    )
    assert words.when == "first seen 3h ago, last 2m ago; the oldest that is still failed is 38m old"
    assert words.helps.startswith("mending data")
    assert words.helps.endswith("(owner: mdm-team)")
    assert words.never == "replay before it is mended: it fails the same way"


def test_one_is_one() -> None:
    words = describe(group(count=1, plants={"P01": 1}, blocked=3), NOW)
    assert words.what.startswith("1 failed transaction of ")
    assert words.where == "P01 1; 3 held behind it"


def test_where_names_the_plant_with_most_first_and_what_hurts() -> None:
    assert describe(group(overdue=41, blocked=48), NOW).where == "P02 213, no plant 1; 41 overdue; 48 held behind them"
    assert describe(group(count=0, plants={}), NOW).where == "nowhere now"


@pytest.mark.parametrize(
    ("replayed", "repeated", "told", "shown"),
    [
        (0, 0, "", ""),
        (4, 0, "4 replayed, and none of them failed for this cause again", ""),
        (12, 2, "12 replayed, of which 2 failed for the same cause again", "↻ 2/12"),
        (12, 6, "12 replayed, of which 6 failed for the same cause again: replaying alone does not help", "↻ 6/12"),
    ],
)
def test_what_replays_came_to(replayed: int, repeated: int, told: str, shown: str) -> None:
    one = group(replayed=replayed, repeated=repeated)
    assert describe(one, NOW).repeats == told
    assert badge(one) == shown


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({}, "They are one group."),
        ({"target": "WMS"}, "They have the same message and differ in target ERP and WMS."),
        (
            {"kind": "mapping", "code": "M1"},
            "They have the same message and differ in kind master-data and mapping and code M3351 and M1.",
        ),
        (
            {"template": "Material <id> not maintained in storage location <id>"},
            "Only their messages differ: at word 6 one says “plant”, the other “storage location”.",
        ),
        (
            {"template": "Material <id> not maintained in <id>"},
            "Only their messages differ: only the first says “plant”, at word 6.",
        ),
        (
            {"template": "Now material <id> not maintained in plant <id>"},
            "Only their messages differ: at word 1 one says “Material”, the other “Now material”.",
        ),
        (
            {"template": "Material <id> not maintained in plant <id> yet"},
            "Only their messages differ: only the second says “yet”, at word 8.",
        ),
        (
            {"code": "M7021", "template": "Deficit of <n> KG"},
            "They differ in code M3351 and M7021, and their messages are not alike.",
        ),
        ({"fingerprint": "ff"}, "They differ in what is masked, and so not shown."),
    ],
)
def test_why_two_groups_are_two(changes: dict[str, str], because: str) -> None:
    assert compare(group(), group(**changes)).because == because


def test_many_places_are_not_all_told() -> None:
    words = [f"w{n}x" for n in range(20)]
    other = [f"{word}y" if n % 4 == 1 else word for n, word in enumerate(words)]
    told = compare(group(template=" ".join(words)), group(template=" ".join(other))).because
    assert told.count("one says") == 3
    assert told.endswith(", and 2 more places.")


TEXT = st.text(alphabet="ab <>'", max_size=12)


@given(*[st.tuples(TEXT, TEXT, st.sampled_from(list(FailureKind)), TEXT, TEXT)] * 2)
def test_the_parts_named_are_those_that_differ(this: tuple[str, ...], other: tuple[str, ...]) -> None:
    names = ("flow", "target", "kind", "code", "template")
    one = group(**dict(zip(names, this, strict=True)))
    two = group(**dict(zip(names, other, strict=True)))
    difference = compare(one, two)
    assert {part.name for part in difference.parts} == {n for n, a, b in zip(names, this, other, strict=True) if a != b}
    assert (one.fingerprint == two.fingerprint) is (not difference.parts)
    assert difference.because.endswith(".")
