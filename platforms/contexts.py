"""Which platform a command or the console works on, and with which token.

Address: flag, then environment, then the project's file (which may only *name* a context of the user), then the
user's current context, then the hub that says in its data folder where it answers, then the usual port of this
machine. A token belongs to an origin and is never sent to another one, so
that a file in a cloned repository can choose among the user's own platforms and nothing more.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from platforms import context_file
from platforms.context_file import Context, ContextFile
from platforms.errors import ContextError
from platforms.origins import Address, read_address
from transactions.untrusted import parse_json, parse_toml

DEFAULT_URL = "http://127.0.0.1:8470"
PROJECT_FILE = ".andon.toml"
_PROJECT_BYTES = 65_536
TOKEN_FILE = "bootstrap.token"  # noqa: S105  # a file name
RUNTIME_FILE = "runtime.json"

Keyring = Callable[[str], str | None]
"""Looks a stored token up by origin."""


class Choice(Struct, frozen=True, kw_only=True):
    """What was given on the command line."""

    context: str | None = None
    url: str | None = None
    read_only: bool = False


class Resolved(Struct, frozen=True, kw_only=True):
    """The platform to work on.

    Attributes:
        name: the context's name, or host and port where the address was given by itself.
        chosen_by: what decided: ``--url``, ``ANDON_CONTEXT``, a file's path …
        token: bearer token, None where there is none for this origin.
        token_from: where it came from, or why there is none.
    """

    name: str
    platform: str
    url: str
    production: bool
    read_only: bool
    colour: str | None
    ca: str | None
    chosen_by: str
    token: str | None
    token_from: str

    @property
    def address(self) -> Address:
        """The address taken apart."""
        return read_address(self.url, self.chosen_by)

    def __repr__(self) -> str:
        """Without the token: this ends up in logs."""
        return (
            f"Resolved({self.name!r}, url={self.url!r}, chosen_by={self.chosen_by!r}, token_from={self.token_from!r})"
        )


class _Selected(Struct, frozen=True, kw_only=True):
    name: str
    context: Context
    chosen_by: str


class _ProjectChoice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    context: str


def resolve(choice: Choice, environ: Mapping[str, str], folder: Path, keyring: Keyring | None = None) -> Resolved:
    """Decide which platform to work on, and find the token for it.

    Args:
        choice: what the command line says.
        environ: the environment.
        folder: where to look for a project's file, upward from here.
        keyring: looks stored tokens up; asked only where the environment has none.

    Raises:
        ContextError: a context that does not exist, a broken file, an address that is none.
    """
    explicit = _explicit(choice, environ)
    selected = explicit or _from_project(environ, folder) or _from_user(environ)
    address = read_address(selected.context.url, selected.chosen_by)
    token, token_from = _token(selected, address, explicit is not None, environ, keyring)
    return Resolved(
        name=selected.name,
        platform=selected.context.platform,
        url=address.url,
        production=selected.context.production,
        read_only=selected.context.read_only or choice.read_only,
        colour=selected.context.colour,
        ca=selected.context.ca,
        chosen_by=selected.chosen_by,
        token=token,
        token_from=token_from,
    )


def user_contexts(environ: Mapping[str, str]) -> ContextFile:
    """The user's contexts; raises ContextError where the file is broken."""
    return context_file.load(context_file.config_folder(environ))


def _explicit(choice: Choice, environ: Mapping[str, str]) -> _Selected | None:
    if choice.url is not None and choice.context is not None:
        raise ContextError(
            "--url and --context were both given. They may name two platforms, and only one can be meant. "
            "Leave one of them out."
        )
    if choice.url is not None:
        return _at(choice.url, "--url")
    if choice.context is not None:
        return _named(choice.context, "--context", environ)
    if environ.get("ANDON_URL"):
        # An address is more specific than a name, so it goes before ANDON_CONTEXT.
        return _at(environ["ANDON_URL"], "ANDON_URL")
    if environ.get("ANDON_CONTEXT"):
        return _named(environ["ANDON_CONTEXT"], "ANDON_CONTEXT", environ)
    return None


def _at(url: str, place: str) -> _Selected:
    address = read_address(url, place)
    return _Selected(name=f"{address.host}:{address.port}", context=Context(url=url), chosen_by=place)


def _named(name: str, place: str, environ: Mapping[str, str]) -> _Selected:
    return _Selected(name=name, context=user_contexts(environ).get(name, place), chosen_by=place)


def _from_project(environ: Mapping[str, str], folder: Path) -> _Selected | None:
    for place in (folder, *folder.parents):
        path = place / PROJECT_FILE
        if path.is_file():
            return _named(_project_choice(path), str(path), environ)
    return None


def _project_choice(path: Path) -> str:
    try:
        return msgspec.convert(parse_toml(_beginning(path)), _ProjectChoice).context
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ContextError(
            f"{path} cannot be used: {error}. A project's file may name one of your contexts and say nothing else. "
            'Write one line into it: context = "NAME". Or choose yourself with --context or --url.'
        ) from error


def _beginning(path: Path) -> str:
    """The text of a project's file: no more of it than anybody writes, as it came with somebody else's repository."""
    with path.open("rb") as file:
        return file.read(_PROJECT_BYTES).decode("utf-8")


def _from_user(environ: Mapping[str, str]) -> _Selected:
    contexts = user_contexts(environ)
    if contexts.current is not None:
        return _Selected(
            name=contexts.current, context=contexts.context[contexts.current], chosen_by="the current context"
        )
    folder = context_file.data_folder(environ)
    running = _running_hub(folder)
    if running is not None:
        return _Selected(name="local", context=Context(url=running), chosen_by=str(folder / RUNTIME_FILE))
    return _Selected(name="local", context=Context(url=DEFAULT_URL), chosen_by="the default")


class _Runtime(Struct, frozen=True, kw_only=True):
    url: str


def _running_hub(folder: Path) -> str | None:
    """Where the hub of a data folder answers; None where none runs there, or its folder is not this user's."""
    path = folder / RUNTIME_FILE
    try:
        return parse_json(path.read_bytes(), _Runtime).url
    except OSError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ContextError(
            f"{path} cannot be used: {error}. A hub writes it when it starts, to say where it answers. "
            "Start that hub again, or name the address with --url."
        ) from error


def _token(
    selected: _Selected, address: Address, explicit: bool, environ: Mapping[str, str], keyring: Keyring | None
) -> tuple[str | None, str]:
    given = environ.get("ANDON_TOKEN")
    if given:
        meant = _origin_of_environment_token(selected, explicit, environ)
        if meant == address.origin:
            return _checked(given.strip()), "ANDON_TOKEN"
        return None, (
            f"ANDON_TOKEN belongs to {meant} and is not sent to {address.origin}, which {selected.chosen_by} names"
        )
    missing = f"ANDON_TOKEN is not set, and no token is stored for {address.origin}"
    if address.loopback:
        # Before the keyring: it is there only while nobody has signed in yet, and a file is quicker to ask.
        token, missing = _bootstrap_token(context_file.data_folder(environ), address)
        if token is not None:
            return token, missing
    stored = keyring(address.origin) if keyring is not None else None
    return (None, missing) if stored is None else (stored, "the keyring")


def _checked(token: str) -> str:
    # Without the token in the message, as that may end up anywhere.
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ContextError(
            "ANDON_TOKEN is not a token: it has a space, a line break or a character that no token has. "
            "Nothing was sent. Set it again, to the token alone."
        )
    return token


def _origin_of_environment_token(selected: _Selected, explicit: bool, environ: Mapping[str, str]) -> str:
    """The origin that ANDON_TOKEN is for: ANDON_URL's where that is set, else the user's own choice."""
    if environ.get("ANDON_URL"):
        return read_address(environ["ANDON_URL"], "ANDON_URL").origin
    if explicit:
        return read_address(selected.context.url, selected.chosen_by).origin
    return read_address(_from_user(environ).context.url, "the current context").origin


def _bootstrap_token(folder: Path, address: Address) -> tuple[str | None, str]:
    path = folder / TOKEN_FILE
    running = _running_hub(folder)
    if running is not None and read_address(running, str(folder / RUNTIME_FILE)).port != address.port:
        # Whoever listens on another port of this machine may be anybody.
        return None, f"ANDON_TOKEN is not set, and the token in {path} is for the hub at {running}"
    try:
        return path.read_text(encoding="ascii").strip(), str(path)
    except FileNotFoundError:
        return (
            None,
            f"ANDON_TOKEN is not set, and there is no {path}, which a hub on this machine writes when it starts",
        )
    except (OSError, UnicodeDecodeError) as error:
        return None, f"ANDON_TOKEN is not set, and {path} cannot be read: {error}"
