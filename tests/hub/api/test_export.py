"""Exports: exactly the rows of a filter, of one moment, within reach and behind masks, and on record."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import update

from hub.api import export
from hub.store.schema import transactions
from transactions.people import Limits, Principal, Role


async def refuse(_request: web.Request, _body: bytes) -> web.StreamResponse:
    return web.json_response({"code": "M7053", "message": "period closed"}, status=422)


@pytest.fixture
async def some(local: Any, target: Any) -> list[str]:
    """Three transactions that failed."""
    target.deliver = refuse
    ids = [await local.send(number=str(n), order=str(4710 + n)) for n in range(3)]
    for each in ids:
        await local.settled(each)
    return ids


def lines(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def exports(local: Any) -> list[dict[str, Any]]:
    items = (await local.get("audit", params={"action": "transactions.exported"})).json()["items"]
    return list(items)


async def test_json_lines_are_the_transactions_as_the_list_shows_them(local: Any, some: list[str]) -> None:
    answer = await local.get("export")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["andon-rows"] == "3"
    listed = (await local.get("transactions", params={"sort": "created_at"})).json()["items"]
    assert lines(answer) == listed
    assert [row["id"] for row in listed] == some


@pytest.mark.parametrize(
    "sort", ["created_at", "-created_at", "failed_at", "-failed_at", "status", "-id", "due_at", "priority", "-priority"]
)
async def test_rows_come_in_the_order_of_the_list(local: Any, some: list[str], sort: str) -> None:
    await local.hub.database.write(
        lambda c: c.execute(update(transactions).where(transactions.c.id == some[1]).values(failed_at=None))
    )
    listed = (await local.get("transactions", params={"sort": sort})).json()["items"]
    assert [row["id"] for row in lines(await local.get("export", params={"sort": sort}))] == [
        row["id"] for row in listed
    ]


async def test_only_what_matches_and_only_the_columns_that_are_named(local: Any, some: list[str]) -> None:
    params = {"filter": "order:4711,4712", "columns": "order,failure.code", "format": "csv"}
    answer = await local.get("export", params=params)
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["andon-rows"] == "2"
    assert list(csv.reader(io.StringIO(answer.text))) == [
        ["business_keys.order", "failure.code"],
        ["4711", "M7053"],
        ["4712", "M7053"],
    ]


async def test_nothing_that_matches_is_an_empty_export(local: Any, some: list[str]) -> None:
    answer = await local.get("export", params={"filter": "order:nothing"})
    assert (answer.status_code, answer.text, answer.headers["andon-rows"]) == (200, "", "0")
    head = await local.get("export", params={"filter": "order:nothing", "format": "csv", "columns": "id"})
    assert head.text == "id\r\n"


async def test_it_is_on_record_before_a_row_leaves(local: Any, some: list[str]) -> None:
    await local.get("export", params={"filter": "order:4711", "format": "csv", "columns": "id"})
    (entry,) = await exports(local)
    assert entry["actor"] == "ann"
    assert entry["after"] == {"filter": "order:4711", "format": "csv", "columns": "id", "rows": 1}


async def test_a_look_at_the_headers_exports_nothing(local: Any, some: list[str]) -> None:
    answer = await local.client.head("export")
    assert (answer.status_code, answer.text) == (200, "")
    assert await exports(local) == []


@pytest.mark.parametrize(
    ("params", "status", "kind"),
    [
        ({"columns": "idd"}, 422, "invalid-request"),
        ({"columns": ""}, 422, "invalid-request"),
        ({"format": "xlsx"}, 422, "invalid-request"),
        ({"sort": "weight"}, 422, "invalid-request"),
        ({"limit": "5"}, 422, "invalid-request"),
        ({"filter": "plnt:P01"}, 400, "bad-filter"),
    ],
)
async def test_a_question_that_cannot_be_is_refused(
    local: Any, problem: Any, params: dict[str, str], status: int, kind: str
) -> None:
    problem(await local.get("export", params=params), status, kind)
    assert await exports(local) == []


async def test_nobody_exports_what_is_beyond_their_reach(local: Any, some: list[str]) -> None:
    far = Principal(subject="kim", kind="user", roles=(Role.VIEWER,), limits=Limits(plants=["P09"]))
    local.hub.access.accept("far-token", far)
    answer = await local.get("export", headers={"Authorization": "Bearer far-token"})
    assert (answer.status_code, answer.text) == (200, "")


async def test_it_is_of_one_moment_however_long_it_takes(
    local: Any, some: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "_PIECE", 1)
    moved = asyncio.Event()
    rows = export._Turn.rows

    async def slowly(self: Any, *arguments: Any) -> bytes:
        piece = await rows(self, *arguments)
        if not moved.is_set():
            await local.hub.database.write(lambda c: c.execute(update(transactions).values(owner="somebody else")))
            moved.set()
        return piece

    monkeypatch.setattr(export._Turn, "rows", slowly)
    found = lines(await local.get("export"))
    assert moved.is_set()
    assert [row["id"] for row in found] == some
    assert "somebody else" not in {row["owner"] for row in found}
    assert {row["owner"] for row in lines(await local.get("export"))} == {"somebody else"}


async def test_a_third_at_one_time_is_asked_to_wait(local: Any, some: list[str], problem: Any) -> None:
    places = {object(), object()}
    local.hub.exports.update(places)
    told = problem(await local.get("export"), 429, "too-many-requests")
    assert "Nothing was exported" in told
    local.hub.exports.difference_update(places)
    assert len(lines(await local.get("export"))) == 3


async def test_places_come_free_again(local: Any, some: list[str], problem: Any) -> None:
    for _ in range(export.AT_ONE_TIME + 1):
        await local.get("export")
        problem(await local.get("export", params={"filter": "plnt:1"}), 400, "bad-filter")
    assert local.hub.exports == set()


async def test_a_reader_that_takes_nothing_is_given_up(
    local: Any, some: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(export, "_PIECE", 1)
    taken: list[bytes] = []
    asked: list[bool] = []
    ended = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if not asked:
            asked.append(True)
            return {"type": "http.request", "body": b"", "more_body": False}
        await ended.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message.get("body"):
            taken.append(message["body"])
            async with asyncio.timeout(30):
                while local.hub.exports and local.hub.database.read_engine.pool.checkedout():
                    await asyncio.sleep(0.005)

    scope = {
        "type": "http", "method": "GET", "path": "/admin/v1/export", "raw_path": b"/admin/v1/export",
        "query_string": b"", "headers": [(b"authorization", b"Bearer admin-token")], "http_version": "1.1",
        "scheme": "http", "server": ("hub", 80), "client": ("127.0.0.1", 1), "root_path": "",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
    }  # fmt: skip
    with pytest.raises(Exception, match=r"(?i)closed"):
        await local.app(scope, receive, send)
    ended.set()
    assert len(taken) == 1
    assert local.hub.exports == set()
