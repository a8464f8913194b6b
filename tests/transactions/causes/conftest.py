"""Trouble to be understood, and the landscape it is in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from transactions.causes.symptoms import Behind, FlowFacts, Surroundings, Symptom, SystemFacts
from transactions.model import FailureKind, Risk, Status

NOW = datetime(2026, 11, 21, 2, 41, tzinfo=UTC)
CHAIN = (
    "quality-hold",
    "master-data",
    "production-order-release",
    "material-consumption",
    "production-confirmation",
    "goods-receipt",
    "shipment-release",
)


@pytest.fixture
def around() -> Surroundings:
    """ERP for all plants, MES and WMS of each, a portal that cannot be asked."""
    return Surroundings(
        systems={
            "ERP": SystemFacts(owner="erp-integration"),
            "MES": SystemFacts(owner="plant-it", local=True),
            "WMS": SystemFacts(owner="logistics-it", local=True),
            "portal": SystemFacts(owner="sales-it", asks=False),
        },
        flows={
            name: FlowFacts(
                owner="mdm-team" if name == "master-data" else "controlling",
                risk=Risk.FINANCIAL,
                place=place,
                fixed=frozenset({"lot"} if name == "quality-hold" else {"order"}),
            )
            for place, name in enumerate(CHAIN)
        },
    )


@pytest.fixture
def symptom() -> Callable[..., Symptom]:
    """Makes one: by default one failed consumption of P02 at ERP."""

    def make(kind: str = "master-data", code: str = "M3351", *, behind: int = 0, **more: Any) -> Symptom:
        flow, target = more.get("flow", "material-consumption"), more.get("target", "ERP")
        told = {
            "status": Status.FAILED,
            "flow": flow,
            "target": target,
            "plant": "P02",
            "source": "MES",
            "count": 1,
            "risk": Risk.FINANCIAL,
            "group": f"{kind} {code} {flow} {target}".replace(" ", "-"),
            "first_seen": NOW - timedelta(minutes=38),
            "last_seen": NOW,
            **more,
        }
        if behind:
            told["behind"] = Behind(transactions=behind, risks={Risk.FINANCIAL: behind})
        return Symptom(kind=FailureKind(kind), code=code, **told)

    return make
