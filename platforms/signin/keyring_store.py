"""Tokens in the system keyring: Secret Service, macOS Keychain, Windows Credential Manager."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

import msgspec
from msgspec import Struct

from platforms.errors import NoStorage
from platforms.signin.entries import Entry, Key

T = TypeVar("T")

SERVICE = "andon sign-in"

WINDOWS_LIMIT = 1200
"""Characters of one credential: Windows takes 2,560 bytes, and the keyring writes two for a character."""

_CLEAR_TEXT = ("keyrings.alt.", "keyring.backends.null.", "keyring.backends.fail.")
"""Backends that keep nothing, or keep it in clear text or under a password that they ask for in the terminal."""


class Backend(Protocol):
    """A keyring, as the package ``keyring`` has it."""

    def get_password(self, service: str, username: str) -> str | None:
        """What is stored."""
        ...

    def set_password(self, service: str, username: str, password: str) -> None:
        """Store it."""
        ...

    def delete_password(self, service: str, username: str) -> None:
        """Forget it."""
        ...


class _Parts(Struct, frozen=True, kw_only=True):
    """In place of an entry that is too long for one: how many parts it has, and what they have to hash to."""

    parts: int
    sha256: str


class KeyringStore:
    """Keeps each sign-in as one entry; in parts where the keyring takes only short ones."""

    def __init__(self, backend: Backend, limit: int | None = None) -> None:
        """``limit`` is the longest text that the backend takes, in characters; None is without limit."""
        self._backend = backend
        self._limit = limit

    @property
    def place(self) -> str:
        """The keyring."""
        return "the keyring"

    @property
    def backend_name(self) -> str:
        """The name of the backend."""
        return _name_of(self._backend)

    def load(self, key: Key) -> Entry | None:
        """The entry; None where there is none, or one that this version cannot read."""
        text = self.read_text(SERVICE, key.name)
        if text is None:
            return None
        if (parts := _as(text, _Parts)) is not None:
            whole = "".join(self.read_text(SERVICE, name) or "" for name in _names(key, parts))
            if hashlib.sha256(whole.encode()).hexdigest() != parts.sha256:
                return None
            text = whole
        return _as(text, Entry)

    def save(self, key: Key, entry: Entry) -> None:
        """Keep it; the parts before what names them, so that a crash leaves the old or the new one."""
        before = self.read_text(SERVICE, key.name)
        text = msgspec.json.encode(entry).decode()
        new: list[str] = []
        with self._troubles("written to"):
            if self._limit is not None and len(text) > self._limit:
                pieces = [text[at : at + self._limit] for at in range(0, len(text), self._limit)]
                parts = _Parts(parts=len(pieces), sha256=hashlib.sha256(text.encode()).hexdigest())
                new = list(_names(key, parts))
                for name, piece in zip(new, pieces, strict=True):
                    self._backend.set_password(SERVICE, name, piece)
                text = msgspec.json.encode(parts).decode()
            self._backend.set_password(SERVICE, key.name, text)
        self._forget_parts(key, before, keep=new)

    def delete(self, key: Key) -> None:
        """Forget it."""
        before = self.read_text(SERVICE, key.name)
        if before is None:
            return
        with self._troubles("written to"):
            self._backend.delete_password(SERVICE, key.name)
        self._forget_parts(key, before, keep=[])

    def read_text(self, service: str, name: str) -> str | None:
        """What is stored under a name; None where there is nothing.

        Raises:
            NoStorage: the keyring is locked, or gave no answer.
        """
        with self._troubles("read"):
            return self._backend.get_password(service, name)

    def _forget_parts(self, key: Key, before: str | None, keep: list[str]) -> None:
        old = None if before is None else _as(before, _Parts)
        for name in _names(key, old) if old else ():
            if name not in keep and self.read_text(SERVICE, name) is not None:
                with self._troubles("written to"):
                    self._backend.delete_password(SERVICE, name)

    @contextmanager
    def _troubles(self, what: str) -> Iterator[None]:
        try:
            yield
        except _expected() as error:
            raise NoStorage(
                f"The keyring cannot be {what}: {_first_line(error)}. Without it there is no safe place for tokens. "
                "Unlock it, or set ANDON_TOKEN; on a machine without one, 'andon login --insecure-storage' keeps them "
                "in a file."
            ) from error


def open_keyring() -> KeyringStore:
    """The machine's keyring.

    Raises:
        NoStorage: there is none, or one that is none.
    """
    # Imported late: looking for a backend takes longer than most commands.
    import keyring

    # The last three: PYTHON_KEYRING_BACKEND or a configuration names one that is not there, or does not work here.
    kinds: tuple[type[Exception], ...] = (*_expected(), ImportError, AttributeError, RuntimeError)
    try:
        backend = keyring.get_keyring()
    except kinds as error:
        raise _none(f"none could be opened ({_first_line(error)})") from error
    name = _name_of(backend)
    if name.startswith(_CLEAR_TEXT) or ".chainer." in name:
        raise _none(f"only {name} was found")
    return KeyringStore(backend, WINDOWS_LIMIT if name.startswith("keyring.backends.Windows.") else None)


def _name_of(backend: object) -> str:
    # A chain keeps things in its first link.
    first = next(iter(getattr(backend, "backends", [])), backend)
    return f"{type(first).__module__}.{type(first).__qualname__}"


def _none(why: str) -> NoStorage:
    return NoStorage(
        f"There is no keyring on this machine: {why}. Tokens are kept nowhere else unless you say so, and nothing was "
        "stored. Start a keyring service (Secret Service), set ANDON_TOKEN for each run, or accept a file that only "
        "its mode protects with 'andon login --insecure-storage'."
    )


def _expected() -> tuple[type[Exception], ...]:
    """What keyrings raise when they are locked, gone or full; their libraries are there on some systems only."""
    from keyring.errors import KeyringError

    kinds: list[type[Exception]] = [KeyringError, OSError]
    for module, name in (("secretstorage.exceptions", "SecretStorageException"), ("pywintypes", "error")):
        try:
            kinds.append(getattr(importlib.import_module(module), name))
        except ImportError:
            continue  # of another system
    return tuple(kinds)


def _names(key: Key, parts: _Parts) -> Iterator[str]:
    return (f"{key.name} {parts.sha256[:8]}.{number}" for number in range(parts.parts))


def _as(text: str, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Written by another version or another program: as good as not there, and the next sign-in writes it anew.
        return None


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
