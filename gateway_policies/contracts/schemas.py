"""Schemas as the ways to be valid by them: ``allOf`` merged, ``anyOf`` and ``oneOf`` apart, references followed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from gateway_policies.contracts.branch import TYPES, Branch, Closure, Conj, Opaque
from gateway_policies.contracts.documents import Dialect, Library, Node
from gateway_policies.contracts.patterns import parse
from gateway_policies.contracts.values import type_of

MOST_BRANCHES: Final = 128
_DEEPEST_NESTING: Final = 100
_MOST_PROOFS: Final = 3

TOO_COMPLEX: Final = "too-complex"
"""Instead of a keyword, for what is not looked into."""
WHOLE_CONDITIONS: Final = ("not", "if", "contains", "dependentSchemas", "$dynamicRef", "$recursiveRef")
"""Keywords that are compared as a whole."""


@dataclass(frozen=True, slots=True)
class _Way:
    """A branch in the making.

    Attributes:
        vague: something in it says more of what was evaluated than can be followed (``anyOf``, ``if``).
    """

    nodes: Conj = ()
    opaques: tuple[Opaque, ...] = ()
    closures: tuple[Closure, ...] = ()
    vague: bool = False

    def __and__(self, other: _Way) -> _Way:
        return _Way(
            tuple(dict.fromkeys(self.nodes + other.nodes)),
            tuple(dict.fromkeys(self.opaques + other.opaques)),
            tuple(dict.fromkeys(self.closures + other.closures)),
            self.vague or other.vague,
        )


_ANYTHING: Final = [_Way()]


class Schemas:
    """The schemas of one contract.

    Attributes:
        closed_world: where an object does not say whether more members may come, those that it names are all there are.
    """

    def __init__(self, library: Library, *, closed_world: bool = True) -> None:
        self.library = library
        self.closed_world = closed_world
        self._branches: dict[Conj, list[Branch]] = {}
        self._known: dict[Node, list[_Way]] = {}
        self._busy: set[Node] = set()
        self._settled: dict[Node, Node] = {}
        self._proofs = 0
        self._spines: dict[Conj, Conj] = {}

    @property
    def dialect(self) -> Dialect:
        """Whose words the schemas use."""
        return self.library.dialect

    def branches(self, schemas: Conj) -> list[Branch]:
        """The ways to be valid by all of some schemas at once; none where nothing is valid."""
        found = self._branches.get(schemas)
        if found is None:
            found = [branch for way in self._all(schemas, 0) if (branch := self._branch(way)) is not None]
            self._branches[schemas] = found
        return found

    def settled(self, schemas: Conj) -> Conj:
        """The same schemas, without those that only refer to another: many refer to the same."""
        return tuple(dict.fromkeys(self._settled.get(node) or self._settle(node) for node in schemas))

    def _settle(self, node: Node) -> Node:
        found = node
        for _ in range(_DEEPEST_NESTING):
            target = self._target(found)
            if not isinstance(target, Node) or not (self.dialect is Dialect.OPENAPI_3_0 or _only_refers(found)):
                break
            found = target
        self._settled[node] = found
        return found

    def spine(self, schemas: Conj) -> Conj:
        """The schema objects that hold in any case: the schemas, what they refer to, and their ``allOf``."""
        found = self._spines.get(schemas)
        if found is not None:
            return found
        seen: dict[Node, None] = {}
        todo = list(reversed(schemas))
        while todo:
            node = todo.pop()
            if node in seen or not isinstance(node.value, dict):
                continue
            target = self._target(node)
            if isinstance(target, Node):
                todo.append(target)
            if target is not None and self.dialect is Dialect.OPENAPI_3_0:
                continue
            seen[node] = None
            both = node.get("allOf")
            todo.extend(reversed(list(both.items())) if both is not None else ())
        self._spines[schemas] = tuple(seen)
        return self._spines[schemas]

    def flagged(self, schemas: Conj, keyword: str) -> Node | None:
        """Who marks some schemas with a keyword that is true."""
        return next((node for node in self.spine(schemas) if node.flag(keyword)), None)

    def _target(self, node: Node) -> Node | str | None:
        """Where a schema's own reference leads; None without one."""
        reference = node.text("$ref")
        return None if reference is None else self.library.target(reference, node.file)

    def _branch(self, way: _Way) -> Branch | None:
        """A branch, unless nothing can be valid by it."""
        types, integer = TYPES, None
        for node in way.nodes:
            allowed, whole = self._types(node)
            types &= allowed
            integer = integer or (node if whole else None)
        branch = Branch(way.nodes, way.opaques, way.closures, types, integer)
        if branch.values is not None:
            branch.types = frozenset(type_of(value) for value, _ in branch.values.values())
        return branch if branch.types else None

    def _types(self, node: Node) -> tuple[frozenset[str], bool]:
        """The types that a schema object allows, and whether numbers must be whole."""
        named = node.value.get("type")
        if not isinstance(named, str | list):
            return TYPES, False
        names = {named} if isinstance(named, str) else {each for each in named if isinstance(each, str)}
        if self.dialect is Dialect.OPENAPI_3_0 and node.flag("nullable"):
            names.add("null")
        whole = "integer" in names and "number" not in names
        return frozenset("number" if each == "integer" else each for each in names) & TYPES, whole

    def _all(self, schemas: Iterable[Node], depth: int) -> list[_Way]:
        ways = _ANYTHING
        for node in schemas:
            ways = _both(ways, self._ways(node, depth), node)
        return ways

    def _ways(self, node: Node, depth: int) -> list[_Way]:
        """The ways of one schema, found once; one that holds itself is cut where it comes round."""
        if node in self._known:
            return self._known[node]
        if node in self._busy or depth > _DEEPEST_NESTING:
            return [_unknown(node)]
        self._busy.add(node)
        ways = self._expanded(node, depth)
        self._busy.discard(node)
        self._known[node] = ways
        return ways

    def _expanded(self, node: Node, depth: int) -> list[_Way]:
        value = node.value
        if value is True:
            return _ANYTHING
        if value is False:
            return []
        if not isinstance(value, dict):
            return [_unknown(node)]
        target = self._target(node)
        if isinstance(target, str):
            return [_Way(opaques=(Opaque("$ref", node),))]
        ways = [_Way()]
        if target is not None:
            ways = self._ways(target, depth + 1)
            if self.dialect is Dialect.OPENAPI_3_0:
                return ways
        ways = _both(ways, [_Way((node,), _conditions(node), vague=_is_vague(value))], node)
        both = node.get("allOf")
        for each in both.items() if both is not None else ():
            ways = _both(ways, self._ways(each, depth + 1), node)
        for keyword in ("anyOf", "oneOf"):
            several = node.get(keyword)
            if several is not None and isinstance(several.value, list):
                ways = _both(ways, self._choices(node, keyword, several, depth), node)
        return _closed(ways, node)

    def _choices(self, node: Node, keyword: str, several: Node, depth: int) -> list[_Way]:
        made: list[_Way] = []
        groups: list[list[_Way]] = []
        for child in several.items():
            ways = self._ways(child, depth + 1)
            chosen = _discriminated(node, child)
            if chosen is not None:
                ways = _both(ways, [_Way((chosen,))], node)
            groups.append(ways)
            made.extend(ways)
        if keyword == "anyOf":
            return [_Way(way.nodes, way.opaques, way.closures, vague=len(groups) > 1) for way in made]
        if self._apart(groups):
            return made
        only = Opaque("oneOf", node)
        return [_Way(way.nodes, (*way.opaques, only), way.closures, way.vague) for way in made]

    def _apart(self, groups: list[list[_Way]]) -> bool:
        """Whether nothing can be valid by two of some schemas; of those in those in those it is not asked."""
        if self._proofs >= _MOST_PROOFS or sum(len(group) for group in groups) > MOST_BRANCHES:
            return False
        self._proofs += 1
        found = self._all_apart(groups)
        self._proofs -= 1
        return found

    def _all_apart(self, groups: list[list[_Way]]) -> bool:
        from gateway_policies.contracts.disjointness import disjoint

        branches = [[each for way in group if (each := self._branch(way))] for group in groups]
        return all(
            disjoint(self, one, other)
            for index, group in enumerate(branches)
            for others in branches[index + 1 :]
            for one in group
            for other in others
        )


def _both(some: list[_Way], others: list[_Way], node: Node) -> list[_Way]:
    if len(some) == 1 and some[0] == _ANYTHING[0]:
        return others
    if len(others) == 1 and others[0] == _ANYTHING[0]:
        return some
    if len(some) * len(others) > MOST_BRANCHES:
        return [_unknown(node)]
    return [one & other for one in some for other in others]


def _unknown(node: Node) -> _Way:
    """Anything may be valid, and nothing is known to be."""
    return _Way(opaques=(Opaque(TOO_COMPLEX, node, comparable=False),), vague=True)


def _is_vague(value: dict[str, Any]) -> bool:
    return any(each in value for each in ("if", "dependentSchemas", "contains", "$dynamicRef", "$recursiveRef"))


def _conditions(node: Node) -> tuple[Opaque, ...]:
    found = [Opaque(keyword, node) for keyword in WHOLE_CONDITIONS if keyword in node.value]
    patterns = node.value.get("patternProperties")
    if isinstance(patterns, dict) and any(parse(each) is None for each in patterns):
        found.append(Opaque("patternProperties", node))
    dependencies = node.value.get("dependencies")
    if isinstance(dependencies, dict) and any(not isinstance(each, list) for each in dependencies.values()):
        found.append(Opaque("dependencies", node))
    return tuple(found)


def _closed(ways: list[_Way], node: Node) -> list[_Way]:
    """With what a schema says of members and items that nothing in it speaks of."""
    for keyword in ("unevaluatedProperties", "unevaluatedItems"):
        closing = node.get(keyword)
        if closing is None or closing.value is True:
            continue
        ways = [
            way & _Way(opaques=(Opaque(keyword, node, comparable=False),))
            if way.vague
            else way & _Way(closures=(Closure(keyword, closing, way.nodes),))
            for way in ways
        ]
    return ways


def _discriminated(node: Node, child: Node) -> Node | None:
    """What the discriminator (OpenAPI) asks of one of its schemas, as a schema."""
    discriminator = node.get("discriminator")
    reference = child.text("$ref")
    name = discriminator.text("propertyName") if discriminator is not None else None
    if discriminator is None or reference is None or name is None:
        return None
    own = reference.rpartition("/")[2]
    mapping = discriminator.value.get("mapping")
    mapped = mapping if isinstance(mapping, dict) else {}
    values = [key for key, target in mapped.items() if target in (reference, own)] or [own]
    return discriminator.made(
        f"={reference}", {"type": "object", "properties": {name: {"enum": values}}, "required": [name]}
    )


def _only_refers(node: Node) -> bool:
    return all(key in ("$ref", "description", "summary", "title") for key in node.value)
