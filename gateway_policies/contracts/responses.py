"""Responses of operations: statuses, ranges and the default, headers, bodies."""

from __future__ import annotations

from gateway_policies.contracts.bodies import compare_media
from gateway_policies.contracts.change import Direction, Level
from gateway_policies.contracts.documents import Node
from gateway_policies.contracts.report import Report


def compare_responses(
    report: Report, before: Node | None, after: Node | None, direction: Direction, words: str
) -> None:
    """Compare what two operations answer. A status that is not named is its range's (2XX), then the default's."""
    old, new = _statuses(before), _statuses(after)
    for status in dict.fromkeys((*old, *new)):
        mine, theirs = _of(old, status), _of(new, status)
        one = report.followed(mine, report.before, words)
        other = report.followed(theirs, report.after, words)
        if mine is not None and theirs is None:
            kind = "success" if _success(status) else "non-success"
            message = f"{words} no longer answers with {status}."
            # Who takes every status of a class takes those that are left of it.
            narrowed = status.endswith("XX") and any(each[:1] == status[:1] for each in new)
            level = Level.COMPATIBLE if narrowed else None
            report.add(f"response-{kind}-status-removed", message, mine, after, operation=words, level=level)
        elif theirs is not None and mine is None:
            kind = "success" if _success(status) else "non-success"
            message = f"{words} answers with {status} as well now."
            report.add(f"response-{kind}-status-added", message, before, theirs, operation=words)
        elif one is not None and other is not None:
            _compare(report, one, other, status, direction, words)


def _statuses(responses: Node | None) -> dict[str, Node]:
    entries = responses.entries() if responses is not None else ()
    return {status.upper() if status != "default" else status: each for status, each in entries if status[:2] != "x-"}


def _of(responses: dict[str, Node], status: str) -> Node | None:
    ways = (status, f"{status[:1]}XX", "default") if status != "default" else ("default",)
    return next((responses[each] for each in ways if each in responses), None)


def _success(status: str) -> bool:
    return status[:1] in ("2", "3")


def _compare(report: Report, before: Node, after: Node, status: str, direction: Direction, words: str) -> None:
    old, new = before.get("content"), after.get("content")
    what = f"the body of the answer {status}" if status != "default" else "the body of every other answer"
    mine, theirs = bool(old is not None and old.value), bool(new is not None and new.value)
    if mine and not theirs:
        report.add("response-body-removed", f"{words}: {what} was removed.", old, after, operation=words)
    elif theirs and not mine:
        report.add("response-body-added", f"{words}: {what} is new.", before, new, operation=words)
    elif mine and theirs:
        compare_media(report, old, new, direction, words, f"{direction.value}-body", what)
    if direction is Direction.RESPONSE:
        _headers(report, before, after, status, words)


def _headers(report: Report, before: Node, after: Node, status: str, words: str) -> None:
    old, new = _named(before), _named(after)
    for key, (name, each) in old.items():
        what = f"the header {name} of the answer {status}"
        mine = report.followed(each, report.before, words)
        theirs = report.followed(new[key][1], report.after, words) if key in new else None
        if key not in new:
            report.add("response-header-removed", f"{words}: {what} was removed.", mine, after, operation=words)
        elif mine is not None and theirs is not None:
            if mine.flag("required") != theirs.flag("required"):
                became = "required" if theirs.flag("required") else "optional"
                message = f"{words}: {what} became {became}."
                report.add(f"response-header-became-{became}", message, mine, theirs, operation=words)
            report.schemas(mine.get("schema"), theirs.get("schema"), "response-header", what, Direction.RESPONSE, words)
    for key, (name, each) in new.items():
        if key not in old:
            message = f"{words}: the header {name} of the answer {status} is new."
            report.add("response-header-added", message, before, each, operation=words)


def _named(response: Node) -> dict[str, tuple[str, Node]]:
    """Headers by their names, which have no case; ``Content-Type`` is the media type's."""
    found = response.get("headers")
    entries = found.entries() if found is not None else ()
    return {name.lower(): (name, each) for name, each in entries if name.lower() != "content-type"}
