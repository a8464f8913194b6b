"""Contracts: two OpenAPI documents of 5,000 operations over 500 schemas that all refer to each other, compared.

Prints how long reading and comparing take, beside parsing the same two texts as JSON and nothing else.
"""

from __future__ import annotations

import argparse
import copy
import json
import statistics
from typing import Any

from measuring import machine, timed

from gateway_policies.contracts.comparing import compare
from gateway_policies.contracts.contract import open_contract
from gateway_policies.contracts.texts import MappedTexts

SCHEMAS = 500


def document(operations: int) -> dict[str, Any]:
    """Every schema leads to every other one in a few steps, as those of a grown system do."""
    paths = {f"/objects-{n}/{{id}}": {"post": _operation(n)} for n in range(operations)}
    schemas = {f"S{n}": _schema(n) for n in range(SCHEMAS)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _operation(n: int) -> dict[str, Any]:
    def body(number: int) -> dict[str, Any]:
        return {"application/json": {"schema": {"$ref": f"#/components/schemas/S{number % SCHEMAS}"}}}

    return {
        "parameters": [
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
            {"name": "plant", "in": "query", "schema": {"enum": ["P01", "P02", "P03"]}},
        ],
        "requestBody": {"content": body(n)},
        "responses": {"200": {"description": "", "content": body(n + 1)}, "404": {"description": ""}},
    }


def _schema(n: int) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": {"type": "string", "maxLength": 20, "pattern": "^[0-9]{4,12}$"},
            "quantity": {"type": "number", "minimum": 0},
            "next": {"$ref": f"#/components/schemas/S{(n * 7 + 1) % SCHEMAS}"},
            "lines": {"type": "array", "items": {"$ref": f"#/components/schemas/S{(n * 3 + 2) % SCHEMAS}"}},
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="200 operations, one run")
    quick = parser.parse_args().quick
    operations, runs = (200, 1) if quick else (5_000, 5)
    before = document(operations)
    after = copy.deepcopy(before)
    after["components"]["schemas"]["S3"]["properties"]["quantity"]["minimum"] = 1
    del after["paths"]["/objects-5/{id}"]
    raw = {"a.json": json.dumps(before).encode(), "b.json": json.dumps(after).encode()}
    texts = MappedTexts(raw)

    def work() -> None:
        one, other = open_contract(texts, "a.json")[0], open_contract(texts, "b.json")[0]
        assert one is not None
        assert other is not None
        assert len(compare(one, other)) >= 3

    print(machine())
    print(f"{operations:,} operations, {SCHEMAS} schemas, twice {len(raw['a.json']) / 2**20:.1f} MiB; {runs} runs")
    ours = [timed(work) for _ in range(runs)]
    bare = [timed(lambda: [json.loads(text) for text in raw.values()]) for _ in range(runs)]
    print(f"compared: median {statistics.median(ours):.2f} s; parsed as JSON: {statistics.median(bare):.2f} s")
    print(f"ratio {statistics.median(ours) / statistics.median(bare):.0f}")


if __name__ == "__main__":
    main()
