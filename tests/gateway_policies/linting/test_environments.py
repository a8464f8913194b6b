"""The base and its environments, as one report."""

from __future__ import annotations

from datetime import date

import msgspec

from gateway_policies.edits import Remove
from gateway_policies.findings import Finding
from gateway_policies.linting.environments import of_all, together
from gateway_policies.linting.examining import Linted, Suppressed
from gateway_policies.model import Severity, Suppression
from gateway_policies.places import Place


def finding(message: str, rule: str = "grant-reason", line: int = 1, file: str = "a.toml") -> Finding:
    return Finding(
        rule=rule,
        severity=Severity.WARNING,
        message=message,
        address="api.a",
        place=Place(file, line, 1),
        edits=(Remove("api.a"),),
    )


def linted(*findings: Finding) -> Linted:
    return Linted(findings=list(findings))


def test_what_is_so_everywhere_is_told_once() -> None:
    assert together(linted(finding("A.")), {"production": linted(finding("A."))}).findings == [finding("A.")]


def test_what_is_so_everywhere_for_other_reasons_is_told_once_and_not_mended() -> None:
    both = together(linted(finding("A.")), {"production": linted(finding("A.", line=9, file="environments/x.toml"))})
    assert both.findings == [msgspec.structs.replace(finding("A."), edits=())]
    only = together(linted(finding("A.")), {"production": linted()})
    assert only.findings == both.findings


def test_what_is_so_with_an_environment_says_with_which_and_is_not_mended() -> None:
    found = together(linted(), {"production": linted(finding("B.")), "test": linted(finding("B.")), "dev": linted()})
    [told] = found.findings
    assert told.message == "With production and test: B."
    assert told.edits == ()


def test_what_is_of_use_in_one_environment_is_of_use() -> None:
    unused = finding("C.", "suppression-unused")
    assert together(linted(unused), {"production": linted()}).findings == []
    assert together(linted(unused), {"production": linted(unused)}).findings == [unused]
    assert together(linted(), {"production": linted(unused)}).findings == []


def test_what_is_suppressed_anywhere_is_kept() -> None:
    silence = Suppression(rule="grant-reason", address="*", reason="r", until=date(2027, 1, 1))
    known = Linted(findings=[], suppressed=[Suppressed(finding("A."), silence)])
    assert together(known, {"production": known}).suppressed == known.suppressed
    assert together(linted(), {"production": known}).suppressed == known.suppressed


def test_a_base_is_mended_where_every_environment_has_the_same_in_the_same_place() -> None:
    everywhere, moved, only = finding("A."), finding("B."), finding("C.")
    production = linted(everywhere, finding("B.", line=2))
    assert list(of_all([everywhere, moved, only], {"production": production})) == [everywhere]
    assert list(of_all([only], {})) == [only]
