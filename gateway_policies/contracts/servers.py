"""The addresses of two contracts."""

from __future__ import annotations

from gateway_policies.contracts.documents import Node
from gateway_policies.contracts.report import Report
from gateway_policies.contracts.values import shown


def compare_servers(report: Report, before: Node | None, after: Node | None, operation: str = "") -> None:
    """Compare lists of servers; an address with variables is told by its text."""
    old, new = _servers(before), _servers(after)
    if not old or not new:
        return  # none means the address that the contract came from, which says nothing of where it was called
    for url, server in old.items():
        if url not in new:
            report.add("server-removed", f"The server {url} was removed.", server, after, operation=operation)
        else:
            _variables(report, url, server, new[url], operation)
    for url, server in new.items():
        if url not in old:
            report.add("server-added", f"The server {url} is new.", None, server, operation=operation)


def _servers(node: Node | None) -> dict[str, Node]:
    found = {} if node is None else {(each.text("url") or "").rstrip("/"): each for each in node.items()}
    return {url: each for url, each in found.items() if url}


def _variables(report: Report, url: str, before: Node, after: Node, operation: str) -> None:
    old, new = before.get("variables"), after.get("variables")
    if old is None or new is None:
        return
    for name, mine in old.entries():
        theirs = new.get(name)
        if theirs is None or not isinstance(mine.value, dict) or not isinstance(theirs.value, dict):
            continue
        words = f"The variable {name} of the server {url}"
        gone = [each for each in _listed(mine) if _listed(theirs) and each not in _listed(theirs)]
        for value in gone:
            message = f"{words} no longer has the value {shown(value)}."
            report.add("server-variable-value-removed", message, mine, theirs, operation=operation)
        was, now = mine.value.get("default"), theirs.value.get("default")
        if was != now:
            message = f"{words} has its default changed from {shown(was)} to {shown(now)}."
            report.add("server-variable-default-changed", message, mine, theirs, operation=operation)


def _listed(node: Node) -> list[object]:
    found = node.value.get("enum")
    return found if isinstance(found, list) else []
