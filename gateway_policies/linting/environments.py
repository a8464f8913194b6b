"""What was found in the base and with each environment, as one: everything once, and where it is so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from gateway_policies.findings import Finding, in_order
from gateway_policies.linting.examining import Linted, Suppressed
from gateway_policies.nearest import listed

_NOWHERE_ELSE = frozenset({"issuer-unused", "scope-unused", "suppression-unused", "throttle-unused"})
"""What is of use in one environment is of use."""

_Key = tuple[str, str, str | None]


def together(base: Linted, environments: Mapping[str, Linted]) -> Linted:
    """One report of the base and of every environment laid over it.

    What is so in the base is told as the base's; what is so with some environments only says with which. Only what is
    so everywhere, in one place, keeps the edits that would mend it.
    """
    every = [base, *environments.values()]
    findings: dict[_Key, list[tuple[str | None, Finding]]] = {}
    for name, linted in ((None, base), *environments.items()):
        for each in linted.findings:
            findings.setdefault(_key(each), []).append((name, each))
    everywhere = set(of_all(base.findings, environments))
    told = [
        _said([name for name, _ in found], found[0][1], everywhere)
        for found in findings.values()
        if found[0][1].rule not in _NOWHERE_ELSE or len(found) == len(every)
    ]
    suppressed: dict[_Key, Suppressed] = {}
    for linted in every:
        for known in linted.suppressed:
            suppressed.setdefault(_key(known.finding), known)
    left = {each.finding: each for each in suppressed.values()}
    return Linted(findings=in_order(told), suppressed=[left[each] for each in in_order(left)])


def of_all(findings: Sequence[Finding], environments: Mapping[str, Linted]) -> Iterator[Finding]:
    """The findings of a base that every environment has too, in the same place: mending the base mends them all."""
    places = [{_key(each): each.place for each in linted.findings} for linted in environments.values()]
    for each in findings:
        if all(_key(each) in found and found[_key(each)] == each.place for found in places):
            yield each


def _key(finding: Finding) -> _Key:
    # Without the place: a field that an environment says too is the same finding there.
    return finding.rule, finding.message, finding.address


def _said(names: list[str | None], finding: Finding, everywhere: set[Finding]) -> Finding:
    if finding in everywhere:
        return finding
    # With some of them it is right as it is: mending it takes a person.
    message = finding.message if None in names else f"With {listed(str(name) for name in names)}: {finding.message}"
    return msgspec.structs.replace(finding, message=message, edits=())
