"""One process at a time: a refresh token can be spent once, and two commands may run at one moment."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from platforms.errors import NoStorage

PATIENCE_SECONDS = 60.0
_LOOK_EVERY = 0.05


@contextmanager
def locked(
    path: Path, *, patience: float = PATIENCE_SECONDS, sleep: Callable[[float], None] = time.sleep
) -> Iterator[None]:
    """Hold the lock at ``path``, which ends with the process however that ends.

    Args:
        path: a file that is made for this and holds nothing.
        patience: seconds to wait for whoever has it.
        sleep: waits between looks.

    Raises:
        NoStorage: it cannot be made, or somebody does not let go of it.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise NoStorage(
            f"{path} cannot be made: {error.strerror or error}. Two commands could spend one sign-in at the same time "
            "without it, so nothing was done. Mend the permissions of that folder, or point ANDON_CONFIG_DIR elsewhere."
        ) from error
    try:
        end = time.monotonic() + patience
        while not _take(handle):
            if time.monotonic() > end:
                raise NoStorage(
                    f"Another andon has held {path} for {patience:.0f} s, and renews the sign-in perhaps. "
                    "Nothing was done. Try again; if it stays so, end the other one."
                )
            sleep(_LOOK_EVERY)
        yield
    finally:
        os.close(handle)


if sys.platform == "win32":
    import msvcrt

    def _take(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _take(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
