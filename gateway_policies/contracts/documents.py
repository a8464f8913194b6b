"""Contracts as nodes: a value, where it stands, and what its references lead to. Nothing is fetched from a network."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Final
from urllib.parse import unquote

from gateway_policies.contracts.change import Spot, keys_of, pointer_to
from gateway_policies.contracts.fault import Fault
from gateway_policies.contracts.reading import read_value
from gateway_policies.contracts.texts import Texts, joined

_LONGEST_CHAIN: Final = 100


class Dialect(StrEnum):
    """Whose words a schema uses."""

    OPENAPI_3_0 = "openapi-3.0"
    OPENAPI_3_1 = "openapi-3.1"
    JSON_SCHEMA = "json-schema"


class Node:
    """A value in a document. One object for one place, so that nodes compare by identity."""

    __slots__ = ("below", "file", "pointer", "value")

    def __init__(self, file: str, pointer: str, value: Any) -> None:
        self.file = file
        self.pointer = pointer
        self.value = value
        self.below: dict[str | int, Node] = {}

    def __repr__(self) -> str:
        return f"Node({self.file}#{self.pointer})"

    @property
    def spot(self) -> Spot:
        """Where it stands."""
        return Spot(self.file, self.pointer)

    def get(self, key: str | int) -> Node | None:
        """What is one step further down, if anything."""
        found = self.below.get(key)
        if found is not None:
            return found
        if isinstance(self.value, dict):
            if key not in self.value:
                return None
            value = self.value[key]
        elif isinstance(self.value, list) and isinstance(key, int) and 0 <= key < len(self.value):
            value = self.value[key]
        else:
            return None
        return self._keep(key, value)

    def made(self, key: str, value: Any) -> Node:
        """A node that no document has, for what a standard says of this one; it stands here."""
        return self.below.get(key) or self._keep(key, value, self.pointer)

    def _keep(self, key: str | int, value: Any, pointer: str | None = None) -> Node:
        node = Node(self.file, pointer_to(self.pointer, key) if pointer is None else pointer, value)
        self.below[key] = node
        return node

    def entries(self) -> Iterator[tuple[str, Node]]:
        """The members of an object, by their names; nothing of anything else."""
        if isinstance(self.value, dict):
            for key in self.value:
                node = self.get(key)
                if node is not None:
                    yield key, node

    def items(self) -> Iterator[Node]:
        """The items of an array; nothing of anything else."""
        if isinstance(self.value, list):
            for index in range(len(self.value)):
                node = self.get(index)
                if node is not None:
                    yield node

    def text(self, key: str) -> str | None:
        """A member that is a text."""
        value = self.value.get(key) if isinstance(self.value, dict) else None
        return value if isinstance(value, str) else None

    def flag(self, key: str) -> bool:
        """Whether a member is true."""
        return isinstance(self.value, dict) and self.value.get(key) is True


class Library:
    """A contract and the files that it refers to."""

    def __init__(self, texts: Texts, file: str) -> None:
        self._texts = texts
        self._roots: dict[str, Node | Fault | None] = {}
        self._anchors: dict[str, dict[str, Node]] = {}
        self._led: dict[tuple[str, str], Node | str] = {}
        self.file = file
        self.dialect = Dialect.JSON_SCHEMA

    @classmethod
    def of(cls, value: Any, dialect: Dialect, file: str = "") -> Library:
        """A contract that was read already."""
        made = cls(_Nothing(), file)
        made.dialect = dialect
        made._roots[file] = Node(file, "", value)
        return made

    @property
    def root(self) -> Node | Fault | None:
        """The contract itself."""
        return self.document(self.file)

    @property
    def documents(self) -> Iterator[Node]:
        """Every document that was read so far."""
        return (each for each in list(self._roots.values()) if isinstance(each, Node))

    def document(self, file: str) -> Node | Fault | None:
        """A file; why it cannot be read; None where it is not there."""
        if file not in self._roots:
            raw = self._texts.read(file)
            try:
                self._roots[file] = None if raw is None else Node(file, "", read_value(raw, file))
            except Fault as fault:
                self._roots[file] = fault
        return self._roots[file]

    def follow(self, node: Node) -> Node | str:
        """What a node is once its ``$ref`` is followed, itself without one; or why that leads nowhere."""
        seen: list[Node] = []
        while isinstance(node.value, dict) and isinstance(node.value.get("$ref"), str):
            if node in seen or len(seen) > _LONGEST_CHAIN:
                return f"The reference {node.value['$ref']!r} leads in a circle."
            seen.append(node)
            target = self.target(node.value["$ref"], node.file)
            if isinstance(target, str):
                return target
            node = target
        return node

    def target(self, reference: str, file: str) -> Node | str:
        """What a reference in a file means, one step far; or why it leads nowhere."""
        key = (file, reference)
        if key not in self._led:
            self._led[key] = self._find(reference, file)
        return self._led[key]

    def _find(self, reference: str, file: str) -> Node | str:
        path, _, fragment = reference.partition("#")
        if "://" in path or path.startswith("//"):
            return f"The reference {reference!r} leads to the network, where nothing is read. Keep a copy beside it."
        other = joined(file, unquote(path)) if path else file
        if other is None:
            return f"The reference {reference!r} leads out of the folder of the policies, where nothing is read."
        root = self.document(other)
        if root is None:
            return f"The reference {reference!r} leads to the file {other!r}, which is not there."
        if isinstance(root, Fault):
            return f"The reference {reference!r} leads to the file {other!r}, which cannot be read: {root.message}"
        fragment = unquote(fragment)
        if fragment and not fragment.startswith("/"):
            return self._anchored(root).get(fragment) or f"The reference {reference!r} names an anchor that is not set."
        return descend(root, fragment) or f"The reference {reference!r} leads to nothing: {_nearest(root, fragment)}."

    def _anchored(self, root: Node) -> dict[str, Node]:
        if root.file not in self._anchors:
            found: dict[str, Node] = {}
            todo = [root]
            while todo:
                node = todo.pop()
                name = node.text("$anchor")
                if name is not None:
                    found.setdefault(name, node)
                todo.extend(below for _, below in node.entries())
                todo.extend(node.items())
            self._anchors[root.file] = found
        return self._anchors[root.file]


class _Nothing:
    def read(self, path: str) -> bytes | None:
        return None


def descend(root: Node, pointer: str) -> Node | None:
    """The node at a JSON pointer."""
    node: Node | None = root
    for key in keys_of(pointer):
        if node is None:
            return None
        index = isinstance(node.value, list) and key.isdecimal() and len(key) < 10
        node = node.get(int(key) if index else key)
    return node


def _nearest(root: Node, pointer: str) -> str:
    """Where a pointer goes wrong, and what it may have meant."""
    from difflib import get_close_matches

    node = root
    for key in keys_of(pointer):
        found = descend(node, pointer_to("", key))
        if found is None:
            names = [str(each) for each in node.value] if isinstance(node.value, dict) else []
            close = get_close_matches(key, names, n=1)
            place = f"{node.pointer!r}" if node.pointer else "the document"
            return f"{place} has no {key!r}" + (f", but {close[0]!r}" if close else "")
        node = found
    return "it is not there"
