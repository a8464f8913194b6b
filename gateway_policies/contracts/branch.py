"""One way to be valid: schema objects that all hold at once, and what they ask for together."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import ceil, floor
from typing import Any, Final, TypeAlias

from gateway_policies.contracts.documents import Node
from gateway_policies.contracts.patterns import matches
from gateway_policies.contracts.values import key_of, number, type_of

Conj: TypeAlias = tuple[Node, ...]
"""Schemas that must all hold; none is a schema that everything is valid by."""

TYPES: Final = frozenset({"null", "boolean", "number", "string", "array", "object"})
WHOLE: Final = {"int32": 2**31, "int64": 2**63}


@dataclass(frozen=True, slots=True)
class Opaque:
    """A condition that is compared as a whole: the same condition holds again, of any other nothing is known."""

    keyword: str
    node: Node
    comparable: bool = True


@dataclass(frozen=True, slots=True)
class Closure:
    """``unevaluatedProperties`` or ``unevaluatedItems``: a schema for what the scope says nothing of."""

    keyword: str
    node: Node
    scope: Conj


@dataclass(frozen=True, slots=True)
class Limit:
    """A bound, and the keyword that has it."""

    value: Fraction
    node: Node
    keyword: str
    exclusive: bool = False


@dataclass(frozen=True, slots=True)
class ObjectPart:
    """What one schema object says of members: by name, by pattern, and of the rest."""

    names: dict[str, Node | None]
    patterns: dict[str, Node | None]
    rest: Node | None
    node: Node

    def of(self, name: str) -> Node | None:
        """The schema of a member; None for none."""
        return next(iter(self.all_of(name)), None)

    def all_of(self, name: str) -> Iterator[Node]:
        """The schemas of a member."""
        said = False
        if name in self.names:
            said = True
            schema = self.names[name]
            if schema is not None:
                yield schema
        for pattern, schema in self.patterns.items():
            matched = matches(pattern, name)
            if matched is not False:
                said = True  # where it cannot be told, the whole is opaque, and nothing is claimed of this name
            if matched and schema is not None:
                yield schema
        if not said and self.rest is not None:
            yield self.rest


@dataclass(frozen=True, slots=True)
class ArrayPart:
    """What one schema object says of items: of the first ones, and of the rest."""

    first: tuple[Node | None, ...]
    rest: Node | None

    def of(self, index: int) -> Node | None:
        """The schema of an item."""
        return self.first[index] if index < len(self.first) else self.rest


@dataclass(eq=False)
class Branch:
    """Schema objects that all hold at once. Computed once, when first asked for."""

    nodes: Conj
    opaques: tuple[Opaque, ...] = ()
    closures: tuple[Closure, ...] = ()
    types: frozenset[str] = TYPES
    integer: Node | None = field(default=None)

    def limit(self, keyword: str, *, largest: bool) -> Limit | None:
        """The tightest bound of a keyword that counts: the largest of minima, the smallest of maxima."""
        found: Limit | None = None
        for node in self.nodes:
            value = number(node.value.get(keyword))
            if value is None:
                continue
            if found is None or (value > found.value if largest else value < found.value):
                found = Limit(value, node, keyword)
        return found

    @cached_property
    def lower(self) -> Limit | None:
        """From where numbers are allowed."""
        return self._range("minimum", "exclusiveMinimum", 1)

    @cached_property
    def upper(self) -> Limit | None:
        """To where numbers are allowed."""
        return self._range("maximum", "exclusiveMaximum", -1)

    def _range(self, plain: str, strict: str, sign: int) -> Limit | None:
        found: Limit | None = None
        for node in self.nodes:
            exclusive = node.value.get(strict)
            bounds = [(number(node.value.get(plain)), exclusive is True, plain)]
            if not isinstance(exclusive, bool):
                bounds.append((number(exclusive), True, strict))
            for value, is_exclusive, keyword in bounds:
                if value is None:
                    continue
                made = self._inclusive(Limit(value, node, keyword, is_exclusive), sign)
                if (
                    found is None
                    or sign * made.value > sign * found.value
                    or (made.value == found.value and made.exclusive)
                ):
                    found = made
        return found

    def _inclusive(self, limit: Limit, sign: int) -> Limit:
        """The same bound without an open end, where only integers are meant."""
        if self.integer is None:
            return limit
        whole = Fraction(ceil(limit.value) if sign > 0 else floor(limit.value))
        if limit.exclusive and whole == limit.value:
            whole += sign
        return Limit(whole, limit.node, limit.keyword)

    @cached_property
    def multiples(self) -> list[Limit]:
        """What numbers must be multiples of."""
        found = [(number(node.value.get("multipleOf")), node) for node in self.nodes]
        return [Limit(value, node, "multipleOf") for value, node in found if value]

    @cached_property
    def patterns(self) -> dict[str, Node]:
        """Patterns of texts."""
        return self._texts("pattern")

    @cached_property
    def formats(self) -> dict[str, Node]:
        """Formats, of texts and numbers."""
        return self._texts("format")

    def _texts(self, keyword: str) -> dict[str, Node]:
        return {text: node for node in self.nodes if (text := node.text(keyword)) is not None}

    @cached_property
    def values(self) -> dict[Hashable, tuple[Any, Node]] | None:
        """The only values, where there is a list of them, with who lists them."""
        found: dict[Hashable, tuple[Any, Node]] | None = None
        for node in self.nodes:
            lists = [node.value["const"]] if "const" in node.value else None
            listed = node.value.get("enum")
            for values in (lists, listed if isinstance(listed, list) else None):
                if values is None:
                    continue
                keys = {key_of(value): (value, node) for value in values}
                found = keys if found is None else {key: each for key, each in found.items() if key in keys}
        if found is None:
            return None
        return {key: each for key, each in found.items() if type_of(each[0]) in self.types}

    @cached_property
    def required(self) -> dict[str, Node]:
        """Members that must be there, with who says so."""
        found: dict[str, Node] = {}
        for node in self.nodes:
            names = node.value.get("required")
            if isinstance(names, list):
                for name in names:
                    if isinstance(name, str):
                        found.setdefault(name, node)
        return found

    @cached_property
    def dependent(self) -> dict[str, dict[str, Node]]:
        """Members that must be there when another is."""
        found: dict[str, dict[str, Node]] = {}
        for node in self.nodes:
            for keyword in ("dependentRequired", "dependencies"):
                named = node.value.get(keyword)
                for name, needs in named.items() if isinstance(named, dict) else ():
                    if isinstance(needs, list):
                        found.setdefault(name, {}).update(dict.fromkeys(map(str, needs), node))
        return found

    @cached_property
    def objects(self) -> list[ObjectPart]:
        """What is said of members."""
        parts = [_object_part(node) for node in self.nodes]
        made = [part for part in parts if part.names or part.patterns or part.rest is not None]
        return made + [_closed_object(each) for each in self.closures if each.keyword == "unevaluatedProperties"]

    @cached_property
    def declared(self) -> dict[str, Node]:
        """Members that are named, with their first schema."""
        found: dict[str, Node] = {}
        for part in self.objects:
            for name, schema in part.names.items():
                if schema is not None:
                    found.setdefault(name, schema)
        return found

    def member(self, name: str) -> Conj:
        """The schemas of a member."""
        return conj(schema for part in self.objects for schema in part.all_of(name))

    @cached_property
    def says_rest(self) -> bool:
        """Whether it says anything of members that it does not name: that there are none, which, or any."""
        return any(part.rest is not None for part in self.objects)

    @cached_property
    def closed(self) -> bool:
        """Whether there are no members but those named."""
        return any(part.rest is not None and part.rest.value is False for part in self.objects)

    def knows(self, name: str) -> bool:
        """Whether it says anything of a member: by its name, by a pattern, or of all that are not named."""
        return self.says_rest or any(
            name in part.names or any(matches(each, name) is not False for each in part.patterns)
            for part in self.objects
        )

    @cached_property
    def rest(self) -> Conj:
        """The schemas of members that nothing is said of."""
        return conj(part.rest for part in self.objects if part.rest is not None)

    @cached_property
    def name_rules(self) -> Conj:
        """The schemas of members' names."""
        found = (node.get("propertyNames") for node in self.nodes)
        return conj(each for each in found if each is not None)

    @cached_property
    def arrays(self) -> list[ArrayPart]:
        """What is said of items."""
        parts = [_array_part(node) for node in self.nodes]
        made = [part for part in parts if part.first or part.rest is not None]
        return made + [_closed_array(each) for each in self.closures if each.keyword == "unevaluatedItems"]

    def item(self, index: int) -> Conj:
        """The schemas of an item."""
        found = (part.of(index) for part in self.arrays)
        return conj(each for each in found if each is not None)

    @cached_property
    def first_items(self) -> int:
        """How many items have schemas of their own."""
        return max((len(part.first) for part in self.arrays), default=0)

    @cached_property
    def unique(self) -> Node | None:
        """Who asks for items that differ."""
        return next((node for node in self.nodes if node.flag("uniqueItems")), None)

    @cached_property
    def most_items(self) -> Limit | None:
        """How many items there may be; a rest that nothing is valid by is a bound too."""
        found = self.limit("maxItems", largest=False)
        for part in self.arrays:
            if part.rest is not None and part.rest.value is False:
                count = Fraction(len(part.first))
                if found is None or count < found.value:
                    found = Limit(count, part.rest, "items")
        return found


def conj(schemas: Iterator[Node]) -> Conj:
    """Schemas that must all hold, each once."""
    return tuple(dict.fromkeys(each for each in schemas if each.value is not True))


def _named(node: Node | None) -> dict[str, Node | None]:
    return dict(node.entries()) if node is not None else {}


def _object_part(node: Node) -> ObjectPart:
    names, patterns = _named(node.get("properties")), _named(node.get("patternProperties"))
    return ObjectPart(names, patterns, node.get("additionalProperties"), node)


def _closed_object(closure: Closure) -> ObjectPart:
    """A closure as it counts for names that its scope says nothing of; where the scope says all, it counts nowhere."""
    parts = [_object_part(node) for node in closure.scope]
    rest = None if any(part.rest is not None for part in parts) else closure.node
    names: dict[str, Node | None] = dict.fromkeys(name for part in parts for name in part.names)
    patterns: dict[str, Node | None] = dict.fromkeys(pattern for part in parts for pattern in part.patterns)
    return ObjectPart(names, patterns, rest, closure.node)


def _array_part(node: Node) -> ArrayPart:
    items = node.get("items")
    if items is not None and isinstance(items.value, list):  # up to draft 2019-09
        return ArrayPart(tuple(items.items()), node.get("additionalItems"))
    first = node.get("prefixItems")
    return ArrayPart(tuple(first.items()) if first is not None else (), items)


def _closed_array(closure: Closure) -> ArrayPart:
    parts = [_array_part(node) for node in closure.scope]
    rest = None if any(part.rest is not None for part in parts) else closure.node
    return ArrayPart((None,) * max((len(part.first) for part in parts), default=0), rest)
