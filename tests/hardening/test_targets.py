"""Making the hub send somewhere else: by a document, by its headers, by a target's answer, by the environment."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import aiohttp
import httpx
import pytest
from aiohttp import web

from hub.app import Hub, application
from hub.declarations import read_catalogue
from hub.delivery.begin import question
from hub.delivery.channel import Outgoing
from hub.delivery.http import HttpChannel
from hub.delivery.profile import QUICK
from hub.intake import Arrival, sort_arrival
from hub.landscape import Landscape
from transactions.errors import Invalid

SECRET = "Bearer the-hub-s-credential"


class Place:
    """A server that notes what comes, and answers as it is told."""

    def __init__(self) -> None:
        self.came: list[tuple[str, str, dict[str, str]]] = []
        self.answer: Any = lambda: web.Response(text="ok")
        self.url = ""

    async def take(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.came.append((request.method, request.raw_path, headers))
        await request.read()
        answer: web.StreamResponse = self.answer()
        return answer


@asynccontextmanager
async def place() -> AsyncIterator[Place]:
    found = Place()
    runner = web.ServerRunner(web.Server(found.take), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    found.url = f"http://{host}:{port}"
    try:
        yield found
    finally:
        await runner.cleanup()


@pytest.fixture
async def target() -> AsyncIterator[Place]:
    async with place() as found:
        yield found


@pytest.fixture
async def attacker() -> AsyncIterator[Place]:
    async with place() as found:
        yield found


@pytest.fixture
async def channel() -> AsyncIterator[HttpChannel]:
    made = HttpChannel(QUICK)
    yield made
    await made.close()


def delivery(url: str) -> Outgoing:
    return Outgoing(method="POST", url=f"{url}/documents/x", headers={"authorization": SECRET}, content=b"{}")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_takes_the_document_and_the_credential_along_or_not(target, attacker, channel, status) -> None:
    target.answer = lambda: web.Response(status=status, headers={"Location": f"{attacker.url}/loot"})
    async with aiohttp.ClientSession() as naive:
        await naive.post(f"{target.url}/documents/x", data=b"a secret document", headers={"x-api-key": SECRET})
    assert [came[2].get("x-api-key") for came in attacker.came] == [SECRET]
    attacker.came.clear()
    answer = await channel.send(delivery(target.url))
    assert answer.status == status
    assert attacker.came == []


async def test_a_proxy_of_the_environment_is_not_asked(target, attacker, channel, monkeypatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, attacker.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    async with aiohttp.ClientSession(trust_env=True) as naive:
        await naive.post(f"{target.url}/documents/x", data=b"a secret document", headers={"authorization": SECRET})
    assert [came[2].get("authorization") for came in attacker.came] == [SECRET]
    attacker.came.clear()
    assert (await channel.send(delivery(target.url))).status == 200
    assert attacker.came == []


DECLARED: dict[str, Any] = {
    "default_plant": "P01",
    "plant": {"P01": {"title": "One"}},
    "system": {
        "MES": {"title": "MES"},
        "ERP": {"title": "ERP", "url": "https://erp.example"},
    },
    "flow": {
        "report": {
            "title": "Report",
            "sources": ["MES"],
            "targets": ["ERP"],
            "document": "Report",
            "identity": ["event"],
            "semantics": "event",
            "slo": "15m",
            "risk": "low",
            "owner": "x",
            "keys": {"json": {"event": "$.event", "plant": "$.plant"}},
        }
    },
}
EVIL = "https://attacker.example"
HEADERS = {
    "host": "attacker.example",
    "x-forwarded-host": "attacker.example",
    "forwarded": "host=attacker.example",
    "ce-source": EVIL,
    "ce-target": EVIL,
    "ce-plant": "P01",
    "ce-dataschema": EVIL,
    "ce-subject": EVIL,
    "location": EVIL,
    "authorization": "Bearer of-the-source",
    "callback": EVIL,
    "reply-to": EVIL,
}


@pytest.fixture
def landscape() -> Landscape:
    return Landscape(read_catalogue(DECLARED, "test"))


def arrival(headers: dict[str, str], content: bytes = b'{"event": "1"}', plant: str | None = None) -> Arrival:
    return Arrival(
        flow="report", plant=plant, content=content, content_type="application/json", headers=headers, sent_by="mes"
    )


def test_nothing_in_a_document_or_its_headers_is_an_address(landscape) -> None:
    content = f'{{"event": "1", "url": "{EVIL}", "target": "{EVIL}", "callback": "{EVIL}"}}'.encode()
    naive = {"url": "https://erp.example", **json.loads(content)}
    assert naive["url"] == EVIL  # settings and document in one dictionary, which is how it happens
    found = sort_arrival(arrival(HEADERS, content), landscape)
    assert found.targets == ["ERP"]
    endpoint = landscape.endpoint("ERP", found.plant)
    assert endpoint is not None
    assert endpoint.deliver_url("report") == "https://erp.example/documents/report"


@pytest.mark.parametrize(
    "plant", ["../..", "attacker.example/", "P01@attacker.example", "P01#", "P01\r\nHost: x", "%2e%2e"]
)
def test_a_plant_is_one_of_the_settings_or_none(landscape, plant) -> None:
    declared = "https://mes.{plant}.example"
    assert "attacker" in declared.replace("{plant}", "attacker.example/") or plant
    for sent in (arrival({}, plant=plant), arrival({"ce-plant": plant})):
        with pytest.raises(Invalid, match="no plant"):
            sort_arrival(sent, landscape)


async def test_what_leaves_has_none_of_the_source_s_headers_but_its_events(bare_hub: Hub, target, attacker) -> None:
    bare_hub.landscape.use_addresses(
        dict.fromkeys(("ERP", "CMMS", "analytics", "historian", "APS", "MES/P01", "QMS"), target.url)
    )
    headers = {**HEADERS, "host": "127.0.0.1", "authorization": "Bearer mes-token"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=application(bare_hub)), base_url="http://127.0.0.1", headers=headers
    ) as client:
        answer = await client.post("/ingress/downtime-event?plant=P01", json={"OperationsEvent": {"ID": "1"}})
    assert answer.status_code == 202, answer.text
    async with asyncio.timeout(20):
        while not target.came:
            await asyncio.sleep(0.01)
    for _, path, sent in target.came:
        assert path.startswith(("/documents/", "/postings/"))
        assert sent["host"] == target.url.removeprefix("http://")
        assert "of-the-source" not in str(sent)
        assert "mes-token" not in str(sent)
        assert not {"x-forwarded-host", "forwarded", "location", "callback", "reply-to"} & set(sent)
        assert sent.get("ce-source", "/andon/").startswith("/andon/")
    assert attacker.came == []


@pytest.mark.parametrize(
    "key", ["..", ".", "../../admin", "a/../../b", "?x=1", "#", "a b", "%2e%2e%2f", "x\\y", "é", "//h"]
)
async def test_a_key_leads_to_no_other_path_of_the_target(landscape, target, channel, key) -> None:
    async with aiohttp.ClientSession() as naive:
        await naive.get(f"{target.url}/postings/{key}")
    naive_path = target.came.pop()[1]
    if set(key) == {"."}:
        assert naive_path in ("/", "/postings/")  # the key of one posting asks for what is above it
        with pytest.raises(Invalid, match="dots"):
            sort_arrival(arrival({"idempotency-key": key}), landscape)
        return
    sort_arrival(arrival({"idempotency-key": key}), landscape)
    landscape.use_addresses({"ERP": target.url})
    endpoint = landscape.endpoint("ERP", "P01")
    assert endpoint is not None
    row: Any = SimpleNamespace(idempotency_key=key, flow="report")
    asked = question(endpoint, row, SECRET)
    assert asked is not None
    await channel.send(asked)
    path = target.came[-1][1]
    assert path.startswith("/postings/")
    assert path.count("/") == 2
    assert "?" not in path


async def test_an_answer_that_is_a_zip_bomb_is_unpacked_as_far_as_it_is_read(target, channel) -> None:
    bomb = gzip.compress(b'{"status": "applied"}' + b" " * 100_000_000, 9)
    assert len(zlib.decompress(bomb, wbits=47)) > 100_000_000
    assert len(bomb) < 200_000
    target.answer = lambda: web.Response(body=bomb, headers={"Content-Encoding": "gzip"})
    answer = await channel.send(delivery(target.url))
    assert target.came[-1][2]["accept-encoding"] == "identity"
    assert answer.body.startswith(b'{"status": "applied"}')
    assert len(answer.body) <= 1_048_576


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "nonsense"])
async def test_an_answer_that_is_not_packed_as_it_says_is_what_it_is(target, channel, coding) -> None:
    target.answer = lambda: web.Response(body=b"not packed", headers={"Content-Encoding": coding})
    assert (await channel.send(delivery(target.url))).body == b"not packed"


async def test_many_answers_at_once_stay_small(target, channel) -> None:
    bomb = gzip.compress(b" " * 20_000_000, 9)
    target.answer = lambda: web.Response(body=bomb, headers={"Content-Encoding": "gzip"})
    answers = await asyncio.gather(*(channel.send(delivery(target.url)) for _ in range(10)))
    assert sum(len(answer.body) for answer in answers) <= 10 * 1_048_576
