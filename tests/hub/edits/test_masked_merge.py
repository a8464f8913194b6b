"""Masked fields stay what they were: no edit sees one, moves one into the open, or loses one."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.documents import Form, read_document
from hub.edits.json_edit import edit_json, merge_json
from hub.edits.refusal import CannotEdit, WantsReveal
from hub.edits.xml_edit import Pair, edit_xml, merge_xml
from hub.masks.json_document import hide_json
from hub.masks.xml_document import hide_xml, parse_written
from transactions.edits import Step
from transactions.history import MASK

PATHS = ("$.lines[*].price", "$.person.name")
DOCUMENT: dict[str, Any] = {
    "order": "4711",
    "person": {"name": "Erika", "shift": "night"},
    "lines": [{"item": "10", "price": "3.17"}, {"item": "20", "price": "9.99"}],
}


def edited(steps: list[Step], *, may_reveal: bool = False) -> Any:
    return edit_json(copy.deepcopy(DOCUMENT), steps, PATHS, may_reveal=may_reveal)


def shown(document: Any) -> Any:
    hidden = hide_json(copy.deepcopy(document), json.dumps(document).encode(), PATHS)
    assert hidden.content is not None
    return json.loads(hidden.content)


def test_a_line_takes_its_price_along_when_lines_move() -> None:
    after = edited([Step(op="move", from_="/lines/1", path="/lines/0")])
    assert after["lines"] == [{"item": "20", "price": "9.99"}, {"item": "10", "price": "3.17"}]


@pytest.mark.parametrize(
    "step",
    [
        Step(op="replace", path="/person/name", value="X"),
        Step(op="remove", path="/person/name"),
        Step(op="remove", path="/person"),
        Step(op="remove", path="/lines/0"),
        Step(op="replace", path="", value={}),
        Step(op="add", path="/lines/0/price", value="1"),
        Step(op="add", path="/lines/-", value={"item": "30", "price": "1"}),
        Step(op="set", path="$.lines[0].price", value="1", loose=True),
        Step(op="set", path="$..price", value="1"),
    ],
)
def test_changing_a_masked_field_wants_the_permission(step: Step) -> None:
    with pytest.raises(WantsReveal, match="is masked"):
        edited([step])
    edited([step], may_reveal=True)


@pytest.mark.parametrize(
    "step",
    [
        Step(op="copy", from_="/person/name", path="/order"),
        Step(op="copy", from_="/person", path="/copy"),
        Step(op="move", from_="/person/name", path="/order"),
        Step(op="move", from_="/person", path="/somebody"),
        Step(op="test", path="/person/name", value="Erika"),
        Step(op="test", path="/person/name", value=MASK),
        Step(op="test", path="/person", value=DOCUMENT["person"]),
        Step(op="test", path="", value=DOCUMENT),
        Step(op="set", path="$.lines[?@.price=='3.17'].item", value="found"),
    ],
)
@pytest.mark.parametrize("may_reveal", [False, True])
def test_nothing_asks_for_a_masked_field_or_moves_it_into_the_open(step: Step, may_reveal: bool) -> None:
    with pytest.raises(CannotEdit) as caught:
        edited([step], may_reveal=may_reveal)
    assert "Erika" not in caught.value.reason
    assert "3.17" not in caught.value.reason.replace(step.path, "")


def test_values_take_the_type_of_what_stands_there() -> None:
    tree = {"n": 5, "s": "5", "b": True, "z": None, "o": {}}
    steps = [Step(op="set", path=f"$.{name}", value=value, loose=True) for name, value in
             (("n", "12"), ("s", "12"), ("b", "false"), ("z", "12"), ("new", "12"))]  # fmt: skip
    assert edit_json(tree, steps, (), may_reveal=False) == {
        "n": 12, "s": "12", "b": False, "z": 12, "o": {}, "new": "12",
    }  # fmt: skip
    for name, value, said in (("n", "x", "is a number"), ("b", "yes", "true or false"), ("o", "x", "holds an object")):
        with pytest.raises(CannotEdit, match=said):
            edit_json(
                {"n": 5, "b": True, "o": {}}, [Step(op="set", path=f"$.{name}", value=value, loose=True)], (),
                may_reveal=False,
            )  # fmt: skip


LINES = st.lists(
    st.fixed_dictionaries({"item": st.sampled_from("abc"), "price": st.sampled_from(["1.25", "2.50", "7"])}), max_size=4
)
POINTERS = st.sampled_from(
    ["/order", "/person", "/person/name", "/person/shift", "/lines", "/lines/0", "/lines/1", "/lines/0/price",
     "/lines/1/item", "/lines/-", "/lines/0/item", "/new", ""]
)  # fmt: skip


@st.composite
def patches(draw: Any) -> list[Step]:
    found = []
    for _ in range(draw(st.integers(1, 4))):
        op = draw(st.sampled_from(["add", "remove", "replace", "move", "copy"]))
        more: dict[str, Any] = {"value": draw(st.sampled_from(["v", MASK, 1, {}]))} if op in ("add", "replace") else {}
        if op in ("move", "copy"):
            more["from_"] = draw(POINTERS)
        found.append(Step(op=op, path=draw(POINTERS), **more))
    return found


def secrets_in(document: Any) -> list[str]:
    lines = document.get("lines", [])  # a patch may have made anything of it
    values = [line.get("price") for line in lines if isinstance(line, dict)] if isinstance(lines, list) else []
    return sorted(value for value in values if value)


@settings(max_examples=500, deadline=None)
@given(LINES, patches())
def test_no_patch_leaks_or_loses_a_masked_value(lines: list[dict[str, str]], steps: list[Step]) -> None:
    secret = {"order": "1", "person": {"name": "S3CRET-NAME", "shift": "night"}, "lines": lines}
    for place, line in enumerate(lines):
        line["price"] = f"S3CRET-{place}"
    try:
        after = edit_json(copy.deepcopy(secret), steps, PATHS, may_reveal=False)
    except CannotEdit as error:
        refused = error.reason
        after = None
    if after is None:
        assert "S3CRET" not in refused
        return
    assert json.dumps(after).count("S3CRET") == json.dumps(secret).count("S3CRET")
    assert "S3CRET" not in json.dumps(shown(after))
    assert after["person"]["name"] == "S3CRET-NAME"
    assert secrets_in(after) == secrets_in(secret)


# whole documents


def merged(new: Any, *, may_reveal: bool = False) -> Any:
    tree = copy.deepcopy(new)
    merge_json(tree, copy.deepcopy(DOCUMENT), PATHS, may_reveal=may_reveal)
    return tree


def test_a_document_that_was_edited_over_its_masks_gets_the_real_values_back() -> None:
    new = shown(DOCUMENT)
    new["order"], new["more"] = "4712", [1]
    assert merged(new) == {**DOCUMENT, "order": "4712", "more": [1]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d["person"].pop("name"), "is masked"),
        (lambda d: d["person"].update(name="X"), "is masked"),
        (lambda d: d["lines"].pop(), "is masked"),
        (lambda d: d["lines"].append({"item": "30", "price": MASK}), "there was none"),
        (lambda d: d.update(order=MASK), "there was none"),
        (lambda d: d["lines"].reverse(), "stood in another place"),
        (lambda d: d["person"].update(name="Erika"), "is masked"),  # no guessing
    ],
)
def test_a_whole_document_that_touches_masks_is_refused(change: Any, said: str) -> None:
    new = shown(DOCUMENT)
    change(new)
    with pytest.raises(CannotEdit, match=said):
        merged(new)


def test_who_may_reveal_may_write_masked_fields() -> None:
    new = shown(DOCUMENT)
    new["person"]["name"] = "Max"
    assert merged(new, may_reveal=True)["person"]["name"] == "Max"
    assert merged(new, may_reveal=True)["lines"] == DOCUMENT["lines"]


@settings(max_examples=200, deadline=None)
@given(LINES, st.sampled_from(["order", "shift"]), st.text(max_size=5))
def test_what_masks_show_comes_back_whole(lines: list[dict[str, str]], field: str, value: str) -> None:
    real = {"order": "1", "person": {"name": "N", "shift": "night"}, "lines": lines}
    new = shown(real)
    (new if field == "order" else new["person"])[field] = value
    tree = copy.deepcopy(new)
    merge_json(tree, copy.deepcopy(real), PATHS, may_reveal=False)
    (real if field == "order" else real["person"])[field] = value  # type: ignore[index]
    assert tree == real


# XML

XML = b"""<?xml version="1.0" encoding="utf-8"?>
<!-- written by Erika -->
<o:Order xmlns:o="urn:o" xmlns:p="urn:p"><o:ID>1</o:ID><o:Person badge="B-7"><p:Name>Erika</p:Name></o:Person>
<o:Line n="1"><o:Unit>KIL</o:Unit><o:Price cur="EUR">3.17</o:Price></o:Line>
<o:Line n="2"><o:Unit>KG</o:Unit><o:Price cur="EUR">9.99</o:Price></o:Line></o:Order>
"""
XML_PATHS = ("//Price", "//Person/@badge", "//Person/Name")


def pair(content: bytes) -> Pair:
    document = read_document(content, "application/xml")
    assert document.form is Form.XML
    return Pair(document.tree, parse_written(content))


def xml_edited(path: str, value: Any, *, may_reveal: bool = False) -> bytes:
    from lxml import etree

    found = pair(XML)
    edit_xml(found, [Step(op="set", path=path, value=value, loose=True)], XML_PATHS, may_reveal=may_reveal)
    return bytes(etree.tostring(found.written.getroottree()))


def test_an_element_and_an_attribute_are_set_and_everything_else_stays() -> None:
    assert xml_edited("//Line[@n='1']/Unit", "KG") == xml_edited("//Unit", "KG")
    after = xml_edited("//Line[1]/Unit", "KG").decode()
    assert after.count("KG") == 2
    assert "<!-- written by Erika -->" in after
    assert '<o:Price cur="EUR">3.17</o:Price>' in after
    assert 'n="7"' in xml_edited("//Line[1]/@n", "7").decode()


@pytest.mark.parametrize("path", ["//Price", "//Price/@cur", "//Person/@badge", "//Name", "//Line[2]/Price"])
def test_a_masked_element_wants_the_permission(path: str) -> None:
    with pytest.raises(WantsReveal):
        xml_edited(path, "1")
    assert b">1<" in xml_edited(path, "1", may_reveal=True) or b'"1"' in xml_edited(path, "1", may_reveal=True)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("//Line[Price='3.17']/Unit", "KG", "finds no element"),  # no asking either
        ("//Person[@badge='B-7']/../ID", "x", "finds no element"),
        ("//Nothing", "x", "finds no element"),
        ("//Line", "x", "with others inside"),
        ("//ID", "a\x01b", "cannot hold"),
        ("//ID", {"a": 1}, "takes a text"),
        ("//[", "x", "no XPath"),
        ("//o:ID", "x", "no XPath"),
    ],
)
def test_what_cannot_be_set_in_xml_says_why(path: str, value: Any, said: str) -> None:
    with pytest.raises(CannotEdit, match=said):
        xml_edited(path, value)


def xml_merged(change: Any, *, may_reveal: bool = False) -> bytes:
    from lxml import etree

    base = pair(XML)
    hidden = hide_xml(read_document(XML, "application/xml").tree, XML, "application/xml", XML_PATHS).content
    assert hidden is not None
    assert b"Erika" not in hidden
    assert b"3.17" not in hidden
    new = pair(change(hidden))
    merge_xml(new, base, XML_PATHS, may_reveal=may_reveal)
    return bytes(etree.tostring(new.written.getroottree(), encoding="utf-8"))


def test_a_whole_xml_document_gets_its_masked_parts_back() -> None:
    after = xml_merged(lambda content: content.replace(b"KIL", b"KG"))
    wanted = XML.replace(b"KIL", b"KG").decode().partition("?>")[2]
    assert "".join(after.decode().split()) == "".join(wanted.split())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.replace(b"<o:ID>1", b"<o:ID>" + MASK.encode()), "there was none"),
        (lambda c: c.replace(b">" + MASK.encode() + b"</p:Name>", b">Max</p:Name>"), "is masked"),
        (lambda c: c.replace(b"<p:Name>" + MASK.encode() + b"</p:Name>", b""), "is masked"),
        (lambda c: c.replace(b"<!--" + MASK.encode() + b"-->", b"<!--" + MASK.encode() + b"--><!--x-->"), "comments"),
    ],
)
def test_a_whole_xml_document_that_touches_masks_is_refused(change: Any, said: str) -> None:
    with pytest.raises(CannotEdit, match=said):
        xml_merged(change)
