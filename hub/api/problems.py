"""Every error as a problem document (RFC 9457)."""

from __future__ import annotations

import msgspec
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from transactions.errors import PROBLEM_BASE, AndonError, Invalid, MethodNotAllowed, NotFound

log = structlog.get_logger("andon.api")
PROBLEM_JSON = "application/problem+json"


def problem_response(error: AndonError, instance: str) -> Response:
    """The problem document of an error."""
    body = {
        "type": PROBLEM_BASE + error.problem,
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": instance,
        **error.extra,
    }
    return Response(msgspec.json.encode(body), status_code=error.status, media_type=PROBLEM_JSON)


async def on_andon_error(request: Request, error: Exception) -> Response:
    """What this project raises itself."""
    assert isinstance(error, AndonError)
    if error.status >= 500:
        log.error("api.failed", path=request.url.path, problem=error.problem, detail=error.detail)
    return problem_response(error, request.url.path)


_SIMULATED = frozenset(
    f"/admin/v1/simulator/{name}" for name in ("faults", "books", "state", "pause", "resume", "drain")
)
"""What a hub has only while it simulates."""


async def on_http_error(request: Request, error: Exception) -> Response:
    """What the router raises: no such path, no such method."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        allow = (error.headers or {}).get("Allow", "")
        response = problem_response(
            MethodNotAllowed(f"{request.url.path} does not take {request.method}. It takes: {allow}."), request.url.path
        )
        response.headers["allow"] = allow
        return response
    if error.status_code == 404 and request.url.path in _SIMULATED:
        return problem_response(
            NotFound(
                "This hub has no simulated systems, so neither faults nor books of them. Nothing was changed. "
                "A hub to practise on is started with 'andon hub serve --simulate'."
            ),
            request.url.path,
        )
    if error.status_code == 404:
        return problem_response(
            NotFound(f"There is nothing at {request.url.path}. The API is described at /admin/v1/openapi.json."),
            request.url.path,
        )
    problem = AndonError(str(error.detail))
    response = problem_response(problem, request.url.path)
    response.status_code = error.status_code
    return response


async def on_disconnect(request: Request, error: Exception) -> Response:
    """Who asked went away before the request was whole: nothing was taken, and nobody is there to be answered."""
    log.info("api.went_away", path=request.url.path)
    return problem_response(Invalid("The request ended before its body did. Nothing was taken."), request.url.path)


async def on_defect(request: Request, error: Exception) -> Response:
    """What nobody expected: a defect of the hub. The trace goes to the log, never to the caller."""
    log.error("api.defect", path=request.url.path, exc_info=error)
    return problem_response(
        AndonError("The hub failed in a way it should not. Nothing more is known here; its log has the trace."),
        request.url.path,
    )
