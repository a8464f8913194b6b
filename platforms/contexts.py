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
from platforms.bearer import Tokens
from platforms.context_file import Context, ContextFile
from platforms.errors import ContextError
from platforms.origins import Address, read_address
from transactions.untrusted import parse_json, parse_toml

DEFAULT_URL = "http://127.0.0.1:8470"
PROJECT_FILE = ".andon.toml"
_PROJECT_BYTES = 4_096
TOKEN_FILE = "bootstrap.token"  # noqa: S105  # a file name
RUNTIME_FILE = "runtime.json"


class Found(Struct, frozen=True, kw_only=True):
    """A token that was found, or why there is none.

    Attributes:
        token: as it is now; None where there is none, or where it is got when it is wanted.
        tokens: renews it; None where it stays as it is.
        token_from: where it came from, or why there is none.
        warning: what to say loudly whenever it is used.
    """

    token: str | None = None
    tokens: Tokens | None = None
    token_from: str
    warning: str | None = None


SignedIn = Callable[[Address, Context], Found | None]
"""Looks a stored sign-in up, for an address and what its context says of signing in."""


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
        token: bearer token, None where there is none for this origin, or where it is got when it is wanted.
        token_from: where it came from, or why there is none.
        tokens: renews the token while the session lasts; None where it stays as it is.
        warning: what to say loudly of where the token came from.
        context: what the user's file says of it, also of signing in.
        named: whether it is one of the user's contexts, so that what is learnt can be written there.
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
    tokens: Tokens | None = None
    warning: str | None = None
    context: Context | None = None
    named: bool = False

    @property
    def signed_in(self) -> bool:
        """Whether requests go out with a token."""
        return self.token is not None or self.tokens is not None

    @property
    def renews(self) -> bool:
        """Whether a token that ends is followed by another without anybody signing in again."""
        return self.tokens is not None and self.tokens.renews

    @property
    def looks_again(self) -> bool:
        """Whether a new sign-in is taken up while the session lasts; else the session keeps the token it began with."""
        return self.tokens is not None

    @property
    def address(self) -> Address:
        """The address taken apart."""
        return read_address(self.url, self.chosen_by)

    @property
    def in_clear(self) -> str | None:
        """What to say loudly where the token travels in clear text; None where it does not."""
        if not self.signed_in or self.address.scheme == "https" or self.address.loopback:
            return None
        return (
            f"WARNING: {self.url} is plain HTTP. Whoever is on the way can read the token, act in your name, and "
            "change what you see. Put the platform behind https."
        )

    def __repr__(self) -> str:
        """Without the token: this ends up in logs."""
        return (
            f"Resolved({self.name!r}, url={self.url!r}, chosen_by={self.chosen_by!r}, token_from={self.token_from!r})"
        )


class _Selected(Struct, frozen=True, kw_only=True):
    name: str
    context: Context
    chosen_by: str
    named: bool = False


class _ProjectChoice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    context: str


def resolve(choice: Choice, environ: Mapping[str, str], folder: Path, signed_in: SignedIn | None = None) -> Resolved:
    """Decide which platform to work on, and find the token for it.

    Args:
        choice: what the command line says.
        environ: the environment.
        folder: where to look for a project's file, upward from here.
        signed_in: looks stored sign-ins up; asked only where the environment has no token.

    Raises:
        ContextError: a context that does not exist, a broken file, an address that is none.
    """
    explicit = _explicit(choice, environ)
    selected = explicit or _from_project(environ, folder) or _from_user(environ)
    address = read_address(selected.context.url, selected.chosen_by)
    found = _token(selected, address, explicit is not None, environ, signed_in)
    return Resolved(
        name=selected.name,
        platform=selected.context.platform,
        url=address.url,
        production=selected.context.production,
        read_only=selected.context.read_only or choice.read_only,
        colour=selected.context.colour,
        ca=selected.context.ca,
        chosen_by=selected.chosen_by,
        token=found.token,
        token_from=found.token_from,
        tokens=found.tokens,
        warning=found.warning,
        context=selected.context,
        named=selected.named,
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
    return _Selected(name=name, context=user_contexts(environ).get(name, place), chosen_by=place, named=True)


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
    """The text of a project's file: no more of it than anybody writes, as it came with somebody else's repository (and
    the time to read a key with dots in it grows with the square of them)."""
    with path.open("rb") as file:
        return file.read(_PROJECT_BYTES).decode("utf-8")


def _from_user(environ: Mapping[str, str]) -> _Selected:
    contexts = user_contexts(environ)
    if contexts.current is not None:
        return _Selected(
            name=contexts.current,
            context=contexts.context[contexts.current],
            chosen_by="the current context",
            named=True,
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
    selected: _Selected, address: Address, explicit: bool, environ: Mapping[str, str], signed_in: SignedIn | None
) -> Found:
    given = environ.get("ANDON_TOKEN")
    if given:
        meant = _origin_of_environment_token(selected, explicit, environ)
        if meant == address.origin:
            return Found(token=_checked(given.strip()), token_from="ANDON_TOKEN")  # noqa: S106  # a name
        return Found(
            token_from=f"ANDON_TOKEN belongs to {meant} and is not sent to {address.origin}, "
            f"which {selected.chosen_by} names"
        )
    # Before the bootstrap token, which is everybody's on this machine: who has signed in acts in their own name.
    found = signed_in(address, selected.context) if signed_in is not None else None
    if found is not None:
        return found
    if address.loopback:
        return _bootstrap_token(context_file.data_folder(environ), address)
    return Found(token_from=f"ANDON_TOKEN is not set, and nobody has signed in at {address.origin} with 'andon login'")


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


def _bootstrap_token(folder: Path, address: Address) -> Found:
    path = folder / TOKEN_FILE
    running = _running_hub(folder)
    none = "ANDON_TOKEN is not set, nobody has signed in with 'andon login'"
    if running is not None and read_address(running, str(folder / RUNTIME_FILE)).port != address.port:
        # Whoever listens on another port of this machine may be anybody.
        return Found(token_from=f"{none}, and the token in {path} is for the hub at {running}")
    try:
        return Found(token=path.read_text(encoding="ascii").strip(), token_from=str(path))
    except FileNotFoundError:
        when = "which a hub on this machine writes when it starts"
        if running is not None:
            when = "which the hub on this machine takes away once it has an admin or an identity provider"
        return Found(token_from=f"{none}, and there is no {path}, {when}")
    except (OSError, UnicodeDecodeError) as error:
        return Found(token_from=f"{none}, and {path} cannot be read: {error}")
