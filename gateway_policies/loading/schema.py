"""JSON Schema (2020-12) of the policy files, for editors; from the same shapes as the loader's check."""

from __future__ import annotations

from typing import Any

from gateway_policies.loading.formats import FORMATS, Kind

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_TITLES: dict[Kind, str] = {
    Kind.ANDON: "andon.toml: the gateway, issuers, lint, drift",
    Kind.API: "apis/*.toml: an API with its versions and operations",
    Kind.CONSUMER: "consumers/*.toml: a consumer with its grants",
    Kind.SCOPES: "scopes.toml, scopes/*.toml: scopes",
    Kind.THROTTLES: "throttles.toml, throttles/*.toml: throttles",
}


def schema_of(kind: Kind) -> dict[str, Any]:
    """The schema of one kind of file."""
    return {
        "$schema": DRAFT,
        "$id": f"urn:andon:schema:policy:{kind.value}:1",
        "title": _TITLES[kind],
        **FORMATS[kind].schema(),
    }


def schemas() -> dict[str, Any]:
    """The schema of every kind, as one document: a file of policies is one of them."""
    return {
        "$schema": DRAFT,
        "$id": "urn:andon:schema:policy:1",
        "title": "A file of policies",
        "anyOf": [{"$ref": f"#/$defs/{kind.value}"} for kind in Kind],
        "$defs": {kind.value: {"title": _TITLES[kind], **FORMATS[kind].schema()} for kind in Kind},
    }
