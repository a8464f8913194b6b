"""The user's contexts on disk: one TOML file in the configuration folder, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from platforms.errors import ContextError
from platforms.origins import read_address
from platforms.secrets import check_reference
from transactions.untrusted import parse_toml

FILE_NAME = "contexts.toml"


class Context(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How one platform is reached, and how one signs in there. Never with a token or a secret in it.

    Attributes:
        platform: what kind of platform it is.
        url: where its admin API is.
        production: the console shows a banner and wants a typed confirmation.
        read_only: nothing is changed through this context.
        colour: accent colour in the console.
        ca: file with the certificates to trust instead of the machine's own; for the issuer, beside the machine's own.
        issuer: who makes tokens for it; written at the first sign-in, and no other is trusted after that.
        client_id: the client to name at the issuer, where it is not the one that the platform says.
        client_secret: where that client's secret is: ``env:NAME``, ``file:PATH`` or ``keyring:NAME``. With it, commands
            get tokens by client credentials.
        scopes: what to ask the issuer for, where it is not what the platform says.
        audit_key: the key that exports of its audit chain are held against: ``PLATFORM ed25519 KEY``.
    """

    platform: Literal["hub"] = "hub"
    url: str
    production: bool = False
    read_only: bool = False
    colour: str | None = None
    ca: str | None = None
    issuer: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    scopes: list[str] = []
    audit_key: str | None = None


class ContextFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All contexts of a user, and which one is current."""

    current: str | None = None
    context: dict[str, Context] = msgspec.field(default_factory=dict)

    def get(self, name: str, place: str) -> Context:
        """The context ``name``, which was named at ``place``.

        Raises:
            ContextError: there is none of that name.
        """
        if name in self.context:
            return self.context[name]
        near = get_close_matches(name, self.context, n=1)
        known = f"Known are: {', '.join(sorted(self.context))}." if self.context else "There are no contexts yet."
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ContextError(
            f"{place} names the context {name!r}, and there is none of that name.{hint} {known} "
            f"Add it with 'andon context add {name} --url URL', or pick one with 'andon context use NAME'."
        )


def config_folder(environ: Mapping[str, str]) -> Path:
    """Where the configuration is: ``ANDON_CONFIG_DIR``, else the platform's own place for it."""
    given = environ.get("ANDON_CONFIG_DIR")
    if given:
        return Path(given)
    # Imported late: with ANDON_URL and ANDON_TOKEN set nothing on disk is looked at.
    from platformdirs import user_config_dir

    return Path(user_config_dir("andon", appauthor=False))


def data_folder(environ: Mapping[str, str]) -> Path:
    """Where a hub on this machine keeps its data: ``ANDON_DATA_DIR``, else the platform's own place for it."""
    given = environ.get("ANDON_DATA_DIR")
    if given:
        return Path(given)
    from platformdirs import user_data_dir

    return Path(user_data_dir("andon", appauthor=False))


def load(folder: Path) -> ContextFile:
    """Read the contexts; none where there is no file.

    Raises:
        ContextError: the file cannot be read, or says something it cannot say.
    """
    path = folder / FILE_NAME
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return ContextFile()
    except OSError as error:
        raise ContextError(
            f"The contexts in {path} cannot be read: {error.strerror or error}. No context is known without it. "
            "Mend the permissions of the file, or point ANDON_CONFIG_DIR elsewhere."
        ) from error
    try:
        return read(parse_toml(raw.decode()), path)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ContextError(
            f"{path} is not valid TOML: {error}. No context is known without it. "
            "Mend that place, or move the file away."
        ) from error


def read(data: dict[str, Any], path: Path) -> ContextFile:
    """Check what was read from ``path``.

    Raises:
        ContextError: an unknown or wrong setting, an address that is none, a current context that does not exist.
    """
    try:
        contexts = msgspec.convert(data, ContextFile)
    except msgspec.ValidationError as error:
        raise ContextError(
            f"{path} has a setting that cannot be used: {error}. No context is known without it. "
            f"A context may have: {', '.join(Context.__struct_fields__)}."
        ) from error
    for name, context in contexts.context.items():
        read_address(context.url, f"{path}: context.{name}.url")
        if context.audit_key is not None:
            _check_pin(context.audit_key, f"{path}: context.{name}.audit_key")
        if context.client_secret is not None:
            check_reference(context.client_secret, f"{path}: context.{name}.client_secret")
        if context.client_secret is not None and context.client_id is None:
            raise ContextError(
                f"{path}: context.{name} has a client_secret and no client_id. The secret is nobody's without it. "
                "Add the client_id, or take the client_secret away."
            )
    if contexts.current is not None:
        contexts.get(contexts.current, f"{path}: current")
    return contexts


def _check_pin(text: str, place: str) -> None:
    from transactions.audit_key import read_pin

    try:
        read_pin(text)
    except ValueError as error:
        raise ContextError(
            f"{place} is not the key of an audit chain: {error}. No context is known without it. "
            "Take that line away, and pin the key again: andon audit key --pin"
        ) from error


def save(folder: Path, contexts: ContextFile) -> None:
    """Write the contexts: into a file beside it, then over it, so that a crash leaves the old or the new one.

    Raises:
        ContextError: the folder cannot be written to.
    """
    import tomli_w

    path = folder / FILE_NAME
    data = msgspec.to_builtins(contexts)
    text = tomli_w.dumps({key: value for key, value in data.items() if value})
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=f".{FILE_NAME}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ContextError(
            f"The contexts cannot be written to {path}: {error.strerror or error}. What was there before is unchanged. "
            "Mend the permissions of the folder, or point ANDON_CONFIG_DIR elsewhere."
        ) from error
