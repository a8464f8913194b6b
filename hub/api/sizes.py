"""How much of a request is taken, and how long it may take to arrive; behind the gate, so that 401 and 403 come first.

Nothing here inflates anything: a body in a content coding is refused, so there is no bomb to go off.
"""

from __future__ import annotations

import asyncio

from msgspec import Struct
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.api.problems import problem_response
from transactions.errors import (
    AddressTooLong,
    AndonError,
    HeadersTooLarge,
    Invalid,
    TooLarge,
    TooSlow,
    UnsupportedMedia,
)

BODY_LIMIT = 10 * 1024 * 1024
CHANGES_LIMIT = 64 * 1024 * 1024
"""Of a change of the gateway: a first one has all that a company's policies say."""
CHANGES = "/admin/v1/gateway/changes"


class Sizes(Struct, frozen=True, kw_only=True):
    """What is taken of a request at most.

    Attributes:
        body_bytes: of the body.
        changes_bytes: of the body of a change of the gateway.
        body_seconds: for the body to arrive whole.
        header_fields: how many header fields.
        header_bytes: of names and values together.
        target_bytes: of path and query together.
        parameters: how many query parameters.
    """

    body_bytes: int = BODY_LIMIT
    changes_bytes: int = CHANGES_LIMIT
    body_seconds: float = 60.0
    header_fields: int = 100
    header_bytes: int = 32_768
    target_bytes: int = 16_384
    parameters: int = 50


class Measure:
    """ASGI middleware: refuses a request that is too large by its head alone, and one whose body never ends."""

    def __init__(self, app: ASGIApp, sizes: Sizes) -> None:
        self._app, self._sizes = app, sizes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            self._check(scope)
        except AndonError as error:
            response = problem_response(error, scope["path"])
            if isinstance(error, UnsupportedMedia):
                response.headers["accept-encoding"] = "identity"  # RFC 9110, 15.5.16
            await response(scope, receive, send)
            return
        await self._app(scope, self._in_time(receive), send)

    def _check(self, scope: Scope) -> None:
        sizes, headers = self._sizes, scope["headers"]
        target = len(scope.get("raw_path") or scope["path"].encode()) + len(scope["query_string"])
        if target > sizes.target_bytes:
            raise AddressTooLong(
                f"Path and query have {target:,} bytes and the limit is {sizes.target_bytes:,}. Nothing was done. "
                "Ask with a shorter filter."
            )
        if scope["query_string"].count(b"&") >= sizes.parameters:
            raise Invalid(f"The query has more than {sizes.parameters} parameters. Nothing was done. Send fewer.")
        total = sum(len(name) + len(value) for name, value in headers)
        if len(headers) > sizes.header_fields or total > sizes.header_bytes:
            raise HeadersTooLarge(
                f"The request has {len(headers)} header fields of {total:,} bytes, and the limits are "
                f"{sizes.header_fields} and {sizes.header_bytes:,}. Nothing was done. Send fewer or shorter ones."
            )
        self._check_body(headers, sizes.changes_bytes if scope["path"] == CHANGES else sizes.body_bytes)

    def _check_body(self, fields: list[tuple[bytes, bytes]], most: int) -> None:
        codings = [value.decode("latin-1").strip().lower() for name, value in fields if name == b"content-encoding"]
        coding = next((each for each in codings if each not in ("", "identity")), None)
        if coding is not None:
            raise UnsupportedMedia(
                f"The body is in the content coding {coding[:40]!r}, which the hub does not undo: what is small on the "
                "way can be huge when it is unpacked. Nothing was taken. Send it as it is, without Content-Encoding."
            )
        headers = dict(fields)
        length = headers.get(b"content-length", b"0")
        if b"content-length" in headers and b"transfer-encoding" in headers:
            # RFC 9112, 6.3: what stands before the hub may have believed the other one
            raise Invalid("The request says its length in two ways. Nothing was done. Send one of them.")
        if not length.isdigit():
            raise Invalid("The request's Content-Length is no number. Nothing was done.")
        if len(length) > 12 or int(length) > most:
            raise TooLarge(f"The body is larger than {most:,} bytes. Nothing was taken. Send it in parts.")

    def _in_time(self, receive: Receive) -> Receive:
        deadline = asyncio.get_running_loop().time() + self._sizes.body_seconds
        arrived = False

        async def receive_in_time() -> Message:
            nonlocal arrived
            if arrived:  # what comes now is only whether the caller is still there
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError as error:
                raise TooSlow(
                    f"The body did not arrive whole within {self._sizes.body_seconds:g} s. Nothing was taken. "
                    "Send it again over a faster way, or in parts."
                ) from error
            arrived = message["type"] != "http.request" or not message.get("more_body", False)
            return message

        return receive_in_time
