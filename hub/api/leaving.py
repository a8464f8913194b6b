"""Long questions, asked only while the caller is there to hear the answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection
from starlette.requests import ClientDisconnect, Request

from hub.store.abandon import while_wanted
from hub.store.database import Database

T = TypeVar("T")


async def ask_while_there(database: Database, request: Request, question: Callable[[Connection], T]) -> T:
    """The answer to a question to the store, which ends when the caller leaves.

    Args:
        database: whom to ask.
        request: of the caller, whose body was read, or who sends none.
        question: a function of a reader's connection.

    Raises:
        ClientDisconnect: the caller has left; the question was ended.
    """
    gone = threading.Event()

    def watched(connection: Connection) -> T:
        with while_wanted(connection, gone):
            return question(connection)

    asking = asyncio.ensure_future(database.read(watched))
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({asking, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if asking.done():
            return asking.result()
        raise ClientDisconnect
    finally:
        gone.set()
        leaving.cancel()
        await asyncio.gather(asking, leaving, return_exceptions=True)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
