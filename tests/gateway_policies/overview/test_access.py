"""Who may call what: by name, by wildcard, not by what has expired."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from policy_strategies import resources

from gateway_policies.model import (
    Api,
    Consumer,
    Credential,
    Grant,
    Operation,
    Resource,
    Scope,
    by_address,
)
from gateway_policies.overview.access import Access, system_of

TODAY = date(2026, 11, 20)
GONE = TODAY - timedelta(days=1)


def access(*some: Resource) -> Access:
    return Access(by_address(some), TODAY)


def api(*operations: Operation, name: str = "orders", **more: object) -> Api:
    return Api(name=name, owner="o", base_path=f"/{name}", upstream="system:ERP", operations=operations, **more)


def operation(scope: str | None, *versions: str) -> Operation:
    return Operation(methods=("GET",), path=f"/{scope}", scope=scope, versions=versions or None)


def consumer(name: str, *, known: bool = True) -> Consumer:
    credential = Credential(issuer="idp", client_id=name) if known else None
    return Consumer(name=name, owner="o", credential=credential)


def grant(who: str, scope: str, until: date | None = None) -> Grant:
    return Grant(consumer=who, scope=scope, expires_on=until)


@settings(max_examples=25, deadline=None)
@given(resources())
def test_who_may_call_is_who_has_a_scope_that_an_operation_wants(live: dict[str, Resource]) -> None:
    found = Access(live, TODAY)
    for name, one in found.apis.items():
        for version in [None, *(each.name for each in found.versions if each.api == name)]:
            able = {
                who
                for who in found.consumers
                for each in one.operations
                if version is None or each.versions is None or version in each.versions
                if (who in found.known if each.scope is None else who in found.holders.get(each.scope, ()))
            }
            assert found.may_call(name, version) == able


@settings(max_examples=25, deadline=None)
@given(resources(), st.dates(date(2024, 1, 1), date(2030, 1, 1)))
def test_holders_and_what_is_given_say_the_same(live: dict[str, Resource], today: date) -> None:
    found = Access(live, today)
    for who in found.consumers:
        lasting = {scope for scope, each in found.given(who).items() if not found.ended(each.grant)}
        assert lasting == {scope for scope, names in found.holders.items() if who in names}


def test_the_last_day_of_a_grant_is_part_of_it() -> None:
    found = access(api(operation("a")), Scope(name="a"), consumer("m"), grant("m", "a", TODAY))
    assert found.may_call("orders") == {"m"}
    assert not access(api(operation("a")), Scope(name="a"), consumer("m"), grant("m", "a", GONE)).may_call("orders")


def test_a_wildcard_gives_what_fits_it() -> None:
    found = access(
        Scope(name="orders.read"),
        Scope(name="orders.release"),
        Scope(name="stock.read"),
        consumer("m"),
        grant("m", "orders.*"),
        grant("m", "orders.read"),
    )
    given_to_it = found.given("m")
    assert {scope: each.inherited for scope, each in given_to_it.items()} == {
        "orders.read": False,
        "orders.release": True,
    }
    assert found.holders["orders.release"] == {"m"}


def test_a_grant_that_lasts_comes_before_one_that_has_ended() -> None:
    found = access(Scope(name="o.read"), consumer("m"), grant("m", "o.read", GONE), grant("m", "o.*"))
    assert found.given("m")["o.read"].inherited
    assert found.holders["o.read"] == {"m"}


def test_what_wants_no_scope_is_for_all_who_can_show_who_they_are() -> None:
    found = access(api(operation(None)), consumer("m"), consumer("nobody", known=False))
    assert found.may_call("orders") == {"m"}


def test_versions_have_the_operations_that_name_them_and_those_that_name_none() -> None:
    found = access(
        api(operation("a", "v1"), operation("b")),
        *(Scope(name=each) for each in "ab"),
        *(consumer(each) for each in "mn"),
        grant("m", "a"),
        grant("n", "b"),
    )
    assert found.may_call("orders", "v1") == {"m", "n"}
    assert found.may_call("orders", "v2") == {"n"}
    assert found.wanting == {"a": ("orders",), "b": ("orders",)}
    assert found.operations("nothing") == []


def test_a_grant_of_a_consumer_that_is_not_there_is_nobodys() -> None:
    assert access(Scope(name="a"), grant("ghost", "a")).holders == {}


def test_apis_are_found_by_system_those_that_show_it_as_it_is_first() -> None:
    own = api(name="erp-orders")
    process = Api(name="a-flow", owner="o", base_path="/f", upstream="http://x", layer="process", system="erp")
    found = access(own, process, Api(name="other", owner="o", base_path="/x", upstream="http://y"))
    assert [each.name for each in found.apis_of("ERP")] == ["erp-orders", "a-flow"]
    assert system_of(own) == "ERP"
    assert system_of(found.apis["other"]) == ""
    assert found.apis_of("MES") == []
