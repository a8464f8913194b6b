from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from commands.complaints import complain, lines_of
from commands.exits import Exit, Usage, exit_of
from commands.terminal import Look
from platforms.errors import ContextError, ReadOnly, UnexpectedAnswer
from transactions import errors
from transactions.errors import AndonError

PLAIN = Look(width=None, colour=False, now=datetime(2026, 1, 1, tzinfo=UTC))


def every_type(kind: type[AndonError] = AndonError) -> Iterator[type[AndonError]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from every_type(child)


def made(kind: type[AndonError], detail: str, **extra: object) -> AndonError:
    error = kind.__new__(kind)
    AndonError.__init__(error, detail, **extra)
    return error


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (AndonError, 1),
        (errors.Unavailable, 1),
        (Usage, 2),
        (errors.BadFilter, 2),
        (errors.BadCursor, 2),
        (ContextError, 2),
        (errors.Unreachable, 3),
        (UnexpectedAnswer, 3),
        (errors.Unauthenticated, 4),
        (errors.Forbidden, 4),
        (errors.Refused, 6),
        (errors.TransitionRefused, 6),
        (errors.Claimed, 6),
        (errors.PlanAltered, 6),
        (errors.KeyReused, 6),
        (ReadOnly, 6),
        (errors.Invalid, 6),
        (errors.TooLarge, 6),
        (errors.UnsupportedMedia, 6),
        (errors.Unreadable, 6),
        (errors.NotFound, 7),
        (errors.Stale, 8),
    ],
)
def test_every_problem_has_its_exit(kind: type[AndonError], code: int) -> None:
    assert exit_of(made(kind, "d")) == code


@pytest.mark.parametrize("kind", list(every_type()), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("detail", ["What.", "What. Do.", "What. Why. Do.", "What. Why. More. Do."])
def test_a_message_has_what_happened_and_what_to_do_in_few_lines(kind: type[AndonError], detail: str) -> None:
    lines = lines_of(made(kind, detail))
    assert 2 <= len(lines) <= 3
    assert lines[0] == "What."
    assert all(lines)


def test_what_a_list_of_problems_names_is_kept_line_by_line() -> None:
    lines = lines_of(AndonError("Two places are wrong.\nfile: a\nfile: b"))
    assert lines[:3] == ["Two places are wrong.", "file: a", "file: b"]


def test_dots_in_names_are_no_ends_of_sentences() -> None:
    assert lines_of(errors.NotFound("No file a.toml in b.c here. Look again."))[0] == "No file a.toml in b.c here."


def test_a_bad_filter_points_at_the_place() -> None:
    error = errors.BadFilter("Unknown field 'flwo'. Nothing was listed.", column=10, suggestions=["flow"])
    assert complain(error, PLAIN, "plant:P1 flwo:x") == (
        "andon: Unknown field 'flwo'.\n"
        "         plant:P1 flwo:x\n"
        "                  ^\n"
        "       Did you mean: flow\n"
        "       Nothing was listed.\n"
    )


def test_what_the_message_suggests_already_is_not_said_twice() -> None:
    error = errors.BadFilter("There is no field 'flwo'. Did you mean flow?", column=1, suggestions=["flow:"])
    assert complain(error, PLAIN, "flwo:x").count("Did you mean") == 1


def test_a_message_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in complain(errors.NotFound("No \x1b[2J here.\nnor \x1b]0;x\x07 there"), PLAIN)


def test_exits_are_the_documented_ones() -> None:
    assert sorted(Exit) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 130]
