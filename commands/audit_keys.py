"""Which key an export is held against: the one that is given, else the pinned one, else the platform's own."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from commands.exits import Usage
from commands.session import Session
from commands.terminal import plain
from platforms.audit_pin import pin as pin_in_context
from platforms.audit_pin import pinned
from platforms.contexts import Choice, Resolved, resolve
from platforms.errors import UnexpectedAnswer
from platforms.hub import audit
from transactions.audit_key import AuditKey, Jwk, TrustedKey, read_key, trusted
from transactions.errors import NotFound, Refused, Unreachable

_LONGEST_KEY = 65_536


class Source(StrEnum):
    """Where a key came from."""

    FILE = "file"
    PINNED = "pinned"
    FETCHED = "fetched"


class Chosen(NamedTuple):
    """A key, where it came from, and that place in words."""

    key: TrustedKey
    source: Source
    place: str


class ShownKey(Struct, frozen=True, kw_only=True):
    """A platform's key; also a file that ``--key`` takes.

    Attributes:
        pinned: whether it is the key that the context trusts.
        context: the context it is pinned in, or could be; None where the platform is none of the user's contexts.
    """

    platform: str
    fingerprint: str
    jwk: Jwk
    pinned: bool
    context: str | None


def choose(session: Session, file: Path | None) -> Chosen:
    """The key to hold an export against; the platform is asked only where nothing else says one.

    Raises:
        NotFound, Usage: the file is not there, or no key.
        AndonError: the platform does not give its key.
    """
    if file is not None:
        return Chosen(_from_file(file), Source.FILE, str(file))
    place = _place(session)
    known = pinned(place)
    if known is not None:
        return Chosen(known, Source.PINNED, f"pinned in the context {place.name}")
    try:
        return Chosen(_fetch(session)[1], Source.FETCHED, f"fetched from {place.url}")
    except Unreachable as error:
        if isinstance(error, UnexpectedAnswer):
            raise
        raise Unreachable(
            f"No key is pinned, and {place.url} gave none: {error.detail.split('. ')[0].rstrip('.')}. "
            "Without a key nobody can tell who signed an export. "
            "Give one with --key FILE, or pin it while the platform answers: andon audit key --pin"
        ) from error


def look_up(session: Session, *, pin: bool, replace: bool) -> ShownKey:
    """The platform's key as it is now; with ``pin``, also written into the context.

    Raises:
        Usage: --replace without --pin.
        Refused: another key is pinned.
        ContextError: the platform is none of the user's contexts.
    """
    if replace and not pin:
        raise Usage("--replace says what --pin may do, and --pin was not given. Nothing was done. Add it.")
    said, key = _fetch(session)
    place = session.resolved
    known = pinned(place)
    if known is not None and known != key and not replace:
        raise Refused(
            f"The context {place.name} trusts the key {known.fingerprint} of {known.platform}, and {place.url} now "
            f"names {key.fingerprint} of {key.platform}. Whoever took the platform over could sign a history that "
            "never was, so nothing was changed. Ask whoever runs it; if it is right: andon audit key --pin --replace"
        )
    if pin and known != key:
        pin_in_context(place, key, session.environ)
        session.note(f"From now on exports are held against {key.fingerprint} in the context {place.name}.")
    return ShownKey(
        platform=said.platform,
        fingerprint=said.fingerprint,
        jwk=said.jwk,
        pinned=known == key or pin,
        context=place.name if place.named else None,
    )


def warn_of_first_use(session: Session, chosen: Chosen) -> None:
    """Say loudly that nobody vouches for a key; not for --quiet to silence."""
    session.stderr.write(
        f"andon: No key is pinned. {plain(chosen.key.fingerprint)} was {plain(chosen.place)} just now and is trusted "
        "for this once:\n"
        "       who can change the platform's answers could have signed this file too. Compare the fingerprint.\n"
    )


def offer_pin(session: Session, chosen: Chosen) -> None:
    """After a fetched key did its work: keep it, where somebody says so."""
    if chosen.source is not Source.FETCHED:
        return
    place = session.resolved
    if not place.named:
        session.note("To check exports without the platform, keep its key: andon audit key -o json > FILE")
    elif session.interactive and session.ask(f"Pin {chosen.key.fingerprint} in the context {place.name}? [y/N]") in (
        "y",
        "Y",
        "yes",
    ):
        pin_in_context(place, chosen.key, session.environ)
        session.note("Pinned: from now on exports are held against it.")
    else:
        session.note("To check exports without the platform, pin its key: andon audit key --pin")


def _place(session: Session) -> Resolved:
    """The platform that is meant, without looking for a token: a check offline wakes no keyring."""
    options = session.options
    choice = Choice(context=options.context, url=options.url, read_only=options.read_only)
    return resolve(choice, session.environ, session.folder)


def _fetch(session: Session) -> tuple[AuditKey, TrustedKey]:
    said = session.send(audit.key())
    try:
        return said, trusted(said)
    except ValueError as error:
        raise UnexpectedAnswer(
            f"{session.resolved.url} names a key for its audit chain that cannot be used: {error}. Nothing was done. "
            "Check the address with 'andon context show', and both versions with 'andon doctor'."
        ) from error


def _from_file(path: Path) -> TrustedKey:
    try:
        with path.open("rb") as file:
            return read_key(file.read(_LONGEST_KEY))
    except FileNotFoundError as error:
        raise NotFound(f"There is no key file {path}. Nothing was checked. Check the path given to --key.") from error
    except OSError as error:
        raise Usage(f"The key {path} cannot be read: {error.strerror or error}. Nothing was checked.") from error
    except ValueError as error:
        raise Usage(
            f"{path} is no key: {error}. Nothing was checked. Give what 'andon audit key -o json' printed."
        ) from error
