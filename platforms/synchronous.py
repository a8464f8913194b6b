"""The sender for commands: one call at a time."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator
from contextlib import closing
from types import TracebackType
from typing import TypeVar

from platforms.calls import Call, Request, Response, pause_of, read_answer, request_for
from platforms.contexts import Resolved
from platforms.events import Connection, EventReader, Resumption
from platforms.problems import error_of
from platforms.reach import AGENT, endpoint_of
from platforms.wire import Wire
from transactions.errors import AndonError
from transactions.history import StreamEvent

T = TypeVar("T")


class SyncClient:
    """Sends calls to the platform of a context and waits for the answers."""

    def __init__(
        self,
        context: Resolved,
        *,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """``sleep`` and ``jitter`` time the tries after a lost connection."""
        self._endpoint = endpoint_of(context)
        self._wire = Wire(self._endpoint)
        self._sleep = sleep
        self._jitter = jitter

    def __enter__(self) -> SyncClient:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def address(self) -> str:
        """Where the platform is, for messages."""
        return self._endpoint.address.url

    def send(self, call: Call[T]) -> T:
        """The answer of a call.

        Raises:
            Unreachable: no answer, or one that is not of an admin API.
            AndonError: the problem that the platform sent, as its own type.
        """
        tokens = self._endpoint.tokens
        token = tokens.current() or tokens.renew(None)
        answer = self._exchange(call, token)
        if answer.status == 401 and token is not None and (newer := tokens.renew(token)) is not None:
            # Refused before it was looked at, so it may be asked again, whatever it is.
            answer = self._exchange(call, newer)
        return read_answer(call, answer, self.address)

    def download(self, call: Call[bytes]) -> Generator[bytes]:
        """The answer of a call in pieces as they arrive, for what may be larger than memory.

        Raises:
            Unreachable: no answer, or one that broke off.
            AndonError: the problem that the platform sent, as its own type.
        """
        tokens = self._endpoint.tokens
        token, may_renew, tries = tokens.current() or tokens.renew(None), True, 1
        while True:
            request = self._request(call, token)
            with self._wire.stream(request, lines=False) as (answer, pieces):
                if answer.status == 200 and answer.content_type.partition(";")[0].strip() == call.accept:
                    yield from pieces
                    return
            if answer.status == 401 and token is not None and may_renew:
                may_renew, newer = False, tokens.renew(token)
                if newer is not None:
                    token = newer
                    continue
            pause = pause_of(request, answer, tries)
            if pause is None:
                raise error_of(answer.status, answer.content_type, answer.body, self.address, answer.location)
            self._sleep(pause)
            tries += 1

    def events(self, last_event_id: int | None = None) -> Generator[StreamEvent | Connection]:
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
                with closing(self._listen(resumption)) as stream:
                    yield from stream
                lost = resumption.lost(None)
            except AndonError as error:
                lost = resumption.lost(error)
            yield lost
            self._sleep(lost.retry_in or 0)

    def close(self) -> None:
        """Let go of connections."""
        self._wire.close()

    def _exchange(self, call: Call[T], token: str | None) -> Response:
        request, tries = self._request(call, token), 1
        while (pause := pause_of(request, answer := self._wire.exchange(request), tries)) is not None:
            self._sleep(pause)
            tries += 1
        return answer

    def _request(self, call: Call[T], token: str | None) -> Request:
        return request_for(
            call,
            base_path=self._endpoint.base_path,
            token=token,
            agent=AGENT,
            read_only=self._endpoint.read_only,
        )

    def _listen(self, resumption: Resumption) -> Generator[StreamEvent | Connection]:
        tokens = self._endpoint.tokens
        token = tokens.current() or tokens.renew(None)
        request = resumption.request(base_path=self._endpoint.base_path, token=token, agent=AGENT)
        with self._wire.stream(request) as (response, pieces):
            wanting = response.status == 401 and token is not None and resumption.may_renew()
            if wanting and tokens.renew(token) is not None:
                # The next try has the new token.
                return
            if response.status != 200:
                raise error_of(response.status, response.content_type, response.body, self.address, response.location)
            yield resumption.live()
            reader = EventReader()
            for piece in pieces:
                for event in reader.feed(piece):
                    yield resumption.seen(event)
