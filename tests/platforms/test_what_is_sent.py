"""What never leaves this machine: ids that lead elsewhere, headers that would be two, tokens that are none."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platforms.calls import Call, request_for, segments
from platforms.contexts import Choice, resolve
from platforms.errors import ContextError
from platforms.hub import batches, plans, server, simulator, transactions
from transactions.errors import Invalid, NotFound

ULID = "01M7Y9W9H1EPYCACBM0B3WXAT1"


def target(call: Call[object]) -> str:
    return request_for(call, base_path="/admin/v1", token=None, agent="andon").target


@pytest.mark.parametrize("text", [ULID, "tx-1", "a.b", "a..b", "tx?1", "a#b", "a%2Fb", "ä", "日本", "counts", "a:b@c"])
def test_an_id_stays_one_segment(text: str) -> None:
    path = target(transactions.show(text))
    assert path.startswith("/admin/v1/transactions/")
    assert path.count("/") == 4
    assert not set(path) & set("?# ")
    assert path.isascii()


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "...",
        "/",
        "a/b",
        "../whoami",
        "a\\b",
        "a b",
        "a\tb",
        "a\nb",
        "a\x00b",
        "a\x1bb",
        "\udcff",
        "count",
    ],
)
def test_what_leads_elsewhere_is_no_id(text: str) -> None:
    for call in (transactions.show, transactions.timeline, transactions.payload, transactions.payload_bytes):
        with pytest.raises(NotFound, match="There is no transaction"):
            call(text)
    for call in (batches.show, batches.items, batches.cancel):
        with pytest.raises(NotFound, match="There is no batch"):
            call(text)
    for call in (plans.show, plans.run):
        with pytest.raises(NotFound, match="There is no plan"):
            call(text)


@given(st.text())
def test_whatever_an_id_is_it_is_one_segment_or_none(text: str) -> None:
    try:
        path = segments("transactions", text, "timeline")
    except NotFound:
        return
    first, middle, last = path.split("/")
    assert (first, last) == ("transactions", "timeline")
    assert middle
    assert middle.strip(".")


def test_words_of_the_api_are_not_taken_for_ids() -> None:
    assert target(transactions.count()) == "/admin/v1/transactions/count"
    assert target(simulator.faults()) == "/admin/v1/simulator/faults"
    assert segments("simulator", "a/b") == "simulator/a%2Fb"


@pytest.mark.parametrize("key", ["ä", "a\nb", "a\r\nAuthorization: Bearer x", "\x7f", "a\x00", "日本", "\udcff"])
def test_no_header_is_made_two_or_cannot_be_written(key: str) -> None:
    call = server.ingress(b"{}", "application/json", flow="f", plant=None, key=key)
    with pytest.raises(Invalid, match="Idempotency-Key cannot be") as told:
        target(call)
    assert "Nothing was sent." in told.value.detail
    typed = server.ingress(b"{}", key, flow="f", plant=None, key=None)
    with pytest.raises(Invalid, match="Content-Type cannot be"):
        target(typed)


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_printable_ascii_travels_as_it_is(key: str) -> None:
    call = server.ingress(b"{}", "application/json", flow="f", plant=None, key=key)
    assert request_for(call, base_path="", token="t", agent="a").headers["Idempotency-Key"] == key


@pytest.mark.parametrize("token", ["a b", "a\nb", "a\tb", "tök", "a\x00b", "\udcff", "a\u200bb"])
def test_a_token_that_is_none_is_not_sent_and_not_told(tmp_path: Path, token: str) -> None:
    environ = {"ANDON_URL": "http://127.0.0.1:9", "ANDON_TOKEN": token, "ANDON_DATA_DIR": str(tmp_path)}
    with pytest.raises(ContextError, match="ANDON_TOKEN is not a token") as told:
        resolve(Choice(), environ, tmp_path)
    assert token not in told.value.detail


@pytest.mark.parametrize("around", ["{}", " {}", "{}\n", "\t{}\r\n"])
def test_blanks_around_a_token_are_a_shells_and_are_left_out(tmp_path: Path, around: str) -> None:
    environ = {
        "ANDON_URL": "http://127.0.0.1:9",
        "ANDON_TOKEN": around.format("abc.DEF-1"),
        "ANDON_DATA_DIR": str(tmp_path),
    }
    assert resolve(Choice(), environ, tmp_path).token == "abc.DEF-1"  # of a test
