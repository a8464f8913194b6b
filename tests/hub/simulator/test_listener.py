"""A port that can be closed for a while and stays ours."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientConnectionError, ClientConnectorError, ClientSession, web

from hub.errors import SimulatorError
from hub.simulator.listener import Listener


def application() -> web.Application:
    async def hello(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    made = web.Application()
    made.router.add_get("/", hello)
    return made


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    made = Listener(application())
    yield made
    await made.close()


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as made:
        yield made


async def said(session: ClientSession, listener: Listener) -> str:
    async with session.get(listener.url) as response:
        return await response.text()


async def test_it_falls_and_rises_on_the_same_port(listener: Listener, session: ClientSession) -> None:
    port = await listener.open(None, down=False)
    assert (listener.up, listener.port, listener.url) == (True, port, f"http://127.0.0.1:{port}")
    for _ in range(3):
        assert await said(session, listener) == "hello"
        await listener.fall()
        assert not listener.up
        with pytest.raises(ClientConnectionError):  # the one that was kept alive is broken
            await said(session, listener)
        with pytest.raises(ClientConnectorError):
            await said(session, listener)
        await listener.rise()
        assert listener.port == port
    assert await said(session, listener) == "hello"


async def test_it_may_begin_closed(listener: Listener, session: ClientSession) -> None:
    await listener.open(None, down=True)
    assert not listener.up
    with pytest.raises(ClientConnectorError):
        await said(session, listener)
    await listener.rise()
    assert await said(session, listener) == "hello"


async def test_rising_and_falling_twice_is_once(listener: Listener, session: ClientSession) -> None:
    await listener.open(None, down=True)
    await listener.fall()
    await listener.rise()
    await listener.rise()
    assert await said(session, listener) == "hello"


async def test_a_closed_port_stays_ours(listener: Listener) -> None:
    port = await listener.open(None, down=True)
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))


async def test_it_takes_the_port_it_had_or_another_when_that_is_gone(listener: Listener) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        assert await listener.open(taken, down=False) != taken
    again = Listener(application())
    had = listener.port
    await listener.close()
    assert await again.open(had, down=False) == had
    await again.close()


async def test_a_port_that_somebody_took_meanwhile_says_so(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    await listener.open(None, down=False)
    with monkeypatch.context() as patched:
        patched.setattr("hub.simulator.listener._bind", lambda port: None)
        await listener.fall()
        with pytest.raises(SimulatorError, match=str(listener.port)):
            await listener.rise()
    await listener.rise()
    assert listener.up


async def test_after_the_end_the_port_is_free(listener: Listener) -> None:
    port = await listener.open(None, down=False)
    await listener.fall()
    await listener.close()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
