"""A platform that says it was asked too often is obeyed: for reads a while, for everything else at once."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from platforms.asynchronous import AsyncClient
from platforms.calls import TRIES, Call, Request, Response, pause_of
from platforms.contexts import Choice, resolve
from platforms.synchronous import SyncClient
from platforms.wire import Wire
from transactions.errors import TooManyRequests, Unavailable

DETAIL = b'{"type": "urn:andon:problem:too-many-requests", "title": "t", "status": 429, "detail": "Too often."}'
READ: Call[bytes] = Call(method="GET", path="whoami", answers=bytes)
ACT: Call[bytes] = Call(method="POST", path="plans", answers=bytes, body=b"{}", changes=True)


def refusal(retry_after: str | None = "2") -> Response:
    return Response(status=429, content_type="application/problem+json", body=DETAIL, retry_after=retry_after)


FINE = Response(status=200, content_type="application/json", body=b"{}")


@pytest.fixture
def context(tmp_path: Path):
    environ = {"ANDON_URL": "http://127.0.0.1:9", "ANDON_TOKEN": "t", "ANDON_CONFIG_DIR": str(tmp_path)}
    return resolve(Choice(), environ, tmp_path)


@pytest.fixture
def answers(monkeypatch) -> list[Response]:
    coming: list[Response] = []
    monkeypatch.setattr(Wire, "exchange", lambda self, request: coming.pop(0))
    return coming


def test_a_read_waits_as_long_as_it_was_told(context, answers) -> None:
    slept: list[float] = []
    answers += [refusal("2"), refusal("7"), FINE]
    assert SyncClient(context, sleep=slept.append).send(READ) == b"{}"
    assert slept == [2.0, 7.0]


def test_it_does_not_wait_for_ever(context, answers) -> None:
    slept: list[float] = []
    answers += [refusal("1")] * 100
    with pytest.raises(TooManyRequests, match="Too often"):
        SyncClient(context, sleep=slept.append).send(READ)
    assert len(slept) == TRIES - 1


def test_what_acts_is_asked_once(context, answers) -> None:
    answers += [refusal("1"), FINE]
    with pytest.raises(TooManyRequests):
        SyncClient(context, sleep=lambda _: pytest.fail("it waited")).send(ACT)
    assert answers == [FINE]


@pytest.mark.parametrize("said", [None, "", "-1", "1.5", "16", "99999999999", "Wed, 21 Oct 2026 07:28:00 GMT", "²"])
def test_a_pause_that_is_none_or_too_long_is_not_made(said) -> None:
    request = Request(method="GET", target="/", headers={})
    assert pause_of(request, refusal(said), 1) is None
    assert pause_of(request, refusal("0"), 1) == 0.0


async def test_the_console_s_client_does_the_same(context) -> None:
    slept: list[float] = []
    coming = [429, 429, 200, *[429] * 50]

    def answer(request: httpx.Request) -> httpx.Response:
        status = coming.pop(0)
        headers = {"Retry-After": "3", "Content-Type": "application/problem+json"}
        return httpx.Response(status, headers=headers, content=DETAIL if status == 429 else b"{}")

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async with AsyncClient(context, transport=httpx.MockTransport(answer), sleep=sleep) as client:
        assert await client.send(READ) == b"{}"
        assert slept == [3.0, 3.0]
        with pytest.raises(TooManyRequests):
            await client.send(READ)
        with pytest.raises(TooManyRequests):
            await client.send(ACT)
    assert len(slept) == 2 + TRIES - 1


def test_to_whoever_follows_it_is_a_platform_that_cannot_do_it_now() -> None:
    assert issubclass(TooManyRequests, Unavailable)
