"""The gate in front of everything: who calls, and whether they may, before the request is looked at."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import NamedTuple

import structlog
from starlette.requests import Request
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.api.access import Access, demand
from hub.api.limits import RateLimiter
from hub.api.problems import problem_response
from hub.api.routing import Route
from transactions.errors import AndonError, Forbidden, TooManyRequests, Unauthenticated
from transactions.people import Permission

log = structlog.get_logger("andon.api")

ADMIN = "/admin/"
INGRESS = "/ingress/"
METRICS = "/metrics"
ANYBODY = frozenset(Permission)
"""Wanted where it is enough to be signed in, with whatever right."""
_TELL_EVERY = 10.0
"""Seconds between two lines of the log about requests without a good token, or that came too often."""
ON_ADMIN = ANYBODY - {Permission.INGRESS}
"""Wanted on the admin API where no route says more: a source that only delivers documents has no business there."""


class Wanted(NamedTuple):
    """What a request wants of its caller: one of the permissions, and rights over the whole hub where it says so."""

    permissions: frozenset[Permission]
    whole_hub: bool = False


class Rules:
    """What every route wants, found by path and method: deny by default, decided in this one place."""

    def __init__(self, routes: Iterable[Route], *, open_metrics: bool = True) -> None:
        self._metrics = None if open_metrics else Wanted(frozenset({Permission.READ}), whole_hub=True)
        self._fixed: dict[str, dict[str, Wanted]] = {}
        patterns: dict[str, dict[str, Wanted]] = {}
        for route in routes:
            path = f"{ADMIN}v1/{route.path}"
            permissions = ANYBODY if route.permission is None else frozenset({route.permission})
            methods = (patterns if "{" in path else self._fixed).setdefault(path, {})
            methods[route.method] = Wanted(permissions, route.whole_hub)
        self._patterns = [(compile_path(path)[0], methods) for path, methods in patterns.items()]

    def wanted(self, path: str, method: str) -> Wanted | None:
        """What a request wants; None where anybody may ask. A method that a path does not have wants what its other
        methods want, and a path that does not exist wants a right on the admin API, so that 401 and 403 come first."""
        if path.startswith(INGRESS) or path == INGRESS.rstrip("/"):
            return Wanted(frozenset({Permission.INGRESS}))
        if path == METRICS:
            return self._metrics
        if not path.startswith(ADMIN) and path != ADMIN.rstrip("/"):
            return None
        methods = self._fixed.get(path)
        if methods is None:
            methods = next((found for pattern, found in self._patterns if pattern.match(path)), None)
        if methods is None:
            return Wanted(ON_ADMIN)
        found = methods.get("GET" if method == "HEAD" else method)
        return found or Wanted(frozenset[Permission]().union(*(every.permissions for every in methods.values())))


_PASSED_ON = ("forwarded", "x-forwarded-for", "via")
"""Fields of a request that a proxy has passed on (RFC 7239; RFC 9110, 7.6.3)."""


def caller(request: Request) -> str | None:
    """The address that a request came from, where that is known. What a proxy passes on came from elsewhere, however
    near the proxy is; where exactly is not believed, as anybody can write such a field."""
    if any(name in request.headers for name in _PASSED_ON):
        return "a proxy"
    return None if request.client is None else request.client.host


class Gate:
    """ASGI middleware: 401 and 403 come before 404, 405 and 422, and 401 before 429: only who is known is counted."""

    def __init__(self, app: ASGIApp, access: Access, rules: Rules, limiter: RateLimiter) -> None:
        self._app, self._access, self._rules, self._limiter = app, access, rules, limiter
        self._untold: dict[str, tuple[int, float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        fields: list[tuple[bytes, bytes]] = []

        async def send_with_fields(message: Message) -> None:
            if fields and message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *fields]
            await send(message)

        wanted = self._rules.wanted(scope["path"], scope["method"])
        if wanted is not None:
            request = Request(scope)
            try:
                principal = await self._access.who(request.headers.get("authorization"), caller(request))
                if scope["path"].startswith(ADMIN):
                    fields += self._limiter.fields(self._limiter.take(principal.subject, principal.issuer))
                demand(principal, wanted.permissions, whole_hub=wanted.whole_hub)
                self._limiter.begin(principal.subject, principal.issuer)
            except AndonError as error:
                self._note(error, scope)
                response = problem_response(error, scope["path"])
                if isinstance(error, Unauthenticated):
                    response.headers["www-authenticate"] = self._challenge("authorization" in request.headers)
                elif isinstance(error, TooManyRequests):
                    emptied = not fields and scope["path"].startswith(ADMIN)
                    fields += self._limiter.refusal(error, emptied=emptied)
                await response(scope, receive, send_with_fields)
                return
            scope["principal"] = principal
            try:
                await self._app(scope, receive, send_with_fields)
            finally:
                self._limiter.end(principal.subject, principal.issuer)
            return
        await self._app(scope, receive, send_with_fields)

    def _note(self, error: AndonError, scope: Scope) -> None:
        """Who may not, line by line: they are known, and counted. Everybody else now and then, with how many they were:
        nobody writes a log full."""
        path = scope["path"][:200]
        if isinstance(error, Forbidden) and path.startswith(ADMIN):
            log.info("api.forbidden", method=scope["method"], path=path, because=error.detail)
            return
        untold, tell_after = self._untold.get(error.problem, (0, 0.0))
        now = time.monotonic()
        if now >= tell_after:
            log.warning(f"api.{error.problem}", requests=untold + 1, newest=path, because=error.detail)
            untold, tell_after = -1, now + _TELL_EVERY
        self._untold[error.problem] = (untold + 1, tell_after)

    def _challenge(self, with_token: bool) -> str:
        """RFC 6750: an error code only where a token came; RFC 9728: where it is said how to get one."""
        parts = []
        if self._access.metadata_url is not None:
            parts.append(f'resource_metadata="{self._access.metadata_url}"')
        if with_token:
            parts.append('error="invalid_token"')
        return " ".join(["Bearer", ", ".join(parts)]).strip()
