"""A real simulator process with a small hub in the test that takes its documents, and the simulator's parts without
any process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientResponse, ClientSession, web

from hub.declarations import Catalogue, shipped_catalogue
from hub.simulator.account import Account
from hub.simulator.child import SimulatorChild
from hub.simulator.control import SimulatorState
from hub.simulator.database import open_database
from hub.simulator.documents import Pen
from hub.simulator.faults import Switchboard
from hub.simulator.ledger import Ledger
from hub.simulator.postings import Answer, Document, Instance, Manner, Postings
from hub.simulator.reading import Reader
from hub.simulator.settings import Endpoints, SimulatorSettings
from hub.simulator.story import block_steps, moment
from transactions.books import FaultChange

CONTROL_TOKEN = "control"
DEADLINE = 20.0


class Received(msgspec.Struct, frozen=True):
    """A document as the hub in the test took it."""

    flow: str
    plant: str
    body: bytes
    headers: dict[str, str]
    transactions: dict[str, str]

    @property
    def source(self) -> str:
        return self.headers["ce-source"].strip("/")


class Ingress:
    """Takes documents as a hub does: 202 with one item for each target. ``answer`` can refuse instead."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.received: list[Received] = []
        self.url = ""
        self.answer: Callable[[str], int | None] = lambda _flow: None
        self.refusals = 0

    async def take(self, request: web.Request) -> web.Response:
        flow = request.match_info["flow"]
        refused = self.answer(flow)
        if refused is not None:
            self.refusals += 1
            return web.Response(status=refused)
        source = request.headers["ce-source"].strip("/").split("/")[0]
        targets = [target for target in self.catalogue.flow[flow].targets if target != source]
        transactions = {target: f"tx-{len(self.received)}-{target}" for target in targets}
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append(Received(flow, request.query["plant"], await request.read(), headers, transactions))
        items = [{"id": name, "target": target} for target, name in transactions.items()]
        return web.json_response({"items": items}, status=202)


class Plant:
    """One running simulator, and what a test does with it."""

    def __init__(self, ingress: Ingress, data: Path, session: ClientSession) -> None:
        self.ingress = ingress
        self.data = data
        self.session = session
        self.child = SimulatorChild(self._moved)
        self.restarted = asyncio.Event()
        self.endpoints = Endpoints(control="", systems={})

    async def _moved(self, endpoints: Endpoints) -> None:
        self.endpoints = endpoints
        self.restarted.set()

    async def start(self, **changes: Any) -> Endpoints:
        settings = SimulatorSettings(
            data=str(self.data),
            seed=7,
            speed=1000,
            hub=self.ingress.url,
            token="ingress-token",
            control_token=CONTROL_TOKEN,
            catalogue=self.ingress.catalogue,
            documents=0,
        )
        self.endpoints = await self.child.start(msgspec.structs.replace(settings, **changes))
        return self.endpoints

    def url(self, target: str, plant: str = "P01") -> str:
        return self.endpoints.systems.get(target) or self.endpoints.systems[f"{target}/{plant}"]

    async def emitted(self, count: int) -> list[Received]:
        """Wait until the hub has taken so many documents."""

        async def there() -> bool:
            return len(self.ingress.received) >= count

        await self.wait_for(there)
        return self.ingress.received[:count]

    async def wait_for(self, condition: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(DEADLINE):
            while not await condition():
                await asyncio.sleep(0.02)

    async def quiet(self) -> SimulatorState:
        """Wait until emission has ended or paused and every outbox is empty."""
        state = await self.child.state()
        async with asyncio.timeout(DEADLINE):
            while state.emitting or state.outbox_waiting:
                await asyncio.sleep(0.02)
                state = await self.child.state()
        return state

    async def deliver(
        self, document: Received, target: str, key: str | None = None
    ) -> tuple[int, dict[str, Any] | str, dict[str, str]]:
        """Deliver as the hub does; status, body and headers of the answer."""
        headers = {
            "Idempotency-Key": key or document.transactions[target],
            "ce-plant": document.plant,
            "Content-Type": document.headers["content-type"],
        }
        url = f"{self.url(target, document.plant)}/documents/{document.flow}"
        async with self.session.post(url, data=document.body, headers=headers) as response:
            return response.status, await _content(response), dict(response.headers)

    async def deliver_all(self, skip: Callable[[Received, str], bool] = lambda _document, _target: False) -> list[Any]:
        """Deliver everything received, in order; the answers that are no success."""
        bad = []
        for document in list(self.ingress.received):
            for target in document.transactions:
                if skip(document, target):
                    continue
                status, body, _ = await self.deliver(document, target)
                if status not in (200, 201, 202):
                    bad.append((document.flow, target, status, body))
        return bad

    async def lookup(self, target: str, key: str, plant: str = "P01") -> dict[str, Any]:
        async with self.session.get(f"{self.url(target, plant)}/postings/{key}") as response:
            found: dict[str, Any] = await response.json()
            return found

    async def book(self, target: str, kind: str, plant: str = "P01") -> list[dict[str, str]]:
        async with self.session.get(f"{self.url(target, plant)}/{kind}") as response:
            assert response.status == 200, await response.text()
            items: list[dict[str, str]] = (await response.json())["items"]
            return items

    async def settled(self) -> Ledger:
        """The ledger, once nothing is posted late any more."""

        async def there() -> bool:
            ledger = await self.child.ledger()
            return not ledger.missing

        await self.wait_for(there)
        return await self.child.ledger()

    async def fault(self, name: str, **where: Any) -> None:
        await self.child.set_fault(FaultChange(on=True, name=name, **where))

    async def heal(self, name: str | None = None) -> None:
        await self.child.set_fault(FaultChange(on=False, name=name))

    def first(self, flow: str) -> Received:
        return next(document for document in self.ingress.received if document.flow == flow)


async def _content(response: ClientResponse) -> dict[str, Any] | str:
    if "json" in response.content_type:
        body: dict[str, Any] = await response.json(content_type=None)
        return body
    return await response.text()


@pytest.fixture
async def ingress() -> AsyncIterator[Ingress]:
    taker = Ingress(shipped_catalogue())
    application = web.Application()
    application.router.add_post("/ingress/{flow}", taker.take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    taker.url = f"http://{host}:{port}"
    yield taker
    await runner.cleanup()


@pytest.fixture
async def plant(ingress: Ingress, tmp_path: Path) -> AsyncIterator[Plant]:
    """Not started: a test says how."""
    async with ClientSession() as session:
        plant = Plant(ingress, tmp_path, session)
        yield plant
        await plant.child.stop()


@pytest.fixture
async def sixty(plant: Plant) -> Plant:
    """A plant whose first sixty documents are in the hub, and that emits no more."""
    await plant.start(documents=60)
    await plant.emitted(60)
    await plant.quiet()
    return plant


CATALOGUE = shipped_catalogue()
READER = Reader(CATALOGUE)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Workshop:
    """The parts of the simulated systems on one database, with a clock that the test turns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = open_database(path)
        self.catalogue = CATALOGUE
        self.reader = READER
        self.now = 1_000.0
        self.switchboard = Switchboard(self.connection, CATALOGUE, seed=7, now=lambda: self.now)
        self.postings = Postings(self.connection, READER, lambda: NOON)

    def instance(self, system: str, plant: str = "P01") -> Instance:
        declared = CATALOGUE.system[system]
        return Instance(
            system=system,
            plant=plant if declared.local else None,
            dialect=declared.dialect,
            idempotent=declared.idempotent,
        )

    def account(self, system: str, plant: str = "P01") -> Account:
        return Account(self.connection, self.instance(system, plant).name)

    def book(self, system: str, kind: str) -> dict[str, dict[str, str]]:
        return {entry.pop("id"): entry for entry in self.account(system).entries(kind)}

    def document(self, flow: str, body: dict[str, Any] | bytes, key: str | None = "k1", plant: str = "P01") -> Document:
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return Document(flow=flow, plant=plant, key=key, body=content, reading=READER.read(flow, content))

    def consumption(
        self, *lines: tuple[str, str, str], key: str | None = "k1", event: str = "MC-1", order: str = "1000001"
    ) -> Document:
        """A material consumption; each line is (material, lot, kilograms)."""
        actual = [
            {
                "ID": str(10 * n),
                "MaterialDefinitionID": material,
                "MaterialLotID": lot,
                "Quantity": {"QuantityString": amount, "UnitOfMeasure": "KG"},
            }
            for n, (material, lot, amount) in enumerate(lines, 1)
        ]
        response = {"OperationsRequestID": order, "SegmentResponse": [{"ID": "0010", "MaterialActual": actual}]}
        body = {"OperationsPerformance": {"ID": event, "OperationsResponse": [response]}}
        return self.document("material-consumption", body, key)

    def hold(
        self, lot: str, state: str = "active", version: str = "1", key: str = "h1", name: str = "QH-1"
    ) -> Document:
        body = {"MaterialLot": {"ID": lot, "QualityHold": {"ID": "QH-1", "Version": version, "State": state}}}
        return self.document("quality-hold", body, key)

    def post(self, system: str, document: Document, manner: Manner = Manner.AT_ONCE, delay: float = 0.0) -> Answer:
        return self.postings.post(self.instance(system), document, manner, delay)

    def story(self, blocks: int = 2, seed: int = 1) -> list[Document]:
        """The story's documents, each with a key of its own."""
        plants = list(CATALOGUE.plant)
        lines = {name: plant.lines for name, plant in CATALOGUE.plant.items()}
        steps = [step for block in range(blocks) for step in block_steps(seed, block, plants, lines)]
        return [
            self.document(step.flow, step.write(Pen(step.source, moment(n), str(n))).body, f"tx-{n}", step.plant)
            for n, step in enumerate(steps)
        ]


@pytest.fixture(scope="session")
def workshops() -> Callable[..., AbstractContextManager[Workshop]]:
    """Makes workshops, in memory unless a path is given, for properties that want a new one for every example."""

    @contextmanager
    def make(path: Path = Path(":memory:")) -> Iterator[Workshop]:
        workshop = Workshop(path)
        yield workshop
        workshop.connection.close()

    return make


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    """One workshop, in a file, so that the ledger can be read."""
    workshop = Workshop(tmp_path / "simulator.db")
    yield workshop
    workshop.connection.close()
