"""Who is here, in a few cells, and what that one may not do, in a sentence."""

from __future__ import annotations

import pytest
from console_doubles import who

from console.rights import calling, may, person, reach, refusal, roles
from transactions.people import Limits, Permission, Role


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], ""),
        (["operator"], "operator"),
        (["viewer", "operator"], "operator +1"),
        (["viewer", "operator", "approver"], "approver +2"),
        (["operator", "admin"], "admin +1"),
        (["something-new"], "something-new"),
        (["something-new", "viewer"], "viewer +1"),
    ],
)
def test_the_role_that_goes_furthest_stands_for_all(names: list[str], said: str) -> None:
    assert roles(names) == said


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(), ""),
        (Limits(plants=["P03"]), "P03 only"),
        (Limits(plants=["P01", "P02"]), "P01 P02 only"),
        (Limits(plants=["P01", "P02", "P03", "P04"]), "4 plants only"),
        (Limits(plants=[]), "no plant only"),
        (Limits(flows=["goods-receipt"]), "goods receipt only"),
        (Limits(plants=["P03"], flows=["goods-receipt", "labor-time"]), "P03, 2 flows only"),
        (Limits(risks=["low", "operational"]), "low operational risk only"),
    ],
)
def test_limits_are_said_in_a_few_cells(limits: Limits, said: str) -> None:
    assert reach(limits) == said


def test_limits_that_do_not_fit_are_cut_and_not_dropped() -> None:
    said = reach(Limits(plants=["P01", "P02"], flows=["production-order-release"], risks=["low"]))
    assert said.startswith("P01 P02, production")
    assert said.endswith("…")


def test_the_name_goes_before_the_subject() -> None:
    assert calling(who(Role.VIEWER, subject="9f3c-21ab")) == "9f3c-21ab"
    assert calling(who(Role.VIEWER, subject="9f3c-21ab", name="Shift Lead")) == "Shift Lead"


def test_the_bar_has_name_role_and_limits() -> None:
    somebody = who(Role.OPERATOR, name="Shift Lead", limits=Limits(plants=["P03"]))
    assert person(somebody) == "Shift Lead · operator · P03 only"
    assert person(who(subject="robot")) == "robot"


def test_a_name_steers_no_terminal() -> None:
    said = person(who(Role.OPERATOR, name="Ann\x1b[2J\nMiller", limits=Limits(plants=["P\x9b03"])))
    assert said.isprintable()


def test_rights_are_those_of_the_roles_and_what_was_granted() -> None:
    assert may(who(Role.OPERATOR), Permission.ACT)
    assert not may(who(Role.OPERATOR), Permission.BREAK_GLASS)
    assert may(who(Role.OPERATOR, granted=(Permission.BREAK_GLASS,)), Permission.BREAK_GLASS)
    assert may(None, Permission.ACT), "who is not known yet is left to the platform"


@pytest.mark.parametrize(
    ("permission", "wanted"),
    [
        (Permission.ACT, "role operator"),
        (Permission.APPROVE, "role approver"),
        (Permission.BREAK_GLASS, "permission break-glass"),
    ],
)
def test_a_refusal_says_what_to_ask_for(permission: Permission, wanted: str) -> None:
    said = refusal(who(Role.VIEWER), permission)
    assert said.startswith("ann is signed in with the role viewer and may not")
    assert permission.meaning in said
    assert f"Ask an admin of the platform for the {wanted}" in said


def test_a_refusal_of_somebody_without_a_role_says_so() -> None:
    assert "without a role" in refusal(who(), Permission.ACT)
