"""Findings: in the order in which people read, each one once."""

from __future__ import annotations

import random

from gateway_policies.findings import Finding, in_order, refuses
from gateway_policies.model import Severity
from gateway_policies.places import Nowhere, Place


def found(file: str | None, line: int = 1, severity: Severity = Severity.ERROR, rule: str = "unknown-key") -> Finding:
    place = None if file is None else Place(file, line, 1)
    return Finding(rule=rule, severity=severity, message="m", address=None, place=place)


def test_file_by_file_from_top_to_bottom_and_what_has_no_place_last() -> None:
    wanted = [found("apis/a.toml", 2), found("apis/a.toml", 10), found("apis/b.toml", 1), found(None)]
    shuffled = [*wanted, *wanted]
    random.Random(1).shuffle(shuffled)
    assert in_order(shuffled) == wanted


def test_two_at_one_place_are_in_the_order_of_their_rules() -> None:
    assert [each.rule for each in in_order([found("a", rule="z"), found("a", rule="b")])] == ["b", "z"]


def test_only_errors_refuse() -> None:
    assert not refuses([])
    assert not refuses([found("a", severity=Severity.WARNING), found("a", severity=Severity.OFF)])
    assert refuses([found("a", severity=Severity.WARNING), found("a")])


def test_a_place_reads_as_editors_follow_it() -> None:
    assert str(Place("consumers/mes-p03.toml", 12, 3)) == "consumers/mes-p03.toml:12:3"
    assert Place("a", 2, 1) < Place("a", 10, 1) < Place("b", 1, 1)


def test_policies_without_files_have_no_places() -> None:
    assert Nowhere().of("api.orders") is None
    assert Nowhere().of("api.orders", "throttle") is None
