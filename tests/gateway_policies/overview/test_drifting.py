"""What drifted, line by line, of one policy set and of several."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from policy_strategies import policy_sets

from gateway_policies.model import Api, Operation, PolicySet, Resource, Throttle, by_address
from gateway_policies.overview.drifting import DriftLine, How, drift_lines, drifts, told
from gateway_policies.state import GatewayState

BUCKET = Throttle(name="plant", requests=600, per_seconds=60, burst=100)


def state(live: list[Resource], applied: list[Resource], owners: dict[str, str] | None = None) -> GatewayState:
    found = by_address(live)
    return GatewayState(
        gateway="g",
        revision=1,
        fingerprint="f",
        live=found,
        owners=dict.fromkeys(found, "policies") if owners is None else owners,
        applied=by_address(applied),
    )


def lines(live: list[Resource], applied: list[Resource], **more: dict[str, str]) -> list[DriftLine]:
    return drift_lines(drifts({"policies": state(live, applied, **more)}, None))


def test_a_fact_that_was_changed_says_what_was_applied_and_what_is_live() -> None:
    (line,) = lines([msgspec.structs.replace(BUCKET, burst=50)], [BUCKET])
    assert line == DriftLine("throttle.plant", How.CHANGED, "burst: 100 → 50", "100", "50", "policies")


def test_what_was_deleted_and_what_was_made_are_told_whole() -> None:
    made = Throttle(name="hand", requests=1, per_seconds=1)
    found = lines([made], [BUCKET], owners={})
    assert found == [
        DriftLine("throttle.plant", How.DELETED, "", "there", "deleted", "policies"),
        DriftLine("throttle.hand", How.MADE, "", "nothing", "there", None),
    ]


def test_of_a_set_it_is_told_what_came_and_what_went() -> None:
    def api(*versions: str) -> Api:
        operation = Operation(methods=("GET",), path="/", versions=versions)
        return Api(name="a", owner="o", base_path="/a", upstream="http://a", operations=(operation,))

    (line,) = lines([api("v1", "v3")], [api("v1", "v2")])
    assert (line.applied, line.live) == ("v2", "v3")
    assert line.what == "GET /.versions: +v3 -v2"


@settings(max_examples=25, deadline=None)
@given(policy_sets())
def test_a_gateway_that_is_as_it_was_applied_has_not_drifted(policies: PolicySet) -> None:
    there = list(policies.resources.values())
    states = {policies.name: state(there, there), "other": state(there, [])}
    found = drifts(states, policies)
    assert [each.policy_set for each in found] == sorted(states)
    assert drift_lines(found) == []
    assert told(found, True) == "No drift: the gateway is as it was last applied."


def test_noise_is_left_out_for_the_set_that_says_so_only() -> None:
    noisy = PolicySet(gateway="g", name="policies", noise=("throttle.*",))
    moved = state([msgspec.structs.replace(BUCKET, burst=50)], [BUCKET])
    found = drifts({"policies": moved, "other": moved}, noisy)
    assert {each.policy_set: len(each.drifted) for each in found} == {"policies": 0, "other": 1}
    assert told(found, True) == "other: 1 changed at the gateway since the policies were applied."


def test_what_was_never_applied_cannot_have_drifted() -> None:
    found = drifts({"policies": state([BUCKET], [], {})}, None)
    assert told(found, False).startswith("No policies were applied to this gateway yet")
    assert [each.how for each in drift_lines(found)] == [How.MADE]
    assert told(drifts({"policies": state([], [BUCKET])}, None), True) == (
        "1 deleted at the gateway since the policies were applied."
    )


def test_one_thing_made_by_hand_is_told_once() -> None:
    made = state([BUCKET], [], {})
    assert len(drift_lines(drifts({"a": made, "b": made}, None))) == 1
