"""Masks on JSON documents: whole values, wherever the path leads, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.declarations import KeyPaths, MaskPaths
from hub.masks import FlowMasks, Hidden
from transactions.history import MASK

JSON = "application/json"


def hide(content: bytes | str, *paths: str, content_type: str = JSON) -> Hidden:
    masks = FlowMasks(MaskPaths(json=list(paths)), KeyPaths())
    return masks.hide(content.encode() if isinstance(content, str) else content, content_type)


def shown(content: bytes | str, *paths: str) -> Any:
    hidden = hide(content, *paths)
    assert hidden.content is not None
    return json.loads(hidden.content)


@pytest.mark.parametrize(
    ("document", "path", "masked"),
    [
        ('{"a":"x","b":"y"}', "$.a", {"a": MASK, "b": "y"}),
        ('{"a":12.5}', "$.a", {"a": MASK}),
        ('{"a":true}', "$.a", {"a": MASK}),
        ('{"a":{"b":"x","c":[1,2]}}', "$.a", {"a": MASK}),
        ('{"a":{"b":"x","c":[1,2]}}', "$.a.c", {"a": {"b": "x", "c": MASK}}),
        ('{"a":[{"p":1},{"p":2},{"q":3}]}', "$.a[*].p", {"a": [{"p": MASK}, {"p": MASK}, {"q": 3}]}),
        ('{"a":[[{"p":1}],[{"p":2},{"p":3}]]}', "$.a[*][*].p", {"a": [[{"p": MASK}], [{"p": MASK}, {"p": MASK}]]}),
        ('{"a":[1,2,3]}', "$.a[0]", {"a": [MASK, 2, 3]}),
        ('{"a":[1,2,3]}', "$.a[-1]", {"a": [1, 2, MASK]}),
        ('{"a":[1,2,3]}', "$.a[1:]", {"a": [1, MASK, MASK]}),
        ('{"a":{"p":1,"b":{"p":2}},"p":3}', "$..p", {"a": {"p": MASK, "b": {"p": MASK}}, "p": MASK}),
        ('{"a":{"b":1,"c":2}}', "$.a.*", {"a": {"b": MASK, "c": MASK}}),
        ('{"a":{"b":1,"c":2,"d":3}}', "$.a['b','c']", {"a": {"b": MASK, "c": MASK, "d": 3}}),
        ('{"a":"x"}', "$", MASK),
        (
            '{"props":[{"ID":"Price","V":"9.50"},{"ID":"Weight","V":"3"}]}',
            "$.props[?@.ID=='Price'].V",
            {"props": [{"ID": "Price", "V": MASK}, {"ID": "Weight", "V": "3"}]},
        ),
        ('{"price":9,"a":[{"p":1,"price":9}]}', "$.a[?@.p==1].price", {"price": 9, "a": [{"p": 1, "price": MASK}]}),
    ],
)
def test_what_a_path_finds_is_masked_whole(document: str, path: str, masked: Any) -> None:
    assert shown(document, path) == masked
    assert hide(document, path).paths == (path,)


@pytest.mark.parametrize("empty", ["null", '""', "{}", "[]"])
def test_what_says_nothing_stays_as_it_is(empty: str) -> None:
    document = f'{{"a": {empty}}}'
    assert hide(document, "$.a").content == document.encode()
    assert hide(document, "$.a").paths == ()


def test_a_path_that_finds_nothing_leaves_the_very_bytes() -> None:
    document = b'\xef\xbb\xbf{ "a" : 1.50,\r\n "b":"\\u00fc" }'
    hidden = hide(document, "$.nowhere", "$.a.b.c", "$.a[0]")
    assert hidden == Hidden(content=document)


def test_numbers_beside_a_mask_stay_as_they_were_written() -> None:
    hidden = hide('{"a":1.50,"b":1e3,"c":123456789012345678901234567890,"d":-0.0,"p":"x"}', "$.p")
    assert hidden.content == ('{"a":1.50,"b":1e3,"c":123456789012345678901234567890,"d":-0.0,"p":"▒▒▒"}'.encode())


def test_a_document_on_many_lines_stays_on_many_lines() -> None:
    assert hide('{\n  "a": 1,\n  "b": 2\n}\n', "$.a").content == '{\n  "a": "▒▒▒",\n  "b": 2\n}'.encode()


def test_paths_that_overlap_mask_once_and_count_once() -> None:
    hidden = hide('{"a":{"b":"x"}}', "$.a.b", "$.a", "$..b")
    assert hidden.content == b'{"a":"\xe2\x96\x92\xe2\x96\x92\xe2\x96\x92"}'
    assert [hit.place for hit in hidden.hits] == ["$.a.b", "$.a"]


def test_a_filter_may_look_at_what_another_path_masks() -> None:
    document = '{"lines":[{"kind":"price","amount":5},{"kind":"weight","amount":7}]}'
    masked = {"lines": [{"kind": MASK, "amount": MASK}, {"kind": MASK, "amount": 7}]}
    assert shown(document, "$.lines[*].kind", "$.lines[?@.kind=='price'].amount") == masked


@pytest.mark.parametrize(
    "unreadable",
    [
        b'{"a":1,"a":2}',
        b'{"a":1',
        b"\xff\xfe\x00",
        b"",
        b"[" * 100 + b"]" * 100,
        b'{"a":NaN}',
    ],
)
def test_what_cannot_be_read_is_withheld_whole(unreadable: bytes) -> None:
    hidden = hide(unreadable, "$.a")
    assert hidden.content is None
    assert hidden.withheld is not None
    assert "cannot be read" in hidden.withheld


def test_a_content_type_the_hub_does_not_read_is_withheld_whole() -> None:
    assert hide(b'{"a":1}', "$.a", content_type="text/csv").content is None


def test_other_encodings_are_read_as_what_they_are() -> None:
    document = '{"a":"Müller","b":"Öl"}'
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"):
        assert shown(document.encode(encoding), "$.a") == {"a": MASK, "b": "Öl"}


def test_half_a_pair_of_surrogates_does_not_break_the_mask() -> None:
    hidden = hide(b'{"a":"x","b":"\\ud800","\\udc00":1}', "$.a")
    assert hidden.content is not None
    assert b'"a":"\xe2' in hidden.content
    assert b'"x"' not in hidden.content


def test_hits_name_their_place_and_all_that_is_in_them() -> None:
    hidden = hide("""{"lines":[{"odd name'":{"p":1.50,"q":["x",null,true]}}]}""", "$.lines[*].*")
    (hit,) = hidden.hits
    assert hit.place == r"$.lines[0]['odd name\'']"
    assert sorted(hit.leaves) == ["1.50", "x"]


NAMES = st.sampled_from(["a", "b", "name", "price", "lines", "größe", "odd name"])
SECRETS = st.integers(10_000_000, 99_999_999)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 99) | st.text("xyz ", max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


class Plant:
    """Puts secrets into a document, under masked names only."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.secrets: list[str] = []

    def secret(self) -> Any:
        number = self.draw(SECRETS)
        self.secrets.append(str(number))
        shape = self.draw(st.sampled_from(["number", "text", "inside", "list"]))
        return {
            "number": number,
            "text": f"of {number}",
            "inside": {"deep": [{"er": str(number)}]},
            "list": [number, {"x": f"{number}.50"}],
        }[shape]

    def into(self, node: Any) -> Any:
        if isinstance(node, dict):
            return {
                name: self.secret() if name in ("name", "price") else self.into(child) for name, child in node.items()
            }
        return [self.into(child) for child in node] if isinstance(node, list) else node


@settings(max_examples=200, deadline=None)
@given(st.data(), VALUES)
def test_no_hidden_value_survives_and_nothing_else_is_lost(data: st.DataObject, document: Any) -> None:
    plant = Plant(data.draw)
    planted = plant.into(document)
    indent = data.draw(st.sampled_from([None, 2]))
    content = json.dumps(planted, ensure_ascii=data.draw(st.booleans()), indent=indent).encode()
    hidden = hide(content, "$..name", "$..price")
    assert hidden.content is not None
    text = hidden.content.decode()
    assert not any(secret in text for secret in plant.secrets)
    assert set(plant.secrets) <= {
        found for hit in hidden.hits for leaf in hit.leaves for found in plant.secrets if found in leaf
    }
    assert json.loads(text) == _masked(planted)


def _masked(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            name: MASK if name in ("name", "price") and child not in (None, "", {}, []) else _masked(child)
            for name, child in node.items()
        }
    return [_masked(child) for child in node] if isinstance(node, list) else node
