"""Policies looked at by every rule: what is found, and what of it is known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date

from msgspec import Struct

from gateway_policies.findings import Finding, in_order
from gateway_policies.linting.registry import by_id
from gateway_policies.linting.rule import Broken, Rule
from gateway_policies.linting.scene import Scene, pattern
from gateway_policies.linting.secrets import RULE as SECRET
from gateway_policies.linting.secrets import secrets_of_files
from gateway_policies.linting.settings import of_settings, unused
from gateway_policies.model import PolicySet, Severity, Suppression
from gateway_policies.places import Places


class Suppressed(Struct, frozen=True):
    """A finding that is known, and by which suppression."""

    finding: Finding
    suppression: Suppression


class Linted(Struct, frozen=True, kw_only=True):
    """What came of looking at policies.

    Attributes:
        findings: in the order of the files and lines.
        suppressed: what a suppression silences, in the same order.
    """

    findings: list[Finding]
    suppressed: list[Suppressed] = []


def lint(
    policies: PolicySet,
    places: Places,
    today: date,
    *,
    systems: Collection[str] = (),
    texts: Iterable[tuple[str, str]] = (),
) -> list[Finding]:
    """What is wrong with policies, in the order of the files and lines; without what is suppressed.

    Args:
        places: where they say what they say; only asked about what is found.
        today: the day that dates are held against.
        systems: names of systems that are known to be there, besides those that policies name.
        texts: files, as places name them, with what they say: for secrets in comments.
    """
    return examine(policies, places, today, systems=systems, texts=texts).findings


def examine(
    policies: PolicySet,
    places: Places,
    today: date,
    *,
    systems: Collection[str] = (),
    texts: Iterable[tuple[str, str]] = (),
) -> Linted:
    """As ``lint``, with what is suppressed."""
    return _Examination(Scene(policies, today, systems), places).done(texts)


class _Silence:
    """A suppression that counts today, and whether it did anything."""

    def __init__(self, number: int, suppression: Suppression) -> None:
        self.number = number
        self.suppression = suppression
        self.fits: Callable[[str], object] = pattern(suppression.address).fullmatch
        self.used = False


class _Examination:
    def __init__(self, scene: Scene, places: Places) -> None:
        self._scene = scene
        self._places = places
        self._findings: list[Finding] = []
        self._suppressed: list[Suppressed] = []
        self._silences: dict[str, list[_Silence]] = {}
        for number, each in enumerate(scene.policies.suppressions):
            if each.until >= scene.today:
                self._silences.setdefault(each.rule, []).append(_Silence(number, each))

    def done(self, texts: Iterable[tuple[str, str]]) -> Linted:
        known = by_id()
        for rule in known.values():
            severity = self._severity(rule)
            if severity is not Severity.OFF:
                for broken in rule.check(self._scene):
                    self._tell(rule, severity, broken)
        self._secrets(known[SECRET], texts)
        for name, broken in of_settings(self._scene, known):
            self._tell(known[name], self._severity(known[name]), broken)
        for silence in self._useless():
            rule = known["suppression-unused"]
            self._tell(rule, self._severity(rule), unused(silence.number, self._scene))
        findings = in_order(self._findings)
        suppressed = {each.finding: each for each in self._suppressed}
        return Linted(findings=findings, suppressed=[suppressed[each] for each in in_order(suppressed)])

    def _severity(self, rule: Rule) -> Severity:
        return self._scene.policies.lint.get(rule.id, rule.severity)

    def _tell(self, rule: Rule, severity: Severity, broken: Broken) -> None:
        if severity is Severity.OFF:
            return
        finding = Finding(
            rule=rule.id,
            severity=severity,
            message=broken.message,
            address=broken.address,
            place=self._places.of(broken.address, broken.field),
            help=broken.help or rule.help,
            edits=broken.edits,
        )
        silence = self._silenced(rule.id, broken.address)
        if silence is None:
            self._findings.append(finding)
        else:
            self._suppressed.append(Suppressed(finding, silence.suppression))

    def _silenced(self, rule: str, address: str) -> _Silence | None:
        found = None
        for each in self._silences.get(rule, ()):
            if each.fits(address):
                # All that fit are of use: which of them was first is nobody's concern.
                each.used = True
                found = found or each
        return found

    def _secrets(self, rule: Rule, texts: Iterable[tuple[str, str]]) -> None:
        severity = self._severity(rule)
        if severity is Severity.OFF:
            return
        all_found = (*self._findings, *(each.finding for each in self._suppressed))
        told = {(each.place.file, each.place.line) for each in all_found if each.rule == rule.id and each.place}
        for place, message in secrets_of_files(texts):
            if (place.file, place.line) not in told:
                self._findings.append(
                    Finding(rule=rule.id, severity=severity, message=message, address=None, place=place, help=rule.help)
                )

    def _useless(self) -> Iterator[_Silence]:
        """What silences nothing, although its rule was asked."""
        known = by_id()
        for silences in self._silences.values():
            for each in silences:
                rule = known.get(each.suppression.rule)
                if each.used or rule is None or self._severity(rule) is Severity.OFF:
                    continue
                # Made ahead of a day that is to come, it is of use that day.
                if rule.dated and any(each.fits(address) for address in self._scene.policies.resources):
                    continue
                # Whether it is of use to the rules about suppressions is not known before all of them are told.
                if not rule.id.startswith("suppression-"):
                    yield each
