"""``andon gateway``: what is live, as lists for people and for machines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from gateway_doubles import replaced, state_of

from commands.gateway_lines import (
    api_lines,
    consumer_lines,
    scope_lines,
    throttle_lines,
    version_lines,
)
from gateway_policies.model import Api, Consumer, Grant, Lifecycle, Operation, Risk, Scope, Throttle, Version

Andon = Callable[..., Any]
ORDERS = Api(
    name="orders",
    owner="erp",
    base_path="/orders",
    upstream="system:ERP",
    throttle="standard",
    operations=(
        Operation(methods=("GET",), path="/", scope="orders.read"),
        Operation(methods=("GET",), path="/{id}", scope="orders.read"),
        Operation(methods=("POST",), path="/", scope="orders.write"),
        Operation(methods=("GET",), path="/health"),
    ),
)
LIVE = state_of(
    [
        ORDERS,
        Version(api="orders", name="v2", lifecycle=Lifecycle.ACTIVE),
        Version(api="orders", name="v1", lifecycle=Lifecycle.DEPRECATED, successor="v2"),
        Scope(name="orders.read", risk=Risk.LOW),
        Scope(name="orders.write", risk=Risk.FINANCIAL),
        Consumer(name="mes", owner="it", throttle="standard"),
        Consumer(name="hand", owner="it"),
        Grant(consumer="mes", scope="orders.read"),
        Grant(consumer="hand", scope="orders.read"),
        Throttle(name="standard", requests=600, per_seconds=60),
    ],
    owned=["api.orders", "consumer.mes"],
)


def test_an_api_has_its_versions_and_its_calls() -> None:
    (api,) = api_lines(LIVE)
    assert (api.name, api.versions, api.operations, api.policy_set) == ("orders", ["v1", "v2"], 4, "policies")


def test_versions_are_in_order_and_nobodys_where_made_by_hand() -> None:
    first, second = version_lines(LIVE)
    assert (first.name, first.lifecycle, first.successor, first.policy_set) == ("v1", "deprecated", "v2", None)
    assert (second.name, second.successor) == ("v2", None)


def test_a_scope_names_once_who_wants_and_who_has_it() -> None:
    read, write = scope_lines(LIVE)
    assert (read.apis, read.consumers) == (["orders"], ["hand", "mes"])
    assert (write.risk, write.apis, write.consumers) == ("financial", ["orders"], [])


def test_a_consumer_without_a_credential_has_none() -> None:
    hand, mes = consumer_lines(LIVE)
    assert (hand.client_id, hand.scopes, hand.policy_set) == (None, ["orders.read"], None)
    assert (mes.throttle, mes.policy_set) == ("standard", "policies")


def test_a_throttle_holds_whom_it_is_given_to_and_bursts_as_much_as_it_refills() -> None:
    (standard,) = throttle_lines(LIVE)
    assert (standard.burst, standard.holds) == (600, ["api.orders", "consumer.mes"])
    (tight,) = throttle_lines(state_of([replaced(Throttle(name="t", requests=9, per_seconds=1), burst=3)]))
    assert tight.burst == 3


@pytest.mark.parametrize(
    ("word", "first"),
    [
        ("apis", "orders"),
        ("versions", "orders.version.v1"),
        ("scopes", "orders.read"),
        ("consumers", "mes-p01"),
        ("throttles", "standard"),
    ],
)
def test_lists_for_people_and_machines(andon: Andon, stocked: Any, word: str, first: str) -> None:
    ran = andon("gateway", word, "-o", "json")
    assert ran.code == 0, ran.err
    (line,) = ran.json["items"]
    assert line["policy_set"] == "policies"
    assert ran.json["next_cursor"] is None
    assert andon("gateway", word, "-o", "id").out.strip() == first
    table = andon("gateway", word)
    assert (table.code, table.err) == (0, "")
    assert first.partition(".version")[0] in table.out


def test_nothing_live_is_an_empty_list(andon: Andon, platform: Any) -> None:
    platform.on("GET", "gateway/state", state_of([]))
    assert andon("gateway", "apis").out == "The gateway has no APIs.\n"
    ran = andon("gateway", "consumers", "-o", "json")
    assert (ran.code, ran.json) == (0, {"items": [], "next_cursor": None})


def test_a_word_that_is_none_and_a_gateway_that_is_none(andon: Andon) -> None:
    ran = andon("gateway", "apis", "--gateway", "kong:x")
    assert ran.code == 2
    assert "Write directory:PATH" in ran.err
    assert andon("gateway", "quotas").code == 2


def test_what_is_live_in_a_directory(andon: Andon, tmp_path: Any) -> None:
    (tmp_path / "gw").mkdir()
    ran = andon("gateway", "scopes", "--gateway", f"directory:{tmp_path}/gw", "-o", "json")
    assert (ran.code, ran.json["items"]) == (0, [])
    assert andon("gateway", "scopes", "--gateway", f"directory:{tmp_path}/none").code == 7


def test_names_from_elsewhere_are_shown_without_their_control_characters(andon: Andon, platform: Any) -> None:
    told = msgspec.structs.replace(Scope(name="orders.read"), description="\x1b[31mred\x1b[0m")
    platform.on("GET", "gateway/state", state_of([told]))
    assert "\x1b[31m" not in andon("gateway", "scopes").out
