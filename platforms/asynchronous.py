"""The sender for the console: many calls at a time, each can be cancelled."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from types import TracebackType
from typing import TypeVar

import httpx

from platforms.calls import Call, Request, Response, pause_of, read_answer, request_for
from platforms.contexts import Resolved
from platforms.events import Connection, EventReader, Resumption
from platforms.problems import error_of
from platforms.reach import AGENT, CONNECT_SECONDS, endpoint_of, tls, unreachable
from transactions.errors import AndonError
from transactions.history import StreamEvent

T = TypeVar("T")


class AsyncClient:
    """Sends calls to the platform of a context; safe to use from many tasks of one loop at a time."""

    def __init__(
        self,
        context: Resolved,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """``transport`` stands in for the network; ``sleep`` and ``jitter`` time the tries after a lost connection."""
        self._endpoint = endpoint_of(context)
        self._sleep = sleep
        self._jitter = jitter
        self._http = httpx.AsyncClient(
            verify=tls(self._endpoint),
            # A proxy between this machine and itself only gets in the way.
            trust_env=not self._endpoint.address.loopback,
            follow_redirects=False,
            transport=transport,
        )

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def address(self) -> str:
        """Where the platform is, for messages."""
        return self._endpoint.address.url

    async def send(self, call: Call[T]) -> T:
        """The answer of a call.

        Raises:
            Unreachable: no answer, or one that is not of an admin API.
            AndonError: the problem that the platform sent, as its own type.
        """
        token = await self._token()
        answer = await self._exchange(call, token)
        if answer.status == 401 and token is not None and (newer := await self._renewed(token)) is not None:
            # Refused before it was looked at, so it may be asked again, whatever it is.
            answer = await self._exchange(call, newer)
        return read_answer(call, answer, self.address)

    async def events(self, last_event_id: int | None = None) -> AsyncGenerator[StreamEvent | Connection]:
        """Events as they come, for ever; after a loss the stream goes on behind the last one seen.

        Args:
            last_event_id: go on behind this one; None begins with what happens now.

        Raises:
            AndonError: trying again cannot help (not signed in, not allowed, not a platform).
        """
        resumption = Resumption(last_event_id, self._jitter)
        while True:
            try:
                # Closed at once when the caller stops listening, not when the garbage collector gets to it.
                async with aclosing(self._listen(resumption)) as stream:
                    async for event in stream:
                        yield event
                lost = resumption.lost(None)
            except AndonError as error:
                lost = resumption.lost(error)
            yield lost
            await self._sleep(lost.retry_in or 0)

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._http.aclose()

    async def _exchange(self, call: Call[T], token: str | None) -> Response:
        request = request_for(
            call,
            base_path=self._endpoint.base_path,
            token=token,
            agent=AGENT,
            read_only=self._endpoint.read_only,
        )
        tries = 1
        while True:
            try:
                answer = _response(await self._http.send(self._build(request)))
            except (httpx.RequestError, httpx.InvalidURL) as error:
                raise unreachable(self._endpoint, request, error) from error
            pause = pause_of(request, answer, tries)
            if pause is None:
                return answer
            await self._sleep(pause)
            tries += 1

    async def _token(self) -> str | None:
        return self._endpoint.tokens.current() or await self._renewed(None)

    async def _renewed(self, refused: str | None) -> str | None:
        # In a thread: it may ask the issuer and wait for another process. A cancelled caller does not stop it, so that
        # a refresh token that was spent is always followed by the one that came for it.
        return await asyncio.to_thread(self._endpoint.tokens.renew, refused)

    def _build(self, request: Request) -> httpx.Request:
        return self._http.build_request(
            request.method,
            self._endpoint.address.origin + request.target,
            headers=request.headers,
            content=request.body,
            timeout=httpx.Timeout(request.patience, connect=CONNECT_SECONDS),
        )

    async def _listen(self, resumption: Resumption) -> AsyncGenerator[StreamEvent | Connection]:
        token = await self._token()
        request = resumption.request(base_path=self._endpoint.base_path, token=token, agent=AGENT)
        try:
            answer = await self._http.send(self._build(request), stream=True)
            try:
                wanting = answer.status_code == 401 and token is not None and resumption.may_renew()
                if wanting and await self._renewed(token) is not None:
                    # The next try has the new token.
                    return
                if answer.status_code != 200:
                    await answer.aread()
                    response = _response(answer)
                    raise error_of(
                        response.status, response.content_type, response.body, self.address, response.location
                    )
                yield resumption.live()
                reader = EventReader()
                async for piece in answer.aiter_bytes():
                    for event in reader.feed(piece):
                        yield resumption.seen(event)
            finally:
                await answer.aclose()
        except httpx.RequestError as error:
            raise unreachable(self._endpoint, request, error) from error


def _response(answer: httpx.Response) -> Response:
    return Response(
        status=answer.status_code,
        content_type=answer.headers.get("Content-Type", ""),
        body=answer.content,
        location=answer.headers.get("Location"),
        retry_after=answer.headers.get("Retry-After"),
    )
