"""The simulator: faults, books, emission. These routes exist only when the hub simulates."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct
from sqlalchemy import func, select

from hub.api.routing import Call, Route
from hub.books import balance
from hub.delivery.guards import replaced_among
from hub.delivery.timers import ask_now
from hub.recovery.items import NOBODY_CAN_SAY
from hub.simulator.child import SimulatorChild
from hub.simulator.control import SimulatorState
from hub.store.journal import journal
from hub.store.schema import tallies, transactions
from transactions.books import Books, Emission, Fault, FaultChange
from transactions.clock import to_micros
from transactions.errors import NotFound, Unavailable
from transactions.model import Status
from transactions.pages import Page
from transactions.people import Permission

if TYPE_CHECKING:
    from hub.app import Hub

_DRAIN_WITHIN = 30.0
_LOOK_EVERY = 0.05
_MOVING = (Status.PENDING, Status.DELIVERING, Status.RETRYING, Status.SENT)


class ResumeParams(Struct, frozen=True, forbid_unknown_fields=True):
    """How far the sources go on: so many ``documents`` more, or without end."""

    documents: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None


class Drained(Struct, frozen=True):
    """Nothing moves any more."""

    drained: bool


def _simulator(hub: Hub) -> SimulatorChild:
    if hub.simulator is None:
        raise NotFound("This hub simulates nothing. Start it with --simulate.")
    return hub.simulator


async def list_faults(hub: Hub, _call: Call) -> Page[Fault]:
    """Every fault there is, and where it is on."""
    return Page(items=await _simulator(hub).faults())


async def change_fault(hub: Hub, call: Call) -> Page[Fault]:
    """Switch a fault on or off."""
    change: FaultChange = call.body
    faults = await _simulator(hub).set_fault(change)
    now = hub.clock.now()

    def told(connection: object) -> None:
        book = journal(connection)  # type: ignore[arg-type]
        book.effect(
            now,
            call.principal.subject,
            f"simulator.{'on' if change.on else 'off'}",
            change.name or "all faults",
            None,
            None,
            {"system": change.system, "plant": change.plant, "flow": change.flow},
        )
        book.event(now, "simulator", change.name or "all", {"on": change.on})

    await hub.database.write(told)
    return Page(items=faults)


async def show_books(hub: Hub, _call: Call) -> Books:
    """Do the systems agree?"""

    async def statuses(ids: list[str]) -> dict[str, Status]:
        found: dict[str, Status] = {}
        for start in range(0, len(ids), 500):
            chunk = ids[start : start + 500]
            rows = await hub.database.read(
                lambda c, chunk=chunk: c.execute(  # type: ignore[misc]
                    select(transactions.c.id, transactions.c.status).where(transactions.c.id.in_(chunk))
                ).all()
            )
            found |= {row.id: Status(row.status) for row in rows}
        return found

    async def replaced(ids: list[str]) -> set[str]:
        found: set[str] = set()
        for start in range(0, len(ids), 500):
            chunk = ids[start : start + 500]
            found |= await hub.database.read(lambda c, chunk=chunk: replaced_among(c, chunk, hub.landscape))  # type: ignore[misc]
        return found

    return await balance(await _simulator(hub).ledger(), statuses, replaced)


async def show_state(hub: Hub, _call: Call) -> Emission:
    """How the sources stand."""
    return _told(await _simulator(hub).state())


async def pause(hub: Hub, _call: Call) -> Emission:
    """Stop emission; what was emitted still arrives."""
    return _told(await _simulator(hub).pause())


async def resume(hub: Hub, call: Call) -> Emission:
    """Let the sources send again."""
    return _told(await _simulator(hub).resume(call.params.documents))


def _told(state: SimulatorState) -> Emission:
    return Emission(emitting=state.emitting, emitted=state.emitted, outbox_waiting=state.outbox_waiting)


async def drain(hub: Hub, _call: Call) -> Drained:
    """Stop emission and wait until nothing moves: what failed, and what it holds, does not count."""
    simulator = _simulator(hub)
    await simulator.pause()
    moving = "the outboxes"
    asked, still = False, 0
    try:
        async with asyncio.timeout(_DRAIN_WITHIN):
            # Twice in a row, since what is due may be on its way from the clock to an outlet at the first look.
            while still < 2:
                state = await simulator.state()
                moving = f"{state.outbox_waiting} documents in outboxes"
                count = await _moving(hub) if state.outbox_waiting == 0 else 0
                if state.outbox_waiting or count or hub.engine.busy:
                    moving, still = f"{count} transactions" if count else moving, 0
                elif not asked:
                    # What is parked may have been posted there by now; a drained hub knows.
                    now, asked = hub.clock.now(), True
                    await hub.database.write(lambda c, now=now: ask_now(c, now))  # type: ignore[misc]
                else:
                    still += 1
                await asyncio.sleep(_LOOK_EVERY)
            return Drained(True)
    except TimeoutError as error:
        raise Unavailable(
            f"After {_DRAIN_WITHIN:g} s there is still something moving: {moving}. Emission stays stopped. "
            "Try again, or look at `andon tx list` for what is on its way."
        ) from error


async def _moving(hub: Hub) -> int:
    moment = to_micros(hub.clock.now())

    def question(connection: object) -> int:
        execute = connection.execute  # type: ignore[attr-defined]
        moving = execute(
            select(func.coalesce(func.sum(tallies.c.count), 0)).where(tallies.c.status.in_(_MOVING))
        ).scalar_one()
        asked = execute(
            select(func.count())
            .select_from(transactions)
            .where(
                (transactions.c.due_next <= moment)
                | (
                    (transactions.c.status == Status.IN_DOUBT)
                    & transactions.c.due_next.is_not(None)
                    & transactions.c.waiting_on.not_like(NOBODY_CAN_SAY)
                )
            )
        ).scalar_one()
        breaker = execute(
            select(func.count()).select_from(transactions).where(transactions.c.hold_kind == "breaker")
        ).scalar_one()
        return int(moving) + int(asked) + int(breaker)

    return await hub.database.read(question)


ROUTES = (
    Route(
        method="GET",
        path="simulator/faults",
        summary="Faults, and where they are on",
        handler=list_faults,
        permission=Permission.READ,
        answers=Page[Fault],
        simulator=True,
    ),
    Route(
        method="PUT",
        path="simulator/faults",
        summary="Switch a fault on or off",
        handler=change_fault,
        permission=Permission.SIMULATE,
        whole_hub=True,
        body=FaultChange,
        answers=Page[Fault],
        simulator=True,
    ),
    Route(
        method="GET",
        path="simulator/books",
        summary="What sources owe against what targets posted",
        handler=show_books,
        permission=Permission.READ,
        whole_hub=True,
        answers=Books,
        simulator=True,
    ),
    Route(
        method="GET",
        path="simulator/state",
        summary="How the simulated sources stand",
        handler=show_state,
        permission=Permission.READ,
        answers=Emission,
        simulator=True,
    ),
    Route(
        method="POST",
        path="simulator/pause",
        summary="Stop emission",
        handler=pause,
        permission=Permission.SIMULATE,
        whole_hub=True,
        answers=Emission,
        simulator=True,
    ),
    Route(
        method="POST",
        path="simulator/resume",
        summary="Go on with emission; after so many more documents it pauses by itself",
        handler=resume,
        permission=Permission.SIMULATE,
        whole_hub=True,
        params=ResumeParams,
        answers=Emission,
        simulator=True,
    ),
    Route(
        method="POST",
        path="simulator/drain",
        summary="Stop emission and wait until nothing moves (30 s at most)",
        handler=drain,
        permission=Permission.SIMULATE,
        whole_hub=True,
        answers=Drained,
        simulator=True,
    ),
)
