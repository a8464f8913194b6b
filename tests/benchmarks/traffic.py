"""Documents, a landscape of one flow, and loops that post."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
from measuring import HERE, child, until

SETTINGS = """
catalogue = false
profile = "production"
default_plant = "P01"
[approvals]
items_alone = 50000
[plant.P01]
title = "Plant 1"
[system.MES]
title = "MES"
[system.ERP]
title = "ERP"
url = "{url}"
idempotent = "lookup"
settle_after = "1s"
[flow.material-consumption]
title = "Material consumption"
sources = ["MES"]
targets = ["ERP"]
document = "OperationsPerformance"
identity = ["event"]
order_by = "order"
semantics = "delta"
slo = "15m"
risk = "financial"
verify = "lookup"
owner = "production-controlling"
[flow.material-consumption.keys.json]
event = "$.OperationsPerformance.ID"
order = "$.OperationsPerformance.OperationsResponse[0].OperationsRequestID"
material = "$.OperationsPerformance.OperationsResponse[0].SegmentResponse[0].MaterialActual[0].MaterialDefinitionID"
lot = "$.OperationsPerformance.OperationsResponse[0].SegmentResponse[0].MaterialActual[0].MaterialLotID"
"""


def document(n: int) -> bytes:
    """A consumption of an order of its own, as a MES would report it."""
    actual = {
        "ID": "10",
        "MaterialUse": "Consumed",
        "MaterialDefinitionID": f"RM-{1100 + n % 20}",
        "MaterialLotID": f"R01-{n // 50:06d}",
        "Quantity": {"QuantityString": "12.500", "DataType": "decimal", "UnitOfMeasure": "KG"},
    }
    body = {
        "ID": f"MC-{n:08d}",
        "HierarchyScope": {"EquipmentID": "P01-L1"},
        "PublishedDate": "2026-03-02T05:00:00Z",
        "OperationsResponse": [
            {"OperationsRequestID": str(1_000_000 + n), "SegmentResponse": [{"ID": "0010", "MaterialActual": [actual]}]}
        ],
    }
    return json.dumps({"ApplicationArea": {"Sender": {"LogicalID": "MES/P01"}}, "OperationsPerformance": body}).encode()


@contextmanager
def target(work: Path) -> Iterator[str]:
    """The target, as a process of its own; its URL."""
    log = work / "target.log"
    with child([sys.executable, str(HERE / "target.py")], log):
        until(lambda: log.exists() and log.read_text().strip().isdigit(), "the target", 20)
        yield f"http://127.0.0.1:{log.read_text().strip()}"


def settings(work: Path, url: str) -> Path:
    """The hub's settings for that target."""
    path = work / "hub.toml"
    path.write_text(SETTINGS.format(url=url), encoding="utf-8")
    return path


def switch(url: str, mode: str) -> dict[str, int]:
    """Tell the target what to do; returns what it counted until now."""
    with urllib.request.urlopen(urllib.request.Request(f"{url}/mode/{mode}", method="PUT")) as answer:
        counted: dict[str, int] = json.loads(answer.read())
        return counted


async def _post(url: str, token: str, numbers: range, concurrency: int) -> None:
    todo = iter(numbers)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    async def work(session: aiohttp.ClientSession) -> None:
        for n in todo:
            async with session.post(f"{url}/ingress/material-consumption?plant=P01", data=document(n)) as answer:
                await answer.read()
                if answer.status != 202:
                    raise SystemExit(f"HTTP {answer.status}: {(await answer.text())[:500]}")

    connector: Any = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
        await asyncio.gather(*(work(session) for _ in range(concurrency)))


def post_all(url: str, token: str, numbers: range, concurrency: int) -> float:
    """Post documents to an ingress; returns how many a second it took."""
    begun = time.perf_counter()
    asyncio.run(_post(url, token, numbers, concurrency))
    return len(numbers) / (time.perf_counter() - begun)
