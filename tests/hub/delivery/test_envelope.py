"""The headers of a delivery: W3C Trace Context and CloudEvents."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.delivery.envelope import delivery_headers, header_value, kept_headers, trace_id

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GIVEN = f"00-{TRACE}-{PARENT}-01"


def a_row(**changes: Any) -> Any:
    known = {
        "id": "01J", "flow": "goods-receipt", "plant": "P01", "source": "MES", "content_type": "application/json",
        "idempotency_key": "k:1", "correlation_id": "c-1", "causation_id": None,
    }  # fmt: skip
    return SimpleNamespace(**{**known, **changes})


def headers(came_with: dict[str, str] | None = None, **changes: Any) -> dict[str, str]:
    return delivery_headers(a_row(**changes), came_with or {}, datetime(2026, 3, 2, tzinfo=UTC))


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        (GIVEN, True),
        (f"cc-{TRACE}-{PARENT}-01", True),
        (f"cc-{TRACE}-{PARENT}-01-what-comes-later", True),
        (f"00-{TRACE}-{PARENT}-01-more", False),
        (f"cc-{TRACE}-{PARENT}-01.more", False),
        (f"ff-{TRACE}-{PARENT}-01", False),
        (f"00-{'0' * 32}-{PARENT}-01", False),
        (f"00-{TRACE}-{'0' * 16}-01", False),
        (GIVEN.upper(), False),
        (GIVEN[:-1], False),
        (f" {GIVEN}", False),
        ("", False),
        (None, False),
    ],
)
def test_what_a_traceparent_is(value: str | None, valid: bool) -> None:
    assert trace_id(value) == (TRACE if valid else None)


def test_a_trace_goes_on_under_a_parent_of_ours() -> None:
    made = headers({"traceparent": GIVEN, "tracestate": "vendor=1"})
    assert trace_id(made["traceparent"]) == TRACE
    assert PARENT not in made["traceparent"]
    assert made["tracestate"] == "vendor=1"


@pytest.mark.parametrize("parent", [{}, {"traceparent": "broken"}])
def test_the_state_of_a_trace_that_cannot_be_read_is_dropped(parent: dict[str, str]) -> None:
    made = headers({**parent, "tracestate": "vendor=1"})
    assert "tracestate" not in made
    assert trace_id(made["traceparent"])


def test_without_a_trace_the_correlation_makes_one_and_always_the_same() -> None:
    assert trace_id(headers(correlation_id="c-9")["traceparent"]) == trace_id(
        headers(correlation_id="c-9")["traceparent"]
    )
    assert trace_id(headers(correlation_id=TRACE)["traceparent"]) == TRACE


def test_cloudevents_attributes() -> None:
    made = headers({"ce-time": "2026-01-01T00:00:00Z", "ce-id": "theirs", "ce-extra": "kept"}, causation_id="cause")
    assert (made["ce-specversion"], made["ce-id"], made["ce-type"]) == ("1.0", "01J", "goods-receipt")
    assert (made["ce-time"], made["ce-extra"], made["ce-causationid"]) == ("2026-01-01T00:00:00Z", "kept", "cause")
    assert made["ce-source"] == "/andon/MES"
    assert headers()["ce-time"] == "2026-03-02T00:00:00.000000Z"
    assert "ce-plant" not in headers(plant=None)


def test_only_correlation_is_kept_of_what_came_in() -> None:
    came = {"ce-id": "1", "traceparent": "t", "tracestate": "s", "authorization": "x", "x-death": "y", "x-failure": "z"}
    assert set(kept_headers(came)) == {"ce-id", "traceparent", "tracestate"}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_every_text_fits_a_header(text: str) -> None:
    value = header_value(text)
    assert value.isascii()
    assert not set(value) & set("\r\n\0")
    made = headers(flow=text, plant=text or None, idempotency_key=text, correlation_id=text or "c")
    assert all(header.isascii() for header in made.values())
