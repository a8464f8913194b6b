from __future__ import annotations

from datetime import UTC, datetime

import pytest

from transactions.explanation import explain
from transactions.model import Failure, FailureKind, KeyOrigin, Risk, Status, Transaction


def failed(kind: FailureKind = FailureKind.MASTER_DATA, status: Status = Status.FAILED) -> Transaction:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    return Transaction(
        id="tx-1",
        flow="material-consumption",
        plant="P02",
        source="MES",
        target="ERP",
        status=status,
        risk=Risk.FINANCIAL,
        created_at=at,
        failed_at=at,
        due_at=at,
        overdue=True,
        attempts=1,
        failure=Failure(kind=kind, help=kind.help, code="M3351", message="Material missing", system="ERP"),
        group=None,
        business_keys={"order": "4700119"},
        correlation_id="c",
        causation_id=None,
        idempotency_key="k",
        key_origin=KeyOrigin.RECIPE,
        content_type="application/json",
        payload_sha256="0",
        revision=1,
        assignee=None,
        owner="mdm-team",
        waiting_on=None,
        superseded_by=None,
        document=None,
        etag="e",
    )


def test_the_four_answers() -> None:
    answers = explain(failed())
    assert answers.said == "M3351  Material missing"
    assert answers.means == "material consumption (order 4700119) is not in ERP; it is overdue"
    assert "mending data" in answers.helps
    assert "mdm-team" in answers.helps
    assert answers.never == "replay before it is mended: it fails the same way"


@pytest.mark.parametrize("kind", list(FailureKind))
def test_every_kind_of_failure_has_help(kind: FailureKind) -> None:
    assert explain(failed(kind)).helps


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_a_meaning(status: Status) -> None:
    assert "material consumption" in explain(failed(status=status)).means


@pytest.mark.parametrize("status", [Status.IN_DOUBT, Status.PARKED, Status.PARTLY_PROCESSED, Status.SENT])
def test_what_may_be_posted_already_is_never_sent_blindly(status: Status) -> None:
    assert "send it again blindly" in explain(failed(FailureKind.TIMEOUT, status)).never


def test_a_closed_one_needs_no_help() -> None:
    answers = explain(failed(status=Status.PROCESSED))
    assert (answers.said, answers.helps, answers.never) == ("", "", "")
