"""Each kind of change of a schema: what it is called, and whom it breaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway_policies.contracts.catalogue import kinds
from gateway_policies.contracts.change import Direction, Level
from gateway_policies.contracts.documents import Dialect
from gateway_policies.contracts.schema_changes import compare_schemas

REQUEST, RESPONSE = Direction.REQUEST, Direction.RESPONSE


def told(before: Any, after: Any, direction: Direction, **options: Any) -> dict[str, str]:
    """The ids of what changed, with their levels; each of them is one that the page has."""
    changes = compare_schemas(before, after, direction, **options)
    assert {each.id for each in changes} <= kinds().keys()
    return {each.id: each.level.value for each in changes}


def obj(required: list[str] | None = None, **members: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "properties": members}
    return found | ({"required": required} if required is not None else {})


STRING = {"type": "string"}
NARROWING: list[tuple[str, str, Any, Any]] = [
    ("type-specialized", "type-generalized", {"type": "number"}, {"type": "integer"}),
    ("type-specialized", "type-generalized", {"type": ["string", "integer"]}, {"type": "integer"}),
    ("type-specialized", "type-generalized", {}, {"type": "string"}),
    ("became-not-nullable", "became-nullable", {"type": ["string", "null"]}, {"type": "string"}),
    ("became-enum", "no-longer-enum", STRING, {"type": "string", "enum": ["a"]}),
    ("enum-value-removed", "enum-value-added", {"enum": ["a", "b"]}, {"enum": ["a"]}),
    ("enum-value-removed", "enum-value-added", {"enum": ["a", 1]}, {"const": "a"}),
    ("enum-value-removed", "enum-value-added", {"type": "boolean"}, {"const": True}),
    ("min-set", "min-removed", {"type": "number"}, {"type": "number", "minimum": 0}),
    ("min-increased", "min-decreased", {"type": "number", "minimum": 0}, {"type": "number", "minimum": 1}),
    (
        "min-increased",
        "min-decreased",
        {"type": "number", "minimum": 0},
        {"type": "number", "exclusiveMinimum": 0},
    ),
    ("max-decreased", "max-increased", {"type": "number", "maximum": 10}, {"type": "number", "maximum": 9.5}),
    ("max-set", "max-removed", {"type": "number"}, {"type": "number", "maximum": 9.5}),
    ("min-length-set", "min-length-removed", STRING, {"type": "string", "minLength": 1}),
    ("max-length-set", "max-length-removed", STRING, {"type": "string", "maxLength": 1}),
    (
        "max-length-decreased",
        "max-length-increased",
        {"type": "string", "maxLength": 40},
        {"type": "string", "maxLength": 18},
    ),
    ("min-items-set", "min-items-removed", {"type": "array"}, {"type": "array", "minItems": 1}),
    ("max-items-set", "max-items-removed", {"type": "array"}, {"type": "array", "maxItems": 1}),
    ("unique-items-added", "unique-items-removed", {"type": "array"}, {"type": "array", "uniqueItems": True}),
    ("min-properties-set", "min-properties-removed", obj(), obj() | {"minProperties": 1}),
    ("max-properties-set", "max-properties-removed", obj(), obj() | {"maxProperties": 1}),
    ("multiple-of-added", "multiple-of-removed", {"type": "number"}, {"type": "number", "multipleOf": 0.5}),
    (
        "multiple-of-changed",
        "multiple-of-changed",
        {"type": "integer", "multipleOf": 2},
        {"type": "integer", "multipleOf": 4},
    ),
    ("pattern-added", "pattern-removed", STRING, {"type": "string", "pattern": "^P0[1-3]$"}),
    (
        "pattern-changed",
        "pattern-changed",
        {"type": "string", "pattern": r"^\d+$"},
        {"type": "string", "pattern": "^[0-9]{4}$"},
    ),
    ("format-added", "format-removed", STRING, {"type": "string", "format": "uuid"}),
    (
        "format-changed",
        "format-changed",
        {"type": "integer", "format": "int64"},
        {"type": "integer", "format": "int32"},
    ),
    (
        "format-changed",
        "format-changed",
        {"type": "string", "format": "uri-reference"},
        {"type": "string", "format": "uri"},
    ),
    (
        "additional-properties-closed",
        "additional-properties-opened",
        obj(),
        obj() | {"additionalProperties": False},
    ),
    (
        "additional-properties-narrowed",
        "additional-properties-widened",
        obj(),
        obj() | {"additionalProperties": STRING},
    ),
    (
        "alternative-removed",
        "alternative-added",
        {"anyOf": [obj(["a"], a=STRING), obj(["b"], b=STRING)]},
        {"anyOf": [obj(["a"], a=STRING), obj(["c"], c=STRING)]},
    ),
]


@pytest.mark.parametrize(("narrower", "wider", "before", "after"), NARROWING)
def test_what_narrows_breaks_requests_and_no_answers(narrower: str, wider: str, before: Any, after: Any) -> None:
    assert told(before, after, REQUEST)[f"request-body-{narrower}"] == "breaking"
    assert told(after, before, RESPONSE)[f"response-body-{wider}"] == "breaking"
    if narrower != "alternative-removed":
        assert set(told(after, before, REQUEST).values()) == {"compatible"}
        assert f"request-body-{wider}" in told(after, before, REQUEST)
        assert set(told(before, after, RESPONSE).values()) == {"compatible"}
        assert f"response-body-{narrower}" in told(before, after, RESPONSE)


@pytest.mark.parametrize(("narrower", "wider", "before", "after"), NARROWING)
def test_a_property_is_compared_like_the_whole(narrower: str, wider: str, before: Any, after: Any) -> None:
    one, other = obj(quantity={"type": "array", "items": before}), obj(quantity={"type": "array", "items": after})
    changes = compare_schemas(one, other, REQUEST)
    assert f"request-property-{narrower}" in {each.id for each in changes}
    assert {each.path for each in changes} == {"quantity[]"}
    assert all("quantity[]" in each.message for each in changes)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (STRING, {"type": "integer"}),
        ({"type": ["string", "boolean"]}, {"type": ["string", "number"]}),
        (obj(), {"type": "array"}),
    ],
)
def test_another_type_breaks_both_ways(before: Any, after: Any) -> None:
    assert told(before, after, REQUEST) == {"request-body-type-changed": "breaking"}
    assert told(before, after, RESPONSE) == {"response-body-type-changed": "breaking"}


PROPERTIES: list[tuple[str, Any, Any, dict[str, str], dict[str, str]]] = [
    (
        "new and required",
        obj(a=STRING),
        obj(["b"], a=STRING, b=STRING),
        {"new-required-request-property": "breaking"},
        {"response-required-property-added": "compatible"},
    ),
    (
        "new and optional",
        obj(a=STRING),
        obj(a=STRING, b=STRING),
        {"new-optional-request-property": "compatible"},
        {"response-optional-property-added": "compatible"},
    ),
    (
        "removed, was required",
        obj(["b"], a=STRING, b=STRING),
        obj(a=STRING),
        {"request-property-removed": "breaking"},
        {"response-required-property-removed": "breaking"},
    ),
    (
        "removed, was optional",
        obj(a=STRING, b=STRING),
        obj(a=STRING),
        {"request-property-removed": "breaking"},
        {"response-optional-property-removed": "breaking"},
    ),
    (
        "became required",
        obj(a=STRING),
        obj(["a"], a=STRING),
        {"request-property-became-required": "breaking"},
        {"response-property-became-required": "compatible"},
    ),
    (
        "became optional",
        obj(["a"], a=STRING),
        obj(a=STRING),
        {"request-property-became-optional": "compatible"},
        {"response-property-became-optional": "breaking"},
    ),
    (
        "added to a closed object",
        obj(a=STRING) | {"additionalProperties": False},
        obj(a=STRING, b=STRING) | {"additionalProperties": False},
        {"new-optional-request-property": "compatible"},
        {"response-optional-property-added": "breaking"},
    ),
    (
        "described where anything went",
        obj(a=STRING) | {"additionalProperties": True},
        obj(a=STRING, b=STRING) | {"additionalProperties": True},
        {"request-property-constrained": "undecided"},
        {"response-optional-property-added": "compatible"},
    ),
    (
        "default changed",
        obj(a={"type": "integer", "default": 1}),
        obj(a={"type": "integer", "default": 2}),
        {"request-property-default-value-changed": "breaking"},
        {"response-property-default-value-changed": "compatible"},
    ),
    (
        "default set",
        obj(a={"type": "integer"}),
        obj(a={"type": "integer", "default": 2}),
        {"request-property-default-value-added": "undecided"},
        {"response-property-default-value-added": "compatible"},
    ),
    (
        "default gone",
        obj(a={"type": "integer", "default": None}),
        obj(a={"type": "integer"}),
        {"request-property-default-value-removed": "breaking"},
        {"response-property-default-value-removed": "compatible"},
    ),
    (
        "deprecated",
        obj(a=STRING),
        obj(a=STRING | {"deprecated": True}),
        {"request-property-deprecated": "compatible"},
        {"response-property-deprecated": "compatible"},
    ),
    (
        "one needs another",
        obj(a=STRING, b=STRING),
        obj(a=STRING, b=STRING) | {"dependentRequired": {"a": ["b"]}},
        {"request-property-dependent-required-added": "breaking"},
        {"response-property-dependent-required-added": "compatible"},
    ),
    (
        "names of properties",
        obj(a=STRING) | {"additionalProperties": STRING},
        obj(a=STRING) | {"additionalProperties": STRING, "propertyNames": {"maxLength": 3}},
        {"request-property-max-length-set": "breaking"},
        {"response-property-max-length-set": "compatible"},
    ),
    (
        "encoding of content",
        obj(a=STRING | {"contentEncoding": "base64"}),
        obj(a=STRING | {"contentEncoding": "base32"}),
        {"request-property-content-encoding-changed": "breaking"},
        {"response-property-content-encoding-changed": "breaking"},
    ),
]


@pytest.mark.parametrize(("_name", "before", "after", "request_", "response"), PROPERTIES)
def test_properties_come_go_and_change(
    _name: str, before: Any, after: Any, request_: dict[str, str], response: dict[str, str]
) -> None:
    assert told(before, after, REQUEST) == request_
    assert told(before, after, RESPONSE) == response


@pytest.mark.parametrize("dialect", [Dialect.OPENAPI_3_0, Dialect.OPENAPI_3_1])
def test_what_is_never_sent_is_not_missed(dialect: Dialect) -> None:
    number = {"type": "string", "readOnly": True}
    options = {"dialect": dialect}
    assert told(obj(), obj(["number"], number=number), REQUEST, **options) == {}
    assert told(obj(number=number), obj(), REQUEST, **options) == {}
    assert told(obj(number=STRING), obj(number=number), REQUEST, **options) == {
        "request-property-became-read-only": "breaking"
    }
    assert told(obj(number=STRING), obj(number=number), RESPONSE, **options) == {
        "response-property-became-read-only": "compatible"
    }
    secret = {"type": "string", "writeOnly": True}
    assert (
        told(obj(secret=STRING), obj(secret=secret), RESPONSE, **options)["response-property-became-write-only"]
        == "breaking"
    )


def test_openapi_3_0_has_words_of_its_own() -> None:
    options = {"dialect": Dialect.OPENAPI_3_0}
    assert told(STRING | {"nullable": True}, STRING, REQUEST, **options) == {
        "request-body-became-not-nullable": "breaking"
    }
    strict = {"type": "number", "minimum": 0, "exclusiveMinimum": True}
    assert told({"type": "number", "minimum": 0}, strict, REQUEST, **options) == {
        "request-body-min-increased": "breaking"
    }
    # What stands beside a reference does not count there; in 3.1 it does.
    both = {"$ref": "#/$defs/a", "maxLength": 3, "$defs": {"a": STRING}}
    without = {"$ref": "#/$defs/a", "$defs": {"a": STRING}}
    assert told(without, both, REQUEST, **options) == {}
    assert told(without, both, REQUEST, dialect=Dialect.OPENAPI_3_1) == {"request-body-max-length-set": "breaking"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"type": "integer", "minimum": 1}, {"type": "integer", "exclusiveMinimum": 0}),
        ({"type": "integer", "format": "int32"}, {"type": "integer", "format": "int32", "multipleOf": 1}),
        ({"const": "a"}, {"enum": ["a"]}),
        ({"enum": [1]}, {"enum": [1.0]}),
        ({"allOf": [STRING, {"maxLength": 3}]}, {"type": "string", "maxLength": 3}),
        ({"type": ["string", "null"]}, {"anyOf": [{"type": "null"}, STRING]}),
        ({"type": "string", "pattern": "^[0-9]+$"}, {"type": "string", "pattern": r"^\d+$"}),
        ({"type": "string", "pattern": "a"}, {"type": "string", "pattern": "^.*a.*$"}),
        ({"oneOf": [STRING, {"type": "integer"}]}, {"type": ["integer", "string"]}),
        (obj(a=STRING, b=STRING), {"allOf": [obj(a=STRING), obj(b=STRING)]}),
        (obj(a=STRING) | {"additionalProperties": False}, {"allOf": [obj(a=STRING)], "unevaluatedProperties": False}),
        (STRING, STRING | {"description": "new", "title": "T", "examples": ["x"], "x-own": 1}),
        ({"type": "array", "items": STRING}, {"type": "array", "prefixItems": [STRING], "items": STRING}),
    ],
)
def test_what_is_only_written_another_way_is_no_change(before: Any, after: Any) -> None:
    for direction in Direction:
        assert told(before, after, direction) == {}
        assert told(after, before, direction) == {}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (STRING, {"type": "string", "not": {"pattern": "^x"}}),
        ({"type": "array"}, {"type": "array", "contains": {"type": "string"}}),
        (obj(a=STRING), obj(a=STRING) | {"if": {"required": ["a"]}, "then": {"minProperties": 1}}),
        (STRING | {"pattern": "^a"}, STRING | {"pattern": "(?=a)b"}),
        (
            {"anyOf": [obj(a=STRING), obj(b=STRING)]},
            {"oneOf": [obj(a=STRING), obj(b=STRING)]},
        ),
        (obj(a=STRING), obj(a=STRING) | {"dependentSchemas": {"a": {"minProperties": 1}}}),
    ],
)
def test_what_cannot_be_decided_is_said_to_be_undecided(before: Any, after: Any) -> None:
    found = told(before, after, REQUEST)
    assert set(found.values()) == {"undecided"}
    assert told(before, before, REQUEST) == {}


def test_the_same_condition_is_the_same_condition() -> None:
    before = {"type": "string", "not": {"pattern": "(?=a)"}, "maxLength": 5}
    after = {"type": "string", "not": {"pattern": "(?=a)", "description": "not these"}, "maxLength": 6}
    assert told(before, after, REQUEST) == {"request-body-max-length-increased": "compatible"}


def test_what_a_condition_excludes_was_never_let_through() -> None:
    after = {"type": "string", "not": {"type": "integer"}}
    assert told(STRING, after, REQUEST) == {}
    assert told({"enum": ["a"]}, {"type": "string", "not": {"const": "b"}}, REQUEST) == {
        "request-body-no-longer-enum": "compatible"
    }


def test_alternatives_are_told_apart_by_their_discriminator() -> None:
    def document(*kinds: str, maximum: int = 9) -> dict[str, Any]:
        defs = {kind: obj(["kind"], kind=STRING, size={"type": "integer", "maximum": maximum}) for kind in kinds}
        return {
            "oneOf": [{"$ref": f"#/$defs/{kind}"} for kind in kinds],
            "discriminator": {"propertyName": "kind"},
            "$defs": defs,
        }

    both, one, more = document("pallet", "box"), document("pallet"), document("pallet", "box", "bag")
    assert told(more, both, REQUEST)["request-body-alternative-removed"] == "breaking"
    assert "breaking" in told(both, one, REQUEST).values()
    assert set(told(both, more, REQUEST).values()) == {"compatible"}
    assert "breaking" in told(both, more, RESPONSE).values()
    tighter = told(both, document("pallet", "box", maximum=5), REQUEST)
    assert tighter == {"request-property-max-decreased": "breaking"}


def test_another_discriminator_breaks() -> None:
    def document(name: str) -> dict[str, Any]:
        return obj(["kind", "type"], kind=STRING, type=STRING) | {"discriminator": {"propertyName": name}}

    assert told(document("kind"), document("type"), REQUEST) == {"request-body-discriminator-changed": "breaking"}


def test_a_schema_that_holds_itself_is_compared_to_its_end() -> None:
    def tree(length: int) -> dict[str, Any]:
        node = obj(text=STRING | {"maxLength": length}, parts={"type": "array", "items": {"$ref": "#/$defs/node"}})
        return {"$ref": "#/$defs/node", "$defs": {"node": node}}

    (change,) = compare_schemas(tree(5), tree(3), REQUEST)
    assert (change.id, change.path) == ("request-property-max-length-decreased", "text")
    assert compare_schemas(tree(5), tree(5), REQUEST) == []


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
        {"allOf": [{"$ref": "#"}]},
        {"anyOf": [{"$ref": "#"}, {"type": "string"}]},
        {"not": {"$ref": "#"}},
        {"$ref": "#/$defs/nowhere"},
        {"type": "rubbish"},
        {"type": 3, "properties": [], "required": "a", "enum": "x", "minimum": "y"},
        {"items": 3, "anyOf": {}, "allOf": 7, "additionalProperties": "no"},
        {"patternProperties": {"(": {}}, "dependentRequired": [], "pattern": 7},
    ],
)
def test_schemas_that_make_no_sense_are_survived(schema: Any) -> None:
    for direction in Direction:
        assert compare_schemas(schema, schema, direction) == []
        compare_schemas(schema, STRING, direction)
        compare_schemas(STRING, schema, direction)


def test_a_chain_of_diamonds_takes_no_time_that_doubles() -> None:
    def diamonds(length: int) -> dict[str, Any]:
        defs: dict[str, Any] = {
            f"s{n}": obj(a={"$ref": f"#/$defs/s{n + 1}"}, b={"$ref": f"#/$defs/s{n + 1}"}) for n in range(300)
        }
        defs["s300"] = STRING | {"maxLength": length}
        both = {f"m{n}": {"allOf": [{"$ref": f"#/$defs/m{n + 1}"}, {"$ref": f"#/$defs/m{n + 1}"}]} for n in range(30)}
        return {
            "properties": {"s": {"$ref": "#/$defs/s0"}, "m": {"$ref": "#/$defs/m0"}},
            "$defs": defs | both | {"m30": {"$ref": "#/$defs/s300"}},
        }

    changes = compare_schemas(diamonds(5), diamonds(4), REQUEST)
    assert {each.id for each in changes} == {"request-property-max-length-decreased"}


def chain(count: int, length: int, link: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """Schemas each of which refers to the next."""
    defs = {f"s{n}": link({"$ref": f"#/$defs/s{n + 1}"}) for n in range(count)}
    return {"$ref": "#/$defs/s0", "$defs": {**defs, f"s{count}": STRING | {"maxLength": length}}}


def test_a_chain_of_properties_may_be_as_long_as_it_likes() -> None:
    before, after = (chain(1500, length, lambda each: obj(next=each)) for length in (5, 4))
    assert told(before, after, REQUEST) == {"request-property-max-length-decreased": "breaking"}


@pytest.mark.parametrize(
    ("count", "link"),
    [
        (400, lambda each: each),
        (400, lambda each: {"allOf": [each]}),
        (400, lambda each: {"not": each}),
        (400, lambda each: {"oneOf": [obj(["a"], a=each), obj(["b"], b=each)]}),
        (24, lambda each: {"anyOf": [{"not": each}, each]}),
    ],
)
def test_what_is_nested_too_deep_is_undecided_and_takes_no_time_that_doubles(
    count: int, link: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    before, after = (chain(count, length, link) for length in (5, 4))
    for direction in Direction:
        found = told(before, after, direction)
        assert found
        assert set(found.values()) <= {"undecided", "breaking", "compatible"}
        assert told(before, before, direction) == {}
        told(before, {"enum": [True, None, {"a": {"b": 1}}]}, direction)
        told({"enum": [True, None, {"a": {"b": 1}}]}, before, direction)


def test_what_is_too_deep_to_be_compared_is_said_to_be() -> None:
    before, after = (chain(300, length, lambda each: {"allOf": [each]}) for length in (5, 4))
    assert told(before, after, REQUEST) == {"request-body-not-compared": "undecided"}


def test_values_nested_deep() -> None:
    value: Any = 1
    for _ in range(90):
        value = {"a": [value]}
    loop = {
        "$ref": "#/$defs/n",
        "$defs": {"n": {"type": ["object", "array", "integer"], "items": {"$ref": "#/$defs/n"}}},
    }
    loop["$defs"]["n"]["additionalProperties"] = {"$ref": "#/$defs/n"}
    assert "breaking" not in told({"enum": [value]}, loop, REQUEST).values()
    assert told({"enum": [value]}, {"enum": [value]}, REQUEST) == {}


def test_too_many_alternatives_are_undecided_not_endless() -> None:
    choice = {"anyOf": [{"maxLength": n} for n in range(20)]}
    other = {"anyOf": [{"maxLength": n + 1} for n in range(20)]}
    found = told({"allOf": [choice, choice, choice]}, {"allOf": [other, other, choice]}, REQUEST)
    assert set(found.values()) <= {"undecided", "compatible"}
    assert "undecided" in found.values()


def test_open_content_is_taken_at_its_word_when_asked() -> None:
    before, after = obj(a=STRING), obj(a=STRING, b=STRING)
    assert told(before, after, REQUEST) == {"new-optional-request-property": "compatible"}
    assert told(before, after, REQUEST, closed_world=False)["request-property-type-specialized"] == "breaking"


def test_changes_say_where_in_both_and_what() -> None:
    before = obj(lines={"type": "array", "items": obj(quantity={"type": "number", "maximum": 100})})
    after = obj(lines={"type": "array", "items": obj(quantity={"type": "number", "maximum": 50})})
    (change,) = compare_schemas(before, after, REQUEST)
    assert change.level is Level.BREAKING
    assert change.message == "The property lines[].quantity of the document has its maximum lowered from 100 to 50."
    assert change.before is not None
    assert change.after is not None
    assert change.after.pointer == "/properties/lines/items/properties/quantity/maximum"


def test_a_pattern_comes_with_a_text_that_tells_them_apart() -> None:
    (change,) = compare_schemas(
        {"type": "string", "pattern": "^[A-Z]+$"}, {"type": "string", "pattern": "^[A-Z]{3}$"}, REQUEST
    )
    assert "from ^[A-Z]+$ to ^[A-Z]{3}$" in change.message
    assert 'no longer, for example, "A"' in change.message
