"""Secrets by reference: configuration says where one is, and never what it is."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from platforms.errors import ContextError

SERVICE = "andon"
"""Under which a ``keyring:NAME`` is looked up: ``keyring set andon NAME`` puts it there."""

_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+|keyring:\S+")
_WAYS = "env:NAME (an environment variable), file:PATH (mode 0600) or keyring:NAME"


def check_reference(reference: str, place: str) -> None:
    """Refuse what is not a reference; it may be the secret itself, so it is not repeated.

    Raises:
        ContextError: it is none.
    """
    if _REFERENCE.fullmatch(reference) is None:
        raise ContextError(
            f"{place} does not say where the secret is. If it is the secret itself, it lies around in clear text now: "
            f"have it changed. Write a reference instead: {_WAYS}."
        )


def read_secret(reference: str, environ: Mapping[str, str], folder: Path) -> str:
    """The secret that a reference leads to.

    Args:
        reference: ``env:NAME``, ``file:PATH`` or ``keyring:NAME``.
        environ: the environment.
        folder: where a relative path begins.

    Raises:
        ContextError: there is none, or others could read it.
    """
    check_reference(reference, "client_secret")
    way, _, name = reference.partition(":")
    match way:
        case "env":
            secret = environ.get(name, "")
            if not secret:
                raise ContextError(
                    f"The environment variable {name} is not set, and client_secret names it. Nothing was sent. "
                    "Set it, or have client_secret name another place."
                )
        case "file":
            secret = _from_file(folder / Path(name).expanduser())
        case _:
            secret = _from_keyring(name)
    return secret.strip("\r\n")


def check_private(path: Path, mode: int, owner: int, what: str) -> None:
    """Refuse a file that others may read.

    Args:
        path: of the file.
        mode: of the open file, as ``st_mode``.
        owner: of the open file, as ``st_uid``.
        what: what is in it, for the message.

    Raises:
        ContextError: they may.
    """
    if os.name == "nt":
        return  # Windows has no modes; what the user's own folder allows holds.
    if stat.S_IMODE(mode) & 0o077:
        raise ContextError(
            f"{path} may be read by others (mode {stat.S_IMODE(mode):04o}), and {what}. It was not used. "
            f"Have what was in it changed, then: chmod 600 {path}"
        )
    if owner not in (os.geteuid(), 0):
        raise ContextError(
            f"{path} belongs to another user, and {what}. It was not used. Make a file of your own, with mode 0600."
        )


def _from_file(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            found = os.fstat(file.fileno())
            check_private(path, found.st_mode, found.st_uid, "there is a secret in it")
            secret = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise ContextError(
            f"The secret in {path} cannot be read: {getattr(error, 'strerror', None) or error}. Nothing was sent. "
            "Write it there with mode 0600, or have client_secret name another place."
        ) from error
    if not secret.strip():
        raise ContextError(f"{path} is empty, and client_secret names it. Nothing was sent. Write the secret into it.")
    return secret


def _from_keyring(name: str) -> str:
    from platforms.signin.keyring_store import open_keyring

    secret = open_keyring().read_text(SERVICE, name)
    if not secret:
        raise ContextError(
            f"There is no secret {name!r} in the keyring, and client_secret names it. Nothing was sent. "
            f"Put it there with: keyring set {SERVICE} {name}"
        )
    return secret
