"""Pairs of schemas that are alike, and values that are valid by them, for Hypothesis."""

from __future__ import annotations

import copy
import random
from functools import lru_cache
from typing import Any

from hypothesis import strategies as st

NAMES = ("a", "b", "c")
WORDS = ("", "a", "ab", "abc", "12", "1234", "A1", "x-1")
PATTERNS = ("^a", "b$", "^[a-c]*$", r"^\d+$", r"^\d{2,4}$", "^[a-z0-9-]*$", "a|1", "(?=a)")
SCALARS: list[Any] = [None, True, False, -1, 0, 1, 2, 3, 10, 1.5, 2.5, *WORDS]


def _numbers() -> st.SearchStrategy[dict[str, Any]]:
    bound = st.sampled_from((-1, 0, 1, 2, 3, 10, 1.5))
    return st.fixed_dictionaries(
        {"type": st.sampled_from(("number", "integer"))},
        optional={
            "minimum": bound,
            "maximum": bound,
            "exclusiveMinimum": bound,
            "exclusiveMaximum": bound,
            "multipleOf": st.sampled_from((1, 2, 0.5, 3)),
        },
    )


def _strings() -> st.SearchStrategy[dict[str, Any]]:
    length = st.integers(0, 4)
    return st.fixed_dictionaries(
        {"type": st.just("string")},
        optional={"minLength": length, "maxLength": length, "pattern": st.sampled_from(PATTERNS)},
    )


def _listed() -> st.SearchStrategy[dict[str, Any]]:
    values = st.lists(st.sampled_from(SCALARS), min_size=1, max_size=3)
    return values.map(lambda found: {"enum": found}) | st.sampled_from(SCALARS).map(lambda value: {"const": value})


def _types() -> st.SearchStrategy[dict[str, Any]]:
    names = ("null", "boolean", "integer", "number", "string", "array", "object")
    return st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True).map(lambda found: {"type": found})


def _arrays(children: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    size = st.integers(0, 3)
    return st.fixed_dictionaries(
        {"type": st.just("array")},
        optional={
            "items": children,
            "prefixItems": st.lists(children, min_size=1, max_size=2),
            "minItems": size,
            "maxItems": size,
            "uniqueItems": st.booleans(),
            "contains": children,
            "unevaluatedItems": st.just(False),
        },
    )


def _objects(children: st.SearchStrategy[Any], *, closed: bool) -> st.SearchStrategy[dict[str, Any]]:
    members = st.dictionaries(st.sampled_from(NAMES), children, max_size=3)
    required = st.lists(st.sampled_from(NAMES), max_size=2, unique=True)
    always: dict[str, Any] = {"type": st.just("object"), "properties": members}
    optional: dict[str, Any] = {
        "required": required,
        "patternProperties": st.dictionaries(st.sampled_from(("^a", "[bc]", "(?=b)")), children, max_size=1),
        "minProperties": st.integers(0, 3),
        "maxProperties": st.integers(0, 3),
        "propertyNames": st.fixed_dictionaries({"pattern": st.sampled_from(("^a", "[ab]", "."))}),
        "dependentRequired": st.dictionaries(st.sampled_from(NAMES), required, max_size=1),
        "unevaluatedProperties": st.just(False),
    }
    rest = st.booleans() | children
    if closed:
        always["additionalProperties"] = st.just(False)
        del optional["unevaluatedProperties"]
    else:
        optional["additionalProperties"] = rest
    return st.fixed_dictionaries(always, optional=optional)


def _combined(children: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    several = st.lists(children, min_size=1, max_size=3)
    return st.one_of(
        several.map(lambda found: {"allOf": found}),
        several.map(lambda found: {"anyOf": found}),
        several.map(lambda found: {"oneOf": found}),
        children.map(lambda found: {"not": found}),
        st.tuples(children, children).map(lambda found: {"if": found[0], "then": found[1]}),
        st.tuples(_objects(children, closed=False), several).map(lambda found: {**found[0], "anyOf": found[1]}),
        st.just({"$ref": "#/$defs/loop"}),
    )


@lru_cache
def schemas(*, closed: bool = False) -> st.SearchStrategy[Any]:
    """Any schema; with ``closed`` every object says that it has no members but those that it names."""
    leaves: st.SearchStrategy[Any] = st.one_of(
        st.booleans(), st.just({}), _numbers(), _strings(), _listed(), _types() if not closed else _numbers()
    )

    def more(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.one_of(_arrays(children), _objects(children, closed=closed), _combined(children))

    return st.recursive(leaves, more, max_leaves=6)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Any, Any]:
    """Two schemas, of which the second is the first with something changed, or another one."""
    before = draw(schemas())
    after = copy.deepcopy(before)
    for _ in range(draw(st.integers(0, 3))):
        after = _changed(after, draw(schemas()), draw(st.randoms(use_true_random=False)))
    loop = draw(schemas())
    return _with_loop(before, loop), _with_loop(after, draw(st.sampled_from((loop, draw(schemas())))))


def _with_loop(schema: Any, loop: Any) -> Any:
    if schema is True or schema is False:
        return schema
    inner = {"type": "object", "properties": {"a": {"$ref": "#/$defs/loop"}, "b": loop}, "required": ["b"]}
    return {**schema, "$defs": {"loop": inner}}


def _changed(schema: Any, other: Any, chance: random.Random) -> Any:
    """Somewhere in a schema something else: another keyword, one less, another schema."""
    if not isinstance(schema, dict) or not schema or chance.random() < 0.2:
        return other
    found = dict(schema)
    key = chance.choice(sorted(found))
    value = found[key]
    if isinstance(value, dict) and key in ("properties", "patternProperties"):
        if value and chance.random() < 0.7:
            name = chance.choice(sorted(value))
            found[key] = {**value, name: _changed(value[name], other, chance)}
        elif isinstance(other, dict):
            found[key] = {**value, chance.choice(NAMES): other}
    elif key in ("items", "additionalProperties", "not", "if", "then", "contains"):
        found[key] = _changed(value, other, chance)
    elif key in ("allOf", "anyOf", "oneOf", "prefixItems") and isinstance(value, list):
        index = chance.randrange(len(value))
        found[key] = [_changed(each, other, chance) if at == index else each for at, each in enumerate(value)]
    elif isinstance(value, int | float) and not isinstance(value, bool):
        found[key] = max(value + chance.choice((-1, 1)), 1)
    elif chance.random() < 0.5:
        del found[key]
    if isinstance(other, dict) and chance.random() < 0.3:
        found |= {name: each for name, each in other.items() if name != "$ref"}
    return found


values: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(SCALARS),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.sampled_from((*NAMES, "d")), children, max_size=4)
    ),
    max_leaves=8,
)


def instances_of(schema: Any, root: Any, chance: random.Random, depth: int = 0) -> Any:
    """A value that is likely to be valid by a schema, with no members but those that it names."""
    if not isinstance(schema, dict) or depth > 5:
        return chance.choice(SCALARS)
    if "$ref" in schema:
        return instances_of(root.get("$defs", {}).get("loop", {}), root, chance, depth + 1)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return chance.choice(schema["enum"])
    for key in ("allOf", "anyOf", "oneOf"):
        if key in schema and ("properties" not in schema or chance.random() < 0.3):
            made = [instances_of(each, root, chance, depth + 1) for each in schema[key]]
            if key == "allOf" and all(isinstance(each, dict) for each in made):
                return {name: value for each in made for name, value in each.items()}
            return chance.choice(made)
    kind = schema.get("type", "object" if "properties" in schema else None)
    kind = chance.choice(kind) if isinstance(kind, list) else kind
    if kind == "object":
        found = {}
        for name, each in schema.get("properties", {}).items():
            if name in schema.get("required", ()) or chance.random() < 0.6:
                found[name] = instances_of(each, root, chance, depth + 1)
        rest = schema.get("additionalProperties", False)
        if rest is not False and chance.random() < 0.5:
            found[chance.choice((*NAMES, "d"))] = instances_of(rest, root, chance, depth + 1)
        for pattern, each in schema.get("patternProperties", {}).items():
            name = "a" if "a" in pattern else "b"
            if name not in found and chance.random() < 0.5:
                found[name] = instances_of(each, root, chance, depth + 1)
        return found
    if kind == "array":
        first = [instances_of(each, root, chance, depth + 1) for each in schema.get("prefixItems", ())]
        more = chance.randrange(3)
        return first + [instances_of(schema.get("items", {}), root, chance, depth + 1) for _ in range(more)]
    return _scalar(kind, chance)


def _scalar(kind: Any, chance: random.Random) -> Any:
    if kind in ("number", "integer"):
        return chance.choice((-1, 0, 1, 2, 3, 4, 6, 10, 11, 1.5, 2.5, 100))
    if kind == "string":
        return chance.choice(WORDS)
    if kind == "boolean":
        return chance.random() < 0.5
    return None if kind == "null" else chance.choice(SCALARS)
