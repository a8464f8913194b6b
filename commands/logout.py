"""``andon logout``: forget the tokens of a platform, and have the issuer forget them too."""

from __future__ import annotations

from pathlib import Path

import typer
from msgspec import Struct

from commands.app import Word
from commands.output import Detail
from commands.session import Session, session_of
from commands.terminal import Look, plain
from platforms.context_file import Context
from platforms.errors import NoStorage
from platforms.signin.asking import Asker
from platforms.signin.entries import Entry, Key
from platforms.signin.grants import Client, revoke
from platforms.signin.metadata import issuer_of
from platforms.signin.register import Place, Register, SignIn, folder_of, store_at
from transactions.errors import AndonError

app = Word()


class SignedOut(Struct, frozen=True, kw_only=True):
    """What was forgotten.

    Attributes:
        forgotten: whether there was something stored.
        revoked: whether the issuer has forgotten the tokens, too; None where it was not asked.
    """

    context: str
    url: str
    issuer: str | None
    forgotten: bool
    revoked: bool | None


@app.verb()
def logout(ctx: typer.Context) -> None:
    """Forget the tokens stored for a platform, and revoke them where the issuer offers that."""
    session = session_of(ctx)
    resolved = session.resolved
    context = resolved.context or Context(url=resolved.url)
    register = Register(folder_of(session.environ))
    client_id = context.client_id if context.client_secret is not None else None
    signin = register.find(resolved.address.origin, client_id)
    if signin is None and client_id is not None:
        signin = _cached(Key(origin=resolved.address.origin, issuer=context.issuer, client_id=client_id))
    revoked: bool | None = None
    if signin is not None:
        store = store_at(signin.place, register.folder)
        entry = store.load(signin.key)
        store.delete(signin.key)
        register.remove(signin.key)
        if entry is not None and signin.key.issuer is not None and client_id is None:
            revoked = _revoked(session, signin, entry, context.ca)
    out = SignedOut(
        context=resolved.name,
        url=resolved.url,
        issuer=signin.key.issuer if signin else None,
        forgotten=signin is not None,
        revoked=revoked,
    )
    session.show(Detail(value=out, human=lambda look: describe(out, look), identify=lambda each: each.context))
    if session.environ.get("ANDON_TOKEN"):
        session.note("ANDON_TOKEN is still set, and is still used.")


def _cached(key: Key) -> SignIn | None:
    """What a machine's commands keep in the keyring without a login; None where there is nothing, or no keyring."""
    try:
        kept = store_at(Place.KEYRING, Path()).load(key)
    except NoStorage:
        # Then they could not keep anything either.
        return None
    return None if kept is None else SignIn(key=key, place=Place.KEYRING)


def _revoked(session: Session, signin: SignIn, entry: Entry, ca: str | None) -> bool | None:
    """Have the issuer forget the tokens; what is stored here is gone already, whatever it answers."""
    if entry.client_id is None or signin.key.issuer is None:
        return None
    try:
        issuer = issuer_of(signin.key.issuer, ca)
        if issuer.revocation_endpoint is None:
            return None
        client = Client(id=entry.client_id, resource=entry.resource)
        if entry.refresh_token is not None:
            revoke(Asker(ca), issuer, client, entry.refresh_token, "refresh_token")
        if not revoke(Asker(ca), issuer, client, entry.access_token, "access_token") and entry.expires_at is not None:
            session.note(f"The access token cannot be revoked there, and ends {entry.expires_at:%H:%M} UTC.")
    except AndonError as error:
        session.stderr.write(f"andon: {plain(error.detail)}\n")
        return False
    return True


def describe(out: SignedOut, look: Look) -> str:
    """In words."""
    where = f"on {plain(out.context)} ({plain(out.url)})"
    if not out.forgotten:
        return f"Nobody was signed in {where}."
    told = {
        True: f"The tokens are gone here and at {plain(out.issuer or '')}.",
        False: f"The tokens are gone here, and {plain(out.issuer or '')} may take them until they expire.",
        None: "The token is gone here, and good at the platform until it expires or an admin removes it.",
    }[out.revoked]
    return f"{look.paint('✓ signed out', 'green')} {where}. {told}"
