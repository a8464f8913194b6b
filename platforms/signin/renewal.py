"""Tokens that renew themselves: a person's by their refresh token, a machine's by its credentials."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from platforms.errors import SignInFailed
from platforms.signin.asking import Asker
from platforms.signin.entries import Entry, Key, Store, entry_of
from platforms.signin.grants import Client, Granted, GrantRefused, by_client_credentials, by_refresh
from platforms.signin.locking import locked
from platforms.signin.metadata import issuer_of
from transactions.clock import Clock

MAKE_EVERY = timedelta(minutes=1)
"""How soon after a token was made another one is, where the platform refuses it."""


class Source(Protocol):
    """Where new tokens come from."""

    def __call__(self, before: Entry | None) -> Entry | None:
        """New tokens in place of ``before``; None where there are none to be had."""
        ...


class Renewed:
    """Tokens of one sign-in: sent while they are fresh, renewed by one process at a time, stored at once.

    Implements :class:`platforms.bearer.Tokens`.
    """

    def __init__(
        self, key: Key, entry: Entry | None, store: Store | None, lock: Path, make: Source, clock: Clock
    ) -> None:
        """Take over what was found.

        Args:
            key: what the tokens are bound to.
            entry: the tokens as they were read; None where there are none yet.
            store: where they are kept; None keeps them for this process only.
            lock: a file that other processes lock, too.
            make: gets new ones.
            clock: tells when they are old.
        """
        self._key = key
        self._entry = entry
        self._store = store
        self._lock = lock
        self._make = make
        self._clock = clock
        self._mutex = threading.Lock()
        self._made: tuple[str, datetime] | None = None

    @property
    def renews(self) -> bool:
        """With a machine's credentials, or with a refresh token."""
        return self._key.client_id is not None or (self._entry is not None and self._entry.refresh_token is not None)

    def current(self) -> str | None:
        """The access token while it is fresh."""
        entry = self._entry
        return entry.access_token if entry is not None and entry.fresh(self._clock.now()) else None

    def renew(self, refused: str | None) -> str | None:
        """Another access token: the one that somebody else got meanwhile, or a new one."""
        with self._mutex:
            if self._store is None:
                return self._renewed(self._entry, refused, lambda _: None)
            store = self._store
            with locked(self._lock):
                # Another process may have renewed it, and spent the refresh token that this one has read.
                stored = store.load(self._key)
                return self._renewed(stored, refused, lambda entry: store.save(self._key, entry))

    def _renewed(self, found: Entry | None, refused: str | None, keep: Callable[[Entry], None]) -> str | None:
        if found is not None and found.access_token != refused and found.fresh(self._clock.now()):
            self._entry = found
            return found.access_token
        now = self._clock.now()
        if self._made is not None and self._made[0] == refused and now - self._made[1] < MAKE_EVERY:
            # The platform refuses what was just made for it: another one would be refused as well, and a console that
            # asks again and again must not flood the issuer.
            return None
        made = self._make(found)
        if made is None:
            return None
        self._made = (made.access_token, now)
        # Before it is kept: should that fail, this process can go on with it, and the old one is spent.
        self._entry = made
        keep(made)
        return made.access_token


class ByRefresh:
    """New tokens of a person."""

    def __init__(self, key: Key, ca: str | None, clock: Clock) -> None:
        """``ca`` is the context's."""
        self._key = key
        self._ca = ca
        self._clock = clock

    def __call__(self, before: Entry | None) -> Entry | None:
        """By the refresh token; None where there is none.

        Raises:
            SignInFailed: the sign-in has ended.
        """
        key = self._key
        if before is None:
            raise SignInFailed(
                f"The sign-in at {key.origin} was ended by another command. Nothing was sent. "
                "Sign in again with 'andon login'."
            )
        if before.refresh_token is None or key.issuer is None or before.client_id is None:
            return None
        client = Client(id=before.client_id, resource=before.resource)
        try:
            granted = by_refresh(Asker(self._ca), issuer_of(key.issuer, self._ca), client, before.refresh_token)
        except GrantRefused as error:
            if error.code != "invalid_grant":
                raise
            raise SignInFailed(
                f"The sign-in at {key.issuer} for {key.origin} has ended: it was revoked, or is too old. "
                "Nothing was sent. Sign in again with 'andon login'."
            ) from error
        return entry_of(granted, client_id=client.id, resource=client.resource, now=self._clock.now(), before=before)


class ByCredentials:
    """New tokens of a machine."""

    def __init__(self, key: Key, client: Callable[[], Client], ca: str | None, clock: Clock) -> None:
        """``client`` reads the secret when it is wanted, and not before."""
        self._key = key
        self._client = client
        self._ca = ca
        self._clock = clock

    def __call__(self, before: Entry | None) -> Entry | None:
        """By the client's secret.

        Raises:
            GrantRefused: the issuer does not know the client, or does not let it.
        """
        assert self._key.issuer is not None
        client = self._client()
        granted: Granted = by_client_credentials(Asker(self._ca), issuer_of(self._key.issuer, self._ca), client)
        return entry_of(granted, client_id=client.id, resource=client.resource, now=self._clock.now())
