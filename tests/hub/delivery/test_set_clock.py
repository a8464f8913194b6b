"""Somebody sets the clock of the hub's machine while transactions wait: nothing is stuck, nothing is sent twice, and no
late posting is taken for one that never came."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from aiohttp import web
from sqlalchemy import select, update

from hub.delivery import engine as engines
from hub.delivery.timers import move_along
from hub.store.schema import transactions
from transactions.clock import Step, SystemClock, to_micros
from transactions.model import FailureKind, Status
from transactions.plans import Action

HOUR = timedelta(hours=1)


def says(status: int, body: object = None):
    async def answer(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response(body, status=status)

    return answer


APPLIED = says(201, {"status": "applied", "document": "1"})
LOCKED = says(423, {"code": "LOCKED", "message": "by another"})
ABSENT = says(404, {"status": "absent"})


async def drop(request: web.Request, _body: bytes) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    raise asyncio.CancelledError


class Hands:
    """The machine's clock, which can be set."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def set(self, by: timedelta) -> None:
        self.ahead += by


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    made = Hands()
    monkeypatch.setattr(SystemClock, "now", lambda _self: datetime.now(UTC) + made.ahead)
    monkeypatch.setattr(engines, "LOOK", 0.05)
    return made


@pytest.mark.parametrize("by", [-HOUR, HOUR])
async def test_a_retry_waits_no_longer_than_it_had_to(hands, bench, target, by) -> None:
    target.deliver = LOCKED
    slow = msgspec.structs.replace(bench.profile, backoff=0.5, backoff_limit=0.5)
    bench.engine._finisher._profile = slow
    tx = await bench.send("report", event="e1")
    await bench.until(tx, Status.RETRYING)
    target.deliver = APPLIED
    hands.set(by)
    await bench.until(tx, Status.PROCESSED, within=30)
    assert len(target.received) == 2


async def test_set_back_an_unknown_outcome_is_settled_all_the_same(hands, bench, target) -> None:
    target.deliver, target.lookup = drop, ABSENT
    tx = await bench.send("consumption", event="e1", order="1")
    await bench.until(tx, Status.IN_DOUBT, Status.FAILED)
    hands.set(-HOUR)
    row = await bench.until(tx, Status.FAILED, within=30)
    assert (row.failure_kind, row.failure_code) == (FailureKind.TIMEOUT, "not-applied")


async def test_set_forward_a_late_posting_can_still_land(hands, bench, target) -> None:
    """An hour has passed on the wall and nowhere else: absent is not final yet."""
    bench.settle(-60)
    target.deliver, target.lookup = drop, ABSENT
    tx = await bench.send("consumption", event="e1", order="1")
    await bench.until(tx, Status.IN_DOUBT)
    hands.set(HOUR)
    asked = len(target.asked)
    await bench.database.write(lambda c: c.execute(update(transactions).values(due_next=1)))
    bench.engine._wake.set()
    await bench.soon("it was asked", lambda: len(target.asked) > asked, within=30)
    assert (await bench.row(tx)).status == Status.IN_DOUBT
    target.posted[tx] = b""
    target.lookup = says(200, {"status": "applied", "document": "late"})
    await bench.database.write(lambda c: c.execute(update(transactions).values(due_next=1)))
    bench.engine._wake.set()
    assert (await bench.until(tx, Status.PROCESSED, within=30)).document == "late"
    assert len(target.received) == 1


async def test_a_hold_can_be_released_though_it_was_placed_later_than_now(hands, bench, target) -> None:
    await bench.act(Action.HOLD, target="ERP")
    tx = await bench.send("report", event="e1")
    await bench.until(tx, Status.HELD)
    hands.set(-HOUR)
    await bench.act(Action.RELEASE, target="ERP")
    await bench.until(tx, Status.PROCESSED, within=30)


async def test_a_release_lifts_the_holds_that_its_plan_named_and_no_other(hands, bench, target) -> None:
    await bench.act(Action.HOLD, target="ERP")
    plan = await bench.plan(Action.RELEASE, target="ERP")
    hands.set(-HOUR)
    await bench.act(Action.HOLD, target="ERP")  # by the clock before the plan, by the store after it
    await bench.finished((await bench.run(plan)).id)
    again = await bench.plan(Action.RELEASE, target="ERP")
    assert len(plan.holds) == len(again.holds) == 1
    assert plan.holds != again.holds


async def test_set_back_while_the_hub_was_down_nothing_waits_for_the_hour(hands, bench, target) -> None:
    target.deliver = LOCKED
    slow = msgspec.structs.replace(bench.profile, backoff=0.5, backoff_limit=0.5)
    bench.engine._finisher._profile = slow
    tx = await bench.send("report", event="e1")
    await bench.until(tx, Status.RETRYING)
    await bench.stop()
    hands.set(-HOUR)
    target.deliver = APPLIED
    bench.make()
    await bench.start()
    await bench.until(tx, Status.PROCESSED, within=30)
    assert len(target.received) == 2


@pytest.mark.parametrize(
    ("step", "due", "becomes"),
    [
        # The hub looked five seconds ago. Set back: what it wrote before is about an hour ahead.
        (Step(by=-3600.0, within=5.0), 3600.0 + 40, 40.0),
        (Step(by=-3600.0, within=5.0), 3600.0 - 3, -3.0),
        (Step(by=-3600.0, within=5.0), 40.0, 40.0),  # written since
        # Set forward: what it wrote before is long due, and had a moment to wait still.
        (Step(by=3600.0, within=5.0), -3600.0 + 40, 40.0),
        (Step(by=3600.0, within=5.0), 2.0, 2.0),  # written since
        (Step(by=3600.0, within=5.0), -2.0, -2.0),  # written since, and due
    ],
)
async def test_what_was_written_before_the_clock_was_set_moves_with_it(bench, step, due, becomes) -> None:
    await bench.engine.close()
    tx = await bench.send("report", event="e1")
    now = bench.clock.now()
    moment = to_micros(now)
    await bench.database.write(
        lambda c: c.execute(update(transactions).values(due_next=moment + int(due * 1_000_000), status=Status.RETRYING))
    )
    await bench.database.write(lambda c: move_along(c, step, now))
    found = await bench.database.read(
        lambda c: c.execute(select(transactions.c.due_next).where(transactions.c.id == tx)).scalar_one()
    )
    assert (found - moment) / 1_000_000 == pytest.approx(becomes, abs=0.001)


async def test_what_a_system_said_last_counts_though_the_clock_was_set_back(hands, bench, target) -> None:
    """Its health goes by the newer of the two: an hour of warnings would be told for nothing."""
    outlet = bench.engine.outlet("ERP", None)
    target.deliver = drop
    await bench.send("report", event="e1")
    await bench.soon("the silence counts", lambda: outlet.last_failure is not None, within=30)
    hands.set(-HOUR)
    target.deliver = APPLIED
    await bench.until(await bench.send("report", event="e2"), Status.PROCESSED, within=30)
    await bench.soon("the answer counts", lambda: outlet.last_success is not None, within=30)
    assert outlet.last_failure <= outlet.last_success
