"""The console's source asks the platform exactly what the admin API has, and opens nothing before it is asked."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from console_doubles import context, make_board, make_system, transaction

from console.platform_source import PlatformSource
from gateway_policies.planning.usage import Usage
from gateway_policies.traffic.report import SeenCalls
from platforms.calls import Call
from transactions.errors import NotFound
from transactions.landscape import Health
from transactions.pages import Count, Page
from transactions.plans import Action, PlanRequest

Ask = Callable[[PlatformSource], Coroutine[Any, Any, object]]
REQUEST = PlanRequest(action=Action.REPLAY, reason="mended", ids=["tx-1"])


class Recorder:
    """Stands where the client stands, and answers from a list."""

    def __init__(self, answer: object) -> None:
        self.answer = answer
        self.calls: list[Call[Any]] = []
        self.closed = False

    async def send(self, call: Call[Any]) -> object:
        self.calls.append(call)
        return self.answer

    async def events(self):
        for seq in range(3):
            yield SimpleNamespace(seq=seq)

    async def aclose(self) -> None:
        self.closed = True


def source_with(recorder: Recorder) -> PlatformSource:
    source = PlatformSource(context())
    source._opened = recorder  # type: ignore[assignment]
    return source


@pytest.mark.parametrize(
    ("ask", "method", "path"),
    [
        (lambda one: one.page("status:failed", "-failed_at", 200, None), "GET", "transactions"),
        (lambda one: one.transaction("tx-1"), "GET", "transactions/tx-1"),
        (lambda one: one.payload("tx-1", 2), "GET", "transactions/tx-1/payload"),
        (lambda one: one.board(), "GET", "board"),
        (lambda one: one.whoami(), "GET", "whoami"),
        (lambda one: one.gateway_state("policies"), "GET", "gateway/state"),
        (lambda one: one.refusal("a"), "GET", "transactions/a/refusal"),
        (lambda one: one.make_plan(REQUEST), "POST", "plans"),
        (lambda one: one.plan("abc"), "GET", "plans/abc"),
        (lambda one: one.run("abc"), "POST", "plans/abc/run"),
        (lambda one: one.approvals(50, None), "GET", "approvals"),
        (lambda one: one.approve("abc", "seen"), "POST", "plans/abc/approve"),
        (lambda one: one.reject("abc", "no"), "POST", "plans/abc/reject"),
        (lambda one: one.batches(50, None), "GET", "batches"),
        (lambda one: one.batch("b-1"), "GET", "batches/b-1"),
        (lambda one: one.batch_items("b-1", 50, None), "GET", "batches/b-1/items"),
        (lambda one: one.cancel("b-1"), "POST", "batches/b-1/cancel"),
    ],
)
async def test_every_question_is_one_call_and_its_answer_comes_back(ask: Ask, method: str, path: str) -> None:
    answer = object()
    recorder = Recorder(answer)
    assert await ask(source_with(recorder)) is answer
    assert [(call.method, call.path) for call in recorder.calls] == [(method, path)]


@pytest.mark.parametrize(
    ("ask", "items"),
    [
        (lambda one: one.timeline("tx-1"), ["a", "b"]),
        (lambda one: one.systems(), [make_system("ERP", Health.OK)]),
        (lambda one: one.holds(), []),
    ],
)
async def test_lists_without_pages_come_as_lists(ask: Ask, items: list[object]) -> None:
    assert await ask(source_with(Recorder(Page(items=items)))) == items


async def test_a_count_is_a_number() -> None:
    assert (await source_with(Recorder(Count(count=266))).count("status:failed")).count == 266


async def test_filter_order_and_place_are_in_the_question() -> None:
    recorder = Recorder(Page(items=[transaction(1)]))
    await source_with(recorder).page("status:failed plant:P02", "due_at", 200, "here")
    asked = dict(recorder.calls[0].params)
    assert {name: str(value) for name, value in asked.items()} == {
        "filter": "status:failed plant:P02",
        "sort": "due_at",
        "limit": "200",
        "cursor": "here",
    }


async def test_an_empty_filter_is_no_filter() -> None:
    recorder = Recorder(Page(items=[]))
    await source_with(recorder).page("", "-failed_at", 200, None)
    assert set(dict(recorder.calls[0].params)) == {"sort", "limit"}


async def test_ids_that_lead_elsewhere_are_not_asked_for() -> None:
    recorder = Recorder(make_board([]))
    with pytest.raises(NotFound):
        await source_with(recorder).transaction("a/b?c=d")
    assert recorder.calls == []


async def test_the_stream_is_handed_on_as_it_is() -> None:
    assert [event.seq async for event in source_with(Recorder(None)).events()] == [0, 1, 2]


async def test_closing_lets_go_of_the_client_and_opens_none_for_that() -> None:
    recorder = Recorder(None)
    await source_with(recorder).aclose()
    assert recorder.closed
    unused = PlatformSource(context())
    await unused.aclose()
    assert unused._opened is None


async def test_what_was_seen_at_the_gateway_is_taken_out_of_its_answer() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    usage = Usage(since=now, until=now)
    recorder = Recorder(SeenCalls(usage=usage))
    assert await source_with(recorder).gateway_calls() is usage
    assert [(call.method, call.path, call.params) for call in recorder.calls] == [
        ("GET", "gateway/usage/calls", {"since": "30d"})
    ]


async def test_of_a_hub_that_does_not_count_calls_nothing_is_known() -> None:
    class Absent(Recorder):
        async def send(self, call: Any) -> Any:
            raise NotFound("There is no such path.")

    assert await source_with(Absent(None)).gateway_calls() is None


async def test_of_a_group_that_is_gone_no_change_is_told() -> None:
    class Absent(Recorder):
        async def send(self, call: Any) -> Any:
            assert call.path == "groups/0a1b/changes"
            raise NotFound("There is no such group.")

    assert await source_with(Absent(None)).changes_before("0a1b") == []
