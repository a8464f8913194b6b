"""Logs of other gateways: what their lines say, in whatever words, and which calls of the policies that is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from access_log import BEGIN, RELEASE, line
from gateway_doubles import NOW
from hypothesis import given, settings
from hypothesis import strategies as st
from plant_doubles import plant

from gateway_policies.routing.making import routing
from gateway_policies.traffic.counting import Clients, Kind
from gateway_policies.traffic.foreign import OWN_PLACES, PLACES, Field, Format, Places, Reader, moment_of
from gateway_policies.traffic.outcomes import Outcome

AT = BEGIN.timestamp()
PATH = "/erp/production-orders/v1/4711/release"
LINES: dict[Format, dict[str, Any]] = {
    Format.ENVOY: {
        "start_time": "2026-11-20T10:00:00.000Z",
        "method": "POST",
        "path": f"{PATH}?dry=1",
        "response_code": 200,
        "response_flags": "-",
        "response_code_details": "via_upstream",
        "client_id": "mes-p03",
    },
    Format.KONG: {
        "started_at": int(AT * 1000),
        "request": {"method": "POST", "uri": PATH, "size": 5},
        "response": {"status": 200, "size": 9},
        "consumer": {"username": "mes-p03", "id": "x"},
        "latencies": {"request": 7},
    },
    Format.NGINX: {
        "time_local": "20/Nov/2026:10:00:00 +0000",
        "request": f"POST {PATH} HTTP/1.1",
        "status": "200",
        "remote_user": "mes-p03",
    },
}


def reader(places: Places) -> Reader:
    return Reader(places, routing("plant-gateway", plant(), NOW), Clients(plant()))


def read(gateway: Format, **more: Any) -> Kind | None:
    found = reader(PLACES[gateway]).read(json.dumps({**LINES[gateway], **more}).encode())
    assert found is not None
    return found.kind


@pytest.mark.parametrize("gateway", list(LINES))
def test_every_gateway_says_the_same_in_its_own_words(gateway: Format) -> None:
    found = reader(PLACES[gateway]).read(json.dumps(LINES[gateway]).encode())
    assert found is not None
    assert found.at == AT
    assert found.kind == Kind("mes-p03", "", "production-orders", "v1", RELEASE, "orders.release", Outcome.OK)


def test_the_log_of_another_hub() -> None:
    found = reader(OWN_PLACES).read(line())
    assert found is not None
    assert found.kind == Kind("mes-p03", "", "production-orders", "v1", RELEASE, "orders.release", Outcome.OK)


def test_other_places_can_be_named() -> None:
    places = {**PLACES[Format.NGINX], Field.CLIENT: ("jwt.sub",), Field.AT: ("when.at",)}
    told = {"when": {"at": AT}, "jwt": {"sub": "mes-p03"}, "status": 200, "method": "post", "path": PATH}
    found = reader(places).read(json.dumps(told).encode())
    assert found is not None
    assert found.kind is not None
    assert (found.at, found.kind.consumer) == (AT, "mes-p03")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (201, Outcome.OK),
        (401, Outcome.UNAUTHENTICATED),
        (403, Outcome.SCOPE_MISSING),
        (404, Outcome.CLIENT_ERROR),
        (429, Outcome.THROTTLED),
        (502, Outcome.SERVER_ERROR),
    ],
)
def test_what_came_of_it_by_the_status(status: int, outcome: Outcome) -> None:
    kind = read(Format.NGINX, status=status)
    assert kind is not None
    assert kind.outcome is outcome


def test_what_came_of_it_by_the_flags() -> None:
    kind = read(Format.ENVOY, response_code=503, response_flags="UF")
    assert kind is not None
    assert kind.outcome is Outcome.UPSTREAM_UNAVAILABLE


def test_strangers_keep_their_names_and_nobody_is_nobody() -> None:
    stranger, nobody = read(Format.ENVOY, client_id="who"), read(Format.ENVOY, client_id="-")
    assert stranger is not None
    assert nobody is not None
    assert (stranger.consumer, stranger.client, nobody.consumer, nobody.client) == ("", "who", "", "")


def test_a_call_of_no_api_and_one_of_no_operation() -> None:
    assert read(Format.ENVOY, path="/elsewhere") is None
    kind = read(Format.ENVOY, path="/erp/production-orders/v1/a/b/c", response_code=404)
    assert kind is not None
    assert (kind.api, kind.operation, kind.scope) == ("production-orders", "", "")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (1_795_168_800, 1_795_168_800.0),
        (1_795_168_800.25, 1_795_168_800.25),
        (1_795_168_800_250, 1_795_168_800.25),
        (1_795_168_800_250_000, 1_795_168_800.25),
        ("1795168800.25", 1_795_168_800.25),
        ("2026-11-20T10:00:00Z", 1_795_168_800.0),
        ("2026-11-20T11:00:00+01:00", 1_795_168_800.0),
        ("2026-11-20 10:00:00", 1_795_168_800.0),
        ("20/Nov/2026:11:00:00 +0100", 1_795_168_800.0),
        ("yesterday", None),
        ("20/Nov/2026", None),
        ("32/Nov/2026:10:00:00 +0000", None),
        (-5, None),
        (True, None),
        (None, None),
        ([], None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_times_as_logs_write_them(value: object, seconds: float | None) -> None:
    assert moment_of(value) == seconds


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"no json",
        b"[]",
        b"{}",
        b'{"start_time": "2026-11-20T10:00:00Z"}',
        b'{"start_time": "2026-11-20T10:00:00Z", "method": "GET", "path": "/x", "response_code": "ok"}',
        b'{"start_time": "2026-11-20T10:00:00Z", "method": "GET", "path": "/x", "response_code": 1000}',
        b'{"start_time": "2026-11-20T10:00:00Z", "method": 5, "path": "/x", "response_code": 200}',
        b'{"start_time": "never", "method": "GET", "path": "/x", "response_code": 200}',
        b"\xff",
    ],
)
def test_what_cannot_be_read(bad: bytes) -> None:
    assert reader(PLACES[Format.ENVOY]).read(bad) is None


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["start_time", "method", "path", "response_code", "client_id", "jwt", "response_flags"]),
        st.none() | st.text(max_size=8) | st.integers() | st.floats() | st.dictionaries(st.text(max_size=3), st.none()),
    )
)
def test_no_line_breaks_it(told: dict[str, Any]) -> None:
    reader(PLACES[Format.ENVOY]).read(json.dumps(told).encode())
