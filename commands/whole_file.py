"""What a platform gives on its way out: into a file that is written whole or not at all, or to stdout as it comes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from commands.exits import Usage
from commands.session import Session
from commands.streams import writing
from transactions.errors import AndonError
from transactions.steering import escaped_json


class NotKept(AndonError):
    """The file could not be written to its end."""

    problem, status, title = "not-kept", 500, "The file could not be written"


def to_stdout(session: Session) -> Callable[[bytes], object]:
    """Writes to stdout."""
    stream = session.stdout
    buffer = getattr(stream, "buffer", None)
    shown = stream.isatty()

    def put(line: bytes) -> None:
        # What people look at is made harmless; whoever takes the bytes on gets them as they are.
        content = escaped_json(line) if shown else line
        with writing():
            if buffer is None:
                stream.write(content.decode())
            else:
                buffer.write(content)

    return put


@contextmanager
def whole_file(path: Path) -> Iterator[Callable[[bytes], object]]:
    """A file beside ``path`` that takes its place at the end; where there is no end, nothing changes.

    Raises:
        Usage: it cannot be written there.
        NotKept: it could not be written to its end.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise Usage(
            f"Nothing can be written to {path}: {error.strerror or error}. Nothing was written. Give another --out."
        ) from error
    try:
        try:
            with os.fdopen(handle, "wb") as file:
                yield file.write
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:  # also of closing it, which writes what is left
            raise NotKept(
                f"It could not all be written to {path}: {error.strerror or error}. What was there is unchanged, and "
                "no half file was left. Make room, or give another --out."
            ) from error
        try:
            Path(name).replace(path)
        except OSError as error:
            raise Usage(
                f"It cannot take the place of {path}: {error.strerror or error}. What was there is unchanged. "
                "Give another --out."
            ) from error
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
