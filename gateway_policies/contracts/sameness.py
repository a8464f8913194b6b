"""Whether two schemas say the same, references followed, descriptions and examples apart: most of a contract does."""

from __future__ import annotations

from typing import Any, Final

from gateway_policies.contracts.branch import Conj
from gateway_policies.contracts.documents import Library, Node
from gateway_policies.contracts.values import key_of

_WORDS_ONLY: Final = frozenset(
    {"description", "title", "summary", "example", "examples", "externalDocs", "xml", "$comment", "$id", "$schema"}
    | {"$anchor", "$defs", "definitions"}
)
_NAMED: Final = frozenset({"properties", "patternProperties", "dependentSchemas", "dependencies", "mapping"})
_READ_WITH: Final = {
    "if": ("if", "then", "else"),
    "contains": ("contains", "minContains", "maxContains"),
    "patternProperties": ("patternProperties", "properties", "additionalProperties"),
}
_RAW: Final = frozenset({"enum", "const", "default", "required", "type"})


class Sameness:
    """Compares the schemas of two contracts; what was compared once is known."""

    def __init__(self, one: Library, other: Library) -> None:
        self._one = one
        self._other = other
        self._known: dict[tuple[Node, Node], bool] = {}

    def all_same(self, some: Conj, others: Conj) -> bool:
        """Whether schemas that hold together say the same, one by one."""
        return len(some) == len(others) and all(map(self.same, some, others))

    def same_under(self, one: Node, other: Node, keyword: str) -> bool:
        """Whether two schemas say the same by one keyword and those that it is read with."""
        for each in _READ_WITH.get(keyword, (keyword,)):
            mine, theirs = one.get(each), other.get(each)
            if (mine is None) != (theirs is None):
                return False
            if mine is not None and theirs is not None and not self._alike(mine, theirs, each):
                return False
        return True

    def _alike(self, one: Node, other: Node, keyword: str) -> bool:
        if keyword in _NAMED and isinstance(one.value, dict) and isinstance(other.value, dict):
            mine, theirs = dict(one.entries()), dict(other.entries())
            return mine.keys() == theirs.keys() and all(self.same(mine[name], theirs[name]) for name in mine)
        if isinstance(one.value, list) and isinstance(other.value, list):
            return self.all_same(tuple(one.items()), tuple(other.items()))
        return self.same(one, other)

    def same(self, one: Node, other: Node) -> bool:
        """Whether two schemas say the same, with everything that they refer to."""
        start = (one, other)
        if start not in self._known:
            self._explore(start)
        return self._known[start]

    def _explore(self, start: tuple[Node, Node]) -> None:
        """Find out about a pair, and all that it refers to, each once: they are the same until one of them is not."""
        users: dict[tuple[Node, Node], list[tuple[Node, Node]]] = {start: []}
        todo = [start]
        differ: list[tuple[Node, Node]] = []
        while todo:
            pair = todo.pop()
            below = self._locally(pair)
            if below is None:
                differ.append(pair)
            for each in below or ():
                if each in self._known:
                    if not self._known[each]:
                        differ.append(pair)
                elif each in users:
                    users[each].append(pair)
                else:
                    users[each] = [pair]
                    todo.append(each)
        self._known.update(dict.fromkeys(users, True))
        while differ:
            pair = differ.pop()
            if self._known[pair]:
                self._known[pair] = False
                differ.extend(users[pair])

    def _locally(self, pair: tuple[Node, Node]) -> list[tuple[Node, Node]] | None:
        """What two schemas refer to, in pairs, when they are the same but for that; None when they are not."""
        references: list[tuple[Node, Node]] = []
        same = self._values(pair[0].value, pair[1].value, pair, references, names=False)
        return references if same else None

    def _values(
        self, one: Any, other: Any, at: tuple[Node, Node], found: list[tuple[Node, Node]], *, names: bool
    ) -> bool:
        if isinstance(one, dict) and isinstance(other, dict):
            mine, theirs = (one, other) if names else (_told(one), _told(other))
            return mine.keys() == theirs.keys() and all(
                self._member(key, mine[key], theirs[key], at, found, names=names) for key in mine
            )
        if isinstance(one, list) and isinstance(other, list):
            return len(one) == len(other) and all(
                self._values(mine, theirs, at, found, names=False) for mine, theirs in zip(one, other, strict=True)
            )
        return key_of(one) == key_of(other)

    def _member(
        self, key: str, one: Any, other: Any, at: tuple[Node, Node], found: list[tuple[Node, Node]], *, names: bool
    ) -> bool:
        if names:
            return self._values(one, other, at, found, names=False)
        if key == "$ref" and isinstance(one, str) and isinstance(other, str):
            targets = self._one.target(one, at[0].file), self._other.target(other, at[1].file)
            if isinstance(targets[0], Node) and isinstance(targets[1], Node):
                found.append((targets[0], targets[1]))
                return True
            return one == other and isinstance(targets[0], str) and isinstance(targets[1], str)
        if key in _RAW:
            return key_of(one) == key_of(other)
        return self._values(one, other, at, found, names=key in _NAMED)


def _told(value: dict[str, Any]) -> dict[str, Any]:
    """Without what only people read."""
    return {key: each for key, each in value.items() if key not in _WORDS_ONLY and not key.startswith("x-")}
