"""Asks targets about the transactions of a plan: a bounded number at once, for a bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from hub.delivery.engine import Engine
from hub.delivery.guards import searched_keys
from hub.delivery.similar import Similar, read_similar
from hub.landscape import Endpoint, Landscape
from hub.recovery.heard import Ask, Follower, Heard
from transactions.model import Status
from transactions.plans import Action, PlanOptions
from transactions.states import Event, allowed

AT_ONCE = 16
PATIENCE = 20.0
"""Seconds for all the questions of one plan; a caller waits for them."""

_ASKED: dict[Action, tuple[Ask, ...]] = {
    Action.RESOLVE: (Ask.LOOKUP, Ask.SEARCH),
    Action.REOPEN: (Ask.LOOKUP,),
    Action.COMPENSATE: (Ask.LOOKUP, Ask.FOLLOWS),
    Action.CORRECT: (Ask.LOOKUP, Ask.FOLLOWS),
    Action.REPLAY: (Ask.SEARCH,),
    Action.EDIT: (Ask.SEARCH,),
}
_FROM: dict[Action, tuple[Event, ...]] = {
    Action.RESOLVE: (Event.RESOLVE_APPLIED, Event.RESOLVE_NOT_APPLIED),
    Action.REOPEN: (Event.REOPEN,),
    Action.COMPENSATE: (Event.COMPENSATE,),
    Action.CORRECT: (Event.COMPENSATE,),
    Action.REPLAY: (Event.RUN,),
    Action.EDIT: (Event.RUN,),
}


class _Followers(Struct, frozen=True):
    items: list[Follower]


class Questioner:
    """Asks targets on behalf of plans; nothing that it does changes anything anywhere.

    Args:
        patience: seconds for all the questions of one plan.
    """

    def __init__(self, engine: Engine, landscape: Landscape, patience: float = PATIENCE) -> None:
        self._engine, self._landscape, self._patience = engine, landscape, patience

    def asks(self, action: Action) -> bool:
        """Whether plans of ``action`` hang on what targets say."""
        return action in _ASKED

    async def ask(self, action: Action, rows: Iterable[Any], options: PlanOptions) -> dict[str, Heard]:
        """What the targets say, by the id of the transaction.

        Args:
            action: what is planned; it says what has to be known.
            rows: of ``transactions``.
            options: those of the plan.
        """
        wanted = _ASKED.get(action, ())
        asked = [row for row in rows if wanted and _worth_asking(action, row)]
        found: dict[str, Heard] = {}
        if not asked:
            return found
        room = asyncio.Semaphore(AT_ONCE)

        async def one(row: Any) -> None:
            async with room:
                found[row.id] = await self._about(row, wanted, options)

        tasks = [asyncio.create_task(one(row)) for row in asked]
        _, late = await asyncio.wait(tasks, timeout=self._patience)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        for task in tasks:
            if task not in late:
                task.result()  # a defect is not silence
        slow = Heard(silent={str(ask): f"there was no answer within {self._patience:g} s" for ask in wanted})
        return {row.id: found.get(row.id, slow) for row in asked}

    async def _about(self, row: Any, wanted: tuple[Ask, ...], options: PlanOptions) -> Heard:
        endpoint = self._landscape.endpoint(row.target, row.plant)
        if endpoint is None or endpoint.url is None:
            return Heard(silent={str(ask): f"{row.target} has no address" for ask in wanted})
        heard = Heard()
        silent: dict[str, str] = {}
        if Ask.LOOKUP in wanted:
            settled = self._engine.settling.remaining(row.id, endpoint.declaration.settle_seconds()) <= 0
            lookup = await self._engine.outlet(row.target, row.plant).look_up(row)
            heard = msgspec.structs.replace(heard, lookup=lookup, settled=settled)
            if lookup is None:
                silent[Ask.LOOKUP] = f"{endpoint.label} cannot be asked"
        if Ask.SEARCH in wanted:
            similar = await self._similar(row, endpoint)
            if isinstance(similar, str):
                silent[Ask.SEARCH] = similar
            else:
                heard = msgspec.structs.replace(heard, similar=similar)
        if Ask.FOLLOWS in wanted:
            follows = await self._follows(row, endpoint, options)
            if isinstance(follows, str):
                silent[Ask.FOLLOWS] = follows
            else:
                heard = msgspec.structs.replace(heard, follows=follows)
        return msgspec.structs.replace(heard, silent=silent)

    async def _similar(self, row: Any, endpoint: Endpoint) -> list[Similar] | str | None:
        keys = searched_keys(row, self._landscape)
        url = None if keys is None else endpoint.search_url(keys)
        if url is None:
            return None
        answer = await self._engine.outlet(row.target, row.plant).inquire(row.flow, url)
        if isinstance(answer, str):
            return answer
        found = read_similar(answer)
        return f"{endpoint.label} answered what cannot be read" if found is None else found

    async def _follows(self, row: Any, endpoint: Endpoint, options: PlanOptions) -> list[Follower] | str | None:
        url = endpoint.follows_url(row.idempotency_key, options.date)
        if url is None:
            return None
        answer = await self._engine.outlet(row.target, row.plant).inquire(row.flow, url)
        if isinstance(answer, str):
            return answer
        try:
            return msgspec.json.decode(answer.body, type=_Followers).items
        except msgspec.DecodeError as error:
            return f"{endpoint.label} answered what cannot be read ({error})"


def _worth_asking(action: Action, row: Any) -> bool:
    """Whether the answer could matter: most of what a filter finds is refused before anybody is asked."""
    return not row.claimed_by and any(allowed(Status(row.status), event) for event in _FROM[action])
