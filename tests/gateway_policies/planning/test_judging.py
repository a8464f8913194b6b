"""What a change does, whom it meets, and what stands against it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from gateway_doubles import NOW, replaced, state_of
from plant_doubles import (
    BULK,
    GRANT3,
    MES1,
    MES3,
    ORDERS,
    RELEASE,
    STANDARD,
    V1,
    V2,
    by_id,
    only_change,
    plan,
    plant,
    usage,
)

from gateway_policies.model import (
    Api,
    Brownout,
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
    by_address,
)
from gateway_policies.planning.model import Change, Guard, Hazard, Traffic
from gateway_policies.rendering.plan_words import heading


def changed(address: str, **fields: object) -> Change:
    files = plant()
    files[address] = replaced(files[address], **fields)
    return by_id(plan(files))[address]


def removed(*addresses: str) -> dict[str, Resource]:
    return {address: each for address, each in plant().items() if address not in addresses}


READING = Operation(methods=("GET",), path="/{order}", scope="orders.read")
RELEASING = Operation(methods=("POST",), path="/{order}/release", scope="orders.release", versions=("v1", "v2"))


@pytest.mark.parametrize(
    ("address", "fields", "hazard", "because", "second"),
    [
        (V1, {"lifecycle": Lifecycle.RETIRED}, Hazard.OUTAGE, "retires a version that is deprecated", True),
        (V2, {"lifecycle": Lifecycle.DRAFT}, Hazard.OUTAGE, "takes out of service a version that is active", True),
        (V1, {"lifecycle": Lifecycle.BROWNOUT}, Hazard.OUTAGE, "begins brownouts", False),
        (
            V1,
            {"brownouts": (Brownout(from_=NOW, until=NOW + timedelta(hours=1)),)},
            Hazard.OUTAGE,
            "answers as if gone in 2026-11-21T08:00:00Z/2026-11-21T09:00:00Z",
            False,
        ),
        (V2, {"lifecycle": Lifecycle.DEPRECATED}, Hazard.NONE, "", False),
        (ORDERS, {"base_path": "/x"}, Hazard.OUTAGE, "nothing answers at /erp/production-orders any more", True),
        (ORDERS, {"versioning": "header:X-Api"}, Hazard.OUTAGE, "versions are asked for in another way", True),
        (ORDERS, {"upstream": "system:MES"}, Hazard.OUTAGE, "calls go to another upstream", False),
        (ORDERS, {"operations": (READING,)}, Hazard.OUTAGE, f"removes operation {RELEASE}", True),
        (
            ORDERS,
            {"operations": (READING, replaced(RELEASING, versions=("v2",)))},  # type: ignore[arg-type]
            Hazard.OUTAGE,
            f"takes {RELEASE} from v1",
            True,
        ),
        (ORDERS, {"operations": (READING, replaced(RELEASING, versions=None))}, Hazard.NONE, "", False),  # type: ignore[arg-type]
        (
            ORDERS,
            {"operations": (replaced(READING, versions=("v2",)), RELEASING)},  # type: ignore[arg-type]
            Hazard.OUTAGE,
            "takes GET /{order} from some versions",
            True,
        ),
        (
            ORDERS,
            {"operations": (READING, replaced(RELEASING, scope="orders.read"))},  # type: ignore[arg-type]
            Hazard.ACCESS,
            f"{RELEASE} wants orders.read instead of orders.release",
            True,
        ),
        (
            ORDERS,
            {"operations": (READING, replaced(RELEASING, scope=None))},  # type: ignore[arg-type]
            Hazard.NONE,
            f"lets any token call {RELEASE}, which wanted orders.release",
            True,
        ),
        (
            ORDERS,
            {"operations": (replaced(READING, scope=None), RELEASING)},  # type: ignore[arg-type]
            Hazard.NONE,
            "lets any token call GET /{order}, which wanted orders.read",
            False,
        ),
        (ORDERS, {"throttle": "plant-standard"}, Hazard.THROTTLE, "throttle plant-standard is tighter than bulk", True),
        (ORDERS, {"throttle": None}, Hazard.NONE, "", False),
        (ORDERS, {"description": "more"}, Hazard.NONE, "", False),
        ("scope.orders.release", {"risk": Risk.LOW}, Hazard.NONE, "calls a financial scope low", True),
        ("scope.orders.release", {"description": "more"}, Hazard.NONE, "", False),
        (STANDARD, {"requests": 60}, Hazard.THROTTLE, "cuts 600 in 60 s to 60 in 60 s", True),
        (STANDARD, {"per_seconds": 3600}, Hazard.THROTTLE, "cuts 600 in 60 s to 600 in 3600 s", True),
        (STANDARD, {"burst": 50}, Hazard.THROTTLE, "cuts burst 100 to 50", True),
        (STANDARD, {"quota": 5, "quota_per_seconds": 60}, Hazard.THROTTLE, "cuts a quota where there was none", True),
        (STANDARD, {"requests": 6000, "burst": 600}, Hazard.NONE, "", False),
        (MES3, {"throttle": None}, Hazard.NONE, "", False),
        (MES3, {"throttle": "bulk"}, Hazard.NONE, "", False),
        (MES3, {"credential": None}, Hazard.ACCESS, "removes its credential", True),
        (
            MES3,
            {"credential": Credential(issuer="plant-idp", client_id="new", expires_on=date(2027, 6, 30))},
            Hazard.ACCESS,
            "client mes-p03 of plant-idp is no longer known",
            True,
        ),
        (
            MES3,
            {"credential": Credential(issuer="plant-idp", client_id="mes-p03", expires_on=date(2027, 1, 1))},
            Hazard.ACCESS,
            "ends its credential on 2027-01-01 instead of 2027-06-30",
            False,
        ),
        (GRANT3, {"expires_on": date(2026, 12, 1)}, Hazard.ACCESS, "ends the grant on 2026-12-01", False),
        (GRANT3, {"expires_on": date(2026, 11, 1)}, Hazard.ACCESS, "ends the grant at once", True),
        (GRANT3, {"expires_on": date(2028, 1, 31)}, Hazard.NONE, "extends a financial scope", True),
        (GRANT3, {"reason": "other"}, Hazard.NONE, "", False),
        ("issuer.plant-idp", {"url": "https://other.example"}, Hazard.OUTAGE, "accepts other tokens than before", True),
    ],
)
def test_what_a_change_does(
    address: str, fields: dict[str, object], hazard: Hazard, because: str, second: bool
) -> None:
    change = changed(address, **fields)
    assert change.hazard is hazard
    assert "; ".join(change.because).startswith(because)
    assert bool(because) == bool(change.because)
    assert bool(change.second_person) == second


def test_what_is_removed() -> None:
    found = by_id(plan({}))
    hazards = {address: each.hazard for address, each in found.items()}
    assert hazards[ORDERS] is hazards[V1] is hazards["issuer.plant-idp"] is Hazard.OUTAGE
    assert hazards[MES3] is hazards[GRANT3] is hazards["scope.orders.read"] is Hazard.ACCESS
    assert hazards[BULK] is Hazard.NONE
    assert found[ORDERS].because == ("removes the API with v1, v2",)
    assert all(each.second_person for address, each in found.items() if not address.startswith("throttle."))


def test_what_nobody_could_call_can_go() -> None:
    live = plant()
    live[GRANT3] = replaced(live[GRANT3], expires_on=date(2026, 1, 1))
    live[V1] = replaced(live[V1], lifecycle=Lifecycle.RETIRED)
    live[V2] = replaced(live[V2], lifecycle=Lifecycle.DRAFT)
    found = by_id(plan({}, state_of(live)))
    assert {found[each].hazard for each in (GRANT3, V1, V2, ORDERS)} == {Hazard.NONE}


def test_a_grant_of_a_grave_scope_wants_a_second_person_and_a_plan_cannot_make_it_harmless_first() -> None:
    files = plant() | {f"{MES1}.grant.orders.release": Grant(consumer="mes-p01", scope="orders.release", reason="x")}
    assert only_change(plan(files)).second_person == ("grants a financial scope",)
    files["scope.orders.release"] = replaced(files["scope.orders.release"], risk=Risk.LOW)
    assert by_id(plan(files))[f"{MES1}.grant.orders.release"].second_person == ("grants a financial scope",)
    assert by_id(plan(files))[f"{MES1}.grant.orders.release"].risk is Risk.FINANCIAL


@pytest.mark.parametrize("wildcard", ["*", "orders.*"])
def test_a_wildcard_is_as_grave_as_what_it_has_in_it(wildcard: str) -> None:
    granted = Grant(consumer="mes-p01", scope=wildcard, reason="x")
    change = only_change(plan(plant() | {granted.address: granted}))
    assert change.second_person == ("grants a financial scope",)
    assert change.risk is Risk.FINANCIAL
    assert change.blockers == (), "it names no scope that would have to be there"
    harmless = Grant(consumer="mes-p01", scope="stock.*", reason="x")
    assert only_change(plan(plant() | {harmless.address: harmless})).second_person == ()


def test_a_grave_scope_that_a_wildcard_has_in_it_is_granted_by_its_coming() -> None:
    granted = Grant(consumer="mes-p01", scope="ledger.*", reason="x")
    live = plant() | {granted.address: granted}
    for risk, wanted in ((Risk.QUALITY, ("grants a quality scope to mes-p01, by a wildcard",)), (Risk.LOW, ())):
        new = Scope(name="ledger.post", risk=risk)
        assert only_change(plan(live | {new.address: new}, state_of(live))).second_person == wanted
    assert only_change(plan(plant() | {"scope.x": Scope(name="x", risk=Risk.QUALITY)})).second_person == ()


def test_whoever_is_let_in_as_a_consumer_gets_what_that_was_granted() -> None:
    live = plant()
    live[MES3] = replaced(live[MES3], credential=None)
    (change,) = plan(plant(), state_of(live)).changes
    assert change.second_person == ("lets client mes-p03 of plant-idp use orders.release",)
    live[MES1] = replaced(live[MES1], credential=None)
    assert by_id(plan(plant(), state_of(live)))[MES1].second_person == ()


def test_changes_are_told_in_the_order_of_what_they_do() -> None:
    files = removed(GRANT3)
    files[V1] = replaced(files[V1], lifecycle=Lifecycle.RETIRED)
    files[STANDARD] = replaced(files[STANDARD], requests=60)
    files["scope.a"] = Scope(name="a")
    assert [each.address for each in plan(files).changes] == [V1, GRANT3, STANDARD, "scope.a"]


def test_without_usage_calls_are_unknown_and_who_may_call_is_told() -> None:
    change = changed(V1, lifecycle=Lifecycle.RETIRED)
    assert change.impact.traffic is Traffic.UNKNOWN
    assert change.impact.calls is None
    assert change.impact.may_call == ("mes-p01", "mes-p03")
    assert not change.blocked


def test_what_was_not_measured_is_unknown_and_not_zero() -> None:
    files = plant()
    files[V2] = replaced(files[V2], lifecycle=Lifecycle.RETIRED)
    assert only_change(plan(files, usage=usage(measured=("stock",)))).impact.traffic is Traffic.UNKNOWN
    measured = only_change(plan(files, usage=usage(measured=("production-orders",)))).impact
    assert (measured.traffic, measured.calls, measured.last_seen) == (Traffic.MEASURED, 0, None)
    assert only_change(plan(files, usage=usage())).impact.calls == 0


def test_what_is_new_is_called_by_nobody_yet() -> None:
    assert only_change(plan(plant() | {"scope.a": Scope(name="a")}, usage=usage())).impact.traffic is Traffic.NEW


def retired() -> dict[str, Resource]:
    files = plant()
    files[V1] = replaced(files[V1], lifecycle=Lifecycle.RETIRED)
    return files


def cut(throttle: str, requests: int) -> dict[str, Resource]:
    files = plant()
    files[throttle] = replaced(files[throttle], requests=requests)
    return files


def tighter(address: str) -> dict[str, Resource]:
    files = plant() | {"throttle.slow": Throttle(name="slow", requests=10, per_seconds=60)}
    files[address] = replaced(files[address], throttle="slow")
    return files


def operations(*wanted: Operation) -> dict[str, Resource]:
    files = plant()
    files[ORDERS] = replaced(files[ORDERS], operations=wanted)
    return files


@pytest.mark.parametrize(
    ("files", "address", "guard", "said"),
    [
        (retired(), V1, Guard.STILL_CALLED, f"{V1} is still called by mes-p03: 12,431 calls, last on 2026-11-20."),
        (removed(GRANT3), GRANT3, Guard.GRANT_USED, "is still used by mes-p03: 12,431 calls"),
        (removed(MES3, GRANT3, f"{MES3}.grant.orders.read"), MES3, Guard.GRANT_USED, "is still used by mes-p03"),
        (cut(STANDARD, 300), STANDARD, Guard.BELOW_PEAK, "consumer.mes-p03 was seen with 400 calls in a minute"),
        (cut(BULK, 3000), BULK, Guard.BELOW_PEAK, "would let through 3000 in 60 s"),
        (tighter(MES3), MES3, Guard.BELOW_PEAK, "throttle.slow would let through 10 in 60 s"),
        (tighter(ORDERS), ORDERS, Guard.BELOW_PEAK, "api.production-orders was seen with 4,000 calls"),
        (operations(READING), ORDERS, Guard.STILL_CALLED, f"{RELEASE} of {ORDERS} is still called by mes-p03"),
        (
            operations(READING, replaced(RELEASING, versions=("v2",))),  # type: ignore[arg-type]
            ORDERS,
            Guard.STILL_CALLED,
            f"{RELEASE} of {ORDERS} is still called",
        ),
    ],
)
def test_what_is_still_used_stands_in_the_way_until_it_is_overridden(
    files: dict[str, Resource], address: str, guard: Guard, said: str
) -> None:
    found = plan(files, usage=usage())
    change = by_id(found)[address]
    assert [each.guard for each in change.blockers] == [guard]
    assert said in change.blockers[0].message
    assert change.blocked
    assert found.verdict.blocked >= 1
    assert "blocked: " in found.verdict.text
    over = by_id(plan(files, usage=usage(), overrides={address: "agreed with plant 3"}))[address]
    assert not over.blocked
    assert over.blockers[0].overridden == "agreed with plant 3"


@pytest.mark.parametrize(
    "files",
    [
        cut(STANDARD, 400),
        operations(READING, replaced(RELEASING, scope="orders.read")),  # type: ignore[arg-type]
        operations(READING, replaced(RELEASING, scope=None)),  # type: ignore[arg-type]
        operations(READING, replaced(RELEASING, versions=None)),  # type: ignore[arg-type]
    ],
)
def test_what_hits_nobody_who_calls_does_not_stand_in_the_way(files: dict[str, Resource]) -> None:
    assert not plan(files, usage=usage()).verdict.blocked


def test_a_wish_for_a_scope_that_a_caller_lacks_stands_in_the_way() -> None:
    files = operations(READING, replaced(RELEASING, scope="orders.new")) | {
        "scope.orders.new": Scope(name="orders.new")
    }  # type: ignore[arg-type]
    assert by_id(plan(files, usage=usage()))[ORDERS].blocked
    files["consumer.mes-p03.grant.orders.new"] = Grant(consumer="mes-p03", scope="orders.new", reason="x")
    assert not plan(files, usage=usage()).verdict.blocked


def test_what_is_protected_is_not_deleted_and_no_reason_helps() -> None:
    live = plant()
    live[BULK] = replaced(live[BULK], protected=True)
    files = removed(BULK)
    files[ORDERS] = replaced(files[ORDERS], throttle=None)
    change = by_id(plan(files, state_of(live), overrides={BULK: "please"}))[BULK]
    assert [(each.guard, each.open) for each in change.blockers] == [(Guard.PROTECTED, True)]
    assert "protected = false" in change.blockers[0].message
    weakened = state_of(plant(), applied=live)
    assert by_id(plan(files, weakened))[BULK].blocked, "taking the protection away by hand is not enough"
    assert not by_id(plan(files))[BULK].blocked


def test_what_another_set_owns_is_refused_with_whose_it_is() -> None:
    state = state_of(plant(), owned=[each for each in plant() if each != BULK], others={BULK: "office"})
    for files in (plant(), cut(BULK, 9000)):
        change = only_change(plan(files, state, overrides={BULK: "mine now"}))
        assert [(each.guard, each.open) for each in change.blockers] == [(Guard.OWNED_BY_OTHER, True)]
        assert "belongs to the policy set office" in change.blockers[0].message
        assert heading(change) == f"{BULK} (another policy set's)"


def test_what_another_set_owns_is_left_alone_when_the_files_do_not_name_it() -> None:
    hand = Consumer(name="hand", owner="somebody")
    live = plant() | {hand.address: hand, "scope.office": Scope(name="office")}
    assert plan(plant(), state_of(live, owned=list(plant()), others={"scope.office": "office"})).empty


def test_what_was_made_by_hand_is_adopted_and_that_is_said() -> None:
    hand = Consumer(name="hand", owner="somebody")
    live = plant() | {hand.address: hand}
    state = state_of(live, owned=list(plant()))
    same = only_change(plan(plant() | {hand.address: hand}, state))
    assert (same.action, same.fields, same.owned_before, same.owned_after) == ("adopt", (), False, True)
    other = only_change(plan(plant() | {hand.address: replaced(hand, owner="plant-it")}, state))
    assert (other.action, [each.field for each in other.fields]) == ("adopt", ["owner"])


def test_what_something_outside_still_refers_to_is_not_deleted() -> None:
    hand = Grant(consumer="mes-p01", scope="orders.release")
    live = plant() | {hand.address: hand}
    files = dict(removed("scope.orders.release", GRANT3).items()) | {ORDERS: operations(READING)[ORDERS]}
    change = by_id(plan(files, state_of(live, owned=list(plant()))))["scope.orders.release"]
    assert change.blockers[0].guard is Guard.STILL_REFERRED
    assert "consumer.mes-p01.grant.orders.release (made by hand) still refers to" in change.blockers[0].message


def test_what_refers_to_nothing_is_refused_and_what_the_gateway_has_is_enough() -> None:
    files = plant() | {f"{MES1}.grant.stock": Grant(consumer="mes-p01", scope="stock")}
    change = only_change(plan(files))
    assert [each.guard for each in change.blockers] == [Guard.NOT_THERE]
    assert "scope.stock" in change.blockers[0].message
    live = plant() | {"scope.stock": Scope(name="stock")}
    assert not plan(files, state_of(live, owned=list(plant()), others={"scope.stock": "office"})).verdict.blocked


def test_what_only_one_can_have_is_not_taken_twice() -> None:
    second = Api(name="copy", owner="x", base_path="/erp/production-orders", upstream="system:ERP")
    change = only_change(plan(plant() | {second.address: second}))
    assert [each.guard for each in change.blockers] == [Guard.TAKEN]
    assert "the base path /erp/production-orders is taken by api.production-orders." in change.blockers[0].message


def test_what_only_one_can_have_may_change_hands() -> None:
    files = plant()
    files[ORDERS] = replaced(files[ORDERS], base_path="/old")
    files["api.copy"] = Api(name="copy", owner="x", base_path="/erp/production-orders", upstream="system:ERP")
    found = plan(files)
    assert not found.verdict.blocked
    order = [deed.change for step in found.steps for deed in step]
    assert order == [by_id(found)[ORDERS].id, by_id(found)["api.copy"].id]


def test_issuers_say_who_holds_their_tokens() -> None:
    files = plant()
    files["issuer.plant-idp"] = Issuer(name="plant-idp", url="https://other.example")
    impact = only_change(plan(files, usage=usage())).impact
    assert impact.calls == 12_431
    assert impact.may_call == ("mes-p01", "mes-p03")


def test_a_wildcard_that_is_used_is_blocked_unless_something_else_grants_the_same() -> None:
    wide = Grant(consumer="mes-p03", scope="orders.*")
    with_both = plant() | {wide.address: wide}
    alone = {each: resource for each, resource in with_both.items() if each != GRANT3}
    before = state_of(alone)
    gone = {each: resource for each, resource in alone.items() if each != wide.address}
    change = by_id(plan(gone, before, usage=usage()))[wide.address]
    assert change.impact.calls == 12_431
    assert [each.guard for each in change.blockers] == [Guard.GRANT_USED]
    # With the grant by its name nothing is lost.
    change = by_id(plan(plant(), state_of(with_both), usage=usage()))[wide.address]
    assert change.blockers == ()
    # And the wildcard is enough without the grant by its name.
    change = by_id(plan(alone, state_of(with_both), usage=usage()))[GRANT3]
    assert change.blockers == ()


def test_the_calls_of_a_wildcard_are_unknown_where_an_api_of_its_scopes_was_not_counted() -> None:
    wide = Grant(consumer="mes-p01", scope="orders.*")
    before = state_of(plant() | {wide.address: wide})
    change = by_id(plan(plant(), before, usage=usage(measured=("stock",))))[wide.address]
    assert change.impact.traffic is Traffic.UNKNOWN


@pytest.mark.parametrize(("count", "rest"), [(1, ""), (2, " (and 1 more)"), (3, " (and 2 more)")])
def test_the_verdict_tells_the_first_that_blocks_and_how_many_more_do(count: int, rest: str) -> None:
    before = [Scope(name=f"s{each}", protected=True) for each in range(count)]
    verdict = plan({}, state_of(before)).verdict
    assert verdict.blocked == count
    assert verdict.text.endswith(
        "blocked: scope.s0 is protected. Apply it with 'protected = false' first, then take it out of the files" + rest
    )


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (3, "lets client mes of idp use pay.0, pay.1 and pay.2"),
        (4, "lets client mes of idp use pay.0, pay.1, pay.2 and 1 more"),
    ],
)
def test_of_the_grave_scopes_of_a_new_client_few_are_named_and_all_counted(count: int, told: str) -> None:
    scopes = [Scope(name=f"pay.{each}", risk=Risk.FINANCIAL) for each in range(count)]
    harmless = Scope(name="read", risk=Risk.LOW)
    consumer = Consumer(name="mes", owner="it")
    grants = [Grant(consumer="mes", scope=each.name) for each in (*scopes, harmless)]
    rest: list[Resource] = [Issuer(name="idp", url="https://idp.example"), harmless, *scopes, *grants]
    files = by_address([*rest, replaced(consumer, credential=Credential(issuer="idp", client_id="mes"))])
    change = only_change(plan(files, state_of([*rest, consumer])))
    assert change.because == (told,)
    assert change.second_person == (told,)


def test_the_risk_of_a_version_is_that_of_the_scopes_that_it_has_itself() -> None:
    pay, read = Scope(name="pay", risk=Risk.FINANCIAL), Scope(name="read", risk=Risk.LOW)
    operations = (
        Operation(methods=("POST",), path="/", scope="pay", versions=("v1",)),
        Operation(methods=("GET",), path="/", scope="read"),
        Operation(methods=("GET",), path="/open"),
    )
    api = Api(name="a", owner="it", base_path="/a", upstream="system:ERP", operations=operations)
    versions = [Version(api="a", name=name, lifecycle=Lifecycle.ACTIVE) for name in ("v1", "v2")]
    live: list[Resource] = [pay, read, api, *versions]
    files = by_address([pay, read, api, *(replaced(each, lifecycle=Lifecycle.DEPRECATED) for each in versions)])
    found = by_id(plan(files, state_of(live)))
    assert [found[each.address].risk for each in versions] == [Risk.FINANCIAL, Risk.LOW]
    gone = by_id(plan(by_address([pay, read]), state_of(live)))
    assert gone["api.a.version.v1"].risk is Risk.FINANCIAL, "of an API that goes as well"
    new = by_id(plan(by_address(live), state_of([pay, read])))
    assert new["api.a.version.v1"].risk is Risk.FINANCIAL, "of an API that comes as well"


def test_what_one_side_deleted_and_the_other_changed_says_what_to_do() -> None:
    files = plant() | {STANDARD: replaced(plant()[STANDARD], burst=90)}
    without = {each: resource for each, resource in plant().items() if each != STANDARD}
    made_again = by_id(plan(files, state_of(without, owned=list(plant()), applied=plant())))[STANDARD]
    assert [each.message for each in made_again.blockers if each.guard is Guard.CONFLICT] == [
        (
            "throttle.plant-standard was deleted at the gateway, and changed in the files. "
            "Take it out of the files, or override it to make it again."
        )
    ]
    by_hand = plant() | {STANDARD: replaced(plant()[STANDARD], burst=70)}
    deleted = by_id(plan(without, state_of(by_hand, applied=plant())))[STANDARD]
    assert [each.message for each in deleted.blockers if each.guard is Guard.CONFLICT] == [
        (
            "throttle.plant-standard was changed at the gateway, and deleted in the files. "
            "Put it back into the files as it is live, or override it to delete it."
        )
    ]
