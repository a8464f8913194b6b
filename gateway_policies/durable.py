"""Files that are there whole or not at all, whenever the machine stops."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

TEMPORARY = ".tmp-"

Pause = Callable[[str], None]
"""Called before everything that reaches the disk, with what is about to happen; tests end the process there."""


def no_pause(_what: str) -> None:
    """Go on."""


def put(path: Path, content: bytes, pause: Pause = no_pause, *, sync: bool = True) -> None:
    """Write a file: beside its place, then over it.

    Args:
        sync: wait until it is on the disk; the folder is not waited for (:func:`sync_folder`).

    Raises:
        OSError: it cannot be written; what was there is unchanged.
    """
    pause(f"write {path.name}")
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=TEMPORARY)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        pause(f"rename {path.name}")
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def take(path: Path, pause: Pause = no_pause) -> None:
    """Remove a file, where it is there.

    Raises:
        OSError: it cannot be removed.
    """
    pause(f"remove {path.name}")
    path.unlink(missing_ok=True)


def sync_folder(folder: Path, pause: Pause = no_pause) -> None:
    """Wait until the names in a folder are on the disk, where folders can be waited for."""
    pause(f"sync {folder.name}")
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path) -> None:
    """Remove what a process that was ended left half-written."""
    for each in folder.glob(f"{TEMPORARY}*"):
        each.unlink(missing_ok=True)


@contextmanager
def held(path: Path, note: bytes) -> Iterator[bytes | None]:
    """Hold the lock at ``path``, which ends with the process however that ends.

    Args:
        note: who holds it, for whoever finds it held.

    Yields:
        None while it is held; else the note of whoever has it, and then nothing is held.

    Raises:
        OSError: it cannot be made.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not _lock(handle):
            yield os.pread(handle, 4096, _NOTE) if hasattr(os, "pread") else b""
            return
        os.ftruncate(handle, 0)
        os.lseek(handle, _NOTE, os.SEEK_SET)
        os.write(handle, note)
        yield None
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def is_held(path: Path) -> bool:
    """Whether somebody has the lock at ``path`` now; no lock is made for asking.

    Raises:
        OSError: it cannot be looked at.
    """
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return not _lock(handle)
    finally:
        os.close(handle)


_NOTE = 1  # the first byte is what Windows locks, and nobody else may read that

if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
