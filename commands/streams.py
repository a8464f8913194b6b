"""The three standard streams, made fit: there at all, and never failing at a character they cannot show."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from transactions.errors import AndonError

ERRORS = "andon"
"""Name of the handler that writes a glyph as the nearest ASCII, and any other character as its escape."""

_NEAREST = {
    "✓": "v",
    "●": "*",
    "○": "o",
    "■": "#",
    "▲": "!",
    "◆": "=",
    "→": ">",
    "…": "~",
}


class NotWritten(AndonError):
    """The results could not be written to where they were to go."""

    problem, status, title = "not-written", 500, "The results could not be written"


def make_fit() -> None:
    """Give the process streams that every command can rely on.

    A stream that was closed by whoever started us is nowhere from now on; a terminal or locale without UTF-8 gets
    the nearest ASCII of what it cannot show; a byte on stdin that is no text is replaced.
    """
    codecs.register_error(ERRORS, _nearest)
    # In the order of their numbers, so that each takes its own place, and no file opened later does.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115  # as long as the process
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace" if name == "stdin" else ERRORS)


def _nearest(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    wanted = error.object[error.start : error.end]
    return "".join(
        _NEAREST.get(char) or char.encode("ascii", "backslashreplace").decode() for char in wanted
    ), error.end


@contextmanager
def writing() -> Iterator[None]:
    """Around whatever writes results.

    Raises:
        NotWritten: a full disk, say; a reader that went away is another matter (``BrokenPipeError``).
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise not_written(error) from error


def not_written(error: OSError) -> NotWritten:
    """What to say of results that found no place."""
    return NotWritten(
        f"The results cannot be written: {error.strerror or error}. What the command did stays done. "
        "Make room, or send the output elsewhere."
    )


def let_go() -> None:
    """Let nothing more be flushed into streams that take nothing, not even when the process ends."""
    sink = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            os.dup2(sink, stream.fileno())
        except (OSError, ValueError):
            # Not a stream of the operating system's (a test's, say): nothing will be flushed into it.
            continue
    os.close(sink)
