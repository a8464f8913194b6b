"""Roles, permissions, and how far rights reach."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.people import (
    EVERYTHING,
    GRANTABLE,
    Limits,
    Permission,
    Principal,
    Reach,
    Role,
    permissions_of,
    reach_of,
)

RISKS = {"report": "low", "consumption": "financial", "hold": "quality", "plan": "operational"}


def test_every_permission_says_what_it_allows_and_somebody_has_it() -> None:
    for permission in Permission:
        assert permission.meaning
        assert any(permission in role.permissions for role in Role)
    assert Role.ADMIN.permissions == frozenset(Permission)


def test_who_may_what() -> None:
    """The table that people rely on; changing it changes who may act."""
    table = {role.value: sorted(role.permissions) for role in Role if role is not Role.ADMIN}
    assert table == {
        "viewer": ["read"],
        "operator": ["act", "read", "send", "simulate"],
        "approver": ["approve", "audit", "read"],
        "policy-author": ["policy-plan", "read"],
        "policy-admin": ["audit", "policy-apply", "policy-plan", "read"],
        "source": ["ingress"],
    }


def test_what_is_granted_one_by_one_is_in_no_role_but_admin() -> None:
    for permission in GRANTABLE:
        assert [role for role in Role if permission in role.permissions] == [Role.ADMIN]


def test_nobody_may_anything_without_a_role() -> None:
    assert Principal(subject="ann", kind="user").permissions == frozenset()
    assert permissions_of([]) == frozenset()
    both = Principal(subject="ann", kind="user", roles=(Role.VIEWER,), granted=frozenset({Permission.REVEAL}))
    assert both.permissions == {Permission.READ, Permission.REVEAL}


@pytest.mark.parametrize(
    ("limits", "plants", "flows"),
    [
        (Limits(), None, None),
        (Limits(plants=["P03"]), {"P03"}, None),
        (Limits(flows=["plan", "gone"]), None, {"plan", "gone"}),
        (Limits(risks=["low", "operational"]), None, {"report", "plan"}),
        (Limits(plants=["P01"], flows=["plan", "hold"], risks=["quality"]), {"P01"}, {"hold"}),
        (Limits(risks=["unheard-of"]), None, set()),
        (Limits(plants=[]), set(), None),
    ],
)
def test_risk_comes_down_to_flows(limits, plants, flows) -> None:
    reach = reach_of(limits, RISKS)
    assert (reach.plants, reach.flows) == (plants, flows)


def test_what_has_no_plant_is_out_of_reach_of_somebody_with_plants() -> None:
    reach = Reach(plants=frozenset({"P03"}))
    assert reach.covers("P03", "plan")
    assert not reach.covers(None, "plan")
    assert not reach.covers("P01", "plan")
    assert EVERYTHING.covers(None, None)


def test_acting_everywhere_wants_rights_everywhere_and_seeing_does_not() -> None:
    reach = Reach(plants=frozenset({"P03"}), flows=frozenset({"plan"}))
    assert not reach.covers("P03", None)  # a hold of a whole plant is about every flow
    assert not reach.covers(None, "plan")
    assert reach.touches("P03", None)
    assert reach.touches(None, "plan")
    assert reach.touches(None, None)
    assert not reach.touches("P01", None)
    assert not reach.touches(None, "hold")


names = st.none() | st.lists(st.sampled_from(["P01", "P02", "plan", "hold", "report", "consumption"]), max_size=3)


@given(plants=names, flows=names, risks=st.none() | st.lists(st.sampled_from(sorted(set(RISKS.values()))), max_size=2))
def test_more_limits_never_reach_farther(plants, flows, risks) -> None:
    wide = reach_of(Limits(plants=plants, flows=flows), RISKS)
    narrow = reach_of(Limits(plants=plants, flows=flows, risks=risks), RISKS)
    for plant in ("P01", "P02", None):
        for flow in RISKS:
            assert wide.covers(plant, flow) or not narrow.covers(plant, flow)
            assert narrow.touches(plant, flow) or not narrow.covers(plant, flow)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(), "everything"),
        (Limits(plants=["P01", "P03"], risks=["low"]), "plant P01 or P03, risk low"),
        (Limits(flows=[]), "flow none"),
    ],
)
def test_limits_in_words(limits, words) -> None:
    assert limits.describe() == words
    assert limits.unlimited is (words == "everything")
