"""Patterns compared as what they match, not as what they say: ``[0-9]{4}`` is narrower than ``\\d+``.

Those of ECMA 262 that are regular, which nearly all in contracts are: no look-around, no back-references, no word
boundaries; of these nothing is claimed. Matching takes time linear in the text, whatever the pattern. A dot is any
character here, a line's end too.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Final, TypeAlias

from gateway_policies.contracts.pattern_syntax import (
    ANY,
    Begin,
    Either,
    End,
    Item,
    Repeat,
    Sequence,
    Span,
    Spans,
    Unsupported,
    syntax_of,
)

_MOST_STATES: Final = 4_000
_MOST_STEPS: Final = 3_000
_MOST_SEQUENCES: Final = 64
_FAVOURITES: Final = tuple(map(ord, "a0A-_ .x1Z/"))

States: TypeAlias = frozenset[int]


@dataclass(slots=True)
class Automaton:
    """A non-deterministic one: what is matched anywhere in a text is matched here by the whole text."""

    moves: list[list[tuple[Spans, int]]] = field(default_factory=list)
    free: list[list[int]] = field(default_factory=list)
    start: States = frozenset()
    final: int = -1

    def state(self) -> int:
        """A new state.

        Raises:
            Unsupported: there are too many.
        """
        if len(self.moves) >= _MOST_STATES:
            raise Unsupported
        self.moves.append([])
        self.free.append([])
        return len(self.moves) - 1

    def closure(self, states: set[int]) -> States:
        """With what is reached without a character."""
        todo = list(states)
        while todo:
            for each in self.free[todo.pop()]:
                if each not in states:
                    states.add(each)
                    todo.append(each)
        return frozenset(states)

    def step(self, states: States, char: int) -> States:
        """With one more character."""
        reached = {
            target
            for state in states
            for spans, target in self.moves[state]
            if any(low <= char <= high for low, high in spans)
        }
        return self.closure(reached)

    def bounds(self, states: States) -> set[int]:
        """Where characters begin to differ for some states."""
        found: set[int] = set()
        for state in states:
            for spans, _ in self.moves[state]:
                for low, high in spans:
                    found.add(low)
                    found.add(high + 1)
        return found


class Unknown:
    """That it could not be found out."""


UNKNOWN: Final = Unknown()


@lru_cache(maxsize=4096)
def parse(pattern: str) -> Automaton | None:
    """What a pattern matches; None for one of which nothing is claimed."""
    try:
        return _build(_sequences(syntax_of(pattern)))
    except Unsupported:
        return None


@lru_cache(maxsize=65536)
def matches(pattern: str, text: str) -> bool | None:
    """Whether a pattern matches somewhere in a text; None where it cannot be told."""
    automaton = parse(pattern)
    if automaton is None:
        return None
    states = automaton.start
    for char in text:
        states = automaton.step(states, ord(char))
        if not states:
            return False
    return automaton.final in states


@lru_cache(maxsize=4096)
def counterexample(narrow: str, wide: str) -> str | Unknown | None:
    """A shortest text that the first pattern matches and the second does not; None where there is none."""
    one, other = parse(narrow), parse(wide)
    if one is None or other is None:
        return None if narrow == wide else UNKNOWN
    start = (one.start, other.start)
    seen = {start}
    todo: deque[tuple[States, States, str]] = deque([(*start, "")])
    while todo:
        here, there, text = todo.popleft()
        if one.final in here and other.final not in there:
            return text
        if len(seen) > _MOST_STEPS:
            return UNKNOWN
        for char in _representatives(one.bounds(here) | other.bounds(there)):
            pair = (one.step(here, char), other.step(there, char))
            if pair[0] and pair not in seen:
                seen.add(pair)
                todo.append((*pair, text + chr(char)))
    return None


def _representatives(bounds: set[int]) -> list[int]:
    """One character for each span in which all are alike, a readable one where there is one."""
    edges = sorted(bounds | {0, 0x110000})
    found = []
    for low, after in pairwise(edges):
        if after > 0x110000:
            break
        favourite = next((each for each in _FAVOURITES if low <= each < after), None)
        readable = max(low, 0x21) if after > 0x21 and low < 0x7F else low
        found.append(favourite if favourite is not None else readable)
    # A surrogate is no character, and stands for none of those beside it.
    return [each for each in found if not 0xD800 <= each <= 0xDFFF]


_Flat: TypeAlias = list[Item]


def _sequences(item: Item) -> list[_Flat]:
    """The alternatives of a pattern as plain sequences, with anchors in the open."""
    if isinstance(item, Either):
        return [each for choice in item.choices for each in _sequences(choice)]
    if isinstance(item, Sequence):
        found: list[_Flat] = [[]]
        for part in item.items:
            options = _sequences(part) if _anchored(part) else [[part]]
            if len(found) * len(options) > _MOST_SEQUENCES:
                raise Unsupported
            found = [before + after for before in found for after in options]
        return found
    if isinstance(item, Repeat) and _anchored(item):
        raise Unsupported
    return [[item]]


def _anchored(item: Item) -> bool:
    if isinstance(item, Either):
        return any(map(_anchored, item.choices))
    if isinstance(item, Sequence):
        return any(map(_anchored, item.items))
    return _anchored(item.item) if isinstance(item, Repeat) else isinstance(item, Begin | End)


def _build(sequences: list[_Flat]) -> Automaton:
    automaton = Automaton()
    start, automaton.final = automaton.state(), automaton.state()
    for sequence in sequences:
        body = list(sequence)
        begins = ends = False
        while body and isinstance(body[0], Begin):
            begins, body = True, body[1:]
        while body and isinstance(body[-1], End):
            ends, body = True, body[:-1]
        if any(isinstance(each, Begin | End) for each in body):
            raise Unsupported
        anything = Repeat(ANY, 0, None)
        whole = [*([] if begins else [anything]), *body, *([] if ends else [anything])]
        _connect(automaton, Sequence(tuple(whole)), start, automaton.final)
    automaton.start = automaton.closure({start})
    return automaton


def _connect(automaton: Automaton, item: Item, start: int, end: int) -> None:
    """Lead from one state to another by what an item matches."""
    if isinstance(item, Span):
        automaton.moves[start].append((item.spans, end))
    elif isinstance(item, Either):
        for choice in item.choices:
            _connect(automaton, choice, start, end)
    elif isinstance(item, Sequence):
        here = start
        for part in item.items:
            after = automaton.state()
            _connect(automaton, part, here, after)
            here = after
        automaton.free[here].append(end)
    elif isinstance(item, Repeat):
        here = start
        for _ in range(item.least):
            after = automaton.state()
            _connect(automaton, item.item, here, after)
            here = after
        if item.most is None:
            loop = automaton.state()
            automaton.free[here].append(loop)
            back = automaton.state()
            _connect(automaton, item.item, loop, back)
            automaton.free[back].append(loop)
            automaton.free[loop].append(end)
            return
        automaton.free[here].append(end)
        for _ in range(item.most - item.least):
            after = automaton.state()
            _connect(automaton, item.item, here, after)
            automaton.free[after].append(end)
            here = after
