"""What is live, as new files: loading them gives what was live, and planning them nothing to change."""

from __future__ import annotations

import tempfile
from pathlib import Path

from gateway_doubles import NOW, SET, gateways, replaced, state_of
from hypothesis import HealthCheck, given, settings

from gateway_policies.loading import load
from gateway_policies.model import Api, Consumer, Credential, Grant, Issuer, Resource, Scope, Throttle, Version
from gateway_policies.planning.making import make_plan
from gateway_policies.planning.model import Action
from gateway_policies.state import GatewayState
from gateway_policies.writing.exporting import SECRET, Left, export
from gateway_policies.writing.files import write

LIVE: list[Resource] = [
    Issuer(name="idp", url="https://idp.example"),
    Scope(name="orders.read"),
    Throttle(name="t", requests=1, per_seconds=1),
    Api(name="orders", owner="erp", base_path="/orders", upstream="https://u:hunter2@erp.example", throttle="t"),
    Version(api="orders", name="v1", contract="contracts/orders-v1.json"),
    Consumer(name="mes", owner="it", credential=Credential(issuer="idp", client_id="mes", secret="hunter2")),
    Grant(consumer="mes", scope="orders.read"),
]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(gateways())
def test_planning_what_was_exported_changes_nothing(found: tuple[dict[str, Resource], GatewayState]) -> None:
    _, state = found
    exported = export(state)
    assert exported.left == []
    assert exported.policies.resources == state.live
    with tempfile.TemporaryDirectory() as name:
        write(exported.policies, Path(name))
        loaded = load(Path(name))
        assert loaded.policies is not None, loaded.findings
        plan = make_plan(loaded.policies, state, made_at=NOW)
    assert [each for each in plan.changes if each.action is not Action.ADOPT or each.fields] == []
    assert sorted(each.address for each in plan.changes) == exported.by_hand


def test_no_secret_is_written_and_that_is_told() -> None:
    exported = export(state_of(LIVE))
    assert exported.left == [Left("api.orders", SECRET), Left("consumer.mes", SECRET)]
    assert "hunter2" not in str(exported)
    api, consumer = (exported.policies.resources[each] for each in ("api.orders", "consumer.mes"))
    assert isinstance(api, Api)
    assert isinstance(consumer, Consumer)
    assert api.upstream == "https://erp.example"
    assert consumer.credential == Credential(issuer="idp", client_id="mes")
    assert exported.contracts == ["contracts/orders-v1.json"]


def test_what_another_set_owns_is_not_ours_to_write_and_neither_is_what_needs_it() -> None:
    state = state_of(
        LIVE, owned=[each.address for each in LIVE if each.address != "throttle.t"], others={"throttle.t": "b"}
    )
    exported = export(state, SET)
    assert exported.others == 1
    assert [each.address for each in exported.left if each.why != SECRET] == ["api.orders", "api.orders.version.v1"]
    assert "it refers to throttle.t, which these files do not have" in {each.why for each in exported.left}
    assert set(exported.policies.resources) == {
        "consumer.mes", "consumer.mes.grant.orders.read", "issuer.idp", "scope.orders.read",
    }  # fmt: skip


def test_a_name_that_would_lead_out_of_the_folder_is_left_out() -> None:
    bad = [
        Consumer(name="../x", owner="o"), Api(name="a/b", owner="o", base_path="/", upstream="system:X"),
        Scope(name="Upper"), Version(api="../../x", name="v1"), Grant(consumer="mes", scope="a/b"),
    ]  # fmt: skip
    exported = export(state_of([*bad, *(each for each in LIVE if isinstance(each, Issuer))]))
    assert list(exported.policies.resources) == ["issuer.idp"]
    assert {each.why for each in exported.left} == {"it has a name that files cannot have"}
    assert len(exported.left) == len(bad)


def test_the_set_and_the_gateway_are_named() -> None:
    exported = export(replaced(state_of(LIVE, policy_set="mine"), gateway="north"), "mine")  # type: ignore[type-var]
    assert (exported.policies.gateway, exported.policies.name) == ("north", "mine")
