"""Lines of the access log read: whole ones, torn ones, and what is none."""

from __future__ import annotations

import json

import pytest
from access_log import BEGIN, line
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_policies.traffic.entries import PROBE, read_entries


def test_a_line_is_read_with_what_is_counted() -> None:
    (entry,), unreadable = read_entries([line()])
    assert unreadable == 0
    assert (entry.at, entry.client, entry.issuer, entry.api, entry.version) == (
        BEGIN, "mes-p03", "plant-idp", "production-orders", "v1",
    )  # fmt: skip
    assert (entry.operation, entry.scope, entry.status, entry.refused) == (
        "POST /{order}/release", "orders.release", 200, None,
    )  # fmt: skip


def test_a_call_without_a_token_and_without_a_route_is_one_too() -> None:
    bare = line(client=None, issuer=None, api=None, version=None, operation=None, scope=None, refused="no-such-route")
    (entry,), unreadable = read_entries([bare])
    assert (entry.client, entry.api, entry.refused, unreadable) == (None, None, "no-such-route", 0)


@pytest.mark.parametrize(
    "bad",
    [
        b"not json\n",
        b"[]\n",
        b"{}\n",  # no time
        b'{"at": "yesterday", "status": 200}\n',
        b'{"at": "2026-11-20T10:00:00", "status": 200}\n',  # of no zone
        b'{"at": "2026-11-20T10:00:00Z", "status": "ok"}\n',
        b'{"at": "2026-11-20T10:00:00Z", "client": 7}\n',
        b"\xff\xfe\n",
        b'{"at": "2026-11-20T10:00:00Z", "client": "\xff"}\n',
    ],
)
def test_what_cannot_be_read_is_told_and_the_rest_counts(bad: bytes) -> None:
    entries, unreadable = read_entries([line(), bad, line(1)])
    assert (len(entries), unreadable) == (2, 1)


def test_whether_it_takes_calls_is_nobodys_call() -> None:
    assert read_entries([line(path="/.well-known/andon-gateway", api=None)]) == ([], 0)


def test_what_sees_whether_a_change_is_in_force_is_nobodys_call() -> None:
    asked = {"tx": PROBE, "client": None, "refused": "unauthenticated", "status": 401}
    assert read_entries([line(**asked)]) == ([], 0)


@pytest.mark.parametrize("more", [{"client": "mes-p03"}, {"refused": None}, {"tx": "01J"}])
def test_nobody_hides_calls_by_saying_that_they_are_none(more: dict[str, str | None]) -> None:
    asked: dict[str, object] = {"tx": PROBE, "client": None, "refused": "unauthenticated", "status": 401, **more}
    assert len(read_entries([line(**asked)])[0]) == 1


def test_empty_lines_are_nothing() -> None:
    assert read_entries([b"", b"\n", b"  \n"]) == ([], 0)


@pytest.mark.parametrize("cut", range(1, len(line()) - 1))
def test_what_a_dead_process_did_not_finish_costs_only_itself(cut: int) -> None:
    entries, unreadable = read_entries([line()[:cut] + line(1)])
    assert [each.at.second for each in entries] == [1]
    assert unreadable == 1


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=80)), st.text(max_size=40))
def test_no_bytes_break_it(garbage: list[bytes], text: str) -> None:
    odd = json.dumps({"at": BEGIN.isoformat(), "client": text, "status": 200}).encode()
    entries, unreadable = read_entries([*garbage, odd])
    assert entries[-1].client == text
    assert len(entries) + unreadable <= 2 * len(garbage) + 1
