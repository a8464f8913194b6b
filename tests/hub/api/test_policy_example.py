"""The flows' contracts in the example's policies, held against what the hub answers to documents."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from hub.declarations import shipped_catalogue

CONTRACTS = resources.files("gateway_policies") / "example" / "contracts"
FLOWS = {
    path.removeprefix("/"): document
    for each in CONTRACTS.iterdir()
    for document in [json.loads(each.read_text(encoding="utf-8"))]
    for path in document["paths"]
    if path.removeprefix("/") in shipped_catalogue().flow
}


def test_every_flow_has_one() -> None:
    assert FLOWS.keys() == shipped_catalogue().flow.keys()


@pytest.mark.parametrize(
    ("flow", "content_type", "content", "status"),
    [
        ("report", "application/json", b'{"id": "1"}', 202),
        ("report", "application/json", b"{", 422),
        ("report", "text/csv", b"a;b", 415),
        ("reprot", "application/json", b"{}", 404),
    ],
)
async def test_the_hub_answers_as_they_say(
    local: Any, flow: str, content_type: str, content: bytes, status: int
) -> None:
    answer = await local.post(f"http://hub/ingress/{flow}", content=content, headers={"Content-Type": content_type})
    assert answer.status_code == status, answer.text
    for name, document in FLOWS.items():
        said = document["paths"][f"/{name}"]["post"]["responses"].get(str(status), {"$ref": "#/x/Refused"})
        said = document["components"]["responses"]["Refused"] if "$ref" in said else said
        schema = said["content"][answer.headers["content-type"].partition(";")[0]]["schema"]
        whole = {"components": document["components"], **schema}
        assert not list(Draft202012Validator(whole).iter_errors(answer.json())), (name, answer.text)
