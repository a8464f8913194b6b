"""``andon gateway token``: the token alone on standard output, and what it is good for beside it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from gateway_policies.gateway import ConsumerToken

Andon = Callable[..., Any]
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
GIVEN = ConsumerToken(
    consumer="mes",
    client_id="mes-1",
    audience="plant-gateway",
    scopes=["orders.read", "orders.write"],
    id="t1",
    token="aaa.bbb.ccc",
    issued_at=NOW,
    expires_at=NOW + timedelta(minutes=5),
    notes=[],
)


def given(**changed: Any) -> Any:
    return msgspec.to_builtins(msgspec.structs.replace(GIVEN, **changed))


def test_the_token_alone_goes_to_standard_output(andon: Andon, platform: Any) -> None:
    platform.on("POST", "gateway/consumers/mes/token", given())
    ran = andon("gateway", "token", "mes", "--expires", "5m")
    assert (ran.code, ran.out) == (0, "aaa.bbb.ccc\n")
    assert "A token of mes's until 08:05:00 UTC, for plant-gateway." in ran.err
    assert "orders.read, orders.write" in ran.err
    (asked,) = [each for each in platform.asked if each.path.endswith("/token")]
    assert msgspec.json.decode(asked.body) == {"expires_in": "5m"}


def test_a_machine_gets_it_whole(andon: Andon, platform: Any) -> None:
    platform.on("POST", "gateway/consumers/mes/token", given())
    ran = andon("gateway", "token", "mes", "-o", "json")
    assert msgspec.convert(ran.json, ConsumerToken) == GIVEN
    assert andon("gateway", "token", "mes", "-o", "id").out == "t1\n"


def test_what_the_gateway_would_refuse_is_said(andon: Andon, platform: Any) -> None:
    note = "Its credential ended on 2026-11-20: the gateway refuses the token."
    platform.on("POST", "gateway/consumers/mes/token", given(scopes=[], notes=[note]))
    ran = andon("gateway", "token", "mes")
    assert note in ran.err
    assert "It allows: nothing that wants a scope." in ran.err


def test_a_consumer_has_to_be_named(andon: Andon) -> None:
    assert andon("gateway", "token").code == 2


def test_a_read_only_session_gives_none(andon: Andon, platform: Any) -> None:
    platform.on("POST", "gateway/consumers/mes/token", given())
    assert andon("--read-only", "gateway", "token", "mes").code == 6
