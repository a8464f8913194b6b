"""Addresses of platforms: what may be one, its origin, and whether it is this machine."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from msgspec import Struct

from platforms.errors import ContextError

_PORTS = {"http": 80, "https": 443}


class Address(Struct, frozen=True, kw_only=True):
    """An address taken apart.

    Attributes:
        origin: scheme, host and port; tokens are bound to it.
        path: path below the origin, without a slash at its end.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> str:
        """Scheme, host and port, always spelt the same."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def url(self) -> str:
        """The address as a person writes it: without the scheme's own port."""
        origin = self.origin
        if self.port == _PORTS[self.scheme]:
            origin = origin.rpartition(":")[0]
        return origin + self.path

    @property
    def loopback(self) -> bool:
        """Whether it is this machine, by a name or number that cannot lead elsewhere."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            # A name: where it leads is the resolver's business, so it is not taken for this machine.
            return False


def read_address(url: str, place: str) -> Address:
    """Take an address apart.

    Args:
        url: what somebody wrote.
        place: where they wrote it (``--url``, ``ANDON_URL``), for the message.

    Raises:
        ContextError: not an http or https address, or one with a password, query or fragment in it.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise _unusable(url, place, str(error)) from error
    if parts.scheme not in _PORTS or not parts.hostname:
        raise _unusable(url, place, "it has to begin with http:// or https:// and name a host")
    if parts.username is not None or parts.password is not None:
        raise _unusable(f"{parts.scheme}://…@{parts.hostname}", place, "it has a user or a password in it")
    if parts.query or parts.fragment:
        raise _unusable(url, place, "it has a query or a fragment in it")
    if any(char.isspace() or not char.isprintable() for char in parts.hostname + parts.path):
        raise _unusable(url, place, "it has a space or an unprintable character in it")
    return Address(
        scheme=parts.scheme, host=parts.hostname, port=port or _PORTS[parts.scheme], path=parts.path.rstrip("/")
    )


def _unusable(url: str, place: str, why: str) -> ContextError:
    return ContextError(
        f"{place} is not an address of a platform: {url!r} cannot be used because {why}. "
        "Nothing was sent. Write it like http://127.0.0.1:8470 or https://andon.example.com."
    )
