"""The way out to one target: a queue, a bound on what is under way, the quota, the breaker."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import datetime
from typing import Any

import msgspec
import structlog

from hub.delivery import begin as beginning
from hub.delivery.answers import Answer, Found, LookupAnswer, Outcome, Result
from hub.delivery.begin import Prepared
from hub.delivery.breaker import Breaker, BreakerState
from hub.delivery.channel import Channel, NoAnswer, NotSent, Outgoing
from hub.delivery.classify import classify, classify_lookup, retry_after
from hub.delivery.clearing import clear_lookup, clear_tried, has_words
from hub.delivery.finish import Asked, Finisher, Tried
from hub.delivery.gateway_way import GatewayWay
from hub.delivery.losses import Losses
from hub.delivery.profile import Profile
from hub.delivery.refused import outcome_of, refusal_in
from hub.delivery.settling import Settling
from hub.delivery.similar import by_hand, maybe_posted, read_similar
from hub.delivery.timers import release_breaker
from hub.delivery.turns import Turns
from hub.errors import StoreError
from hub.landscape import Landscape
from hub.masks.flow import Secrets
from hub.masks.stored import secrets_of
from hub.store.database import Database
from hub.store.transitions import fetch
from transactions.clock import Clock
from transactions.errors import Unavailable
from transactions.landscape import Verify
from transactions.model import Failure, FailureKind, Status

log = structlog.get_logger("andon.delivery")
_COUNTS_AGAINST_IT = (FailureKind.UNREACHABLE, FailureKind.TIMEOUT)


class Outlet:
    """Delivers to one instance of a system."""

    def __init__(
        self,
        instance: tuple[str, str | None],
        database: Database,
        landscape: Landscape,
        channel: Channel,
        finisher: Finisher,
        settling: Settling,
        profile: Profile,
        clock: Clock,
        authorization: str | None,
        gateway: GatewayWay | None = None,
    ) -> None:
        self.target, self.plant = instance
        self.label = self.target if self.plant is None else f"{self.target}/{self.plant}"
        self.breaker = Breaker(profile)
        self.losses = Losses()
        self.last_success: datetime | None = None
        self.last_failure: datetime | None = None
        self.last_failure_text: str | None = None
        self._database, self._landscape, self._channel = database, landscape, channel
        self._finisher, self._settling, self._profile, self._clock = finisher, settling, profile, clock
        self._authorization, self._gateway = authorization, gateway
        self._waiting = Turns(profile.recovery_share)
        self._under_way: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._paused_until = 0.0
        declaration = landscape.catalogue.system.get(self.target)
        self._quota = declaration.quota_per_second() if declaration is not None else None
        self._next_slot = 0.0
        self._task = asyncio.create_task(self._work(), name=f"outlet {self.label}")

    def add(self, tx_id: str, *, again: bool = False) -> None:
        """Queue a transaction, ``again`` where a batch sends it; one that is queued already stays where it is."""
        if self._waiting.add(tx_id, again=again):
            self._wake.set()

    def ask(self, tx_id: str) -> None:
        """Ask the target about a transaction."""
        self._spawn(self._ask_about(tx_id))

    async def look_up(self, row: Any) -> LookupAnswer | None:
        """What the target says of a transaction's key, changing nothing; None where it cannot be asked."""
        endpoint = self._landscape.endpoint(self.target, self.plant)
        request = None if endpoint is None else beginning.question(endpoint, row, self._authorization)
        return None if request is None else await self._question(request, row.id, row.flow)

    async def inquire(self, flow: str, url: str) -> Answer | str:
        """Ask the target something that changes nothing there: its answer, or why there is none, in words."""
        headers = {"accept": "application/json", "ce-type": flow}
        if self._authorization is not None:
            headers["authorization"] = self._authorization
        tried = await self._send(Outgoing(method="GET", url=url, headers=headers))
        if tried.answer is not None and 200 <= tried.answer.status < 300:
            return tried.answer
        if tried.answer is not None:
            return f"{self.label} answered HTTP {tried.answer.status} when it was asked"
        loss = tried.not_sent or tried.no_answer
        return f"{self.label} gave no answer ({loss.code if loss is not None else 'lost'})"

    @property
    def busy(self) -> bool:
        """Whether anything is queued or under way."""
        return bool(self._waiting or self._under_way)

    async def close(self, patience: float) -> None:
        """Stop taking up new deliveries, and wait ``patience`` seconds for those under way."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if self._under_way:
            _done, late = await asyncio.wait(self._under_way, timeout=patience)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            free = self._profile.concurrency - len(self._under_way)
            if not self._waiting or free <= 0:
                self._wake.clear()
                continue
            limit = self._limit()
            pause = self._waiting.wait(time.monotonic(), limit)
            if pause > 0:  # only what is sent again waits, and its share is used up: live traffic may come meanwhile
                await self._woken_within(pause)
                continue
            await self._respect_quota(limit)
            await self._take(free if limit is None else 1, limit)

    async def _woken_within(self, seconds: float) -> None:
        self._wake.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        self._wake.set()

    def _limit(self) -> float | None:
        """What the target takes in a second, by its own quota and by the throttles of the gateway in front of it."""
        through = None if self._gateway is None else self._gateway.limit(self.target)
        limits = [each for each in (self._quota, through) if each is not None]
        return min(limits, default=None)

    async def _respect_quota(self, limit: float | None) -> None:
        slot = 0.0
        if limit is not None:
            self._next_slot = max(self._next_slot, time.monotonic() - 1.0)  # a second's worth may burst
            slot = self._next_slot
            self._next_slot += 1.0 / limit
        # A pause may begin, or grow, while this one waits.
        while (wait := max(slot, self._paused_until) - time.monotonic()) > 0:  # noqa: ASYNC110 - no event, a time
            await asyncio.sleep(wait)

    async def _take(self, free: int, limit: float | None) -> None:
        through = self.breaker.lets_through(time.monotonic())
        if through and self.breaker.state is BreakerState.HALF_OPEN:
            free = 1
        ids = self._waiting.take(free if through else 200, time.monotonic(), limit if through else None)
        wait = None if through else self._profile.breaker_wait
        now = self._clock.now()
        prepared = await self._begin(ids, now, wait)
        if through and not prepared and self.breaker.state is BreakerState.HALF_OPEN:
            self.breaker.unused()
            self._probe()  # with the next that waits: this one waits for something else now
        for one in prepared:
            self._spawn(self._deliver(one))

    async def _begin(self, ids: list[str], now: datetime, wait: float | None) -> list[Prepared]:
        try:
            return await self._database.insist(
                lambda c: beginning.begin(c, ids, self._landscape, self._authorization, now, wait)
            )
        except Unavailable:
            raise
        except Exception:  # a defect that one of them meets must not stop the others
            if len(ids) == 1:
                log.exception("delivery.cannot-begin", target=self.label, transaction=ids[0])
                return []
        return [one for tx_id in ids for one in await self._begin([tx_id], now, wait)]

    def _spawn(self, work: object) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)  # type: ignore[arg-type]
        self._under_way.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("delivery.broke", target=self.label, exc_info=error)

    async def _deliver(self, prepared: Prepared) -> None:
        try:
            await self._carry(prepared)
        except Unavailable:  # the hub is ending: what was under way is in doubt at the next start
            raise
        except Exception:  # whatever broke, nobody else would ever look at this one again
            log.exception("delivery.broke", target=self.label, transaction=prepared.id)
            now = self._clock.now()
            await self._database.insist(lambda c: self._finisher.broke(c, prepared, now))
            if self.breaker.state is BreakerState.HALF_OPEN:  # it may have been the probe
                self.breaker.unused()
                asyncio.get_running_loop().call_later(self._profile.breaker_pause, self._probe)

    async def _carry(self, prepared: Prepared) -> None:
        if prepared.ask_first and prepared.lookup is not None:
            since = self._asking(prepared.id, prepared.sends - 1, first=True)
            asked = await self._exchange(prepared.lookup, prepared.id, prepared.flow)
            found = await self._found(asked, prepared.id, prepared.flow)
            if await self._asked(prepared.id, found, since) is not None:
                await self._notice(asked, self._clock.now())
                return
            now = self._clock.now()
            if not await self._database.insist(lambda c: beginning.intend_after_question(c, prepared, now)):
                await self._notice(asked, now)
                return
        stopped = None if prepared.search is None else await self._searched(prepared.search)
        if stopped is None:
            self._settling.leaves(prepared.id)
        tried = stopped or await self._exchange(prepared.request, prepared.id, prepared.flow)
        done = self._clock.now()
        status = await self._database.insist(lambda c: self._finisher.delivery(c, prepared, tried, done))
        if stopped is None or stopped.not_sent is not None:
            await self._notice(tried, done)
        else:
            await self._answers(done)
        if status is Status.SENT and prepared.verify not in (Verify.REPLY, Verify.CONFIRM) and prepared.lookup:
            since = self._asking(prepared.id, prepared.sends)
            found = await self._question(prepared.lookup, prepared.id, prepared.flow)
            await self._asked(prepared.id, found, since)

    async def _searched(self, search: Outgoing) -> Tried | None:
        """Why the document does not leave: somebody may have posted it by hand, or nobody could say; None where it may.

        Nothing has left, so that it is tried again like after any failure before the request left.
        """
        tried = await self._send(search)
        if tried.not_sent is not None:
            return tried
        if tried.no_answer is not None or tried.answer is None:
            message = f"{self.label} did not say whether it was posted by hand, so it was not sent"
            return Tried(not_sent=NotSent(FailureKind.TIMEOUT, "search-unanswered", message))
        found = read_similar(tried.answer) if 200 <= tried.answer.status < 300 else None
        if found is None:
            message = (
                f"{self.label} could not be searched for a posting made by hand (HTTP {tried.answer.status}), so "
                "it was not sent"
            )
            return Tried(not_sent=NotSent(FailureKind.UNREACHABLE, "search-unanswered", message))
        posted = by_hand(found)
        if not posted:
            return None
        failure = Failure(
            kind=FailureKind.CONFLICT,
            help=FailureKind.CONFLICT.help,
            code="maybe-posted",
            message=maybe_posted(self.label, posted),
            system=self.label,
        )
        return Tried(outcome=Outcome(result=Result.FAILED, failure=failure))

    async def _exchange(self, request: Outgoing, tx_id: str, flow: str) -> Tried:
        """Send a request about a transaction; what is said of a failure repeats nothing that its document hides."""
        tried = await self._send(request)
        if not has_words(tried):
            return tried
        secrets = await self._secrets(tx_id, flow)
        return tried if secrets is None else clear_tried(tried, secrets)

    async def _send(self, request: Outgoing) -> Tried:
        request = msgspec.structs.replace(request, to=(self.target, self.plant))
        try:
            answer = await self._channel.send(request)
        except NotSent as error:
            return Tried(not_sent=error)
        except NoAnswer as error:
            return Tried(no_answer=error)
        return Tried(answer=answer, outcome=await self._meaning(answer))

    async def _meaning(self, answer: Answer) -> Outcome:
        """What an answer means; of a gateway's refusal the policies that are live say more than it does."""
        refused = None if self._gateway is None else refusal_in(answer)
        if refused is None or self._gateway is None:
            return classify(answer, self.label)
        try:
            return outcome_of(await self._gateway.judge(refused, self._clock.now()), retry_after(answer))
        except StoreError:  # what came of the delivery must not be lost; which policy it was may
            log.warning("delivery.policies-unread", target=self.label)
            return classify(answer, self.label)

    async def _secrets(self, tx_id: str, flow: str) -> Secrets | None:
        """What must not be repeated of a transaction's document; None where its flow hides nothing."""
        masks = self._landscape.masks.flow(flow)
        if masks is None:
            return None
        try:
            return await self._database.read(lambda c: secrets_of(c, masks, tx_id))
        except StoreError:  # what came of the delivery must not be lost; its words may
            log.warning("delivery.words-withheld", transaction=tx_id)
            return Secrets.unknown()

    async def _notice(self, tried: Tried, now: datetime) -> None:
        failure = tried.outcome.failure if tried.outcome is not None else None
        silent = tried.answer is None or (failure is not None and failure.kind in _COUNTS_AGAINST_IT)
        if tried.outcome is not None and tried.outcome.retry_after:
            self._paused_until = max(self._paused_until, time.monotonic() + tried.outcome.retry_after)
        if not silent:
            await self._answers(now)
            return
        # Where the clock was set back in between, the newer one is no earlier all the same: health goes by it.
        self.last_failure = now if self.last_success is None else max(now, self.last_success)
        loss = tried.not_sent or tried.no_answer
        self.last_failure_text = loss.message if loss is not None else (failure.message if failure else None)
        code = loss.code if loss is not None else failure.code if failure is not None else None
        if code is not None:
            self.losses.note(code, now)
        if self.breaker.failed(time.monotonic()):
            log.warning("breaker.opened", target=self.label, because=self.last_failure_text)
            asyncio.get_running_loop().call_later(self._profile.breaker_pause, self._probe)

    async def _answers(self, now: datetime) -> None:
        self.last_success = now
        if self.last_failure is not None and self.last_failure > now:
            self.last_failure = now
        if self.breaker.succeeded():
            log.info("breaker.closed", target=self.label)
            await self._database.insist(lambda c: release_breaker(c, self.label, now, one=False))

    def _probe(self) -> None:
        if not self._task.done():
            now = self._clock.now()
            self._spawn(self._release_one(now))

    async def _release_one(self, now: datetime) -> None:
        await self._database.insist(lambda c: release_breaker(c, self.label, now, one=True))

    async def _ask_about(self, tx_id: str) -> None:
        row = await self._database.read(lambda c: fetch(c, tx_id))
        endpoint = self._landscape.endpoint(self.target, self.plant)
        if row is None or endpoint is None:
            return
        request = beginning.question(endpoint, row, self._authorization)
        if request is not None:
            since = self._asking(tx_id, row.attempts)
            await self._asked(tx_id, await self._question(request, tx_id, row.flow), since)

    async def _question(self, request: Outgoing, tx_id: str, flow: str) -> LookupAnswer:
        return await self._found(await self._send(request), tx_id, flow)

    async def _found(self, asked: Tried, tx_id: str, flow: str) -> LookupAnswer:
        found = _answer_of(asked)
        secrets = await self._secrets(tx_id, flow) if found.message or found.code else None
        return found if secrets is None else clear_lookup(found, secrets)

    def _asking(self, tx_id: str, sends: int, *, first: bool = False) -> Asked:
        """A question about a transaction leaves now."""
        endpoint = self._landscape.endpoint(self.target, self.plant)
        settle = endpoint.declaration.settle_seconds() if endpoint is not None else 0.0
        return Asked(unsettled=self._settling.remaining(tx_id, settle), sends=sends, first=first)

    async def _asked(self, tx_id: str, found: LookupAnswer, since: Asked) -> Status | None:
        now = self._clock.now()
        return await self._database.insist(
            lambda c: self._finisher.asked(c, tx_id, found, self.label, now, since=since)
        )


def _answer_of(asked: Tried) -> LookupAnswer:
    """What an exchange says as the answer to a question; no answer is ``unknown``."""
    if asked.answer is not None:
        return classify_lookup(asked.answer)
    loss = asked.not_sent or asked.no_answer
    return LookupAnswer(status=Found.UNKNOWN, message=loss.message if loss is not None else None)
