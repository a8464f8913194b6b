"""Masked payloads, and showing what is masked: with a reason, in one call of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from transactions.history import MASK, Payload

REVEAL = "transactions/tx1/payload/reveal"


@pytest.fixture
def masked(platform: Any) -> Any:
    content = f'{{"order":"4711","price":"{MASK}"}}'
    shown = platform.filled(
        Payload, id="tx1", content_type="application/json", encoding="text", content=content, masked=["$.price"]
    )
    bare = platform.filled(
        Payload, id="tx1", content_type="application/json", encoding="text", content='{"order":"4711","price":1.50}'
    )
    platform.on("GET", "transactions/tx1/payload", shown)
    platform.on(
        "POST", REVEAL, lambda asked: b"real" if asked.headers["Accept"] == "application/octet-stream" else bare
    )
    return platform


def test_a_masked_payload_says_so_and_how_to_see_it(andon: Any, masked: Any) -> None:
    out = andon("tx", "payload", "tx1").out
    assert MASK in out
    assert "masked  $.price. Who may reveal it: '--reveal --reason TEXT', which is audited." in out
    assert andon("tx", "payload", "tx1", "-o", "json").json["masked"] == ["$.price"]
    assert masked.sent("POST") == []


def test_a_withheld_payload_says_why(andon: Any, platform: Any) -> None:
    shown = platform.filled(Payload, id="tx1", content=MASK, encoding="text", withheld="it cannot be read")
    platform.on("GET", "transactions/tx1/payload", shown)
    out = andon("tx", "payload", "tx1").out
    assert "withheld  it cannot be read." in out


def test_revealing_sends_the_reason_and_shows_the_document(andon: Any, masked: Any) -> None:
    ran = andon("tx", "payload", "tx1", "--reveal", "--reason", "the customer calls")
    assert ran.code == 0
    assert "1.50" in ran.out
    assert "masked" not in ran.out
    assert json.loads(masked.asked[-1].body) == {"reason": "the customer calls"}
    assert (masked.asked[-1].method, masked.asked[-1].path) == ("POST", REVEAL)


def test_an_old_revision_and_the_real_bytes(andon: Any, masked: Any) -> None:
    ran = andon("tx", "payload", "tx1", "--raw", "--reveal", "--reason", "why", "--revision", "2")
    assert ran.raw == b"real"
    assert json.loads(masked.asked[-1].body) == {"reason": "why", "revision": 2}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("--reveal",), "wants a --reason"),
        (("--reveal", "--reason", "  "), "wants a --reason"),
        (("--reason", "why"), "Add --reveal"),
    ],
)
def test_one_without_the_other_is_a_mistake_of_the_line(
    andon: Any, masked: Any, line: tuple[str, ...], said: str
) -> None:
    masked.asked.clear()
    ran = andon("tx", "payload", "tx1", *line)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert masked.asked == []
