"""JSON Patch against RFC 6902's own words, and against another implementation of it."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.edits.json_patch import apply_patch, pointer_of, same_json
from hub.edits.refusal import CannotEdit
from transactions.edits import Step

NAMES = st.sampled_from(["a", "b", "", "0", "1", "~", "/", "-"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "x", "▒▒▒"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


def escaped(token: str) -> str:
    return token.replace("~", "~0").replace("/", "~1")


POINTERS = st.lists(NAMES, max_size=3).map(lambda tokens: "".join(f"/{escaped(token)}" for token in tokens))


@st.composite
def steps(draw: Any) -> Step:
    op = draw(st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]))
    more: dict[str, Any] = {}
    if op in ("add", "replace", "test"):
        more["value"] = draw(VALUES)
    if op in ("move", "copy"):
        more["from_"] = draw(POINTERS)
    return Step(op=op, path=draw(POINTERS), **more)


def as_rfc(step: Step) -> dict[str, Any]:
    found: dict[str, Any] = {"op": step.op, "path": step.path}
    if step.op in ("add", "replace", "test"):
        found["value"] = step.value
    if step.op in ("move", "copy"):
        found["from"] = step.from_
    return found


@settings(max_examples=400, deadline=None)
@given(VALUES, steps())
def test_what_another_implementation_does_is_done_here(document: Any, step: Step) -> None:
    root = [copy.deepcopy(document)]
    try:
        apply_patch(root, step)
    except CannotEdit:
        return  # stricter at the root and in moves into itself; what is refused changes nothing that is kept
    if step.op in ("remove", "move", "copy") and "" in (step.path, step.from_):
        return  # the other one has its own mind about the whole document
    expected = jsonpatch.apply_patch(copy.deepcopy(document), [as_rfc(step)])
    assert same_json(root[0], expected)


@pytest.mark.parametrize(
    ("document", "step", "after"),
    [
        ({"foo": "bar"}, Step(op="add", path="/baz", value="qux"), {"foo": "bar", "baz": "qux"}),
        ({"foo": ["bar", "baz"]}, Step(op="add", path="/foo/1", value="qux"), {"foo": ["bar", "qux", "baz"]}),
        ({"foo": ["bar"]}, Step(op="add", path="/foo/-", value="qux"), {"foo": ["bar", "qux"]}),
        ({"baz": 1, "foo": 2}, Step(op="remove", path="/baz"), {"foo": 2}),
        ({"foo": [1, 2, 3]}, Step(op="remove", path="/foo/1"), {"foo": [1, 3]}),
        ({"baz": 1}, Step(op="replace", path="/baz", value="boo"), {"baz": "boo"}),
        ({"a": {"b": 1}, "c": {}}, Step(op="move", from_="/a/b", path="/c/d"), {"a": {}, "c": {"d": 1}}),
        ({"foo": [1, 2, 3, 4]}, Step(op="move", from_="/foo/1", path="/foo/3"), {"foo": [1, 3, 4, 2]}),
        ({"a": {"b": 1}}, Step(op="copy", from_="/a", path="/c"), {"a": {"b": 1}, "c": {"b": 1}}),
        ({"/": 9, "~1": 10}, Step(op="test", path="/~01", value=10), {"/": 9, "~1": 10}),
        ({"a": None}, Step(op="replace", path="", value=[1]), [1]),
        ({"": 1}, Step(op="remove", path="/"), {}),
    ],
)
def test_the_examples_of_the_standard(document: Any, step: Step, after: Any) -> None:
    root = [document]
    apply_patch(root, step)
    assert root[0] == after


@pytest.mark.parametrize(
    ("document", "step", "said"),
    [
        ({"baz": "qux"}, Step(op="test", path="/baz", value="bar"), "not what the test wants"),
        ({"a": 1}, Step(op="test", path="/a", value=True), "not what the test wants"),
        ({"a": 1}, Step(op="add", path="/b/c", value=1), "finds nothing"),
        ({"a": [1]}, Step(op="add", path="/a/2", value=1), "beyond the end"),
        ({"a": [1]}, Step(op="remove", path="/a/01"), "no index"),
        ({"a": [1]}, Step(op="remove", path="/a/-"), "finds nothing"),
        ({"a": {"b": 1}}, Step(op="move", from_="/a", path="/a/b"), "into itself"),
        ({"a": 1}, Step(op="remove", path=""), "cannot be removed"),
        ({"a": 1}, Step(op="remove", path="a"), "begins with a slash"),
        ({"a": 1}, Step(op="remove", path="/~2"), "tilde"),
        ({"a": 1}, Step(op="remove", path="/a/b"), "neither an object nor an array"),
    ],
)
def test_what_does_not_apply_says_why(document: Any, step: Step, said: str) -> None:
    with pytest.raises(CannotEdit, match=said):
        apply_patch([document], step)


def test_pointers_are_unescaped_in_the_right_order() -> None:
    assert pointer_of("/~01/a~1b") == ["~1", "a/b"]
    assert pointer_of("") == []


def test_a_value_that_was_added_is_not_the_one_that_was_given() -> None:
    value = {"x": 1}
    root: list[Any] = [{}]
    apply_patch(root, Step(op="add", path="/a", value=value))
    root[0]["a"]["x"] = 2
    assert value == {"x": 1}
