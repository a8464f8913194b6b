"""What the comparison of schemas calls compatible is: checked against a validator that knows nothing of it."""

from __future__ import annotations

import random
from typing import Any

from contract_strategies import instances_of, pairs, schemas, values
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gateway_policies.contracts.change import Direction, Level
from gateway_policies.contracts.schema_changes import compare_schemas

THOROUGH = settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def compatible(before: Any, after: Any, direction: Direction, *, closed_world: bool) -> bool:
    changes = compare_schemas(before, after, direction, closed_world=closed_world)
    return all(each.level is Level.COMPATIBLE for each in changes)


def valid(schema: Any, value: Any) -> bool:
    return Draft202012Validator(schema).is_valid(value)


@THOROUGH
@given(pairs(), st.lists(values, min_size=5, max_size=15), st.integers(0, 1000))
def test_what_was_accepted_is_accepted_after_a_compatible_change(
    pair: tuple[Any, Any], tried: list[Any], seed: int
) -> None:
    before, after = pair
    if not compatible(before, after, Direction.REQUEST, closed_world=False):
        event("not compatible")
        return
    chance = random.Random(seed)
    tried = [*tried, *(instances_of(before, before, chance) for _ in range(15))]
    for value in tried:
        if valid(before, value):
            event("tried")
            assert valid(after, value), f"{value!r} was valid by {before!r} and is not by {after!r}"


@THOROUGH
@given(pairs(), st.lists(values, min_size=5, max_size=15), st.integers(0, 1000))
def test_what_is_answered_after_a_compatible_change_was_promised(
    pair: tuple[Any, Any], tried: list[Any], seed: int
) -> None:
    before, after = pair
    if not compatible(before, after, Direction.RESPONSE, closed_world=False):
        return
    chance = random.Random(seed)
    for value in [*tried, *(instances_of(after, after, chance) for _ in range(15))]:
        if valid(after, value):
            assert valid(before, value), f"{value!r} is valid by {after!r} and was not by {before!r}"


@THOROUGH
@given(pairs(), st.sampled_from(list(Direction)), st.integers(0, 1000))
def test_in_a_closed_world_it_holds_for_documents_of_what_is_named(
    pair: tuple[Any, Any], direction: Direction, seed: int
) -> None:
    before, after = pair
    if not compatible(before, after, direction, closed_world=True):
        return
    one, other = (before, after) if direction is Direction.REQUEST else (after, before)
    chance = random.Random(seed)
    for value in (instances_of(one, one, chance) for _ in range(25)):
        if valid(one, value):
            assert valid(other, value), f"{value!r} is valid by {one!r} and not by {other!r}"


def test_what_one_of_several_lets_through_beside_another_is_not_passed_over() -> None:
    """Found by Hypothesis: a schema that names nothing says nothing of what its documents have."""
    before = {"type": "object", "required": ["b"], "properties": {"b": {}}}
    assert not compatible(before, {**before, "not": {"not": False}}, Direction.REQUEST, closed_world=True)
    either = {"oneOf": [before, {"type": "object", "properties": {"a": {}}}]}
    assert not compatible(before, either, Direction.REQUEST, closed_world=True)


@THOROUGH
@given(schemas())
def test_a_schema_is_compatible_with_itself(schema: Any) -> None:
    assume(isinstance(schema, bool) or "$ref" not in str(schema))
    for direction in Direction:
        assert compare_schemas(schema, schema, direction) == []
