"""The schema for editors says what the loader says: both are given the same documents."""

from __future__ import annotations

import datetime
import tomllib
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from policy_folder import FILES
from policy_strategies import policy_sets

from gateway_policies.loading.formats import FORMATS, Kind
from gateway_policies.loading.schema import schema_of, schemas
from gateway_policies.loading.shapes import Checking
from gateway_policies.model import PolicySet
from gateway_policies.writing.files import texts

BEYOND = ("twice", "ends before it begins", "no offset", "the year", "user and a password")
"""What a schema cannot say: it is the loader's alone."""


def kind_of(file: str) -> Kind:
    if file.startswith("apis/"):
        return Kind.API
    if file.startswith("consumers/"):
        return Kind.CONSUMER
    return Kind(file.removesuffix(".toml"))


def as_json(value: Any) -> Any:
    """As editors see TOML: dates are texts."""
    if isinstance(value, dict):
        return {key: as_json(each) for key, each in value.items()}
    if isinstance(value, list):
        return [as_json(each) for each in value]
    if isinstance(value, datetime.date | datetime.datetime | datetime.time):
        return value.isoformat()
    return value


def validator(schema: dict[str, Any]) -> Any:
    kind = jsonschema.Draft202012Validator
    kind.check_schema(schema)
    return kind(schema, format_checker=kind.FORMAT_CHECKER)


VALIDATORS = {kind: validator(schema_of(kind)) for kind in Kind}


def loader_says(kind: Kind, raw: dict[str, Any]) -> list[str]:
    checking = Checking()
    FORMATS[kind].check(raw, (), checking)
    return [each.message for each in checking.problems]


@pytest.mark.parametrize("file", FILES)
def test_what_is_right_is_right_to_both(file: str) -> None:
    raw = tomllib.loads(FILES[file])
    assert loader_says(kind_of(file), raw) == []
    assert not list(VALIDATORS[kind_of(file)].iter_errors(as_json(raw)))
    assert not list(validator(schemas()["$defs"][kind_of(file).value]).iter_errors(as_json(raw)))


@given(policy_sets(2))
@settings(max_examples=40, deadline=None)
def test_every_policy_is_right_to_both(policies: PolicySet) -> None:
    for file, text in texts(policies).items():
        kind = Kind.API if file.startswith("apis/") else kind_of(file)
        assert not list(VALIDATORS[kind].iter_errors(as_json(tomllib.loads(text)))), text


def changed(raw: Any, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Any]]:
    """A document with one thing spoilt, for every thing in it and many ways to spoil it."""
    found: list[tuple[tuple[Any, ...], Any]] = []
    items = list(raw.items()) if isinstance(raw, dict) else list(enumerate(raw)) if isinstance(raw, list) else []
    for key, value in items:
        for other in ("", "X y", 0, -1, 1.5, True, [], {}, ["x"], {"x": 1}, datetime.date(2027, 1, 1), "a" * 70, "é"):
            copy = raw.copy()
            copy[key] = other
            found.append(((*path, key, repr(other)), copy))
        if isinstance(raw, dict):
            copy = raw.copy()
            del copy[key]
            found += [((*path, key, "gone"), copy), ((*path, key, "more"), {**raw, f"{key}x": value})]
        for where, inner in changed(value, (*path, key)):
            copy = raw.copy()
            copy[key] = inner
            found.append((where, copy))
    return found


@pytest.mark.parametrize("file", FILES)
def test_what_is_wrong_to_one_is_wrong_to_the_other(file: str) -> None:
    kind = kind_of(file)
    for where, raw in changed(tomllib.loads(FILES[file])):
        said = [each for each in loader_says(kind, raw) if not any(word in each for word in BEYOND)]
        errors = list(VALIDATORS[kind].iter_errors(as_json(raw)))
        dates = any(isinstance(each.instance, str) and "2027-01-01" in each.instance for each in errors)
        if dates or "date" in where[-1] or where[-2] in ("from", "until"):
            # A date looks like a text to an editor, wherever it stands; and this validator knows no times.
            continue
        assert bool(said) == bool(errors), (where, said, [each.message for each in errors])


def test_every_key_is_described_and_the_schemas_have_names() -> None:
    def tables(schema: Any) -> Any:
        if isinstance(schema, dict):
            if "properties" in schema:
                yield schema
            for each in schema.values():
                yield from tables(each)

    for kind in Kind:
        schema = schema_of(kind)
        assert schema["$id"].startswith("urn:andon:schema:policy:")
        assert schema["title"]
        for table in tables(schema):
            assert all(each["description"].endswith(".") for each in table["properties"].values())
            assert table["additionalProperties"] is False


def test_editors_can_read_the_patterns_too() -> None:
    """ECMAScript has no possessive quantifiers, no inline flags and no lookbehind of any length."""
    text = str([schema_of(kind) for kind in Kind])
    for foreign in ("(?P", "(?i", "(?x", "(?>", "(?<", "\\A", "\\Z", "++)"):
        assert foreign not in text, foreign
