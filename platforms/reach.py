"""Reaching a platform: where requests go, what is trusted, and what to say when nothing answers."""

from __future__ import annotations

import socket
import ssl

from msgspec import Struct

from platforms.bearer import Fixed, Tokens
from platforms.calls import Request
from platforms.contexts import Resolved
from platforms.errors import ContextError
from platforms.origins import Address
from transactions.errors import Unreachable

AGENT = "andon"
API = "/admin/v1"
CONNECT_SECONDS = 5.0


class Endpoint(Struct, frozen=True, kw_only=True):
    """A platform as a sender needs it."""

    address: Address
    tokens: Tokens
    read_only: bool
    ca: str | None

    @property
    def base_path(self) -> str:
        """Path of the admin API below the origin."""
        return self.address.path + API

    @property
    def secure(self) -> bool:
        """Whether it is spoken to over TLS."""
        return self.address.scheme == "https"

    def __repr__(self) -> str:
        """Without the token: this ends up in logs."""
        return f"Endpoint({self.address.url!r})"


def endpoint_of(context: Resolved) -> Endpoint:
    """What a sender needs of a context."""
    return Endpoint(
        address=context.address,
        tokens=context.tokens or Fixed(context.token),
        read_only=context.read_only,
        ca=context.ca,
    )


def tls(endpoint: Endpoint) -> ssl.SSLContext:
    """What is trusted: the machine's certificates, or those of the context's ``ca`` file alone.

    Raises:
        ContextError: the file is not there, or has no certificates in it.
    """
    if not endpoint.secure:
        # Never used for a connection; an empty one trusts nobody and is made in no time.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        return ssl.create_default_context(cafile=endpoint.ca)
    except (OSError, ssl.SSLError) as error:
        raise ContextError(
            f"The certificates in {endpoint.ca} cannot be used: {error}. The platform cannot be told from an impostor "
            "without them. Give a PEM file as ca of the context."
        ) from error


def unreachable(endpoint: Endpoint, request: Request, error: BaseException) -> Unreachable:
    """What to say when a request got no answer."""
    url = endpoint.address.url
    if request.method in ("GET", "HEAD"):
        meaning = "Nothing was changed."
    elif isinstance(_cause(error), ConnectionRefusedError | socket.gaierror | ssl.SSLCertVerificationError):
        meaning = "Nothing was sent."
    else:
        meaning = "Whether the platform did what was asked is not known: look before asking again."
    return Unreachable(f"No answer from {url}: {why(error)}. {meaning} {_advice(endpoint, error)}", url=url)


def _cause(error: BaseException) -> BaseException:
    """The operating system's or TLS's own error at the bottom of ``error``."""
    seen: BaseException = error
    while (deeper := seen.__cause__ or seen.__context__) is not None:
        seen = deeper
    return seen


def why(error: BaseException) -> str:
    """Why a request got no answer, in words that follow a colon."""
    cause = _cause(error)
    match cause:
        case ConnectionRefusedError():
            return "the connection was refused"
        case socket.gaierror():
            return f"the name cannot be resolved ({cause.strerror or cause})"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted ({cause.verify_message})"
        case ssl.SSLError():
            return f"no TLS connection came about ({cause.reason or cause})"
        case TimeoutError():
            return "it took too long"
        case OSError() if cause.strerror:
            return cause.strerror[0].lower() + cause.strerror[1:]
        case _:
            return str(cause) or str(error) or "the connection was closed"


def _advice(endpoint: Endpoint, error: BaseException) -> str:
    if isinstance(_cause(error), ssl.SSLCertVerificationError):
        return "Give the certificate of its issuer as ca of the context, or check the address."
    if endpoint.address.loopback:
        return "Start a hub with 'andon hub serve', or check the address with 'andon context show'."
    return "Check address and network with 'andon doctor', and that the platform runs."
