"""``andon groups causes``: the list, one of them, and the order of the work."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from commands.cause_view import describe
from commands.terminal import Look
from transactions.causes.diagnosis import diagnose
from transactions.causes.symptoms import Event, Evidence, Surroundings

Andon = Callable[..., Any]
WHEN = datetime(2026, 11, 21, 2, 41, tzinfo=UTC)


def test_the_list_says_what_blocks_how_much_and_who_can_help(andon: Andon, stocked: Any) -> None:
    told = andon("groups", "causes")
    assert told.code == 0
    head, line = told.out.splitlines()[:2]
    assert head.split()[:4] == ["CAUSE", "BLOCKS", "OVERDUE", "AGE"]
    assert "Material 4711-22 is not in plant P02 (ERP)" in line
    assert "--reconcile" in told.err
    assert "andon groups causes --order" in told.err


@pytest.mark.parametrize("which", ["1", "missing-material"])
def test_one_is_told_with_why_first_and_never(andon: Andon, stocked: Any, which: str) -> None:
    told = andon("groups", "causes", which)
    assert told.code == 0
    assert told.out.startswith("1  Material 4711-22 is not in plant P02 (ERP)\n")
    for words in (
        "6 transactions, 1 of them overdue, financial; 1 order",
        "M3351 from ERP, for 4 transactions.",
        "2 more wait behind them.",
        "1. Maintain material 4711-22 for plant P02 in ERP.",
        "andon tx replay --filter 'status:failed code:M3351 flow:material-consumption target:ERP plant:P02' --canary 1",
        "Do not replay before it is maintained",
    ):
        assert words in told.out


def test_the_order_is_one_list_over_all_causes(andon: Andon, stocked: Any) -> None:
    steps = andon("groups", "causes", "--order", "-o", "json").json["items"]
    assert [(step["phase"], step["do"]) for step in steps] == [(40, "mend"), (80, "replay")]
    told = andon("groups", "causes", "--order").out
    assert "master data" in told
    assert "send along the chain" in told


def test_what_is_asked_for_reaches_the_platform(andon: Andon, stocked: Any) -> None:
    andon("groups", "causes", "--filter", "plant:P02", "--reconcile")
    asked = [one.params for one in stocked.asked if one.path == "causes"]
    assert asked == [{"filter": "plant:P02", "reconcile": "true"}]


def test_one_that_is_not_there_is_not_found(andon: Andon, stocked: Any) -> None:
    for which in ("7", "no-such"):
        told = andon("groups", "causes", which)
        assert (told.code, told.out) == (7, "")
        assert "a cause that is mended is gone" in told.err


def test_one_and_the_order_of_all_exclude_each_other(andon: Andon, stocked: Any) -> None:
    told = andon("groups", "causes", "1", "--order")
    assert told.code == 2
    assert "Nothing was asked." in told.err


@pytest.mark.parametrize(("count", "told"), [(3, False), (47, True)])
def test_where_a_command_does_not_name_all_ids_it_is_said_who_does(count: int, told: bool) -> None:
    events = [
        Event(id=f"01M7ZNET{number:018}", flow="plan", target="ERP", plant=None, source="APS", created_at=WHEN)
        for number in range(count)
    ]
    (cause,) = diagnose(Evidence(replaced=events), Surroundings()).items
    text = describe(cause, 1, Look(width=None, colour=False, now=WHEN))
    more = f"… stands for the rest of the {count}: 'andon groups causes {cause.id} -o json' has the ids"
    assert (more in text) is told
