"""Contracts that cannot be read say why and where; what can be is read as JSON would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_policies.contracts.contract import open_contract, open_schema
from gateway_policies.contracts.fault import Fault
from gateway_policies.contracts.reading import LARGEST, read_value
from gateway_policies.contracts.texts import FolderTexts, MappedTexts, joined
from gateway_policies.findings import Finding

GOOD = '{"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {}}'
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc: #", max_size=4), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


def problems(text: str | bytes, file: str = "c.yaml", **others: str) -> list[Finding]:
    raw = text if isinstance(text, bytes) else text.encode()
    texts = MappedTexts({file: raw, **{name.replace("__", "."): each.encode() for name, each in others.items()}})
    return open_contract(texts, file, "api.a.version.v1")[1]


@given(json_values)
@settings(deadline=None, derandomize=True)
def test_json_and_yaml_are_read_alike(value: Any) -> None:
    assert read_value(json.dumps(value).encode(), "a.json") == value
    if isinstance(value, dict | list):
        text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=False)
        assert read_value(text.encode(), "a.yaml") == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: NO", {"a": "NO"}),
        ("a: on", {"a": "on"}),
        ("a: 2026-01-31", {"a": "2026-01-31"}),
        ("a: 12:30:45", {"a": "12:30:45"}),
        ("200: ok", {"200": "ok"}),
        ("a: 0o17", {"a": 15}),
        ("a: 0x1F", {"a": 31}),
        ("a: 1e3", {"a": 1000.0}),
        ("a: ~", {"a": None}),
        ("a: '1'", {"a": "1"}),
        ("a: !!str 1", {"a": "1"}),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        ("a: &x {k: 1}\nb: *x", {"a": {"k": 1}, "b": {"k": 1}}),
        ("a: &x {k: 1, l: 2}\nb: {<<: *x, k: 3}", {"a": {"k": 1, "l": 2}, "b": {"k": 3, "l": 2}}),
        ("b: {<<: [{k: 1}, {k: 2, l: 2}]}", {"b": {"k": 1, "l": 2}}),
        ('{"a": 1}', {"a": 1}),
        ("{a: 1}", {"a": 1}),
    ],
)
def test_yaml_is_read_as_1_2(text: str, value: Any) -> None:
    assert read_value(text.encode(), "a.yaml") == value


@pytest.mark.parametrize(
    ("text", "file", "place", "part"),
    [
        ('{"a": 1,}', "c.json", (1, 9), "not JSON"),
        ('{\n "a": 1,\n "a": 2\n}', "c.json", (3, 2), "'a'"),
        ('{"a": {"b": 1},\n "c": {"b": 1, "b": 2}}', "c.json", (2, 16), "'b'"),
        ('{"a": NaN}', "c.json", (1, 7), "NaN"),
        ('{"a": 1e999}', "c.json", (1, 1), "larger"),
        ('{"a": ' + "9" * 5000 + "}", "c.json", (1, 1), "number"),
        ("[" * 400 + "]" * 400, "c.json", (1, 1), "levels deep"),
        ("[" * 100_000, "c.json", (1, 1), "levels deep"),
        ("a: b: c", "c.yaml", (1, 5), "not YAML"),
        ("a: 1\na: 2", "c.yaml", (2, 1), "second time"),
        ("a: *b", "c.yaml", (1, 4), "anchor"),
        ("a: &b [*b]", "c.yaml", (1, 8), "refers to what it stands in"),
        ("a: !!binary aGk=", "c.yaml", (1, 4), "tag"),
        ("a: !own x", "c.yaml", (1, 4), "tag"),
        ("a: 1\n---\nb: 2", "c.yaml", (2, 1), "second YAML document"),
        ("[a, b]: 1", "c.yaml", (1, 6), "key"),
        ("a: {<<: 3}", "c.yaml", (1, 9), "merges"),
        ("", "c.yaml", (1, 1), "empty"),
        ("[" * 100_000, "c.yaml", (1, 101), "levels deep"),
        ("\n".join("  " * n + "a:" for n in range(300)), "c.yaml", (101, 201), "levels deep"),
        (b"a: \xff", "c.yaml", (1, 4), "UTF-8"),
        ("\ta: 1", "c.yaml", (1, 1), "not YAML"),
    ],
)
def test_what_cannot_be_read_says_where(text: str | bytes, file: str, place: tuple[int, int], part: str) -> None:
    (finding,) = problems(text, file)
    assert finding.rule == "contract-unreadable"
    assert part in finding.message
    assert finding.place is not None
    assert (finding.place.file, finding.place.line, finding.place.column) == (file, *place)
    assert finding.address == "api.a.version.v1"


def test_anchors_that_grow_are_refused_before_they_have_grown() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    (finding,) = problems(bomb)
    assert "anchors" in finding.message
    merged = "a0: &a0 {k: v}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 100))
    assert "no OpenAPI document" in problems(merged)[0].message


def test_a_text_that_is_too_large_is_not_looked_into() -> None:
    with pytest.raises(Fault, match="MiB"):
        read_value(b" " * (LARGEST + 1), "a.json")


@pytest.mark.parametrize(
    ("text", "part", "place"),
    [
        ('{"swagger": "2.0", "paths": {}}', "Swagger 2.0", (1, 2)),
        ("info: {}\nswagger: '2.0'", "Swagger 2.0", (2, 1)),
        ("openapi: 4.0.0", "OpenAPI 4.0.0", (1, 1)),
        ("openapi: 3.1", "must be a text", (1, 1)),
        ("[]", "A contract is an object", (1, 1)),
        ("title: x", "no OpenAPI document", (1, 1)),
        ("openapi: 3.1.0\npaths: []", "'paths' must be an object", (2, 1)),
    ],
)
def test_what_is_no_openapi_document_is_told_apart(text: str, part: str, place: tuple[int, int]) -> None:
    (finding,) = problems(text)
    assert part in finding.message
    assert finding.place is not None
    assert (finding.place.line, finding.place.column) == place


REFERENCES = [
    ("#/components/schemas/Ordr", "'/components/schemas' has no 'Ordr', but 'Order'"),
    ("#/nowhere/at/all", "the document has no 'nowhere'"),
    ("#anchor", "anchor"),
    ("other.yaml#/Order", "'contracts/other.yaml', which is not there"),
    ("../../etc/passwd", "out of the folder"),
    ("/etc/passwd", "out of the folder"),
    ("%2e%2e/%2e%2e/x.yaml", "out of the folder"),
    ("https://example.com/x.yaml#/a", "network"),
    ("//example.com/x.yaml", "network"),
    ("file:///etc/passwd", "network"),
    ("broken.yaml#/a", "cannot be read"),
]


@pytest.mark.parametrize(("reference", "part"), REFERENCES)
def test_a_reference_that_leads_nowhere_says_why(reference: str, part: str) -> None:
    text = f"""\
openapi: 3.1.0
paths:
  /orders:
    get:
      responses:
        200: {{description: ok, content: {{application/json: {{schema: {{$ref: "{reference}"}}}}}}}}
components: {{schemas: {{Order: {{type: object}}}}}}
"""
    (finding,) = problems(text, "contracts/c.yaml", **{"contracts/broken__yaml": "a: ["})
    assert finding.rule == "contract-reference"
    assert part in finding.message
    assert finding.place is not None
    assert finding.place.line == 6


def test_a_property_may_be_called_ref_and_examples_have_no_references() -> None:
    text = """\
openapi: 3.1.0
paths: {}
components:
  schemas:
    Link: {type: object, properties: {$ref: {type: string}, example: {type: object}}}
    Other: {type: object, example: {$ref: not/one}, default: {$ref: nor/this}, x-own: {$ref: no}}
"""
    assert problems(text) == []


def test_files_refer_to_each_other_below_the_folder(tmp_path: Path) -> None:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "shared").mkdir()
    text = "openapi: 3.0.3\npaths: {}\ncomponents: {schemas: {A: {$ref: '../shared/types.yaml#/Id'}}}\n"
    (tmp_path / "contracts/c.yaml").write_text(text)
    (tmp_path / "shared/types.yaml").write_text("Id: {$ref: 'more.json#/Text'}\n")
    (tmp_path / "shared/more.json").write_text('{"Text": {"type": "string"}}')
    contract, findings = open_contract(FolderTexts(tmp_path), "contracts/c.yaml")
    assert findings == []
    assert contract is not None
    assert not contract.alone


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "secret.yaml"
    outside.write_text("a: 1\n")
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "c.yaml").symlink_to(outside)
    (folder / "loop.yaml").symlink_to("loop.yaml")
    texts = FolderTexts(folder)
    assert texts.read("c.yaml") is None
    assert texts.read("loop.yaml") is None
    assert texts.read("no\0name") is None
    assert texts.read("../secret.yaml") is None


def test_a_contract_that_is_not_there_is_said_to_be_missing() -> None:
    contract, (finding,) = open_contract(MappedTexts({}), "contracts/gone.yaml")
    assert contract is None
    assert "'contracts/gone.yaml' is not there" in finding.message
    assert open_schema(MappedTexts({}), "gone.json")[1][0].rule == "contract-unreadable"


@pytest.mark.parametrize(
    ("file", "reference", "path"),
    [
        ("a/b.yaml", "c.yaml", "a/c.yaml"),
        ("a/b.yaml", "../c.yaml", "c.yaml"),
        ("a/b.yaml", "../../c.yaml", None),
        ("b.yaml", "./x/../c.yaml", "c.yaml"),
        ("b.yaml", "..", None),
        ("b.yaml", "a\\c.yaml", None),
    ],
)
def test_references_stay_below_the_folder(file: str, reference: str, path: str | None) -> None:
    assert joined(file, reference) == path


def test_any_bytes_are_answered_with_a_finding() -> None:
    for raw in (b"\0", b"\xef\xbb\xbf" + GOOD.encode(), b"%YAML 9.9\n---\na: 1", b"- - - -\n\t-", b"?", b"\x85"):
        contract, findings = open_contract(MappedTexts({"c": raw}), "c")
        assert (contract is None) == bool(findings)
