"""Operations of two contracts: paths, parameters, bodies, responses, what they ask for, callbacks."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from gateway_policies.contracts.bodies import compare_bodies
from gateway_policies.contracts.change import Direction
from gateway_policies.contracts.contract import Contract
from gateway_policies.contracts.documents import Node
from gateway_policies.contracts.parameters import compare_parameters, parameters_of
from gateway_policies.contracts.report import Report
from gateway_policies.contracts.responses import compare_responses
from gateway_policies.contracts.security import compare_security
from gateway_policies.contracts.servers import compare_servers

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_NAME: Final = re.compile(r"\{([^{}]*)\}")


class Operation(NamedTuple):
    """A method of a path."""

    contract: Contract
    words: str
    path: str
    item: Node
    node: Node

    @property
    def names(self) -> list[str]:
        """What the path calls its parameters, from left to right."""
        return _NAME.findall(self.path)


def operations_of(report: Report, contract: Contract, paths: Node | None) -> dict[tuple[str, str], Operation]:
    """The operations by what makes them: the path, whatever it calls its parameters, and the method."""
    found: dict[tuple[str, str], Operation] = {}
    for path, item in paths.entries() if paths is not None else ():
        if path.startswith("x-"):
            continue
        shape = _NAME.sub("{}", path)
        followed = report.followed(item, contract.library, path)
        for method in METHODS:
            node = followed.get(method) if followed is not None else None
            if followed is None or node is None or not isinstance(node.value, dict):
                continue
            operation = Operation(contract, f"{method.upper()} {path}", path, followed, node)
            twin = found.setdefault((shape, method), operation)
            if twin is not operation:
                _ambiguous(report, twin, operation)
    return found


def _ambiguous(report: Report, one: Operation, other: Operation) -> None:
    message = f"{other.words} and {one.words} are the same path; only the first was compared."
    older = one.contract.library is report.before
    report.add(
        "path-ambiguous",
        message,
        other.node if older else None,
        None if older else other.node,
        operation=other.words,
    )


def compare_operations(report: Report, before: Operation, after: Operation, *, outgoing: bool = False) -> None:
    """Compare two operations.

    Args:
        outgoing: the API calls it itself (webhooks, callbacks), so what it sends was promised, and what it is
            answered must stay accepted.
    """
    words = after.words
    requests = Direction.RESPONSE if outgoing else Direction.REQUEST
    _labels(report, before, after)
    if not outgoing:
        renamed = dict(zip(before.names, after.names, strict=True))
        some, others = parameters_of(report, before, words), parameters_of(report, after, words)
        compare_parameters(report, some, others, renamed, words)
        compare_security(report, before.contract, before.node, after.contract, after.node, words)
        _servers(report, before, after)
    compare_bodies(report, before.node.get("requestBody"), after.node.get("requestBody"), requests, words)
    compare_responses(report, before.node.get("responses"), after.node.get("responses"), requests.other, words)
    if not outgoing:
        _callbacks(report, before, after)


def _labels(report: Report, before: Operation, after: Operation) -> None:
    old, new, words = before.node, after.node, after.words
    if new.flag("deprecated") and not old.flag("deprecated"):
        report.add("operation-deprecated", f"{words} is deprecated now.", old, new, operation=words)
    if old.flag("deprecated") and not new.flag("deprecated"):
        report.add("operation-reactivated", f"{words} is no longer deprecated.", old, new, operation=words)
    was, now = old.text("operationId"), new.text("operationId")
    if was is not None and was != now:
        message = f"{words} has its operationId changed from {was} to {now or 'none'}."
        report.add("operation-id-changed", message, old, new, operation=words)
    for mine, theirs in zip(before.names, after.names, strict=False):
        if mine != theirs:
            message = f"{words} calls its path parameter {theirs} now; it was {mine}."
            report.add("path-parameter-renamed", message, old, new, operation=words)


def _servers(report: Report, before: Operation, after: Operation) -> None:
    """Servers of the operation or the path, where one of the documents has such."""
    old = before.node.get("servers") or before.item.get("servers")
    new = after.node.get("servers") or after.item.get("servers")
    if old is not None or new is not None:
        default, defaults = before.contract.root.get("servers"), after.contract.root.get("servers")
        compare_servers(report, old or default, new or defaults, after.words)


def _callbacks(report: Report, before: Operation, after: Operation) -> None:
    old, new = _named(report, before), _named(report, after)
    for name, mine in old.items():
        if name not in new:
            message = f"The callback {name} of {after.words} was removed."
            report.add("callback-removed", message, mine, after.node, operation=after.words)
            continue
        some = operations_of(report, before.contract, mine)
        others = operations_of(report, after.contract, new[name])
        for key, sent in some.items():
            if key in others:
                compare_operations(report, sent, others[key], outgoing=True)
            else:
                message = f"The callback {name} of {after.words} no longer calls {sent.words}."
                report.add("callback-removed", message, sent.node, new[name], operation=after.words)
    for name, theirs in new.items():
        if name not in old:
            message = f"The callback {name} of {after.words} is new."
            report.add("callback-added", message, None, theirs, operation=after.words)


def _named(report: Report, operation: Operation) -> dict[str, Node]:
    found = operation.node.get("callbacks")
    library = operation.contract.library
    entries = found.entries() if found is not None else ()
    followed = ((name, report.followed(each, library, operation.words)) for name, each in entries)
    return {name: each for name, each in followed if each is not None}
