"""The door before the gate: whether a request was meant for this hub at all, and what every answer carries.

A hub on a person's own machine can be reached by every web page that this person opens. A page may send requests to
``127.0.0.1`` as it likes, and one whose host name is made to lead here (DNS rebinding) may read the answers too. The
name it asked for tells them apart: it is one of this hub's own, or the request is for somebody else. A page also says
where it comes from (``Origin``), and none has any business changing something here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.api.problems import problem_response
from transactions.errors import AndonError, Forbidden, Misdirected

SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
)
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Door:
    """ASGI middleware: turns away what was meant for another host, or was made by a web page.

    Args:
        app: what stands behind.
        names: host names this hub answers to besides ``localhost`` and loopback addresses; None takes any.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str] | None = None) -> None:
        self._app = app
        self._names = None if names is None else frozenset(name.lower().rstrip(".") for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = [(name, value) for name, value in message.get("headers", []) if name not in _OURS]
                message["headers"] = [*given, *SECURITY_HEADERS]
            await send(message)

        try:
            self._check(scope)
        except AndonError as error:
            await problem_response(error, scope["path"])(scope, receive, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)

    def _check(self, scope: Scope) -> None:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if self._names is not None and (len(hosts) != 1 or not self._is_ours(hosts[0].decode("latin-1"))):
            said = hosts[0].decode("latin-1")[:100] if hosts else "nobody"
            raise Misdirected(
                f"The request is for {said!r}, and this hub does not answer to that name. Nothing was done. "
                "Ask for localhost or 127.0.0.1; if people reach the hub by another name, put it into its settings: "
                '[serving] names = ["andon.example.com"].'
            )
        origin = next((value for name, value in scope["headers"] if name == b"origin"), None)
        if origin is not None and scope["method"] not in _SAFE:
            raise Forbidden(
                f"The request comes from a web page ({origin.decode('latin-1')[:100]!r}), and none may change anything "
                "here. Nothing was done. Use the console or the command line."
            )

    def _is_ours(self, host: str) -> bool:
        name = host_name(host)
        if name is None:
            return False
        if name == "localhost" or name in (self._names or ()):
            return True
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return False


_OURS = frozenset(name for name, _ in SECURITY_HEADERS)


def host_name(host: str) -> str | None:
    """The name in a ``Host`` field, in lower case, without its port; None for what is no host."""
    if host.startswith("["):
        name, bracket, port = host[1:].partition("]")
        if not bracket or (port and not (port.startswith(":") and port[1:].isdigit())):
            return None
        return name.lower()
    name, colon, port = host.partition(":")
    if colon and not (port.isascii() and port.isdigit()):
        return None
    return name.lower().rstrip(".") or None
