"""A plan is frozen: its hash is over everything it says, and an edited or foreign one is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from transactions.canonical import canonical
from transactions.errors import PlanAltered
from transactions.model import Status
from transactions.plans import (
    PLAN_VALIDITY,
    Action,
    Plan,
    PlanBody,
    PlanItem,
    PlanOptions,
    PlanRequest,
    PlanState,
    PolicyChanges,
    Verdict,
    check_unaltered,
    count_verdicts,
    plan_hash,
)

MakePlan = Callable[..., Plan]
MakeItem = Callable[..., PlanItem]


def test_the_hash_is_the_same_on_every_machine(a_plan: MakePlan) -> None:
    # a pinned value: a hash that drifts between versions would void every stored plan and approval
    assert a_plan().hash == plan_hash(a_plan().body())
    assert a_plan().hash == "fdf60eba4dbecc52bd04de231dc3b7fc8cfd9f489a22b6740d5b99354ab1172e"


def test_validity_is_a_day() -> None:
    assert timedelta(hours=24) == PLAN_VALIDITY


def test_a_plan_file_goes_round(a_plan: MakePlan) -> None:
    plan = a_plan()
    written = canonical(plan)
    again = msgspec.json.decode(written, type=Plan)
    assert again == plan
    assert canonical(again) == written
    assert list(msgspec.json.decode(written)["items"][0])  # items are a list at the top
    check_unaltered(again, "andon-1")


def test_defaults_that_are_left_out_or_written_out_hash_alike(a_plan: MakePlan) -> None:
    plan = a_plan()
    spelled = msgspec.to_builtins(plan)
    spelled["options"] = {"rate": None, "force_superseded": False}
    assert plan_hash(msgspec.convert(spelled, Plan).body()) == plan.hash


@pytest.mark.parametrize(
    "change",
    [
        {"reason": "another reason"},
        {"action": Action.DISCARD},
        {"requested_by": "bob"},
        {"filter": None},
        {"options": PlanOptions(force_superseded=True)},
        {"options": PlanOptions(rate=50.0)},
        {"items": []},
    ],
    ids=str,
)
def test_an_edited_plan_is_refused(a_plan: MakePlan, change: dict[str, Any]) -> None:
    edited = msgspec.structs.replace(a_plan(), **change)
    with pytest.raises(PlanAltered, match="edited after it was made") as refused:
        check_unaltered(edited, "andon-1")
    assert "Nothing was sent" in refused.value.detail
    assert "Make a new plan" in refused.value.detail


@pytest.mark.parametrize(
    "change",
    [
        {"id": "01JN9"},
        {"etag": "9.9"},
        {"payload_sha256": "ee" * 32},
        {"target": "WMS"},
        {"verdict": Verdict.DUPLICATE},
        {"idempotency_key": "other"},
        {"revision": 2},
        {"status": Status.PARKED},
        {"because": "so"},
        {"plant": None},
    ],
    ids=str,
)
def test_an_edited_item_is_refused(a_plan: MakePlan, an_item: MakeItem, change: dict[str, Any]) -> None:
    plan = a_plan()
    edited = msgspec.structs.replace(plan, items=[plan.items[0], msgspec.structs.replace(plan.items[1], **change)])
    with pytest.raises(PlanAltered):
        check_unaltered(edited, "andon-1")


def test_items_in_another_order_are_another_plan(a_plan: MakePlan) -> None:
    plan = a_plan()
    with pytest.raises(PlanAltered):
        check_unaltered(msgspec.structs.replace(plan, items=plan.items[::-1]), "andon-1")


def test_prolonging_a_plan_is_editing_it(a_plan: MakePlan) -> None:
    plan = a_plan()
    longer = msgspec.structs.replace(plan, expires_at=plan.expires_at + timedelta(hours=1))
    with pytest.raises(PlanAltered):
        check_unaltered(longer, "andon-1")


def test_a_foreign_plan_is_refused_and_both_platforms_are_named(a_plan: MakePlan) -> None:
    with pytest.raises(PlanAltered, match=r"'andon-1'.*'plant-2'"):
        check_unaltered(a_plan(), "plant-2")


def test_a_plan_moved_to_another_platform_by_hand_is_an_edited_one(a_plan: MakePlan) -> None:
    with pytest.raises(PlanAltered, match="edited"):
        check_unaltered(msgspec.structs.replace(a_plan(), platform="plant-2"), "plant-2")


def test_where_a_plan_stands_is_not_part_of_it(a_plan: MakePlan) -> None:
    run = msgspec.structs.replace(a_plan(), state=PlanState.RUN, batch="01JB", verdicts={})
    check_unaltered(run, "andon-1")


def test_the_body_is_every_frozen_field() -> None:
    assert set(Plan.__struct_fields__) - set(PlanBody.__struct_fields__) == {
        "hash", "state", "verdicts", "batch", "approval", "radius", "revision",
    }  # fmt: skip


def test_every_verdict_is_counted_also_with_zero(an_item: MakeItem) -> None:
    items = [an_item(1), an_item(2), an_item(3, verdict=Verdict.REFUSED)]
    counts = count_verdicts(items)
    assert counts == {"send": 2, "duplicate": 0, "superseded": 0, "held-behind": 0, "maybe-posted": 0, "refused": 1}
    assert sum(count_verdicts([]).values()) == 0
    assert all(type(name) is str for name in counts)


@pytest.mark.parametrize(
    "body",
    [
        {"action": "replay"},
        {"action": "replay", "reason": "r", "force": True},
        {"action": "replay", "reason": "r", "options": {"waves": 3}},
        {"action": "explode", "reason": "r"},
    ],
    ids=["no reason", "unknown field", "unknown option", "unknown action"],
)
def test_a_request_outside_the_contract_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(body, PlanRequest)


# what a run takes up


@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize("waits", [msgspec.UNSET, False, True])
def test_a_run_takes_up_what_may_go_and_what_only_waits_for_people(
    an_item: MakeItem, verdict: Verdict, waits: bool | msgspec.UnsetType
) -> None:
    assert an_item(1, verdict=verdict, waits=waits).runs is (verdict is Verdict.SEND or waits is True)


def test_a_plan_counts_what_it_acts_on_and_not_what_it_leaves_alone(a_plan: MakePlan, an_item: MakeItem) -> None:
    items = [an_item(1), an_item(2, verdict=Verdict.REFUSED), an_item(3, verdict=Verdict.HELD_BEHIND, waits=True)]
    assert a_plan(items).count == 2
    assert a_plan([]).count == 0


def test_a_change_of_the_gateway_counts_its_resources_and_says_which_revision_it_became(a_plan: MakePlan) -> None:
    policy = PolicyChanges(
        gateway="plant-gateway", policy_set="policies", plan="ab" * 32, base="cd" * 32, revision=4, sha256="ef" * 32,
        counts={"add": 2, "remove": 1}, changes=[],
    )  # fmt: skip
    plan = a_plan([], action=Action.POLICY, policy=policy)
    assert (policy.total, plan.count) == (3, 3)
    assert msgspec.structs.replace(plan, revision=5).ran_as == "revision 5"
    assert msgspec.structs.replace(a_plan(), batch="01JB").ran_as == "batch 01JB"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({}, []),
        ({"force_superseded": True}, ["force_superseded"]),
        ({"break_glass": True, "force_schema": True}, ["force_schema", "break_glass"]),
        ({"force_maybe_posted": True}, ["force_maybe_posted"]),
        ({"process": True, "rate": 5, "canary": 0}, []),
    ],
)
def test_guards_that_are_overridden_are_named(options: dict[str, Any], named: list[str]) -> None:
    assert PlanOptions(**options).overrides == named


@pytest.mark.parametrize(
    ("name", "taken", "refused"),
    [
        ("concurrency", [1, 1000], [0, 1001, "3"]),
        ("canary", [0, 1_000_000], [-1, 1_000_001]),
        ("stop_after_failures", [1, 1_000_000], [0, 1_000_001]),
        ("evidence", ["", "x" * 1000], ["x" * 1001]),
        ("date", ["2026-02-28"], ["2026-2-28", "28.02.2026", "2026-02-28T00:00"]),
        ("rate", [0.1, 5], [0, -1]),
        ("drain_rate", [0.1, 5], [0, -1]),
    ],
)
def test_options_have_bounds(name: str, taken: list[Any], refused: list[Any]) -> None:
    for value in taken:
        assert getattr(msgspec.convert({name: value}, PlanOptions), name) == value
    for value in refused:
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({name: value}, PlanOptions)


def test_every_option_that_is_not_given_is_off() -> None:
    plain = PlanOptions()
    assert msgspec.to_builtins(plain) == {}
    assert [name for name in plain.__struct_fields__ if getattr(plain, name)] == []
