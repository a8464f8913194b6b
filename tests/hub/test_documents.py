"""Reading documents that strangers sent, and the keys in them."""

from __future__ import annotations

import json
import math
from contextlib import suppress

import jsonpath_rfc9535
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.declarations import Catalogue, FlowDeclaration, KeyPaths
from hub.documents import (
    MAX_KEY_LENGTH,
    Form,
    Limits,
    check_paths,
    extract_keys,
    read_document,
)
from hub.errors import SettingsError
from transactions.errors import AndonError, TooLarge, Unreadable, UnsupportedMedia
from transactions.landscape import Semantics
from transactions.model import Risk

SCHEDULE = b"""\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>
<SyncProductionSchedule xmlns="http://www.wbf.org/xml/B2MML-V0401" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <DataArea><ProductionSchedule><ProductionRequest>
    <ID>
      258456
    </ID>
    <SegmentRequirement xsi:type="Weighing"><MaterialRequirement>
      <MaterialDefinitionID>SO<!-- old: 1214 -->1215</MaterialDefinitionID>
      <Quantity><QuantityString>1.000</QuantityString></Quantity>
    </MaterialRequirement></SegmentRequirement>
  </ProductionRequest></ProductionSchedule></DataArea>
</SyncProductionSchedule>"""


def json_keys(document: object, **paths: str | list[str]) -> dict[str, str]:
    return extract_keys(read_document(json.dumps(document).encode(), "application/json"), KeyPaths(json=paths))


def xml_keys(content: bytes, **paths: str | list[str]) -> dict[str, str]:
    return extract_keys(read_document(content, "application/xml"), KeyPaths(xml=paths))


# forms and charsets


@pytest.mark.parametrize(
    ("content_type", "form"),
    [
        ("application/json", Form.JSON),
        ("Application/JSON; charset=UTF-8", Form.JSON),
        ("application/cloudevents+json", Form.JSON),
        ("application/xml", Form.XML),
        ('text/xml; charset="utf-8"', Form.XML),
        ("application/soap+xml", Form.XML),
    ],
)
def test_the_content_type_says_how_to_read(content_type: str, form: Form) -> None:
    content = b"{}" if form is Form.JSON else b"<a/>"
    assert read_document(content, content_type).form is form


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/octet-stream", "json", "application/xmlish"])
def test_other_content_types_are_refused_with_what_to_send(content_type: str) -> None:
    with pytest.raises(UnsupportedMedia, match="application/json"):
        read_document(b"{}", content_type)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_json_in_every_unicode_form(encoding: str) -> None:
    document = read_document('{"lot": "Größe Ω"}'.encode(encoding), "application/json")
    assert extract_keys(document, KeyPaths(json={"lot": "$.lot"})) == {"lot": "Größe Ω"}


@pytest.mark.parametrize(
    ("encoding", "declared", "content_type"),
    [
        ("utf-8", "", "application/xml"),
        ("utf-8-sig", "utf-8", "application/xml"),
        ("utf-16", "utf-16", "application/xml"),
        ("utf-16", "", "text/xml"),
        ("utf-16-le", "", "text/xml; charset=utf-16le"),
        ("iso-8859-1", "ISO-8859-1", "application/xml"),
        ("windows-1252", "", "text/xml; charset=windows-1252"),
        # RFC 7303: the byte order mark wins over a wrong declaration
        ("utf-8-sig", "iso-8859-1", "application/xml"),
    ],
)
def test_xml_in_the_charsets_of_the_field(encoding: str, declared: str, content_type: str) -> None:
    head = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    document = read_document((head + "<lot>Größe</lot>").encode(encoding), content_type)
    assert extract_keys(document, KeyPaths(xml={"lot": "/lot"})) == {"lot": "Größe"}


@pytest.mark.parametrize("content_type", ["application/json; charset=koi8-r", "application/xml; charset=utf-7"])
def test_other_charsets_are_refused(content_type: str) -> None:
    with pytest.raises(UnsupportedMedia, match="UTF-8"):
        read_document(b"<a/>", content_type)


# what cannot be read


@pytest.mark.parametrize("content", [b"", b" \r\n\t "])
@pytest.mark.parametrize("content_type", ["application/json", "application/xml"])
def test_an_empty_body_says_so(content: bytes, content_type: str) -> None:
    with pytest.raises(Unreadable, match="empty"):
        read_document(content, content_type)


@pytest.mark.parametrize(
    ("content", "content_type", "line", "column"),
    [
        (b'{"a": 1,\n "b": oops}', "application/json", 2, 7),
        (b'{"a": 1}\n{}', "application/json", 2, 1),
        (b'{"a":\n "\xff"}', "application/json", 2, 3),
        (b"<a>\n  <b></a>", "application/xml", 2, 10),
        (b"<a>&undeclared;</a>", "application/xml", 1, 16),
    ],
)
def test_the_message_points_at_the_place(content: bytes, content_type: str, line: int, column: int) -> None:
    with pytest.raises(Unreadable) as caught:
        read_document(content, content_type)
    assert caught.value.extra["line"] == line
    assert abs(int(str(caught.value.extra["column"])) - column) <= 1
    assert f"line {line}, column" in caught.value.detail
    assert caught.value.extra["reason"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"a": {"lot": 1, "qty": 2, "lot": 3}}', "'lot' twice"),
        (b'{"a": NaN}', "NaN"),
        (b"[-Infinity]", "Infinity"),
        (b"9" * 5000, "too many digits"),
    ],
)
def test_json_that_two_systems_would_read_differently_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read_document(content, "application/json")


@pytest.mark.parametrize(
    "prolog",
    [
        b'<!DOCTYPE a [<!ENTITY x "y">]>',
        b'<!DOCTYPE a SYSTEM "http://example.invalid/a.dtd">',
        b'<?xml version="1.0"?>\n<!-- a > b -->\n<?pi x?><!DOCTYPE a>',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_declaration_is_refused(prolog: bytes, encoding: str) -> None:
    with pytest.raises(Unreadable, match="DOCTYPE"):
        read_document((prolog + b"<a/>").decode().encode(encoding), "application/xml")


def test_the_word_doctype_inside_a_document_is_only_text() -> None:
    assert xml_keys(b"<a><![CDATA[<!DOCTYPE x>]]></a>", text="/a") == {"text": "<!DOCTYPE x>"}


def test_entities_are_not_expanded_by_the_billion() -> None:
    bomb = "<!DOCTYPE l [" + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 20)) + "]><l>&l19;</l>"
    with pytest.raises(Unreadable):
        read_document(bomb.encode(), "application/xml")


@pytest.mark.parametrize("depth", [65, 300, 100_000])
@pytest.mark.parametrize(
    ("opening", "closing", "content_type"),
    [("[", "]", "application/json"), ('{"a":', "}", "application/json"), ("<a>", "</a>", "text/xml")],
)
def test_deep_nesting_is_refused_and_never_crashes(depth: int, opening: str, closing: str, content_type: str) -> None:
    inner = "" if opening != '{"a":' else "1"
    with pytest.raises(Unreadable, match=r"deeper|[Dd]epth"):
        read_document((opening * depth + inner + closing * depth).encode(), content_type)


def test_nesting_up_to_the_limit_is_read() -> None:
    limits = Limits(max_depth=8)
    read_document(b"[" * 8 + b"]" * 8, "application/json", limits=limits)
    read_document(b"<a>" * 8 + b"</a>" * 8, "text/xml", limits=limits)
    with pytest.raises(Unreadable):
        read_document(b"[" * 9 + b"]" * 9, "application/json", limits=limits)
    with pytest.raises(Unreadable):
        read_document(b"<a>" * 9 + b"</a>" * 9, "text/xml", limits=limits)


def test_the_limit_of_size_is_in_the_message() -> None:
    with pytest.raises(TooLarge, match="1,001 bytes"):
        read_document(b" " * 1001, "application/json", limits=Limits(max_bytes=1000))


@given(st.binary(max_size=200), st.sampled_from(["application/json", "application/xml", "text/xml; charset=utf-16"]))
def test_any_bytes_are_read_or_refused(content: bytes, content_type: str) -> None:
    with suppress(AndonError):
        extract_keys(read_document(content, content_type), KeyPaths(json={"a": "$..a"}, xml={"a": "//a"}))


# keys


def test_keys_come_from_xml_with_namespaces_ignored() -> None:
    keys = xml_keys(
        SCHEDULE,
        order="//ProductionRequest/ID",
        material="//MaterialDefinitionID",
        quantity="//QuantityString/text()",
        kind="//SegmentRequirement/@type",
        segments="count(//SegmentRequirement)",
        lot="//MaterialLotID",
    )
    assert keys == {"order": "258456", "material": "SO1215", "quantity": "1.000", "kind": "Weighing", "segments": "1"}


def test_keys_are_strings_as_they_were_written() -> None:
    document = b'{"order": 4711, "big": 12345678901234567890, "qty": 1.500, "exp": 1E+2, "flag": true, "none": null}'
    paths = KeyPaths(json={name: f"$.{name}" for name in ("order", "big", "qty", "exp", "flag", "none")})
    assert extract_keys(read_document(document, "application/json"), paths) == {
        "order": "4711",
        "big": "12345678901234567890",
        "qty": "1.500",
        "exp": "1E+2",
        "flag": "true",
    }


def test_the_first_path_that_finds_something_wins() -> None:
    paths: list[str] = ["$.lot", "$.lines[*].lot", "$.batch"]
    assert json_keys({"batch": "B", "lines": [{}, {"lot": ""}, {"lot": "L2"}]}, lot=paths) == {"lot": "L2"}
    assert json_keys({"batch": "B", "lot": " "}, lot=paths) == {"lot": "B"}
    assert json_keys({"lot": {"id": "L"}}, lot=paths) == {}


def test_odd_values_become_storable_text() -> None:
    assert json_keys({"lot": "  A\u0000B\n"}, lot="$.lot") == {"lot": "A B"}
    assert json_keys({"lot": "A\ud800"}, lot="$.lot") == {"lot": "A?"}
    assert len(json_keys({"lot": "x" * 5000}, lot="$.lot")["lot"]) == MAX_KEY_LENGTH


def test_a_path_for_one_form_is_not_used_on_the_other() -> None:
    assert extract_keys(read_document(b"<a/>", "text/xml"), KeyPaths(json={"a": "$.a"})) == {}


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)
STEPS = st.lists(st.sampled_from([".a", "['b']", '["c"]', "[0]", "[1]", "[-1]", "[-3]"]), max_size=4)


@given(TREES, STEPS)
def test_the_short_way_through_a_plain_path_equals_the_library(tree: object, steps: list[str]) -> None:
    path = "$" + "".join(steps)
    found = jsonpath_rfc9535.find(path, tree).values()
    value = found[0] if found else None
    if isinstance(value, bool):
        expected = "true" if value else "false"
    else:
        expected = str(value) if isinstance(value, str | int) else ""
    assert json_keys(tree, key=path).get("key", "") == expected


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_fraction_is_still_a_number_for_filters(value: float) -> None:
    found = json_keys({"lines": [{"qty": value, "lot": "L"}]}, lot=f"$.lines[?@.qty == {value!r}].lot")
    assert found == {"lot": "L"} or math.isclose(value, 0)


# settings


def flow(keys: KeyPaths) -> FlowDeclaration:
    return FlowDeclaration(
        title="x",
        sources=["MES"],
        targets=["ERP"],
        document="x",
        identity=[],
        semantics=Semantics.EVENT,
        slo="1m",
        risk=Risk.LOW,
        owner="x",
        keys=keys,
    )


def test_paths_that_do_not_compile_are_all_named() -> None:
    keys = KeyPaths(
        json={"order": ["$.order", "$.order["], "lot": "lot"}, xml={"order": "//b2mml:ID", "lot": "//[", "x": "foo()"}
    )
    with pytest.raises(SettingsError) as caught:
        check_paths(Catalogue(flow={"made-up": flow(keys)}), "andon.toml")
    problems = caught.value.detail.splitlines()
    assert len(problems) == 5
    assert all(problem.startswith("andon.toml: flow.made-up.keys.") for problem in problems)
    assert "'$.order['" in problems[0]


def test_paths_that_compile_pass() -> None:
    check_paths(Catalogue(flow={"made-up": flow(KeyPaths(json={"a": "$.a[?@.b == 1]"}, xml={"a": "//a[@b='1']"}))}))
