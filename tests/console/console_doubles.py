"""A platform in memory for the console's tests: real structs, made deterministically, changed by the plans it is given.

It is a test double of the ``Source`` protocol, so that a test can say what a real hub cannot be made to do on time:
lose the connection now, answer late, hold a million transactions.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from handover_doubles import handover
from kpi_doubles import figures
from policy_doubles import state

from gateway_policies.explaining.changes_before import ChangeBefore
from gateway_policies.explaining.stopped_call import StoppedCall
from gateway_policies.planning.usage import Usage
from gateway_policies.state import GatewayState
from platforms.contexts import Resolved
from platforms.events import Connection, ConnectionState
from transactions.approvals import (
    ITEMS_WITHOUT_SECOND_PERSON,
    REVIEW_WITHIN,
    ApprovalItem,
    ApprovalKind,
    Decided,
    why_second,
)
from transactions.batches import Batch, BatchItem, BatchState, ItemState
from transactions.causes.kinds import PROFILES, CauseKind, Phase
from transactions.causes.model import Blocks, Cause, Doing, Step
from transactions.edits import Draft, PayloadDifference
from transactions.errors import AndonError, BadFilter, NotFound, Refused, SecondPersonWanted, Stale, Unreachable
from transactions.grouping import template
from transactions.groups import Group
from transactions.handover.model import Handover
from transactions.history import Attempt, Payload, Revision, StreamEvent, TimelineEntry
from transactions.kpis.model import KpiReport
from transactions.landscape import Board, Health, Hold, Idempotent, Lamp, System, WhoAmI
from transactions.lineage import Lineage, LineageItem, Waiting
from transactions.model import Failure, FailureKind, KeyOrigin, Risk, Status, Transaction
from transactions.pages import Count, Page
from transactions.people import Limits, Permission, Role, permissions_of
from transactions.plans import (
    PLAN_VALIDITY,
    Action,
    Approval,
    Decision,
    Plan,
    PlanBody,
    PlanItem,
    PlanOptions,
    PlanRequest,
    PlanState,
    Verdict,
    count_verdicts,
    plan_hash,
)
from transactions.reconciliation.model import Asked, Kind, Reconciliation
from transactions.related import Related, RelatedGroup

NOW = datetime(2026, 11, 20, 2, 41, tzinfo=UTC)
FLOWS = (
    ("production-order-release", "ERP", "MES", Risk.OPERATIONAL),
    ("material-consumption", "MES", "ERP", Risk.FINANCIAL),
    ("production-confirmation", "MES", "ERP", Risk.FINANCIAL),
    ("goods-receipt", "WMS", "ERP", Risk.FINANCIAL),
    ("quality-hold", "QMS", "WMS", Risk.QUALITY),
    ("shipment-release", "ERP", "TMS", Risk.FINANCIAL),
)
FAILURES = (
    (FailureKind.MASTER_DATA, "M3351", "Material 4711-22 not maintained in plant P02"),
    (FailureKind.THROTTLED, "429", "Quota of mes-p03 is used up, retry after 30 s"),
    (FailureKind.PERIOD_CLOSED, "M7053", "Posting only possible in periods 2026/11 and 2026/10"),
    (FailureKind.BUSINESS_RULE, "M7021", "Deficit of BA unrestricted-use 12.5 KG : 4711-22 P02 0001"),
)
PLANTS = ("P01", "P02", "P03")


_SHARED = tuple(set(LineageItem.__struct_fields__) & set(Transaction.__struct_fields__) - {"failure"})


class FixedClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> datetime:
        """The moment it stands at."""
        return self.moment


def context(*, production: bool = False, read_only: bool = False, name: str = "plant-gateway") -> Resolved:
    """A context as the command line would resolve it."""
    return Resolved(
        name=name,
        platform="hub",
        url="http://127.0.0.1:8470",
        production=production,
        read_only=read_only,
        colour=None,
        ca=None,
        chosen_by="a test",
        token="t",
        token_from="a test",
    )


def transaction(n: int, *, status: Status = Status.FAILED) -> Transaction:
    """The ``n``-th transaction; the same for the same ``n``."""
    flow, source, target, risk = FLOWS[n % len(FLOWS)]
    kind, code, message = FAILURES[n % len(FAILURES)]
    created = NOW - timedelta(seconds=90 + n * 7)
    failed = created + timedelta(seconds=30) if status is not Status.HELD else None
    due = created + timedelta(minutes=15)
    return Transaction(
        id=f"tx-{n:08d}-7f3a9c",
        flow=flow,
        plant=PLANTS[n % 3],
        source=source,
        target=target,
        status=status,
        risk=risk,
        created_at=created,
        failed_at=failed,
        due_at=due,
        overdue=due < NOW,
        attempts=4,
        failure=Failure(kind=kind, help=kind.help, code=code, message=message, system=target),
        group=f"{n % len(FAILURES):016x}",
        business_keys={"order": f"47{n:05d}", "material": f"4711-{n % 40:02d}", "lot": f"L-{n % 900:04d}"},
        correlation_id=f"4bf92f3577b34da6a3ce929d{n:08d}",
        causation_id=None,
        idempotency_key=f"{source}-{n}",
        key_origin=KeyOrigin.RECIPE,
        content_type="application/json",
        payload_sha256=f"{n:064x}",
        revision=1,
        assignee=None,
        owner="mdm-team",
        waiting_on=None,
        superseded_by=None,
        document=None,
        etag=f'"{n}-{status}"',
    )


GROUPS = (  # of FAILURES: flow, target, count, overdue, blocked, replayed, repeated
    (0, "material-consumption", "ERP", 214, 41, 48, 12, 9),
    (1, "production-confirmation", "ERP", 31, 0, 0, 0, 0),
    (2, "goods-receipt", "ERP", 17, 9, 0, 4, 0),
    (3, "material-consumption", "WMS", 4, 0, 2, 0, 0),
)


def group(n: int) -> Group:
    """The ``n``-th group; the same for the same ``n``. From the fifth on they differ in their fingerprint alone."""
    which, flow, target, count, overdue, blocked, replayed, repeated = GROUPS[n % len(GROUPS)]
    kind, code, message = FAILURES[which]
    return Group(
        fingerprint=f"{n:016x}",
        flow=flow,
        target=target,
        kind=kind,
        help=kind.help,
        code=code,
        template=template(message),
        count=count,
        first_seen=NOW - timedelta(hours=3),
        last_seen=NOW - timedelta(minutes=n % 50),
        plants={"P02": count - 1, "P03": 1},
        oldest_failed_at=NOW - timedelta(minutes=38 + n % 50),
        overdue=overdue,
        blocked=blocked,
        trend=[0, 0, 0, which, 2, 5, 7, 8 * (which != 2)],
        replayed=replayed,
        repeated=repeated,
        sample=f"tx-{which:08d}-7f3a9c",
        owner="mdm-team",
    )


def who(
    *roles: Role,
    subject: str = "ann",
    granted: tuple[Permission, ...] = (),
    limits: Limits | None = None,
    expires_at: datetime | None = None,
    name: str | None = None,
) -> WhoAmI:
    """Somebody with roles."""
    return WhoAmI(
        subject=subject,
        kind="user",
        roles=[str(role) for role in roles],
        permissions=sorted(map(str, permissions_of(roles, granted))),
        expires_at=expires_at,
        limits=limits or Limits(),
        name=name,
    )


def agreement(kind: Kind, **more: Any) -> Reconciliation:
    """What systems say that agree; ``more`` says otherwise."""
    told: dict[str, Any] = {
        "items": [], "next_cursor": None, "kind": kind, "agree": True, "as_of": NOW - timedelta(seconds=2),
        "plant": None, "tolerance": "0", "compared": 1200, "differences": 0, "unexplained": 0,
        "asked": [Asked(system="ERP", records=1200)],
    }  # fmt: skip
    return Reconciliation(**{**told, **more})


class MemorySource:
    """Implements ``console.source.Source`` over ``total`` made-up transactions."""

    def __init__(self, total: int = 266, *, settle: bool = True) -> None:
        """``settle`` lets a batch end at once; else :meth:`finish` ends it."""
        self.total = total
        self.settle = settle
        self.many_groups = len(GROUPS)
        self.counts_to: int | None = None
        self.search_behind = 0
        self.changed: dict[str, Transaction] = {}
        self.fail: AndonError | None = None
        self.reconciliations: dict[Kind, Reconciliation] = {}
        self.reconciled: list[Kind] = []
        self.figures: dict[str, KpiReport] = {}
        self.windows: list[str] = []
        self.shifts: list[str] = []
        self.said: list[str] = []
        self.waiting: asyncio.Event | None = None
        self.fail_run: AndonError | None = None
        self.plans: dict[str, Plan] = {}
        self.made: dict[str, Batch] = {}
        self.items: dict[str, list[BatchItem]] = {}
        self.placed: list[Hold] = []
        self.gateway: dict[str, GatewayState] = {}
        self.sets: list[str] = []
        self.usage: Usage | None = None
        self.changes: dict[str, list[ChangeBefore]] = {}
        self.stopped: dict[str, StoppedCall] = {}
        self.asked: list[tuple[str, str, int, str | None]] = []
        self.requests: list[PlanRequest] = []
        self.me = who(Role.OPERATOR)
        self.reviews: dict[str, ApprovalItem] = {}
        self.decisions: list[tuple[str, Decision, str]] = []
        self.fail_decision: AndonError | None = None
        self.closed = False
        self._stream: asyncio.Queue[StreamEvent | Connection] = asyncio.Queue()
        self._stream.put_nowait(Connection(state=ConnectionState.LIVE))
        self._seq = 0

    # What a test does to it

    def lose(self) -> None:
        """The connection breaks, and every fetch fails."""
        self.fail = Unreachable("No answer from http://127.0.0.1:8470. The hub may be stopped. Try again when it runs.")
        self._stream.put_nowait(Connection(state=ConnectionState.LOST, because="gone", retry_in=1.0))

    def heal(self) -> None:
        """The connection is back."""
        self.fail = None
        self._stream.put_nowait(Connection(state=ConnectionState.LIVE))

    def tell(self, kind: str, id: str = "x") -> None:  # noqa: A002
        """An event of the stream."""
        self._seq += 1
        self._stream.put_nowait(StreamEvent(seq=self._seq, at=NOW, type=kind, id=id, data={}))

    async def asked_by(
        self,
        name: str,
        *,
        action: Action = Action.DISCARD,
        ids: tuple[int, ...] = (1, 2, 3),
        reason: str = "replaced by order 4711, ticket 88",
        ago: timedelta = timedelta(minutes=12),
        options: PlanOptions | None = None,
        because: list[str] | None = None,
    ) -> str:
        """Somebody asks for approval of a plan; gives its hash."""
        request = PlanRequest(
            action=action,
            reason=reason,
            ids=[transaction(n).id for n in ids] if ids else None,
            options=options or PlanOptions(),
        )
        plan = await self._build(request, name, NOW - ago, because)
        self._ask(plan, name, NOW - ago)
        return plan.hash

    async def glass_broken_by(
        self, name: str, *, ago: timedelta = timedelta(hours=2), ids: tuple[int, ...] = (4,)
    ) -> str:
        """Somebody has run a plan without the second person it wanted; gives its hash."""
        request = PlanRequest(
            action=Action.DISCARD,
            reason="the line stood still",
            ids=[transaction(n).id for n in ids],
            options=PlanOptions(break_glass=True),
        )
        plan = await self._build(request, name, NOW - ago, None)
        self.requests.clear()
        batch = self._start(plan, name)
        self._owe(msgspec.structs.replace(plan, batch=batch.id), name, NOW - ago)
        return plan.hash

    def decided_by(self, name: str, plan_hash: str, decision: Decision, reason: str) -> None:
        """Somebody else decides."""
        plan = self.plans[plan_hash]
        self._decide(plan, name, decision, reason)
        self._seq += 1
        state = str(self.plans[plan_hash].state)
        self._stream.put_nowait(
            StreamEvent(seq=self._seq, at=NOW, type="approval", id=plan_hash, data={"state": state})
        )

    def finish(self, batch: str) -> None:
        """A batch comes to its end."""
        items = [
            msgspec.structs.replace(item, state=ItemState.PROCESSED, status=Status.PROCESSED)
            for item in self.items[batch]
        ]
        self.items[batch] = items
        counts = {str(state): 0 for state in ItemState} | {"processed": len(items)}
        self.made[batch] = msgspec.structs.replace(
            self.made[batch], state=BatchState.DONE, finished_at=NOW + timedelta(seconds=3), counts=counts
        )
        self.tell("batch", batch)

    # What the console asks

    def _check(self) -> None:
        if self.fail is not None:
            raise self.fail

    def _numbers(self, filter: str) -> range:  # noqa: A002
        if "colour" in filter:
            raise BadFilter(
                "There is no field 'colour'. Use a field of a transaction.", column=1, suggestions=["code", "lot"]
            )
        if "nothing" in filter:
            return range(0)
        return range(self.total)

    def _row(self, n: int) -> Transaction:
        made = transaction(n)
        return self.changed.get(made.id, made)

    async def page(self, filter: str, sort: str, limit: int, cursor: str | None) -> Page[Transaction]:  # noqa: A002
        self.asked.append((filter, sort, limit, cursor))
        self._check()
        numbers = self._numbers(filter)
        if sort.startswith("-") is (sort.removeprefix("-") == "priority"):  # the newest come first either way
            numbers = numbers[::-1]
        start = 0 if cursor is None else int(cursor)
        rows = [self._row(n) for n in numbers[start : start + limit]]
        end = start + len(rows)
        return Page(items=rows, next_cursor=str(end) if end < len(numbers) else None)

    async def count(self, filter: str) -> Count:  # noqa: A002
        self._check()
        found = len(self._numbers(filter))
        most = found if self.counts_to is None else min(found, self.counts_to)
        return Count(count=most, exact=most == found, search_behind=self.search_behind)

    async def groups(self, filter: str, sort: str, limit: int, cursor: str | None) -> Page[Group]:  # noqa: A002
        self.asked.append((filter, sort, limit, cursor))
        self._check()
        made = [group(n) for n in range(self.many_groups)] if self._numbers(filter) else []
        keys = {"count": "count", "overdue": "overdue", "blocked": "blocked"}
        made.sort(key=lambda one: getattr(one, keys.get(sort.removeprefix("-"), "fingerprint")))
        made = made[:: -1 if sort.startswith("-") else 1]
        start = 0 if cursor is None else int(cursor)
        end = min(start + limit, len(made))
        return Page(items=made[start:end], next_cursor=str(end) if end < len(made) else None)

    async def transaction(self, id: str) -> Transaction:  # noqa: A002
        self._check()
        if not id.startswith("tx-"):
            raise NotFound(f"There is no transaction {id!r}, or none that you may see. Check the id.")
        return self._row(int(id.split("-")[1]))

    async def timeline(self, id: str) -> list[TimelineEntry]:  # noqa: A002
        one = await self.transaction(id)
        attempt = Attempt(
            n=1,
            purpose="delivery",
            started_at=one.created_at,
            finished_at=one.created_at + timedelta(seconds=2),
            by="hub",
            batch=None,
            revision=1,
            method="POST",
            url="http://127.0.0.1/erp/postings",
            request_headers={},
            response_status=422,
            response_headers={},
            response_body="{}",
            outcome="failed",
            failure=one.failure,
        )
        return [
            TimelineEntry(at=one.created_at, kind="status", by=one.source, text="received", status=Status.PENDING),
            TimelineEntry(at=one.created_at, kind="attempt", by="hub", text="POST to ERP: 422 M3351", attempt=attempt),
            TimelineEntry(at=one.failed_at or NOW, kind="status", by="hub", text="failed", status=Status.FAILED),
        ]

    async def lineage(self, id: str) -> Lineage:  # noqa: A002
        """A process of five around the transaction, with what waits for it, and two that are out of reach."""
        asked = await self.transaction(id)
        places = [(7, 0), (None, 1), (11, 2), (13, 2), (17, 1)]
        items = []
        for n, depth in places:
            one = asked if n is None else self._row(n)
            if n == 7:
                one = msgspec.structs.replace(one, status=Status.PROCESSED, failed_at=None, failure=None)
            if n == 11:
                one = msgspec.structs.replace(one, status=Status.HELD, failed_at=None, failure=None)
            waits = Waiting(text=f"sequence: {asked.id} is failed ahead of it", kind="lane", id=asked.id)
            items.append(
                LineageItem(
                    parent=None,
                    depth=depth,
                    closed_at=one.created_at + timedelta(seconds=2) if n == 7 else None,
                    failure=None if one.failure is None else f"{one.failure.code} {one.failure.message}",
                    waiting=waits if n == 11 else None,
                    holds_back=1 if n is None else 0,
                    **{name: getattr(one, name) for name in _SHARED},
                )
            )
        return Lineage(process="PO-4700003", of=id, total=5, beyond=2, left_out=0, items=items)

    async def related(self, id: str) -> Related:  # noqa: A002
        """What shares its order and its material."""
        self._check()
        asked = await self.transaction(id)
        some = [self._row(n) for n in (5, 9, 14)]
        groups = [
            RelatedGroup(by=name, value=asked.business_keys[name], count=count, more=count > 9_999, items=some)
            for name, count in (("order", 3), ("material", 10_000))
        ]
        return Related(of=id, items=groups)

    async def payload(self, id: str, revision: int | None) -> Payload:  # noqa: A002
        one = await self.transaction(id)
        content = '{"order":"%s","material":"4711-22","quantity":12.50,"unit":"KG","note":"\x1b[31mred"}'.replace(
            "\x1b", "\\u001b"
        )
        content = content % one.business_keys["order"]
        return Payload(
            id=id,
            revision=1,
            content_type="application/json",
            sha256=one.payload_sha256,
            size=len(content),
            encoding="text",
            content=content,
            headers={"content-type": "application/json", "ce-id": "evil \x1b]0;title\x07"},
            revisions=[
                Revision(
                    revision=1,
                    sha256=one.payload_sha256,
                    size=len(content),
                    content_type="application/json",
                    created_at=one.created_at,
                    created_by=one.source,
                )
            ],
        )

    async def reveal(self, id: str, revision: int, reason: str) -> Payload:  # noqa: A002
        raise NotImplementedError("see test_reveal.py")

    async def edit(
        self,
        id: str,  # noqa: A002
        content: bytes,
        kind: str,
        etag: str,
        reason: str,
        *,
        correction: bool = False,
    ) -> Draft:
        raise NotImplementedError("see test_editing.py")

    async def difference(self, id: str, before: str | None = None, after: str | None = None) -> PayloadDifference:  # noqa: A002
        raise NotImplementedError("see test_editing.py")

    async def assign(self, id: str, to: str | None, etag: str) -> Transaction:  # noqa: A002
        raise NotImplementedError("see test_owning.py")

    async def note(self, id: str, text: str) -> None:  # noqa: A002
        raise NotImplementedError("see test_owning.py")

    async def board(self) -> Board:
        self._check()
        return make_board(self.placed)

    async def systems(self) -> list[System]:
        self._check()
        return [
            make_system("ERP", Health.DOWN, open=214, held=48, breaker="open", last_failure="connection refused"),
            make_system("MES", Health.OK, plant="P01"),
            make_system("MES", Health.WARNING, plant="P03", open=31, last_failure="429 quota of mes-p03"),
            make_system("WMS", Health.OK),
            make_system("QMS", Health.IDLE),
        ]

    async def holds(self) -> list[Hold]:
        self._check()
        return list(self.placed)

    async def handover(self, shift: str) -> Handover:
        self.shifts.append(shift)
        if self.waiting is not None:
            await self.waiting.wait()
        self._check()
        return handover(label=f"{shift} shift")

    async def remark(self, text: str) -> None:
        self._check()
        self.said.append(text)

    async def kpis(self, window: str) -> KpiReport:
        self.windows.append(window)
        if self.waiting is not None:
            await self.waiting.wait()
        self._check()
        return self.figures.get(window) or figures(window)

    async def reconcile(self, kind: Kind) -> Reconciliation:
        self.reconciled.append(kind)
        if self.waiting is not None:
            await self.waiting.wait()
        self._check()
        return self.reconciliations.get(kind) or agreement(kind)

    async def gateway_state(self, policy_set: str) -> GatewayState:
        self.sets.append(policy_set)
        if self.waiting is not None:
            await self.waiting.wait()
        self._check()
        return self.gateway.get(policy_set) or self.gateway.setdefault(policy_set, state())

    async def changes_before(self, fingerprint: str) -> list[ChangeBefore]:
        self._check()
        return self.changes.get(fingerprint, [])

    async def gateway_calls(self) -> Usage | None:
        self._check()
        return self.usage

    async def refusal(self, id: str) -> StoppedCall:  # noqa: A002
        self._check()
        found = self.stopped.get(id)
        if found is None:
            raise Refused(f"No policy of the gateway stopped {id}.")
        return found

    async def whoami(self) -> WhoAmI:
        self._check()
        return self.me

    async def make_plan(self, request: PlanRequest) -> Plan:
        self._check()
        self.requests.append(request)
        return await self._build(request, self.me.subject, NOW, None)

    async def _build(self, request: PlanRequest, by: str, now: datetime, because: list[str] | None) -> Plan:
        if request.ids is not None:
            rows = [await self.transaction(one) for one in request.ids]
        elif request.filter is not None:
            rows = [self._row(n) for n in self._numbers(request.filter)]
        else:
            rows = []
        items = [_item(place, row) for place, row in enumerate(rows)]
        body = PlanBody(
            platform="hub",
            action=request.action,
            reason=request.reason,
            options=request.options,
            requested_by=by,
            created_at=now,
            expires_at=now + PLAN_VALIDITY,
            filter=request.filter,
            items=items,
            second_person=because
            if because is not None
            else why_second(request.action, request.options, items, frozenset(), ITEMS_WITHOUT_SECOND_PERSON),
        )
        plan = Plan(
            hash=plan_hash(body),
            state=PlanState.PLANNED,
            verdicts=count_verdicts(items),
            **msgspec.structs.asdict(body),
        )
        self.plans[plan.hash] = plan
        return plan

    async def plan(self, hash: str) -> Plan:  # noqa: A002
        return self.plans[hash]

    async def run(self, hash: str) -> Batch:  # noqa: A002
        self._check()
        if self.fail_run is not None:
            raise self.fail_run
        plan = self.plans[hash]
        if plan.state not in (PlanState.PLANNED, PlanState.AWAITING_APPROVAL):
            raise Stale("This plan was run already. Make a new one.")
        if plan.second_person and not plan.options.break_glass:
            self._ask(plan, self.me.subject, NOW)
            raise SecondPersonWanted("The plan wants a second person.", hash=hash, because=plan.second_person)
        batch = self._start(plan, self.me.subject)
        if plan.second_person:
            self._owe(self.plans[hash], self.me.subject, NOW)
        return batch

    def _ask(self, plan: Plan, by: str, at: datetime) -> None:
        approval = Approval(asked_by=by, asked_at=at)
        self.plans[plan.hash] = msgspec.structs.replace(plan, state=PlanState.AWAITING_APPROVAL, approval=approval)

    def _owe(self, plan: Plan, by: str, at: datetime) -> None:
        item = self._open(plan, ApprovalKind.REVIEW, by, at, at + REVIEW_WITHIN)
        self.reviews[plan.hash] = item

    def _open(self, plan: Plan, kind: ApprovalKind, by: str, at: datetime, until: datetime) -> ApprovalItem:
        return ApprovalItem(
            hash=plan.hash,
            kind=kind,
            action=plan.action,
            requested_by=by,
            reason=plan.reason,
            asked_at=at,
            expires_at=until,
            count=plan.count,
            because=plan.second_person,
            overdue=kind is ApprovalKind.REVIEW and until < NOW,
            own=self.me.subject == by,
        )

    async def approvals(self, limit: int, cursor: str | None) -> Page[ApprovalItem]:
        self._check()
        waiting = [
            self._open(plan, ApprovalKind.APPROVAL, plan.approval.asked_by, plan.approval.asked_at, plan.expires_at)
            for plan in self.plans.values()
            if plan.state is PlanState.AWAITING_APPROVAL and plan.approval is not None
        ]
        items = sorted([*waiting, *self.reviews.values()], key=lambda item: item.asked_at)
        return Page(items=items[:limit], next_cursor="more" if len(items) > limit else None)

    async def approve(self, hash: str, reason: str) -> Decided:  # noqa: A002
        return self._decision(hash, Decision.APPROVE, reason)

    async def reject(self, hash: str, reason: str) -> Decided:  # noqa: A002
        return self._decision(hash, Decision.REJECT, reason)

    def _decision(self, hash: str, decision: Decision, reason: str) -> Decided:  # noqa: A002
        self._check()
        if self.fail_decision is not None:
            raise self.fail_decision
        plan = self.plans[hash]
        if plan.requested_by == self.me.subject:
            raise Refused("Four eyes are two people: nobody may approve their own.")
        self.decisions.append((hash, decision, reason))
        return self._decide(plan, self.me.subject, decision, reason)

    def _decide(self, plan: Plan, by: str, decision: Decision, reason: str) -> Decided:
        if self.reviews.pop(plan.hash, None) is not None:
            return Decided(hash=plan.hash, kind=ApprovalKind.REVIEW, decision=decision, state=plan.state)
        if plan.state is not PlanState.AWAITING_APPROVAL or plan.approval is None:
            raise Stale("Nothing waits for approval under this hash any more.")
        approval = msgspec.structs.replace(
            plan.approval, decision=decision, decided_by=by, decided_at=NOW, reason=reason
        )
        plan = msgspec.structs.replace(plan, approval=approval)
        if decision is Decision.REJECT:
            self.plans[plan.hash] = msgspec.structs.replace(plan, state=PlanState.REJECTED)
            return Decided(hash=plan.hash, kind=ApprovalKind.APPROVAL, decision=decision, state=PlanState.REJECTED)
        if plan.policy is not None:
            number = plan.policy.revision + 1
            self.plans[plan.hash] = msgspec.structs.replace(plan, state=PlanState.RUN, revision=number)
            kind, state = ApprovalKind.APPROVAL, PlanState.RUN
            return Decided(hash=plan.hash, kind=kind, decision=decision, state=state, revision=number)
        batch = self._start(plan, plan.requested_by)
        return Decided(hash=plan.hash, kind=ApprovalKind.APPROVAL, decision=decision, state=PlanState.RUN, batch=batch)

    def _start(self, plan: Plan, by: str) -> Batch:
        hash = plan.hash  # noqa: A001
        if plan.action is Action.HOLD:
            options = plan.options
            self.placed.append(
                Hold(
                    id=f"hold-{len(self.placed)}",
                    target=options.target,
                    plant=options.plant,
                    flow=options.flow,
                    reason=plan.reason,
                    placed_by="ann",
                    placed_at=NOW,
                    held=0,
                )
            )
        elif plan.action is Action.RELEASE:
            self.placed.clear()
        id = f"batch-{len(self.made):04d}"  # noqa: A001
        items = [
            BatchItem(
                n=n,
                id=item.id,
                flow=item.flow,
                plant=item.plant,
                target=item.target,
                state=ItemState.PLANNED if item.verdict is Verdict.SEND else ItemState.SKIPPED,
                status=item.status,
                reason=item.because,
                updated_at=NOW,
            )
            for n, item in enumerate(plan.items)
        ]
        counts = {str(state): sum(item.state is state for item in items) for state in ItemState}
        batch = Batch(
            id=id,
            plan=hash,
            action=plan.action,
            state=BatchState.RUNNING,
            reason=plan.reason,
            started_by=by,
            started_at=NOW,
            finished_at=None,
            total=len(items),
            counts=counts,
        )
        self.made[id], self.items[id] = batch, items
        self.plans[hash] = msgspec.structs.replace(plan, state=PlanState.RUN, batch=id)
        for item in plan.items:
            status = Status.DISCARDED if plan.action is Action.DISCARD else Status.PROCESSED
            old = self._row(int(item.id.split("-")[1]))
            self.changed[item.id] = msgspec.structs.replace(old, status=status, etag=f'"{item.id}-{status}"')
        if self.settle:
            self.finish(id)
        return batch

    async def batches(self, limit: int, cursor: str | None) -> Page[Batch]:
        self._check()
        return Page(items=list(self.made.values())[::-1])

    async def batch(self, id: str) -> Batch:  # noqa: A002
        self._check()
        return self.made[id]

    async def batch_items(self, id: str, limit: int, cursor: str | None) -> Page[BatchItem]:  # noqa: A002
        self._check()
        return Page(items=self.items[id][:limit])

    async def cancel(self, id: str) -> Batch:  # noqa: A002
        self._check()
        self.made[id] = msgspec.structs.replace(self.made[id], state=BatchState.CANCELLED)
        return self.made[id]

    async def pause(self, id: str) -> Batch:  # noqa: A002
        self._check()
        self.made[id] = msgspec.structs.replace(self.made[id], state=BatchState.PAUSED, because="paused by ann")
        return self.made[id]

    async def resume(self, id: str) -> Batch:  # noqa: A002
        self._check()
        self.made[id] = msgspec.structs.replace(self.made[id], state=BatchState.RUNNING, because=None)
        return self.made[id]

    async def events(self) -> AsyncIterator[StreamEvent | Connection]:
        while True:
            yield await self._stream.get()

    async def aclose(self) -> None:
        self.closed = True


def make_system(
    name: str,
    health: Health,
    *,
    plant: str | None = None,
    open: int = 0,  # noqa: A002
    held: int = 0,
    breaker: str = "closed",
    last_failure: str | None = None,
) -> System:
    """A system as the hub tells it."""
    return System(
        name=name,
        title=name,
        plant=plant,
        health=health,
        breaker=breaker,
        idempotent=Idempotent.LOOKUP,
        lookup=True,
        settle_after_seconds=2.0,
        quota_per_second=50.0,
        owner=f"{name.lower()}-team",
        open=open,
        held=held,
        moving=0,
        last_success_at=NOW - timedelta(minutes=2),
        last_failure_at=None if last_failure is None else NOW - timedelta(minutes=1),
        last_failure=last_failure,
    )


CAUSES = (
    (CauseKind.MATERIAL, "Material 4711-22 is not in plant P02 (ERP)", 214, 38, ["P02"], "mdm-team"),
    (CauseKind.THROTTLED, "ERP throttles: more is sent than its quota", 31, 12, ["P03"], "erp-integration"),
    (CauseKind.PERIOD, "The posting period is closed in ERP", 12, 71, ["P01", "P02"], "finance"),
    (CauseKind.PARKED, "WMS of plant P01 parks what it accepts", 4, 9, ["P01"], "logistics-it"),
)


def cause(place: int, kind: CauseKind, title: str, count: int, age: int, plants: list[str], owner: str) -> Cause:
    """One of the causes of :data:`CAUSES`, which are worked off in the order in which they rank."""
    name = f"{kind}-{place:08x}"
    group, profile = f"{place:016x}", PROFILES[kind]
    which = f"status:failed group:{group}"
    replay = Step(
        cause=name,
        phase=Phase.SEND,
        do=Doing.REPLAY,
        text=f"Replay {count} of material consumption, one first.",
        filter=which,
        flow="material-consumption",
        command=f"andon tx replay --filter '{which}' --canary 1 --reason REASON",
    )
    mend = Step(cause=name, phase=profile.phase, do=Doing.MEND, text="Have it mended where it is wrong.", who=owner)
    return Cause(
        id=name,
        kind=kind,
        title=title,
        help=profile.help,
        owner=owner,
        filter=which,
        groups=[group],
        count=count,
        blocks=Blocks(
            transactions=count,
            held=count // 4,
            overdue=41 if count > 100 else 0,
            orders=31,
            lots=58,
            risk=Risk.FINANCIAL,
        ),
        plants=plants,
        targets=["ERP"],
        flows=["material-consumption"],
        sources=["MES"],
        objects={"material": ["4711-22"]} if kind is CauseKind.MATERIAL else {},
        since=NOW - timedelta(minutes=age),
        last_seen=NOW,
        evidence=[f"M3351 from ERP, for {count - count // 4} transactions.", f"{count // 4} more wait behind them."],
        first=[mend, replay] if profile.sends else [mend],
        care=list(profile.care),
        order=place + 1,
    )


def make_board(holds: list[Hold]) -> Board:
    """A board with trouble in a few places."""
    trouble: dict[tuple[str, str], dict[Status, int]] = {
        ("material-consumption", "P02"): {Status.FAILED: 214, Status.PROCESSED: 900},
        ("material-consumption", "P03"): {Status.RETRYING: 31},
        ("production-confirmation", "P02"): {Status.HELD: 48},
        ("quality-hold", "P01"): {Status.IN_DOUBT: 1},
        ("shipment-release", "P01"): {Status.FAILED: 4},
    }
    lamps = []
    for flow, *_ in FLOWS:
        for plant in PLANTS:
            counts = trouble.get((flow, plant), {Status.PROCESSED: 120})
            bad = counts.get(Status.FAILED, 0)
            lamps.append(
                Lamp(
                    plant=plant,
                    flow=flow,
                    counts=counts,
                    overdue=41 if bad > 100 else 0,
                    oldest_failed_at=NOW - timedelta(minutes=38) if bad else None,
                    trend=[0, 0, 1, 2, 5, 9, 40, 157] if bad > 100 else [0] * 7 + [bad],
                )
            )
    causes = [
        cause(place, kind, title, count, age, plants, owner)
        for place, (kind, title, count, age, plants, owner) in enumerate(CAUSES)
    ]
    return Board(
        at=NOW,
        platform="hub",
        counts={Status.FAILED: 266, Status.IN_DOUBT: 3, Status.HELD: 48, Status.RETRYING: 31, Status.PROCESSED: 2981},
        overdue=41,
        oldest_failed_at=NOW - timedelta(minutes=71),
        oldest_held_at=NOW - timedelta(minutes=5),
        lamps=lamps,
        holds=holds,
        causes=causes,
    )


def _item(place: int, row: Transaction) -> PlanItem:
    verdict, because = Verdict.SEND, None
    if place % 40 == 7:
        verdict, because = Verdict.HELD_BEHIND, "tx-00000003 of the same order comes first"
    elif place % 100 == 19:
        verdict, because = Verdict.MAYBE_POSTED, "ERP has a posting of the same order, material, lot and day"
    return PlanItem(
        id=row.id,
        flow=row.flow,
        plant=row.plant,
        target=row.target,
        status=row.status,
        risk=row.risk,
        etag=row.etag,
        revision=row.revision,
        payload_sha256=row.payload_sha256,
        idempotency_key=row.idempotency_key,
        verdict=verdict,
        because=because,
    )
