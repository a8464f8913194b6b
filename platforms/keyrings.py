"""Tokens in the machine's keyring, each bound to the origin it was made for."""

from __future__ import annotations

SERVICE = "andon"


def stored_token(origin: str) -> str | None:
    """The token stored for ``origin``; None where there is none, or no keyring to ask."""
    # Imported late: looking for a backend takes longer than most commands.
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(SERVICE, origin)
    except KeyringError:
        # A locked or missing keyring is not an error here: the hub will say that a token is wanted, and
        # 'andon doctor' says what is the matter with the keyring.
        return None


def backend_name() -> str:
    """The name of the backend that would be asked."""
    import keyring

    backend = keyring.get_keyring()
    return f"{type(backend).__module__}.{type(backend).__qualname__}"
