"""Paths of operations: which calls fit a template, and which of two templates is the nearer one."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PARAMETER = re.compile(r"\{[^/{}]*\}")
_ONE_SEGMENT = "[^/]+"


def shape(path: str) -> tuple[str | None, ...]:
    """The segments of a template; None for a parameter. ``/`` has none."""
    if path == "/":
        return ()
    return tuple(None if _PARAMETER.fullmatch(part) else part for part in path.split("/")[1:])


def expression(prefix: str, path: str) -> str:
    """What the whole path of a call looks like that fits, as a regular expression without groups.

    Args:
        prefix: where the version begins, taken as it is.
        path: the template below it; ``/`` is the beginning itself, with a slash behind it or without.
    """
    if path == "/":
        return f"{escaped(prefix)}/?"
    parts = (_ONE_SEGMENT if part is None else escaped(part) for part in shape(path))
    return "/".join((escaped(prefix), *parts))


def escaped(text: str) -> str:
    """Text as a regular expression that only it fits; what RE2 and Python read alike."""
    return re.sub(r"([^A-Za-z0-9/_~!&',;=:@%-])", r"\\\1", text)


def fits(template: tuple[str | None, ...], segments: Iterable[str | None]) -> bool:
    """Whether everything that fits ``segments`` fits the template too; ``segments`` may be a call's or a template's."""
    asked = tuple(segments)
    if len(asked) != len(template):
        return False
    return all(part is None or part == given for part, given in zip(template, asked, strict=True)) and "" not in asked


def nearness(path: str) -> tuple[bool, ...]:
    """Sorts templates so that of two that a call fits, the one that names more of it from the left comes first."""
    return tuple(part is None for part in shape(path))
