"""Which resource that goes is one that comes, under a new name.

Only what is unambiguous is a rename: the old and the new must be (nearly) the same, have enough in common that this is
no accident, and neither may be near to another one too. Whatever would be moved by it must belong to the policy set.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from gateway_policies.model import Resource
from gateway_policies.planning.facets import Value, facets
from gateway_policies.references import Names, parent_of, referrers

NEARLY = 0.7
"""How much of what either of two states both have to state, to be one."""

ENOUGH = 2
"""How many facts they must share."""

_TOO_COMMON = 30
_FIRST, _SECOND = ("issuer", "throttle", "scope"), ("api", "consumer")
_Fact = tuple[str, Value]


def find_renames(
    files: Mapping[str, Resource],
    live: Mapping[str, Resource],
    applied: Mapping[str, Resource],
    owned: Iterable[str],
) -> dict[str, str]:
    """The renames that lead from what is live to the files.

    Args:
        applied: what the policy set applied last.
        owned: the addresses that the policy set owns.

    Returns:
        New addresses by old ones, in order.
    """
    ours = set(owned)
    goes = [each for each in live if each in ours and each not in files and parent_of(each) is None]
    comes = [each for each in files if each not in live and each not in applied and parent_of(each) is None]
    if not goes or not comes:
        return {}
    movable = _Movable(files, live, applied, ours)
    found: dict[str, str] = {}
    for kinds in (_FIRST, _SECOND):
        # What APIs and consumers refer to is matched first, so that their names for it are no difference; nor is the
        # name of what may yet turn out to be renamed.
        before = Names({each: _unnamed(each) for each in goes} | found)
        after = Names({each: _unnamed(each) for each in comes if each not in found.values()})
        old = {each: live[each] for each in goes if each.partition(".")[0] in kinds}
        new = {each: files[each] for each in comes if each.partition(".")[0] in kinds}
        if old and new:
            pairs = _pairs(_facts(old, live, before), _facts(new, files, after))
            found.update({one: other for one, other in pairs.items() if movable.may(one, other)})
    return dict(sorted(found.items()))


def _unnamed(address: str) -> str:
    return f"{address.partition('.')[0]}.?"


class _Movable:
    """Whether a rename would move only what is ours, and to where nothing is."""

    def __init__(
        self,
        files: Mapping[str, Resource],
        live: Mapping[str, Resource],
        applied: Mapping[str, Resource],
        ours: set[str],
    ) -> None:
        self._live, self._ours = referrers(live), ours
        self._applied = referrers(applied)
        self._parents = {parent for each in files if (parent := parent_of(each)) is not None}
        self._live_below, self._applied_below = _families(live), _families(applied)

    def may(self, old: str, new: str) -> bool:
        """Whether a rename may be."""
        return (
            all(each in self._ours for each in (*self._live.get(old, ()), *self._live_below.get(old, ())))
            and old not in self._parents
            and new not in self._live
            and new not in self._applied
            and new not in self._applied_below
        )


def _families(resources: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for each in resources:
        if (parent := parent_of(each)) is not None:
            found[parent].append(each)
    return found


def _facts(
    resources: Mapping[str, Resource], everything: Mapping[str, Resource], names: Names
) -> dict[str, frozenset[_Fact]]:
    """What resources state, with what hangs below them, and who refers to them."""
    found: dict[str, set[_Fact]] = {
        address: set(facets(names.in_resource(resource)).items()) for address, resource in resources.items()
    }
    for address, resource in everything.items():
        parent = parent_of(address)
        if parent in found:
            called = names.in_resource(resource).address.split(".", 2)[2]
            found[parent].add((called, True))
            found[parent].update((f"{called} {facet}", value) for facet, value in facets(resource).items())
    for needed, who in referrers(everything).items():
        if needed in found:
            others = (names.in_resource(everything[each]).address for each in who if parent_of(each) != needed)
            found[needed].update((f"referred to by {_said(each)}", True) for each in others)
    return {address: frozenset(facts) for address, facts in found.items()}


def _said(address: str) -> str:
    """A referrer without the name of what it refers to: a grant is called by its scope."""
    return address.partition(".grant.")[0]


def _pairs(old: Mapping[str, frozenset[_Fact]], new: Mapping[str, frozenset[_Fact]]) -> dict[str, str]:
    found: dict[str, str] = {}
    same_old, same_new = _by_facts(old), _by_facts(new)
    for facts, addresses in same_old.items():
        others = same_new.get(facts, [])
        if len(addresses) == len(others) == 1 and len(facts[1]) >= ENOUGH:
            found[addresses[0]] = others[0]
    taken = set(found.values())
    near_old: dict[str, list[str]] = defaultdict(list)
    near_new: dict[str, list[str]] = defaultdict(list)
    for one, other in _near(
        {address: facts for address, facts in old.items() if address not in found},
        {address: facts for address, facts in new.items() if address not in taken},
    ):
        near_old[one].append(other)
        near_new[other].append(one)
    found.update({one: near[0] for one, near in near_old.items() if len(near) == 1 == len(near_new[near[0]])})
    return found


def _by_facts(resources: Mapping[str, frozenset[_Fact]]) -> dict[tuple[str, frozenset[_Fact]], list[str]]:
    found: dict[tuple[str, frozenset[_Fact]], list[str]] = defaultdict(list)
    for address, facts in resources.items():
        found[address.partition(".")[0], facts].append(address)
    return found


def _near(old: Mapping[str, frozenset[_Fact]], new: Mapping[str, frozenset[_Fact]]) -> Iterable[tuple[str, str]]:
    """The pairs that are nearly the same. Facts that many share tell nobody apart, and find no pair."""
    stating: dict[tuple[str, _Fact], list[str]] = defaultdict(list)
    for address, facts in new.items():
        for fact in facts:
            stating[address.partition(".")[0], fact].append(address)
    for address, facts in old.items():
        kind = address.partition(".")[0]
        candidates: Counter[str] = Counter()
        for fact in facts:
            sharing = stating.get((kind, fact), ())
            if len(sharing) <= _TOO_COMMON:
                candidates.update(sharing)
        for other in sorted(candidates):
            shared = len(facts & new[other])
            if shared >= ENOUGH and shared >= NEARLY * len(facts | new[other]):
                yield address, other
