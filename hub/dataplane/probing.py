"""Calls that see whether the gateway does what it was told. None has a token of a consumer: nothing gets past it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator, Mapping

import aiohttp
from msgspec import Struct

from gateway_policies.enforcement import Checked
from gateway_policies.routing.deciding import Call, decide
from gateway_policies.routing.model import Routing, Surface
from gateway_policies.traffic.entries import PROBE as MARK
from hub.dataplane.routes import PROBE
from hub.dataplane.vocabulary import GATEWAY, GENERATION, PLANT, REFUSAL, TRANSACTION
from hub.errors import DataPlaneError

CHECKED_AT_MOST = 200
"""Operations that are called after a change; of more, some from the beginning of each version."""
_SEEN_WITHIN = 10.0
_TIMEOUT = aiohttp.ClientTimeout(total=5)
_LIFE = ("deprecation", "sunset", "link")


class Question(Struct, frozen=True, kw_only=True):
    """A call, and about what it is."""

    address: str
    call: Call


class Prober:
    """Calls a gateway on this machine.

    Args:
        url: where it is.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        context = ssl.create_default_context()
        # the same machine, and nothing is told to it: who it is does not matter
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self._tls: ssl.SSLContext | bool = context if url.startswith("https") else True

    async def serves(self, generation: str, workers: int) -> None:
        """Wait until routes of a generation are served; by several connections, since each worker has its own.

        Raises:
            DataPlaneError: they are not, in time.
        """
        seen = ""
        try:
            async with asyncio.timeout(_SEEN_WITHIN):
                met = 0
                while met < 2 * workers:
                    seen = await self._generation()
                    met = met + 1 if seen == generation else 0
                    if not met:
                        await asyncio.sleep(0.01)
        except TimeoutError as error:
            raise DataPlaneError(f"The gateway serves {seen or 'nothing'} and should serve {generation}.") from error

    async def check(
        self, questions: list[Question], routing: Routing, plants: Mapping[str, str] | None = None
    ) -> list[Checked]:
        """Make the calls, and hold the answers against the policies.

        Args:
            plants: a plant to name, by the upstreams that have an instance in each.
        """
        by_address = {each.address: (plants or {}).get(each.upstream) for each in routing.surfaces}
        async with self._session() as session:
            return [await self._ask(session, each, routing, by_address.get(each.address)) for each in questions]

    async def _generation(self) -> str:
        async with self._session() as session:
            try:
                async with session.get(self._url + PROBE) as answer:
                    return answer.headers.get(GENERATION, "")
            except (aiohttp.ClientError, OSError):
                return ""

    async def _ask(
        self, session: aiohttp.ClientSession, question: Question, routing: Routing, plant: str | None
    ) -> Checked:
        call, expected = question.call, decide(routing, question.call)
        marks = {TRANSACTION: MARK} if plant is None else {TRANSACTION: MARK, PLANT: plant}
        wrong: list[str] = []
        status: int | None = None
        try:
            async with session.request(
                call.method, self._url + call.path, headers={**call.headers, **marks}, allow_redirects=False
            ) as answer:
                status = answer.status
                said = answer.headers
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            wrong.append(f"no answer: {error or type(error).__name__}")
        else:
            if said.get(GATEWAY) != "refused":
                wrong.append("it was not the gateway that answered")
            elif said.get(REFUSAL) != expected.refusal:
                wrong.append(f"it says {said.get(REFUSAL)} and should say {expected.refusal}")
            life = {} if expected.surface is None else expected.surface.headers
            wrong += [
                f"{name} is {said.get(name)!r} and should be {life.get(name)!r}"
                for name in _LIFE
                if said.get(name) != life.get(name)
            ]
        return Checked(
            address=question.address,
            method=call.method,
            path=call.path,
            expected=expected.status or 200,
            status=status,
            wrong=tuple(wrong),
        )

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._tls), timeout=_TIMEOUT, cookie_jar=aiohttp.DummyCookieJar()
        )


def questions(before: Routing | None, after: Routing) -> tuple[list[Question], int]:
    """What to call after a change: every operation of every version that is another than before, or is no more.

    Returns:
        The questions, and how many operations there were that are too many.
    """
    old = {} if before is None else {each.address: each for each in before.surfaces}
    new = {each.address: each for each in after.surfaces}
    differing = sorted(address for address in old.keys() | new.keys() if old.get(address) != new.get(address))
    asked: dict[tuple[str, str, str], Question] = {}
    for address in differing:
        for surface in (new.get(address), old.get(address)):
            if surface is not None:
                for each in _calls(surface):
                    asked.setdefault((address, each.method, each.path), Question(address=address, call=each))
    every = list(asked.values())
    return every[:CHECKED_AT_MOST], max(0, len(every) - CHECKED_AT_MOST)


def _calls(surface: Surface) -> Iterator[Call]:
    headers = {} if surface.header is None else {surface.header.lower(): surface.version}
    for entry in surface.entries:
        segments = [MARK if part.startswith("{") else part for part in entry.path.split("/")]
        path = surface.prefix + ("" if entry.path == "/" else "/".join(segments))
        yield Call(method=entry.methods[0], path=path, headers=headers)
