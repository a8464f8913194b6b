"""When one person is not enough: rule 15, action by action."""

from __future__ import annotations

import pytest

from transactions.approvals import why_second
from transactions.model import Risk
from transactions.plans import Action, PlanOptions, Verdict

NOWHERE: frozenset[Risk] = frozenset()


def why(an_item, action: Action, risk: Risk = Risk.FINANCIAL, count: int = 1, **options: object) -> list[str]:
    items = [an_item(n, risk=risk) for n in range(1, count + 1)]
    return why_second(action, PlanOptions(**options), items, NOWHERE, 1_000)


@pytest.mark.parametrize(
    ("action", "noun"),
    [
        (Action.EDIT, "an edit"),
        (Action.CORRECT, "a correction"),
        (Action.DISCARD, "a discard"),
        (Action.COMPENSATE, "a compensation"),
        (Action.RESOLVE, "a resolution"),
    ],
)
def test_what_closes_or_changes_money_or_quality_wants_two(an_item, action, noun) -> None:
    assert why(an_item, action, Risk.FINANCIAL) == [f"It is {noun} of 1 financial transaction."]
    assert why(an_item, action, Risk.QUALITY, 3) == [f"It is {noun} of 3 quality transactions."]
    assert why(an_item, action, Risk.OPERATIONAL) == []
    assert why(an_item, action, Risk.LOW) == []


@pytest.mark.parametrize("action", [Action.REPLAY, Action.RESTORE, Action.REOPEN, Action.HOLD])
def test_what_sends_again_or_stops_harm_wants_one(an_item, action) -> None:
    assert why(an_item, action, Risk.FINANCIAL, 1_000) == []


def test_force_wants_two(an_item) -> None:
    assert why(an_item, Action.REPLAY, force_superseded=True) == ["It forces replay of 1 financial transaction."]
    assert why(an_item, Action.REPLAY, Risk.LOW, force_superseded=True) == []


@pytest.mark.parametrize("action", [Action.REPLAY, Action.RESTORE, Action.DISCARD])
def test_many_want_two_whatever_the_risk(an_item, action) -> None:
    assert why(an_item, action, Risk.LOW, 1_000) == []
    assert why(an_item, action, Risk.LOW, 1_001) == [
        "It acts on 1,001 transactions, and more than 1,000 want two people."
    ]
    assert len(why(an_item, Action.DISCARD, Risk.FINANCIAL, 1_001)) == 2


def test_only_what_is_acted_on_counts(an_item) -> None:
    refused = [an_item(n, risk=Risk.FINANCIAL, verdict=Verdict.REFUSED) for n in range(1, 5)]
    assert why_second(Action.DISCARD, PlanOptions(), refused, NOWHERE, 3) == []
    assert why_second(Action.DISCARD, PlanOptions(), [], NOWHERE, 0) == []


@pytest.mark.parametrize(
    ("risks", "wanted"),
    [
        ({Risk.LOW, Risk.OPERATIONAL}, []),
        ({Risk.LOW, Risk.QUALITY}, ["It releases a hold of quality transactions."]),
        ({Risk.FINANCIAL, Risk.QUALITY}, ["It releases a hold of financial and quality transactions."]),
    ],
)
def test_a_release_goes_by_what_flows_there(risks, wanted) -> None:
    assert why_second(Action.RELEASE, PlanOptions(target="ERP"), [], frozenset(risks), 1_000) == wanted
    assert why_second(Action.HOLD, PlanOptions(target="ERP"), [], frozenset(risks), 1_000) == []


def test_a_mixed_plan_counts_the_sensitive_ones(an_item) -> None:
    items = [an_item(1, risk=Risk.LOW), an_item(2, risk=Risk.QUALITY), an_item(3, risk=Risk.FINANCIAL)]
    assert why_second(Action.DISCARD, PlanOptions(), items, NOWHERE, 1_000) == [
        "It is a discard of 2 financial and quality transactions."
    ]
