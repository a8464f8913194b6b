"""What filters find, one by one; that SQL finds the same is tested with the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from transactions.filters import matches, parse
from transactions.model import Failure, FailureKind, KeyOrigin, Risk, Status, Transaction

NOW = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
TX = Transaction(
    id="tx-1",
    flow="material-consumption",
    plant="P03",
    source="MES",
    target="ERP",
    status=Status.FAILED,
    risk=Risk.FINANCIAL,
    created_at=NOW - timedelta(hours=3),
    failed_at=NOW - timedelta(hours=2),
    due_at=NOW - timedelta(minutes=5),
    overdue=True,
    attempts=3,
    failure=Failure(
        kind=FailureKind.BUSINESS_RULE,
        help=FailureKind.BUSINESS_RULE.help,
        code="M7021",
        message="Deficit of SL Unrestricted-use 5 KG",
        system="ERP",
    ),
    group="3f2a",
    business_keys={"order": "4711001", "lot": "B77"},
    correlation_id="258456",
    causation_id=None,
    idempotency_key="MES/P03/1",
    key_origin=KeyOrigin.RECIPE,
    content_type="application/json",
    payload_sha256="9f86",
    revision=2,
    assignee=None,
    owner="erp-integration",
    waiting_on=None,
    superseded_by=None,
    document=None,
    etag="1.4",
)
MOVING = msgspec.structs.replace(TX, status=Status.PENDING, failed_at=None, failure=None, group=None, overdue=False)
PAYLOAD = '{"Übergabe": "Ramp 7", "qty": "50%"}'


def finds(text: str, tx: Transaction = TX) -> bool:
    return matches(parse(text), tx, PAYLOAD, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plant:P03",
        "plant:P01,P03",
        "plant:P*",
        "plant:*3",
        "plant:*",
        "-plant:p03",
        "status:FAILED",
        "status:fail*",
        "kind:business-rule help:data code:M7021 system:ERP",
        "message:DEFICIT",
        'message:"sl unrestricted"',
        "policy_ref:none",
        "assignee:none -owner:none",
        'assignee:none,"none"',
        '-assignee:"none"',
        "order:4711* lot:B77",
        "order:*11*01",
        "shipment:none",
        "-shipment:1",
        "age>1h age<=2h age>=2h",
        "created_at:today failed_at:today",
        "created_at:2026-11-21 -created_at:2026-11-20",
        "created_at:2026-11-21T03:30 created_at:2026-11-21T04:30+01:00",
        "created_at<2026-11-21T03:31 -created_at<2026-11-21T03:30 created_at<=2026-11-21T03:30",
        "created_at>2026-11-20 -created_at>2026-11-21 created_at>=2026-11-21",
        "failed_at>=-2h -failed_at>-2h failed_at<now",
        "due_at<+30m overdue:true",
        "attempts:1,3 attempts>2 attempts<4",
        "revision>1 etag:1.4 key_origin:recipe",
        "failed_at:2026-11-20..2026-11-21 failed_at:2026-11-21..2026-11-21 failed_at:-2h..now failed_at:..-2h",
        "-failed_at:2026-11-19..2026-11-20 -failed_at:-90m.. failed_at:2026-11-21T04:30..2026-11-21T04:30",
        "age:1h..2h age:2h.. age:..2h -age:1h..119m -age:121m..",
        "attempts:1..3 attempts:3..4 attempts:1,3..9 attempts:3.. -attempts:4.. attempts:..3 -attempts:..2",
        "deficit",
        "ramp",
        '"50%"',
        "Übergabe",
        "-übergabe",
        "status:in-doubt or plant:P03",
        "-(status:failed plant:P01)",
    ],
)
def test_it_finds(text: str) -> None:
    assert finds(text)
    assert not finds(f"-({text})") if text else True


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("kind:none", True),
        ("kind:locked", False),
        ("-kind:locked", True),
        ("code:*", False),
        ("message:none", True),
        ("failed_at>-100d", False),
        ("-failed_at>-100d", True),
        ("failed_at:none", True),
        ("failed_at:2026-11-20..", False),
        ("failed_at:2026-11-20..,none", True),
        ("age:2h..4h", True),
        ("age>2h", True),
        ("age>4h", False),
        ("overdue:true", False),
        ("overdue:false", True),
        ("deficit", False),
    ],
)
def test_what_has_not_failed(text: str, found: bool) -> None:
    assert finds(text, MOVING) is found
