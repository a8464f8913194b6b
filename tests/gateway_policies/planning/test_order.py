"""The order of steps, where it matters most; that it never dangles is in test_properties."""

from __future__ import annotations

from gateway_doubles import replaced, state_of
from plant_doubles import GRANT3, MES1, MES3, ORDERS, V1, V2, by_id, plan, plant

from gateway_policies.model import Api, Consumer, Credential, Grant, Operation, Resource, Scope
from gateway_policies.planning.model import Plan


def order(found: Plan) -> list[set[str]]:
    names = {each.id: each.address for each in found.changes}
    return [{names[deed.change] for deed in step} for step in found.steps]


def place(found: Plan, address: str) -> int:
    return next(index for index, step in enumerate(order(found)) if address in step)


def test_what_is_referred_to_comes_first_and_an_api_comes_with_the_versions_that_it_names() -> None:
    found = plan(plant(), state_of({}))
    assert {ORDERS, V1, V2} in order(found)
    assert place(found, "scope.orders.release") < place(found, ORDERS)
    assert place(found, "throttle.bulk") < place(found, ORDERS)
    assert place(found, "issuer.plant-idp") < place(found, MES3) < place(found, GRANT3)
    assert [len(step) for step in order(found)].count(1) == len(found.steps) - 1


def test_what_is_referred_to_goes_last() -> None:
    found = plan({})
    assert place(found, GRANT3) < place(found, MES3) < place(found, "issuer.plant-idp")
    assert place(found, ORDERS) < place(found, "throttle.bulk")
    assert place(found, ORDERS) < place(found, "scope.orders.release")


def test_callers_have_a_new_scope_before_it_is_wanted_and_lose_the_old_one_after() -> None:
    files = plant() | {"scope.orders.dispatch": Scope(name="orders.dispatch", description="another thing altogether")}
    api = files[ORDERS]
    assert isinstance(api, Api)
    files[ORDERS] = replaced(
        api,
        operations=(api.operations[0], replaced(api.operations[1], scope="orders.dispatch")),  # type: ignore[arg-type]
    )
    new = f"{MES3}.grant.orders.dispatch"
    files[new] = Grant(consumer="mes-p03", scope="orders.dispatch", reason="dispatches")
    del files[GRANT3]
    found = plan(files)
    assert place(found, new) < place(found, ORDERS) < place(found, GRANT3)


def test_names_that_two_exchange_are_one_step() -> None:
    live = plant()
    live["api.a"] = Api(name="a", owner="x", base_path="/a", upstream="system:ERP")
    live["api.b"] = Api(name="b", owner="y", base_path="/b", upstream="system:MES")
    files = dict(live)
    files["api.a"] = replaced(files["api.a"], base_path="/b")
    files["api.b"] = replaced(files["api.b"], base_path="/a")
    found = plan(files, state_of(live))
    assert not found.verdict.blocked
    assert order(found) == [{"api.a", "api.b"}]


def test_a_client_that_changes_hands_is_given_up_first() -> None:
    files: dict[str, Resource] = plant()
    del files[f"{MES1}.grant.orders.read"], files[MES1]
    files["consumer.portal"] = Consumer(
        name="portal", owner="sales", credential=Credential(issuer="plant-idp", client_id="mes-p01")
    )
    found = plan(files)
    assert not found.verdict.blocked
    assert place(found, MES1) < place(found, "consumer.portal")


def test_an_operation_lets_go_of_a_version_before_that_goes() -> None:
    files = plant()
    api = files[ORDERS]
    assert isinstance(api, Api)
    files[ORDERS] = replaced(
        api,
        operations=(api.operations[0], Operation(methods=("POST",), path="/{order}/release", scope="orders.release")),
    )
    del files[V1]
    found = plan(files)
    assert [by_id(found)[each].action for each in (ORDERS, V1)] == ["update", "delete"]
    assert place(found, ORDERS) < place(found, V1)
