"""What is told of a gateway that enforces: in words, and as one reads them after a change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from commands.gateway_status import described, seen
from commands.terminal import Look
from gateway_policies.enforcement import Checked, Effective, Enforcing, GatewayStatus

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PLAIN = Look(width=None, colour=False, now=NOW)
SERVING = GatewayStatus(
    gateway="plant-gateway",
    state=Enforcing.SERVING,
    url="http://127.0.0.1:8480",
    revision=3,
    effective_at=NOW - timedelta(minutes=4),
    milliseconds=63,
    apis=16,
    consumers=21,
    version="1.40.0",
)


def _status(**changes: Any) -> list[str]:
    return described(msgspec.structs.replace(SERVING, **changes), PLAIN).splitlines()


def test_a_gateway_that_serves() -> None:
    found = _status()
    assert found[0] == "● serving  plant-gateway at http://127.0.0.1:8480"
    assert found[1].startswith("  in force      revision 3, 4m")
    assert found[1].endswith("; it took 63 ms")
    assert found[2:] == ["  serves        16 APIs to 21 consumers", "  Envoy         1.40.0"]


def test_what_comes_next_and_what_is_missing_are_told() -> None:
    found = _status(
        changes_at=datetime(2027, 5, 4, 6, tzinfo=UTC),
        without_keys={"idp": "it does not answer"},
        without_address=["system:ERP"],
        restarts=2,
    )
    assert "  next          2027-05-04 06:00 UTC: a grant or a brownout begins or ends" in found
    assert any("issuer.idp" in line and "it does not answer" in line and "refused" in line for line in found)
    assert any("system:ERP" in line and "503" in line for line in found)
    assert "  restarts      2 since the hub started" in found


@pytest.mark.parametrize(
    ("state", "because", "words"),
    [
        (Enforcing.IDLE, None, ("idle", "no API yet", "policy apply")),
        (Enforcing.TROUBLE, "Address already in use", ("not as it should be", "Address already in use")),
        (Enforcing.ABSENT, "There is no wheel", ("no data plane", "There is no wheel")),
        (Enforcing.OFF, "It was started with --no-gateway", ("switched off", "--no-gateway")),
    ],
)
def test_each_state_says_what_it_means(state: Enforcing, because: str | None, words: tuple[str, ...]) -> None:
    text = described(GatewayStatus(gateway="g", state=state, because=because), PLAIN)
    assert all(word in text for word in words)
    assert "in force" not in text


def test_words_of_others_do_nothing_to_the_terminal() -> None:
    text = described(GatewayStatus(gateway="g", state=Enforcing.TROUBLE, because="\x1b[2Jgone"), PLAIN)
    assert "\x1b" not in text


def _checked(status: int | None = 401, wrong: tuple[str, ...] = ()) -> Checked:
    return Checked(address="api.a.version.v1", method="GET", path="/a/v1/x", expected=401, status=status, wrong=wrong)


@pytest.mark.parametrize(
    ("effective", "text"),
    [
        (None, ""),
        (Effective(milliseconds=420), "  In force after 0.4 s.\n"),
        (
            Effective(milliseconds=60, checked=(_checked(),)),
            "  In force after 0.1 s. 1 operation was called without a token: all answered as they should.\n",
        ),
        (
            Effective(milliseconds=60, checked=(_checked(), _checked()), unchecked=7),
            (
                "  In force after 0.1 s. 2 operations were called without a token (7 more were not): all answered as "
                "they should.\n"
            ),
        ),
    ],
)
def test_a_change_that_is_in_force(effective: Effective | None, text: str) -> None:
    assert seen(effective, PLAIN) == text


def test_what_is_not_as_it_should_be_is_told_call_by_call() -> None:
    found = Effective(
        milliseconds=60, checked=(_checked(), _checked(200), _checked(None, ("no answer",)), _checked(401, ("sunset",)))
    )
    lines = seen(found, PLAIN).splitlines()
    assert "4 operations were called without a token: 1 answered as they should." in lines[0]
    assert lines[1:4] == [
        "  ✗ GET /a/v1/x (api.a.version.v1): 200 instead of 401",
        "  ✗ GET /a/v1/x (api.a.version.v1): no answer instead of 401; no answer",
        "  ✗ GET /a/v1/x (api.a.version.v1): 401 instead of 401; sunset",
    ]
    assert "andon gateway status" in lines[4]


def test_the_command(platform: Any, andon: Callable[..., Any]) -> None:
    platform.on("GET", "gateway/status", msgspec.to_builtins(SERVING))
    assert "● serving" in andon("gateway", "status", "-o", "table").out
    assert andon("gateway", "status", "-o", "json").json["url"] == "http://127.0.0.1:8480"
    assert andon("gateway", "status", "-o", "id").out == "serving\n"
