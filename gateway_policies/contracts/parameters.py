"""Parameters of operations: in the path, the query, headers and cookies."""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

from gateway_policies.contracts.bodies import compare_media
from gateway_policies.contracts.change import Direction, Level
from gateway_policies.contracts.contract import Contract
from gateway_policies.contracts.documents import Node
from gateway_policies.contracts.report import Report

_NOT_PARAMETERS: Final = frozenset({"accept", "content-type", "authorization"})
_STYLES: Final = {"query": "form", "cookie": "form", "path": "simple", "header": "simple"}


class Parameter(NamedTuple):
    """A parameter, by where it is and what it is called; the names of headers have no case."""

    place: str
    name: str
    node: Node

    @property
    def words(self) -> str:
        """As messages have it."""
        return f"the {self.place} parameter {self.name}"

    @property
    def required(self) -> bool:
        """Whether it must be there; a path has all of its parameters."""
        return self.place == "path" or self.node.flag("required")

    @property
    def style(self) -> str:
        """How lists and objects are written."""
        return self.node.text("style") or _STYLES.get(self.place, "form")

    @property
    def explode(self) -> bool:
        """Whether each part of a list or an object stands by itself."""
        said = self.node.value.get("explode")
        return said if isinstance(said, bool) else self.style == "form"


class HasParameters(Protocol):
    """An operation, as far as parameters go."""

    @property
    def contract(self) -> Contract:
        """Whose it is."""
        ...

    @property
    def item(self) -> Node:
        """The path's."""
        ...

    @property
    def node(self) -> Node:
        """Its own."""
        ...


def parameters_of(report: Report, operation: HasParameters, words: str) -> dict[tuple[str, str], Parameter]:
    """The parameters of an operation and of its path, by place and name."""
    found: dict[tuple[str, str], Parameter] = {}
    for holder in (operation.item, operation.node):
        listed = holder.get("parameters")
        for each in listed.items() if listed is not None else ():
            node = report.followed(each, operation.contract.library, words)
            place = node.text("in") if node is not None else None
            name = node.text("name") if node is not None else None
            if node is None or place is None or name is None:
                continue
            key = (place, name.lower() if place == "header" else name)
            if place != "header" or key[1] not in _NOT_PARAMETERS:
                found[key] = Parameter(place, name, node)
    return found


def compare_parameters(
    report: Report,
    before: dict[tuple[str, str], Parameter],
    after: dict[tuple[str, str], Parameter],
    renamed: dict[str, str],
    words: str,
) -> None:
    """Compare the parameters of two operations.

    Args:
        renamed: what the older path calls its parameters, with what the newer one does.
    """
    known = set()
    for (place, name), mine in before.items():
        key = (place, renamed.get(name, name) if place == "path" else name)
        known.add(key)
        theirs = after.get(key)
        if theirs is not None:
            _compare(report, mine, theirs, words)
        elif place != "path":
            message = f"{words}: {mine.words} was removed."
            report.add("request-parameter-removed", message, mine.node, operation=words)
    for key, theirs in after.items():
        if key in known or theirs.place == "path":
            continue
        if theirs.required:
            message = f"{words}: {theirs.words} is new, and required."
            report.add("new-required-request-parameter", message, None, theirs.node, operation=words)
        else:
            message = f"{words}: {theirs.words} is new, and may be left out."
            report.add("new-optional-request-parameter", message, None, theirs.node, operation=words)


def _compare(report: Report, before: Parameter, after: Parameter, words: str) -> None:
    def add(kind: str, what: str, level: Level | None = None) -> None:
        report.add(kind, f"{words}: {after.words} {what}.", before.node, after.node, operation=words, level=level)

    if after.required and not before.required:
        add("request-parameter-became-required", "became required")
    if before.required and not after.required:
        add("request-parameter-became-optional", "became optional")
    if before.node.flag("allowEmptyValue") and not after.node.flag("allowEmptyValue"):
        add("request-parameter-empty-value-refused", "must have a value now")
    if after.node.flag("allowEmptyValue") and not before.node.flag("allowEmptyValue"):
        add("request-parameter-empty-value-allowed", "may be without a value now")
    if after.node.flag("deprecated") and not before.node.flag("deprecated"):
        add("request-parameter-deprecated", "is deprecated now")
    if before.node.flag("deprecated") and not after.node.flag("deprecated"):
        add("request-parameter-reactivated", "is no longer deprecated")
    mine, theirs = before.node.get("schema"), after.node.get("schema")
    contents = before.node.get("content"), after.node.get("content")
    if (contents[0] is None) != (contents[1] is None):
        add("request-parameter-content-changed", "is written another way: by a schema or by a media type")
        return
    if contents[0] is not None and contents[1] is not None:
        compare_media(report, contents[0], contents[1], Direction.REQUEST, words, "request-parameter", after.words)
        return
    if (before.style, before.explode) != (after.style, after.explode) and not _plain(report, before, after):
        was, now = (f"{each.style}{', exploded' if each.explode else ''}" for each in (before, after))
        add("request-parameter-style-changed", f"is written another way: {now}, before {was}")
    report.schemas(mine, theirs, "request-parameter", after.words, Direction.REQUEST, words)


def _plain(report: Report, before: Parameter, after: Parameter) -> bool:
    """Whether it is a single value, which all styles but those for labels write alike."""
    if {before.style, after.style} - {"form", "simple", "spaceDelimited", "pipeDelimited"}:
        return before.style == after.style
    sides = ((report.differences.before, before), (report.differences.after, after))
    for schemas, each in sides:
        schema = each.node.get("schema")
        branches = schemas.branches((schema,)) if schema is not None else []
        if not branches or any(branch.types & {"array", "object"} for branch in branches):
            return False
    return True
