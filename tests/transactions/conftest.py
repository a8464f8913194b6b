"""Makers of whole transactions and plans, so that a test names only what it is about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from transactions.clock import to_micros
from transactions.model import Failure, FailureKind, KeyOrigin, Risk, Status, Transaction
from transactions.plans import (
    PLAN_VALIDITY,
    Action,
    Plan,
    PlanBody,
    PlanItem,
    PlanOptions,
    PlanState,
    Verdict,
    count_verdicts,
    plan_hash,
)

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class FixedClock:
    """A clock that stands still until it is set."""

    def __init__(self, moment: datetime = NOON) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def a_failure() -> Callable[..., Failure]:
    def make(kind: FailureKind = FailureKind.PERIOD_CLOSED, **other: Any) -> Failure:
        known = {"code": "M7053", "message": "Posting only possible in periods 2026/03", "system": "ERP", **other}
        return Failure(kind=kind, help=kind.help, **known)

    return make


@pytest.fixture
def a_transaction(a_failure: Callable[..., Failure]) -> Callable[..., Transaction]:
    def make(**changes: Any) -> Transaction:
        plain = Transaction(
            id="01JN0000000000000000000001",
            flow="material-consumption",
            plant="P01",
            source="MES",
            target="ERP",
            status=Status.FAILED,
            risk=Risk.FINANCIAL,
            created_at=NOON,
            failed_at=NOON,
            due_at=None,
            overdue=False,
            attempts=3,
            failure=a_failure(),
            group="0123456789abcdef",
            business_keys={"order": "4711", "material": "M-100"},
            correlation_id="c-1",
            causation_id=None,
            idempotency_key="MES:P01:material-consumption:1:ERP",
            key_origin=KeyOrigin.RECIPE,
            content_type="application/json",
            payload_sha256="ab" * 32,
            revision=1,
            assignee=None,
            owner="erp-integration",
            waiting_on=None,
            superseded_by=None,
            document=None,
            etag=f"{to_micros(NOON)}.1",
        )
        return msgspec.structs.replace(plain, **changes)

    return make


@pytest.fixture
def an_item() -> Callable[..., PlanItem]:
    def make(n: int = 1, **changes: Any) -> PlanItem:
        plain = PlanItem(
            id=f"01JN{n:022d}",
            flow="material-consumption",
            plant="P01",
            target="ERP",
            status=Status.FAILED,
            risk=Risk.FINANCIAL,
            etag=f"{n}.4",
            revision=1,
            payload_sha256="cd" * 32,
            idempotency_key=f"MES:P01:{n}:ERP",
            verdict=Verdict.SEND,
        )
        return msgspec.structs.replace(plain, **changes)

    return make


@pytest.fixture
def a_plan(an_item: Callable[..., PlanItem]) -> Callable[..., Plan]:
    def make(items: list[PlanItem] | None = None, **changes: Any) -> Plan:
        body = PlanBody(
            **{
                "platform": "andon-1",
                "action": Action.REPLAY,
                "reason": "period reopened",
                "options": PlanOptions(),
                "requested_by": "ann",
                "created_at": NOON,
                "expires_at": NOON + PLAN_VALIDITY,
                "filter": "kind:period-closed",
                "items": [an_item(1), an_item(2)] if items is None else items,
                **changes,
            }
        )
        fields = {name: getattr(body, name) for name in PlanBody.__struct_fields__}
        return Plan(hash=plan_hash(body), state=PlanState.PLANNED, verdicts=count_verdicts(body.items), **fields)

    return make
