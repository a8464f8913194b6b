"""Rules about lint's own settings: severities and suppressions that do not do what they say.

Whether a suppression is of use is known only when everything else was looked at, so these are found by ``examining``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from gateway_policies.edits import Remove
from gateway_policies.linting.rule import Book, Broken
from gateway_policies.linting.scene import Scene, days
from gateway_policies.model import Severity
from gateway_policies.nearest import did_you_mean

BOOK = Book("Settings of lint")

LONGEST = 366
"""Days that a suppression may last before it is told: a year, and a leap day."""


def _nothing(scene: Scene) -> Iterator[Broken]:
    return iter(())


BOOK.rule(
    "unknown-rule",
    Severity.ERROR,
    "a rule that there is none of",
    why="A severity or a suppression of it has no effect, and whoever wrote it thinks that it has.",
    advice="'andon policy lint --explain all' lists the rules.",
)(_nothing)

BOOK.rule(
    "suppression-expired",
    Severity.WARNING,
    "a suppression that has expired",
    why="It silences nothing any more. What it was about is told again, or has gone.",
    advice="Mend what it was about and take it out, or give it a new day with the reason.",
    fixes="takes the suppression out: it has no effect any more",
)(_nothing)

BOOK.rule(
    "suppression-unused",
    Severity.WARNING,
    "a suppression that silences nothing",
    why="What it was about is mended, or its address has a typing error. Left alone it silences the next one.",
    advice="Take it out, or correct its address.",
    fixes="takes the suppression out: it has no effect",
)(_nothing)

BOOK.rule(
    "suppression-long",
    Severity.WARNING,
    "a suppression for more than a year",
    why="Nobody looks at it again. What is meant to stay as it is, is a severity in [lint].",
    advice="Give it a day within a year, or set the rule's severity in [lint].",
)(_nothing)


def of_settings(scene: Scene, known: Collection[str]) -> Iterator[tuple[str, Broken]]:
    """What is wrong with the settings alone: the rule that is broken, and how."""
    for rule in scene.policies.lint:
        if rule not in known:
            yield "unknown-rule", Broken("lint", f"[lint] names the rule {rule!r}{_none(rule, known)}", rule)
    for number, each in enumerate(scene.policies.suppressions):
        address = f"suppress[{number}]"
        if each.rule not in known:
            yield (
                "unknown-rule",
                Broken(address, f"A suppression names the rule {each.rule!r}{_none(each.rule, known)}", "rule"),
            )
        if each.until < scene.today:
            yield (
                "suppression-expired",
                Broken(
                    address,
                    f"The suppression of {each.rule} at {each.address} expired on {each.until}.",
                    "until",
                    edits=(Remove(address),),
                ),
            )
        elif scene.days_to(each.until) > LONGEST:
            yield (
                "suppression-long",
                Broken(
                    address,
                    f"The suppression of {each.rule} at {each.address} lasts for {days(scene.days_to(each.until))}.",
                    "until",
                ),
            )


def unused(number: int, scene: Scene) -> Broken:
    """A suppression that silenced nothing."""
    each = scene.policies.suppressions[number]
    address = f"suppress[{number}]"
    return Broken(
        address,
        f"The suppression of {each.rule} at {each.address} silences nothing.",
        "address",
        edits=(Remove(address),),
    )


def _none(rule: str, known: Collection[str]) -> str:
    return f", and there is none of that name.{did_you_mean(rule, known)}"
