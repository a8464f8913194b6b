"""Asking an issuer for tokens (RFC 6749) for one platform only (RFC 8707), and handing them back (RFC 7009)."""

from __future__ import annotations

import base64
from urllib.parse import quote_plus

from msgspec import Struct

from platforms.calls import Response
from platforms.errors import SignInFailed, UnexpectedAnswer
from platforms.signin.asking import Asker, decode
from platforms.signin.metadata import IssuerMetadata

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class Client(Struct, frozen=True, kw_only=True):
    """Who asks the issuer: the client, with its secret where it has one.

    Attributes:
        resource: the platform that tokens are to be made out to, as it names itself; None where the issuer goes by
            scopes alone.
    """

    id: str
    secret: str | None = None
    resource: str | None
    scopes: tuple[str, ...] = ()

    @property
    def indicator(self) -> dict[str, str]:
        """The parameter that says whom a token is for (RFC 8707)."""
        return {} if self.resource is None else {"resource": self.resource}

    def __repr__(self) -> str:
        """Without the secret: this ends up in logs."""
        return f"Client({self.id!r}, resource={self.resource!r})"


class Granted(Struct, frozen=True, kw_only=True):
    """What a token endpoint answers; ``expires_in`` is in seconds."""

    access_token: str
    token_type: str
    expires_in: float | None = None
    refresh_token: str | None = None
    scope: str | None = None

    def __repr__(self) -> str:
        """Without the tokens: this ends up in logs."""
        return f"Granted(expires_in={self.expires_in!r}, scope={self.scope!r})"


class GrantRefused(SignInFailed):
    """The issuer said no; ``code`` is the error code of the standard that the flow is of."""

    def __init__(self, detail: str, code: str) -> None:
        super().__init__(detail)
        self.code = code


class _Problem(Struct, frozen=True, kw_only=True):
    error: str
    error_description: str = ""


def by_client_credentials(asker: Asker, issuer: IssuerMetadata, client: Client) -> Granted:
    """A token for a machine (RFC 6749, section 4.4).

    Raises:
        GrantRefused: the issuer does not know the client, or does not let it.
        Unreachable: no answer.
    """
    form = {"grant_type": "client_credentials", **client.indicator}
    if client.scopes:
        form["scope"] = " ".join(client.scopes)
    return _ask_for_tokens(asker, issuer, client, form)


def by_refresh(asker: Asker, issuer: IssuerMetadata, client: Client, refresh_token: str) -> Granted:
    """New tokens for the refresh token, which is spent by this (RFC 6749, section 6; RFC 9700, section 4.14).

    Raises:
        GrantRefused: it was spent, revoked or has expired.
        Unreachable: no answer.
    """
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, **client.indicator}
    return _ask_for_tokens(asker, issuer, client, form)


def by_device_code(asker: Asker, issuer: IssuerMetadata, client: Client, device_code: str) -> Granted:
    """The tokens for a device code (RFC 8628, section 3.4); raises GrantRefused also while nobody has decided."""
    form = {"grant_type": DEVICE_GRANT, "device_code": device_code, **client.indicator}
    return _ask_for_tokens(asker, issuer, client, form)


def revoke(asker: Asker, issuer: IssuerMetadata, client: Client, token: str, hint: str) -> bool:
    """Have the issuer forget a token; ``hint`` is refresh_token or access_token.

    Returns:
        Whether it has: many cannot take an access token back that says everything itself (a JWT).

    Raises:
        SignInFailed: the issuer refused for another reason.
        Unreachable: no answer.
    """
    assert issuer.revocation_endpoint is not None
    headers, form = authentication(issuer, client)
    url = issuer.revocation_endpoint
    answer = asker.post(url, "the issuer", {"token": token, "token_type_hint": hint, **form}, headers)
    if answer.status == 200:
        return True
    error = refused(answer, issuer.issuer, url)
    if isinstance(error, GrantRefused) and error.code == "unsupported_token_type":
        return False
    raise SignInFailed(
        f"The issuer {issuer.issuer} did not revoke the tokens: status {answer.status}. They may be good there until "
        "they expire. Have the session ended there by whoever runs it."
    ) from error


def authentication(issuer: IssuerMetadata, client: Client) -> tuple[dict[str, str], dict[str, str]]:
    """Headers and form fields that say who the client is (RFC 6749, section 2.3.1)."""
    if client.secret is None:
        return {}, {"client_id": client.id}
    methods = issuer.token_endpoint_auth_methods_supported
    if "client_secret_basic" not in methods and "client_secret_post" in methods:
        return {}, {"client_id": client.id, "client_secret": client.secret}
    pair = f"{quote_plus(client.id)}:{quote_plus(client.secret)}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}, {}


def refused(answer: Response, issuer: str, url: str) -> SignInFailed | UnexpectedAnswer:
    """The error that an issuer's answer stands for."""
    try:
        problem = decode(answer, _Problem, "The issuer", url)
    except UnexpectedAnswer as error:
        return error
    said = f": {problem.error_description}" if problem.error_description else ""
    return GrantRefused(
        f"The issuer {issuer} refused ({problem.error}{said}). Nobody was signed in. {_advice(problem.error)}",
        problem.error,
    )


def _ask_for_tokens(asker: Asker, issuer: IssuerMetadata, client: Client, form: dict[str, str]) -> Granted:
    url = issuer.token_endpoint
    if url is None:
        raise SignInFailed(
            f"The issuer {issuer.issuer} says nothing of a token endpoint. Nobody was signed in. "
            "Ask whoever runs it whether it serves this kind of sign-in."
        )
    headers, fields = authentication(issuer, client)
    answer = asker.post(url, "the issuer", {**form, **fields}, headers)
    if answer.status != 200:
        raise refused(answer, issuer.issuer, url)
    granted = decode(answer, Granted, "The issuer", url)
    token = granted.access_token
    if granted.token_type.lower() != "bearer" or not token.isascii() or not token.isprintable() or " " in token:
        raise UnexpectedAnswer(
            f"The issuer {issuer.issuer} gave a token of the type {granted.token_type!r} that this version of andon "
            "cannot use. Nobody was signed in. Have it give plain bearer tokens to this client."
        )
    return granted


def _advice(code: str) -> str:
    match code:
        case "invalid_client" | "unauthorized_client":
            return "Check client_id and client_secret of the context, and what the issuer allows that client."
        case "invalid_target":
            return "Have the issuer know the platform's address as a resource (RFC 8707)."
        case "invalid_scope":
            return "Check scopes of the context."
        case "invalid_grant":
            return "Sign in again with 'andon login'."
        case _:
            return "Ask whoever runs the issuer."
