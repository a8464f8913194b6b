"""The order in which a plan is done, so that nothing ever refers to what is not there.

What is referred to comes first and goes last; what only one can have is given up before it is taken; a call may want a
new scope when those who call have it. Where that leads in a circle (an API and the versions that its operations name),
the circle is one step, done at once.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence

from gateway_policies.model import Api, Consumer, Grant, Issuer, Resource, Scope, Throttle, Version
from gateway_policies.planning.model import Action, Change, Deed, Do
from gateway_policies.references import claims, references

_KINDS: dict[type, int] = {
    kind: place for place, kind in enumerate((Issuer, Throttle, Scope, Api, Version, Consumer, Grant))
}


class Graph:
    """What has to be done before what."""

    def __init__(self, size: int) -> None:
        self.before: list[set[int]] = [set() for _ in range(size)]

    def add(self) -> int:
        """One more, that is nothing itself: a gate that others pass."""
        self.before.append(set())
        return len(self.before) - 1

    def must(self, first: int, then: int) -> None:
        """``first`` before ``then``."""
        if first != then:
            self.before[then].add(first)


class Work:
    """The deeds of some changes, and what they need of each other."""

    def __init__(self, changes: Sequence[Change], before: Mapping[str, Resource]) -> None:
        """
        Args:
            changes: in any order.
            before: what is live, under the names after the changes' renames.
        """
        self.changes = list(changes)
        self.deeds: list[tuple[Do, int]] = []
        self._renames: dict[str, int] = {}
        self._puts: dict[str, int] = {}
        self._deletes: dict[str, int] = {}
        for index, change in enumerate(self.changes):
            if change.action is Action.RENAME:
                self._renames[change.address] = self._deed(Do.RENAME, index)
                for each in change.moves:
                    self._renames.setdefault(each.to, self._renames[change.address])
                if change.fields:
                    self._puts[change.address] = self._deed(Do.PUT, index)
            elif change.after is None:
                self._deletes[change.address] = self._deed(Do.DELETE, index)
            else:
                self._puts[change.address] = self._deed(Do.PUT, index)
        self.graph = Graph(len(self.deeds))
        self._connect(before)

    def _deed(self, do: Do, change: int) -> int:
        self.deeds.append((do, change))
        return len(self.deeds) - 1

    def _connect(self, before: Mapping[str, Resource]) -> None:
        for deed, (do, index) in enumerate(self.deeds):
            change = self.changes[index]
            if do is Do.RENAME:
                continue
            for needed in (*self._known(change.before), *self._known(change.after)):
                if needed in self._renames:
                    self.graph.must(self._renames[needed], deed)
            if change.address in self._renames:
                self.graph.must(self._renames[change.address], deed)
            if do is Do.PUT and change.after is not None:
                for needed in references(change.after):
                    if needed in self._puts and needed not in before:
                        self.graph.must(self._puts[needed], deed)
            if change.before is not None:
                for needed in references(change.before):
                    if needed in self._deletes:
                        self.graph.must(deed, self._deletes[needed])
        self._hand_over()
        self._let_in()

    def _known(self, resource: Resource | None) -> tuple[str, ...]:
        return () if resource is None else references(resource)

    def _hand_over(self) -> None:
        """What only one can have is given up first."""
        giving: dict[str, list[int]] = {}
        taking: list[tuple[str, int]] = []
        for deed, (do, index) in enumerate(self.deeds):
            if do is Do.RENAME:
                continue
            change = self.changes[index]
            held = () if change.before is None else claims(change.before)
            wanted = () if change.after is None else claims(change.after)
            for claim in held:
                if claim not in wanted:
                    giving.setdefault(claim, []).append(deed)
            taking += [(claim, deed) for claim in wanted if claim not in held]
        for claim, deed in taking:
            for giver in giving.get(claim, ()):
                self.graph.must(giver, deed)

    def _let_in(self) -> None:
        """A call wants a scope when those who call have been granted it, and grants go when no call wants them."""
        wants: dict[str, list[int]] = {}
        leaves: dict[str, list[int]] = {}
        for deed, (do, index) in enumerate(self.deeds):
            change = self.changes[index]
            if do is Do.PUT and isinstance(change.before, Api) and isinstance(change.after, Api):
                old, new = _scopes(change.before), _scopes(change.after)
                for scope in new - old:
                    wants.setdefault(scope, []).append(deed)
                for scope in old - new:
                    leaves.setdefault(scope, []).append(deed)
        if not wants and not leaves:
            return
        granted = {scope: self._gate((), deeds) for scope, deeds in wants.items()}
        unwanted = {scope: self._gate(deeds, ()) for scope, deeds in leaves.items()}
        for deed, (do, index) in enumerate(self.deeds):
            change = self.changes[index]
            if do is Do.PUT and isinstance(change.after, Grant) and change.before is None:
                if change.after.scope in granted:
                    self.graph.must(deed, granted[change.after.scope])
            elif do is Do.DELETE and isinstance(change.before, Grant) and change.before.scope in unwanted:
                self.graph.must(unwanted[change.before.scope], deed)

    def _gate(self, before: Iterable[int], after: Iterable[int]) -> int:
        gate = self.graph.add()
        for each in before:
            self.graph.must(each, gate)
        for each in after:
            self.graph.must(gate, each)
        return gate

    def needs(self) -> list[set[int]]:
        """For each change the changes that must be made with it, or it cannot be."""
        found: list[set[int]] = [set() for _ in self.changes]
        for deed, firsts in enumerate(self.graph.before[: len(self.deeds)]):
            change = self.deeds[deed][1]
            for first in firsts:
                if first < len(self.deeds) and self.deeds[first][1] != change:
                    found[change].add(self.deeds[first][1])
        return found

    def steps(self) -> tuple[tuple[Deed, ...], ...]:
        """The deeds in an order that works, always the same."""
        groups = _circles(self.graph.before)
        place = {each: number for number, group in enumerate(groups) for each in group}
        waits = [set[int]() for _ in groups]
        then: list[list[int]] = [[] for _ in groups]
        for each, firsts in enumerate(self.graph.before):
            for first in firsts:
                if place[first] != place[each] and place[first] not in waits[place[each]]:
                    waits[place[each]].add(place[first])
                    then[place[first]].append(place[each])
        open_ = [len(each) for each in waits]
        ranks = [self._rank(group[0]) if len(group) == 1 else min(map(self._rank, group)) for group in groups]
        ready = [(ranks[number], number) for number, count in enumerate(open_) if count == 0]
        heapq.heapify(ready)
        found = []
        while ready:
            _, number = heapq.heappop(ready)
            group = groups[number]
            step = [each for each in group if each < len(self.deeds)]
            if len(step) > 1:
                step.sort(key=self._rank)
            if step:
                found.append(tuple(self._told(each) for each in step))
            for each in then[number]:
                open_[each] -= 1
                if open_[each] == 0:
                    heapq.heappush(ready, (ranks[each], each))
        return tuple(found)

    def _told(self, deed: int) -> Deed:
        do, index = self.deeds[deed]
        return Deed(do=do, change=self.changes[index].id)

    def _rank(self, deed: int) -> tuple[int, int, str]:
        """Renames, what comes, what changes, what goes; each from what is referred to, or to it."""
        if deed >= len(self.deeds):
            return (-1, 0, "")  # a gate holds nobody up
        do, index = self.deeds[deed]
        change = self.changes[index]
        kind = _KINDS[type(change.after or change.before)]
        if do is Do.RENAME:
            return 0, kind, change.address
        if do is Do.DELETE:
            return 3, -kind, change.address
        return 1 if change.before is None else 2, kind, change.address


def _scopes(api: Api) -> set[str]:
    return {each.scope for each in api.operations if each.scope is not None}


def _circles(before: Sequence[set[int]]) -> list[list[int]]:
    """What leads to itself, together; whatever does not, alone (Tarjan's strongly connected components)."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    on: set[int] = set()
    stack: list[int] = []
    found: list[list[int]] = []
    for root in range(len(before)):
        if root in index:
            continue
        path = [(root, iter(sorted(before[root])))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on.add(root)
        while path:
            node, rest = path[-1]
            following = next(rest, None)
            if following is None:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[node])
                if low[node] == index[node]:
                    group: list[int] = []
                    while not group or group[-1] != node:
                        group.append(stack.pop())
                        on.discard(group[-1])
                    found.append(group)
            elif following not in index:
                index[following] = low[following] = len(index)
                stack.append(following)
                on.add(following)
                path.append((following, iter(sorted(before[following]))))
            elif following in on:
                low[node] = min(low[node], index[following])
    return found
