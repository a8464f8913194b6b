"""The audit over the API: pages by who, what and when; exports that anybody can check."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest

from hub.api import audit as api_audit
from hub.store.journal import journal
from transactions.audit import GENESIS
from transactions.audit_check import ExportCheck, Verification
from transactions.audit_export import SignedEnd
from transactions.audit_key import AuditKey, TrustedKey, trusted
from transactions.history import AuditEntry

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
async def told(local: Any) -> Any:
    """A hub with eleven entries of two people."""

    def tell(connection: Any) -> None:
        book = journal(connection)
        for n in range(11):
            actor, action = ("ann", "batch.replay") if n % 2 else ("Bob", "batch.discard")
            book.effect(NOON + timedelta(hours=n), actor, action, f"01J{n:02d}", "why", {"n": n}, {"ü": 0.5, "n": None})

    await local.hub.database.write(tell)
    return local


async def key_of(api: Any) -> TrustedKey:
    answer = await api.get("audit/key")
    assert answer.status_code == 200, answer.text
    return trusted(msgspec.json.decode(answer.content, type=AuditKey))


def check(content: bytes, key: TrustedKey) -> Verification:
    reader = ExportCheck(key)
    for line in content.splitlines(keepends=True):
        reader.feed(line)
    return reader.finish()


async def test_the_whole_chain_is_exported_and_holds(told: Any) -> None:
    answer = await told.get("audit/export")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    found = check(answer.content, await key_of(told))
    assert (found.ok, found.entries, found.first, found.last) == (True, 11, 1, 11)
    end = msgspec.json.decode(answer.content.splitlines()[-1], type=SignedEnd).end
    assert (end.platform, end.first, end.last, end.count, end.previous) == ("test", 1, 11, 11, GENESIS)
    lines = answer.content.splitlines()[:-1]
    assert [msgspec.json.decode(line, type=AuditEntry).seq for line in lines] == list(range(1, 12))


async def test_what_is_exported_is_what_the_list_shows(told: Any) -> None:
    lines = (await told.get("audit/export")).content.splitlines()[:-1]
    page = (await told.get("audit", params={"limit": 1000})).json()["items"]
    assert [msgspec.json.decode(line) for line in lines] == page[:0:-1]


async def test_an_export_is_in_the_chain_behind_what_it_exports(told: Any) -> None:
    first = (await told.get("audit/export")).content
    newest = (await told.get("audit")).json()["items"][0]
    assert (newest["seq"], newest["actor"], newest["action"], newest["subject"]) == (
        12,
        "ann",
        "audit.exported",
        "1-11",
    )
    head = msgspec.json.decode(first.splitlines()[-1])["end"]["head"]
    assert newest["after"] == {"first": 1, "last": 11, "head": head}
    second = check((await told.get("audit/export", params={"from": 12})).content, await key_of(told))
    assert (second.ok, second.first, second.last) == (True, 12, 12)


@pytest.mark.parametrize(("first", "last"), [(1, 1), (3, 7), (11, 11), (1, 11)])
async def test_a_range(told: Any, first: int, last: int) -> None:
    answer = await told.get("audit/export", params={"from": first, "to": last})
    found = check(answer.content, await key_of(told))
    assert (found.ok, found.first, found.last, found.entries) == (True, first, last, last - first + 1)


@pytest.mark.parametrize(
    "params", [{"from": 12}, {"to": 12}, {"from": 5, "to": 4}, {"from": 0}, {"to": "x"}, {"first": 1}, {"from": 2**60}]
)
async def test_a_range_that_is_none_exports_nothing_and_is_not_in_the_chain(
    told: Any, problem: Any, params: Any
) -> None:
    problem(await told.get("audit/export", params=params), 422, "invalid-request")
    assert (await told.get("audit")).json()["items"][0]["seq"] == 11


async def test_asking_for_the_head_of_it_exports_nothing(told: Any) -> None:
    answer = await told.client.head("audit/export")
    assert (answer.status_code, answer.content) == (200, b"")
    assert (await told.get("audit")).json()["items"][0]["seq"] == 11


async def test_a_hub_where_nothing_was_done_yet_exports_that(local: Any) -> None:
    answer = await local.get("audit/export")
    found = check(answer.content, await key_of(local))
    assert (found.ok, found.entries) == (True, 0)


async def test_what_is_written_during_an_export_is_not_in_it(told: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_audit, "_PIECE", 2)
    real = api_audit.piece
    pieces: list[int] = []

    def and_somebody_acts(*arguments: Any) -> Any:
        found = real(*arguments)
        pieces.append(len(found))
        acts.append(asyncio.run_coroutine_threadsafe(act(), loop))
        return found

    async def act() -> None:
        await told.hub.database.write(lambda c: journal(c).effect(NOON, "eve", "thing.done", "x", None, None, None))

    loop, acts = asyncio.get_running_loop(), []
    monkeypatch.setattr(api_audit, "piece", and_somebody_acts)
    answer = await told.get("audit/export")
    await asyncio.gather(*map(asyncio.wrap_future, acts))
    found = check(answer.content, await key_of(told))
    assert (found.ok, found.first, found.last) == (True, 1, 11)
    assert b"eve" not in answer.content
    assert max(pieces) == 2


@pytest.mark.parametrize(
    ("statement", "seq"),
    [
        ("UPDATE audit SET actor = 'bob' WHERE seq = 4", 4),
        ("DELETE FROM audit WHERE seq = 4", 4),
        ("DELETE FROM audit WHERE seq = 1", 1),
        ("UPDATE audit SET at = at + 1 WHERE seq = 4", 4),
    ],
)
async def test_what_was_done_to_the_store_is_signed_as_it_is_and_found(told: Any, statement: str, seq: int) -> None:
    await told.hub.database.write(lambda c: c.exec_driver_sql(statement))
    found = check((await told.get("audit/export")).content, await key_of(told))
    assert not found.ok
    assert found.broken is not None
    assert found.broken.seq == seq


async def seqs(api: Any, **params: Any) -> list[int]:
    answer = await api.get("audit", params=params)
    assert answer.status_code == 200, answer.text
    return [entry["seq"] for entry in answer.json()["items"]]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"actor": "ann"}, [10, 8, 6, 4, 2]),
        ({"actor": "bob"}, []),
        ({"actor": "B*"}, [11, 9, 7, 5, 3, 1]),
        ({"actor": "b*"}, []),
        ({"actor": "%"}, []),
        ({"actor": "*"}, list(range(11, 0, -1))),
        ({"action": "batch.replay"}, [10, 8, 6, 4, 2]),
        ({"action": "batch.*", "limit": 2}, [11, 10]),
        ({"subject": "01J03"}, [4]),
        ({"subject": "01J1*"}, [11]),
        ({"since": "2026-11-21T20:00:00Z"}, [11, 10, 9]),
        ({"since": "2026-11-21T21:00:00+01:00"}, [11, 10, 9]),
        ({"until": "2026-11-21T14:00:00Z"}, [2, 1]),
        ({"since": "2026-11-21T13:00:00Z", "until": "2026-11-21T16:00:00Z", "actor": "ann"}, [4, 2]),
    ],
)
async def test_entries_are_found_by_who_what_and_when(told: Any, params: Any, expected: list[int]) -> None:
    assert await seqs(told, **params) == expected


async def test_pages_of_what_was_found(told: Any) -> None:
    found: list[int] = []
    cursor = None
    while True:
        answer = await told.get("audit", params={"actor": "ann", "limit": 2, **({"cursor": cursor} if cursor else {})})
        found += [entry["seq"] for entry in answer.json()["items"]]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            break
    assert found == [10, 8, 6, 4, 2]


@pytest.mark.parametrize(
    "params", [{"since": "yesterday"}, {"since": "2026-11-21T20:00:00"}, {"actor": ""}, {"by": "x"}]
)
async def test_what_cannot_be_asked(told: Any, problem: Any, params: Any) -> None:
    problem(await told.get("audit", params=params), 422, "invalid-request")


async def test_who_may_not_read_the_audit_gets_neither_export_nor_key(told: Any, problem: Any) -> None:
    for token in ("source-token", "empty-token"):
        for path in ("audit/export", "audit/key"):
            answer = await told.client.get(path, headers={"Authorization": f"Bearer {token}"})
            problem(answer, 403, "forbidden")
    assert (await told.get("audit")).json()["items"][0]["seq"] == 11


async def test_a_client_that_goes_away_leaves_nothing_behind(told: Any) -> None:
    async with (
        httpx.AsyncClient(transport=httpx.ASGITransport(app=told.app), base_url="http://hub/admin/v1/") as client,
        client.stream("GET", "audit/export", headers={"Authorization": "Bearer admin-token"}) as answer,
    ):
        assert answer.status_code == 200
    assert await seqs(told, action="audit.exported") == [12]
