"""Whether everything that one schema lets through another lets through as well, and where not.

A pair of schemas is compared once, whatever refers to it, and without recursion: each pair says what it lacks itself
and which pairs further down it needs. Every pair holds until something in it does not (the greatest fixed point), so
schemas that contain themselves are no special case.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from gateway_policies.contracts.acceptance import accepts
from gateway_policies.contracts.branch import Branch, Conj, Opaque
from gateway_policies.contracts.change import Direction
from gateway_policies.contracts.disjointness import disjoint
from gateway_policies.contracts.documents import Node
from gateway_policies.contracts.gaps import Gap, Mark, Need, Option, mark_of
from gateway_policies.contracts.notes import notes
from gateway_policies.contracts.objects import Objects
from gateway_policies.contracts.sameness import Sameness
from gateway_policies.contracts.scalars import arrays, numbers, strings
from gateway_policies.contracts.schemas import TOO_COMPLEX, Schemas
from gateway_policies.contracts.values import type_of

MOST_PAIRS: Final = 400_000


@dataclass(eq=False, slots=True)
class Edge:
    """A pair that another one needs, and the step to it."""

    step: str
    pair: Pair


@dataclass(eq=False, slots=True)
class Choice:
    """That one of several ways of the other side must do: gaps and edges of each."""

    options: list[tuple[list[Gap], list[Edge]]]
    several: bool

    @property
    def open(self) -> bool:
        """Whether one of them still does."""
        return any(not gaps and all(edge.pair.holds for edge in edges) for gaps, edges in self.options)

    def best(self) -> tuple[list[Gap], list[Edge]]:
        """The way that does, or the one that lacks least."""
        return min(self.options, key=lambda each: len(each[0]) + sum(not edge.pair.holds for edge in each[1]))


@dataclass(eq=False, slots=True)
class Pair:
    """Two schemas, and what the first lets through that the second does not.

    Attributes:
        holds: whether that is nothing, here and below.
        loud: whether there is anything to tell of, here or below.
        own: what there is to tell of here.
        edges: what to look at below it, and whether another way than this may be the one that counts.
    """

    sub: Conj
    sup: Conj
    gaps: list[Gap] = field(default_factory=list)
    notes: list[Gap] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    users: list[Pair] = field(default_factory=list)
    holds: bool = True
    loud: bool = False
    own: list[Gap] = field(default_factory=list)
    edges: list[tuple[Edge, bool]] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether it holds by what is known of the pairs that it needs."""
        return not self.gaps and all(choice.open for choice in self.choices)

    def follow(self) -> None:
        """Find out what to look at below it, now that it is known what holds: what has something to tell of."""
        self.own = [*self.gaps, *self.notes]
        for choice in self.choices:
            gaps, edges = choice.best()
            self.own += [replace(gap, certain=gap.certain and not choice.several) for gap in gaps]
            self.edges += [(edge, choice.several) for edge in edges if edge.pair.loud]


class Containment:
    """Compares the schemas of two contracts in one direction.

    Args:
        sub, sup: whose schemas must let no more through than whose.
        direction: which way the documents go.
        sub_is_older: whether ``sub`` is the contract before the change.
        with_notes: whether to note as well what changed beside what is let through.
    """

    def __init__(
        self, sub: Schemas, sup: Schemas, direction: Direction, *, sub_is_older: bool, with_notes: bool
    ) -> None:
        self.sub = sub
        self.sup = sup
        self.direction = direction
        self.sub_is_older = sub_is_older
        self._same = Sameness(sub.library, sup.library)
        self._with_notes = with_notes
        removed_from_sub = sub_is_older if with_notes else not sub_is_older
        self._objects = Objects(sub, sup, direction, removed_from_sub)
        self._pairs: dict[tuple[Conj, Conj], Pair] = {}
        self._todo: deque[Pair] = deque()

    def pair(self, sub: Conj, sup: Conj) -> Pair:
        """The pair of two schemas; compared by ``solve``."""
        key = (self.sub.settled(sub), self.sup.settled(sup))
        found = self._pairs.get(key)
        if found is None:
            found = self._pairs[key] = Pair(*key)
            self._todo.append(found)
        return found

    def solve(self) -> None:
        """Compare every pair that was asked for, and those that they need. Once, when all were asked for."""
        pairs: list[Pair] = []
        while self._todo:
            pair = self._todo.popleft()
            pairs.append(pair)
            if len(self._pairs) > MOST_PAIRS:
                one, other = _first(pair.sub), _first(pair.sup)
                pair.gaps.append(Gap(TOO_COMPLEX, sub_mark=one, sup_mark=other, certain=False))
            elif not self._same.all_same(pair.sub, pair.sup):
                self._compare(pair)
        for pair in pairs:
            for choice in pair.choices:
                for _, edges in choice.options:
                    for edge in edges:
                        edge.pair.users.append(pair)
        _settle(pairs)
        _listen(pairs)
        for pair in pairs:
            if pair.loud:
                pair.follow()

    def _compare(self, pair: Pair) -> None:
        some, others = self.sub.branches(pair.sub), self.sup.branches(pair.sup)
        if self._with_notes:
            older, newer = (self.sub, self.sup) if self.sub_is_older else (self.sup, self.sub)
            before, after = (pair.sub, pair.sup) if self.sub_is_older else (pair.sup, pair.sub)
            pair.notes = list(notes(older, before, newer, after, self.direction, flipped=not self.sub_is_older))
        pair.gaps.extend(self._types(pair, some, others))
        for one in some:
            for kind in sorted(one.types):
                candidates = [other for other in others if kind in other.types]
                if candidates and not self._listed(pair, one, kind, candidates):
                    pair.choices.append(self._choice(pair, one, kind, candidates))
                elif not candidates and one.values is not None:
                    self._listed(pair, one, kind, [other for other in others if other.values is not None])

    def _types(self, pair: Pair, some: list[Branch], others: list[Branch]) -> Iterator[Gap]:
        """A gap for types that the other side has not at all; where both list values, those tell more."""
        lists = any(other.values is not None for other in others)
        mine = {kind for one in some for kind in one.types if one.values is None or not lists}
        theirs = {kind for other in others for kind in other.types}
        missing = mine - theirs
        marks = _mark(some, pair.sub, "type"), _mark(others, pair.sup, "type")
        if "null" in missing and (mine - {"null"}):
            yield Gap("null", "nullable", "not nullable", *marks)
            missing.discard("null")
        if missing:
            yield Gap("type", type_words(some), type_words(others), *marks)

    def _listed(self, pair: Pair, one: Branch, kind: str, candidates: list[Branch]) -> bool:
        """Whether a way of few values is settled by trying them; gaps are written to the pair."""
        if one.values is not None:
            values = [(value, Mark(node)) for value, node in one.values.values() if type_of(value) == kind]
        elif kind in ("null", "boolean"):
            mark = mark_of(one, "type") or Mark(pair.sub[0]) if pair.sub else None
            values = [(value, mark) for value in ((None,) if kind == "null" else (True, False))]  # type: ignore[misc]
        else:
            return False
        granted = frozenset(one.formats)
        found = [(value, mark, accepts(self.sup, pair.sup, value, granted)) for value, mark in values]
        if one.values is None and any(each[2] is None for each in found):
            return False  # it is a condition that keeps them out, if anything does
        refused = [each for each in found if each[2] is not True] if candidates else found
        lists = [other for other in candidates if other.values is not None]
        sure = any(each[2] is False for each in refused)
        if sure and not lists and one.values is not None and kind not in ("null", "boolean"):
            return False  # what keeps them out is a bound or a pattern, which says more than the values do
        if not candidates:
            return True
        mark = _mark(lists or candidates, pair.sup, "enum")
        for value, own, accepted in refused:
            pair.gaps.append(Gap("enum-value", (value,), None, _keyword(own), mark, certain=accepted is False))
        return True

    def _choice(self, pair: Pair, one: Branch, kind: str, candidates: list[Branch]) -> Choice:
        alive = candidates
        if len(candidates) > 1:
            alive = [each for each in candidates if not disjoint(self.sub, one, each, self.sup)]
        if not alive:
            marks = _distinct(one, pair.sub), _mark(candidates, pair.sup, "oneOf")
            return Choice([([Gap("alternative", _called(one), None, *marks)], [])], several=False)
        options = [self._option(one, each, kind) for each in alive]
        several = len(alive) > 1
        clean = [each for each in options if not each.gaps]
        chosen = clean or [min(options, key=lambda each: len(each.gaps))]
        made = [(each.gaps, [Edge(need.step, self.pair(need.sub, need.sup)) for need in each.needs]) for each in chosen]
        return Choice(made, several)

    def _option(self, one: Branch, other: Branch, kind: str) -> Option:
        gaps: list[Gap] = []
        needs: list[Need] = []
        if other.values is not None and one.values is None:
            values = [value for value, _ in other.values.values()]
            gaps.append(Gap("enum", None, values, mark_of(one), mark_of(other, "enum")))
        gaps.extend(self._conditions(one, other))
        if kind == "number":
            gaps.extend(numbers(one, other))
        elif kind == "string":
            gaps.extend(strings(one, other))
        elif kind == "array":
            more, needs = arrays(one, other)
            gaps.extend(more)
        elif kind == "object":
            more, needs = self._objects.compare(one, other)
            gaps.extend(more)
        return Option(gaps, needs)

    def _conditions(self, one: Branch, other: Branch) -> Iterator[Gap]:
        """Gaps for conditions of the other side that are not known to be met."""
        for each in other.opaques:
            if each.comparable and any(self._alike(mine, each) for mine in one.opaques):
                continue
            if each.keyword == "not" and self._excluded(one, each.node.get("not")):
                continue
            mark = Mark(each.node, each.keyword)
            if each.keyword == TOO_COMPLEX:
                yield Gap(TOO_COMPLEX, None, True, mark_of(one), mark, certain=False)
                continue
            yield Gap("condition", None, each.keyword, mark_of(one, each.keyword), mark, certain=False)

    def _alike(self, mine: Opaque, other: Opaque) -> bool:
        return (
            mine.comparable
            and mine.keyword == other.keyword
            and self._same.same_under(mine.node, other.node, mine.keyword)
        )

    def _excluded(self, one: Branch, schema: Node | None) -> bool:
        if schema is None:
            return False
        ways = self.sup.branches((schema,))
        return all(disjoint(self.sub, one, each, self.sup, closed_world=False) for each in ways)


def _settle(pairs: list[Pair]) -> None:
    """Find the pairs that do not hold, until no more follow."""
    todo = deque(pairs)
    while todo:
        pair = todo.popleft()
        if pair.holds and not pair.sound:
            pair.holds = False
            todo.extend(pair.users)


def _listen(pairs: list[Pair]) -> None:
    """Find the pairs below which there is anything to tell of."""
    todo = deque(pair for pair in pairs if not pair.holds or pair.notes)
    for pair in todo:
        pair.loud = True
    while todo:
        for user in todo.popleft().users:
            if not user.loud:
                user.loud = True
                todo.append(user)


def type_words(branches: list[Branch]) -> str:
    """The types of some ways to be valid, as a message has them."""
    names = {
        "integer" if kind == "number" and branch.integer is not None else kind
        for branch in branches
        for kind in branch.types
    }
    if "number" in names:
        names.discard("integer")
    return "anything" if len(names) == 6 else " or ".join(sorted(names)) or "nothing"


def _first(schemas: Conj) -> Mark | None:
    return Mark(schemas[0]) if schemas else None


def _mark(branches: list[Branch], schemas: Conj, keyword: str) -> Mark | None:
    found = [mark for branch in branches if (mark := mark_of(branch, keyword)) is not None and mark.keyword]
    return found[0] if found else _first(schemas)


def _keyword(mark: Mark | None) -> Mark | None:
    if mark is None or not isinstance(mark.node.value, dict):
        return mark
    return Mark(mark.node, next((each for each in ("enum", "const") if each in mark.node.value), None))


def _distinct(branch: Branch, schemas: Conj) -> Mark | None:
    """Where a way stands among others: its last schema that is not all of theirs."""
    own = [node for node in branch.nodes if node not in schemas]
    return Mark(own[0]) if own else _first(schemas)


def _called(branch: Branch) -> str:
    """What a way is called: the component's name, or its title."""
    for node in branch.nodes:
        title = node.value.get("title")
        if (
            node.pointer.startswith(("/components/schemas/", "/$defs/", "/definitions/"))
            and node.pointer.count("/") <= 3
        ):
            return node.pointer.rpartition("/")[2]
        if isinstance(title, str):
            return title
    return type_words([branch])
