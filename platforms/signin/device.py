"""Signing in on another device: a code here, the browser there (RFC 8628)."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from platforms.errors import SignInFailed
from platforms.signin.asking import Asker, decode
from platforms.signin.grants import Client, Granted, GrantRefused, authentication, by_device_code, refused
from platforms.signin.metadata import IssuerMetadata, check_secure
from transactions.errors import Unreachable

INTERVAL_SECONDS = 5.0
SLOWER_BY_SECONDS = 5.0
LONGEST_INTERVAL_SECONDS = 60.0


class DeviceCode(Struct, frozen=True, kw_only=True):
    """What somebody needs to sign in elsewhere; ``expires_in`` and ``interval`` are in seconds."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str | None = None
    expires_in: float
    interval: float = INTERVAL_SECONDS

    @property
    def link(self) -> str:
        """The address to open: with the code in it where there is such a one."""
        return self.verification_uri_complete or self.verification_uri

    def __repr__(self) -> str:
        """Without the device code: this ends up in logs."""
        return f"DeviceCode({self.verification_uri!r})"


def begin(asker: Asker, issuer: IssuerMetadata, client: Client) -> DeviceCode:
    """Ask for a code.

    Raises:
        SignInFailed: the issuer has no device flow, or not for this client.
        Unreachable: no answer.
    """
    url = issuer.device_authorization_endpoint
    if url is None:
        raise SignInFailed(
            f"The issuer {issuer.issuer} does not offer to sign in with a code (RFC 8628). Nobody was signed in. "
            "Have it switched on for this client, or get a token elsewhere and give it to 'andon login --token-stdin'."
        )
    headers, fields = authentication(issuer, client)
    form = {**client.indicator, "scope": " ".join(client.scopes), "client_id": client.id, **fields}
    answer = asker.post(url, "the issuer", form, headers)
    if answer.status != 200:
        raise refused(answer, issuer.issuer, url)
    code = decode(answer, DeviceCode, "The issuer", url)
    for link in (code.verification_uri, code.link):
        check_secure(link, "the page to sign in at")
    return code


def wait(
    asker: Asker,
    issuer: IssuerMetadata,
    client: Client,
    code: DeviceCode,
    *,
    sleep: Callable[[float], None],
    monotonic: Callable[[], float],
) -> Granted:
    """Ask until somebody has signed in there; as often as the issuer allows, and no longer than the code lives.

    Raises:
        SignInFailed: they said no, or the code has expired.
    """
    interval = max(code.interval, 1.0) if code.interval else INTERVAL_SECONDS
    end = monotonic() + code.expires_in
    while monotonic() + interval <= end:
        sleep(interval)
        try:
            return by_device_code(asker, issuer, client, code.device_code)
        except GrantRefused as error:
            if error.code == "slow_down":
                interval += SLOWER_BY_SECONDS
            elif error.code != "authorization_pending":
                raise _final(error, issuer.issuer) from error
        except Unreachable:
            # RFC 8628, section 3.5: ask less often when the network fails; the code is still good.
            interval = min(interval * 2, LONGEST_INTERVAL_SECONDS)
    raise _expired(issuer.issuer)


def _final(error: GrantRefused, issuer: str) -> SignInFailed:
    if error.code == "expired_token":
        return _expired(issuer)
    if error.code == "access_denied":
        return SignInFailed(
            f"The sign-in at {issuer} was denied there. Nobody was signed in, and what was stored before is unchanged. "
            "If it was not you who denied it, tell whoever runs the issuer; else run 'andon login' again."
        )
    return error


def _expired(issuer: str) -> SignInFailed:
    return SignInFailed(
        f"Nobody signed in at {issuer} before the code expired. What was stored before is unchanged. "
        "Run 'andon login' again for a new code."
    )
