"""``andon hub serve``: one process, from settings to an orderly end."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import shutil
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
import structlog
import uvicorn
from msgspec import Struct
from sqlalchemy import Connection, select

from hub.api.access import Access, Principal
from hub.api.intake import THE_GATEWAY
from hub.app import Hub, application
from hub.caution import Caution
from hub.dataplane import binary
from hub.dataplane.bootstrap import Listening
from hub.dataplane.dataplane import DataPlane
from hub.dataplane.sources import HUB, INGRESS, SYSTEM, HubSources, Own
from hub.delivery.profile import PRODUCTION, QUICK
from hub.errors import AlreadyRunning, SettingsError
from hub.folder import Folder
from hub.gateway.source_ways import SourceKeeper
from hub.identity.wiring import SignIn
from hub.landscape import Landscape
from hub.logs import set_up_logs
from hub.loopback import is_loopback
from hub.patience import PatientProtocol
from hub.ports import before_listening, take_port
from hub.schemas import Schemas, read_schemas
from hub.settings import Settings, read_settings
from hub.simulator.child import SimulatorChild
from hub.simulator.settings import Endpoints, SimulatorSettings
from hub.store.database import Database, open_database
from hub.store.schema import meta
from hub.tls import fingerprint, server_context
from transactions.clock import SystemClock
from transactions.people import Role

if os.name == "posix":
    import resource

log = structlog.get_logger("andon.hub")

GATEWAY_PORT = 8480


class ServeOptions(Struct, frozen=True, kw_only=True):
    """What to serve and where.

    Attributes:
        data: the folder of the store.
        schemas: the folder of what documents are held against; None holds them against nothing.
        port: 0 takes a free one; ``runtime.json`` tells which.
        paused: the simulated sources wait until they are told to resume.
        ephemeral: end when standard input does, and take the folder along.
        tls_cert: file with the hub's certificate and those between it and its root; None serves plain HTTP.
        tls_key: file with its key, unless that is in the same file.
        gateway: whether policies are enforced by a gateway of the hub's own.
        gateway_port: where that listens, on the same host; 0 takes a free one, None the usual one, or a free one where
            ``port`` is 0.
        told: called with the hub's address once it answers.
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = 8470
    config: Path | None = None
    schemas: Path | None = None
    simulate: bool = False
    seed: int = 1
    speed: float = 1.0
    paused: bool = False
    ephemeral: bool = False
    tls_cert: Path | None = None
    tls_key: Path | None = None
    gateway: bool = True
    gateway_port: int | None = None
    told: Callable[[str], None] | None = None


def serve(options: ServeOptions) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        SettingsError, StoreError, AlreadyRunning, SimulatorError: it cannot be served; nothing was changed.
    """
    set_up_logs()
    settings = read_settings(options.config)
    schemas = read_schemas(options.schemas)
    tls = server_context(options.tls_cert, options.tls_key)
    _refuse_public(options.host, tls)
    listening = _listen(options.host, options.port)
    # The store holds payloads, and the folder may be one that others can look into.
    os.umask(0o077)
    try:
        folder = Folder(options.data)
        try:
            database = open_database(options.data)
            try:
                asyncio.run(_serve(options, settings, schemas, folder, database, listening, tls))
            finally:
                database.close()
        finally:
            folder.close()
            if options.ephemeral:
                shutil.rmtree(options.data, ignore_errors=True)
    finally:
        listening.close()


def _refuse_public(host: str, tls: ssl.SSLContext | None) -> None:
    if tls is None and not is_loopback(host):
        raise SettingsError(
            f"The hub would be reachable from other machines at {host}, and it speaks plain HTTP, so tokens could be "
            "read on the way. Give it a certificate with --tls-cert and --tls-key, or serve on 127.0.0.1, behind a "
            "proxy that ends TLS."
        )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only where the protocol is named; with it an answer waits 40 ms for an ACK.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        take_port(listening, host, port)
    except OSError as error:
        listening.close()
        raise AlreadyRunning(
            f"The hub cannot listen on {host}:{port}: {error.strerror}. Most likely another program has the port. "
            "Stop that one, or choose another with --port (0 takes a free one)."
        ) from error
    return listening


async def _serve(
    options: ServeOptions,
    settings: Settings,
    schemas: Schemas,
    folder: Folder,
    database: Database,
    listening: socket.socket,
    tls: ssl.SSLContext | None,
) -> None:
    url = _url(listening, options.host, tls)
    access = Access()
    authorization = f"Bearer {secrets.token_urlsafe(24)}" if options.simulate else None
    hub = Hub(
        database=database,
        landscape=Landscape(settings.catalogue, schemas),
        profile=msgspec.structs.replace(
            settings.profile or (QUICK if options.simulate else PRODUCTION), recovery_share=settings.recovery_share
        ),
        clock=SystemClock(),
        access=access,
        platform=await database.write(lambda c: _platform(c, settings.platform)),
        chance=random.Random(options.seed),  # noqa: S311 - jitter of retries, no secret
        authorization=authorization,
        items_alone=settings.items_alone,
        gateway=settings.gateway,
        sign_in=SignIn(url=settings.url or url, issuer=settings.issuer, key_file=options.data / "issuer.key"),
        audit_key=options.data / "audit.key",
        gateway_key=options.data / "gateway.key",
    )
    runtime: dict[str, Any] = {"url": url, "platform": hub.platform, "systems": {}}
    ingress = secrets.token_urlsafe(32)
    access.accept(ingress, Principal(subject=THE_GATEWAY, kind="system", roles=(Role.SOURCE,)))
    plane = _dataplane(options, settings, hub, folder, runtime, authorization, f"Bearer {ingress}")
    hub.way.pinned = None if options.tls_cert is None else fingerprint(options.tls_cert)
    hub.enforcement.dataplane, hub.usage.reopen, hub.usage.served = plane, plane.reopen_logs, plane.served
    keeper: SourceKeeper | None = None
    if options.simulate:

        async def moved(endpoints: Endpoints) -> None:
            _use(hub, folder, runtime, endpoints.systems)
            await hub.enforcement.refresh()
            if keeper is not None:
                keeper.again()

        hub.simulator = SimulatorChild(moved)
        names = frozenset({f"{SYSTEM}{HUB}", f"{settings.url or url}{INGRESS}"})
        keeper = SourceKeeper(lambda: hub.place(names), hub.policies, hub.consumers, hub.simulator.send_by)
    caution = _caution(settings, options.host, tls)
    server = uvicorn.Server(
        uvicorn.Config(
            application(hub, caution),
            http=cast(Any, partial(PatientProtocol, caution.patience)),
            log_config=None,
            access_log=False,
            proxy_headers=False,  # who calls is told by tokens; anybody can write X-Forwarded-For
            lifespan="off",
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=3,
            h11_max_incomplete_event_size=65_536,
        )
    )
    if hub.simulator is not None:
        endpoints = await hub.simulator.start(_simulation(options, settings, url, hub))
        _use(hub, folder, runtime, endpoints.systems)
    folder.write_runtime(runtime)
    keeping: asyncio.Task[None] | None = None
    try:
        await hub.start()
        if keeper is not None:
            keeping = asyncio.create_task(keeper.run(), name="andon-source-ways")
        _bootstrap(hub, folder)
        if options.ephemeral:
            _end_with_input(server)
        log.info("hub.serving", url=url, data=str(options.data), simulate=options.simulate)
        if options.told is not None:
            options.told(url)
        await _until_stopped(server, hub, listening, tls)
    finally:
        if keeping is not None:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
        await hub.close()
        if hub.simulator is not None:
            await hub.simulator.stop()


def _dataplane(
    options: ServeOptions,
    settings: Settings,
    hub: Hub,
    folder: Folder,
    runtime: dict[str, Any],
    authorization: str | None,
    ingress: str,
) -> DataPlane:
    """The gateway's data plane: on the hub's host and with its certificate, in a folder below its own."""

    async def told(url: str) -> None:
        runtime["gateway"] = url
        folder.write_runtime(runtime)

    usual = 0 if options.port == 0 else GATEWAY_PORT
    place = options.data / "gateway"
    where = Listening(
        gateway=settings.gateway,
        host=options.host,
        port=usual if options.gateway_port is None else options.gateway_port,
        admin=place,
        log=place,
        certificate=options.tls_cert and options.tls_cert.absolute(),
        key=options.tls_key and options.tls_key.absolute(),
    )
    url = str(runtime["url"])
    own = Own(
        url=url,
        public_url=settings.url or url,
        fingerprint=None if options.tls_cert is None else fingerprint(options.tls_cert),
    )
    sources = HubSources(hub.landscape, hub.consumers, own, authorization, ingress)
    return DataPlane(
        place.absolute(), where, sources, hub.clock, wanted=options.gateway, program=binary.find(), told=told
    )


def _url(listening: socket.socket, asked: str, tls: ssl.SSLContext | None) -> str:
    """Where this machine reaches the hub; one that listens at every address is at this machine's own too."""
    host, port = listening.getsockname()[:2]
    if tls is not None:
        # Certificates name hosts: what was asked for is what they can name.
        host = "localhost" if asked in ("0.0.0.0", "::", "") else asked  # noqa: S104 - compared, not bound
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return f"{'http' if tls is None else 'https'}://{where}"


def _host_of(url: str) -> str:
    return urlsplit(url).hostname or ""


def _bootstrap(hub: Hub, folder: Folder) -> None:
    """Let in whoever can read the data folder, until somebody else can run the hub."""
    if hub.access.bootstrap_off is not None:
        folder.remove_token()
        log.info("bootstrap.off", because=hub.access.bootstrap_off)
        return
    hub.identity.on_bootstrap_off = folder.remove_token
    hub.access.accept(folder.write_token(), Principal(subject="bootstrap", kind="bootstrap", roles=(Role.ADMIN,)))


def _caution(settings: Settings, host: str, tls: ssl.SSLContext | None) -> Caution:
    """What the settings ask of callers; the hub answers to the name it listens at too, and leaves descriptors of this
    process to its store and its targets. Over TLS its certificate says who it is, which no page can lead elsewhere."""
    most = settings.caution.patience.connections
    if os.name == "posix":
        most = max(32, min(most, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2))
    names = (*(settings.caution.names or ()), host, *([] if settings.url is None else [_host_of(settings.url)]))
    return msgspec.structs.replace(
        settings.caution,
        names=names if tls is None else None,
        patience=msgspec.structs.replace(settings.caution.patience, connections=most),
        open_metrics=is_loopback(host),
    )


async def _until_stopped(
    server: uvicorn.Server, hub: Hub, listening: socket.socket, tls: ssl.SSLContext | None
) -> None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        hub.followers.close()  # streams end first, so that the server can
        server.should_exit = True

    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop)
    server.config.load()
    server.config.ssl = tls
    server.lifespan = server.config.lifespan_class(server.config)
    before_listening(listening)
    await server.startup(sockets=[listening])
    await server.main_loop()
    await server.shutdown(sockets=[listening])


def _platform(connection: Connection, wanted: str | None) -> str:
    found: str | None = connection.execute(select(meta.c.value).where(meta.c.name == "platform")).scalar()
    if found is None:
        found = f"{wanted or 'hub'}-{secrets.token_hex(4)}"
        connection.execute(meta.insert(), {"name": "platform", "value": found})
    return found


def _simulation(options: ServeOptions, settings: Settings, url: str, hub: Hub) -> SimulatorSettings:
    token = secrets.token_urlsafe(32)
    hub.access.accept(token, Principal(subject="simulated systems", kind="system", roles=(Role.SOURCE,)))
    return SimulatorSettings(
        data=str(options.data),
        seed=options.seed,
        speed=options.speed,
        hub=url,
        hub_certificate=None if options.tls_cert is None else fingerprint(options.tls_cert),
        token=token,
        control_token=secrets.token_urlsafe(32),
        paused=options.paused,
        catalogue=settings.catalogue,
    )


def _use(hub: Hub, folder: Folder, runtime: dict[str, Any], systems: dict[str, str]) -> None:
    hub.landscape.use_addresses(systems)
    runtime["systems"] = systems
    folder.write_runtime(runtime)


def _end_with_input(server: uvicorn.Server) -> None:
    """Whoever started the hub holds the other end of its standard input; when that closes, however, the hub ends."""

    def watch() -> None:
        while sys.stdin.buffer.read(4096):
            pass
        server.should_exit = True

    threading.Thread(target=watch, name="andon-input", daemon=True).start()
