"""What cannot be overridden says why it cannot."""

from __future__ import annotations

import pytest
from gateway_doubles import NOW, policies_of, replaced, state_of
from plant_doubles import ORDERS, STANDARD, plan, plant

from commands.exits import Usage
from commands.policy_overrides import check_overrides
from gateway_policies.model import Consumer, Grant, Resource, Scope
from gateway_policies.planning.making import make_plan
from gateway_policies.planning.model import OVERRIDABLE, Guard, Plan

RELEASE = Scope(name="orders.release")
OURS, THEIRS = Scope(name="ours", protected=True), Scope(name="theirs")


def refused(made: Plan, *addresses: str) -> str:
    with pytest.raises(Usage) as caught:
        check_overrides(made, addresses)
    said = str(caught.value)
    assert said.endswith(("Nothing was done.", "Look at the plan without it first."))
    return said


def conflict() -> Plan:
    live, files = (plant() | {STANDARD: replaced(plant()[STANDARD], burst=each)} for each in (70, 90))
    return make_plan(policies_of(files), state_of(live, applied=plant()), made_at=NOW)


def test_a_decision_can_be_overridden() -> None:
    check_overrides(conflict(), [STANDARD])
    check_overrides(conflict(), [])


def test_what_the_plan_does_not_touch_is_told_with_the_nearest_that_is_blocked() -> None:
    said = refused(conflict(), "throttle.plant-standart")
    assert "the plan changes nothing at that address. Did you mean 'throttle.plant-standard'?" in said
    assert "Did you mean" not in refused(plan(plant()), "throttle.plant-standart")
    harmless = plan(plant() | {"scope.new": Scope(name="new")})
    assert "Did you mean 'scope.new'?" in refused(harmless, "scope.neww"), "of what changes, where nothing is blocked"


def test_the_first_that_cannot_be_is_told_though_others_can() -> None:
    assert refused(conflict(), STANDARD, ORDERS).startswith(f"--override {ORDERS}: ")


def test_where_nothing_stands_in_the_way_it_is_left_out() -> None:
    made = plan(plant() | {"scope.new": Scope(name="new")})
    assert "nothing stands in the way of that change. Leave it out." in refused(made, "scope.new")


def _protected() -> tuple[Plan, str]:
    return make_plan(policies_of({}), state_of([OURS]), made_at=NOW), OURS.address


def _owned_by_another() -> tuple[Plan, str]:
    state = state_of([THEIRS], owned=[], others={THEIRS.address: "office"}, applied={})
    files: list[Resource] = [replaced(THEIRS, description="ours now")]
    return make_plan(policies_of(files), state, made_at=NOW), THEIRS.address


def _still_referred() -> tuple[Plan, str]:
    grant = Grant(consumer="office", scope=RELEASE.name)
    office = Consumer(name="office", owner="it")
    state = state_of(
        [RELEASE, office, grant],
        owned=[RELEASE.address],
        others={office.address: "office", grant.address: "office"},
        applied={RELEASE.address: RELEASE},
    )
    return make_plan(policies_of({}), state, made_at=NOW), RELEASE.address


@pytest.mark.parametrize(
    ("made", "guard", "why"),
    [
        (_protected, Guard.PROTECTED, "scope.ours is protected. Apply it with 'protected = false' first"),
        (_owned_by_another, Guard.OWNED_BY_OTHER, "scope.theirs belongs to the policy set office."),
        (_still_referred, Guard.STILL_REFERRED, "consumer.office.grant.orders.release (of the policy set office)"),
    ],
)
def test_what_is_no_decision_says_what_it_is_and_what_to_do(made: object, guard: Guard, why: str) -> None:
    assert callable(made)
    found, address = made()
    assert guard not in OVERRIDABLE
    said = refused(found, address)
    assert "what stands in the way there cannot be overridden, whatever the reason." in said
    assert f"({guard}) {why}" in said
    assert "A reason lets pass what is a decision: what is still called or used" in said
