"""Two OpenAPI documents compared: what changed, and whom it breaks."""

from __future__ import annotations

from gateway_policies.contracts.change import Change, Direction
from gateway_policies.contracts.contract import Contract
from gateway_policies.contracts.documents import Node
from gateway_policies.contracts.naming import Subject
from gateway_policies.contracts.operations import Operation, compare_operations, operations_of
from gateway_policies.contracts.report import Report
from gateway_policies.contracts.schema_changes import Differences, ordered
from gateway_policies.contracts.security import compare_schemes
from gateway_policies.contracts.servers import compare_servers


def compare(before: Contract, after: Contract) -> list[Change]:
    """What changed from one document to the next, breaking changes first.

    What cannot be decided is said to be undecided: where nothing is breaking and nothing undecided, every request that
    was accepted is accepted, and every answer is one that was promised.
    """
    report = Report(before, after)
    compare_servers(report, before.root.get("servers"), after.root.get("servers"))
    compare_schemes(report, before, after)
    _paths(report, before, after)
    _webhooks(report, before, after)
    return ordered([*report.changes, *report.differences.changes()])


def compare_documents(before: Contract, after: Contract, direction: Direction) -> list[Change]:
    """What changed from one JSON Schema of a document to the next.

    Args:
        direction: whether the documents come in (what was valid must stay so) or go out (what is valid must have
            been so).
    """
    differences = Differences(before.schemas, after.schemas)
    subject = Subject(f"{direction.value}-body", "the document", direction)
    differences.ask((before.root,), (after.root,), subject)
    return ordered(differences.changes())


def _paths(report: Report, before: Contract, after: Contract) -> None:
    old = operations_of(report, before, before.root.get("paths"))
    new = operations_of(report, after, after.root.get("paths"))
    for key, operation in old.items():
        if key in new:
            compare_operations(report, operation, new[key])
        else:
            _removed(report, operation)
    for key, operation in new.items():
        if key not in old:
            report.add("operation-added", f"{operation.words} is new.", None, operation.node, operation=operation.words)


def _removed(report: Report, operation: Operation) -> None:
    told = ", which was deprecated," if operation.node.flag("deprecated") else ""
    message = f"{operation.words}{told} was removed."
    report.add("operation-removed", message, operation.node, operation=operation.words)


def _webhooks(report: Report, before: Contract, after: Contract) -> None:
    old, new = before.root.get("webhooks"), after.root.get("webhooks")
    compare_sent(report, before, old, after, new, "webhook", "")


def compare_sent(
    report: Report, before: Contract, old: Node | None, after: Contract, new: Node | None, what: str, operation: str
) -> None:
    """Compare what the API calls itself: webhooks, by their names."""
    some, others = operations_of(report, before, old), operations_of(report, after, new)
    for key, sent in some.items():
        if key in others:
            compare_operations(report, sent, others[key], outgoing=True)
        else:
            report.add(f"{what}-removed", f"The {what} {sent.words} was removed.", sent.node, operation=operation)
    for key, sent in others.items():
        if key not in some:
            report.add(f"{what}-added", f"The {what} {sent.words} is new.", None, sent.node, operation=operation)
