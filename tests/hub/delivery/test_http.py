"""The HTTP channel against real sockets: what certainly did not leave, and what may have."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from hub.delivery.channel import NoAnswer, NotSent, Outgoing
from hub.delivery.classify import classify
from hub.delivery.http import HttpChannel
from hub.delivery.profile import QUICK
from transactions.model import FailureKind

SWIFT = msgspec.structs.replace(QUICK, connect_timeout=0.3, read_timeout=0.2)
Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def channel() -> AsyncIterator[HttpChannel]:
    channel = HttpChannel(SWIFT)
    yield channel
    await channel.close()


@asynccontextmanager
async def listening(peer: Peer, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server that treats each connection as ``peer`` says; yields its port."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await peer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the channel went away, or the test is over
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def post(port: int, content: bytes = b"{}", scheme: str = "http", path: str = "/documents/x") -> Outgoing:
    return Outgoing(
        method="POST",
        url=f"{scheme}://127.0.0.1:{port}{path}",
        headers={"content-type": "application/json", "idempotency-key": "k"},
        content=content,
    )


def answering(head: str, body: bytes = b"") -> Peer:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        await writer.drain()

    return peer


async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def test_headers_come_back_in_lower_case_and_the_body_byte_for_byte(channel) -> None:
    async with listening(answering("201 Created\r\nX-CSRF-Token: Required", b"\x00\xff{")) as port:
        answer = await channel.send(post(port))
    assert (answer.status, answer.body) == (201, b"\x00\xff{")
    assert answer.headers["x-csrf-token"] == "Required"


@pytest.mark.parametrize("size", [0, 2, 65_537, 3_000_000])
async def test_a_document_of_any_size_leaves_byte_for_byte_with_its_length(channel, size) -> None:
    arrived = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert f"content-length: {size}\r\n".encode() in head
        arrived.append(await reader.readexactly(size))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()

    content = bytes(n % 251 for n in range(size))
    async with listening(take) as port:
        assert (await channel.send(post(port, content))).status == 200
    assert arrived == [content]


async def test_a_refused_connection_certainly_did_not_leave(channel) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening
        with pytest.raises(NotSent, match=r"No connection: .*refused") as caught:
            await channel.send(post(taken.getsockname()[1]))
    assert (caught.value.kind, caught.value.code) == (FailureKind.UNREACHABLE, "connection-refused")


async def test_a_name_that_does_not_resolve_is_said_in_words(channel) -> None:
    request = Outgoing(method="GET", url="http://target.invalid/x", headers={})
    with pytest.raises(NotSent) as caught:
        await channel.send(request)
    assert caught.value.kind in (FailureKind.UNREACHABLE, FailureKind.TIMEOUT)
    assert "Unknown error" not in caught.value.message
    assert "errno" not in caught.value.message.lower()


async def test_an_address_that_cannot_be_used(channel) -> None:
    for url in ("http://", "ftp://127.0.0.1/x", "http://127.0.0.1:99999/"):
        with pytest.raises(NotSent) as caught:
            await channel.send(Outgoing(method="GET", url=url, headers={}))
        assert caught.value.kind is FailureKind.UNREACHABLE, url


async def test_a_connection_that_is_not_taken_up_in_time(channel) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        try:
            for _ in range(4):  # the queue of those that wait is full now
                client = socket.socket()
                client.setblocking(False)
                client.connect_ex(full.getsockname())
                waiting.append(client)
            with pytest.raises(NotSent, match=r"within 0\.3 s") as caught:
                await channel.send(post(full.getsockname()[1]))
        finally:
            for client in waiting:
                client.close()
    assert (caught.value.kind, caught.value.code) == (FailureKind.TIMEOUT, "connect-timeout")


async def test_no_answer_after_the_request_left(channel) -> None:
    async with listening(silent) as port:
        with pytest.raises(NoAnswer, match="after the request left") as caught:
            await channel.send(post(port))
    assert caught.value.code == "read-timeout"


async def test_a_target_that_takes_the_request_in_for_ever(channel) -> None:
    """It accepts and never reads, so that the request never leaves whole: that too has an end."""

    async def deaf(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(30)

    async with listening(deaf) as port, asyncio.timeout(30):
        with pytest.raises(NoAnswer):
            await channel.send(post(port, b"x" * 20_000_000))


async def test_a_target_that_answers_a_byte_at_a_time_for_ever(channel) -> None:
    async def dribble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with listening(dribble) as port, asyncio.timeout(30):
        with pytest.raises(NoAnswer) as caught:
            await channel.send(post(port))
    assert caught.value.code == "read-timeout"


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf"])
async def test_a_connection_that_breaks_after_the_request_left(channel, said) -> None:
    async def drop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await writer.drain()
        writer.transport.abort()

    async with listening(drop) as port:
        with pytest.raises(NoAnswer) as caught:
            await channel.send(post(port))
    assert caught.value.code == "connection-lost"


async def test_what_is_no_http_is_no_answer(channel) -> None:
    async def mail(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()

    async with listening(mail) as port:
        with pytest.raises(NoAnswer):
            await channel.send(post(port))


async def test_an_idle_connection_that_was_closed_sends_nothing_twice(channel) -> None:
    """The second request meets a connection that the target closed: it is not known whether it arrived."""
    arrived = []

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n{}")
        arrived.append(1)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        await reader.readuntil(b"\r\n\r\n{}")
        arrived.append(2)
        writer.transport.abort()

    async with listening(once) as port:
        await channel.send(post(port))
        with pytest.raises(NoAnswer):
            await channel.send(post(port))
    assert arrived == [1, 2]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_answers_and_are_not_followed(channel, status) -> None:
    followed = []

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        followed.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with listening(elsewhere) as other:
        target = f"http://127.0.0.1:{other}/"
        async with listening(answering(f"{status} Moved\r\nLocation: {target}")) as port:
            answer = await channel.send(post(port))
    assert answer.status == status
    assert followed == []
    outcome = classify(answer, "ERP")
    assert outcome.failure is not None
    assert outcome.failure.kind is FailureKind.MAPPING
    assert target in outcome.failure.message


async def test_of_a_large_answer_only_the_beginning_is_read(channel) -> None:
    async with listening(answering("200 OK", b"a" * 3_000_000)) as port:
        answer = await channel.send(post(port))
    assert answer.body == b"a" * 1_048_576


async def test_cookies_of_one_answer_do_not_travel_with_the_next_request(channel) -> None:
    heads = []

    async def cookie(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nSet-Cookie: SESSION=1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()

    async with listening(cookie) as port:
        await channel.send(post(port))
        await channel.send(post(port))
    assert len(heads) == 2
    assert not any(b"cookie" in head.lower() for head in heads)


async def test_plain_http_where_tls_is_expected(channel) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with listening(plain) as port:
        with pytest.raises(NotSent) as caught:
            await channel.send(post(port, scheme="https"))
    assert (caught.value.kind, caught.value.code) == (FailureKind.CERTIFICATE, "tls")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
async def test_a_certificate_that_is_not_trusted_lets_nothing_leave(channel, tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=127.0.0.1 "
        f"-keyout {key.name} -out {certificate.name}".split(),
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    async with listening(silent, tls) as port:
        with pytest.raises(NotSent, match=r"(?i)certificate") as caught:
            await channel.send(post(port, scheme="https"))
    assert caught.value.kind is FailureKind.CERTIFICATE


async def test_closing_and_sending_again(channel) -> None:
    async with listening(answering("200 OK")) as port:
        await channel.send(post(port))
        await channel.close()
        await channel.close()
        assert (await channel.send(post(port))).status == 200
