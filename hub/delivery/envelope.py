"""The headers a delivery carries: CloudEvents 1.0 (HTTP binding, binary mode), W3C Trace Context, idempotency key."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime
from typing import Any
from urllib.parse import quote

# version-traceid-parentid-flags, lowercase; version ff and all-zero ids are invalid (W3C Trace Context, 3.2.2)
# a version after 00 may have more at its end (4.3)
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:(?<!00-.{52})-.*)?"
)
_TRACE_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")

CE_PREFIX = "ce-"
KEPT = ("ce-", "traceparent", "tracestate")
"""Headers of the source that are stored with the document; failure headers of brokers are none of them."""


def trace_id(traceparent: str | None) -> str | None:
    """The trace id of a valid ``traceparent``; None for none and for an invalid one, which is ignored."""
    match = _TRACEPARENT.fullmatch(traceparent or "")
    return match[1] if match else None


def kept_headers(headers: dict[str, str]) -> dict[str, str]:
    """The headers of a source that travel with its document."""
    return {name: value for name, value in headers.items() if name.startswith(KEPT)}


def delivery_headers(row: Any, came_with: dict[str, str], now: datetime) -> dict[str, str]:
    """The headers of a delivery.

    Args:
        row: the transaction's row.
        came_with: the headers stored with its payload; correlation in them is kept.
        now: goes into ``ce-time`` where the source gave none.
    """
    headers = {name: value for name, value in came_with.items() if name.startswith(CE_PREFIX)}
    if "tracestate" in came_with and trace_id(came_with.get("traceparent")):
        headers["tracestate"] = came_with["tracestate"]  # it belongs to a trace; without one it is dropped (3.3.1.1)
    headers.update(
        {
            "content-type": row.content_type,
            "idempotency-key": header_value(row.idempotency_key),
            "ce-specversion": "1.0",
            "ce-id": row.id,
            "ce-source": f"/andon/{quote(row.source)}",
            "ce-type": header_value(row.flow),
            "ce-correlationid": header_value(row.correlation_id),
            "traceparent": f"00-{_trace_of(row, came_with)}-{secrets.token_hex(8)}-01",
        }
    )
    headers.setdefault("ce-time", now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    if row.plant:
        headers["ce-plant"] = header_value(row.plant)
    if row.causation_id:
        headers["ce-causationid"] = header_value(row.causation_id)
    return headers


def _trace_of(row: Any, came_with: dict[str, str]) -> str:
    given = trace_id(came_with.get("traceparent"))
    if given:
        return given
    if _TRACE_ID.fullmatch(row.correlation_id):
        return str(row.correlation_id)
    return hashlib.sha256(row.correlation_id.encode()).hexdigest()[:32]


_CONTROLS = dict.fromkeys((*range(9), *range(10, 32), 127), " ")


def plain_value(text: str) -> str:
    """The value of a header that came in, with blanks for control characters (RFC 9110, 5.5): no target takes them,
    and a terminal would."""
    return text.translate(_CONTROLS)


def header_value(text: str) -> str:
    """Text for a header: percent-encoded outside printable ASCII, as the CloudEvents HTTP binding (3.1.3.2) says."""
    return "".join(char if " " <= char <= "~" and char not in '"%' else quote(char, safe="") for char in text)
