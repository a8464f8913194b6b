"""Consumers against scopes: what is in a cell, and what wants a look."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from policy_strategies import resources

from gateway_policies.model import Consumer, Credential, Grant, Resource, Risk, Scope, by_address
from gateway_policies.overview.access import Access
from gateway_policies.overview.matrix import How, Mark, Matrix

TODAY = date(2026, 11, 20)


def on(days: int) -> date:
    return TODAY + timedelta(days=days)


def cell(
    scope: str = "pay.write",
    risk: Risk = Risk.LOW,
    *,
    until: date | None = None,
    known_until: date | None = None,
    by: str | None = None,
    reason: str = "needed",
) -> Mark:
    live = by_address(
        [
            Scope(name=scope, risk=risk),
            Consumer(name="m", owner="o", credential=Credential(issuer="i", client_id="m", expires_on=known_until)),
            Grant(consumer="m", scope=by or scope, reason=reason, expires_on=until),
        ]
    )
    found = Matrix(Access(live, TODAY)).cell("m", scope)
    assert found is not None
    return found


@settings(max_examples=25, deadline=None)
@given(resources())
def test_cells_are_the_grants_and_no_other(live: dict[str, Resource]) -> None:
    matrix = Matrix(Access(live, TODAY))
    marked = {(who, scope) for who in matrix.consumers for scope in matrix.scopes if matrix.cell(who, scope)}
    granted = {(each.consumer, each.scope) for each in live.values() if isinstance(each, Grant)}
    assert marked == granted
    assert set(matrix.scopes) == {each.name for each in live.values() if isinstance(each, Scope)}
    ranks = [list(Risk).index(risk) for each in matrix.scopes if (risk := matrix.risk(each)) is not None]
    assert len(sorted(matrix.consumers, key=matrix.urgency)) == len(matrix.consumers)
    high = [each for each in ranks if each >= 2]
    assert ranks[: len(high)] == sorted(high, reverse=True)


@pytest.mark.parametrize(
    ("until", "known_until", "how", "by_credential"),
    [
        (None, None, How.GRANTED, False),
        (on(31), None, How.GRANTED, False),
        (on(30), None, How.EXPIRING, False),
        (TODAY, None, How.EXPIRING, False),
        (on(-1), None, How.EXPIRED, False),
        (None, on(5), How.EXPIRING, True),
        (on(400), on(-5), How.EXPIRED, True),
        (on(5), on(400), How.EXPIRING, False),
        (on(5), on(5), How.EXPIRING, False),
    ],
)
def test_what_ends_first_decides(until, known_until, how: How, by_credential: bool) -> None:
    found = cell(until=until, known_until=known_until)
    assert (found.how, found.by_credential) == (how, by_credential)


def test_a_wildcard_gives_by_inheritance() -> None:
    found = cell("pay.write", by="pay.*")
    assert found.how is How.INHERITED
    assert found.given.grant.scope == "pay.*"


@pytest.mark.parametrize(
    ("risk", "more", "said"),
    [
        (Risk.FINANCIAL, {"until": on(300)}, ()),
        (Risk.LOW, {"reason": ""}, ()),
        (Risk.FINANCIAL, {}, ("financial risk", "never ends")),
        (Risk.QUALITY, {"until": on(300), "reason": " "}, ("quality risk", "no reason is given")),
        (Risk.FINANCIAL, {"until": on(300), "by": "*"}, ("financial risk", "by the wildcard *")),
    ],
)
def test_what_is_risky_says_why(risk: Risk, more: dict[str, object], said: tuple[str, ...]) -> None:
    assert cell(risk=risk, **more).risky == said


def test_what_wants_a_look_comes_first() -> None:
    live = by_address(
        [
            Scope(name="a", risk=Risk.LOW),
            Scope(name="pay", risk=Risk.FINANCIAL),
            *(Consumer(name=each, owner="o") for each in ("calm", "ending", "ended", "risky")),
            Grant(consumer="calm", scope="a", reason="r"),
            Grant(consumer="ending", scope="a", expires_on=on(3)),
            Grant(consumer="ended", scope="a", expires_on=on(-3)),
            Grant(consumer="risky", scope="pay"),
            Grant(consumer="ghost", scope="a"),
        ]
    )
    matrix = Matrix(Access(live, TODAY))
    assert sorted(matrix.consumers, key=matrix.urgency) == ["ended", "ending", "risky", "calm"]


def test_what_is_granted_and_is_no_scope_shows_too() -> None:
    live = by_address([Scope(name="a"), Consumer(name="m", owner="o"), Grant(consumer="m", scope="lost")])
    matrix = Matrix(Access(live, TODAY))
    assert matrix.scopes == ("a", "lost")
    assert matrix.risk("lost") is None
