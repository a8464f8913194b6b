from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.drafts import Draft
from transactions.plans import Action, PlanOptions


def test_ids_and_filters_become_requests_with_exactly_one_of_the_two() -> None:
    by_ids = Draft(action=Action.REPLAY, ids=["a", "b"], count=2).request("why")
    assert (by_ids.ids, by_ids.filter, by_ids.reason) == (["a", "b"], None, "why")
    by_filter = Draft(action=Action.DISCARD, filter="status:failed", count=9).request("why")
    assert (by_filter.ids, by_filter.filter) == (None, "status:failed")


@pytest.mark.parametrize(
    ("draft", "title", "command"),
    [
        (
            Draft(action=Action.REPLAY, ids=["tx-1", "tx-2"], count=2),
            "replay 2",
            "andon tx replay tx-1 tx-2 --reason 'it is mended' --yes",
        ),
        (
            Draft(action=Action.DISCARD, filter="status:failed plant:P02", count=1200),
            "discard 1,200",
            "andon tx discard --filter 'status:failed plant:P02' --reason 'it is mended' --yes",
        ),
        (
            Draft(action=Action.HOLD, options=PlanOptions(target="ERP", plant="P02")),
            "hold ERP P02",
            "andon systems hold ERP --plant P02 --reason 'it is mended' --yes",
        ),
        (
            Draft(action=Action.RELEASE, options=PlanOptions(flow="goods-receipt")),
            "release goods-receipt",
            "andon systems release --flow goods-receipt --reason 'it is mended' --yes",
        ),
    ],
)
def test_every_action_has_its_command(draft: Draft, title: str, command: str) -> None:
    assert draft.title == title
    assert draft.equivalent("it is mended") == command


@given(st.text(min_size=1), st.text())
def test_whatever_is_typed_the_command_reads_back_as_typed(reason: str, filter: str) -> None:  # noqa: A002
    words = shlex.split(Draft(action=Action.REPLAY, filter=filter).equivalent(reason))
    assert words[3:] == ["--filter", filter, "--reason", reason, "--yes"]


def test_breaking_glass_is_in_the_request_and_in_the_command() -> None:
    draft = Draft(action=Action.DISCARD, ids=["tx-1"], count=1)
    broken = draft.breaking_glass(True)
    assert broken.request("x").options.break_glass
    assert (
        broken.equivalent("the line stands") == "andon tx discard tx-1 --break-glass --reason 'the line stands' --yes"
    )
    assert broken.breaking_glass(False) == draft
