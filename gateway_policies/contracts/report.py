"""Where a comparison of two contracts writes down what it finds."""

from __future__ import annotations

from gateway_policies.contracts.catalogue import Kind, kinds
from gateway_policies.contracts.change import Change, Direction, Level
from gateway_policies.contracts.contract import Contract
from gateway_policies.contracts.documents import Library, Node
from gateway_policies.contracts.naming import Subject
from gateway_policies.contracts.schema_changes import Differences


class Report:
    """Changes beside schemas, and the schemas that are to be compared.

    Attributes:
        direction: which way requests go; the other way for callbacks and webhooks, which the API calls itself.
    """

    def __init__(self, before: Contract, after: Contract) -> None:
        self.before = before.library
        self.after = after.library
        self.differences = Differences(before.schemas, after.schemas)
        self.changes: list[Change] = []
        self._kinds: dict[str, Kind] = kinds()

    def add(
        self,
        kind: str,
        message: str,
        before: Node | None = None,
        after: Node | None = None,
        *,
        operation: str = "",
        level: Level | None = None,
    ) -> None:
        """Write a change down.

        Args:
            kind: its id.
            level: None for the one that the catalogue has.
        """
        self.changes.append(
            Change(
                id=kind,
                level=level or Level(self._kinds[kind].level),
                message=message,
                operations=(operation,) if operation else (),
                before=None if before is None else before.spot,
                after=None if after is None else after.spot,
            )
        )

    def schemas(
        self, before: Node | None, after: Node | None, prefix: str, words: str, direction: Direction, operation: str
    ) -> None:
        """Compare two schemas; None for none, which lets everything through."""
        some, others = (() if before is None else (before,)), (() if after is None else (after,))
        if some or others:
            if prefix.startswith(direction.other.value):  # what a webhook sends is a request to its receiver
                prefix = f"{direction.value}-body"
            self.differences.ask(some, others, Subject(prefix, words, direction, operation))

    def followed(self, node: Node | None, library: Library, operation: str) -> Node | None:
        """What a node is once its reference is followed; one that leads nowhere is written down."""
        if node is None:
            return None
        found = library.follow(node)
        if isinstance(found, Node):
            return found
        older = library is self.before
        self.add("reference-unresolved", found, node if older else None, None if older else node, operation=operation)
        return None
