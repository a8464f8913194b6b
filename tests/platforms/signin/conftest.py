"""A server that answers as it is told, for what a certified issuer cannot be made to say."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import pytest


class Answering:
    """Answers each path with what was said for it: the next of a list, the last one again and again."""

    def __init__(self) -> None:
        self.answers: dict[str, list[tuple[int, Any]]] = {}
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                form = dict(parse_qsl(self.rfile.read(length).decode()))
                outer.asked.append((self.path, form, {key.lower(): value for key, value in self.headers.items()}))
                said = outer.answers.get(self.path, [(404, {})])
                status, body = said.pop(0) if len(said) > 1 else said[0]
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                if status in (301, 302, 307):
                    self.send_header("Location", "https://elsewhere.example/")
                self.end_headers()
                self.wfile.write(data)

            do_POST = do_GET  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def says(self, path: str, *answers: Any, status: int = 200) -> None:
        """What is answered there from now on; a pair is a status and a body."""
        self.answers[path] = [each if isinstance(each, tuple) else (status, each) for each in answers]

    def is_issuer(self, **more: Any) -> None:
        """Answer as an issuer."""
        self.says(
            "/.well-known/openid-configuration",
            {
                "issuer": self.url,
                "token_endpoint": f"{self.url}/token",
                "device_authorization_endpoint": f"{self.url}/device",
                "revocation_endpoint": f"{self.url}/revoke",
                **more,
            },
        )

    def is_platform(self, *issuers: str, **more: Any) -> None:
        """Answer as a platform that trusts these issuers."""
        said = {"resource": self.url, "authorization_servers": list(issuers), **more}
        self.says("/.well-known/oauth-protected-resource", said)

    def forms(self, path: str) -> list[dict[str, str]]:
        """The forms that came in there."""
        return [form for asked, form, _ in self.asked if asked == path]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def answering() -> Iterator[Answering]:
    one = Answering()
    yield one
    one.close()


@pytest.fixture
def another() -> Iterator[Answering]:
    one = Answering()
    yield one
    one.close()
