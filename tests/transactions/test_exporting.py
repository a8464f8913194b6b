"""Exports: every column, the chosen ones, and a CSV that reads back as what was written."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.errors import Invalid
from transactions.export_form import ExportForm
from transactions.exporting import Lines, choose_columns
from transactions.model import Failure, FailureKind, KeyOrigin, Risk, Status, Transaction

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
FAILED = Failure(
    kind=FailureKind.PERIOD_CLOSED, help=FailureKind.PERIOD_CLOSED.help, code="M7053", message="=SUM(A1)", system="ERP"
)
TX = Transaction(
    id="01J1", flow="goods-receipt", plant="P01", source="MES", target="ERP", status=Status.FAILED,
    risk=Risk.FINANCIAL, created_at=NOW, failed_at=NOW, due_at=None, overdue=False, attempts=2, failure=FAILED,
    group="0a", business_keys={"order": "4711", "lot": "L-1"}, correlation_id="c", causation_id=None,
    idempotency_key="k", key_origin=KeyOrigin.RECIPE, content_type="application/json", payload_sha256="ff", revision=1,
    assignee=None, owner="erp", waiting_on=None, superseded_by=None, document=None, etag="1.1",
)  # fmt: skip
KEYS = ("order", "lot", "plant")


def written(form: ExportForm, columns: str | None = None, *, raw: bool = False, tx: Transaction = TX) -> str:
    lines = Lines(form, choose_columns(columns, KEYS), raw=raw)
    return (lines.head() + lines.rows([tx])).decode()


def table(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def test_a_json_line_is_the_transaction_as_the_api_shows_it() -> None:
    assert written(ExportForm.JSONL) == msgspec.json.encode(TX).decode() + "\n"


def test_csv_has_every_field_once_and_nested_ones_with_a_dot() -> None:
    head, row = table(written(ExportForm.CSV))
    assert len(set(head)) == len(head) == len(row)
    told = dict(zip(head, row, strict=True))
    assert told["id"] == "01J1"
    assert told["failure.code"] == "M7053"
    assert told["created_at"] == "2026-03-04T05:06:07Z"
    assert told["overdue"] == "false"
    assert told["due_at"] == ""
    assert json.loads(told["business_keys"]) == TX.business_keys


def test_a_row_without_a_failure_has_the_same_columns() -> None:
    sound = msgspec.structs.replace(TX, failure=None)
    head, row = table(written(ExportForm.CSV, tx=sound))
    assert head == table(written(ExportForm.CSV))[0]
    assert dict(zip(head, row, strict=True))["failure.code"] == ""


def test_columns_come_in_the_order_they_are_named() -> None:
    assert table(written(ExportForm.CSV, "order, failure.code,id")) == [
        ["business_keys.order", "failure.code", "id"],
        ["4711", "M7053", "01J1"],
    ]


def test_json_lines_of_some_columns_keep_each_where_the_whole_has_it() -> None:
    assert json.loads(written(ExportForm.JSONL, "business_keys.order,failure.code,id,lot")) == {
        "business_keys": {"order": "4711", "lot": "L-1"},
        "failure": {"code": "M7053"},
        "id": "01J1",
    }


def test_a_field_goes_before_a_key_of_its_name() -> None:
    assert table(written(ExportForm.CSV, "plant,business_keys.plant"))[1] == ["P01", ""]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("idd", "Did you mean id?"),
        ("failure.cod", "Did you mean failure.code?"),
        ("zzzz", "and each business key"),
        ("", "There is no column ''"),
        ("id,,flow", "There is no column ''"),
        ("id,id", "named twice"),
        ("order,business_keys.order", "named twice"),
        ("failure", "There is no column 'failure'"),
    ],
)
def test_a_column_that_is_not_there_is_refused(wanted: str, told: str) -> None:
    with pytest.raises(Invalid) as caught:
        choose_columns(wanted, KEYS)
    assert told in caught.value.detail
    assert "Nothing was exported" in caught.value.detail


def test_what_a_spreadsheet_would_run_is_text_unless_it_is_asked_for_raw() -> None:
    assert table(written(ExportForm.CSV, "failure.message"))[1] == ["'=SUM(A1)"]
    assert table(written(ExportForm.CSV, "failure.message", raw=True))[1] == ["=SUM(A1)"]
    assert json.loads(written(ExportForm.JSONL, "failure.message"))["failure"]["message"] == "=SUM(A1)"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_raw_csv_reads_back_as_what_was_written(message: str) -> None:
    tx = msgspec.structs.replace(TX, failure=msgspec.structs.replace(FAILED, message=message))
    assert table(written(ExportForm.CSV, "failure.message,id", raw=True, tx=tx))[1:] == [[message, "01J1"]]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_no_cell_begins_with_what_a_spreadsheet_runs(message: str) -> None:
    tx: Any = msgspec.structs.replace(TX, failure=msgspec.structs.replace(FAILED, message=message))
    said = table(written(ExportForm.CSV, "failure.message,id", tx=tx))[1][0]
    assert said.lstrip(" ")[:1] not in set("=+-@\t\r\n") - {""} or said == ""
