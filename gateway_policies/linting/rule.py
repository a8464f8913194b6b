"""What a rule is: what it looks for, how much it matters, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from gateway_policies.edits import Edit
from gateway_policies.linting.scene import Scene
from gateway_policies.model import Severity


class Broken(Struct, frozen=True):
    """A rule is broken somewhere.

    Attributes:
        address: of what breaks it; as ``Places.of`` takes it.
        message: what is wrong, as a sentence that stands by itself.
        field: which of its fields; None for all of it.
        help: what to do here; the rule's own advice where it is empty.
        edits: what would mend it, where nobody has to decide anything.
    """

    address: str
    message: str
    field: str | None = None
    help: str = ""
    edits: tuple[Edit, ...] = ()


Check = Callable[[Scene], Iterable[Broken]]


class Rule(Struct, frozen=True, kw_only=True):
    """A rule.

    Attributes:
        id: in lower case with hyphens; it stays what it is, since files name it.
        severity: unless ``[lint]`` says another one.
        title: what breaks it, in a few words.
        why: what it is good for.
        help: what to do.
        fixes: what ``--fix`` does about it; nothing where a person has to decide.
        dated: whether it can be broken tomorrow by what is right today.
    """

    id: str
    severity: Severity
    title: str
    why: str
    help: str
    check: Check
    fixes: str = ""
    dated: bool = False


class Book:
    """The rules about one matter.

    Args:
        title: the matter.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.rules: list[Rule] = []

    def rule(
        self,
        name: str,
        severity: Severity,
        title: str,
        *,
        why: str,
        advice: str,
        fixes: str = "",
        dated: bool = False,
    ) -> Callable[[Check], Check]:
        """Make a rule of a function that finds what breaks it."""

        def keep(check: Check) -> Check:
            self.rules.append(
                Rule(
                    id=name,
                    severity=severity,
                    title=title,
                    why=why,
                    help=advice,
                    check=check,
                    fixes=fixes,
                    dated=dated,
                )
            )
            return check

        return keep
