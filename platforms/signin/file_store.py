"""Tokens in a file that nothing but its mode protects: for machines without a keyring, by express wish only."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import msgspec

from platforms.errors import ContextError, NoStorage
from platforms.secrets import check_private
from platforms.signin.entries import Entry, Key
from platforms.signin.locking import locked

FILE_NAME = "tokens.json"


class FileStore:
    """Keeps sign-ins in one file of mode 0600."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is where the file is, or will be."""
        self._path = folder / FILE_NAME
        self._lock = folder / f"{FILE_NAME}.lock"

    @property
    def place(self) -> str:
        """The file."""
        return str(self._path)

    def load(self, key: Key) -> Entry | None:
        """The entry; None where there is none.

        Raises:
            ContextError: others may read the file.
        """
        return self._read().get(key.name)

    def save(self, key: Key, entry: Entry) -> None:
        """Keep it."""
        with locked(self._lock):
            self._write({**self._read(), key.name: entry})

    def delete(self, key: Key) -> None:
        """Forget it; the file goes with the last one."""
        with locked(self._lock):
            entries = self._read()
            if entries.pop(key.name, None) is not None:
                self._write(entries)

    def _read(self) -> dict[str, Entry]:
        try:
            with self._path.open("rb") as file:
                found = os.fstat(file.fileno())
                check_private(self._path, found.st_mode, found.st_uid, "there are tokens in it")
                raw = file.read()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._unusable("read", error) from error
        try:
            return msgspec.json.decode(raw, type=dict[str, Entry])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ContextError(
                f"{self._path} cannot be understood: {error}. No token that is kept there can be used. "
                "Remove the file and sign in again with 'andon login --insecure-storage'."
            ) from error

    def _write(self, entries: dict[str, Entry]) -> None:
        try:
            if not entries:
                self._path.unlink(missing_ok=True)
                return
            # mkstemp makes it with mode 0600 from its first byte.
            handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{FILE_NAME}.")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(msgspec.json.encode(entries))
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(self._path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise self._unusable("written", error) from error

    def _unusable(self, what: str, error: OSError) -> NoStorage:
        return NoStorage(
            f"{self._path} cannot be {what}: {error.strerror or error}. What was in it before is unchanged. "
            "Mend its permissions, or point ANDON_CONFIG_DIR elsewhere."
        )
