"""HTTP for commands, over the standard library.

httpx imports Rich and a command-line parser of its own wherever they are installed, and takes as long to import as
everything else of a command together; a command makes a handful of requests one after the other, which
``http.client`` does as well. The console, which does need concurrency, uses httpx (``platforms.asynchronous``).
"""

from __future__ import annotations

import base64
import http.client
import os
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import MappingProxyType
from urllib.parse import unquote, urlsplit

from platforms.calls import Request, Response
from platforms.reach import CONNECT_SECONDS, Endpoint, tls, unreachable

_PIECE = 65_536


class Wire:
    """Carries requests to one platform, one at a time, over a connection that is kept where that is safe."""

    def __init__(self, endpoint: Endpoint, trust: ssl.SSLContext | None = None) -> None:
        """``trust`` stands in for what the endpoint trusts by itself."""
        self._endpoint = endpoint
        self._tls = trust or tls(endpoint)
        self._kept: http.client.HTTPConnection | None = None

    def exchange(self, request: Request) -> Response:
        """Send a request and read the whole response.

        Raises:
            Unreachable: no answer.
        """
        kept, self._kept = self._kept, None
        if kept is not None and request.method == "GET":
            try:
                return self._once(kept, request)
            except (OSError, http.client.HTTPException):
                # A kept connection may have been closed at the other end meanwhile; a fresh one decides.
                kept.close()
        elif kept is not None:
            kept.close()
        try:
            return self._once(self._connect(request), request)
        except (OSError, http.client.HTTPException) as error:
            raise unreachable(self._endpoint, request, error) from error

    @contextmanager
    def stream(self, request: Request, *, lines: bool = True) -> Iterator[tuple[Response, Iterator[bytes]]]:
        """Send a request and hand the body over as it arrives (whole, in the response, where it is an error).

        Args:
            request: what to ask.
            lines: hand it over line by line; else in whatever pieces it comes.

        Raises:
            Unreachable: no answer, or none any more.
        """
        try:
            connection = self._connect(request)
        except (OSError, http.client.HTTPException) as error:
            raise unreachable(self._endpoint, request, error) from error
        try:
            try:
                answer = self._ask(connection, request)
                body = b"" if answer.status == 200 else answer.read()
            except (OSError, http.client.HTTPException) as error:
                raise unreachable(self._endpoint, request, error) from error
            read = answer.readline if lines else partial(answer.read1, _PIECE)
            yield _response(answer, body), self._pieces(read, request)
        finally:
            connection.close()

    def close(self) -> None:
        """Let go of the kept connection."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def _once(self, connection: http.client.HTTPConnection, request: Request) -> Response:
        try:
            answer = self._ask(connection, request)
            response = _response(answer, answer.read())
        except BaseException:
            connection.close()
            raise
        if answer.will_close:
            connection.close()
        else:
            self._kept = connection
        return response

    def _ask(self, connection: http.client.HTTPConnection, request: Request) -> http.client.HTTPResponse:
        if connection.sock is not None:
            connection.sock.settimeout(request.patience)
        target, headers = request.target, request.headers
        if isinstance(connection, _ViaProxy):
            target, headers = self._endpoint.address.origin + target, {**headers, **connection.proxy_headers}
        connection.request(request.method, target, body=request.body, headers=headers)
        return connection.getresponse()

    def _connect(self, request: Request) -> http.client.HTTPConnection:
        connection = self._connection()
        connection.connect()
        connection.timeout = request.patience
        return connection

    def _connection(self) -> http.client.HTTPConnection:
        address = self._endpoint.address
        proxy = _proxy(self._endpoint)
        if proxy is None:
            if self._endpoint.secure:
                return http.client.HTTPSConnection(
                    address.host, address.port, timeout=CONNECT_SECONDS, context=self._tls
                )
            return http.client.HTTPConnection(address.host, address.port, timeout=CONNECT_SECONDS)
        parts = urlsplit(proxy if "//" in proxy else f"http://{proxy}")
        host, port = parts.hostname or "", parts.port or 80
        headers = {}
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            headers["Proxy-Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        if self._endpoint.secure:
            secure = http.client.HTTPSConnection(host, port, timeout=CONNECT_SECONDS, context=self._tls)
            secure.set_tunnel(address.host, address.port, headers)
            return secure
        plain = _ViaProxy(host, port, timeout=CONNECT_SECONDS)
        plain.proxy_headers = headers
        return plain

    def _pieces(self, read: Callable[[], bytes], request: Request) -> Iterator[bytes]:
        while True:
            try:
                piece = read()
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise unreachable(self._endpoint, request, error) from error
            if not piece:
                return
            yield piece


class _ViaProxy(http.client.HTTPConnection):
    """Plain HTTP to a proxy, which wants to see the whole address, and perhaps who asks."""

    proxy_headers: Mapping[str, str] = MappingProxyType({})


def _response(answer: http.client.HTTPResponse, body: bytes) -> Response:
    return Response(
        status=answer.status,
        content_type=answer.headers.get("Content-Type", ""),
        body=body,
        location=answer.headers.get("Location"),
        retry_after=answer.headers.get("Retry-After"),
    )


def _proxy(endpoint: Endpoint) -> str | None:
    """The proxy that the environment names for this platform; none for this machine."""
    scheme = endpoint.address.scheme
    named = os.environ.get(f"{scheme}_proxy") or os.environ.get(f"{scheme.upper()}_PROXY")
    if not named or endpoint.address.loopback:
        return None
    # Imported late: it is wanted behind a proxy only.
    from urllib.request import proxy_bypass

    return None if proxy_bypass(f"{endpoint.address.host}:{endpoint.address.port}") else named
