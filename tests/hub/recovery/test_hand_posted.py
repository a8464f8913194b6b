"""The guard against postings that somebody made by hand, when a plan is made and right before a document leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp import web

from hub.delivery.answers import Answer
from hub.delivery.similar import Similar, by_hand, maybe_posted, read_similar
from hub.landscape import Endpoint
from hub.recovery import building
from transactions.errors import Invalid
from transactions.model import Status
from transactions.plans import Action, PlanOptions, PlanRequest, Verdict


class SearchedTarget:
    """A target that can be searched, and refuses what it is sent until it is told not to."""

    def __init__(self) -> None:
        self.found: list[dict[str, Any]] = []
        self.asked: list[dict[str, str]] = []
        self.received: list[str] = []
        self.accepts = False
        self.status = 200

    async def documents(self, request: web.Request) -> web.Response:
        self.received.append(request.headers["Idempotency-Key"])
        if self.accepts:
            return web.json_response({"status": "applied", "document": "4900000001"}, status=201)
        return web.json_response({"error": {"code": "M7021", "message": "deficit"}}, status=422)

    async def search(self, request: web.Request) -> web.Response:
        self.asked.append(dict(request.query))
        return web.json_response({"items": self.found}, status=self.status)

    async def lookup(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "applied" if self.accepts and self.received else "absent"})


@pytest.fixture
async def erp(bench: Any) -> AsyncIterator[SearchedTarget]:
    target = SearchedTarget()
    app = web.Application()
    app.router.add_post("/documents/{flow}", target.documents)
    app.router.add_get("/postings", target.search)
    app.router.add_get("/postings/{key}", target.lookup)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    bench.landscape.use_addresses({"ERP": f"http://{host}:{port}"})
    catalogue = bench.landscape.catalogue
    catalogue.system["ERP"] = msgspec.structs.replace(
        catalogue.system["ERP"], search="/postings?order={order}&material={material}&quantity={quantity}&day={day}"
    )
    flow = catalogue.flow["consumption"]
    keys = {**flow.keys.json, "quantity": "$.quantity"}
    catalogue.flow["consumption"] = msgspec.structs.replace(flow, keys=msgspec.structs.replace(flow.keys, json=keys))
    yield target
    await runner.cleanup()


async def failed(bench: Any, **document: str) -> str:
    tx = await bench.send(
        "consumption", **({"event": "e1", "order": "4711", "material": "M1", "quantity": "5"} | document)
    )
    await bench.until(tx, Status.FAILED)
    return tx


HAND = {"document": "4900000077", "key": None, "reversal": None}


async def test_a_posting_without_a_key_makes_it_maybe_posted(bench, erp) -> None:
    tx = await failed(bench)
    erp.found = [HAND]
    (item,) = (await bench.plan(Action.REPLAY, tx)).items
    assert item.verdict is Verdict.MAYBE_POSTED
    assert "4900000077" in (item.because or "")
    asked = erp.asked[-1]
    assert {name: asked[name] for name in ("order", "material", "quantity")} == {
        "order": "4711",
        "material": "M1",
        "quantity": "5",
    }
    assert len(asked["day"]) == len("2026-11-21")
    batch = await bench.act(Action.REPLAY, tx)
    assert batch.counts["skipped"] == 1
    assert len(erp.received) == 1


@pytest.mark.parametrize("found", [[], [{**HAND, "key": "other"}], [{**HAND, "reversal": "4900000078"}]])
async def test_what_has_a_key_or_was_reversed_is_somebody_elses(bench, erp, found) -> None:
    tx = await failed(bench)
    erp.found, erp.accepts = found, True
    assert (await bench.act(Action.REPLAY, tx)).counts["processed"] == 1


async def test_a_posting_made_after_the_plan_is_found_right_before_it_is_sent(bench, erp) -> None:
    tx = await failed(bench)
    plan = await bench.plan(Action.REPLAY, tx)
    assert plan.items[0].verdict is Verdict.SEND
    erp.found, erp.accepts, sent = [HAND], True, len(erp.received)
    batch = await bench.finished((await bench.run(plan)).id)
    assert batch.counts["failed"] == 1
    assert len(erp.received) == sent
    row = await bench.row(tx)
    assert (row.status, row.failure_code, row.definitive) == ("failed", "maybe-posted", 1)


async def test_where_it_cannot_be_searched_the_verdict_says_so_and_it_is_not_sent(bench, erp) -> None:
    tx = await failed(bench)
    erp.status, erp.accepts, sent = 500, True, len(erp.received)
    (item,) = (await bench.plan(Action.REPLAY, tx)).items
    assert item.verdict is Verdict.SEND
    assert "not searched" in (item.because or "")
    batch = await bench.act(Action.REPLAY, tx)
    assert batch.counts["failed"] == 1
    assert len(erp.received) == sent
    assert (await bench.row(tx)).failure_code == "search-unanswered"


async def test_named_ids_may_be_forced_and_a_second_person_is_wanted(bench, erp) -> None:
    tx = await failed(bench)
    erp.found, erp.accepts = [HAND], True
    plan = await bench.plan(Action.REPLAY, tx, force_maybe_posted=True)
    assert plan.items[0].verdict is Verdict.SEND
    assert plan.second_person == ["It forces replay of 1 financial transaction."]
    assert (await bench.finished((await bench.run(plan)).id)).counts["processed"] == 1


async def test_a_filter_is_never_forced(bench, erp) -> None:
    request = PlanRequest(
        action=Action.REPLAY,
        reason="r",
        filter="status:failed",
        options=PlanOptions(force_maybe_posted=True),
    )
    with pytest.raises(Invalid, match="named ids only"):
        building.check_request(request, bench.landscape)


async def test_only_what_moves_something_can_be_doubled(bench, erp) -> None:
    tx = await bench.send("report", event="r1", order="4711")
    await bench.until(tx, Status.FAILED)
    erp.found = [HAND]
    assert (await bench.plan(Action.REPLAY, tx)).items[0].verdict is Verdict.SEND
    assert erp.asked == []


async def test_without_a_quantity_nothing_is_asked(bench, erp) -> None:
    tx = await bench.send("consumption", event="e5", order="4711")
    await bench.until(tx, Status.FAILED)
    await bench.plan(Action.REPLAY, tx)
    assert erp.asked == []


@pytest.mark.parametrize(
    ("keys", "url"),
    [
        ({"order": "1", "quantity": "5 KG"}, "http://x/postings?order=1&quantity=5%20KG"),
        ({"lot": "L/1", "quantity": "5"}, "http://x/postings?lot=L%2F1&quantity=5"),
        ({"quantity": "5"}, None),
        ({"order": "1"}, None),
        ({}, None),
    ],
)
def test_a_search_asks_for_what_the_document_has(catalogue, keys, url) -> None:
    system = msgspec.structs.replace(
        catalogue.system["ERP"], search="/postings?order={order}&lot={lot}&quantity={quantity}"
    )
    endpoint = Endpoint(name="ERP", plant=None, declaration=system, url="http://x")
    assert endpoint.search_url(keys) == url


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"items": 1}', b"[" * 5000])
def test_an_answer_that_cannot_be_read_is_none(body) -> None:
    assert read_similar(Answer(status=200, headers={}, body=body)) is None


def test_many_postings_are_told_in_few_words() -> None:
    found = [Similar(document=str(n)) for n in range(5)] + [Similar(key="k")]
    told = maybe_posted("ERP", by_hand(found))
    assert "(0, 1, 2 and 2 more)" in told
