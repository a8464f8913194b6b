"""The bearer token of a session: one that stays, or one that is renewed while the session goes on."""

from __future__ import annotations

from typing import Protocol


class Tokens(Protocol):
    """Where a client takes its token from, request by request. Safe to use from many threads."""

    @property
    def renews(self) -> bool:
        """Whether a token that ends is followed by another without anybody signing in again."""
        ...

    def current(self) -> str | None:
        """The token to send, without asking anybody; None where there is none, or where it first has to be renewed."""
        ...

    def renew(self, refused: str | None) -> str | None:
        """A token other than ``refused``, by asking whoever makes them; None where there is no other.

        Raises:
            Unauthenticated: the sign-in has ended, and somebody has to sign in again.
            AndonError: the issuer or the keyring gave no answer.
        """
        ...


class Fixed:
    """A token that is what it is, or none."""

    def __init__(self, token: str | None) -> None:
        """``token`` is sent as long as the session lasts; None sends none."""
        self._token = token

    @property
    def renews(self) -> bool:
        """No."""
        return False

    def current(self) -> str | None:
        """The token."""
        return self._token

    def renew(self, refused: str | None) -> str | None:
        """None: there is no other."""
        return None

    def __repr__(self) -> str:
        """Without the token: this ends up in logs."""
        return "Fixed(…)" if self._token else "Fixed(None)"
