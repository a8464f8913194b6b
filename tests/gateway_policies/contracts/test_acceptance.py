"""Whether a value is valid: the same answer as a validator's, or none."""

from __future__ import annotations

import random
from typing import Any

import pytest
from contract_strategies import instances_of, schemas, values
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gateway_policies.contracts.acceptance import accepts
from gateway_policies.contracts.disjointness import disjoint
from gateway_policies.contracts.documents import Dialect, Library, Node
from gateway_policies.contracts.schemas import Schemas

THOROUGH = settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def opened(schema: Any, *, closed_world: bool = False) -> tuple[Schemas, Node]:
    library = Library.of(schema, Dialect.JSON_SCHEMA)
    assert isinstance(library.root, Node)
    return Schemas(library, closed_world=closed_world), library.root


def without_loops(schema: Any) -> Any:
    return schema if isinstance(schema, bool) else {**schema, "$defs": {"loop": {"type": "integer"}}}


@THOROUGH
@given(schemas(), st.lists(values, max_size=8), st.integers(0, 1000))
def test_an_answer_is_the_validators(schema: Any, tried: list[Any], seed: int) -> None:
    schema = without_loops(schema)
    known, root = opened(schema)
    chance = random.Random(seed)
    validator = Draft202012Validator(schema)
    for value in [*tried, *(instances_of(schema, schema, chance) for _ in range(8))]:
        found = accepts(known, (root,), value)
        assert found is None or found == validator.is_valid(value)


@THOROUGH
@given(schemas(), schemas(), st.lists(values, max_size=8), st.integers(0, 1000))
def test_what_excludes_each_other_has_nothing_in_common(one: Any, other: Any, tried: list[Any], seed: int) -> None:
    one, other = without_loops(one), without_loops(other)
    (some, first), (more, second) = opened(one), opened(other)
    apart = all(
        disjoint(some, mine, theirs, more) for mine in some.branches((first,)) for theirs in more.branches((second,))
    )
    if not apart:
        return
    chance = random.Random(seed)
    made = [instances_of(each, each, chance) for each in (one, other) for _ in range(6)]
    for value in [*tried, *made]:
        assert not (Draft202012Validator(one).is_valid(value) and Draft202012Validator(other).is_valid(value))


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ({"type": "string"}, {"type": "integer"}, True),
        ({"type": "string"}, {"type": ["string", "null"]}, False),
        ({"maximum": 3, "type": "number"}, {"exclusiveMinimum": 3, "type": "number"}, True),
        ({"maximum": 3, "type": "number"}, {"minimum": 3, "type": "number"}, False),
        ({"type": "string", "maxLength": 2}, {"type": "string", "minLength": 3}, True),
        ({"enum": ["a", "b"]}, {"enum": ["c"]}, True),
        ({"enum": ["a", "b"]}, {"type": "string", "pattern": "^c"}, True),
        (
            {"type": "object", "required": ["k"], "properties": {"k": {"const": 1}}},
            {"type": "object", "required": ["k"], "properties": {"k": {"const": 2}}},
            True,
        ),
        ({"type": "object", "required": ["a"]}, {"type": "object", "properties": {"a": False}}, True),
    ],
)
def test_schemas_that_exclude_each_other(one: Any, other: Any, apart: bool) -> None:
    (some, first), (more, second) = opened(one), opened(other)
    (mine,), (theirs,) = some.branches((first,)), more.branches((second,))
    assert disjoint(some, mine, theirs, more) is apart
    assert disjoint(more, theirs, mine, some) is apart


def test_what_one_names_and_the_other_does_not_keeps_them_apart_in_a_closed_world_only() -> None:
    one = {"type": "object", "required": ["a"], "properties": {"a": {}}}
    other = {"type": "object", "required": ["b"], "properties": {"b": {}}}
    for closed_world in (True, False):
        (some, first), (more, second) = (opened(each, closed_world=closed_world) for each in (one, other))
        (mine,), (theirs,) = some.branches((first,)), more.branches((second,))
        assert disjoint(some, mine, theirs, more) is closed_world
