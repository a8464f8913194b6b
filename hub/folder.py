"""The hub's data folder: one hub at a time, its token, and where things run."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

from hub.errors import AlreadyRunning, StoreError

if os.name == "posix":
    import fcntl


class Folder:
    """A data folder that this process has to itself until it ends, however it ends.

    Raises:
        AlreadyRunning: another hub has it.
        StoreError: it cannot be made or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(path / "hub.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreError(
                f"The data folder {path} cannot be used: {error.strerror}. The hub keeps its store there. "
                "Give the user that runs it write access, or name another folder with --data."
            ) from error
        self._claim()

    def _claim(self) -> None:
        if os.name != "posix":
            return
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            raise AlreadyRunning(
                f"Another hub is serving {self.path}. Two on one store would send twice, so this one ends. "
                "Use the running one, or name another folder with --data."
            ) from error

    def write_token(self) -> str:
        """A new admin token for this run, in ``bootstrap.token`` that only its owner can read."""
        token = f"andon_{secrets.token_urlsafe(32)}"
        self._replace("bootstrap.token", token + "\n")
        return token

    def remove_token(self) -> None:
        """Take the admin token back: it is of no use any more, and secrets do not lie around."""
        (self.path / "bootstrap.token").unlink(missing_ok=True)

    def write_runtime(self, facts: dict[str, Any]) -> None:
        """Say where things run, in ``runtime.json``."""
        self._replace("runtime.json", json.dumps(facts, indent=2, sort_keys=True) + "\n")

    def _replace(self, name: str, text: str) -> None:
        target, fresh = self.path / name, self.path / f".{name}.new"
        try:
            fresh.unlink(missing_ok=True)  # what a crash left may have a mode that others can read
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            fresh.replace(target)
        except OSError as error:
            raise StoreError(
                f"{target} cannot be written: {error.strerror}. The hub cannot serve without it. Check that the disk "
                "has room and that the user who runs the hub may write to its data folder, then start it again."
            ) from error

    def close(self) -> None:
        """Take back the token and let the folder go."""
        for name in ("bootstrap.token", "runtime.json"):
            (self.path / name).unlink(missing_ok=True)
        os.close(self._lock)
