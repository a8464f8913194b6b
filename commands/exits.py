"""The exit codes, and which problem leads to which: the one place."""

from __future__ import annotations

from enum import IntEnum

from transactions import errors
from transactions.errors import AndonError


class Exit(IntEnum):
    """What a script may rely on."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_ALLOWED = 4
    SOME = 5
    REFUSED = 6
    NOT_FOUND = 7
    STALE = 8
    DIFFERENCES = 10
    INTERRUPTED = 130


_BY_PROBLEM: dict[str, Exit] = {
    "bad-context": Exit.USAGE,
    "bad-settings": Exit.USAGE,
    "unexpected-answer": Exit.UNREACHABLE,
}
"""Problems of other packages, which need not be imported to be told."""

_BY_TYPE: tuple[tuple[type[AndonError], Exit], ...] = (
    (errors.BadFilter, Exit.USAGE),
    (errors.BadCursor, Exit.USAGE),
    (errors.Unreachable, Exit.UNREACHABLE),
    (errors.Unauthenticated, Exit.NOT_ALLOWED),
    (errors.Forbidden, Exit.NOT_ALLOWED),
    (errors.NotFound, Exit.NOT_FOUND),
    (errors.Stale, Exit.STALE),
    (errors.Refused, Exit.REFUSED),
    (errors.Invalid, Exit.REFUSED),
    (errors.TooLarge, Exit.REFUSED),
    (errors.UnsupportedMedia, Exit.REFUSED),
    (errors.Unreadable, Exit.REFUSED),
    (errors.MethodNotAllowed, Exit.REFUSED),
)


class Usage(AndonError):
    """The command line itself asks for something that cannot be."""

    problem, status, title = "usage", 400, "The command line cannot be used"


def misread(option: str, error: ValueError) -> Usage:
    """An option's value cannot be read; ``error`` says what it is not, a colon, and how to write it."""
    what, _, how = str(error).partition(": ")
    return Usage(f"{option} {what}. Nothing was done. {how[:1].upper()}{how[1:]}.")


class Declined(AndonError):
    """Somebody was asked, and said no."""

    problem, status, title = "declined", 400, "Not confirmed"


def exit_of(error: AndonError) -> Exit:
    """The exit code for an error that ends a command."""
    if isinstance(error, Usage):
        return Exit.USAGE
    if error.problem in _BY_PROBLEM:
        return _BY_PROBLEM[error.problem]
    return next((code for kind, code in _BY_TYPE if isinstance(error, kind)), Exit.FAILED)
