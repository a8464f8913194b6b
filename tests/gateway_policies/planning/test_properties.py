"""What holds of every plan, whatever the files, the gateway and the record say."""

from __future__ import annotations

from datetime import timedelta

from gateway_doubles import NOW, SET, gateways, moved, policies_of, resources, state_of
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gateway_policies.canonical import canonical
from gateway_policies.changeset import states
from gateway_policies.model import Resource
from gateway_policies.planning.applying import apply_changes, changeset_of
from gateway_policies.planning.facets import alike
from gateway_policies.planning.making import make_plan
from gateway_policies.planning.model import OVERRIDABLE, Action, Moved, Plan
from gateway_policies.planning.undoing import inverse
from gateway_policies.references import claims, dangling
from gateway_policies.state import GatewayState

EVERYTHING = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def planned(files: dict[str, Resource], state: GatewayState, **more: object) -> Plan:
    """A plan with everything overridden that can be."""
    first = make_plan(policies_of(files), state, made_at=NOW, **more)
    reasons = {
        change.address: "agreed with the plant"
        for change in first.changes
        if change.blockers and all(each.guard in OVERRIDABLE for each in change.blockers)
    }
    return make_plan(policies_of(files), state, made_at=NOW, overrides=reasons, **more)


def possible(plan: Plan) -> Plan:
    assume(not plan.verdict.blocked)
    return plan


@EVERYTHING
@given(gateways())
def test_after_applying_there_is_nothing_to_do(found: tuple[dict[str, Resource], GatewayState]) -> None:
    files, state = found
    after = apply_changes(state, possible(planned(files, state)))
    again = make_plan(policies_of(files), after, made_at=NOW)
    assert again.empty
    assert not again.records
    assert after.applied.keys() == files.keys()


@EVERYTHING
@given(gateways())
def test_what_takes_a_plan_back_restores_what_was(found: tuple[dict[str, Resource], GatewayState]) -> None:
    files, state = found
    plan = possible(planned(files, state))
    after = apply_changes(state, plan)
    back = inverse(plan, after, made_at=NOW)
    before = apply_changes(after, possible(back))
    assert before.live == state.live
    assert before.owners == state.owners
    assert before.applied == state.applied
    assert before.fingerprint == state.fingerprint


@EVERYTHING
@given(gateways())
def test_no_step_leaves_anything_dangling_or_taken_twice(found: tuple[dict[str, Resource], GatewayState]) -> None:
    files, state = found
    plan = possible(planned(files, state))
    steps = changeset_of(plan, state, by="test").steps
    last = state
    for last in states(state, SET, steps):
        assert dangling(last.live) == []
        claimed = [claim for each in last.live.values() for claim in claims(each)]
        assert len(claimed) == len(set(claimed))
    wanted = {address: each for address, each in last.live.items() if last.owners.get(address) == SET}
    assert wanted.keys() == files.keys()
    assert all(alike(each, files[address]) for address, each in wanted.items())


@EVERYTHING
@given(gateways())
def test_what_nobody_applied_stays_as_it_is_unless_the_files_adopt_it(
    found: tuple[dict[str, Resource], GatewayState],
) -> None:
    files, state = found
    after = apply_changes(state, possible(planned(files, state)))
    for address, resource in state.live.items():
        if address not in state.owners and address not in files:
            assert after.live[address] == resource


@EVERYTHING
@given(gateways(drifting=False), st.data())
def test_drift_alone_moves_no_change_of_the_files(
    found: tuple[dict[str, Resource], GatewayState], data: st.DataObject
) -> None:
    files, state = found
    calm = make_plan(policies_of(files), state, made_at=NOW)
    assert all(each.moved is Moved.PENDING for each in calm.changes)
    assert all(field.moved is Moved.PENDING for each in calm.changes for field in each.fields)
    live = data.draw(moved(state.live))
    drifted = state_of(live, owned=[each for each in live if each in state.applied], applied=state.applied)
    same = make_plan(policies_of(state.applied), drifted, made_at=NOW)
    assert all(each.moved is Moved.DRIFT for each in same.changes if each.action in (Action.UPDATE, Action.CREATE))


@EVERYTHING
@given(gateways(), st.data())
def test_part_of_a_plan_is_a_part_and_can_stand_alone(
    found: tuple[dict[str, Resource], GatewayState], data: st.DataObject
) -> None:
    files, state = found
    plan = possible(planned(files, state))
    assume(plan.changes)
    asked = data.draw(st.lists(st.sampled_from([each.address for each in plan.changes]), unique=True, min_size=1))
    part = possible(planned(files, state, only=asked))
    whole = {each.id for each in plan.changes}
    assert {each.id for each in part.changes} <= whole
    assert set(asked) <= {each.address for each in part.changes}
    assert all(each.needed_by for each in part.changes if not _below(each.address, each.from_, asked))
    for step in states(state, SET, changeset_of(part, state, by="test").steps):
        assert dangling(step.live) == []


def _below(address: str, old: str | None, asked: list[str]) -> bool:
    return any(
        mine == each or mine.startswith((f"{each}.version.", f"{each}.grant."))
        for each in asked
        for mine in (address, old)
        if mine is not None
    )


@EVERYTHING
@given(gateways())
def test_the_same_input_is_the_same_bytes(found: tuple[dict[str, Resource], GatewayState]) -> None:
    files, state = found
    backwards = dict(reversed(list(files.items())))
    one, other = (make_plan(policies_of(each), state, made_at=NOW) for each in (files, backwards))
    assert canonical(one) == canonical(other)


@EVERYTHING
@given(resources())
def test_a_first_plan_only_adds_and_never_asks_what_is_live(files: dict[str, Resource]) -> None:
    plan = make_plan(policies_of(files), state_of({}), made_at=NOW, valid_for=timedelta(hours=1))
    assert {each.action for each in plan.changes} <= {Action.CREATE}
    assert plan.verdict.add == len(files)
    assert plan.expires_at == NOW + timedelta(hours=1)
