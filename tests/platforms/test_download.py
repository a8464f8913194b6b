"""Answers that are taken in pieces as they come, and what becomes of those that break off."""

from __future__ import annotations

import json
from typing import Any

import pytest

from platforms.calls import Call
from platforms.errors import UnexpectedAnswer
from platforms.hub import audit
from platforms.synchronous import SyncClient
from transactions.errors import Forbidden, TooManyRequests, Unauthenticated, Unreachable

LINES = "application/x-ndjson"


@pytest.fixture
def client(peer: Any, context_at: Any) -> Any:
    slept: list[float] = []
    with SyncClient(context_at(peer.url), sleep=slept.append) as one:
        one.slept = slept  # type: ignore[attr-defined]
        yield one


def chunked(*chunks: bytes, end: bool = True) -> list[bytes]:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {LINES}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    return [head, *(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks), *([b"0\r\n\r\n"] if end else [])]


def problem(name: str, status: int, **extra: Any) -> bytes:
    return json.dumps({"type": f"urn:andon:problem:{name}", "status": status, "detail": "So it is.", **extra}).encode()


def test_the_calls_are_those_of_the_contract() -> None:
    assert audit.export().params == {}
    assert audit.export(3, 9).params == {"from": "3", "to": "9"}
    assert audit.entries(5, actor="ann", action="batch.*").params == {"limit": "5", "actor": "ann", "action": "batch.*"}


def test_pieces_come_as_they_are_and_make_the_whole(peer: Any, client: Any) -> None:
    body = [b"one\r\ntwo\n", b"x" * 200_000, b"\x00\xff"]
    peer.answers.append(chunked(*body))
    pieces = list(client.download(audit.export()))
    assert b"".join(pieces) == b"".join(body)
    assert max(map(len, pieces)) <= 65_536
    assert b"Accept: application/x-ndjson" in peer.requests[0]


@pytest.mark.parametrize("cut", [0, 1, 2])
def test_an_answer_that_breaks_off_is_none(peer: Any, client: Any, cut: int) -> None:
    pieces = chunked(b"one\n", b"two\n", b"three\n", end=False)
    peer.answers.append([*pieces[: 2 + cut], b"5\r\nth"])
    with pytest.raises(Unreachable):
        list(client.download(audit.export()))


def test_what_is_no_export_is_not_taken_for_one(peer: Any, client: Any) -> None:
    peer.will_answer("200 OK", b"<html>", kind="text/html")
    with pytest.raises(UnexpectedAnswer):
        list(client.download(audit.export()))


def test_a_refusal_is_the_platforms_own(peer: Any, client: Any) -> None:
    peer.will_answer("403 Forbidden", problem("forbidden", 403), kind="application/problem+json")
    with pytest.raises(Forbidden, match="So it is"):
        list(client.download(audit.export()))


def test_a_token_that_cannot_be_renewed_is_refused_once(peer: Any, client: Any) -> None:
    peer.will_answer("401 Unauthorized", problem("unauthenticated", 401), kind="application/problem+json")
    with pytest.raises(Unauthenticated):
        list(client.download(audit.export()))
    assert len(peer.requests) == 1


def test_too_many_requests_are_waited_for_a_while(peer: Any, client: Any) -> None:
    busy = {"kind": "application/problem+json", "more": "Retry-After: 2\r\n"}
    peer.will_answer("429 Too Many Requests", problem("too-many-requests", 429), **busy)
    peer.answers.append(chunked(b"one\n"))
    assert list(client.download(audit.export())) == [b"one\n"]
    assert client.slept == [2.0]
    for _ in range(4):
        peer.will_answer("429 Too Many Requests", problem("too-many-requests", 429), **busy)
    with pytest.raises(TooManyRequests):
        list(client.download(audit.export()))


class Renewing:
    """Tokens of which the first has ended."""

    renews = True

    def __init__(self) -> None:
        self.asked: list[str | None] = []

    def current(self) -> str:
        return "old"

    def renew(self, refused: str | None) -> str | None:
        self.asked.append(refused)
        return "new" if len(self.asked) == 1 else None


def test_a_token_that_has_ended_is_renewed_before_anything_was_taken(peer: Any, context_at: Any) -> None:
    tokens = Renewing()
    refusal = problem("unauthenticated", 401)
    peer.will_answer("401 Unauthorized", refusal, kind="application/problem+json")
    peer.answers.append(chunked(b"one\n"))
    with SyncClient(context_at(peer.url, token=None, tokens=tokens)) as client:
        assert list(client.download(audit.export())) == [b"one\n"]
        peer.will_answer("401 Unauthorized", refusal, kind="application/problem+json")
        with pytest.raises(Unauthenticated):
            list(client.download(audit.export()))
    assert [b"Bearer new" in request for request in peer.requests] == [False, True, False]
    assert tokens.asked == ["old", "old"]


def test_nobody_there(context_at: Any, peer: Any) -> None:
    peer.close()
    with SyncClient(context_at("http://127.0.0.1:1")) as client, pytest.raises(Unreachable):
        list(client.download(Call(method="GET", path="audit/export", answers=bytes)))
