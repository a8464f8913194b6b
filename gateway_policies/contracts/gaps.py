"""Gaps: what one way to be valid lets through and another does not, keyword by keyword."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from gateway_policies.contracts.branch import Branch, Conj
from gateway_policies.contracts.change import Level, Spot, pointer_to
from gateway_policies.contracts.documents import Node


class Mark(NamedTuple):
    """Where something is said, or would be: a schema, and the keyword, if the schema has it."""

    node: Node
    keyword: str | None = None

    @property
    def spot(self) -> Spot:
        """As a place in a contract."""
        value = self.node.value
        if self.keyword is None or not isinstance(value, dict) or self.keyword not in value:
            return self.node.spot
        return Spot(self.node.file, pointer_to(self.node.pointer, self.keyword))


@dataclass(frozen=True, slots=True)
class Gap:
    """What the one lets through and the other does not.

    Attributes:
        facet: of what; the catalogue makes ids of it.
        sub, sup: what the one says, and the other; None for nothing.
        certain: whether something is let through for sure.
        name: of a member that this is about, where the schemas are those of the object.
        level: for what is no matter of letting through.
    """

    facet: str
    sub: Any = None
    sup: Any = None
    sub_mark: Mark | None = None
    sup_mark: Mark | None = None
    certain: bool = True
    name: str | None = None
    level: Level | None = None


class Need(NamedTuple):
    """That something further down lets no more through either."""

    step: str
    sub: Conj
    sup: Conj


@dataclass(slots=True)
class Option:
    """One way of the other side, held against one way of this side."""

    gaps: list[Gap]
    needs: list[Need]


def mark_of(branch: Branch, keyword: str | None = None) -> Mark | None:
    """Where a branch says something, or would say it."""
    for node in branch.nodes:
        if keyword is not None and keyword in node.value:
            return Mark(node, keyword)
    return Mark(branch.nodes[-1]) if branch.nodes else None
