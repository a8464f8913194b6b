"""Where pointers are, in JSON and in YAML."""

from __future__ import annotations

import json
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_policies.contracts.change import keys_of, pointer_to
from gateway_policies.contracts.positions import positions, twice, word

names = st.text(alphabet='ab/~" é.{}[],:', max_size=4)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)


def pointers(value: Any, at: str = "") -> list[tuple[str, Any]]:
    found = [(at, value)]
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in pairs:
        found += pointers(each, pointer_to(at, key))
    return found


def rest(text: str, place: tuple[int, int]) -> str:
    line, column = place
    return "\n".join(text.split("\n")[line - 1 :])[column - 1 :]


@given(values, st.sampled_from([None, 1]))
@settings(deadline=None, derandomize=True)
def test_in_json_a_pointer_leads_to_the_name_or_the_item(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    if not isinstance(value, dict | list):
        return
    known = dict(pointers(value))
    for pointer, place in positions(text, known).items():
        keys = keys_of(pointer)
        if not keys:
            assert place == (1, 1)
            continue
        above = known[pointer.rpartition("/")[0]]
        begin = json.JSONDecoder().raw_decode(rest(text, place))[0]
        assert begin == (keys[-1] if isinstance(above, dict) else known[pointer])


@given(values)
@settings(deadline=None, derandomize=True)
def test_in_yaml_a_pointer_leads_to_a_line_of_its_own(value: Any) -> None:
    text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=False)
    if not isinstance(value, dict) or not value:
        return
    known = [pointer_to("", key) for key in value]
    lines = [place[0] for place in positions(text, known).values()]
    assert sorted(lines) == sorted(set(lines))


YAML = """\
# what callers were promised
openapi: 3.1.0
paths:
  /orders/{order}:
    get:
      parameters:
        - name: plant
          in: query
        - {name: order, in: path}
  shared: &shared
    a: 1
  again: *shared
"""


def test_yaml_with_comments_flows_and_anchors() -> None:
    found = positions(
        YAML,
        [
            "",
            "/openapi",
            "/paths/~1orders~1{order}/get",
            "/paths/~1orders~1{order}/get/parameters/0/in",
            "/paths/~1orders~1{order}/get/parameters/1",
            "/paths/~1orders~1{order}/get/parameters/1/in",
            "/paths/shared/a",
            "/paths/again/a",
            "/nowhere",
        ],
    )
    assert found[""] == (1, 1)
    assert found["/openapi"] == (2, 1)
    assert found["/paths/~1orders~1{order}/get"] == (5, 5)
    assert found["/paths/~1orders~1{order}/get/parameters/0/in"] == (8, 11)
    assert found["/paths/~1orders~1{order}/get/parameters/1"] == (9, 11)
    assert found["/paths/~1orders~1{order}/get/parameters/1/in"] == (9, 25)
    assert found["/paths/shared/a"] == (11, 5)
    assert found["/paths/again/a"] == (12, 3)
    assert found["/nowhere"] == (1, 1)


def test_json_with_escapes() -> None:
    text = '{"a\\u0062": [1, {"c": "}]"}],\n "d": 2}'
    found = positions(text, ["/ab", "/ab/0", "/ab/1/c", "/d"])
    assert found == {"/ab": (1, 2), "/ab/0": (1, 14), "/ab/1/c": (1, 18), "/d": (2, 2)}


def test_json_that_is_yaml_too() -> None:
    assert positions("{a: 1, b: [x]}", ["/b/0"])["/b/0"] == (1, 12)


def test_names_that_stand_twice_and_words() -> None:
    assert twice('{"a": {"b": 1}, "c": {"b": 1}}') == (1, 1)
    assert twice('{"a": 1,\n"a": 2}') == (2, 1)
    assert word('{"NaN": 1, "b": NaN}', "NaN") == (1, 17)
