"""The life cycle at the level of the hub: a real store, the delivery engine and recovery, against a model of what the
targets did. Documents arrive, targets misbehave, people act, the hub ends in the middle; and at every quiet moment the
hub's word has to be true, what waits has to wait for something, and nothing was done twice.

``ANDON_LIFE_CYCLES=500 pytest tests/hub/lifecycle`` runs the long form, with lives of its own each time.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import func, select

from hub.delivery import guards
from hub.delivery.profile import QUICK
from hub.landscape import Landscape
from hub.recovery import batches
from hub.store.database import open_database
from hub.store.schema import audit, batch_items, corrections, events, reversals, tallies, transactions
from hub.store.schema import batches as batch_rows
from transactions.audit import verify
from transactions.batches import BatchState
from transactions.clock import from_micros
from transactions.edits import Step
from transactions.errors import KeyReused, NotFound, Refused
from transactions.history import AuditEntry
from transactions.model import Status
from transactions.plans import Action
from transactions.states import BLOCKING, CLOSED, ROWS

LIVES = int(os.environ.get("ANDON_LIFE_CYCLES", "0"))
PATIENCE = 30.0  # seconds until what still moves is taken for lost
PROFILE = msgspec.structs.replace(
    QUICK,
    backoff=0.005,
    backoff_limit=0.01,
    breaker_failures=3,
    breaker_pause=0.02,
    breaker_wait=20.0,
    lookup_pause=0.005,
    lookups=3,
    parked_every=0.05,
    reply_within=0.1,
)
STEPS = {(start, end) for starts, _, ends in ROWS for start in starts for end in ends}
_MOVES = (Status.PENDING, Status.DELIVERING, Status.RETRYING, Status.SENT)
_REACHED = {Status.PENDING: Status.DELIVERING, Status.RETRYING: Status.DELIVERING}

FLOWS = ("consumption", "consumption", "report", "plan", "receipt", "notice")
PLACES = ({"target": "ERP"}, {"flow": "consumption"}, {"plant": "P01"}, {"flow": "plan"})
ANY = st.integers(0, 10_000)


class LifeCycle(RuleBasedStateMachine):
    """One hub's life."""

    # given by the test
    workbench: Any
    world_class: Any
    moods: tuple[str, ...]
    catalogue: Any

    # A hub, and what is known of it

    @initialize(first=st.lists(st.tuples(st.sampled_from(FLOWS), st.integers(1, 2), st.integers(1, 9)), max_size=8))
    def open(self, first: list[tuple[str, int, int]]) -> None:
        self.loop = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.world = self.world_class()
        self.world.watch = self.arrives
        self.taken: dict[str, str] = {}  # what was accepted: id by key of the document
        self.held: list[dict[str, str]] = []
        self.broken: list[str] = []
        self.told: list[str] = []
        self.do(self.begin())
        for flow, order, event in first:
            self.document(flow, order, event, False)

    def do(self, work: Any) -> Any:
        return self.loop.run(work)

    async def begin(self) -> None:
        landscape = Landscape(self.catalogue)
        landscape.use_addresses({"ERP": "http://erp", "EDI": "http://edi"})
        self.bench = self.workbench(open_database(Path(self.folder.name)), landscape, PROFILE, self.world)
        await self.bench.start()

    async def end(self, patience: float = 0.0) -> None:
        await self.bench.runner.close()
        await self.bench.engine.close(patience=patience)
        self.bench.database.close()

    def teardown(self) -> None:
        if hasattr(self, "bench"):
            try:
                self.do(self.heal())
                self.do(self.check_whole())
            finally:
                self.do(self.end())
                self.loop.close()
                self.folder.cleanup()

    # What happens

    @rule(flow=st.sampled_from(FLOWS), order=st.integers(1, 2), event=st.integers(1, 9), wait=st.booleans())
    def document(self, flow: str, order: int, event: int, wait: bool) -> None:
        """A document comes; the same key once more brings the same transaction, with other content it is refused."""
        key = f"{flow}-{order}-{event}"
        content = {"event": key, "order": str(order), "plan": f"A{order}", "version": str(event)}
        self.told.append(f"document {key}")
        tx = self.do(self.bench.send(flow, **content))
        assert self.taken.setdefault(key, tx) == tx
        try:
            self.do(self.bench.send(flow, **content, other="yes"))
            raise AssertionError("a key with other content was taken")
        except KeyReused:
            pass
        self.look(wait)

    @rule(data=st.data())
    def mood(self, data: st.DataObject) -> None:
        """What targets do with the next deliveries."""
        self.world.moods.extend(data.draw(st.lists(st.sampled_from(self.moods), min_size=1, max_size=4)))
        self.told.append(f"moods {list(self.world.moods)}")

    @rule(mute=st.booleans())
    def ears(self, mute: bool) -> None:
        """Targets can be asked, or cannot."""
        self.world.mute = mute
        self.told.append(f"mute {mute}")

    @rule(which=ANY)
    def people_there(self, which: int) -> None:
        """Somebody posts what is parked in the target, or deletes it."""
        if self.world.parked:
            key = sorted(self.world.parked)[which % len(self.world.parked)]
            self.told.append(f"people there about {key}")
            if which % 3:
                self.world.people_post(key)
            else:
                del self.world.parked[key]
        self.look(True)

    @rule(which=ANY, all_of_them=st.booleans(), wait=st.booleans())
    def replay(self, which: int, all_of_them: bool, wait: bool) -> None:
        self.act(Action.REPLAY, self.some(which, 50 if all_of_them else 1, Status.FAILED), wait, canary=0)

    @rule(which=ANY, wait=st.booleans())
    def edit(self, which: int, wait: bool) -> None:
        step = Step(op="add", path="/note", value=str(which))
        self.act(Action.EDIT, self.some(which, 2, Status.FAILED), wait, patch=[step], canary=0)

    @rule(which=ANY)
    def discard(self, which: int) -> None:
        self.act(Action.DISCARD, self.some(which, 1, Status.FAILED, Status.PARKED, Status.HELD), True)

    @rule(which=ANY)
    def restore(self, which: int) -> None:
        self.act(Action.RESTORE, self.some(which, 1, Status.DISCARDED), True)

    @rule(which=ANY, honest=st.booleans())
    def resolve(self, which: int, honest: bool) -> None:
        """By evidence; a false claim about a target that can be asked, and answers, is refused."""
        for tx in self.some(which, 1, Status.IN_DOUBT, Status.FAILED, Status.PARKED):
            row = self.do(self.bench.row(tx))
            true = self.world.applied[row.idempotency_key] > 0
            if row.idempotency_key in self.world.parked or (self.world.mute and row.target == "ERP"):
                honest = True
            if row.target != "ERP":
                honest = True
            claim = "applied" if true == honest else "not-applied"
            options = {"resolve_as": claim, "evidence": "document 4900000001"}
            plan = self.do(self.bench.plan(Action.RESOLVE, tx, **options))
            if not honest:
                assert plan.verdicts["send"] == 0, f"{claim} was believed of {row.status} {row.flow}"
            self.act(Action.RESOLVE, [tx], True, **options)

    @rule(which=ANY, several=st.integers(1, 3), wait=st.booleans())
    def compensate(self, which: int, several: int, wait: bool) -> None:
        ids = self.some(which, several, Status.PROCESSED, Status.RESOLVED, Status.COMPENSATION_FAILED)
        self.act(Action.COMPENSATE, ids, wait)

    @rule(which=ANY, several=st.integers(1, 3), wait=st.booleans())
    def correct(self, which: int, several: int, wait: bool) -> None:
        step = Step(op="add", path="/right", value=str(which))
        self.act(Action.CORRECT, self.some(which, several, Status.PROCESSED), wait, patch=[step])

    @rule(place=st.sampled_from(PLACES))
    def hold(self, place: dict[str, str]) -> None:
        if place not in self.held:
            self.held.append(place)
            self.act(Action.HOLD, None, True, **place)

    @precondition(lambda self: self.held)
    @rule(which=ANY)
    def release(self, which: int) -> None:
        self.act(Action.RELEASE, None, True, **self.held.pop(which % len(self.held)))

    @rule(which=ANY)
    def cancel(self, which: int) -> None:
        """Somebody ends a batch."""
        running = self.do(self.rows(select(batch_rows.c.id).where(batch_rows.c.state == BatchState.RUNNING)))
        if running:
            chosen, now = running[which % len(running)].id, self.bench.clock.now()
            self.told.append(f"cancel {chosen}")
            try:
                self.do(self.bench.database.write(lambda c: batches.cancel(c, chosen, "ann", now)))
            except Refused:
                self.told.append("it had ended")
        self.look(True)

    @rule(hangs=st.sampled_from([None, "lost", "applied"]), replays=st.booleans(), event=st.integers(1, 9))
    def restart(self, hangs: str | None, replays: bool, event: int) -> None:
        """The hub ends as in a power cut, with a delivery under way or without, and starts on the same folder."""
        self.told.append(f"restart {hangs} {replays}")
        if hangs is not None:
            self.world.hangs, self.world.hung = hangs, asyncio.Event()
            if replays:
                self.act(Action.REPLAY, self.some(event, 50, Status.FAILED), False, canary=0)
            else:
                self.document("consumption", 1 + event % 2, event, False)
            self.do(self.until_it_hangs())
        self.do(self.cut())
        self.look(True)

    async def until_it_hangs(self) -> None:
        hung = asyncio.ensure_future(self.world.hung.wait())
        calm = asyncio.ensure_future(self.calm())
        _, late = await asyncio.wait({hung, calm}, return_when=asyncio.FIRST_COMPLETED)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def cut(self) -> None:
        self.world.hangs = None
        await self.end()
        await self.begin()

    # People's work, in general

    def some(self, which: int, most: int, *statuses: Status) -> list[str]:
        wanted = select(transactions.c.id).where(transactions.c.status.in_([str(one) for one in statuses]))
        found = [row.id for row in self.do(self.rows(wanted.order_by(transactions.c.seq)))]
        start = which % len(found) if found else 0
        return (found[start:] + found[:start])[:most]

    def act(self, action: Action, ids: list[str] | None, wait: bool, **options: Any) -> None:
        if ids == []:
            return
        self.told.append(f"{action} {ids} {options}")
        try:
            plan = self.do(self.bench.plan(action, *(ids or ()), **options))
            self.do(self.bench.run(plan))
        except NotFound:
            assert action is Action.RELEASE
        self.look(wait)

    async def rows(self, query: Any) -> list[Any]:
        return await self.bench.database.read(lambda c: list(c.execute(query).all()))

    def look(self, wait: bool) -> None:
        if wait:
            self.do(self.calm())
            self.do(self.check())

    async def calm(self) -> None:
        """Wait until nothing moves by itself: what still moves after a long time has been forgotten by somebody."""
        end = time.monotonic() + PATIENCE
        while (moving := await self.moving()) or self.bench.engine.busy:
            if time.monotonic() > end:
                raise AssertionError("\n".join(["still moving:", *moving, *self.told]))
            await asyncio.sleep(0.002)

    async def moving(self) -> list[str]:
        found = [f"late posting {handle!r}" for handle in self.world.late if not _over(handle)]
        c = transactions.c
        for row in await self.rows(select(transactions).where(c.status.in_([*map(str, _MOVES), "held", "in-doubt"]))):
            asked = row.status == Status.IN_DOUBT and not (row.waiting_on or "").startswith("evidence:")
            if row.status in _MOVES or row.hold_kind == "breaker" or asked:
                found.append(f"{row.status} {row.hold_kind} {row.flow} {row.id} {row.waiting_on} due {row.due_next}")
        for batch in await self.rows(select(batch_rows.c.id).where(batch_rows.c.state == BatchState.RUNNING)):
            found += [] if await self.waits(batch.id) else [f"batch {batch.id}"]
        return found

    async def waits(self, batch: str) -> bool:
        """Whether an item of a batch waits for people: it is held, or what reverses it or comes instead of it is."""
        at_work = (
            select(transactions)
            .join(batch_items, batch_items.c.tx_id == transactions.c.id)
            .where(batch_items.c.batch == batch, batch_items.c.state.in_(("intended", "sent", "in-doubt")))
        )
        for row in await self.rows(at_work):
            if row.status == Status.HELD:
                return True
            if row.status == Status.COMPENSATING:
                made = select(transactions.c.status).join(reversals, reversals.c.tx_id == transactions.c.id)
                return any(
                    one.status == Status.HELD for one in await self.rows(made.where(reversals.c.original == row.id))
                )
        return False

    # What has to hold

    def arrives(self, key: str) -> None:
        """A delivery is at its target: nothing that has to come before it in its lane is unfinished."""
        with sqlite3.connect(Path(self.folder.name) / "andon.db") as store:
            store.row_factory = sqlite3.Row
            mine = store.execute("SELECT * FROM transactions WHERE idempotency_key = ?", (key,)).fetchone()
            if mine["status"] != "delivering":
                self.broken.append(f"{key} left while it was {mine['status']}")
            if mine["lane"] is None:
                return
            lane = "SELECT * FROM transactions WHERE lane = ? AND seq != ?"
            others = store.execute(lane, (mine["lane"], mine["seq"])).fetchall()
            reverses = store.execute("SELECT original FROM reversals WHERE tx_id = ?", (mine["id"],)).fetchone()
            for other in others:
                if other["status"] == "delivering":
                    self.broken.append(f"{key} left while {other['idempotency_key']} of its lane was on its way")
                if other["seq"] > mine["seq"] or other["status"] not in BLOCKING:
                    continue
                gives_way = other["status"] == "failed" and other["definitive"]
                if reverses is not None:
                    may = gives_way or other["status"] in ("compensating", "compensation-failed", "pending", "held")
                else:
                    may = gives_way and mine["object_key"] is not None and other["object_key"] == mine["object_key"]
                if not may:
                    self.broken.append(f"{key} left before {other['idempotency_key']}, which is {other['status']}")
        store.close()

    async def check(self) -> None:
        """At a quiet moment."""
        story = "\n".join(self.told)
        assert not self.broken, f"{self.broken}\n{story}"
        world = self.world
        twice = {key: count for key, count in world.applied.items() if count > 1}
        assert not twice, f"applied twice: {twice}\n{story}"
        assert not {key: count for key, count in world.reversed.items() if count > 1}, story
        everything = await self.rows(select(transactions).order_by(transactions.c.seq))
        assert {row.id for row in everything} >= set(self.taken.values()), "lost"
        for row in everything:
            assert self.is_true(row), f"{row.status} {row.flow} {row.idempotency_key} {row.id} is not true\n{story}"
        await self.check_waiting(everything, story)
        await self.check_claims(everything, story)
        counted = {row.status: row.n for row in await self.rows(_COUNTED) if row.n}
        assert counted == dict(_count(row.status for row in everything)), story

    def is_true(self, row: Any) -> bool:
        """Whether what the hub says of a transaction is so."""
        world, key = self.world, row.idempotency_key
        applied = world.applied[key] > 0
        match Status(row.status):
            case Status.PROCESSED | Status.RESOLVED | Status.COMPENSATION_FAILED:
                return bool(world.stands(key)) and key not in world.parked
            case Status.COMPENSATED:
                return applied and not world.stands(key)
            case Status.FAILED | Status.PENDING | Status.HELD if row.definitive:
                return not applied and key not in world.parked
            case Status.DUPLICATE | Status.DELIVERING:
                return False
            case _:
                return True

    async def check_waiting(self, everything: list[Any], story: str) -> None:
        """What is held waits for something that is there, and nothing waits in a circle."""
        waits_for = {row.id: row.blocked_by for row in everything if row.status == Status.HELD and row.blocked_by}
        for made in await self.rows(select(reversals)):
            if next(row for row in everything if row.id == made.original).status == Status.COMPENSATING:
                waits_for[made.original] = made.tx_id
        for start in waits_for:
            seen, here = [start], waits_for[start]
            while here in waits_for:
                assert here not in seen, f"a circle: {seen}\n{story}"
                seen.append(here)
                here = waits_for[here]

        def unblocked(connection: Any) -> list[str]:
            placed = guards.active_holds(connection)
            found = []
            for row in connection.execute(select(transactions).where(transactions.c.status == Status.HELD)).all():
                flow, reverses = self.bench.landscape.flow(row.flow), guards.reversed_key(connection, row)
                blocked = guards.held_by_people(
                    row, placed, sets_right=guards.sets_right(connection, row)
                ) or guards.behind_in_lane(connection, row, flow, reverses=reverses)
                if blocked is None and reverses is None:
                    blocked = guards.required_first(connection, row, flow) or guards.corrected_first(connection, row)
                if blocked is None:
                    found.append(f"{row.flow} {row.id} waits for nothing: {row.waiting_on}")
            return found

        assert not (found := await self.bench.database.read(unblocked)), f"{found}\n{story}"

    async def check_claims(self, everything: list[Any], story: str) -> None:
        """One action at most is at work on a transaction, and it is one that has not ended."""
        going = {row.id for row in await self.rows(select(batch_rows).where(batch_rows.c.finished_at.is_(None)))}
        for row in everything:
            if row.claimed_by is not None:
                assert row.claimed_by in going, f"{row.status} {row.id} is claimed by a batch that has ended\n{story}"
        at_work = select(batch_items.c.tx_id).where(
            batch_items.c.batch.in_(going), batch_items.c.state.in_(("intended", "sent"))
        )
        counted = _count(row.tx_id for row in await self.rows(at_work))
        assert all(n == 1 for _, n in counted), f"{counted}\n{story}"

    # The end of a life

    async def heal(self) -> None:
        """Everything works again, and people clear up."""
        world = self.world
        world.moods.clear()
        world.mute, world.hangs = False, None
        for place in self.held:
            await self.bench.run(await self.bench.plan(Action.RELEASE, **place))
        for _ in range(12):
            for key in list(world.parked):
                world.people_post(key)
            await self.calm()
            everything = await self.rows(select(transactions).where(transactions.c.status.not_in(sorted(CLOSED))))
            if all(row.status == Status.HELD and "reversed first" in row.waiting_on for row in everything):
                return
            by: dict[str, list[Any]] = {}
            for row in everything:
                by.setdefault(row.status, []).append(row)
            for row in by.get(Status.IN_DOUBT, []) + by.get(Status.PARKED, []):
                claim = "applied" if world.applied[row.idempotency_key] else "not-applied"
                await self.clear(Action.RESOLVE, [row.id], resolve_as=claim, evidence="document 4900000001")
            given_up = select(transactions.c.id).join(reversals, reversals.c.tx_id == transactions.c.id)
            given_up = given_up.where(transactions.c.status == Status.DISCARDED)
            await self.clear(Action.RESTORE, [row.id for row in await self.rows(given_up)])
            await self.clear(Action.COMPENSATE, [row.id for row in by.get(Status.COMPENSATION_FAILED, [])])
            plan = await self.clear(Action.REPLAY, [row.id for row in by.get(Status.FAILED, [])], canary=0)
            if plan is not None and not plan.verdicts["send"]:
                over = [item.id for item in plan.items if item.verdict in ("superseded", "duplicate", "refused")]
                await self.clear(Action.DISCARD, over)
        left = [f"{row.status} {row.flow} {row.id} {row.waiting_on} {row.failure_message}" for row in everything]
        raise AssertionError("\n".join(["it does not become whole:", *left, *self.told]))

    async def clear(self, action: Action, ids: list[str], **options: Any) -> Any:
        if not ids:
            return None
        plan = await self.bench.plan(action, *ids, **options)
        await self.bench.run(plan)
        await self.calm()
        return plan

    async def check_whole(self) -> None:
        await self.check()
        story = "\n".join(self.told)
        for made in await self.rows(select(reversals)):
            pair = {row.id: row.status for row in await self.rows(select(transactions))}
            assert (pair[made.tx_id] == Status.PROCESSED) == (pair[made.original] == Status.COMPENSATED), story
        for made in await self.rows(select(corrections)):
            assert pair[made.tx_id] != Status.PROCESSED or pair[made.original] == Status.COMPENSATED, story
        entries = [
            AuditEntry(
                **{name: getattr(row, name) for name in ("seq", "actor", "action", "subject", "reason", "previous")},
                at=from_micros(row.at),
                before=None if row.before is None else msgspec.json.decode(row.before),
                after=None if row.after is None else msgspec.json.decode(row.after),
                hash=row.hash,
            )
            for row in await self.rows(select(audit).order_by(audit.c.seq))
        ]
        verify(entries)
        last: dict[str, Status] = {}
        for row in await self.rows(select(events).where(events.c.type == "transaction").order_by(events.c.seq)):
            data = msgspec.json.decode(row.data)
            before, status = data["before"] and Status(data["before"]), Status(data["status"])
            if before is not None:
                known = last[row.id]
                assert before in (known, _REACHED.get(known)), f"{row.id} was {known}, not {before}\n{story}"
                assert (before, status) in STEPS, f"{before} to {status}\n{story}"
            last[row.id] = status


_COUNTED = select(tallies.c.status, func.sum(tallies.c.count).label("n")).group_by(tallies.c.status)


def _over(handle: asyncio.TimerHandle) -> bool:
    return handle.when() < asyncio.get_running_loop().time() - 0.001


def _count(values: Any) -> Any:
    counted: dict[str, int] = {}
    for value in values:
        counted[value] = counted.get(value, 0) + 1
    return counted.items()


@pytest.mark.timeout(60 + 20 * max(LIVES, 12))
def test_whatever_happens_in_its_life_the_hubs_word_is_true(workbench, world, moods, catalogue) -> None:
    system = {
        "ERP": msgspec.structs.replace(
            catalogue.system["ERP"],
            settle_after="60ms",
            follows="/postings/{key}/follows",
            reversal="/postings/{key}/reversal",
        ),
        "EDI": msgspec.structs.replace(catalogue.system["EDI"], lookup=None, settle_after="60ms"),
    }
    reversible = ("consumption", "report", "receipt")
    flow = {name: msgspec.structs.replace(catalogue.flow[name], reversal="262") for name in reversible}
    LifeCycle.workbench, LifeCycle.world_class, LifeCycle.moods = workbench, world, moods
    LifeCycle.catalogue = msgspec.structs.replace(
        catalogue, system={**catalogue.system, **system}, flow={**catalogue.flow, **flow}
    )
    run_state_machine_as_test(
        LifeCycle,
        settings=settings(
            max_examples=LIVES or 12,
            stateful_step_count=25,
            deadline=None,
            derandomize=not LIVES,
            database=None,
            print_blob=False,
            report_multiple_bugs=False,
            phases=[Phase.generate],  # its story tells more than a shorter one would, which takes minutes to find
            suppress_health_check=list(HealthCheck),
        ),
    )
