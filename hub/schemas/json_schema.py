"""JSON Schema (draft 2020-12 unless a schema names another) from files of one folder; nothing is fetched."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
from jsonschema import validators
from referencing import Registry, Resource
from referencing.exceptions import CannotDetermineSpecification, NoSuchResource, Unresolvable
from referencing.jsonschema import DRAFT202012, UnknownDialect

from hub.errors import SettingsError
from hub.masks.json_document import place_text
from transactions.edits import Finding

_SHOWN = 120
_BASE = "http://schemas.invalid/"  # what file names are relative to; no such host can be (RFC 6761), and none is asked
_SILENT = frozenset({"additionalProperties", "unevaluatedProperties", "required"})
"""What these say names members only; what others say may repeat values."""


def read_json_schemas(files: Iterable[Path]) -> dict[str, Any]:
    """Every JSON Schema, by file name.

    Raises:
        SettingsError: one is no JSON, or no schema.
    """
    found: dict[str, Any] = {}
    for path in files:
        try:
            found[path.name] = json.loads(path.read_bytes())
        except (ValueError, RecursionError) as error:
            raise SettingsError(f"{path} is no JSON: {error}. Mend it, or take it out of the folder.") from error
        if not isinstance(found[path.name], dict | bool):
            raise SettingsError(f"{path} is no JSON Schema: that is an object. Take it out of the folder.")
    return found


class JsonChecker:
    """Holds documents against one schema.

    Args:
        name: of its file.
        schemas: every schema of the folder, by file name; a ``$ref`` leads to these, by their name or ``$id``.
    """

    def __init__(self, name: str, schemas: dict[str, Any]) -> None:
        registry: Registry[Any] = Registry(retrieve=_nowhere)  # type: ignore[call-arg]  # attrs
        for file, schema in schemas.items():
            resource = _resource(schema)
            registry = registry.with_resource(f"{_BASE}{file}", resource)
            named = resource.id()
            if named:
                registry = registry.with_resource(named, resource)
        kind = validators.validator_for(schemas[name], default=jsonschema.Draft202012Validator)
        try:
            kind.check_schema(schemas[name])
        except jsonschema.SchemaError as error:
            raise SettingsError(
                f"{name} is no JSON Schema: {error.message[:200]}. Mend it, or take it out of the folder."
            ) from error
        root = schemas[name]
        if isinstance(root, dict) and "$id" not in root:
            root = {**root, "$id": f"{_BASE}{name}"}
        self.name = name
        self._validator = kind(root, registry=registry)

    def check(self, tree: Any, most: int) -> list[Finding]:
        """What does not fit, ``most`` of it.

        Args:
            tree: plain data.
            most: findings that are told.
        """
        found = []
        try:
            for error in self._validator.iter_errors(tree):
                place = place_text(tuple(error.absolute_path))
                found.append(Finding(path=place, message=_said(error)))
                if len(found) >= most:
                    break
        except (Unresolvable, NoSuchResource) as error:
            return [Finding(path="$", message=f"the schema {self.name} refers to what is not in the folder: {error}")]
        except RecursionError:
            return [Finding(path="$", message=f"the schema {self.name} refers to itself without an end")]
        return found


def _said(error: jsonschema.ValidationError) -> str:
    """What is wrong, without the value itself."""
    if error.validator in _SILENT:
        return error.message[:300]
    wanted = msgspec.json.encode(error.validator_value, enc_hook=str).decode()
    return f"does not fit: {error.validator} {wanted if len(wanted) <= _SHOWN else wanted[:_SHOWN] + '…'}"


def _resource(schema: Any) -> Resource[Any]:
    try:
        return Resource.from_contents(schema, default_specification=DRAFT202012)
    except (CannotDetermineSpecification, UnknownDialect):
        return DRAFT202012.create_resource(schema)


def _nowhere(uri: str) -> Resource[Any]:
    raise NoSuchResource(ref=uri)  # type: ignore[call-arg]  # attrs
