"""Plans are made of what is asked for, within limits, and frozen."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import select

from hub.recovery import building
from hub.recovery.actions import KINDS
from hub.store.filter_sql import compile_filter
from hub.store.schema import audit, events, plans
from hub.store.schema import batches as batch_table
from transactions.errors import Invalid, NotFound, PlanAltered, Refused, Stale
from transactions.model import Status
from transactions.people import EVERYTHING
from transactions.plans import (
    PLAN_VALIDITY,
    Action,
    PlanOptions,
    PlanRequest,
    PlanState,
    Verdict,
    check_unaltered,
    plan_hash,
)


async def some(bench, count: int = 3) -> list[str]:
    """So many transactions that are held by people, so that nothing moves while plans are made."""
    await bench.act(Action.HOLD, plant="P01")
    ids = [await bench.send("report", event=f"e{n}") for n in range(count)]
    for tx in ids:
        await bench.until(tx, Status.HELD)
    return ids


async def filtered(bench, text: str, action: Action = Action.DISCARD):
    request = PlanRequest(action=action, reason="test", filter=text)
    now = bench.clock.now()
    condition = compile_filter(text, frozenset({"event", "order"}), now)
    return await bench.database.read(
        lambda c: building.build(
            c, request, condition, platform="test", actor="ann", landscape=bench.landscape, now=now, reach=EVERYTHING
        )
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rate": 0.0}, "rate must be"),
        ({"rate": -1.0}, "rate must be"),
        ({"rate": 1e-300}, "rate must be"),
        ({"concurrency": 0}, "concurrency must be"),
        ({"concurrency": -4}, "concurrency must be"),
        ({"concurrency": 2**63}, "concurrency must be"),
        ({"stop_after_failures": 0}, "stop_after_failures must be"),
        ({"drain_rate": 5.0}, "belong to hold and release"),
        ({"target": "ERP"}, "belong to hold and release"),
    ],
)
def test_options_that_a_run_could_not_keep_are_refused(catalogue, options, said) -> None:
    from hub.landscape import Landscape

    request = PlanRequest(action=Action.REPLAY, reason="x", ids=["a"], options=PlanOptions(**options))
    with pytest.raises(Invalid, match=said):
        building.check_request(request, Landscape(catalogue))


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ({"target": "ERP", "drain_rate": 0.0}, "drain_rate must be"),
        ({"target": "ERP", "drain_rate": -3.0}, "drain_rate must be"),
        ({"target": "SAP"}, "There is: EDI, ERP, MES"),
        ({"plant": "P09"}, "There is: P01, P02"),
        ({"flow": "nothing"}, "There is: consumption"),
        ({}, "at least one of target, plant and flow"),
    ],
)
def test_places_that_there_are_not_are_named_with_those_there_are(catalogue, place, said) -> None:
    from hub.landscape import Landscape

    for action in (Action.HOLD, Action.RELEASE):
        request = PlanRequest(action=action, reason="x", options=PlanOptions(**place))
        with pytest.raises(Invalid, match=said):
            building.check_request(request, Landscape(catalogue))


def test_every_action_of_the_contract_can_be_planned() -> None:
    assert {*KINDS, Action.HOLD, Action.RELEASE} == set(Action) - {Action.POLICY}  # that is planned by its policies


async def test_a_plan_is_frozen_with_everything_its_run_goes_by(bench) -> None:
    ids = await some(bench)
    plan = await bench.plan(Action.DISCARD, *reversed(ids), reason="  obsolete  ")
    assert [item.id for item in plan.items] == ids  # in sequence, whatever the order they were named in
    assert plan.reason == "obsolete"
    assert plan.expires_at - plan.created_at == PLAN_VALIDITY == timedelta(hours=24)
    for item in plan.items:
        row = await bench.row(item.id)
        assert item.etag == f"{row.seq}.{row.version}"
        assert (item.payload_sha256, item.idempotency_key, item.target) == (
            row.payload_sha256,
            row.idempotency_key,
            "ERP",
        )
        assert (item.status, item.verdict) == (Status.HELD, Verdict.SEND)
    assert plan.hash == plan_hash(plan.body())
    stored = await bench.stored(plan.hash)
    assert stored == plan


async def test_an_edited_and_a_foreign_plan_are_told_apart_from_the_stored_one(bench) -> None:
    ids = await some(bench, 1)
    plan = await bench.plan(Action.DISCARD, *ids)
    check_unaltered(plan, "test")
    with pytest.raises(PlanAltered, match="edited"):
        check_unaltered(msgspec.structs.replace(plan, reason="another"), "test")
    with pytest.raises(PlanAltered, match="platform 'test'"):
        check_unaltered(plan, "elsewhere")


async def test_naming_an_id_twice_plans_it_once(bench) -> None:
    (tx,) = await some(bench, 1)
    assert len((await bench.plan(Action.DISCARD, tx, tx, tx)).items) == 1


async def test_a_filter_selects_what_matches_now_and_nothing_that_comes_later(bench) -> None:
    ids = await some(bench)
    plan = await filtered(bench, "event:e0,e1")
    assert [item.id for item in plan.items] == ids[:2]
    assert (await filtered(bench, "event:nothing")).items == []


async def test_more_than_one_plan_takes_is_refused_and_nothing_is_planned(bench, monkeypatch) -> None:
    ids = await some(bench, 4)
    monkeypatch.setattr(building, "MAX_ITEMS", 3)
    with pytest.raises(Refused, match=r"More than 3 .*Narrow the filter"):
        await filtered(bench, "status:held")
    with pytest.raises(Refused, match="More than 3"):
        await bench.plan(Action.DISCARD, *ids)
    assert len((await bench.plan(Action.DISCARD, *ids[:3])).items) == 3


def test_one_plan_takes_fifty_thousand() -> None:
    assert building.MAX_ITEMS == 50_000


async def test_a_plan_is_found_by_a_beginning_that_is_no_others(bench) -> None:
    (tx,) = await some(bench, 1)
    plan = await bench.plan(Action.DISCARD, tx)
    now = bench.clock.now()

    async def load(digest: str):
        return await bench.stored(digest, now)

    assert (await load(plan.hash[:12])).hash == plan.hash
    assert (await load(plan.hash[:63])).hash == plan.hash
    for digest in (plan.hash[:11], plan.hash[:12].upper() + "G", "%" * 12, "0" * 64, plan.hash + "0", ""):
        with pytest.raises(NotFound, match="at least 12 characters"):
            await load(digest)


async def test_a_beginning_that_two_share_names_neither(bench) -> None:
    (tx,) = await some(bench, 1)
    plan = await bench.plan(Action.DISCARD, tx)
    twin = plan.hash[:20] + ("0" if plan.hash[20] != "0" else "1") * 44
    now = bench.clock.now()
    await bench.database.write(lambda c: building.store(c, msgspec.structs.replace(plan, hash=twin), now))
    with pytest.raises(NotFound):
        await bench.stored(plan.hash[:20], now)
    found = await bench.stored(plan.hash[:21], now)
    assert found.hash == plan.hash


async def test_storing_a_plan_again_changes_nothing_and_tells_nobody(bench) -> None:
    (tx,) = await some(bench, 1)
    plan = await bench.plan(Action.DISCARD, tx)

    async def told() -> tuple[int, int]:
        return await bench.database.read(
            lambda c: (len(c.execute(select(audit.c.seq)).all()), len(c.execute(select(events.c.seq)).all()))
        )

    before = await told()
    await bench.database.write(lambda c: building.store(c, plan, bench.clock.now()))
    assert await told() == before


async def test_a_plan_expires_after_a_day_and_says_so_wherever_it_is_shown(bench) -> None:
    (tx,) = await some(bench, 1)
    plan = await bench.plan(Action.DISCARD, tx)
    last, later = plan.expires_at, plan.expires_at + timedelta(microseconds=1)
    assert (await bench.stored(plan.hash, last)).state is PlanState.PLANNED
    assert (await bench.stored(plan.hash, later)).state is PlanState.EXPIRED
    row = await bench.database.read(lambda c: c.execute(select(plans).where(plans.c.hash == plan.hash)).one())
    assert building.summarise(row, later).state is PlanState.EXPIRED
    with pytest.raises(Stale, match="expired"):
        await bench.begin(plan, later)
    batch = await bench.begin(plan, last)
    assert batch.plan == plan.hash


@pytest.mark.parametrize("state", [PlanState.REJECTED, PlanState.AWAITING_APPROVAL])
async def test_a_plan_that_may_not_run_is_stale_and_leaves_no_batch(bench, state) -> None:
    (tx,) = await some(bench, 1)
    plan = await bench.plan(Action.DISCARD, tx)
    await bench.database.write(lambda c: c.execute(plans.update().where(plans.c.hash == plan.hash).values(state=state)))

    async def count() -> int:
        return await bench.database.read(lambda c: len(c.execute(select(batch_table.c.id)).all()))

    before = await count()
    with pytest.raises(Stale, match=f"The plan (is|was) {state}"):
        await bench.run(plan)
    assert await count() == before
    assert (await bench.row(tx)).status == Status.HELD


async def test_an_empty_selection_is_a_plan_that_ends_at_once(bench) -> None:
    plan = await filtered(bench, "status:compensated", Action.REPLAY)
    await bench.database.write(lambda c: building.store(c, plan, bench.clock.now()))
    batch = await bench.finished((await bench.run(plan)).id)
    assert (batch.total, str(batch.state)) == (0, "done")
