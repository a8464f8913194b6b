from __future__ import annotations

import socket
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest

from platforms.contexts import Resolved
from platforms.errors import ContextError, ReadOnly, UnexpectedAnswer
from platforms.events import Connection, ConnectionState
from platforms.hub import plans, server, transactions
from platforms.synchronous import SyncClient
from transactions.errors import NotFound, Unauthenticated, Unreachable

EMPTY = b'{"items": [], "next_cursor": null}'
At = Callable[..., Resolved]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def test_a_call_is_sent_and_answered(peer: Any, context_at: At) -> None:
    peer.will_answer("200 OK", EMPTY)
    with SyncClient(context_at(peer.url)) as client:
        assert client.send(transactions.list_page("status:failed")).items == []
    head = peer.requests[0].decode()
    assert head.startswith("GET /admin/v1/transactions?filter=status%3Afailed HTTP/1.1\r\n")
    assert "Authorization: Bearer secret-token\r\n" in head


def test_a_path_in_the_address_stays_before_the_api(peer: Any, context_at: At) -> None:
    peer.will_answer("200 OK", EMPTY)
    with SyncClient(context_at(f"{peer.url}/plant/hub/")) as client:
        client.send(transactions.list_page())
    assert peer.requests[0].startswith(b"GET /plant/hub/admin/v1/transactions ")


def test_a_kept_connection_that_was_closed_meanwhile_is_no_failure(peer: Any, context_at: At) -> None:
    # The peer hangs up after each answer without having said so.
    for _ in range(3):
        peer.will_answer("200 OK", EMPTY)
    with SyncClient(context_at(peer.url)) as client:
        for _ in range(3):
            assert client.send(transactions.list_page()).items == []
    assert len(peer.requests) == 3


def test_what_changes_something_is_never_sent_twice(peer: Any, context_at: At) -> None:
    peer.will_answer("200 OK", EMPTY)
    peer.will_hang_up()
    with SyncClient(context_at(peer.url)) as client:
        client.send(transactions.list_page())
        with pytest.raises(Unreachable, match="is not known: look before asking again"):
            client.send(plans.run("abc"))
    assert [request.split(b" ")[0] for request in peer.requests] == [b"GET", b"POST"]


def test_nobody_there_is_unreachable_with_the_address_and_what_to_do(context_at: At) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with SyncClient(context_at(url)) as client, pytest.raises(Unreachable) as caught:
        client.send(plans.run("abc"))
    assert caught.value.detail == (
        f"No answer from {url}: the connection was refused. Nothing was sent. "
        "Start a hub with 'andon hub serve', or check the address with 'andon context show'."
    )


def test_a_name_that_leads_nowhere_says_so(context_at: At) -> None:
    with SyncClient(context_at("http://hub.invalid")) as client, pytest.raises(Unreachable, match="cannot be resolved"):
        client.send(server.status())


def test_hanging_up_on_a_question_changed_nothing(peer: Any, context_at: At) -> None:
    peer.will_hang_up()
    with SyncClient(context_at(peer.url)) as client, pytest.raises(Unreachable, match=r"Nothing was changed\."):
        client.send(server.status())


def test_plain_http_where_tls_is_wanted_says_so(peer: Any, context_at: At) -> None:
    peer.will_answer("200 OK", EMPTY)
    url = peer.url.replace("http:", "https:")
    with SyncClient(context_at(url)) as client, pytest.raises(Unreachable, match="no TLS connection came about"):
        client.send(server.status())


def test_a_file_without_certificates_says_so(tmp_path: Any, context_at: At) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("nothing")
    with pytest.raises(ContextError, match="cannot be used"):
        SyncClient(context_at("https://127.0.0.1:1", ca=str(ca)))


def test_problems_come_back_as_errors(peer: Any, context_at: At) -> None:
    body = b'{"type": "urn:andon:problem:not-found", "detail": "There is no tx9."}'
    peer.will_answer("404 Not Found", body, kind="application/problem+json")
    with SyncClient(context_at(peer.url)) as client, pytest.raises(NotFound, match="no tx9"):
        client.send(transactions.show("tx9"))


def test_redirects_are_not_followed(peer: Any, context_at: At) -> None:
    peer.will_answer("302 Found", more="Location: http://elsewhere/\r\n")
    with SyncClient(context_at(peer.url)) as client, pytest.raises(UnexpectedAnswer, match="redirects to http://else"):
        client.send(server.status())
    assert len(peer.requests) == 1


def test_a_proxy_in_the_environment_is_not_asked_for_this_machine(
    peer: Any, context_at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    peer.will_answer("200 OK", EMPTY)
    with SyncClient(context_at(peer.url)) as client:
        assert client.send(transactions.list_page()).items == []


def test_a_proxy_is_asked_for_other_machines(peer: Any, context_at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", peer.url.replace("//", "//me:pass%21@"))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    peer.will_answer("200 OK", EMPTY)
    with SyncClient(context_at("http://hub.invalid:81")) as client:
        client.send(transactions.list_page())
    assert peer.requests[0].startswith(b"GET http://hub.invalid:81/admin/v1/transactions HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic bWU6cGFzcyE=\r\n" in peer.requests[0]


def test_no_proxy_is_heeded(context_at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "hub.invalid")
    with SyncClient(context_at("http://hub.invalid")) as client, pytest.raises(Unreachable, match="cannot be resolved"):
        client.send(server.status())


def test_read_only_sends_nothing(peer: Any, context_at: At) -> None:
    with SyncClient(context_at(peer.url, read_only=True)) as client, pytest.raises(ReadOnly):
        client.send(plans.run("abc"))
    assert peer.requests == []


def test_events_go_on_behind_the_last_one_after_a_loss(
    peer: Any, context_at: At, event: Callable[[int], bytes]
) -> None:
    peer.will_stream(event(1), b": ping\n\n", event(2)[:20], event(2)[20:])
    peer.will_hang_up()
    peer.will_stream(event(3))
    waits: list[float] = []
    with SyncClient(context_at(peer.url), sleep=waits.append, jitter=lambda: 1.0) as client:
        seen = list(islice(client.events(), 7))
    told = [each.state if isinstance(each, Connection) else each.seq for each in seen]
    live, lost = ConnectionState.LIVE, ConnectionState.LOST
    assert told == [live, 1, 2, lost, lost, live, 3]
    assert waits == [0.5, 1.0]
    assert [b"Last-Event-ID: 2" in request for request in peer.requests] == [False, True, True]


def test_events_end_with_an_error_where_nobody_is_signed_in(peer: Any, context_at: At) -> None:
    peer.will_answer(
        "401 Unauthorized", b'{"type": "urn:andon:problem:unauthenticated"}', kind="application/problem+json"
    )
    with SyncClient(context_at(peer.url)) as client, pytest.raises(Unauthenticated):
        next(client.events())
