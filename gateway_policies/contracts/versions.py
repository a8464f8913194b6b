"""The contracts of two policy sets: within a version nothing may break; to its successor, what callers must change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from gateway_policies.contracts.catalogue import HELP, kinds
from gateway_policies.contracts.change import Change, Level
from gateway_policies.contracts.comparing import compare
from gateway_policies.contracts.contract import REFERENCE, UNREADABLE, Contract, open_contract
from gateway_policies.contracts.texts import Texts
from gateway_policies.findings import Finding
from gateway_policies.model import Lifecycle, PolicySet, Severity, Version
from gateway_policies.places import Nowhere, Place, Places
from gateway_policies.rendering.finding_words import RuleText

BASE_UNREADABLE: Final = "contract-base-unreadable"
_SEVERITY: Final = {Level.BREAKING: Severity.ERROR, Level.UNDECIDED: Severity.WARNING}
RULES: Final = (
    RuleText(id=UNREADABLE, title="A contract cannot be read"),
    RuleText(id=REFERENCE, title="A reference in a contract leads nowhere"),
    RuleText(id=BASE_UNREADABLE, title="The contract as it was cannot be read", severity=Severity.WARNING),
    *(
        RuleText(
            id=kind.id,
            title=kind.words.rstrip("."),
            help=HELP[Level.UNDECIDED if kind.level == "undecided" else Level.BREAKING],
            severity=Severity.WARNING if kind.level == "undecided" else Severity.ERROR,
        )
        for kind in kinds().values()
        if not kind.level.startswith("compatible")
    ),
)
"""Every rule that findings here have."""
_PROMISED: Final = frozenset({Lifecycle.ACTIVE, Lifecycle.DEPRECATED, Lifecycle.BROWNOUT})
"""What callers rely on: a draft is not served yet, a retired version no more."""


class Succession(Struct, frozen=True, kw_only=True):
    """What callers of a version have to change to call its successor."""

    version: str
    successor: str
    changes: list[Change]

    @property
    def breaking(self) -> int:
        """How many changes they cannot pass over."""
        return sum(each.level is Level.BREAKING for each in self.changes)


class Checked(Struct, frozen=True, kw_only=True):
    """What came of holding the contracts of two policy sets against each other.

    Attributes:
        findings: errors for what breaks within a version, warnings for what cannot be decided; contracts that cannot
            be read.
        successions: from each version to its successor, of the newer policy set.
    """

    findings: list[Finding]
    successions: list[Succession]


def check_versions(
    before: PolicySet | None,
    after: PolicySet,
    before_texts: Texts,
    after_texts: Texts | None = None,
    places: Places | None = None,
) -> Checked:
    """Hold the contracts of two policy sets against each other.

    Args:
        before: what is relied on: last applied, or the base of a branch; None to only read contracts, and compare
            versions with their successors.
        before_texts, after_texts: the contracts as they were and as they are; of one reader, where both are in it.
        places: where ``after`` says what it says, for findings that stand in no contract.
    """
    return _Check(before, after, before_texts, after_texts or before_texts, places or Nowhere()).run()


class _Check:
    def __init__(
        self, before: PolicySet | None, after: PolicySet, before_texts: Texts, after_texts: Texts, places: Places
    ) -> None:
        self._before = before
        self._after = after
        self._before_texts = before_texts
        self._after_texts = after_texts
        self._places = places
        self._open: dict[str, Contract | None] = {}
        self._findings: list[Finding] = []

    def run(self) -> Checked:
        versions = [each for each in self._after.resources.values() if isinstance(each, Version)]
        for version in versions:
            now = self._contract(version)
            if now is not None and version.lifecycle in _PROMISED:
                self._findings.extend(self._within(version, now))
        return Checked(findings=self._findings, successions=list(self._successions(versions)))

    def _contract(self, version: Version) -> Contract | None:
        """The contract of a version as it is; opened once, its findings told once."""
        if version.contract is None or version.lifecycle is Lifecycle.RETIRED:
            return None
        if version.address not in self._open:
            contract, findings = open_contract(self._after_texts, version.contract, version.address)
            self._open[version.address] = contract
            self._findings.extend(findings)
        return self._open[version.address]

    def _within(self, version: Version, now: Contract) -> Iterator[Finding]:
        old = self._before.resources.get(version.address) if self._before is not None else None
        if not isinstance(old, Version) or old.contract is None or old.lifecycle not in _PROMISED:
            return
        raw = self._before_texts.read(old.contract)
        if now.alone and raw is not None and raw == self._after_texts.read(now.file):
            return
        then, problems = open_contract(self._before_texts, old.contract, version.address)
        if then is None:
            message = (
                f"The contract that {version.address} had before cannot be read, so nobody can tell whether it still "
                f"holds: {problems[0].message}"
            )
            yield Finding(
                rule=BASE_UNREADABLE,
                severity=Severity.WARNING,
                message=message,
                address=version.address,
                place=self._places.of(version.address, "contract"),
            )
            return
        yield from change_findings(
            compare(then, now), now, version.address, self._places.of(version.address, "contract")
        )

    def _successions(self, versions: list[Version]) -> Iterator[Succession]:
        for version in versions:
            address = f"api.{version.api}.version.{version.successor}"
            successor = self._after.resources.get(address)
            if version.successor is None or not isinstance(successor, Version):
                continue
            old, new = self._contract(version), self._contract(successor)
            if old is not None and new is not None:
                yield Succession(version=version.address, successor=address, changes=compare(old, new))


def change_findings(
    changes: Iterable[Change], after: Contract, address: str | None = None, fallback: Place | None = None
) -> list[Finding]:
    """Changes that somebody must look at, as findings at the lines of the newer contract.

    Args:
        fallback: where to point for what is no longer there.
    """
    told = [each for each in changes if each.level in _SEVERITY]
    places = after.places([each.after for each in told if each.after is not None])
    return [
        Finding(
            rule=each.id,
            severity=_SEVERITY[each.level],
            message=_with_operations(each),
            address=address,
            place=(places[each.after] if each.after is not None else None) or fallback or Place(after.file, 1, 1),
            help=HELP[each.level],
        )
        for each in told
    ]


def _with_operations(change: Change) -> str:
    """The message, with where it shows, unless it says so itself."""
    if not change.operations or change.message.startswith(change.operations[0]):
        return change.message
    more = len(change.operations) - 3
    told = ", ".join(change.operations[:3]) + (f" and {more} more" if more > 0 else "")
    return f"{change.message.removesuffix('.')} (in {told})."
