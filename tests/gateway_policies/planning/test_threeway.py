"""Who moved: per resource, per field, and per member of a set."""

from __future__ import annotations

import pytest
from gateway_doubles import policies_of, replaced, state_of
from plant_doubles import BULK, GRANT3, MES3, ORDERS, RELEASE, STANDARD, V1, by_id, only_change, plan, plant

from gateway_policies.model import Api, Operation, Resource, Scope, Throttle
from gateway_policies.planning.applying import apply_changes
from gateway_policies.planning.making import make_plan
from gateway_policies.planning.model import Action, FieldChange, Moved
from gateway_policies.state import GatewayState


def with_(address: str, resource: Resource | None = None, **fields: object) -> dict[str, Resource]:
    found = plant()
    if resource is None and not fields:
        del found[address]
    else:
        found[address] = resource or replaced(found[address], **fields)
    return found


def drifted(live: dict[str, Resource], **more: object) -> GatewayState:
    return state_of(live, owned=[each for each in live if each in plant()], applied=plant(), **more)  # type: ignore[arg-type]


def api_with(*operations: Operation) -> Api:
    found = plant()[ORDERS]
    assert isinstance(found, Api)
    return Api(**{each: getattr(found, each) for each in Api.__struct_fields__} | {"operations": operations})


def test_the_files_moved() -> None:
    change = only_change(plan(with_(STANDARD, burst=50)))
    assert (change.action, change.moved, change.drifted) == (Action.UPDATE, Moved.PENDING, False)
    assert change.fields == (FieldChange(field="burst", moved=Moved.PENDING, before=100, after=50),)


def test_a_burst_that_stays_is_no_change_where_it_was_as_much_as_the_refill() -> None:
    live = with_(STANDARD, burst=600)
    found = plan(with_(STANDARD, requests=900, burst=600), state_of(live))
    assert [(each.field, each.before, each.after) for each in only_change(found).fields] == [("requests", 600, 900)]
    assert plan(plant(), state_of(live)).changes[0].fields[0].field == "burst"


def test_the_gateway_moved() -> None:
    found = plan(plant(), drifted(with_(STANDARD, burst=200)))
    change = only_change(found)
    assert (change.moved, change.drifted) == (Moved.DRIFT, True)
    assert change.fields == (FieldChange(field="burst", moved=Moved.DRIFT, before=200, after=100, applied=100),)
    assert found.drift == (change.id,)
    assert found.conflicts == ()


def test_both_moved_the_same_field() -> None:
    found = plan(with_(STANDARD, burst=50), drifted(with_(STANDARD, burst=200)))
    change = only_change(found)
    assert change.moved is Moved.CONFLICT
    assert change.fields == (FieldChange(field="burst", moved=Moved.CONFLICT, before=200, after=50, applied=100),)
    assert [each.guard for each in change.blockers] == ["conflict"]
    assert found.conflicts == found.drift == (change.id,)


def test_both_moved_different_fields_of_one_resource_is_no_conflict() -> None:
    change = only_change(plan(with_(STANDARD, requests=900), drifted(with_(STANDARD, burst=200))))
    assert change.moved is Moved.PENDING
    assert change.drifted
    assert {each.field: each.moved for each in change.fields} == {"burst": Moved.DRIFT, "requests": Moved.PENDING}
    assert not change.blocked


def test_both_moved_to_the_same_end_is_recorded_and_nothing_else() -> None:
    files = with_(STANDARD, burst=200)
    found = plan(files, drifted(files))
    assert found.empty
    assert [(each.address, each.before, each.after) for each in found.records] == [
        (STANDARD, plant()[STANDARD], files[STANDARD])
    ]
    after = apply_changes(drifted(files), found)
    assert after.applied[STANDARD] == files[STANDARD]
    assert make_plan(policies_of(files), after, made_at=found.made_at).records == ()


@pytest.mark.parametrize(
    ("files", "live", "expected"),
    [
        (plant(), with_(GRANT3), (Action.CREATE, Moved.DRIFT)),
        (with_(GRANT3, reason="other"), with_(GRANT3), (Action.CREATE, Moved.CONFLICT)),
        (with_(GRANT3), plant(), (Action.DELETE, Moved.PENDING)),
        (with_(GRANT3), with_(GRANT3, reason="by hand"), (Action.DELETE, Moved.CONFLICT)),
    ],
)
def test_what_came_and_went(
    files: dict[str, Resource], live: dict[str, Resource], expected: tuple[Action, Moved]
) -> None:
    change = only_change(plan(files, drifted(live)))
    assert (change.action, change.moved) == expected
    assert change.blocked == (change.moved is Moved.CONFLICT)


def test_what_both_removed_is_forgotten() -> None:
    found = plan(with_(GRANT3), drifted(with_(GRANT3)))
    assert found.empty
    assert [(each.address, each.after) for each in found.records] == [(GRANT3, None)]
    assert GRANT3 not in apply_changes(drifted(with_(GRANT3)), found).applied


def test_operations_are_told_by_method_and_path() -> None:
    files = with_(
        ORDERS,
        api_with(
            Operation(methods=("GET", "HEAD"), path="/{order}", scope="orders.read"),
            Operation(methods=("POST",), path="/{order}/release", scope="orders.release", versions=("v2",)),
        ),
    )
    change = only_change(plan(files))
    assert change.fields == (
        FieldChange(field="operations[HEAD /{order}]", moved=Moved.PENDING, after="orders.read"),
        FieldChange(field=f"operations[{RELEASE}].versions", moved=Moved.PENDING, removed=("v1",)),
    )


def test_members_of_a_set_are_pending_or_drifted_each_for_itself() -> None:
    def versions(*names: str) -> dict[str, Resource]:
        return with_(
            ORDERS,
            api_with(
                Operation(methods=("GET",), path="/{order}", scope="orders.read"),
                Operation(methods=("POST",), path="/{order}/release", scope="orders.release", versions=names),
            ),
        )

    change = only_change(plan(versions("v1"), drifted(versions("v1", "v2", "v3"))))
    assert change.fields == (
        FieldChange(field=f"operations[{RELEASE}].versions", moved=Moved.PENDING, removed=("v2",)),
        FieldChange(field=f"operations[{RELEASE}].versions", moved=Moved.DRIFT, removed=("v3",)),
    )


def test_the_scope_of_a_call_that_both_changed_is_a_conflict() -> None:
    def wanting(scope: str) -> dict[str, Resource]:
        found = with_(
            ORDERS,
            api_with(
                Operation(methods=("GET",), path="/{order}", scope=scope),
                Operation(methods=("POST",), path="/{order}/release", scope="orders.release", versions=("v1", "v2")),
            ),
        )
        return found | {"scope.orders.view": Scope(name="orders.view")}

    state = drifted(wanting("orders.view"))
    (field,) = by_id(plan(wanting("orders.release") | {"scope.orders.view": Scope(name="orders.view")}, state))[
        ORDERS
    ].fields
    assert field == FieldChange(
        field="operations[GET /{order}]",
        moved=Moved.CONFLICT,
        before="orders.view",
        after="orders.release",
        applied="orders.read",
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            Throttle(name="bulk", requests=6000, per_seconds=60),
            Throttle(name="bulk", requests=6000, per_seconds=60, burst=6000),
        ),
        (
            api_with(Operation(methods=("GET", "HEAD"), path="/{order}", scope="orders.read")),
            api_with(
                Operation(methods=("HEAD",), path="/{order}", scope="orders.read"),
                Operation(methods=("GET",), path="/{order}", scope="orders.read"),
            ),
        ),
        (
            api_with(Operation(methods=("GET",), path="/{order}", versions=("v1", "v2"))),
            api_with(
                Operation(methods=("GET",), path="/{order}", versions=("v2",)),
                Operation(methods=("GET",), path="/{order}", versions=("v1",)),
            ),
        ),
    ],
)
def test_no_difference_where_there_is_only_another_spelling(one: Resource, other: Resource) -> None:
    for files, live in ((one, other), (other, one)):
        state = state_of(with_(live.address, live))
        found = plan(with_(files.address, files), state)
        assert found.empty
        assert found.records == ()


@pytest.mark.parametrize(
    "noise", ["throttle.plant-standard:burst", "throttle.*:burst", "*:burst", "throttle.plant-standard", "throttle.*"]
)
def test_noise_is_no_drift_and_is_not_put_back(noise: str) -> None:
    state = drifted(with_(STANDARD, burst=200))
    assert plan(plant(), state, noise=(noise,)).empty
    files = with_(STANDARD, requests=900)
    found = plan(files, state, noise=(noise,))
    change = only_change(found)
    assert [each.field for each in change.fields] == ["requests"]
    after = apply_changes(state, found)
    assert after.live[STANDARD] == replaced(files[STANDARD], burst=200)
    assert after.applied[STANDARD] == files[STANDARD]
    assert plan(files, after, noise=(noise,)).empty
    assert [each.field for each in only_change(plan(files, after)).fields] == ["burst"]


def test_noise_somewhere_else_is_drift_all_the_same() -> None:
    assert not plan(plant(), drifted(with_(STANDARD, burst=200)), noise=("throttle.bulk:burst", "*:quota")).empty


def test_what_the_files_say_about_noise_counts() -> None:
    found = plan(with_(STANDARD, burst=50), drifted(with_(STANDARD, burst=200)), noise=("*:burst",))
    assert only_change(found).fields == (FieldChange(field="burst", moved=Moved.PENDING, before=200, after=50),)


def test_noise_inside_a_credential_and_of_one_operation() -> None:
    live = plant()
    consumer = live[MES3]
    live[MES3] = replaced(consumer, credential=replaced(consumer.credential, client_id="by-hand"))  # type: ignore[union-attr,arg-type]
    assert plan(plant(), drifted(live), noise=("consumer.*:credential.client_id",)).empty
    live = with_(
        ORDERS,
        api_with(
            Operation(methods=("GET",), path="/{order}", scope="orders.release"),
            Operation(methods=("POST",), path="/{order}/release", scope="orders.release", versions=("v1", "v2")),
        ),
    )
    noise = ("api.*:operations[GET /{order}]",)
    assert plan(plant(), drifted(live), noise=noise).empty
    found = plan(with_(ORDERS, owner="somebody"), drifted(live), noise=noise)
    after = apply_changes(drifted(live), found)
    assert after.live[ORDERS].operations[0].scope == "orders.release"  # type: ignore[union-attr]
    assert after.live[ORDERS].owner == "somebody"  # type: ignore[union-attr]


def test_what_was_deleted_by_hand_may_be_noise_too() -> None:
    assert plan(plant(), drifted(with_(GRANT3)), noise=("consumer.mes-p03.grant.*",)).empty


def test_what_is_new_in_the_files_is_never_noise() -> None:
    files = plant() | {"throttle.new": Throttle(name="new", requests=1, per_seconds=1)}
    assert only_change(plan(files, noise=("*",))).action is Action.CREATE


def test_a_version_that_goes_takes_nothing_else_with_it() -> None:
    api = api_with(
        Operation(methods=("GET",), path="/{order}", scope="orders.read"),
        Operation(methods=("POST",), path="/{order}/release", scope="orders.release", versions=("v2",)),
    )
    files = with_(ORDERS, api)
    del files[V1]
    found = plan(files)
    assert {each.address: each.action for each in found.changes} == {V1: "delete", ORDERS: "update"}
    assert BULK in apply_changes(state_of(plant()), found).live
