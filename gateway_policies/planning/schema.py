"""The JSON Schema of a plan, for whoever reads ``andon policy plan --format json``.

``python -m gateway_policies.planning.schema`` writes ``plan.schema.json`` anew.
"""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from gateway_policies.planning.model import SCHEMA, Plan

FILE = Path(__file__).with_name("plan.schema.json")


def plan_schema() -> dict[str, object]:
    """The schema (JSON Schema 2020-12)."""
    (found,), parts = msgspec.json.schema_components([Plan], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:andon:schema:policy-plan:{SCHEMA}",
        "title": "Policy plan",
        **found,
        "$defs": parts,
    }


def schema_text() -> str:
    """The schema as it is shipped."""
    return json.dumps(plan_schema(), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(schema_text(), encoding="utf-8")
