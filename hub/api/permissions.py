"""Who may do what, as a page: made of the routes themselves. ``python -m hub.api.permissions docs/reference``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from hub.api.routing import Route
from transactions.people import GRANTABLE, Permission, Role

PAGE = "permissions.md"


def page(routes: Iterable[Route]) -> str:
    """The page, as Markdown."""
    roles = [
        f"| `{role}` | {', '.join(f'`{permission}`' for permission in sorted(role.permissions))} |" for role in Role
    ]
    permissions = [
        f"| `{permission}` | {permission.meaning} | {_holders(permission)} |" for permission in sorted(Permission)
    ]
    operations = [_operation(route) for route in sorted(routes, key=lambda route: (route.path, route.method))]
    return "\n".join(
        [
            "# Who may do what",
            "",
            "Generated from the routes of the admin API by `python -m hub.api.permissions docs/reference`; a test",
            "fails when it is stale.",
            "",
            "Rights are checked in one place before a request is looked at: without a token that is valid here the",
            "answer is 401, without the permission 403, whatever else is wrong with the request. Whoever has no role",
            "may do nothing. Rights can be limited to plants, flows and risks; what is out of reach is not there",
            "(404).",
            "",
            "## Roles",
            "",
            "| role | permissions |",
            "| --- | --- |",
            *roles,
            "",
            "## Permissions",
            "",
            "| permission | whoever has it may | comes with |",
            "| --- | --- | --- |",
            *permissions,
            "",
            "## Operations",
            "",
            "Those over the whole hub want rights without limits.",
            "",
            "| operation | permission | over the whole hub | what it does |",
            "| --- | --- | --- | --- |",
            *operations,
            "| `POST /ingress/{flow}` | `ingress` |  | A document of a source, of a flow and plant within reach |",
            "| `POST /ingress/replies/{target}` | `ingress` |  | A target says what became of a document |",
            "",
        ]
    )


def _holders(permission: Permission) -> str:
    holders = ", ".join(f"`{role}`" for role in Role if permission in role.permissions)
    return f"{holders}, or granted by itself" if permission in GRANTABLE else holders


def _operation(route: Route) -> str:
    wanted = "anybody signed in" if route.permission is None else f"`{route.permission}`"
    return (
        f"| `{route.method} /admin/v1/{route.path}` | {wanted} | {'yes' if route.whole_hub else ''} | {route.summary} |"
    )


def main(folder: str) -> None:
    """Write the page into ``folder``."""
    from hub.app import ROUTES

    Path(folder, PAGE).write_text(page(ROUTES), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
