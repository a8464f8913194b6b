"""What is offered while a filter is typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.filters import complete
from transactions.model import Status

KEYS = ("order", "lot")
KNOWN = {"plant": ["P02", "P01", "P 3"], "flow": ["goods-receipt"]}


def offered(text: str, position: int | None = None) -> list[str]:
    """The whole filter after each completion is taken."""
    at = len(text) if position is None else position
    return [text[: one.start] + one.text + text[at:] for one in complete(text, at, KEYS, KNOWN)]


@pytest.mark.parametrize(
    ("text", "results"),
    [
        ("pla", ["plant:"]),
        ("status:failed pla", ["status:failed plant:"]),
        ("-pla", ["-plant:"]),
        ("(pla", ["(plant:"]),
        ("ord", ["order:"]),
        ("ag", ["age>"]),
        ("status:fa", ["status:failed"]),
        ("status:failed,in", ["status:failed,in-doubt"]),
        ("kind:thr", ["kind:throttled"]),
        ("failure.kind:thr", ["failure.kind:throttled"]),
        ("assignee:n", ["assignee:none"]),
        ("overdue:", ["overdue:true", "overdue:false"]),
        ("plant:", ['plant:"P 3"', "plant:P01", "plant:P02", "plant:none"]),
        ("flow:go", ["flow:goods-receipt"]),
        ("age>1", ["age>15m", "age>1h"]),
        ('"lot not', []),
        ("nonsense:x", []),
    ],
)
def test_what_is_offered(text: str, results: list[str]) -> None:
    assert offered(text) == results


def test_the_word_under_the_cursor_is_completed_and_the_rest_stays() -> None:
    assert offered("sta plant:P01", 3) == ["status: plant:P01"]


def test_everything_is_offered_at_the_start() -> None:
    found = complete("", 0, KEYS)
    assert {"plant:", "age>", "kind:", "order:", "lot:"} <= {one.text for one in found}
    assert all(one.about for one in found)


def test_every_status_is_offered() -> None:
    assert offered("status:") == [f"status:{status}" for status in Status]


@given(st.text('plant:"-(),\\ >status', max_size=20), st.integers(0, 25))
def test_it_never_complains(text: str, position: int) -> None:
    at = min(position, len(text))
    assert all(0 <= one.start <= at for one in complete(text, at, KEYS, KNOWN))
