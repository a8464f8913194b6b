"""Every route with every role: who is let past, and who is refused before anything is looked at.

The table below is the contract: a route that is not in it fails here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hub.api.permissions import PAGE, page
from hub.app import ROUTES
from transactions.people import GRANTABLE, Limits, Permission, Principal, Role

READERS = frozenset(set(Role) - {Role.SOURCE})
OPERATORS = frozenset({Role.OPERATOR, Role.ADMIN})
APPROVERS = frozenset({Role.APPROVER, Role.ADMIN})
AUDITORS = frozenset({Role.APPROVER, Role.POLICY_ADMIN, Role.ADMIN})
ADMINS = frozenset({Role.ADMIN})
POLICY_AUTHORS = frozenset({Role.POLICY_AUTHOR, Role.POLICY_ADMIN, Role.ADMIN})
POLICY_ADMINS = frozenset({Role.POLICY_ADMIN, Role.ADMIN})
EVERYBODY = frozenset(Role)

MAY: dict[tuple[str, str], frozenset[Role]] = {
    ("GET", "transactions"): READERS,
    ("GET", "transactions/count"): READERS,
    ("GET", "transactions/{id}"): READERS,
    ("GET", "transactions/{id}/timeline"): READERS,
    ("GET", "transactions/{id}/lineage"): READERS,
    ("GET", "transactions/{id}/related"): READERS,
    ("GET", "groups"): READERS,
    ("GET", "causes"): READERS,
    ("GET", "groups/{fingerprint}"): READERS,
    ("GET", "groups/{fingerprint}/difference"): READERS,
    ("POST", "transactions/{id}/assign"): OPERATORS,
    ("POST", "transactions/{id}/note"): OPERATORS,
    ("GET", "transactions/{id}/payload"): READERS,
    ("GET", "transactions/{id}/payload/diff"): READERS,
    ("PATCH", "transactions/{id}/payload"): OPERATORS,
    ("POST", "transactions/{id}/payload/reveal"): ADMINS,
    ("POST", "plans"): OPERATORS,
    ("GET", "plans"): READERS,
    ("GET", "plans/{hash}"): READERS,
    ("POST", "plans/{hash}/run"): OPERATORS,
    ("POST", "plans/{hash}/approve"): APPROVERS,
    ("POST", "plans/{hash}/reject"): APPROVERS,
    ("GET", "approvals"): READERS,
    ("GET", "batches"): READERS,
    ("GET", "batches/{id}"): READERS,
    ("GET", "batches/{id}/items"): READERS,
    ("POST", "batches/{id}/cancel"): OPERATORS,
    ("POST", "batches/{id}/pause"): OPERATORS,
    ("POST", "batches/{id}/resume"): OPERATORS,
    ("GET", "transactions/{id}/refusal"): READERS,
    ("GET", "groups/{fingerprint}/changes"): READERS,
    ("POST", "batches/{id}/retry-failed"): OPERATORS,
    ("POST", "stop"): OPERATORS,
    ("GET", "systems"): READERS,
    ("GET", "flows"): READERS,
    ("GET", "plants"): READERS,
    ("GET", "holds"): READERS,
    ("GET", "board"): READERS,
    ("GET", "reconciliation/{kind}"): READERS,
    ("GET", "kpis"): READERS,
    ("GET", "kpis/slo"): READERS,
    ("GET", "status"): READERS,
    ("GET", "whoami"): EVERYBODY,
    ("GET", "export"): READERS,
    ("GET", "handover"): READERS,
    ("POST", "handover/remarks"): OPERATORS,
    ("GET", "gateway/state"): READERS,
    ("GET", "gateway/status"): READERS,
    ("POST", "gateway/trial"): POLICY_AUTHORS,
    ("GET", "gateway/trial"): READERS,
    ("DELETE", "gateway/trial"): POLICY_AUTHORS,
    ("POST", "gateway/changes"): POLICY_ADMINS,
    ("GET", "gateway/revisions"): READERS,
    ("GET", "gateway/usage"): READERS,
    ("GET", "gateway/usage/calls"): READERS,
    ("GET", "gateway/usage/arrivals"): READERS,
    ("GET", "gateway/usage/imports"): READERS,
    ("POST", "gateway/usage/imports"): POLICY_ADMINS,
    ("GET", "gateway/revisions/{number}/applied"): READERS,
    ("POST", "gateway/consumers/{name}/token"): ADMINS,
    ("GET", "audit"): AUDITORS,
    ("GET", "audit/key"): AUDITORS,
    ("GET", "audit/export"): AUDITORS,
    ("POST", "ingress"): OPERATORS,
    ("GET", "events"): READERS,
    ("GET", "users"): ADMINS,
    ("POST", "users"): ADMINS,
    ("DELETE", "users/{name}"): ADMINS,
    ("POST", "users/{name}/token"): ADMINS,
    ("DELETE", "users/{name}/token"): ADMINS,
    ("GET", "simulator/faults"): READERS,
    ("PUT", "simulator/faults"): OPERATORS,
    ("GET", "simulator/books"): READERS,
    ("GET", "simulator/state"): READERS,
    ("POST", "simulator/pause"): OPERATORS,
    ("POST", "simulator/resume"): OPERATORS,
    ("POST", "simulator/drain"): OPERATORS,
}
WHOLE_HUB = {
    ("GET", "gateway/state"),
    ("GET", "gateway/status"),
    ("POST", "gateway/trial"),
    ("GET", "gateway/trial"),
    ("DELETE", "gateway/trial"),
    ("POST", "gateway/changes"),
    ("GET", "gateway/revisions"),
    ("GET", "gateway/usage"),
    ("GET", "gateway/usage/calls"),
    ("GET", "gateway/usage/arrivals"),
    ("GET", "gateway/usage/imports"),
    ("POST", "gateway/usage/imports"),
    ("GET", "gateway/revisions/{number}/applied"),
    ("POST", "gateway/consumers/{name}/token"),
    ("GET", "audit"),
    ("GET", "audit/key"),
    ("GET", "audit/export"),
    ("GET", "users"),
    ("POST", "users"),
    ("DELETE", "users/{name}"),
    ("POST", "users/{name}/token"),
    ("DELETE", "users/{name}/token"),
    ("PUT", "simulator/faults"),
    ("GET", "simulator/books"),
    ("POST", "simulator/pause"),
    ("POST", "simulator/resume"),
    ("POST", "simulator/drain"),
}


def name(route: Any) -> tuple[str, str]:
    return route.method, route.path


def path(route: Any) -> str:
    return f"/admin/v1/{route.path}".replace("{id}", "x").replace("{hash}", "0" * 64).replace("{name}", "nobody")


def test_every_route_is_in_the_table_and_nothing_else_is() -> None:
    assert {name(route) for route in ROUTES} == set(MAY)
    assert {name(route) for route in ROUTES if route.whole_hub} == WHOLE_HUB


async def ask(hub: Any, route: Any, principal: Principal) -> int:
    """The status that a request gets, without a body or parameters that would make sense. A stream is told by HEAD."""
    import httpx

    hub.access.accept(principal.subject, principal)
    from hub.app import application

    transport = httpx.ASGITransport(app=application(hub), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        method = "HEAD" if route.path == "events" else route.method
        answer = await client.request(
            method, path(route), headers={"Authorization": f"Bearer {principal.subject}"}, content=b"{"
        )
    return answer.status_code


@pytest.mark.parametrize("role", list(Role), ids=str)
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_who_is_let_past(own_hub, route, role) -> None:
    status = await ask(own_hub, route, Principal(subject=f"some-{role}", kind="user", roles=(role,)))
    if role in MAY[name(route)]:
        assert status not in (401, 403)
    else:
        assert status == 403


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_nobody_without_a_role_and_no_limited_admin_over_the_whole_hub(own_hub, route) -> None:
    nobody = Principal(subject="nobody-at-all", kind="user")
    assert await ask(own_hub, route, nobody) == (403 if route.permission is not None or not nobody.permissions else 200)
    limited = Principal(subject="of-one-plant", kind="user", roles=(Role.ADMIN,), limits=Limits(plants=["P01"]))
    status = await ask(own_hub, route, limited)
    assert (status == 403) is (name(route) in WHOLE_HUB)


@pytest.mark.parametrize("permission", sorted(GRANTABLE), ids=str)
async def test_what_is_granted_one_by_one_lets_past_where_it_is_wanted_only(own_hub, permission) -> None:
    some = Principal(subject=f"only-{permission}", kind="user", granted=frozenset({permission}))
    for route in ROUTES:
        status = await ask(own_hub, route, some)
        assert (status != 403) is (route.permission in (None, permission)), route


def test_every_permission_that_a_route_wants_is_one() -> None:
    assert {route.permission for route in ROUTES} <= {*Permission, None}


def test_the_page_of_permissions_is_that_of_the_routes() -> None:
    kept = Path(__file__).parents[3] / "docs" / "reference" / PAGE
    assert kept.read_text(encoding="utf-8") == page(ROUTES), "python -m hub.api.permissions docs/reference"
