"""Errors for people, on stderr, in three short lines: what happened, what it means, what to do."""

from __future__ import annotations

import re

from commands.exits import Exit, exit_of
from commands.terminal import Look, cut, plain, width_of
from transactions.errors import AndonError, BadFilter, Unauthenticated

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z'\"`])")
_POINTED = 76

_FALLBACK: dict[Exit, tuple[str, str]] = {
    Exit.FAILED: ("It was not done.", "Try again; 'andon doctor' checks the way to the platform."),
    Exit.USAGE: ("Nothing was done.", "'--help' after the command says what it takes."),
    Exit.UNREACHABLE: ("The platform gave no answer.", "Check address and network with 'andon doctor'."),
    Exit.NOT_ALLOWED: (
        "The platform does not let this token do it.",
        "See 'andon whoami'; sign in as somebody else with 'andon login', or ask an admin of the platform.",
    ),
    Exit.REFUSED: ("Nothing was changed.", "Mend what is named above, then try again."),
    Exit.NOT_FOUND: ("It may be gone, or you may not see it.", "Look it up with a list command first."),
    Exit.STALE: ("What you looked at has changed since. Nothing was sent.", "Look again and make a new plan."),
}


def lines_of(error: AndonError) -> list[str]:
    """The three lines of an error; more where the first one lists several things."""
    head, *listed = error.detail.splitlines() or [error.title]
    sentences = _SENTENCE.split(head.strip())
    meaning, advice = _FALLBACK.get(exit_of(error), _FALLBACK[Exit.FAILED])
    if isinstance(error, BadFilter):
        advice = "Mend the filter at that place."
    match sentences:
        case [happened, means, *rest] if rest:
            lines = [happened, *listed, means, " ".join(rest)]
        case [happened, does]:
            lines = (
                [happened, *listed, does, advice] if exit_of(error) is Exit.NOT_ALLOWED else [happened, *listed, does]
            )
        case _:
            lines = [head, *listed, meaning, advice]
    return lines


def complain(error: AndonError, look: Look, given_filter: str | None = None) -> str:
    """The text of an error.

    Args:
        error: what ended the command.
        look: what stderr can show.
        given_filter: the filter as it was typed, to point at the place.
    """
    first, *rest = [plain(line) for line in lines_of(error)]
    text = [f"{look.paint('andon:', 'red', 'bold')} {first}"]
    if isinstance(error, BadFilter):
        text += _pointer(error, given_filter)
    return "\n".join([*text, *(f"       {line}" for line in rest)]) + "\n"


def _pointer(error: BadFilter, given: str | None) -> list[str]:
    column, suggestions = error.extra.get("column"), error.extra.get("suggestions")
    lines = []
    if given and isinstance(column, int):
        before, after = _window(given, column)
        lines += [f"         {before}{after}", f"         {' ' * width_of(before)}^"]
    if isinstance(suggestions, list) and suggestions and "Did you mean" not in error.detail:
        lines.append(f"       Did you mean: {plain(', '.join(str(each) for each in suggestions))}")
    return lines


def _window(given: str, column: int) -> tuple[str, str]:
    """What stands before and from ``column``, harmless, on one line, and no wider than people can read."""
    flat = "".join(" " if char in "\n\r\t" else char for char in given)
    before, after = plain(flat[: column - 1]), plain(flat[column - 1 :])
    if width_of(before) + width_of(after) <= _POINTED:
        return before, after
    half = _POINTED // 2
    while width_of(before) > half:
        before = before[max(1, len(before) - half) :] if len(before) > half else before[1:]
    shortened = len(before) < len(plain(flat[: column - 1]))
    return f"…{before}" if shortened else before, cut(after, _POINTED - width_of(before))


def of_token(error: Unauthenticated, token_from: str) -> Unauthenticated:
    """The platform's refusal with what it cannot know: which token was sent, or why none was."""
    happened = _SENTENCE.split(error.detail.strip())[0].rstrip(".") + "."
    return Unauthenticated(
        f"{happened} The token: {token_from}. Sign in with 'andon login', or set ANDON_TOKEN to a token of this "
        "platform."
    )
