"""A handover with something in every part."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from transactions.approvals import ApprovalItem, ApprovalKind
from transactions.batches import Batch, BatchState
from transactions.handover.model import (
    AuditRange,
    CameIn,
    ComesBack,
    Deed,
    GlassBroken,
    Handover,
    Note,
    Open,
    Remark,
)
from transactions.landscape import Hold
from transactions.model import Failure, FailureKind, KeyOrigin, Risk, Status, Transaction
from transactions.plans import Action

NOW = datetime(2026, 3, 29, 3, 30, tzinfo=UTC)
"""After the clocks of the plant went forward, in the night it is about."""
HOUR = timedelta(hours=1)
KIND = FailureKind.MASTER_DATA


def transaction(**more: Any) -> Transaction:
    told: dict[str, Any] = {
        "id": "01J1", "flow": "goods-receipt", "plant": "P01", "source": "MES", "target": "ERP",
        "status": Status.FAILED, "risk": Risk.FINANCIAL, "created_at": NOW, "failed_at": NOW, "due_at": NOW - HOUR,
        "overdue": True, "attempts": 2,
        "failure": Failure(kind=KIND, help=KIND.help, code="M3351", message="no | plant *data*", system="ERP"),
        "group": "0a", "business_keys": {"lot": "L-1", "order": "4711"}, "correlation_id": "c", "causation_id": None,
        "idempotency_key": "k", "key_origin": KeyOrigin.RECIPE, "content_type": "application/json",
        "payload_sha256": "ff", "revision": 1, "assignee": None, "owner": "erp-team", "waiting_on": None,
        "superseded_by": None, "document": None, "etag": "1.1",
    }  # fmt: skip
    return Transaction(**{**told, **more})


def batch(**more: Any) -> Batch:
    told: dict[str, Any] = {
        "id": "b1", "plan": "ab" * 32, "action": Action.REPLAY, "state": BatchState.DONE, "reason": "ticket 7",
        "started_by": "ann", "started_at": NOW - 3 * HOUR, "finished_at": NOW - 2 * HOUR, "total": 3,
        "counts": {"processed": 2, "failed": 1, "skipped": 0}, "because": None, "wave": None, "waves": 2,
    }  # fmt: skip
    return Batch(**{**told, **more})


def handover(**more: Any) -> Handover:
    hold = Hold(
        id="h1", target="CRM", plant=None, flow=None, reason="patching", placed_by="bob", placed_at=NOW - HOUR, held=1
    )  # fmt: skip
    approval = ApprovalItem(
        hash="cd" * 32, kind=ApprovalKind.APPROVAL, action=Action.DISCARD, requested_by="ann", reason="cancelled",
        asked_at=NOW - HOUR, expires_at=NOW + HOUR, count=1, because=["money"], overdue=False, own=False,
    )  # fmt: skip
    glass = GlassBroken(
        plan="ef" * 32, action="discard", by="ann", reason="line down", at=NOW - 3 * HOUR, due_at=NOW - HOUR,
        overdue=True, reviewed_by=None, verdict=None,
    )  # fmt: skip
    told: dict[str, Any] = {
        "platform": "plant-hub", "plant": None, "label": "night shift of 2026-03-28", "begin": NOW - 6 * HOUR,
        "until": NOW, "zone": "Europe/Berlin", "at": NOW,
        "came_in": [CameIn(flow="goods-receipt", title="Goods receipt", received=1200, processed=1100, open=100)],
        "batches": [batch(), batch(action=Action.HOLD, total=0, counts={}, reason="patching")],
        "deeds": [Deed(who="ann", action="batch.replay", count=1)],
        "notes": [Note(at=NOW - HOUR, by="ann", id="01J1", text="called <them>")],
        "counts": {Status.FAILED: 100, Status.HELD: 4, Status.PROCESSED: 1100}, "overdue": 7,
        "causes": [
            Open(
                id="c1", title="Material M-1 is not in plant P01", count=90, blocks=214, overdue=107, owner="mdm",
                since=NOW - HOUR, first="Maintain it.", care=["Do not edit it.", "Nor that."],
            )
        ],
        "taken": [transaction(id="01J2", assignee="ann", ticket="INC-7", waiting_on="mdm <team>")],
        "urgent": [transaction()], "approvals": [approval], "broken_glass": [glass], "holds": [hold],
        "breakers": {"ERP": "open"}, "running": [batch(id="b2", state=BatchState.PAUSED)],
        "comes_back": [
            ComesBack(fingerprint="0a1b", flow="goods-receipt", target="ERP", template="no", replayed=9, repeated=8)
        ],
        "remarks": [Remark(at=NOW, by="ann", plant="P01", text="look at [P02](http://x) first")],
        "audit": AuditRange(first=3, last=9, head="ab12"),
    }  # fmt: skip
    return Handover(**{**told, **more})
