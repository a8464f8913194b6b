"""Masked fields: they are in nothing that the hub shows, searches, writes down or logs, until somebody reveals them."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any

import httpx
import msgspec
import pytest
from aiohttp import web
from sqlalchemy import select, text, update

from hub.declarations import Catalogue, read_catalogue
from hub.landscape import Landscape
from hub.masks.memory import remember
from hub.store.schema import groups, transactions
from transactions.audit import link
from transactions.clock import from_micros, to_micros
from transactions.history import MASK, AuditEntry

NAME, PRICE, BADGE = "Kestrelmann Ltd", "8731.25", "BADGE-90417"
SECRETS = ("Kestrelmann", PRICE, BADGE)
SALES: dict[str, Any] = {
    "title": "Sales",
    "sources": ["MES"],
    "targets": ["ERP"],
    "document": "SalesOrder",
    "identity": ["event"],
    "semantics": "event",
    "slo": "15m",
    "risk": "low",
    "owner": "sales-team",
    "keys": {
        "json": {"event": "$.event", "order": "$.order", "customer": "$.customer.name", "lot": "$.lot"},
        "xml": {"event": "//Event", "order": "//Order", "customer": "//Customer/Name", "contact": "//Phone"},
    },
    "masked": {
        "json": ["$.customer", "$.lines[*].price", "$.badge"],
        "xml": ["//Customer", "//Line/@price", "//Badge"],
    },
}
DOCUMENT: dict[str, Any] = {
    "event": "e1",
    "order": "4711",
    "lot": "L-1",
    "customer": {"name": NAME, "phone": "+49 30 23125 017"},
    "lines": [{"item": "10", "price": 8731.25}],
    "badge": BADGE,
    "note": "fragile",
}
XML = (
    f"<Sales><Event>e2</Event><Order>4712</Order><Customer><Name>{NAME}</Name></Customer>"
    f'<Line price="{PRICE}">10</Line><Badge>{BADGE}</Badge><!-- {NAME} --></Sales>'
)


@pytest.fixture
def catalogue(catalogue: Catalogue) -> Catalogue:
    return catalogue.merged(read_catalogue({"flow": {"sales": SALES}}, "test"))


async def echo(_request: web.Request, _body: bytes) -> web.StreamResponse:
    """A target that repeats what it was sent wherever it can."""
    return web.json_response(
        {
            "code": "M7021",
            "message": f"Customer {NAME} may not buy at {PRICE} EUR",
            "echo": {"customer": {"name": NAME}, "lines": [{"Price": 8731.25}], "badge": BADGE, "lot": "L-1"},
            "hint": f"ask {BADGE}",
        },
        status=422,
        headers={"X-Customer": "Kestrelmann"},
    )


@pytest.fixture
async def failed(local, target) -> str:
    target.deliver = echo
    tx = await send(local)
    await local.settled(tx)
    return tx


async def send(local: Any, document: dict[str, Any] | None = None, **headers: str) -> str:
    answer = await local.post("ingress", params={"flow": "sales"}, json=document or DOCUMENT, headers=headers)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["items"][0]["id"])


async def send_xml(local: Any, content: str = XML) -> httpx.Response:
    return await local.post(
        "ingress", params={"flow": "sales"}, content=content.encode(), headers={"Content-Type": "application/xml"}
    )


def clean(*told: str) -> None:
    for one in told:
        assert not [secret for secret in SECRETS if secret in one], one


async def test_no_place_shows_what_is_masked(local, failed, capsys) -> None:
    plan = await local.plan("discard", failed)
    batch = await local.run(plan)
    paths = (
        "transactions",
        f"transactions/{failed}",
        f"transactions/{failed}/timeline",
        f"transactions/{failed}/payload",
        f"transactions/{failed}/payload?revision=1",
        "plans",
        f"plans/{plan['hash']}",
        "batches",
        f"batches/{batch['id']}",
        f"batches/{batch['id']}/items",
        "systems",
        "flows",
        "board",
        "audit",
    )
    for path in paths:
        answer = await local.get(path)
        assert answer.status_code == 200
        clean(answer.text)
    raw = await local.get(f"transactions/{failed}/payload", headers={"Accept": "application/octet-stream"})
    clean(raw.text)
    assert raw.headers["andon-masked"] == "true"
    events = await local.hub.database.read(lambda c: c.execute(text("select data from events")).scalars().all())
    clean(*events, *capsys.readouterr())


async def test_what_a_target_said_is_cleared_before_it_is_stored(local, failed) -> None:
    tables = ("transactions", "timeline", "groups", "batch_items", "events", "audit")

    def everything(c: Any) -> list[str]:
        return [str(row) for table in tables for row in c.execute(text(f"select * from {table}")).all()]

    stored = await local.hub.database.read(everything)
    # the keys that people may not see are in the store all the same: they make duplicates known
    clean(*(row.replace(NAME, "") if '"customer"' in row else row for row in stored))
    template = await local.hub.database.read(lambda c: c.execute(select(groups.c.template)).scalar_one())
    assert template.endswith("the target's words repeat a masked field")


async def test_a_list_masks_keys_and_says_what_is_wrong_without_the_words(local, failed) -> None:
    (item,) = (await local.get("transactions")).json()["items"]
    assert item["business_keys"] == {"event": "e1", "order": "4711", "customer": MASK, "lot": "L-1"}
    assert item["failure"]["code"] == "M7021"
    assert item["failure"]["message"] == "M7021: the target's words repeat a masked field"


async def test_a_payload_says_what_is_masked_and_keeps_the_hash_of_the_real_bytes(local, failed) -> None:
    shown = (await local.get(f"transactions/{failed}/payload")).json()
    content = json.loads(shown["content"])
    masked = {**DOCUMENT, "customer": MASK, "badge": MASK, "lines": [{"item": "10", "price": MASK}]}
    assert content == masked
    assert shown["masked"] == ["$.customer", "$.lines[*].price", "$.badge"]
    assert shown["withheld"] is None
    tx = (await local.get(f"transactions/{failed}")).json()
    assert shown["sha256"] == tx["payload_sha256"] == shown["revisions"][0]["sha256"]
    assert shown["size"] == shown["revisions"][0]["size"] > len(shown["content"])


async def test_an_attempt_shows_the_answer_by_structure(local, failed) -> None:
    timeline = (await local.get(f"transactions/{failed}/timeline")).json()["items"]
    (attempt,) = [entry["attempt"] for entry in timeline if entry["attempt"]]
    assert json.loads(attempt["response_body"]) == {
        "code": "M7021",
        "message": MASK,
        "echo": {"customer": MASK, "lines": [{"Price": MASK}], "badge": MASK, "lot": "L-1"},
        "hint": MASK,
    }
    headers = {name.lower(): value for name, value in attempt["response_headers"].items()}
    assert headers["x-customer"] == MASK
    assert headers["content-type"].startswith("application/json")
    assert attempt["failure"]["code"] == "M7021"


async def test_an_answer_that_is_no_document_is_withheld(local, target) -> None:
    async def page(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.Response(status=422, text=f"<html><p>{NAME}<br></html>", content_type="text/html")

    target.deliver = page
    tx = await send(local)
    await local.settled(tx)
    answer = await local.get(f"transactions/{tx}/timeline")
    clean(answer.text)
    assert "withheld: this flow masks fields" in answer.text


async def test_xml_is_masked_as_well(local, target) -> None:
    target.deliver = echo
    tx = (await send_xml(local)).json()["items"][0]["id"]
    await local.settled(tx)
    for path in ("transactions", f"transactions/{tx}", f"transactions/{tx}/timeline", f"transactions/{tx}/payload"):
        clean((await local.get(path)).text)
    shown = (await local.get(f"transactions/{tx}/payload")).json()
    assert shown["content"] == (
        "<Sales><Event>e2</Event><Order>4712</Order><Customer>▒▒▒</Customer>"
        '<Line price="▒▒▒">10</Line><Badge>▒▒▒</Badge><!--▒▒▒--></Sales>'
    )
    assert shown["masked"] == ["//Customer", "//Line/@price", "//Badge", "//comment()"]


async def test_a_key_inside_what_is_masked_is_kept_out_of_the_keys(local) -> None:
    inside = "<Sales><Event>e3</Event><Order>1</Order><Customer><Phone>0301234</Phone></Customer></Sales>"
    answer = await send_xml(local, inside)
    assert answer.json()["items"][0]["business_keys"] == {"event": "e3", "order": "1", "contact": MASK}
    outside = "<Sales><Event>e4</Event><Order>1</Order><Phone>0301234</Phone></Sales>"
    answer = await send_xml(local, outside)
    assert answer.json()["items"][0]["business_keys"]["contact"] == "0301234"


async def test_a_document_whose_key_lies_in_what_is_masked_is_refused(local, problem) -> None:
    content = "<Sales><Customer><Event>e5</Event></Customer></Sales>"
    detail = problem(await send_xml(local, content), 422, "unreadable-document")
    assert "'event' makes the idempotency key" in detail
    assert "e5" not in detail


# searching


@pytest.mark.parametrize("word", ["Kestrelmann", "8731", BADGE, "23125"])
async def test_words_find_nothing_that_stands_in_masked_fields_only(local, failed, word) -> None:
    for path in ("transactions", "transactions/count"):
        answer = (await local.get(path, params={"filter": word})).json()
        assert answer.get("items", []) == []
        assert answer.get("count", 0) == 0
    assert (await local.get("transactions/count", params={"filter": f"message:{word}"})).json()["count"] == 0
    assert (await local.get("transactions/count", params={"filter": f"-{word}"})).json()["count"] == 1


@pytest.mark.parametrize("word", ["fragile", "L-1", "FRAGILE", '"masked field"', "customer", "message:repeat"])
async def test_words_find_what_is_shown(local, failed, word) -> None:
    assert (await local.get("transactions/count", params={"filter": word})).json()["count"] == 1


@pytest.mark.parametrize("asked", ["customer:Kestrelmann*", "customer:none", "-customer:x", "business_keys.customer:x"])
async def test_a_masked_key_cannot_be_asked_for(local, failed, problem, asked) -> None:
    for path in ("transactions", "transactions/count"):
        answer = await local.get(path, params={"filter": f"flow:sales {asked}"})
        detail = problem(answer, 400, "bad-filter")
        assert "customer is masked in sales" in detail
        assert "Search by another key" in detail
        assert answer.json()["column"] == 12 + asked.startswith("-")
    body = {"action": "discard", "reason": "x", "filter": asked}
    problem(await local.post("plans", json=body), 400, "bad-filter")


async def test_other_keys_are_searched_as_ever(local, failed) -> None:
    assert (await local.get("transactions/count", params={"filter": "order:4711 lot:L-1"})).json()["count"] == 1


async def test_flows_say_what_they_mask(local) -> None:
    flows = {flow["name"]: flow for flow in (await local.get("flows")).json()["items"]}
    assert flows["sales"]["masked_keys"] == ["customer"]
    assert "$.badge" in flows["sales"]["masked"]
    assert flows["report"]["masked"] == flows["report"]["masked_keys"] == []


# revealing


async def test_revealing_shows_the_document_and_is_audited_with_keyed_hashes(local, failed) -> None:
    asked = {"revision": None, "reason": " the customer calls "}
    answer = await local.post(f"transactions/{failed}/payload/reveal", json=asked)
    assert answer.status_code == 200
    assert json.loads(answer.json()["content"]) == DOCUMENT
    assert answer.json()["masked"] == []
    audit = await local.get("audit")
    clean(audit.text)
    entry = audit.json()["items"][0]
    assert (entry["actor"], entry["action"], entry["subject"]) == ("ann", "payload.revealed", failed)
    assert entry["reason"] == "the customer calls"
    assert entry["after"]["revision"] == 1
    assert entry["after"]["paths"] == ["$.customer", "$.lines[*].price", "$.badge"]
    values = entry["after"]["values"]
    assert set(values) == {"$.customer", "$.lines[0].price", "$.badge"}
    assert all(value["masked"] == MASK and len(value["hmac"]) == 64 for value in values.values())
    # a hash without the key would let anybody try prices until one fits
    plain = hashlib.sha256(json.dumps(BADGE).encode()).hexdigest()
    assert values["$.badge"]["hmac"] != plain
    # it is in the chain like everything else, and in the transaction's own story, without a value
    told = msgspec.convert(entry, AuditEntry)
    assert link(msgspec.structs.replace(told, hash="")).hash == told.hash
    story = (await local.get(f"transactions/{failed}/timeline")).json()["items"][-1]
    assert (story["by"], story["kind"]) == ("ann", "action")
    assert "revealed the masked fields of revision 1" in story["text"]


async def test_the_same_value_has_the_same_keyed_hash_in_every_document(local) -> None:
    ids = [await send(local), await send(local, {**DOCUMENT, "event": "e9", "badge": "BADGE-1"})]
    told = []
    for tx in ids:
        await local.post(f"transactions/{tx}/payload/reveal", json={"reason": "to compare"})
        told.append((await local.get("audit")).json()["items"][0]["after"]["values"])
    assert told[0]["$.customer"] == told[1]["$.customer"]
    assert told[0]["$.badge"] != told[1]["$.badge"]


async def test_revealed_bytes_are_the_real_ones(local, failed) -> None:
    answer = await local.post(
        f"transactions/{failed}/payload/reveal",
        json={"revision": 1, "reason": "to compare"},
        headers={"Accept": "application/octet-stream"},
    )
    tx = (await local.get(f"transactions/{failed}")).json()
    assert hashlib.sha256(answer.content).hexdigest() == tx["payload_sha256"]
    assert "andon-masked" not in answer.headers


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"reason": ""}, 422, "invalid-request"),
        ({"reason": "  \n"}, 422, "invalid-request"),
        ({}, 422, "invalid-request"),
        ({"reason": "x" * 1001}, 422, "invalid-request"),
        ({"reason": "x", "other": 1}, 422, "invalid-request"),
        ({"reason": "x", "revision": 7}, 404, "not-found"),
        ({"reason": "x", "revision": 0}, 422, "invalid-request"),
    ],
)
async def test_what_is_not_revealed_is_not_audited(local, failed, problem, body, status, kind) -> None:
    detail = problem(await local.post(f"transactions/{failed}/payload/reveal", json=body), status, kind)
    clean(detail)
    assert "payload.revealed" not in (await local.get("audit")).text


async def test_revealing_wants_the_permission(local, failed, problem) -> None:
    answer = await local.second("POST", f"transactions/{failed}/payload/reveal", json={"reason": "x"})
    assert "'reveal'" in problem(answer, 403, "forbidden")
    clean((await local.second("GET", f"transactions/{failed}/payload")).text)


# documents that masks cannot be put on, and what is older than the masks


async def _spoil(local: Any) -> None:
    content = b'{"customer'
    await local.hub.database.write(lambda c: c.execute(text("update payloads set content = :c"), {"c": content}))


async def test_a_document_that_cannot_be_read_is_withheld_whole(local, failed, problem) -> None:
    await _spoil(local)
    shown = (await local.get(f"transactions/{failed}/payload")).json()
    assert shown["content"] == MASK
    assert "cannot be read" in shown["withheld"]
    raw = await local.get(f"transactions/{failed}/payload", headers={"Accept": "application/octet-stream"})
    assert "withheld" in problem(raw, 409, "refused")
    asked = {"reason": "it looks broken"}
    revealed = (await local.post(f"transactions/{failed}/payload/reveal", json=asked)).json()
    assert revealed["content"] == '{"customer'
    assert list((await local.get("audit")).json()["items"][0]["after"]["values"]) == ["$"]


@pytest.fixture
async def older(local, target) -> str:
    """A transaction that failed while nothing was masked; then the masks came."""
    local.hub.landscape.masks.flows.clear()  # type: ignore[attr-defined]
    target.deliver = echo
    tx = await send(local)
    await local.settled(tx)
    assert NAME in (await local.get(f"transactions/{tx}")).text
    declared = Landscape(local.hub.landscape.catalogue).masks
    local.hub.landscape.masks.__dict__.update(declared.__dict__)
    now = local.hub.clock.now()

    def start(c: Any) -> None:
        c.execute(text("delete from meta where name = 'masks.since'"))
        remember(c, local.hub.landscape.masks, now)

    await local.hub.database.write(start)
    return tx


async def test_masks_hold_for_what_was_stored_before_they_were_declared(local, older) -> None:
    for path in (
        "transactions",
        f"transactions/{older}",
        f"transactions/{older}/timeline",
        f"transactions/{older}/payload",
        "board",
        "groups",
        "groups?filter=order:4711",
    ):
        clean((await local.get(path)).text)
    group = (await local.get("groups")).json()["items"][0]
    assert group["template"] == "M7021: the target's words repeat a masked field"
    clean((await local.get(f"groups/{group['fingerprint']}")).text)
    for asked in ("Kestrelmann", "message:8731", BADGE):
        assert (await local.get("groups", params={"filter": asked})).json()["items"] == []
    for asked in ("Kestrelmann", "message:8731", BADGE):
        assert (await local.get("transactions/count", params={"filter": asked})).json()["count"] == 0
    assert (await local.get("transactions/count", params={"filter": "fragile"})).json()["count"] == 1


async def test_reasons_in_batches_that_are_older_than_the_masks_are_withheld(local, older) -> None:
    plan = await local.plan("discard", older)
    batch = await local.run(plan)
    await local.hub.database.write(
        lambda c: c.execute(text("update batch_items set reason = :said, updated_at = 1"), {"said": NAME})
    )
    items = await local.get(f"batches/{batch['id']}/items")
    clean(items.text)
    assert "older than the masks" in items.text


async def test_masks_that_stay_the_same_keep_their_age(own_hub) -> None:
    masks = own_hub.landscape.masks
    assert masks.flow("sales").since == 0
    later = from_micros(to_micros(own_hub.clock.now()) + 60_000_000)
    await own_hub.database.write(lambda c: remember(c, masks, later))
    assert masks.flow("sales").since == 0
    masks.flow("sales").digest = "others"
    await own_hub.database.write(lambda c: remember(c, masks, later))
    assert masks.flow("sales").since == to_micros(later)


async def test_lists_ask_for_no_document_where_words_are_younger_than_the_masks(local, failed, monkeypatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("a list read a document")

    monkeypatch.setattr("hub.store.shown.secrets_of", never)
    assert (await local.get("transactions")).status_code == 200


# other ways in which a target speaks


async def test_lookups_and_replies_are_cleared_too(local, target) -> None:
    async def silent(_request: web.Request, _body: bytes) -> web.StreamResponse:
        await asyncio.sleep(5)
        return web.json_response({})

    async def rejected(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response({"status": "rejected", "code": "X1", "message": f"{NAME} is unknown"})

    target.deliver, target.lookup = silent, rejected
    tx = await send(local)
    found = await local.settled(tx)
    async with asyncio.timeout(30):
        while found["status"] != "failed":
            await asyncio.sleep(0.01)
            found = (await local.get(f"transactions/{tx}")).json()
    assert found["failure"]["message"] == "X1: the target's words repeat a masked field"
    clean((await local.get(f"transactions/{tx}/timeline")).text)
    row = await local.hub.database.read(lambda c: c.execute(select(transactions)).one())
    await local.hub.database.write(
        lambda c: c.execute(update(transactions).values(status="parked", definitive=0, failure_message="x"))
    )
    answer = await local.client.post(
        "http://hub/ingress/replies/ERP",
        json={"key": row.idempotency_key, "status": "rejected", "code": "X2", "message": f"no {NAME}"},
        headers={"Authorization": "Bearer source-token"},
    )
    assert answer.status_code == 200, answer.text
    told = await local.hub.database.read(lambda c: c.execute(select(transactions.c.failure_message)).scalar_one())
    assert told == "X2: the target's words repeat a masked field"


async def test_where_the_store_cannot_be_asked_words_are_withheld_and_the_outcome_is_kept(
    local, target, monkeypatch
) -> None:
    from hub.errors import StoreError

    def broken(*_: object) -> None:
        raise StoreError("The database cannot be read.")

    monkeypatch.setattr("hub.delivery.outlet.secrets_of", broken)
    target.deliver = echo
    tx = await send(local)
    assert (await local.settled(tx))["failure"]["message"].endswith("repeat a masked field")


async def test_a_flow_without_masks_is_shown_as_it_is(local, target) -> None:
    target.deliver = echo
    tx = await local.send(event="r1", order=NAME)
    found = await local.settled(tx)
    assert NAME in found["failure"]["message"]
    shown = (await local.get(f"transactions/{tx}/payload")).json()
    assert NAME in shown["content"]
    assert (shown["masked"], shown["withheld"]) == ([], None)
    assert (await local.get("transactions/count", params={"filter": "Kestrelmann"})).json()["count"] == 1
