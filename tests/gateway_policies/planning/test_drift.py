"""Drift is what moved at the gateway, whatever the files say by now."""

from __future__ import annotations

from gateway_doubles import gateways, policies_of, replaced, state_of
from hypothesis import given, settings
from plant_doubles import GRANT3, STANDARD, plan, plant

from gateway_policies.model import Resource, Scope
from gateway_policies.planning.drift import How, drift_of
from gateway_policies.planning.model import FieldChange, Moved
from gateway_policies.state import GatewayState


def test_what_moved_is_told_as_it_happened() -> None:
    live = plant()
    live[STANDARD] = replaced(live[STANDARD], burst=200)
    del live[GRANT3]
    state = state_of(live, owned=list(live), applied=plant())
    found = drift_of(policies_of({}), state)
    assert [(each.address, each.how) for each in found.drifted] == [(GRANT3, How.DELETED), (STANDARD, How.CHANGED)]
    assert found.drifted[1].fields == (FieldChange(field="burst", moved=Moved.DRIFT, before=100, after=200),)
    assert found.text == "1 changed and 1 deleted at the gateway since the policies were applied"


def test_what_nobody_owns_is_no_drift() -> None:
    live = plant() | {"scope.hand": Scope(name="hand")}
    found = drift_of(policies_of(plant()), state_of(live, owned=list(plant())))
    assert found.drifted == ()
    assert found.made_by_hand == ("scope.hand",)
    assert found.text == "No drift: the gateway is as it was last applied."


def test_noise_is_left_out() -> None:
    live = plant()
    live[STANDARD] = replaced(live[STANDARD], burst=200)
    del live[GRANT3]
    state = state_of(live, owned=list(live), applied=plant())
    found = drift_of(policies_of(plant(), noise=("*:burst", "consumer.*.grant.*")), state)
    assert found.drifted == ()


@settings(max_examples=30, deadline=None)
@given(gateways())
def test_there_is_drift_where_planning_what_was_applied_finds_something(
    found: tuple[dict[str, Resource], GatewayState],
) -> None:
    _, state = found
    drifted = {each.address for each in drift_of(policies_of(state.applied), state).drifted}
    planned = plan(state.applied, state)
    assert drifted == {each.address for each in planned.changes if each.drifted and each.action != "adopt"} | {
        each.address for each in planned.changes if each.action == "adopt" and each.fields
    }
