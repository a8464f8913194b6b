"""What the hub holds a change against by itself, whoever planned it."""

from __future__ import annotations

from datetime import date

import pytest
from gateway_doubles import NOW, gateways, policies_of, replaced, state_of
from hypothesis import HealthCheck, given, settings

from gateway_policies.changeset import Edit, states
from gateway_policies.model import (
    Api,
    Consumer,
    Credential,
    Grant,
    Issuer,
    Lifecycle,
    Operation,
    Resource,
    Risk,
    Scope,
    Throttle,
    Version,
)
from gateway_policies.planning.applying import changeset_of
from gateway_policies.planning.making import make_plan
from gateway_policies.planning.model import OVERRIDABLE
from gateway_policies.state import GatewayState
from hub.gateway.fitting import check_fit, check_form, why_second
from transactions.errors import Invalid, Refused

TODAY = date(2026, 11, 21)
POST, READ = Scope(name="ledger.post", risk=Risk.FINANCIAL), Scope(name="orders.read", risk=Risk.LOW)
MES, PORTAL = Consumer(name="mes", owner="it"), Consumer(name="portal", owner="it")
STANDARD = Throttle(name="standard", requests=600, per_seconds=60)
API = Api(
    name="orders",
    owner="erp",
    base_path="/orders",
    upstream="system:ERP",
    operations=(Operation(methods=("GET",), path="/", scope="orders.read"),),
)
V1 = Version(api="orders", name="v1", lifecycle=Lifecycle.ACTIVE)
WHOLE: list[Resource] = [
    *(POST, READ, MES, PORTAL, STANDARD, API, V1),
    Grant(consumer="mes", scope="ledger.post"),
    Grant(consumer="portal", scope="orders.read"),
]


def put(resource: Resource, renamed_from: str | None = None) -> Edit:
    return Edit(address=resource.address, resource=resource, owned=True, applied=resource, renamed_from=renamed_from)


def gone(resource: Resource) -> Edit:
    return Edit(address=resource.address)


def after(before: GatewayState, *edits: Edit) -> GatewayState:
    (found,) = states(before, "policies", (edits,))
    return found


def second(*edits: Edit, live: list[Resource] | None = None) -> list[str]:
    before = state_of(WHOLE if live is None else live)
    found = why_second(before, after(before, *edits), edits, "policies", TODAY)
    return [reason for reasons in found.values() for reason in reasons]


@pytest.mark.parametrize(
    ("edits", "because"),
    [
        ((put(Grant(consumer="portal", scope="ledger.post")),), "grants a financial scope"),
        ((gone(Grant(consumer="portal", scope="orders.read")),), "removes the grant"),
        ((put(replaced(STANDARD, requests=60)),), "cuts"),
        ((put(replaced(V1, lifecycle=Lifecycle.RETIRED)),), "retires a version that is active"),
        ((gone(V1),), "removes a version that is active"),
        ((put(replaced(POST, risk=Risk.LOW)),), "calls a financial scope low"),
        ((put(replaced(API, base_path="/other")),), "nothing answers at /orders any more"),
    ],
)
def test_what_one_person_is_not_enough_for(edits: tuple[Edit, ...], because: str) -> None:
    assert any(because in each for each in second(*edits))


def test_what_one_person_is_enough_for() -> None:
    new = Scope(name="stock.read", risk=Risk.LOW)
    assert second(put(new), put(Grant(consumer="portal", scope="stock.read"))) == []
    assert second(put(replaced(STANDARD, requests=6000)), put(replaced(MES, description="of plant 1"))) == []
    assert second(*(put(each) for each in WHOLE if not isinstance(each, Grant)), live=[]) == []


def test_a_rename_is_one_only_where_it_is_the_same_thing() -> None:
    mes, theirs = Grant(consumer="mes", scope="ledger.post"), Grant(consumer="portal", scope="ledger.post")
    # A grant has no name of its own: this gives portal what mes had.
    assert any("grants a financial scope" in each for each in second(put(theirs, mes.address)))
    # The consumer itself, with what hangs below it, is only called something else.
    shop = replaced(MES, name="shop-floor")
    whole = (put(shop, MES.address), put(Grant(consumer="shop-floor", scope="ledger.post"), mes.address))
    assert second(*whole) == []
    # In the place of somebody who is there, it is none.
    assert second(put(replaced(MES, name="portal"), MES.address), gone(mes)) != []


def test_two_that_become_one_are_not_overlooked() -> None:
    new = replaced(MES, name="both")
    edits = (put(new, MES.address), put(new, PORTAL.address))
    found = second(*edits, gone(Grant(consumer="mes", scope="ledger.post")))
    assert any("removes the consumer" in each for each in found)


def test_a_scope_cannot_be_made_harmless_and_granted_in_one_go() -> None:
    found = second(put(replaced(POST, risk=Risk.LOW)), put(Grant(consumer="portal", scope="ledger.post")))
    assert any("grants a financial scope" in each for each in found)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(gateways())
def test_whatever_a_plan_wants_a_second_person_for_the_hub_wants_one_for(
    found: tuple[dict[str, Resource], GatewayState],
) -> None:
    files, state = found
    policies = policies_of(files)
    first = make_plan(policies, state, made_at=NOW)
    agreed = {
        change.address: "agreed"
        for change in first.changes
        if change.blockers and all(each.guard in OVERRIDABLE for each in change.blockers)
    }
    plan = make_plan(policies, state, made_at=NOW, overrides=agreed)
    if plan.verdict.blocked:
        return
    edits = [edit for step in changeset_of(plan, state, by="grete").steps for edit in step]
    then = after(state, *edits)
    check_form(edits)
    check_fit(state, then, edits)
    because = why_second(state, then, edits, plan.policy_set, NOW.date())
    assert bool(because) or not plan.verdict.second_person


def test_what_is_referred_to_has_to_be_there() -> None:
    before = state_of(WHOLE)
    edits = [gone(READ)]
    with pytest.raises(Refused, match=r"refers to scope.orders.read.*Nothing was changed"):
        check_fit(before, after(before, *edits), edits)
    broken = state_of([*WHOLE, Grant(consumer="nobody", scope="orders.read")])
    fine = [put(replaced(MES, description="of plant 1"))]
    check_fit(broken, after(broken, *fine), fine)


def test_nobody_takes_the_path_of_another() -> None:
    before = state_of(WHOLE)
    edits = [put(replaced(API, name="copies", operations=()))]
    with pytest.raises(Refused, match="More than one would have the base path /orders"):
        check_fit(before, after(before, *edits), edits)


def test_what_is_protected_stays_and_may_be_called_something_else() -> None:
    guarded = replaced(STANDARD, protected=True)
    before = state_of([guarded])
    renamed = put(replaced(guarded, name="usual"), guarded.address)
    check_fit(before, after(before, renamed), [renamed])
    away = Edit(address="throttle.usual")
    for edits in ([gone(guarded)], [renamed, away]):
        with pytest.raises(Refused, match=r"throttle.standard is protected|is protected"):
            check_fit(before, after(before, *edits), edits)


@pytest.mark.parametrize(
    "edit",
    [
        Edit(address="scope."),
        Edit(address="nothing.x"),
        Edit(address="scope.a b"),
        Edit(address="api.a.version.v1.more"),
        Edit(address="scope.a", renamed_from="scope.\x1b[31m"),
        Edit(address="scope.other", resource=READ),
        Edit(address="scope.orders.read", applied=POST),
        put(Api(name="a.version.b", owner="o", base_path="/a", upstream="system:ERP")),
        put(Consumer(name="a.grant.b", owner="o")),
    ],
)
def test_an_edit_is_about_what_it_says(edit: Edit) -> None:
    with pytest.raises(Invalid, match="Nothing was changed"):
        check_form([edit])


def test_a_secret_is_not_taken_and_not_repeated() -> None:
    credential = Credential(issuer="idp", client_id="mes", secret="s3cr3t-value")
    with pytest.raises(Invalid, match="has a secret in it") as caught:
        check_form([put(replaced(MES, credential=credential))])
    assert "s3cr3t" not in caught.value.detail
    check_form([put(replaced(MES, credential=Credential(issuer="idp", client_id="mes", secret="env:MES_SECRET")))])
    check_form([put(Issuer(name="idp", url="https://idp.example/realms"))])
