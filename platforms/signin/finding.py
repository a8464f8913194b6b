"""Which stored sign-in a platform's requests go out with."""

from __future__ import annotations

from collections.abc import Mapping

from platforms.context_file import Context, config_folder
from platforms.contexts import Found
from platforms.errors import ContextError, NoStorage
from platforms.origins import Address
from platforms.secrets import read_secret
from platforms.signin.entries import Entry, Key, Store
from platforms.signin.grants import Client
from platforms.signin.metadata import resource_of
from platforms.signin.register import Place, Register, SignIn, folder_of, store_at
from platforms.signin.renewal import ByCredentials, ByRefresh, Renewed
from transactions.clock import Clock, SystemClock


def find(address: Address, context: Context, environ: Mapping[str, str], clock: Clock | None = None) -> Found | None:
    """The sign-in for the platform at ``address``; None where there is none.

    Raises:
        ContextError: the list of sign-ins is broken, or a file with secrets may be read by others.
    """
    clock = clock or SystemClock()
    register = Register(folder_of(environ))
    if context.client_secret is not None:
        return _machine(address, context, environ, register, clock)
    signin = register.find(address.origin)
    if signin is None:
        return None
    if context.issuer is not None and signin.key.issuer != context.issuer:
        made_by = signin.key.issuer or "the platform itself"
        return Found(
            token_from=f"the stored one was made by {made_by}, and this context trusts {context.issuer} alone: "
            "sign in with 'andon login'"
        )
    try:
        store = store_at(signin.place, register.folder)
        entry = store.load(signin.key)
    except NoStorage as error:
        return Found(token_from=error.detail)
    if entry is None:
        return Found(token_from=f"{_place(signin, store)} has lost it: sign in again with 'andon login'")
    make = ByRefresh(signin.key, context.ca, clock)
    return Found(
        token=entry.access_token,
        tokens=Renewed(signin.key, entry, store, register.lock_of(signin.key), make, clock),
        token_from=_place(signin, store) + _age(entry, clock),
        warning=_warning(signin, store),
    )


def _machine(
    address: Address, context: Context, environ: Mapping[str, str], register: Register, clock: Clock
) -> Found | None:
    client_id, issuer = context.client_id, context.issuer
    assert client_id is not None
    assert context.client_secret is not None
    if issuer is None:
        # The platform could name any issuer, which would be given the secret.
        return Found(
            token_from=f"the context has a client and names no issuer for it: run "
            f"'andon login --client-credentials' once, and see which one {address.url} names"
        )
    key = Key(origin=address.origin, issuer=issuer, client_id=client_id)
    signin = register.find(address.origin, client_id) or SignIn(key=key, place=Place.KEYRING)
    store: Store | None
    try:
        store = store_at(signin.place, register.folder)
    except NoStorage:
        # Not needed: the secret gets a new token each time, which is kept for this run only.
        store = None
    make = ByCredentials(key, lambda: machine_client(address, context, environ), context.ca, clock)
    return Found(
        tokens=Renewed(key, None, store, register.lock_of(key), make, clock),
        token_from=f"the client {client_id} at {issuer}" + (f", kept in {store.place}" if store else ""),
        warning=_warning(signin, store) if store else None,
    )


def machine_client(address: Address, context: Context, environ: Mapping[str, str]) -> Client:
    """The client of a context, with its secret.

    Raises:
        ContextError: the secret is not where the context says.
        UntrustedIssuer: the platform says that it is another one.
    """
    if context.client_id is None or context.client_secret is None:
        raise ContextError(
            "The context has no client_id and client_secret, which a machine signs in with. Nothing was sent. "
            "Add them: andon context add NAME --url URL --client-id ID --client-secret env:NAME --replace"
        )
    secret = read_secret(context.client_secret, environ, config_folder(environ))
    metadata = resource_of(address, context.ca)
    return Client(
        id=context.client_id,
        secret=secret,
        resource=metadata.indicated if metadata else address.url,
        scopes=tuple(context.scopes),
    )


def _place(signin: SignIn, store: Store) -> str:
    return store.place if signin.place is Place.KEYRING else f"{store.place}, which nothing but its mode protects"


def _age(entry: Entry, clock: Clock) -> str:
    if entry.expires_at is None or entry.refresh_token is not None or entry.expires_at > clock.now():
        return ""
    return f", and it expired {entry.expires_at:%Y-%m-%d %H:%M} UTC: sign in again with 'andon login'"


def _warning(signin: SignIn, store: Store) -> str | None:
    if signin.place is Place.KEYRING:
        return None
    return (
        f"WARNING: tokens are kept in clear text in {store.place}, by --insecure-storage. Whoever can read that file "
        "can act in your name. 'andon logout' removes them."
    )
