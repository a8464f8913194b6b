"""Bodies of requests, and media types: which there are, and what each carries."""

from __future__ import annotations

from gateway_policies.contracts.change import Direction
from gateway_policies.contracts.documents import Node
from gateway_policies.contracts.report import Report
from gateway_policies.contracts.values import key_of


def compare_bodies(report: Report, before: Node | None, after: Node | None, direction: Direction, words: str) -> None:
    """Compare what two operations take."""
    old = report.followed(before, report.before, words)
    new = report.followed(after, report.after, words)
    if old is None and new is None:
        return

    def add(kind: str, what: str) -> None:
        report.add(kind, f"{words}: the request body {what}.", old, new, operation=words)

    if old is None and new is not None:
        required = new.flag("required")
        if direction is Direction.RESPONSE:
            add("response-body-added", "is new")
        elif required:
            add("request-body-added-required", "is new, and required")
        else:
            add("request-body-added-optional", "is new, and may be left out")
        return
    if old is not None and new is None:
        add("request-body-removed" if direction is Direction.REQUEST else "response-body-removed", "was removed")
        return
    if old is None or new is None:
        return
    if direction is Direction.REQUEST and new.flag("required") != old.flag("required"):
        became = "required" if new.flag("required") else "optional"
        add(f"request-body-became-{became}", f"became {became}")
    compare_media(
        report, old.get("content"), new.get("content"), direction, words, f"{direction.value}-body", "the request body"
    )


def compare_media(
    report: Report,
    before: Node | None,
    after: Node | None,
    direction: Direction,
    words: str,
    prefix: str,
    what: str,
) -> None:
    """Compare what is carried in each media type; a range such as ``application/*`` has all of its kind."""
    old, new = _media(before), _media(after)
    kind = direction.value
    for media, mine in old.items():
        theirs = _of(new, media)
        if theirs is None:
            message = f"{words}: {what} no longer has the media type {media}."
            report.add(f"{kind}-media-type-removed", message, mine, after, operation=words)
            continue
        told = f"{what} ({media})" if len(old) > 1 or len(new) > 1 else what
        report.schemas(mine.get("schema"), theirs.get("schema"), prefix, told, direction, words)
        if direction is Direction.REQUEST and _encoding(mine) != _encoding(theirs):
            message = f"{words}: the parts of {told} are encoded another way."
            report.add("request-encoding-changed", message, mine, theirs, operation=words)
    for media, theirs in new.items():
        if media in old:
            continue
        known = _of(old, media)
        if known is None:
            message = f"{words}: {what} has the media type {media} now."
            report.add(f"{kind}-media-type-added", message, before, theirs, operation=words)
        else:
            report.schemas(known.get("schema"), theirs.get("schema"), prefix, f"{what} ({media})", direction, words)


def _media(content: Node | None) -> dict[str, Node]:
    """Media types without what does not tell them apart: case, blanks, the character set."""
    found: dict[str, Node] = {}
    for name, node in content.entries() if content is not None else ():
        kind, *parameters = (part.strip() for part in name.lower().split(";"))
        told = sorted(each for each in parameters if each and not each.startswith("charset="))
        found.setdefault("; ".join([kind, *told]), node)
    return found


def _of(content: dict[str, Node], media: str) -> Node | None:
    """What a media type carries: by its name, its range, or the range of everything."""
    kind = media.partition("/")[0]
    return next((content[each] for each in (media, f"{kind}/*", "*/*", "*") if each in content), None)


def _encoding(media: Node) -> object:
    found = media.get("encoding")
    if found is None or not isinstance(found.value, dict):
        return key_of({})
    told = {}
    for name, node in found.entries():
        value = node.value if isinstance(node.value, dict) else {}
        told[name] = {key: value[key] for key in ("contentType", "style", "explode") if key in value}
    return key_of({name: each for name, each in told.items() if each})
