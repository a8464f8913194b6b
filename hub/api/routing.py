"""Routes as data: what a path takes, gives and wants. Requests are read and answers written in one place, and the
OpenAPI document is made of the same declarations."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from hub.api.access import Principal
from hub.api.sizes import BODY_LIMIT
from transactions.errors import Invalid, TooLarge, UnsupportedMedia
from transactions.people import Permission, Reach
from transactions.untrusted import parse_json, repeated_member

if TYPE_CHECKING:
    from hub.app import Hub

JSON = "application/json"


class NoParams(Struct, frozen=True, forbid_unknown_fields=True):
    """A route without query parameters."""


class Call(Struct, frozen=True, kw_only=True):
    """A request that was read: path, query parameters and body as declared, who calls, and how far that one's rights
    reach."""

    path: dict[str, str]
    params: Any
    body: Any
    principal: Principal
    reach: Reach
    request: Request


_LARGE = 1024 * 1024
Handler = Callable[["Hub", Call], Awaitable[Any]]


class Route(Struct, frozen=True, kw_only=True):
    """One operation of the admin API.

    Attributes:
        path: below ``/admin/v1/``.
        permission: what the caller must be allowed; None for anybody who is signed in.
        whole_hub: it is about everything, so rights that are limited to plants, flows or risks do not do.
        answers: type of the JSON answer; None when the handler makes the response itself.
        body: type of the JSON body; None for none, ``bytes`` for a body the handler reads.
        body_bytes: how large that may be.
        media: content type of an answer that is not JSON.
        problems: problem types that the operation may answer with, besides those that any may.
    """

    method: str
    path: str
    summary: str
    handler: Handler
    permission: Permission | None
    whole_hub: bool = False
    answers: Any = None
    params: type[Struct] = NoParams
    body: Any = None
    body_bytes: int = BODY_LIMIT
    status: int = 200
    media: str | None = None
    also: str | None = None
    problems: tuple[str, ...] = ()
    simulator: bool = False

    @property
    def operation(self) -> str:
        """The operation's id in the OpenAPI document."""
        words = [part.strip("{}") for part in self.path.split("/")]
        return "_".join([self.method.lower(), *words]).replace("-", "_")


def endpoint(route: Route, hub: Hub) -> Callable[[Request], Awaitable[Response]]:
    """The Starlette endpoint of a route. The caller was let in before it is reached."""

    async def serve(request: Request) -> Response:
        call = Call(
            path=dict(request.path_params),
            params=read_params(request, route.params),
            body=await _read_body(request, route),
            principal=request.scope["principal"],
            reach=hub.reach(request.scope["principal"]),
            request=request,
        )
        answer = await route.handler(hub, call)
        if isinstance(answer, Response):
            return answer
        return Response(msgspec.json.encode(answer), status_code=route.status, media_type=JSON)

    return serve


def read_params(request: Request, wanted: type[Struct]) -> Any:
    """Query parameters as the declared struct.

    Raises:
        Invalid: an unknown parameter, one that came twice, or a value of the wrong type.
    """
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in given:
            raise Invalid(f"The parameter {name!r} came twice. Send it once.")
        given[name] = value
    known = list(wanted.__struct_encode_fields__)
    for name in given:
        if name not in known:
            raise Invalid(
                f"There is no parameter {name!r} here. There is: {', '.join(known) or 'none'}.", parameter=name
            )
    try:
        return msgspec.convert(given, wanted, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(f"A parameter cannot be used: {error}") from error


async def _read_body(request: Request, route: Route) -> Any:
    wanted = route.body
    return None if wanted is None or wanted is bytes else await read_json(request, wanted, route.body_bytes)


async def read_json(request: Request, wanted: Any, most: int = BODY_LIMIT) -> Any:
    """A JSON body of at most so many bytes as the declared type.

    Raises:
        UnsupportedMedia, TooLarge: it is no JSON, or too large.
        Invalid: it does not fit.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != JSON:
        raise UnsupportedMedia(f"The body must be {JSON}, and this one is {media or 'of no type'}.")
    try:
        content = await read_limited(request, most)
        # What is large is not looked through while everybody else waits.
        large = len(content) > _LARGE
        body, repeated = await asyncio.to_thread(_parse, content, wanted) if large else _parse(content, wanted)
    except msgspec.ValidationError as error:
        raise Invalid(f"The body does not fit: {error}") from error
    except msgspec.DecodeError as error:
        raise Invalid(f"The body is not JSON: {error}") from error
    except UnicodeDecodeError as error:
        raise Invalid(f"The body is not UTF-8: {error.reason} at byte {error.start}") from error
    if repeated is not None:
        raise Invalid(f"The body has {repeated!r} twice in one place. Which one counts is not plain. Send it once.")
    return body


def _parse(content: bytes, wanted: Any) -> tuple[Any, str | None]:
    return parse_json(content, wanted), repeated_member(content)


async def read_limited(request: Request, limit: int) -> bytes:
    """The body of a request, of ``limit`` bytes at most.

    Raises:
        TooLarge: it is larger; the rest is not read.
    """
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise TooLarge(
                f"The body is larger than {limit:,} bytes. Nothing was taken. Send it in parts, or raise the limit."
            )
        parts.append(part)
    return b"".join(parts)
