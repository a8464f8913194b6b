"""The delivery engine: outlets, the clock that wakes them, and recovery after a start."""

from __future__ import annotations

import asyncio
import random
from datetime import datetime

import structlog

from hub.delivery.answers import LookupAnswer
from hub.delivery.breaker import BreakerState
from hub.delivery.channel import Channel
from hub.delivery.clearing import clear_lookup
from hub.delivery.finish import Finisher
from hub.delivery.gateway_way import GatewayWay
from hub.delivery.outlet import Outlet
from hub.delivery.profile import Profile
from hub.delivery.settling import Settling
from hub.delivery.timers import move_along, next_due, recover, take_due
from hub.errors import StoreError
from hub.landscape import Landscape
from hub.masks.stored import secrets_of
from hub.store.database import TRY_AGAIN, Database
from hub.store.journal import Journal, Ready
from hub.store.questions import by_key
from hub.store.shown import shown
from transactions.clock import Clock, StepWatch, to_micros
from transactions.model import Transaction

LOOK = 5.0
"""Seconds between two looks at the clock."""
log = structlog.get_logger("andon.delivery")


class Engine:
    """Brings every transaction that is owed to its target, one outlet per instance.

    Attributes:
        gateway: on the way to targets, where there is one.
    """

    def __init__(
        self,
        database: Database,
        landscape: Landscape,
        channel: Channel,
        profile: Profile,
        clock: Clock,
        chance: random.Random,
        authorization: str | None = None,
        gateway: GatewayWay | None = None,
    ) -> None:
        self._database, self._landscape, self._channel = database, landscape, channel
        self._profile, self._clock, self._authorization = profile, clock, authorization
        self.gateway = gateway
        self._finisher = Finisher(profile, chance)
        systems = landscape.catalogue.system.values()
        self.settling = Settling(max((system.settle_seconds() for system in systems), default=0.0))
        self._outlets: dict[tuple[str, str | None], Outlet] = {}
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._pump: asyncio.Task[None] | None = None
        self._closing = False
        self._steps = StepWatch(clock)

    async def start(self) -> None:
        """Take up what an earlier run left, and begin to deliver."""
        self._database.writer.on_commit(self._committed)
        now = self._clock.now()
        cut_off = await self._database.write(lambda c: recover(c, self._landscape, now))
        if cut_off:
            log.warning("delivery.in-doubt-after-start", transactions=cut_off)
        self._pump = asyncio.create_task(self._run_pump(), name="delivery timers")

    async def close(self, patience: float = 10.0) -> None:
        """Stop taking up deliveries; wait ``patience`` seconds for those under way."""
        self._closing = True
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)
        await asyncio.gather(*(outlet.close(patience) for outlet in self._outlets.values()))
        await self._channel.close()

    def outlet(self, target: str, plant: str | None) -> Outlet:
        """The way out to ``target`` for ``plant``."""
        instance = self._landscape.instance(target, plant)
        found = self._outlets.get(instance)
        if found is None:
            found = self._outlets[instance] = Outlet(
                instance,
                self._database,
                self._landscape,
                self._channel,
                self._finisher,
                self.settling,
                self._profile,
                self._clock,
                self._authorization,
                self.gateway,
            )
        return found

    async def replied(self, target: str, key: str, said: LookupAnswer) -> Transaction:
        """A target says by itself what became of a document (the ``reply`` or ``confirm`` of a flow).

        Args:
            target: the system that says it.
            key: the idempotency key it is about.
            said: what it says, in the words of a lookup.

        Returns:
            The transaction as it is after it; a reply that says nothing new changes nothing.

        Raises:
            NotFound: nothing was ever sent to this target under this key.
        """
        row = await self._database.read(lambda c: by_key(c, target, key))
        endpoint = self._landscape.endpoint(target, row.plant)
        label = endpoint.label if endpoint is not None else target
        now = self._clock.now()
        masks = self._landscape.masks.flow(row.flow)
        if masks is not None:
            said = clear_lookup(said, await self._database.read(lambda c: secrets_of(c, masks, row.id)))
        await self._database.write(lambda c: self._finisher.asked(c, row.id, said, label, now))
        return await self._database.read(lambda c: shown(c, by_key(c, target, key), now, self._landscape.masks))

    def breakers(self) -> dict[str, str]:
        """The state of every breaker, by the label of its target."""
        return {outlet.label: outlet.breaker.state for outlet in self._outlets.values()}

    def answering(self) -> dict[str, datetime]:
        """When each target that answers now did last, by its label."""
        return {
            outlet.label: outlet.last_success
            for outlet in list(self._outlets.values())
            if outlet.breaker.state is BreakerState.CLOSED
            and outlet.last_success is not None
            and (outlet.last_failure is None or outlet.last_success > outlet.last_failure)
        }

    def losses(self) -> dict[str, dict[str, int]]:
        """What was lost on the way to each target lately, by its label: how often each code said so."""
        now = self._clock.now()
        return {outlet.label: outlet.losses.lately(now) for outlet in list(self._outlets.values())}

    @property
    def busy(self) -> bool:
        """Whether any outlet has something queued or under way."""
        return any(outlet.busy for outlet in self._outlets.values())

    def _committed(self, told: Journal) -> None:
        # in the writer's thread
        if told.ready or told.due is not None:
            try:
                self._loop.call_soon_threadsafe(self._notice, told.ready, told.due)
            except RuntimeError:
                log.debug("delivery.loop-ended")  # the hub is ending; the store knows what is due

    def _notice(self, ready: list[Ready], due: int | None) -> None:
        if self._closing:
            return
        for one in ready:
            self.outlet(one.target, one.plant).add(one.id, again=one.again)
        if due is not None:
            self._wake.set()

    async def _run_pump(self) -> None:
        while True:
            self._wake.clear()
            try:
                wait = await self._take_due()
            except StoreError as error:  # unreadable for now: it goes on when it can be read
                log.error("delivery.store-refused", error=error.detail)  # noqa: TRY400 - a trace would say no more
                wait = TRY_AGAIN
            except Exception:  # a defect that one of them meets must not stop the clock of all
                log.exception("delivery.timers-broke")
                wait = TRY_AGAIN
            if wait <= 0:
                continue
            try:
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _take_due(self) -> float:
        """Hand out what is due; returns the seconds until there is more."""
        step = self._steps.look()
        now = self._clock.now()
        if step is not None:
            moved = await self._database.insist(lambda c: move_along(c, step, now))
            log.warning("clock.was-set", seconds=round(step.by, 3), moved=moved)
        first = await self._database.read(next_due)
        if first is None or first > to_micros(now):
            # A look at the clock every few seconds: it may have been set.
            return LOOK if first is None else min(LOOK, (first - to_micros(now)) / 1_000_000 + 0.001)
        due = await self._database.insist(lambda c: take_due(c, self._landscape, now))
        for one in due.deliver:
            self.outlet(one.target, one.plant).add(one.id, again=one.again)
        for one in due.ask:
            self.outlet(one.target, one.plant).ask(one.id)
        return 0.0
