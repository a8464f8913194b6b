"""``andon login``: sign in at a platform, and keep the tokens in the keyring."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from typing import Annotated

import msgspec
import typer
from msgspec import Struct

from commands.app import Word
from commands.browsing import open_page
from commands.exits import Usage
from commands.output import Detail
from commands.session import Session, session_of
from commands.terminal import Look, plain
from platforms.bearer import Fixed
from platforms.context_file import Context
from platforms.errors import SignInFailed, UntrustedIssuer
from platforms.hub import server
from platforms.signin import device
from platforms.signin.agreement import agree, pin
from platforms.signin.asking import Asker
from platforms.signin.entries import Entry, Key, Store, entry_of
from platforms.signin.finding import machine_client
from platforms.signin.grants import Client, by_client_credentials
from platforms.signin.metadata import CLIENT_ID, SCOPES, ResourceMetadata, issuer_of, resource_of
from platforms.signin.register import Place, Register, SignIn, folder_of, store_at
from transactions.errors import Unauthenticated
from transactions.landscape import WhoAmI

app = Word()

_LONGEST_TOKEN = 32_768


class SignedIn(Struct, frozen=True, kw_only=True):
    """Who has signed in, where, and where the tokens are; never with a token.

    Attributes:
        issuer: who made the token; None where the platform did itself.
        renewed: whether andon renews the token by itself.
    """

    context: str
    url: str
    subject: str
    name: str | None
    roles: list[str]
    issuer: str | None
    expires_at: datetime | None
    renewed: bool
    stored_in: str


@app.verb()
def login(
    ctx: typer.Context,
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Take a token from standard input, as a platform or issuer gave it.")
    ] = False,
    client_credentials: Annotated[
        bool, typer.Option("--client-credentials", help="Sign in as the context's client, as a machine does.")
    ] = False,
    insecure_storage: Annotated[
        bool, typer.Option("--insecure-storage", help="Keep tokens in a file; for machines without a keyring.")
    ] = False,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address to open.")] = False,
    accept_issuer: Annotated[
        bool, typer.Option("--accept-issuer", help="Trust the issuer that the platform names now.")
    ] = False,
) -> None:
    """Sign in with a code in the browser, with a token, or as a machine. Tokens are kept in the system keyring."""
    session = session_of(ctx)
    if token_stdin and client_credentials:
        raise Usage(
            "--token-stdin and --client-credentials are two ways of signing in. Nothing was done. Leave one out."
        )
    SigningIn(session, insecure=insecure_storage, browser=not no_browser).run(
        token_stdin=token_stdin, client_credentials=client_credentials, accept_issuer=accept_issuer
    )


class SigningIn:
    """One sign-in: what was agreed on first, then the tokens, then a look whether the platform takes them."""

    def __init__(self, session: Session, *, insecure: bool, browser: bool) -> None:
        self._session = session
        self._resolved = session.resolved
        self._context = self._resolved.context or Context(url=self._resolved.url)
        self._address = self._resolved.address
        self._register = Register(folder_of(session.environ))
        self._place = Place.FILE if insecure else Place.KEYRING
        self._browser = browser

    def run(self, *, token_stdin: bool, client_credentials: bool, accept_issuer: bool) -> None:
        """Sign in; raises an AndonError where that did not work, and leaves what was stored before."""
        if self._context.client_secret is not None:
            if token_stdin:
                raise Usage(
                    f"The context {self._resolved.name} signs in as the client {self._context.client_id}, and a token "
                    "given to it would never be used. Nothing was done. Use another context, or leave it out."
                )
            client_credentials = True
        store = store_at(self._place, self._register.folder)
        client_id = self._context.client_id if client_credentials else None
        # Also whether it can be read: nobody should sign in elsewhere for nothing.
        store.load(Key(origin=self._address.origin, client_id=client_id))
        metadata = resource_of(self._address, self._context.ca)
        issuer = agree(
            metadata,
            self._context.issuer,
            self._register.find(self._address.origin, client_id),
            accept=accept_issuer,
            address=self._address.url,
        )
        if client_credentials:
            entry, issuer = self._as_machine(issuer)
        elif token_stdin:
            entry = Entry(access_token=_checked(sys.stdin.read(_LONGEST_TOKEN)))
        elif issuer is None:
            entry = Entry(access_token=self._asked())
        else:
            assert metadata is not None
            entry = self._by_device(issuer, metadata)
        self._finish(store, Key(origin=self._address.origin, issuer=issuer, client_id=client_id), entry)

    def _by_device(self, issuer: str, metadata: ResourceMetadata) -> Entry:
        if self._address.scheme != "https" and not self._address.loopback:
            raise UntrustedIssuer(
                f"{self._address.url} is plain HTTP, so anybody on the way could have named the issuer {issuer}. "
                "Nobody was signed in. Put the platform behind https."
            )
        session, context = self._session, self._context
        client = Client(
            id=context.client_id or metadata.andon_client_id or CLIENT_ID,
            resource=metadata.indicated,
            scopes=tuple(context.scopes or (metadata.andon_scopes or " ".join(SCOPES)).split()),
        )
        asker = Asker(context.ca)
        # Shown before anybody types a password: this is what is being agreed on.
        self._say(f"{self._address.url} has people sign in at {issuer}")
        known = issuer_of(issuer, context.ca)
        code = device.begin(asker, known, client)
        look = session.look_err()
        page, typed = look.paint(plain(code.verification_uri), "bold"), look.paint(plain(code.user_code), "bold")
        session.stderr.write(f"Open {page} and enter the code {typed}\n")
        if code.link != code.verification_uri:
            self._say(f"  or open {code.link} and compare the code")
        if self._browser and session.interactive and open_page(code.link, session.environ):
            self._say("Your browser was asked to open it.")
        self._say(f"Waiting for the sign-in there, for up to {code.expires_in / 60:.0f} min. Ctrl+C ends it.")
        granted = device.wait(asker, known, client, code, sleep=session.sleep, monotonic=time.monotonic)
        return entry_of(granted, client_id=client.id, resource=client.resource, now=session.clock.now())

    def _as_machine(self, issuer: str | None) -> tuple[Entry, str]:
        client = machine_client(self._address, self._context, self._session.environ)
        if issuer is None:
            raise SignInFailed(
                f"{self._address.url} names no issuer: it makes tokens itself, and knows no clients. "
                "Nobody was signed in. Give it the token of a user: andon login --token-stdin"
            )
        if self._address.scheme != "https" and not self._address.loopback and self._context.issuer is None:
            raise UntrustedIssuer(
                f"{self._address.url} is plain HTTP, so anybody on the way could have named the issuer {issuer}. "
                "The secret was not sent. Name the issuer in the context yourself, or put the platform behind https."
            )
        self._say(f"{self._address.url} has machines sign in at {issuer}")
        granted = by_client_credentials(Asker(self._context.ca), issuer_of(issuer, self._context.ca), client)
        return entry_of(granted, client_id=client.id, resource=client.resource, now=self._session.clock.now()), issuer

    def _asked(self) -> str:
        if not sys.stdin.isatty():
            raise Usage(
                f"{self._address.url} makes tokens itself, and there is no terminal to ask for one. Nothing was done. "
                "Pass it on standard input: andon login --token-stdin"
            )
        import getpass

        self._say(f"{self._address.url} makes tokens itself: an admin gets yours with 'andon hub users token NAME'.")
        # On the terminal itself, not echoed, and never on stdout.
        return _checked(getpass.getpass("Token (not shown): "))

    def _finish(self, store: Store, key: Key, entry: Entry) -> None:
        who = self._ask_who(entry)
        if entry.expires_at is None:
            entry = msgspec.structs.replace(entry, expires_at=who.expires_at)
        before = self._register.find(key.origin, key.client_id)
        store.save(key, entry)
        self._register.add(SignIn(key=key, place=self._place))
        if before is not None and (before.key, before.place) != (key, self._place):
            # Of another issuer, or in the place it was kept in before: nothing will ask for it again.
            store_at(before.place, self._register.folder).delete(before.key)
        if pin(self._resolved, key.issuer, self._session.environ) and key.issuer is not None:
            self._say(f"From now on the context {self._resolved.name} trusts {key.issuer} alone.")
        if self._place is Place.FILE:
            self._session.stderr.write(
                f"andon: WARNING: tokens are kept in clear text in {plain(store.place)}. Whoever can read that file "
                "can act in your name. 'andon logout' removes them.\n"
            )
        if self._session.environ.get("ANDON_TOKEN"):
            self._session.stderr.write("andon: ANDON_TOKEN is set and goes before what was stored now. Unset it.\n")
        self._show(who, key, entry, store.place)

    def _ask_who(self, entry: Entry) -> WhoAmI:
        from platforms.synchronous import SyncClient

        with SyncClient(
            msgspec.structs.replace(self._resolved, token=None, tokens=Fixed(entry.access_token)),
            sleep=self._session.sleep,
        ) as client:
            try:
                return client.send(server.whoami())
            except Unauthenticated as error:
                raise SignInFailed(
                    f"{self._address.url} does not take the token: {error.detail.split('. ')[0].rstrip('.')}. "
                    "Nothing was stored. Check that it is whole, not expired, and made for this platform."
                ) from error

    def _show(self, who: WhoAmI, key: Key, entry: Entry, place: str) -> None:
        signed_in = SignedIn(
            context=self._resolved.name,
            url=self._resolved.url,
            subject=who.subject,
            name=who.name,
            roles=who.roles,
            issuer=key.issuer,
            expires_at=who.expires_at or entry.expires_at,
            renewed=entry.refresh_token is not None or key.client_id is not None,
            stored_in=place,
        )
        self._session.show(
            Detail(
                value=signed_in,
                human=lambda look: describe(signed_in, look),
                identify=lambda each: each.subject,
            )
        )

    def _say(self, text: str) -> None:
        # Also with --quiet: without it nobody can sign in, or knows whom was trusted.
        self._session.stderr.write(f"{plain(text)}\n")
        self._session.stderr.flush()


def describe(signed_in: SignedIn, look: Look) -> str:
    """In words."""
    if signed_in.renewed:
        until = "it is renewed by itself"
    elif signed_in.expires_at is not None:
        until = f"it expires {signed_in.expires_at:%Y-%m-%d %H:%M} UTC"
    else:
        until = "it does not expire by itself"
    name = f" ({plain(signed_in.name)})" if signed_in.name else ""
    subject = look.paint(plain(signed_in.subject), "bold")
    return "\n".join(
        [
            f"{look.paint('✓ signed in', 'green')} as {subject}{name} on {plain(signed_in.context)}",
            f"  roles   {plain(', '.join(signed_in.roles)) or 'none'}",
            f"  token   in {plain(signed_in.stored_in)}; {until}",
        ]
    )


def _checked(text: str) -> str:
    token = text.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        # Without what was given, as that may end up anywhere.
        raise Usage(
            "What was given is not a token: it is empty, or has a space, a line break or a character that no token "
            "has. Nothing was sent. Give the token alone."
        )
    return token
