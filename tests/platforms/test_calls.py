from __future__ import annotations

import msgspec
import pytest

from platforms.calls import OCTETS, Call, Response, read_answer, request_for
from platforms.errors import ReadOnly, UnexpectedAnswer
from platforms.hub import audit, batches, landscape, plans, server, simulator, transactions
from transactions.books import FaultChange
from transactions.errors import NotFound
from transactions.model import Transaction
from transactions.pages import Page
from transactions.plans import Action, PlanRequest, PlanState


def target(call: Call[object]) -> str:
    request = request_for(call, base_path="/admin/v1", token=None, agent="andon")
    return f"{request.method} {request.target}"


def test_the_calls_are_those_of_the_contract() -> None:
    made = [
        transactions.list_page("plant:P03 age>15m", "-failed_at", 10, "abc"),
        transactions.list_page(),
        transactions.count("status:failed"),
        transactions.show("tx?1"),
        transactions.timeline("tx1"),
        transactions.payload("tx1", 2),
        transactions.reveal("tx1", None, "why"),
        plans.list_page(PlanState.PLANNED),
        plans.show("abc"),
        plans.run("abc"),
        batches.list_page(),
        batches.show("b1"),
        batches.items("b1", 5, "c"),
        batches.cancel("b1"),
        landscape.systems(),
        landscape.flows(),
        landscape.plants(),
        landscape.holds(),
        landscape.board(),
        server.status(),
        server.whoami(),
        audit.entries(3),
        simulator.faults(),
        simulator.books(),
        simulator.pause(),
        simulator.resume(),
        simulator.drain(),
    ]
    assert [target(call) for call in made] == [
        "GET /admin/v1/transactions?filter=plant%3AP03%20age%3E15m&sort=-failed_at&limit=10&cursor=abc",
        "GET /admin/v1/transactions",
        "GET /admin/v1/transactions/count?filter=status%3Afailed",
        "GET /admin/v1/transactions/tx%3F1",
        "GET /admin/v1/transactions/tx1/timeline",
        "GET /admin/v1/transactions/tx1/payload?revision=2",
        "POST /admin/v1/transactions/tx1/payload/reveal",
        "GET /admin/v1/plans?state=planned",
        "GET /admin/v1/plans/abc",
        "POST /admin/v1/plans/abc/run",
        "GET /admin/v1/batches",
        "GET /admin/v1/batches/b1",
        "GET /admin/v1/batches/b1/items?limit=5&cursor=c",
        "POST /admin/v1/batches/b1/cancel",
        "GET /admin/v1/systems",
        "GET /admin/v1/flows",
        "GET /admin/v1/plants",
        "GET /admin/v1/holds",
        "GET /admin/v1/board",
        "GET /admin/v1/status",
        "GET /admin/v1/whoami",
        "GET /admin/v1/audit?limit=3",
        "GET /admin/v1/simulator/faults",
        "GET /admin/v1/simulator/books",
        "POST /admin/v1/simulator/pause",
        "POST /admin/v1/simulator/resume",
        "POST /admin/v1/simulator/drain",
    ]


def test_a_plan_request_says_only_what_was_asked() -> None:
    call = plans.create(PlanRequest(action=Action.REPLAY, reason="mended", ids=["tx1"]))
    assert msgspec.json.decode(call.body or b"") == {
        "action": "replay",
        "reason": "mended",
        "ids": ["tx1"],
        "filter": None,
        "options": {},
    }


def test_a_hold_names_a_place_and_neither_ids_nor_filter() -> None:
    body = msgspec.json.decode(plans.create_hold(Action.HOLD, "patching", target="ERP", plant="P01").body or b"")
    assert body["options"] == {"target": "ERP", "plant": "P01"}
    assert (body["ids"], body["filter"]) == (None, None)


def test_a_document_goes_out_as_it_is_with_its_key() -> None:
    call = server.ingress(b"<a/>", "application/xml", flow="master-data", plant="P01", key="k1")
    request = request_for(call, base_path="/admin/v1", token="t", agent="andon")
    assert request.body == b"<a/>"
    assert request.headers["Content-Type"] == "application/xml"
    assert request.headers["Idempotency-Key"] == "k1"
    assert request.headers["Authorization"] == "Bearer t"
    assert request.target == "/admin/v1/ingress?flow=master-data&plant=P01"


def test_what_has_no_body_names_no_content_type_and_no_token_where_there_is_none() -> None:
    request = request_for(transactions.show("x"), base_path="/a", token=None, agent="andon")
    assert request.headers == {"Accept": "application/json", "User-Agent": "andon"}


def test_raw_payloads_ask_for_octets_and_come_as_they_are() -> None:
    call = transactions.payload_bytes("tx1")
    assert call.accept == OCTETS
    content = bytes(range(256))
    assert read_answer(call, Response(status=200, content_type=OCTETS, body=content), "http://x") == content


def test_an_answer_becomes_its_type() -> None:
    page = read_answer(
        transactions.list_page(),
        Response(status=200, content_type="application/json", body=b'{"items": [], "next_cursor": "n", "new": 1}'),
        "http://x",
    )
    assert page == Page[Transaction](items=[], next_cursor="n")


@pytest.mark.parametrize("body", [b"<html>", b'{"items": 1}', b"\xff\xfe", b""])
def test_an_answer_that_is_none_of_the_api_says_where_it_came_from(body: bytes) -> None:
    answer = Response(status=200, content_type="text/html", body=body)
    with pytest.raises(UnexpectedAnswer, match="http://x answered GET transactions") as caught:
        read_answer(transactions.list_page(), answer, "http://x")
    assert "andon context show" in caught.value.detail


def test_a_problem_is_raised_as_its_type() -> None:
    body = b'{"type": "urn:andon:problem:not-found", "title": "Not found", "status": 404, "detail": "No tx9."}'
    with pytest.raises(NotFound, match=r"No tx9\."):
        read_answer(
            transactions.show("tx9"),
            Response(status=404, content_type="application/problem+json", body=body),
            "http://x",
        )


@pytest.mark.parametrize(
    "call",
    [
        plans.create(PlanRequest(action=Action.REPLAY, reason="r", ids=["x"])),
        plans.run("h"),
        batches.cancel("b"),
        server.ingress(b"", "text/plain", flow="f"),
        simulator.change(FaultChange(on=False)),
        simulator.pause(),
        simulator.resume(),
        simulator.drain(),
    ],
)
def test_read_only_refuses_everything_that_changes_something(call: Call[object]) -> None:
    with pytest.raises(ReadOnly, match="Nothing was sent"):
        request_for(call, base_path="", token=None, agent="andon", read_only=True)


def test_read_only_lets_questions_pass() -> None:
    assert request_for(landscape.board(), base_path="", token=None, agent="andon", read_only=True).method == "GET"
