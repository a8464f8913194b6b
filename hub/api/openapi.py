"""The OpenAPI 3.1 document of the admin API, made of the routes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from hub.api.routing import JSON, NoParams, Route
from transactions import errors
from transactions.edits import PATCH_MEDIA, SET_MEDIA, STEPS_MEDIA
from transactions.errors import PROBLEM_BASE, AndonError

PROBLEM_JSON = "application/problem+json"
_ALWAYS = ("unauthenticated", "forbidden", "address-too-long", "too-many-requests", "unavailable")


class Problem(Struct, kw_only=True):
    """A problem document (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str


def document(routes: Sequence[Route], version: str) -> dict[str, Any]:
    """The document, as plain data."""
    types = [route.answers for route in routes if route.answers is not None]
    types += [route.body for route in routes if route.body not in (None, bytes)]
    types += [route.params for route in routes if route.params is not NoParams]
    _, components = msgspec.json.schema_components([*types, Problem], ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(f"/admin/v1/{route.path}", {})[route.method.lower()] = _operation(route, components)
    used = {route.params.__name__ for route in routes}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Andon admin API",
            "version": version,
            "description": "Failed transactions, plans and their runs, the landscape. Errors are problem documents "
            "(RFC 9457); lists are cursor pages; times are RFC 3339 in UTC.",
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {name: schema for name, schema in sorted(components.items()) if name not in used},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: Route, components: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.operation,
        "summary": route.summary,
        "tags": [route.path.partition("/")[0]],
        "parameters": _path_parameters(route) + _query_parameters(route, components),
        "responses": {str(route.status): _answer(route), **_problems(route)},
    }
    if route.body is bytes:
        patch = route.method == "PATCH"
        operation["requestBody"] = {
            "required": True,
            "content": {
                media: {"schema": {}}
                for media in (JSON, "application/xml", *((PATCH_MEDIA, SET_MEDIA, STEPS_MEDIA) if patch else ()))
            },
        }
        header = {"name": "If-Match", "required": True} if patch else {"name": "Idempotency-Key", "required": False}
        operation["parameters"] += [{**header, "in": "header", "schema": {"type": "string"}}]
    elif route.body is not None:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": _ref(route.body)}}}
    return operation


def _ref(kind: Any) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components([kind], ref_template="#/components/schemas/{name}")
    return schema


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", route.path)
    ]


def _query_parameters(route: Route, components: dict[str, Any]) -> list[dict[str, Any]]:
    if route.params is NoParams:
        return []
    schema = components[route.params.__name__]
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _without_null(field)}
        for name, field in schema["properties"].items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query parameter is there or is not; there is no way to write null."""
    options = [option for option in schema.get("anyOf", []) if option.get("type") != "null"]
    if not options:
        return schema
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    return {**rest, **options[0]} if len(options) == 1 else {**rest, "anyOf": options}


def _answer(route: Route) -> dict[str, Any]:
    content: dict[str, Any] = (
        {route.media or JSON: {}} if route.answers is None else {JSON: {"schema": _ref(route.answers)}}
    )
    if route.also is not None:
        content[route.also] = {}
    return {"description": route.summary, "content": content}


def _problems(route: Route) -> dict[str, Any]:
    names = [*_ALWAYS, *route.problems]
    if route.params is not NoParams or route.body is not None or "{" in route.path or route.media:
        names.append("invalid-request")
    if route.body not in (None, bytes):
        names += ["unsupported-media-type", "too-large"]
    by_status: dict[int, list[str]] = {}
    for name in dict.fromkeys(names):
        by_status.setdefault(_STATUS[name], []).append(name)
    return {
        str(status): {
            "description": "; ".join(f"{_TITLE[name]} (`{PROBLEM_BASE}{name}`)" for name in found),
            "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, found in sorted(by_status.items())
    }


def _all_errors(base: type[AndonError]) -> list[type[AndonError]]:
    return [base, *(found for sub in base.__subclasses__() for found in _all_errors(sub))]


_STATUS = {kind.problem: kind.status for kind in _all_errors(errors.AndonError)}
_TITLE = {kind.problem: kind.title for kind in _all_errors(errors.AndonError)}
