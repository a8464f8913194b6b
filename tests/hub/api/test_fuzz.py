"""Schemathesis against the served OpenAPI document: whatever is sent, no answer is a server error, and every answer
is one that the document names."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

pytestmark = pytest.mark.xdist_group("fuzz")


@pytest.fixture(scope="session")
def fuzzed(hub_factory):
    """A hub of its own: what is thrown at it switches faults and places holds."""
    return hub_factory("--simulate", "--speed", "0", "--seed", "3")


@pytest.fixture(scope="session")
def api_schema(fuzzed):
    return schemathesis.openapi.from_url(
        f"{fuzzed.url}/admin/v1/openapi.json", headers={"Authorization": f"Bearer {fuzzed.token}"}
    )


schema = schemathesis.pytest.from_fixture("api_schema")


@schema.exclude(path_regex="/events$").parametrize()
@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_no_request_breaks_the_hub(case, fuzzed) -> None:
    response = case.call(headers={"Authorization": f"Bearer {fuzzed.token}"}, timeout=60)
    case.validate_response(
        response,
        checks=[
            not_a_server_error,
            status_code_conformance,
            content_type_conformance,
            response_schema_conformance,
        ],
    )


def test_the_document_describes_the_admin_routes_only(api_schema) -> None:
    paths = set(api_schema.raw_schema["paths"])
    assert paths
    assert all(path.startswith("/admin/v1/") for path in paths)
    assert api_schema.raw_schema["openapi"].startswith("3.1")
