"""Asking systems over HTTP: pages, cut-offs, and everything that is no answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from hub.declarations import read_catalogue
from hub.reconciliation.asking import PAGE, Answered
from transactions.reconciliation.comparing import Instance, Key

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
FIELDS = frozenset({"confirmed", "state"})
ERP, MES = Instance("ERP", None), Instance("MES", "P01")


async def ask(asker: Any, declared: Any, plants: frozenset[str] | None = None, **how: Any) -> dict[Instance, Answered]:
    catalogue = read_catalogue(declared, "test")
    answers = await asker(**how).ask("orders", catalogue.reconciliation["orders"], FIELDS, plants, NOON)
    return {each.instance: each for each in answers}


def entry(order: str, confirmed: Any = "1", plant: str = "P01", **more: Any) -> dict[str, Any]:
    return {"id": order, "order": {"number": order}, "confirmed": confirmed, "plant": plant, **more}


async def test_every_instance_that_is_declared_is_asked_for_the_moment(asker: Any, declared: Any, world: Any) -> None:
    world.says("MES/P01", entry("1", "12.50", unit="KG"))
    answers = await ask(asker, declared)
    assert set(answers) == {ERP, MES, Instance("MES", "P02"), Instance("EDI", None)}
    value = answers[MES].said[Key("P01", ("1",))]["confirmed"]
    assert (value.text, value.amount, value.unit) == ("12.50", Decimal("12.5"), "KG")
    assert {query["as_of"] for _, query in world.asked} == {"2026-03-02T12:00:00Z"}
    assert {headers["authorization"] for headers in world.headers} == {"Bearer for-systems"}
    assert all(each.problem is None for each in answers.values())


async def test_one_plant_is_asked_of_its_own_systems_and_of_those_of_all(asker: Any, declared: Any, world: Any) -> None:
    world.says("ERP", entry("1"), entry("2", plant="P02"))
    answers = await ask(asker, declared, frozenset({"P01"}))
    assert Instance("MES", "P02") not in answers
    assert set(answers[ERP].said) == {Key("P01", ("1",))}
    assert answers[ERP].records == 2


async def test_a_unit_may_be_the_same_for_all(asker: Any, declared: Any, world: Any) -> None:
    world.says("ERP", entry("1", 7))
    assert (await ask(asker, declared))[ERP].said[Key("P01", ("1",))]["confirmed"].unit == "EA"


async def test_fractions_stay_as_they_were_written(asker: Any, declared: Any, world: Any) -> None:
    async def exact(_request: web.Request) -> web.StreamResponse:
        text = '{"value": [{"order": {"number": "1"}, "plant": "P01", "confirmed": 0.10000000000000000001}]}'
        return web.Response(text=text, content_type="application/json")

    world.inquire["ERP"] = exact
    value = (await ask(asker, declared))[ERP].said[Key("P01", ("1",))]["confirmed"]
    assert value.amount == Decimal("0.10000000000000000001")


async def test_entries_of_one_object_add_up_and_words_are_said_once(asker: Any, declared: Any, world: Any) -> None:
    world.says("ERP", entry("1", "2", state="open"), entry("1", "3.5", state="closed"))
    said = (await ask(asker, declared))[ERP].said[Key("P01", ("1",))]
    assert (said["confirmed"].amount, said["confirmed"].text) == (Decimal("5.5"), "5.5")
    assert said["state"].text == "closed"


async def test_an_entry_without_a_key_is_about_nothing(asker: Any, declared: Any, world: Any) -> None:
    world.says("ERP", {"plant": "P01", "confirmed": 1}, entry("1"))
    assert len((await ask(asker, declared))[ERP].said) == 1


async def test_pages_by_cursor(asker: Any, declared: Any, world: Any) -> None:
    async def page(request: web.Request) -> web.StreamResponse:
        number = int(request.query["cursor"] or 0)
        following = {"cursor": str(number + 1)} if number < 4 else {}
        assert request.query["n"] == str(PAGE)
        return web.json_response({"value": [entry(str(number))], **following})

    world.inquire["ERP"] = page
    assert (await ask(asker, declared))[ERP].records == 5


async def test_pages_by_link(asker: Any, declared: Any, world: Any) -> None:
    async def page(request: web.Request) -> web.StreamResponse:
        number = int(request.query.get("page", 0))
        following = {"next": f"/MES-P01/inquiries/orders?page={number + 1}"} if number < 2 else {}
        return web.json_response({"items": [entry(str(number))], **following})

    world.inquire["MES-P01"] = page
    assert (await ask(asker, declared))[MES].records == 3


def answering(**how: Any) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.json_response(**how) if "data" in how else web.Response(**how)

    return answer


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"data": {"items": []}, "status": 503}, "it answered 503"),
        ({"data": {"items": []}, "status": 302, "headers": {"Location": "/elsewhere"}}, "it answered 302"),
        ({"text": "<html>maintenance</html>"}, "is not JSON"),
        ({"text": "[" * 100_000}, "is not JSON"),
        ({"data": {"rows": []}}, "no list"),
        ({"data": {"items": {"id": 1}}}, "no list"),
        ({"data": {"items": [], "next": "http://elsewhere.example/"}}, "another address"),
        ({"data": {"items": [], "next": "?page=1"}}, "read already"),
    ],
)
async def test_what_is_no_answer_is_a_problem_and_no_silence(
    asker: Any, declared: Any, world: Any, answer: dict[str, Any], problem: str
) -> None:
    world.inquire["MES-P01"] = answering(**answer)
    answers = await ask(asker, declared)
    assert problem in (answers[MES].problem or "")
    assert answers[MES].said == {}
    assert answers[ERP].problem is None


async def test_a_part_of_an_answer_is_none(asker: Any, declared: Any, world: Any) -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        if "page" in request.query:
            return web.Response(status=500)
        return web.json_response({"items": [entry("1")], "next": "/MES-P01/inquiries/orders?page=1"})

    world.inquire["MES-P01"] = half
    found = (await ask(asker, declared))[MES]
    assert (found.records, found.said) == (1, {})
    assert "it answered 500" in (found.problem or "")


async def test_a_system_that_takes_too_long_is_not_waited_for(asker: Any, declared: Any, world: Any) -> None:
    gone = asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        number = int(request.query.get("page", 0))
        await asyncio.sleep(0.02)
        gone.set()
        return web.json_response({"items": [entry("1")], "next": f"/MES-P01/inquiries/orders?page={number + 1}"})

    world.inquire["MES-P01"] = slow
    answers = await ask(asker, declared, within=0.3)
    assert gone.is_set()
    assert answers[MES].problem == "no whole answer within 0.3 s"


async def test_a_system_that_is_down_says_so(asker: Any, declared: Any, world: Any) -> None:
    declared["system"]["ERP"]["url"] = "http://127.0.0.1:1"
    await world.stop()
    answers = await ask(asker, declared)
    assert "No connection" in (answers[ERP].problem or "")


async def test_a_system_without_an_address_says_so(asker: Any, declared: Any, world: Any) -> None:
    made = asker()
    made._landscape.use_addresses({})
    answers = await made.ask("orders", read_catalogue(declared, "test").reconciliation["orders"], FIELDS, None, NOON)
    assert {each.problem for each in answers} == {"it has no address in the hub's settings"}
