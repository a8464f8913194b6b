"""The gate in front of everything: who calls, and whether they may, before the request is looked at."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from hub.api.access import Access, Permission, demand
from hub.api.problems import problem_response
from transactions.errors import AndonError

ADMIN = "/admin/"
INGRESS = "/ingress/"
_SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)


class Gate:
    """ASGI middleware: 401 and 403 come before 404, 405 and 422."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: object) -> None:
            if isinstance(message, dict) and message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_SECURITY_HEADERS]
            await send(message)  # type: ignore[arg-type]

        wanted = _wanted(scope["path"])
        if wanted is not None:
            request = Request(scope)
            try:
                principal = self._access.who(request.headers.get("authorization"))
                demand(principal, wanted)
            except AndonError as error:
                await problem_response(error, scope["path"])(scope, receive, send_with_headers)
                return
            scope["principal"] = principal
        await self._app(scope, receive, send_with_headers)


def _wanted(path: str) -> Permission | None:
    if path.startswith(ADMIN) or path == ADMIN.rstrip("/"):
        return Permission.ADMIN
    if path.startswith(INGRESS) or path == INGRESS.rstrip("/"):
        return Permission.INGRESS
    return None
