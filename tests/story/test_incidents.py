"""A few incidents of the diagnosis benchmark: the causes are named, and the advice recovers the books."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def diagnosis(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The benchmark, whose scripts find each other in their own folder."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    before = set(sys.modules)
    yield importlib.import_module("diagnosis")
    for name in set(sys.modules) - before:
        if str(BENCHMARKS) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


INCIDENTS = {
    "night 10: connection, scope, material, throttle": (
        ("target-down", "CMMS", None, None),
        ("missing-scope", "ERP", None, "labor-time"),
        ("missing-material", "ERP", "P01", None),
        ("target-throttling", "MES", "P03", None),
    ),
    "what must not be sent again, and what must be mended first": (
        ("parked", "customer-portal", None, None),
        ("duplicate-messages", "MES", None, "labor-time"),
        ("invalid-lot", "MES", "P03", None),
    ),
    "what no failure tells of": (
        ("wrong-master-data", "MES", "P03", "material-consumption"),
        ("lying-target", "MES", None, "production-order-release"),
    ),
}


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", INCIDENTS)
def test_an_incident_is_named_and_worked_off_by_the_advice(diagnosis: Any, name: str) -> None:
    incidents = importlib.import_module("incidents")
    faults = [incidents.Fault(*fault) for fault in INCIDENTS[name]]
    outcome = diagnosis.play(incidents.Incident(10, faults))
    assert outcome.shown == [str(fault) for fault in faults]
    assert outcome.misses == []
    assert outcome.recovered, outcome.left
    assert outcome.doubles == 0
