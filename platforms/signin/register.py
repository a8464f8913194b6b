"""Which sign-ins there are, and where their tokens are: a list without a secret in it.

It spares every command the keyring where nothing is stored, and remembers the issuer of a platform that is no context.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import msgspec
from msgspec import Struct

from platforms.context_file import config_folder
from platforms.errors import ContextError, NoStorage
from platforms.signin.entries import Key, Store
from platforms.signin.locking import locked

FOLDER = "signin"
FILE_NAME = "signins.json"


class Place(StrEnum):
    """Where tokens are kept."""

    KEYRING = "keyring"
    FILE = "file"


class SignIn(Struct, frozen=True, kw_only=True):
    """A sign-in at a platform."""

    key: Key
    place: Place


class Register:
    """The list, in the configuration folder."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is that of sign-ins (:func:`folder_of`)."""
        self._folder = folder
        self._path = folder / FILE_NAME

    @property
    def folder(self) -> Path:
        """Where sign-ins are kept, and locked."""
        return self._folder

    def find(self, origin: str, client_id: str | None = None) -> SignIn | None:
        """The sign-in at ``origin``: a person's, or a machine's where ``client_id`` is given.

        Raises:
            ContextError: the list cannot be read.
        """
        return next(
            (each for each in self.every() if each.key.origin == origin and each.key.client_id == client_id), None
        )

    def every(self) -> list[SignIn]:
        """All of them."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=list[SignIn])
        except FileNotFoundError:
            return []
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ContextError(
                f"{self._path} cannot be used: {error}. Which tokens are stored is not known without it. "
                "Mend its permissions, or remove it and sign in again with 'andon login'."
            ) from error

    def add(self, signin: SignIn) -> None:
        """Note a sign-in, in place of the one before at that origin."""
        self._change(signin.key.origin, signin.key.client_id, [signin])

    def remove(self, key: Key) -> None:
        """Strike a sign-in off."""
        if self.find(key.origin, key.client_id) is not None:
            self._change(key.origin, key.client_id, [])

    def lock_of(self, key: Key) -> Path:
        """The file to lock while the tokens of ``key`` are renewed."""
        import hashlib

        return self._folder / f"{hashlib.sha256(key.name.encode()).hexdigest()[:16]}.lock"

    def _change(self, origin: str, client_id: str | None, new: list[SignIn]) -> None:
        with locked(self._folder / f"{FILE_NAME}.lock"):
            others = [each for each in self.every() if (each.key.origin, each.key.client_id) != (origin, client_id)]
            self._write(others + new)

    def _write(self, signins: list[SignIn]) -> None:
        try:
            handle, name = tempfile.mkstemp(dir=self._folder, prefix=f".{FILE_NAME}.")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(msgspec.json.format(msgspec.json.encode(signins)))
                Path(name).replace(self._path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise NoStorage(
                f"{self._path} cannot be written: {error.strerror or error}. The list of sign-ins is unchanged. "
                "Mend the permissions of the folder, or point ANDON_CONFIG_DIR elsewhere."
            ) from error


def folder_of(environ: Mapping[str, str]) -> Path:
    """Where sign-ins are kept: below the configuration folder."""
    return config_folder(environ) / FOLDER


def store_at(place: Place, folder: Path) -> Store:
    """The store of that place.

    Raises:
        NoStorage: there is no keyring to use.
    """
    if place is Place.FILE:
        from platforms.signin.file_store import FileStore

        return FileStore(folder)
    from platforms.signin.keyring_store import open_keyring

    return open_keyring()
