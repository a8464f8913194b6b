from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platforms.errors import UnexpectedAnswer
from platforms.events import LONGEST_DELAY_SECONDS, ConnectionState, EventReader, Resumption
from transactions.errors import AndonError, Forbidden, Unauthenticated, Unavailable, Unreachable

STREAM = (
    b": ping\n\nid: 1\nevent: transaction\n"
    b'data: {"seq": 1, "at": "2026-01-02T03:04:05Z",\n'
    b'data: "type": "transaction", "id": "t1", "data": {"status": "failed"}}\n\n'
    b'id: 2\r\ndata: {"seq": 2, "at": "2026-01-02T03:04:05Z",\r\ndata: "type": "hold", "id": "h", "data": {}}\r\n\r\n'
    b": ping\n\n\n"
)


@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_events_are_the_same_however_the_bytes_are_cut(cuts: list[int]) -> None:
    reader = EventReader()
    places = [0, *sorted(cuts), len(STREAM)]
    events = [event for a, b in pairwise(places) for event in reader.feed(STREAM[a:b])]
    assert [(event.seq, event.type, event.id) for event in events] == [(1, "transaction", "t1"), (2, "hold", "h")]
    assert events[0].data == {"status": "failed"}


def test_an_event_is_not_told_before_it_is_whole(event: Callable[[int], bytes]) -> None:
    reader = EventReader()
    assert reader.feed(event(5)[:-1]) == []
    assert [each.seq for each in reader.feed(b"\n")] == [5]


@pytest.mark.parametrize("data", [b"hello", b"{}", b'{"seq": "x"}'])
def test_an_event_of_something_else_is_an_error(data: bytes) -> None:
    with pytest.raises(UnexpectedAnswer, match="andon doctor"):
        EventReader().feed(b"data: " + data + b"\n\n")


def resumption(last: int | None = None) -> Resumption:
    return Resumption(last, lambda: 1.0)


def headers(of: Resumption) -> dict[str, str]:
    return of.request(base_path="/admin/v1", token="t", agent="andon").headers


def test_it_goes_on_behind_the_last_event_seen(event: Callable[[int], bytes]) -> None:
    one = resumption()
    assert "Last-Event-ID" not in headers(one)
    one.seen(EventReader().feed(event(41))[0])
    assert headers(one)["Last-Event-ID"] == "41"
    assert headers(resumption(7))["Last-Event-ID"] == "7"


def test_it_waits_longer_after_each_loss_and_begins_anew_when_live() -> None:
    one = resumption()
    waits = [one.lost(Unreachable("gone")).retry_in or 0 for _ in range(12)]
    assert waits[:3] == [0.5, 1.0, 2.0]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_DELAY_SECONDS
    assert one.live().state is ConnectionState.LIVE
    assert one.lost(None).retry_in == 0.5


def test_jitter_halves_the_wait_at_most() -> None:
    assert Resumption(None, lambda: 0.0).lost(None).retry_in == 0.25


def test_a_loss_says_why() -> None:
    assert resumption().lost(Unavailable("Shutting down.")).because == "Shutting down."
    assert resumption().lost(None).because == "the platform ended the connection"


@pytest.mark.parametrize("error", [Unauthenticated("x"), Forbidden("x"), UnexpectedAnswer("x"), AndonError("x")])
def test_where_trying_again_cannot_help_the_error_comes_out(error: AndonError) -> None:
    with pytest.raises(type(error)):
        resumption().lost(error)
