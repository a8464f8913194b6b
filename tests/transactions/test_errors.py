"""Errors are types with a message for people; problem names are a contract of the admin API."""

from __future__ import annotations

import inspect
import re

import pytest

import hub.errors
import transactions.errors
from transactions.errors import PROBLEM_BASE, AndonError, Refused, TransitionRefused

TYPES = [
    found
    for module in (transactions.errors, hub.errors)
    for _, found in inspect.getmembers(module, inspect.isclass)
    if issubclass(found, AndonError) and found.__module__ == module.__name__
]


def test_there_are_types_to_look_at() -> None:
    assert len(TYPES) > 20


def test_every_type_has_a_problem_name_of_its_own() -> None:
    names = [found.problem for found in TYPES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("found", TYPES, ids=lambda found: found.__name__)
def test_the_rules_of_a_type(found: type[AndonError]) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", found.problem)
    assert 400 <= found.status <= 599
    assert re.fullmatch(r"[A-Z][^.!]+", found.title), "a title is a short sentence without a full stop"
    assert len(found.title) < 70
    assert found.__doc__


@pytest.mark.parametrize(
    "found", [found for found in TYPES if found is not TransitionRefused], ids=lambda found: found.__name__
)
def test_an_error_carries_its_detail_and_its_extras(found: type[AndonError]) -> None:
    error = found("What happened. What to do.", column=3, suggestions=["plant"])
    assert str(error) == error.detail == "What happened. What to do."
    assert error.extra == {"column": 3, "suggestions": ["plant"]}


def test_what_a_guard_refuses_is_a_refusal() -> None:
    # the exit code of a refusal is one for all of these (6), and a client catches them as one
    names = {found.problem for found in TYPES if issubclass(found, Refused)}
    assert names == {
        "refused",
        "transition-refused",
        "claimed",
        "plan-altered",
        "key-reused",
        "second-person-wanted",
        "gateway-rejected",
    }
    assert all(found.status == 409 for found in TYPES if issubclass(found, Refused))


def test_a_refused_transition_says_what_to_do_and_keeps_its_http_status() -> None:
    error = TransitionRefused("processed", "dispatch")
    assert error.status == 409
    assert error.extra == {"transaction_status": "processed", "event": "dispatch"}
    assert "Look at it again" in error.detail


def test_the_type_of_a_problem_is_a_urn() -> None:
    assert PROBLEM_BASE.startswith("urn:")
    assert PROBLEM_BASE.endswith(":")


def test_the_contract_of_problem_names() -> None:
    """Clients and runbooks match these; removing or renaming one breaks them."""
    assert {found.problem for found in TYPES if found.__module__ == "transactions.errors"} == {
        "failed", "invalid-request", "bad-filter", "bad-cursor", "unauthenticated", "forbidden", "not-found",
        "method-not-allowed", "refused", "transition-refused", "claimed", "plan-altered", "key-reused", "stale",
        "precondition-required", "too-large", "unsupported-media-type", "unreadable-document", "unavailable",
        "unreachable", "second-person-wanted", "too-many-requests", "misdirected", "headers-too-large",
        "address-too-long", "too-slow", "gateway-rejected",
    }  # fmt: skip
