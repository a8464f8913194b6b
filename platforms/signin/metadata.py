"""Who makes tokens for a platform: what the platform says (RFC 9728), and what the issuer says (OpenID, RFC 8414).

Neither is believed beyond its own: a platform cannot ask for a token for another one, and an issuer cannot speak in
the name of another one.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from msgspec import Struct

from platforms.calls import Response
from platforms.errors import ContextError, SignInFailed, UnexpectedAnswer, UntrustedIssuer
from platforms.origins import Address, read_address
from platforms.signin.asking import Asker, decode

RESOURCE_PATH = "/.well-known/oauth-protected-resource"
OPENID_PATH = "/.well-known/openid-configuration"
OAUTH_PATH = "/.well-known/oauth-authorization-server"
CLIENT_ID = "andon"
SCOPES = ("openid", "offline_access")


class ResourceMetadata(Struct, frozen=True, kw_only=True):
    """What a platform says about signing in (RFC 9728).

    Attributes:
        resource: what tokens for it are made out to (their audience).
        authorization_servers: issuers it trusts; none where it makes tokens itself.
        andon_client_id: the client to name at the issuer.
        andon_scopes: scopes to ask for, divided by spaces.
        andon_resource_indicator: whether the issuer is told whom a token is for (RFC 8707); some refuse to be, and go
            by scopes alone.
    """

    resource: str
    authorization_servers: list[str] = []
    resource_name: str | None = None
    andon_client_id: str | None = None
    andon_scopes: str | None = None
    andon_resource_indicator: bool = True

    @property
    def indicated(self) -> str | None:
        """What to tell the issuer; None for nothing."""
        return self.resource if self.andon_resource_indicator else None


class IssuerMetadata(Struct, frozen=True, kw_only=True):
    """What an issuer says about itself (OpenID Connect Discovery 1.0, RFC 8414); what it leaves out it cannot do."""

    issuer: str
    token_endpoint: str | None = None
    device_authorization_endpoint: str | None = None
    revocation_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


def resource_of(address: Address, ca: str | None) -> ResourceMetadata | None:
    """What the platform at ``address`` says about signing in; None where it says nothing.

    Raises:
        UntrustedIssuer: it says that it is another platform.
        Unreachable: no answer, or none that can be read.
    """
    asker = Asker(ca, alone=True)
    # RFC 9728 puts the path behind; a proxy that serves the hub below a path passes on what is below that path.
    urls = [address.origin + RESOURCE_PATH + address.path]
    if address.path:
        urls.append(address.origin + address.path + RESOURCE_PATH)
    for url in urls:
        answer = asker.get(url, "the platform")
        if answer.status == 200:
            metadata = decode(answer, ResourceMetadata, "The platform", url)
            _must_be(metadata, address)
            return metadata
        if answer.status != 404:
            raise _odd(answer, "The platform", url)
    return None


def issuer_of(issuer: str, ca: str | None) -> IssuerMetadata:
    """What the issuer says about itself.

    Raises:
        UntrustedIssuer: its name is not that of who answered, or its addresses are not safe.
        Unreachable: no answer, or none that can be read.
    """
    check_secure(issuer, "the issuer")
    asker = Asker(ca)
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    origin = f"{parts.scheme}://{parts.netloc}"
    for url in (f"{origin}{path}{OPENID_PATH}", f"{origin}{OAUTH_PATH}{path}"):
        answer = asker.get(url, "the issuer")
        if answer.status == 200:
            metadata = decode(answer, IssuerMetadata, "The issuer", url)
            _must_speak_for_itself(metadata, issuer)
            return metadata
        if answer.status != 404:
            raise _odd(answer, "The issuer", url)
    raise SignInFailed(
        f"There is no OpenID provider at {issuer}: it has neither {OPENID_PATH} nor {OAUTH_PATH}. Nobody was signed "
        "in. Ask whoever runs the platform for the address of its issuer."
    )


def check_secure(url: str, what: str) -> None:
    """Refuse an address that secrets must not travel to: anything but https, except on this machine.

    Raises:
        UntrustedIssuer: it is one.
    """
    parts = urlsplit(url)
    try:
        address = read_address(f"{parts.scheme}://{parts.netloc}", what)
    except ContextError as error:
        raise UntrustedIssuer(
            f"The address of {what} cannot be used: {url!r}. Nothing was sent to it. "
            "Ask whoever runs the platform or the issuer to mend it."
        ) from error
    if (address.scheme != "https" and not address.loopback) or parts.fragment:
        raise UntrustedIssuer(
            f"The address of {what} is {url!r}, and tokens travel over https only. Nothing was sent to it. "
            "Ask whoever runs the platform or the issuer for its https address."
        )


def _must_be(metadata: ResourceMetadata, address: Address) -> None:
    """RFC 9728, section 3.3: who says that it is somebody else could borrow that one's tokens."""
    try:
        same = read_address(metadata.resource, "its resource").url == address.url
    except ContextError:
        same = False
    if not same:
        raise UntrustedIssuer(
            f"The platform at {address.url} says that it is {metadata.resource!r}. A token made out to that one is not "
            f"for this one, so nobody was signed in. Use the address it says, or have its public address set to "
            f"{address.url}."
        )


def _must_speak_for_itself(metadata: IssuerMetadata, issuer: str) -> None:
    if metadata.issuer != issuer:
        raise UntrustedIssuer(
            f"The issuer at {issuer} says that it is {metadata.issuer!r}. Whoever answers in another's name is not "
            "trusted, so nobody was signed in. Check the issuer that the platform names, to the last slash."
        )
    for name in ("token_endpoint", "device_authorization_endpoint", "revocation_endpoint"):
        url = getattr(metadata, name)
        if url is not None:
            check_secure(url, f"the issuer's {name.replace('_', ' ')}")


def _odd(answer: Response, what: str, url: str) -> UnexpectedAnswer:
    led = f" and leads to {answer.location}" if answer.location else ""
    return UnexpectedAnswer(
        f"{what} answered {url} with status {answer.status}{led}. Nobody was signed in, and no redirect was followed. "
        "Check that the address is right, and that no proxy answers in its place."
    )
