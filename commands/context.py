"""``andon context``: the platforms you work with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from msgspec import Struct

from commands import completing
from commands.app import Noun
from commands.exits import Usage
from commands.output import Column, Detail, Listing
from commands.session import Session, session_of
from commands.terminal import Look, plain
from platforms.context_file import Context, ContextFile, config_folder, load, save
from platforms.contexts import Resolved
from platforms.errors import ContextError
from platforms.origins import read_address
from platforms.secrets import check_reference
from platforms.signin.metadata import check_secure
from transactions.errors import NotFound, Refused

app = Noun(help="The platforms you work with, and which one is current.")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")

Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="Name of a context.", autocompletion=completing.contexts, show_default=False),
]


class Shown(Struct, frozen=True, kw_only=True):
    """A context in a list; ``client_secret`` says where the secret is, never what it is."""

    name: str
    current: bool
    platform: str
    url: str
    production: bool
    read_only: bool
    colour: str | None
    ca: str | None
    issuer: str | None
    client_id: str | None
    client_secret: str | None
    scopes: list[str]
    audit_key: str | None


class InUse(Struct, frozen=True, kw_only=True):
    """The platform that commands work on now, and why; never with the token."""

    name: str
    platform: str
    url: str
    production: bool
    read_only: bool
    colour: str | None
    ca: str | None
    chosen_by: str
    issuer: str | None
    client_id: str | None
    client_secret: str | None
    scopes: list[str]
    audit_key: str | None
    token: bool
    token_from: str


COLUMNS: tuple[Column, ...] = (
    Column("", lambda c, _: "●" if c.current else " ", style=lambda _: "green"),
    Column("name", lambda c, _: c.name),
    Column("platform", lambda c, _: c.platform),
    Column("url", lambda c, _: c.url, give=1),
    Column("", lambda c, _: ", ".join(marks(c)), style=lambda _: "yellow"),
)


def marks(context: Shown | InUse) -> list[str]:
    """What to be warned of."""
    return [word for word, on in (("production", context.production), ("read-only", context.read_only)) if on]


@app.verb("list")
def list_(ctx: typer.Context) -> None:
    """Every context; a dot marks the current one."""
    session = session_of(ctx)
    contexts = _load(session)
    session.show(
        Listing(
            of=Shown,
            items=[_shown(name, contexts) for name in sorted(contexts.context)],
            columns=COLUMNS,
            empty="There are no contexts. Add one: andon context add NAME --url URL",
            identify=lambda each: each.name,
        )
    )


@app.verb()
def use(ctx: typer.Context, name: Name) -> None:
    """Make a context the current one."""
    session = session_of(ctx)
    contexts = _load(session)
    _known(contexts, name)
    _save(session, msgspec.structs.replace(contexts, current=name))
    session.note(f"{name} is current: {contexts.context[name].url}")


@app.verb()
def add(
    ctx: typer.Context,
    name: Name,
    # --url is a global option too; here it is the new context's address.
    platform: Annotated[str, typer.Option("--platform", metavar="KIND", help="What kind of platform it is.")] = "hub",
    production: Annotated[
        bool, typer.Option("--production", help="Show a banner; ask for a typed confirmation.")
    ] = False,
    colour: Annotated[
        str | None,
        typer.Option("--colour", metavar="COLOUR", help="Colour of its name in the console: red, or #cc3300."),
    ] = None,
    ca: Annotated[
        Path | None, typer.Option("--ca", metavar="FILE", help="Trust the certificates in this file alone.")
    ] = None,
    issuer: Annotated[
        str | None, typer.Option("--issuer", metavar="URL", help="Trust tokens of this issuer alone.")
    ] = None,
    client_id: Annotated[
        str | None, typer.Option("--client-id", metavar="ID", help="The client to name at the issuer.")
    ] = None,
    client_secret: Annotated[
        str | None,
        typer.Option(
            "--client-secret",
            metavar="REFERENCE",
            help="Where the secret of a machine's client is: env:NAME, file:PATH or keyring:NAME.",
        ),
    ] = None,
    scope: Annotated[
        list[str] | None, typer.Option("--scope", metavar="SCOPE", help="Ask the issuer for this; repeatable.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Write over one of that name.")] = False,
) -> None:
    """Add a context; --url is its address. With --read-only, nothing is ever changed through it. The first one
    becomes current."""
    session = session_of(ctx)
    url = session.options.url
    if url is None:
        raise Usage("A context wants an address, and none was given. Nothing was done. Add --url URL.")
    if not _NAME.fullmatch(name):
        raise Usage(
            f"{name!r} cannot name a context. Nothing was done. "
            "Use up to 64 letters, digits, hyphens and underscores, beginning with a letter or digit."
        )
    if platform != "hub":
        raise Usage(f"{platform!r} is not a platform this version knows. Nothing was done. Known is: hub.")
    address = read_address(url, "--url")
    contexts = _load(session)
    if name in contexts.context and not replace:
        raise Refused(
            f"There is a context {name!r} already, at {contexts.context[name].url}. Nothing was changed. "
            "Add --replace to write over it, or choose another name."
        )
    if client_secret is not None:
        check_secret_reference(client_secret)
        if client_id is None:
            raise Usage("--client-secret wants a --client-id, whose secret it is. Nothing was done. Add it.")
    if issuer is not None:
        check_secure(issuer, "the issuer")
    if colour is not None:
        _check_colour(colour)
    before = contexts.context.get(name)
    added = Context(
        platform="hub",
        url=address.url,
        production=production,
        read_only=session.options.read_only,
        colour=colour,
        ca=None if ca is None else str(ca.resolve()),
        issuer=issuer,
        client_id=client_id,
        client_secret=client_secret,
        scopes=scope or [],
        # The same platform has the same audit; to trust another key is said to 'andon audit key' alone.
        audit_key=before.audit_key if before is not None and before.url == address.url else None,
    )
    _save(session, ContextFile(current=contexts.current or name, context={**contexts.context, name: added}))
    session.note(f"{name} was added: {address.url}")
    if address.scheme == "http" and not address.loopback:
        session.stderr.write(
            f"WARNING: {plain(address.url)} is plain HTTP. Whoever is on the way can read the token, act in your name, "
            "and change what you see. Put the platform behind https, and add it again with --replace.\n"
        )
    if contexts.current not in (None, name):
        session.note(f"{contexts.current} is current still; to work on this one: andon context use {name}")


@app.verb()
def remove(ctx: typer.Context, name: Name) -> None:
    """Forget a context."""
    session = session_of(ctx)
    contexts = _load(session)
    _known(contexts, name)
    left = {key: value for key, value in contexts.context.items() if key != name}
    current = None if contexts.current == name else contexts.current
    _save(session, ContextFile(current=current, context=left))
    origin = read_address(contexts.context[name].url, name).origin
    if origin not in {read_address(each.url, "").origin for each in left.values()} and _stored(session, origin):
        session.note(f"Its tokens are still stored. Remove them with: andon logout --url {origin}")
    session.note(f"{name} was removed." + ("" if current else " No context is current now."))


@app.verb()
def show(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="The one in use, unless told.", autocompletion=completing.contexts),
    ] = None,
) -> None:
    """The platform that commands work on now, and what decided that; or a context by name."""
    session = session_of(ctx)
    if name is not None:
        contexts = _load(session)
        _known(contexts, name)
        shown = _shown(name, contexts)
        session.show(Detail(value=shown, human=lambda look: _facts(shown, look), identify=lambda each: each.name))
        return
    used = in_use(session.resolved)
    session.show(Detail(value=used, human=lambda look: _facts(used, look), identify=lambda each: each.name))


def in_use(resolved: Resolved) -> InUse:
    """What may be shown of a resolved context."""
    of_context = {"issuer", "client_id", "client_secret", "scopes", "audit_key"}
    fields = {name: getattr(resolved, name) for name in InUse.__struct_fields__ if name not in {"token", *of_context}}
    context = resolved.context or Context(url=resolved.url)
    return InUse(**fields, **{name: getattr(context, name) for name in of_context}, token=resolved.signed_in)


def check_secret_reference(reference: str) -> None:
    """Refuse a secret on the command line, without repeating it.

    Raises:
        Usage: it says no place where a secret could be.
    """
    try:
        check_reference(reference, "--client-secret")
    except ContextError as error:
        raise Usage(
            "--client-secret takes a place, and this is none: env:NAME, file:PATH or keyring:NAME. Nothing was stored. "
            "If it was the secret itself, it is in your shell's history now: have it changed."
        ) from error


def _check_colour(colour: str) -> None:
    """Refuse what the console could not draw."""
    from textual.color import Color, ColorParseError

    try:
        Color.parse(colour)
    except ColorParseError as error:
        raise Usage(
            f"{colour!r} is no colour. Nothing was done. Give a name like red or orange, or #rrggbb."
        ) from error


def _facts(shown: Shown | InUse, look: Look) -> str:
    rows = [(name.replace("_", " "), _told(getattr(shown, name))) for name in shown.__struct_fields__]
    return "\n".join(f"{look.paint(f'{label:<15}', 'dim')}{plain(text)}" for label, text in rows if text)


def _told(value: str | bool | list[str] | None) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return " ".join(value)
        case _:
            return value or ""


def _shown(name: str, contexts: ContextFile) -> Shown:
    context = contexts.context[name]
    fields = {field: getattr(context, field) for field in Context.__struct_fields__}
    return Shown(name=name, current=name == contexts.current, **fields)


def _known(contexts: ContextFile, name: str) -> None:
    if name not in contexts.context:
        known = ", ".join(sorted(contexts.context))
        advice = f"Known are: {known}." if known else "There are none yet: andon context add NAME --url URL"
        raise NotFound(f"There is no context {name!r}. Nothing was changed. {advice}")


def _stored(session: Session, origin: str) -> bool:
    from platforms.signin.register import Register, folder_of

    return Register(folder_of(session.environ)).find(origin) is not None


def _load(session: Session) -> ContextFile:
    return load(config_folder(session.environ))


def _save(session: Session, contexts: ContextFile) -> None:
    save(config_folder(session.environ), contexts)
