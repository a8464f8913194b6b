"""Undoing and clearing up on a hub with simulated systems, through the command line; the books agree at each end."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

ALONE = ("--break-glass", "--yes")
"""One person has this hub to himself; the second person has stories of its own."""


def api_of(runbook: Any) -> httpx.Client:
    token = runbook.env["ANDON_TOKEN"]
    base = f"{runbook.env['ANDON_URL']}/admin/v1/"
    return httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=60)


def found(runbook: Any, query: str) -> list[dict[str, Any]]:
    return list(runbook.json("tx", "list", "--filter", query, "--all")["items"])


def agree(runbook: Any) -> None:
    runbook.run("hub", "simulate", "drain")
    books = runbook.json("hub", "books")
    assert books["agree"] is True, books
    assert books["double"] == 0


@pytest.fixture
def shift(hub_factory: Callable[..., Any], runbook_for: Callable[..., Any]) -> tuple[Any, Any]:
    hub = hub_factory("--simulate", "--seed", "7", "--speed", "60", "--paused")
    return hub, runbook_for(hub)


def scrapped_order(runbook: Any) -> str:
    """The correlation id of a process that has consumed, confirmed and received."""
    received = found(runbook, "flow:goods-receipt status:processed target:ERP")
    return str(next(one["correlation_id"] for one in received if one["correlation_id"].startswith("PO-")))


def test_the_process_of_a_scrapped_order_is_undone_newest_first_through_a_kill_of_the_hub(
    shift, emit, runbook_for, eventually
) -> None:
    hub, runbook = shift
    emit(runbook, 60)
    process = scrapped_order(runbook)
    whole = found(runbook, f'correlation_id:"{process}"')
    one = next(item for item in whole if item["flow"] == "goods-receipt")
    scrap = ("tx", "compensate", one["id"], "--process", "--reason", "order scrapped")
    plan = runbook.json(*scrap, "--dry-run")
    assert {item["id"] for item in plan["items"]} == {item["id"] for item in whole}
    made = {item["id"]: item["created_at"] for item in whole}
    times = [made[item["id"]] for item in plan["items"]]
    assert times == sorted(times, reverse=True), "newest first"
    by_hand = [item for item in plan["items"] if item["verdict"] == "refused"]
    assert by_hand
    assert all("By hand" in item["because"] for item in by_hand)

    # One person alone does not undo what is financial.
    runbook.run(*scrap, "--yes", expect=6)
    started = runbook.json(*scrap, *ALONE, "--rate", "10/s", "--no-wait")
    with api_of(runbook) as api:
        batch = f"batches/{started['batch']}"
        eventually("some reversals", lambda: api.get(batch).json()["counts"]["processed"] >= 3, 30)
    hub.kill()
    hub.start()
    runbook = runbook_for(hub)
    show = ("batches", "show", started["batch"])
    eventually("the batch to end", lambda: runbook.json(*show)["finished_at"], 60)
    undone = [item["id"] for item in plan["items"] if item["verdict"] == "send"]
    assert runbook.json(*show)["counts"]["processed"] == len(undone)
    for item in found(runbook, f'correlation_id:"{process}"'):
        if item["id"] in undone:
            assert item["status"] == "compensated"
            (reversal,) = found(runbook, f"causation_id:{item['id']} status:processed")
            assert reversal["idempotency_key"] == f"reverse:{item['idempotency_key']}"
            assert reversal["document"] != item["document"]
    agree(runbook)
    # Once is enough.
    runbook.run(*scrap, *ALONE, expect=6)


def test_in_a_closed_period_a_reversal_takes_a_day_in_an_open_one(shift, emit) -> None:
    _, runbook = shift
    emit(runbook, 40)
    one = found(runbook, "flow:material-consumption status:processed target:ERP")[0]
    runbook.run("hub", "simulate", "on", "closed-period", "--system", "ERP")
    undo = ("tx", "compensate", one["id"], "--reason", "wrong order")
    (item,) = runbook.json(*undo, "--dry-run")["items"]
    assert item["verdict"] == "refused"
    assert "--date" in item["because"]
    day = re.search(r"open from (\d{4}-\d\d-\d\d)", item["because"])
    assert day
    closed = runbook.json(*undo, "--dry-run", "--date", "2020-01-31")["items"][0]
    assert closed["verdict"] == "refused"
    assert "another day" in closed["because"]
    runbook.run(*undo, "--date", day[1], *ALONE)
    (after,) = found(runbook, f"id:{one['id']}")
    assert after["status"] == "compensated"
    runbook.run("hub", "simulate", "off")
    agree(runbook)


def test_what_was_built_on_a_posting_is_named_and_it_is_not_reversed(shift, emit) -> None:
    _, runbook = shift
    emit(runbook, 60)
    process = scrapped_order(runbook)
    confirmed = found(runbook, f'correlation_id:"{process}" flow:production-confirmation target:ERP')
    oldest = min(confirmed, key=lambda item: item["created_at"])
    (item,) = runbook.json("tx", "compensate", oldest["id"], "--reason", "x", "--dry-run")["items"]
    assert item["verdict"] == "refused"
    assert "Reverse that first" in item["because"]
    runbook.run("tx", "compensate", oldest["id"], "--reason", "x", *ALONE, expect=6)
    agree(runbook)


def test_what_was_posted_by_hand_is_left_out_in_bulk_and_resolved_by_its_document(shift, emit) -> None:
    _, runbook = shift
    emit(runbook, 20)
    runbook.run("hub", "simulate", "on", "hand-posted", "--system", "ERP", "--flow", "material-consumption")
    emit(runbook, 40)
    runbook.run("hub", "simulate", "off")
    failed = found(runbook, "status:failed")
    assert failed
    plan = runbook.json("tx", "replay", "--filter", "status:failed", "--reason", "unlocked", "--yes", expect=6)
    assert plan["verdicts"]["maybe-posted"] == len(plan["not_processed"]) > 0
    runbook.run("tx", "replay", "--filter", "status:failed", "--force-maybe-posted", "--reason", "r", "--yes", expect=6)
    for item in plan["not_processed"]:
        document = re.search(r"\((\d+)", item["reason"])
        assert document, item
        claim = ("tx", "resolve", item["id"], "--as", "applied", "--reason", "posted from paper", *ALONE)
        runbook.run(*claim, "--evidence", "document 1", expect=6)
        runbook.run(*claim, "--evidence", f"document {document[1]}")
        (after,) = found(runbook, f"id:{item['id']}")
        assert (after["status"], after["document"]) == ("resolved", document[1])
    # What waited behind goes on by itself; what was given up on before is replayed.
    runbook.run("hub", "simulate", "drain")
    runbook.run("tx", "replay", "--filter", "status:failed", "--reason", "unlocked", "--yes", expect=None)
    agree(runbook)


def test_a_target_that_cannot_be_asked_is_resolved_by_evidence(shift, emit) -> None:
    _, runbook = shift
    runbook.run("hub", "simulate", "on", "drop-after-posting", "--system", "customer-portal")
    emit(runbook, 120)
    runbook.run("hub", "simulate", "off")
    unclear = found(runbook, "status:in-doubt target:customer-portal")
    assert unclear
    runbook.run(
        "tx", "resolve", "--filter", "status:in-doubt target:customer-portal", "--as", "applied",
        "--evidence", "list of the portal, 06:00", "--reason", "looked up with the portal's people", *ALONE,
    )  # fmt: skip
    assert not found(runbook, "status:in-doubt")
    agree(runbook)


def test_what_is_parked_is_not_resolved_against_the_target(shift, emit, eventually) -> None:
    _, runbook = shift
    runbook.run("hub", "simulate", "on", "parked", "--system", "ERP", "--flow", "goods-receipt")
    emit(runbook, 60)
    parked = found(runbook, "status:parked")
    assert parked
    claim = ("tx", "resolve", parked[0]["id"], "--as", "applied", "--evidence", "somebody said so", "--reason", "r")
    (item,) = runbook.json(*claim, "--dry-run")["items"]
    assert item["verdict"] == "refused"
    assert "says: parked" in item["because"]
    runbook.run("hub", "simulate", "off")
    eventually("the people there to post it", lambda: not found(runbook, "status:parked"), 30)
    agree(runbook)


def test_what_a_lying_target_acknowledged_is_reopened_and_replayed(shift, emit) -> None:
    _, runbook = shift
    emit(runbook, 20)
    runbook.run("hub", "simulate", "on", "lying-target", "--system", "WMS")
    emit(runbook, 40)
    runbook.run("hub", "simulate", "off")
    assert runbook.json("hub", "books", expect=10)["missing"] > 0
    lied = [item["id"] for item in found(runbook, "status:processed target:WMS")]
    with api_of(runbook) as api:
        asked = {"action": "reopen", "ids": lied, "reason": "the stock differs", "options": {}}
        plan = api.post("plans", json=asked).json()
        assert 0 < plan["verdicts"]["send"] < len(lied), "only what is not there"
        batch = api.post(f"plans/{plan['hash']}/run").json()["id"]
        runbook.run("batches", "watch", batch, expect=5)
    runbook.run("tx", "replay", "--filter", "kind:acknowledged-not-applied", "--reason", "sent again", "--yes")
    agree(runbook)
