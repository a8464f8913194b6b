"""The hub: what serves, delivers, runs and remembers, put together; and its ASGI application."""

from __future__ import annotations

import asyncio
import random
from datetime import datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path as FilePath
from typing import Any

import msgspec
import structlog
from sqlalchemy import ColumnElement, and_
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route as Path
from starlette.types import ASGIApp

from gateway_policies.routing.model import Routing
from hub.api import (
    acting,
    audit,
    causes,
    consumers,
    edits,
    export,
    gateway,
    gateway_trial,
    gateway_usage,
    groups,
    handover,
    intake,
    kpis,
    lineage,
    looking,
    ownership,
    payloads,
    people,
    reconciliation,
    refusals,
    simulator,
    stream,
)
from hub.api import transactions as listing
from hub.api.access import Access, Principal
from hub.api.door import Door
from hub.api.gate import Gate, Rules
from hub.api.limits import RateLimiter
from hub.api.openapi import document
from hub.api.problems import on_andon_error, on_defect, on_disconnect, on_http_error
from hub.api.routing import JSON, Route, endpoint
from hub.api.sizes import Measure
from hub.api.stream import Followers
from hub.audit_signer import AuditSigner
from hub.causes import Diagnostician
from hub.caution import Caution
from hub.delivery.engine import Engine
from hub.delivery.gateway_way import GatewayChannel, GatewayWay
from hub.delivery.http import HttpChannel
from hub.delivery.profile import Profile
from hub.edits.tidying import Tidier
from hub.gateway.changing import GATEWAY, HubGateway
from hub.gateway.enforcing import Enforcement
from hub.gateway.live import LivePolicies
from hub.gateway.source_ways import Place
from hub.gateway.trying import Trials
from hub.identity.consumers import ConsumerIssuer
from hub.identity.wiring import KEYS, METADATA, Identity, SignIn
from hub.ids import go_on_after
from hub.kpis.exposing import expose
from hub.kpis.keeping import Housekeeper
from hub.kpis.running import Running
from hub.landscape import Landscape
from hub.masks.in_sql import shown_text
from hub.masks.memory import remember
from hub.metrics import exposition
from hub.reconciliation.reconciling import Reconciler
from hub.recovery.questioner import Questioner
from hub.recovery.runner import Runner
from hub.redating import Redating
from hub.search.follower import SearchFollower
from hub.search.protocol import Search
from hub.search.sqlite import SqliteTextIndex
from hub.simulator.child import SimulatorChild
from hub.store.chain import broken_tail
from hub.store.database import Database
from hub.store.filter_sql import compile_filter, compile_for_tallies
from hub.store.newest import newest_id
from hub.store.reach import within
from hub.store.schema import tallies, transactions
from hub.store.watch import StoreWatch
from hub.usage.following import UsageFollower
from transactions.approvals import ITEMS_WITHOUT_SECOND_PERSON
from transactions.clock import Clock
from transactions.errors import AndonError
from transactions.people import EVERYTHING, Reach, reach_of

log = structlog.get_logger("andon.hub")

try:
    VERSION = version("andon")
except PackageNotFoundError:  # run from a checkout that is not installed
    VERSION = "0"

ROUTES: tuple[Route, ...] = (
    *listing.ROUTES,
    *lineage.ROUTES,
    *refusals.ROUTES,
    *causes.ROUTES,
    *groups.ROUTES,
    *ownership.ROUTES,
    *export.ROUTES,
    *payloads.ROUTES,
    *edits.ROUTES,
    *acting.ROUTES,
    *looking.ROUTES,
    *reconciliation.ROUTES,
    *kpis.ROUTES,
    *handover.ROUTES,
    *gateway.ROUTES,
    *consumers.ROUTES,
    *gateway_trial.ROUTES,
    *gateway_usage.ROUTES,
    *audit.ROUTES,
    *people.ROUTES,
    *intake.ROUTES,
    *stream.ROUTES,
    *simulator.ROUTES,
)


class Hub:
    """Everything that runs in one hub process.

    Args:
        database: the open store.
        landscape: systems, plants, flows.
        profile: how patient delivery is.
        clock: where the time comes from.
        access: whose tokens are accepted.
        platform: the name that plans are bound to.
        chance: seeds the jitter of retries.
        authorization: the header that targets want.
        sign_in: whose tokens are accepted besides.
        items_alone: items that one person may start without a second.
        audit_key: where the key that signs exports of the audit chain is kept; None keeps it in memory.
        gateway_key: the same for the key that signs consumers' tokens.
        gateway: what policies call the hub's gateway.
    """

    version = VERSION

    def __init__(
        self,
        *,
        database: Database,
        landscape: Landscape,
        profile: Profile,
        clock: Clock,
        access: Access,
        platform: str,
        chance: random.Random,
        authorization: str | None = None,
        sign_in: SignIn = SignIn(),  # noqa: B008 - frozen
        items_alone: int = ITEMS_WITHOUT_SECOND_PERSON,
        audit_key: FilePath | None = None,
        gateway_key: FilePath | None = None,
        gateway: str = GATEWAY,
    ) -> None:
        self.database, self.landscape, self.profile, self.clock = database, landscape, profile, clock
        self.access, self.platform, self.items_alone = access, platform, items_alone
        self.started_at: datetime = clock.now()
        self.identity = Identity(sign_in, platform=platform, database=database, clock=clock, access=access)
        self.consumers = ConsumerIssuer(platform, clock, gateway_key)
        self.policies = LivePolicies(database)
        self.way = GatewayWay(self.policies, landscape, self.consumers, clock)
        landscape.called_at = self.way.called_at
        channel = GatewayChannel(HttpChannel(profile), self.way)
        self.engine = Engine(database, landscape, channel, profile, clock, chance, authorization, self.way)
        self.search = SearchFollower(database, SqliteTextIndex(database.folder, landscape.masks))
        self.reconciler = Reconciler(database, landscape, channel, authorization, clock)
        self.causes = Diagnostician(
            database, landscape, self.reconciler, self.engine.losses, clock, self.engine.answering
        )
        self.questioner = Questioner(self.engine, landscape)
        self.runner = Runner(database, clock, self.questioner, landscape)
        self.redating = Redating(database, landscape.deadlines)
        self.gateway = HubGateway(gateway, platform)
        self.way.serving = self._serving
        self.enforcement = Enforcement(database, self.gateway)
        self.trials = Trials(database, self.gateway, self.enforcement)
        self.usage = UsageFollower(database, database.folder / "gateway" / "log", clock)
        self.signer = AuditSigner(platform, audit_key)
        self.followers = Followers()
        self.housekeeper = Housekeeper(database, clock)
        self.tidier = Tidier(database, clock)
        self.running = Running(database)
        self.exports: set[object] = set()
        """Those under way."""
        self.watch = StoreWatch(database, clock)
        self.simulator: SimulatorChild | None = None
        self.ready = False
        database.writer.on_commit(self.followers.committed)
        database.search_with(shown_text(landscape.masks))

    def _serving(self) -> tuple[str, Routing] | None:
        """Where the gateway is called, and what it serves; None while it serves nothing."""
        plane = self.enforcement.dataplane
        url, routing = (None, None) if plane is None else (plane.url, plane.routing)
        return None if url is None or routing is None else (url, routing)

    def place(self, ingress: frozenset[str]) -> Place | None:
        """The gateway for who sends documents to the hub; None while it serves nothing.

        Args:
            ingress: what policies may call the hub's ingress.
        """
        serving = self._serving()
        return None if serving is None else Place(serving[0], serving[1], self.way.pinned, ingress)

    async def start(self) -> None:
        """Know everybody and since when what is masked, and take up what an earlier run left."""
        now = self.clock.now()
        await self.database.write(lambda c: remember(c, self.landscape.masks, now))
        go_on_after(await self.database.read(newest_id))
        broken = await self.database.read(broken_tail)
        if broken is not None:  # it goes on: deliveries do not depend on it, and what comes is chained to what is here
            log.error("audit.broken", entry=broken.seq, because=broken.because)
        await self.search.start()
        await self.identity.start()
        await self.redating.start()
        self.housekeeper.start()
        self.tidier.start()
        self.usage.start()
        await self.enforcement.start()
        await self.engine.start()
        await self.runner.start()
        self.ready = True

    async def close(self) -> None:
        """Stop in order: streams, batches, deliveries."""
        self.ready = False
        self.followers.close()
        await self.redating.close()
        await self.runner.close()
        await self.engine.close()
        await self.enforcement.close()
        await self.identity.close()
        await self.housekeeper.close()
        await self.tidier.close()
        await self.usage.close()
        await self.search.close()
        await self.watch.close()

    def condition(
        self,
        text: str | None,
        now: datetime,
        reach: Reach,
        me: str | None = None,
        search: Search | None = None,
        failed: bool | None = None,
    ) -> ColumnElement[bool] | None:
        """A filter, within ``reach``, as a condition on the transactions table; None where nothing is cut.

        Args:
            text: the filter.
            now: the moment that ages and relative times count from.
            reach: how far the rights go of the one who asks.
            me: who asks, which ``assignee:me`` means.
            search: where texts are looked for; the index for lists that are read to their end unless told.
            failed: all (none) of those that are looked at have a ``failed_at``; None for either.

        Raises:
            BadFilter: it cannot be read.
        """
        cut = within(reach, transactions)
        if text is not None and text.strip():
            asked = compile_filter(
                text, self.business_keys(), now, self.landscape.masks, me, search or self.search.index, failed
            )
            cut += [] if asked is None else [asked]
        return and_(*cut) if cut else None

    def tallied(self, text: str, now: datetime, reach: Reach) -> tuple[ColumnElement[bool] | None] | None:
        """A filter, within ``reach``, as a condition on the tallies, in a tuple; None where it asks for more than they
        know.

        Raises:
            BadFilter: it cannot be read.
        """
        asked = compile_for_tallies(text, self.business_keys(), now, self.landscape.masks)
        if asked is None:
            return None
        cut = within(reach, tallies) + ([] if asked[0] is None else [asked[0]])
        return (and_(*cut) if cut else None,)

    def reach(self, principal: Principal) -> Reach:
        """How far somebody's rights reach over the flows that are declared now."""
        if principal.limits.unlimited:
            return EVERYTHING
        return reach_of(principal.limits, {name: flow.risk for name, flow in self.landscape.catalogue.flow.items()})

    def business_keys(self) -> frozenset[str]:
        """Names of the business keys that any flow declares."""
        return frozenset(
            name for flow in self.landscape.catalogue.flow.values() for name in (*flow.keys.json, *flow.keys.xml)
        )

    def instances(self) -> list[tuple[str, str | None]]:
        """Every instance of every system."""
        return self.landscape.catalogue.instances()


def _routes(simulator: bool) -> list[Route]:
    return [route for route in ROUTES if simulator or not route.simulator]


@cache
def _described(simulator: bool, version: str) -> bytes:
    return msgspec.json.encode(document(_routes(simulator), version))


def application(hub: Hub, caution: Caution = Caution()) -> ASGIApp:  # noqa: B008 - frozen
    """The hub's ASGI application: door, gate, sizes, then admin API, ingress, health."""
    routes = _routes(hub.simulator is not None)

    async def openapi(_request: Request) -> Response:
        return Response(_described(hub.simulator is not None, hub.version), media_type=JSON)

    async def take_document(request: Request) -> Response:
        return await intake.ingress(hub, request)

    async def take_reply(request: Request) -> Response:
        return await intake.reply(hub, request)

    async def alive(_request: Request) -> Response:
        return Response(b'{"status":"ok"}', media_type=JSON)

    async def is_ready(_request: Request) -> Response:
        if hub.watch.refusal is not None:  # what is asked is answered still, what acts is not
            return Response(b'{"status":"store-takes-no-writes"}', status_code=503, media_type=JSON)
        state = b'{"status":"ready"}' if hub.ready else b'{"status":"starting"}'
        return Response(state, status_code=200 if hub.ready else 503, media_type=JSON)

    async def how_to_sign_in(_request: Request) -> Response:
        return Response(msgspec.json.encode(hub.identity.metadata()), media_type=JSON)

    async def public_keys(_request: Request) -> Response:
        return Response(msgspec.json.encode(hub.identity.key_set()), media_type="application/jwk-set+json")

    async def metrics(_request: Request) -> Response:
        now = hub.clock.now()
        breakers, writable, behind = hub.engine.breakers(), hub.watch.refusal is None, hub.search.index.behind
        text = await hub.database.read(lambda c: exposition(c, breakers, writable, behind(c)))
        text += await hub.database.read(lambda c: expose(c, hub.running, now))
        text += hub.usage.running.exposition(await asyncio.to_thread(hub.usage.behind))
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")

    paths = [Path(f"/admin/v1/{route.path}", endpoint(route, hub), methods=[route.method]) for route in _sorted(routes)]
    handlers: dict[Any, Any] = {
        AndonError: on_andon_error,
        ClientDisconnect: on_disconnect,
        404: on_http_error,
        405: on_http_error,
        Exception: on_defect,
    }
    app = Starlette(
        routes=[
            Path("/admin/v1/openapi.json", openapi, methods=["GET"]),
            *_merged(paths),
            Path("/ingress/{flow}", take_document, methods=["POST"]),
            Path("/ingress/replies/{target}", take_reply, methods=["POST"]),
            Path("/healthz", alive, methods=["GET"]),
            Path("/readyz", is_ready, methods=["GET"]),
            Path("/metrics", metrics, methods=["GET"]),
            Path(METADATA, how_to_sign_in, methods=["GET"]),
            Path(KEYS, public_keys, methods=["GET"]),
        ],
        exception_handlers=handlers,
    )
    app.router.redirect_slashes = False
    gate = Gate(
        Measure(app, caution.sizes),
        hub.access,
        Rules(ROUTES, open_metrics=caution.open_metrics),
        RateLimiter(caution.rate),
    )
    return Door(gate, caution.names)


def _sorted(routes: list[Route]) -> list[Route]:
    """Fixed paths before those with a parameter in the same place."""
    return sorted(routes, key=lambda route: [(part.startswith("{"), part) for part in route.path.split("/")])


def _merged(paths: list[Path]) -> list[Path]:
    """One route per path, so that a wrong method is told every method there is."""
    by_path: dict[str, list[Path]] = {}
    for path in paths:
        by_path.setdefault(path.path, []).append(path)
    merged = []
    for text, found in by_path.items():
        endpoints = {method: path.endpoint for path in found for method in (path.methods or set()) - {"HEAD"}}
        merged.append(Path(text, _by_method(endpoints), methods=sorted(endpoints)))
    return merged


def _by_method(endpoints: dict[str, Any]) -> Any:
    async def serve(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        return await endpoints[method](request)  # type: ignore[no-any-return]

    return serve
