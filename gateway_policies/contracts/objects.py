"""Objects of one way to be valid against those of another.

By JSON Schema an object that does not say so may have any member. Nobody reads contracts that way: a new optional
member would then break every caller who might have sent something else by its name. So a member that only one side
names, while the other says nothing of further members, is taken for one that is not there (``closed_world``); whether
further members *may* come is compared as it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway_policies.contracts.acceptance import accepts
from gateway_policies.contracts.branch import Branch, Conj, ObjectPart
from gateway_policies.contracts.change import Direction
from gateway_policies.contracts.documents import Dialect, Node
from gateway_policies.contracts.gaps import Gap, Mark, Need, mark_of
from gateway_policies.contracts.scalars import sizes
from gateway_policies.contracts.schemas import Schemas

A_NAME = Node("", "", {"type": "string"})
"""What every member's name is."""


@dataclass(slots=True)
class Objects:
    """Compares the objects that two contracts let through.

    Attributes:
        removed: whether members that only ``sub`` names (True), or only ``sup`` (False), are gone; None: neither side
            is the newer one's, and members that only one names are no matter.
    """

    sub: Schemas
    sup: Schemas
    direction: Direction
    removed_from_sub: bool

    def compare(self, one: Branch, other: Branch) -> tuple[list[Gap], list[Need]]:
        """What objects the one lets through and the other does not, and what their members need."""
        gaps = list(sizes(one, other, "minProperties", "maxProperties"))
        needs: list[Need] = []
        for name in {**one.declared, **other.declared}:
            for each in self._member(name, one, other):
                (gaps if isinstance(each, Gap) else needs).append(each)  # type: ignore[arg-type]
        gaps.extend(self._required(one, other))
        gaps.extend(self._dependent(one, other))
        for each in (*self._patterns(one, other), *self._rest(one, other), *self._names(one, other)):
            (gaps if isinstance(each, Gap) else needs).append(each)  # type: ignore[arg-type]
        return gaps, needs

    def hidden(self, schemas: Schemas, member: Conj) -> bool:
        """Whether a member is never sent this way: ``readOnly`` in requests, ``writeOnly`` in responses."""
        if schemas.dialect is Dialect.JSON_SCHEMA:
            return False
        keyword = "readOnly" if self.direction is Direction.REQUEST else "writeOnly"
        return schemas.flagged(member, keyword) is not None

    def _member(self, name: str, one: Branch, other: Branch) -> Iterator[Gap | Need]:
        mine, theirs = one.member(name), other.member(name)
        if any(each.value is False for each in mine):
            return
        if self.hidden(self.sub, mine) and (name not in other.declared or self.hidden(self.sup, theirs)):
            return
        gone = self._gone(name, one, other)
        if gone is not None:
            yield gone
        elif name in one.declared or mine:
            if any(each.value is False for each in theirs) and name not in other.declared:
                yield self._one_sided(name, one, other)
            else:
                yield Need(name, mine, theirs)
        elif one.says_rest:
            if theirs and self.sup.branches(theirs):
                mark = Mark(other.declared[name]) if name in other.declared else mark_of(other)
                yield Gap("member", None, name, mark_of(one), mark, certain=False, name=name)
            elif theirs:
                yield Need(name, mine, theirs)
        elif theirs and not self.sub.closed_world:
            yield Need(name, mine, theirs)

    def _gone(self, name: str, one: Branch, other: Branch) -> Gap | None:
        """That a member is no longer named: what was read or written by that name is gone, whatever may still pass."""
        older, newer = (one, other) if self.removed_from_sub else (other, one)
        schemas = self.sub if self.removed_from_sub else self.sup
        if name not in older.declared or name in newer.declared or _by_pattern(newer, name):
            return None
        if self.hidden(schemas, older.member(name)) or any(each.value is False for each in older.member(name)):
            return None
        return self._one_sided(name, one, other)

    def _one_sided(self, name: str, one: Branch, other: Branch) -> Gap:
        mine, theirs = one.declared.get(name), other.declared.get(name)
        required = name in one.required or name in other.required
        told = "required" if required else "optional"
        return Gap(
            "property",
            told if mine else None,
            told if theirs else None,
            Mark(mine) if mine else mark_of(one, "properties"),
            Mark(theirs) if theirs else mark_of(other, "properties"),
            name=name,
        )

    def _required(self, one: Branch, other: Branch) -> Iterator[Gap]:
        for name, node in other.required.items():
            if self.hidden(self.sup, other.member(name)):
                continue
            if name not in one.required or self.hidden(self.sub, one.member(name)):
                known = name in one.declared
                default = self._default(other.member(name))
                yield Gap(
                    "required",
                    "optional" if known else None,
                    "required with a default" if default else "required",
                    Mark(one.declared[name]) if known else mark_of(one),
                    Mark(node, "required"),
                    name=name,
                )

    def _default(self, member: Conj) -> bool:
        return any("default" in node.value for node in self.sup.spine(member))

    def _dependent(self, one: Branch, other: Branch) -> Iterator[Gap]:
        for name, needs in other.dependent.items():
            if any(each.value is False for each in one.member(name)) or (
                self.sub.closed_world and not one.knows(name) and name not in one.required
            ):
                continue
            held = {*one.required, *one.dependent.get(name, {})}
            for need, node in needs.items():
                if need not in held:
                    certain = name in one.declared
                    told = f"{name} needs {need}"
                    yield Gap("dependentRequired", None, told, mark_of(one), Mark(node), certain=certain, name=name)

    def _patterns(self, one: Branch, other: Branch) -> Iterator[Need]:
        own = _patterns_of(one)
        for part in other.objects:
            for pattern, schema in part.patterns.items():
                if schema is None:
                    continue
                if pattern in own:
                    yield Need(f"({pattern})", own[pattern], (schema,))
                    continue
                for mine, theirs in own.items():
                    yield Need(f"({mine})", theirs, (schema,))
                if not one.closed and (one.says_rest or not self.sub.closed_world):
                    yield Need("*", one.rest, (schema,))

    def _rest(self, one: Branch, other: Branch) -> Iterator[Gap | Need]:
        """Members that neither side names."""
        for part in other.objects:
            if part.rest is None or part.rest.value is True:
                continue
            for pattern, mine in _patterns_of(one).items():
                if pattern not in part.patterns:
                    if part.rest.value is False:
                        yield self._closing(one, part, f"names like {pattern}")
                    else:
                        yield Need(f"({pattern})", mine, (part.rest,))
            if one.closed:
                continue
            if part.rest.value is False or not one.says_rest:
                yield self._closing(one, part, "any")
            else:
                yield Need("*", one.rest, (part.rest,))

    def _closing(self, one: Branch, part: ObjectPart, which: str) -> Gap:
        told = "none" if part.rest is not None and part.rest.value is False else "some"
        assert part.rest is not None
        return Gap("additionalProperties", which, told, mark_of(one, "additionalProperties"), Mark(part.rest))

    def _names(self, one: Branch, other: Branch) -> Iterator[Gap | Need]:
        if not other.name_rules:
            return
        for name in one.declared:
            if accepts(self.sup, other.name_rules, name) is not True:
                yield Gap("propertyNames", name, None, mark_of(one), Mark(other.name_rules[0]), name=name)
        if not one.closed and (one.says_rest or _patterns_of(one) or not self.sub.closed_world):
            yield Need("(name)", (*one.name_rules, A_NAME), other.name_rules)


def _by_pattern(branch: Branch, name: str) -> bool:
    return any(part.patterns and next(part.all_of(name), None) is not None for part in branch.objects)


def _patterns_of(branch: Branch) -> dict[str, Conj]:
    """What is said of members by patterns."""
    found: dict[str, Conj] = {}
    for part in branch.objects:
        for pattern, schema in part.patterns.items():
            if schema is not None:
                found[pattern] = (*found.get(pattern, ()), schema)
    return found
