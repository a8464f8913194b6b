"""Lines of an access log, as the data plane writes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

BEGIN = datetime(2026, 11, 20, 10, 0, 0, tzinfo=UTC)
NOW = BEGIN.replace(hour=18)
RELEASE = "POST /{order}/release"


def line(second: float = 0.0, **more: Any) -> bytes:
    """A call of mes-p03 that was answered, ``second`` seconds after the beginning, with its end of line."""
    at = BEGIN + timedelta(seconds=second)
    told = {
        "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "ms": 12,
        "client": "mes-p03",
        "issuer": "plant-idp",
        "api": "production-orders",
        "version": "v1",
        "operation": RELEASE,
        "scope": "orders.release",
        "method": "POST",
        "path": "/erp/production-orders/v1/4711/release",
        "status": 200,
        "flags": "-",
        "detail": "via_upstream",
        "refused": None,
        "request_id": "7c1b1d6e-0000-4000-8000-000000000000",
        "tx": None,
        "bytes_in": 120,
        "bytes_out": 80,
    }
    return json.dumps({**told, **more}).encode() + b"\n"


def lines(count: int, *, every: float = 1.0, begin: float = 0.0, **more: Any) -> bytes:
    """Calls at even distances."""
    return b"".join(line(begin + number * every, **more) for number in range(count))
