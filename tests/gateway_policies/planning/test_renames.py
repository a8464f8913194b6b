"""What goes under one name and comes under another."""

from __future__ import annotations

import pytest
from gateway_doubles import SET, replaced, state_of
from plant_doubles import GRANT3, MES3, ORDERS, STANDARD, by_id, only_change, plan, plant, usage

from gateway_policies.changeset import states
from gateway_policies.model import Consumer, Grant, Scope, Throttle, by_address
from gateway_policies.planning.applying import apply_changes, changeset_of
from gateway_policies.planning.model import Action, Hazard
from gateway_policies.planning.undoing import inverse
from gateway_policies.references import Names, dangling


@pytest.mark.parametrize(
    ("old", "new", "moves", "follows"),
    [
        (ORDERS, "api.orders", 2, 0),
        (MES3, "consumer.mes-plant-3", 2, 0),
        ("scope.orders.release", "scope.orders.dispatch", 1, 1),
        (STANDARD, "throttle.standard", 0, 2),
        ("issuer.plant-idp", "issuer.site-idp", 0, 2),
    ],
)
def test_a_rename_is_one_change_with_all_that_moves_and_follows(old: str, new: str, moves: int, follows: int) -> None:
    files = Names({old: new}).in_all(plant())
    state = state_of(plant())
    found = plan(files)
    change = only_change(found)
    assert (change.action, change.from_, change.address) == (Action.RENAME, old, new)
    assert (len(change.moves), len(change.follows), change.fields) == (moves, follows, ())
    after = apply_changes(state, found)
    assert after.live == after.applied == files
    assert set(after.owners) == set(files)
    for step in states(state, SET, changeset_of(found, state, by="test").steps):
        assert dangling(step.live) == []
    back = inverse(found, after, made_at=found.made_at)
    assert apply_changes(after, back).live == plant()


def test_a_rename_with_a_change_says_both_and_does_the_rename_first() -> None:
    files = Names({MES3: "consumer.mes-plant-3"}).in_all(plant())
    address = "consumer.mes-plant-3"
    files[address] = replaced(files[address], owner="plant-3-ot")
    found = plan(files)
    change = only_change(found)
    assert change.action is Action.RENAME
    assert [(each.field, each.before, each.after) for each in change.fields] == [("owner", "plant-it", "plant-3-ot")]
    assert found.records == ()  # nobody else brought it there
    assert [[deed.do for deed in step] for step in found.steps] == [["rename"], ["put"]]
    after = apply_changes(state_of(plant()), found)
    back = inverse(found, after, made_at=found.made_at)
    assert apply_changes(after, back).live == plant()


def test_many_renames_at_once_each_take_along_what_the_others_moved() -> None:
    names = {
        MES3: "consumer.mes-plant-3",
        "scope.orders.release": "scope.orders.dispatch",
        STANDARD: "throttle.standard",
    }
    files = Names(names).in_all(plant())
    found = plan(files)
    assert {each.action for each in found.changes} == {Action.RENAME}
    after = apply_changes(state_of(plant()), found)
    assert after.live == after.applied == files


def test_what_could_be_either_of_two_is_no_rename() -> None:
    files = plant()
    live = plant() | {"throttle.a": Throttle(name="a", requests=7, per_seconds=1)}
    files |= {f"throttle.{each}": Throttle(name=each, requests=7, per_seconds=1) for each in ("b", "c")}
    actions = {each.address: each.action for each in plan(files, state_of(live)).changes}
    assert actions == {"throttle.a": "delete", "throttle.b": "create", "throttle.c": "create"}


def test_two_that_have_too_little_in_common_are_no_rename() -> None:
    live = plant() | {"scope.stock.move": Scope(name="stock.move")}
    files = plant() | {"scope.lots.hold": Scope(name="lots.hold")}
    assert {each.action for each in plan(files, state_of(live)).changes} == {Action.DELETE, Action.CREATE}


def test_another_content_is_no_rename() -> None:
    files = plant()
    del files["throttle.bulk"]
    files[ORDERS] = replaced(files[ORDERS], throttle="fast")
    files["throttle.fast"] = Throttle(name="fast", requests=100, per_seconds=1, burst=5, quota=7, quota_per_seconds=60)
    actions = {each.address: each.action for each in plan(files).changes}
    assert actions == {"throttle.bulk": "delete", "throttle.fast": "create", ORDERS: "update"}


def test_what_others_refer_to_is_not_renamed_away_from_them() -> None:
    files = Names({STANDARD: "throttle.standard"}).in_all(plant())
    live = plant() | {"consumer.hand": Consumer(name="hand", owner="somebody", throttle="plant-standard")}
    found = by_id(plan(files, state_of(live, owned=list(plant()))))
    assert found[STANDARD].action is Action.DELETE
    assert [each.guard for each in found[STANDARD].blockers] == ["still-referred"]
    assert "consumer.hand (made by hand) still refers to" in found[STANDARD].blockers[0].message


def test_what_hangs_below_and_is_not_ours_keeps_its_parent_where_it_is() -> None:
    files = Names({MES3: "consumer.mes-plant-3"}).in_all(plant())
    hand = Grant(consumer="mes-p03", scope="orders.count")
    live = plant() | by_address([hand, Scope(name="orders.count")])
    found = by_id(plan(files, state_of(live, owned=list(plant()))))
    assert found[MES3].action is Action.DELETE
    assert found[MES3].blocked


def test_to_where_something_is_nothing_is_renamed() -> None:
    files = Names({STANDARD: "throttle.standard"}).in_all(plant())
    live = plant() | {"throttle.standard": Throttle(name="standard", requests=1, per_seconds=1)}
    found = by_id(plan(files, state_of(live, owned=list(plant()))))
    assert (found[STANDARD].action, found["throttle.standard"].action) == (Action.DELETE, Action.ADOPT)


def test_a_renamed_scope_takes_access_from_the_tokens_that_have_the_old_one() -> None:
    change = only_change(plan(Names({"scope.orders.release": "scope.orders.dispatch"}).in_all(plant())))
    assert change.hazard is Hazard.ACCESS
    assert change.because == ("tokens with orders.release are no longer enough",)
    assert change.second_person


def test_what_was_seen_under_the_old_name_is_found_under_the_new() -> None:
    change = only_change(plan(Names({MES3: "consumer.mes-plant-3"}).in_all(plant()), usage=usage()))
    assert change.impact.calls == 12_431
    assert [each.consumer for each in change.impact.callers] == ["mes-plant-3"]


def test_a_grant_that_moves_is_called_by_its_new_address() -> None:
    change = only_change(plan(Names({MES3: "consumer.mes-plant-3"}).in_all(plant())))
    assert (GRANT3, "consumer.mes-plant-3.grant.orders.release") in [(each.from_, each.to) for each in change.moves]
