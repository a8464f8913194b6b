"""The transaction as the API writes it: names, order and values are a contract."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

import transactions
from transactions.model import Failure, FailureKind, Help, KeyOrigin, Risk, Status, Transaction

# DESIGN, section 6: the fields of a transaction in JSON, in this order
FIELDS = [
    "id",
    "flow",
    "plant",
    "source",
    "target",
    "status",
    "risk",
    "created_at",
    "failed_at",
    "due_at",
    "overdue",
    "attempts",
    "failure",
    "group",
    "business_keys",
    "correlation_id",
    "causation_id",
    "idempotency_key",
    "key_origin",
    "content_type",
    "payload_sha256",
    "revision",
    "assignee",
    "owner",
    "waiting_on",
    "superseded_by",
    "document",
    "etag",
    "ticket",
    "due_because",
    "priority",
]

# DESIGN, section 1: failure kinds and what helps
HELPS = {
    "wait": {"unreachable", "timeout", "throttled", "locked"},
    "data": {"schema", "master-data", "mapping", "business-rule"},
    "decision": {"period-closed", "conflict", "late-approval"},
    "policy": {"unauthorized", "forbidden", "version-retired", "certificate"},
    "care": {"parked", "partial", "acknowledged-not-applied", "unknown-outcome"},
    "never": {"duplicate", "malformed"},
}


def test_fields_are_the_contract_in_order(a_transaction: Callable[..., Transaction]) -> None:
    assert list(msgspec.to_builtins(a_transaction())) == FIELDS
    assert list(msgspec.to_builtins(a_transaction())["failure"]) == [
        "kind", "help", "code", "message", "system", "policy_ref",
    ]  # fmt: skip


def test_json_round_trip_keeps_everything(a_transaction: Callable[..., Transaction]) -> None:
    transaction = a_transaction(failure=None, plant=None, business_keys={})
    assert msgspec.json.decode(msgspec.json.encode(transaction), type=Transaction) == transaction


def test_times_are_written_in_utc(a_transaction: Callable[..., Transaction]) -> None:
    written = msgspec.to_builtins(a_transaction())
    assert written["created_at"] == "2026-03-02T12:00:00Z"


@pytest.mark.parametrize("kind", FailureKind)
def test_every_kind_names_its_help(kind: FailureKind) -> None:
    assert str(kind) in HELPS[kind.help]


def test_no_kind_is_missing_and_none_is_extra() -> None:
    assert {str(kind) for kind in FailureKind} == set().union(*HELPS.values())
    assert {str(help_) for help_ in Help} == set(HELPS)


def test_edge_values_are_lower_case_words() -> None:
    for enum in (Status, Help, FailureKind, Risk, KeyOrigin):
        for member in enum:
            assert re.fullmatch(r"[a-z]+(-[a-z]+)*", member.value), member
            assert member.value == member.name.lower().replace("_", "-")


@pytest.mark.parametrize(
    "broken", [{"status": "lost"}, {"risk": "huge"}, {"attempts": "3"}, {"business_keys": {"order": 1}}]
)
def test_values_outside_the_contract_are_refused(
    a_transaction: Callable[..., Transaction], broken: dict[str, object]
) -> None:
    written = {**msgspec.to_builtins(a_transaction()), **broken}
    with pytest.raises(msgspec.ValidationError, match=next(iter(broken))):
        msgspec.convert(written, Transaction)


def test_unknown_fields_of_a_newer_hub_do_not_break_a_client(a_transaction: Callable[..., Transaction]) -> None:
    written = {**msgspec.to_builtins(a_transaction()), "added_later": True}
    assert msgspec.convert(written, Transaction) == a_transaction()


def test_it_is_frozen(a_failure: Callable[..., Failure]) -> None:
    with pytest.raises(AttributeError):
        a_failure().code = "other"


def test_the_package_does_no_io() -> None:
    for path in transactions.__path__:
        for module in Path(path).glob("*.py"):
            text = module.read_text(encoding="utf-8")
            assert not re.search(r"\bprint\(", text), module.name
            assert not re.search(
                r"^(?:import|from) (?:os|socket|httpx|sqlalchemy|asyncio|subprocess)\b", text, re.MULTILINE
            ), module.name
