"""The quick way to where resources begin finds what the thorough one finds, or nothing."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, reject, settings
from policy_folder import FILES
from toml_documents import Writer, documents

from gateway_policies.loading.headers import starts
from gateway_policies.loading.positions import Positions


@pytest.mark.parametrize(
    ("text", "addresses", "found"),
    [
        (
            FILES["apis/orders.toml"],
            ["api.orders", "api.orders.version.v1", "api.orders.version.v2"],
            {"api.orders": (1, 1), "api.orders.version.v1": (8, 1), "api.orders.version.v2": (17, 1)},
        ),
        (
            FILES["consumers/mes-p03.toml"],
            ["consumer.mes-p03", "consumer.mes-p03.grant.orders.release"],
            {"consumer.mes-p03": (1, 1), "consumer.mes-p03.grant.orders.release": (10, 1)},
        ),
        (
            FILES["scopes.toml"] + "  [ scope . 'a.b' ] # c\n",
            ["scope.orders.release", "scope.orders.read", "scope.a.b"],
            {"scope.orders.release": (1, 1), "scope.orders.read": (4, 1), "scope.a.b": (5, 3)},
        ),
        ("[throttle]\nx = { requests = 1, per = '1s' }\n", ["throttle.x"], {}),
        ("api.name = 'x'\n", ["api.x"], {}),
        ('[api]\nname = "x"\nversion = [{ name = "v1" }]\n', ["api.x", "api.x.version.v1"], {"api.x": (1, 1)}),
        ('[api]\ndescription = """\n[[version]]\n"""\n', ["api.x", "api.x.version.v1"], {}),
        (
            '[api]\r\nname = "x"\r\n[[version]]\r\n',
            ["api.x", "api.x.version.v1"],
            {"api.x": (1, 1), "api.x.version.v1": (3, 1)},
        ),
        ("# [api]\n[api]\n", ["api.x"], {"api.x": (2, 1)}),
        ('[["grant"]]\n[[grant]]\n', ["consumer.c.grant.a", "consumer.c.grant.b"], {}),
    ],
)  # fmt: skip
def test_what_is_plain_is_found(text: str, addresses: list[str], found: dict[str, tuple[int, int]]) -> None:
    assert starts(text, addresses) == found


@given(documents())
@settings(max_examples=200, deadline=None)
def test_whatever_is_found_is_where_the_thorough_way_finds_it(writer: Writer) -> None:
    text = writer.text.replace("items", "grant").replace("first", "scope").replace("sub", "x")
    try:
        granted = tomllib.loads(text).get("grant")
    except tomllib.TOMLDecodeError:
        reject()  # the other words have made nonsense of it
    positions = Positions(text)
    count = len(granted) if isinstance(granted, list) else 0
    addresses = ["scope.x", "consumer.c", *(f"consumer.c.grant.s{n}" for n in range(count))]
    for address, place in starts(text, addresses).items():
        if address == "scope.x":
            assert positions.key(("scope", "x")) == place
        else:
            assert positions.key(("grant", int(address.rpartition("s")[2]))) == place
