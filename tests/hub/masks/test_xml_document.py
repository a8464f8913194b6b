"""Masks on XML documents: elements with all that is in them, attributes, and no word in a comment."""

from __future__ import annotations

import codecs
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from hub.declarations import KeyPaths, MaskPaths
from hub.masks import FlowMasks, Hidden
from hub.masks.xml_document import COMMENTS

XML = "application/xml"


def hide(content: bytes | str, *paths: str, content_type: str = XML) -> Hidden:
    masks = FlowMasks(MaskPaths(xml=list(paths)), KeyPaths())
    return masks.hide(content.encode() if isinstance(content, str) else content, content_type)


def shown(content: bytes | str, *paths: str) -> str:
    hidden = hide(content, *paths)
    assert hidden.content is not None
    return hidden.content.decode()


@pytest.mark.parametrize(
    ("document", "path", "masked"),
    [
        ("<a><b>x</b><c>y</c></a>", "//b", "<a><b>▒▒▒</b><c>y</c></a>"),
        ("<a><b>x</b><c>y</c></a>", "/a/b", "<a><b>▒▒▒</b><c>y</c></a>"),
        ("<a><b>x</b><c>y</c></a>", "b", "<a><b>▒▒▒</b><c>y</c></a>"),
        ("<a><b>1</b><b>2</b></a>", "//b[2]", "<a><b>1</b><b>▒▒▒</b></a>"),
        ("<a><b p='x' q='y'>z</b></a>", "//b/@p", '<a><b p="▒▒▒" q="y">z</b></a>'),
        ("<a><b p='x'>z<c q='1'>y</c>tail</b> after</a>", "//b", '<a><b p="▒▒▒">▒▒▒</b> after</a>'),
        ("<a>one <b>x</b> two</a>", "//b", "<a>one <b>▒▒▒</b> two</a>"),
        ("<a><b>x</b></a>", "/a", "<a>▒▒▒</a>"),
        ("<a><b><![CDATA[<x>]]></b><c><![CDATA[<y>]]></c></a>", "//b", "<a><b>▒▒▒</b><c><![CDATA[<y>]]></c></a>"),
        (
            "<a><p><ID>Price</ID><v>9.50</v></p><p><ID>Weight</ID><v>3</v></p></a>",
            "//p[ID='Price']/v",
            "<a><p><ID>Price</ID><v>▒▒▒</v></p><p><ID>Weight</ID><v>3</v></p></a>",
        ),
        ("<d:a xmlns:d='urn:d' d:p='x'><d:b>x</d:b></d:a>", "//b", '<d:a xmlns:d="urn:d" d:p="x"><d:b>▒▒▒</d:b></d:a>'),
        (
            "<d:a xmlns:d='urn:d' d:p='x'><d:b>x</d:b></d:a>",
            "//@p",
            '<d:a xmlns:d="urn:d" d:p="▒▒▒"><d:b>x</d:b></d:a>',
        ),
        ("<a xmlns='urn:a'><b>x</b></a>", "/a/b", '<a xmlns="urn:a"><b>▒▒▒</b></a>'),
    ],
)
def test_what_a_path_finds_is_masked_whole(document: str, path: str, masked: str) -> None:
    assert shown(document, path) == masked
    assert hide(document, path).paths == (path,)


@pytest.mark.parametrize("empty", ["<b/>", "<b></b>", "<b p=''/>", "<b><c/></b>", "<b>\n  </b>"])
def test_what_says_nothing_stays_as_it_is(empty: str) -> None:
    document = f"<a>{empty}</a>"
    assert hide(document, "//b", "//@p") == Hidden(content=document.encode())


def test_a_path_that_finds_nothing_leaves_the_very_bytes() -> None:
    document = b"\xef\xbb\xbf<?xml version='1.0'  encoding='utf-8' ?>\r\n<a  p = 'x'><![CDATA[y]]></a>"
    assert hide(document, "//nowhere", "/b/c/@d") == Hidden(content=document)


def test_comments_and_instructions_are_masked_wherever_they_stand() -> None:
    document = "<!-- 1 --><?was 2?><a><!-- <price>3</price> --><b>x</b><?old 4?></a><!-- 5 --><?end 6?>"
    hidden = hide(document, "//nowhere")
    assert hidden.content is not None
    text = hidden.content.decode()
    assert not any(digit in text for digit in "123456")
    assert text.count("▒▒▒") == 6
    assert hidden.paths == (COMMENTS,)


def test_an_element_with_a_comment_in_it_is_masked_as_one() -> None:
    assert shown("<a><b>12<!-- x -->.50</b></a>", "//b") == "<a><b>▒▒▒</b></a>"


def test_both_attributes_of_a_name_are_masked_whatever_their_namespace() -> None:
    text = shown("<a xmlns:d='urn:d' p='one' d:p='two'/>", "//@p")
    assert "one" not in text
    assert "two" not in text


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        ("<?xml version='1.0' encoding='iso-8859-1'?><a><b>Müller</b><c>Öl</c></a>".encode("iso-8859-1"), XML),
        ("<a><b>Müller</b><c>Öl</c></a>".encode("iso-8859-1"), "text/xml; charset=ISO-8859-1"),
        (codecs.BOM_UTF16_LE + "<a><b>Müller</b><c>Öl</c></a>".encode("utf-16-le"), XML),
        (codecs.BOM_UTF8 + "<a><b>Müller</b><c>Öl</c></a>".encode(), XML),
        (b"<a><b>M&#252;ller</b><c>&#214;l</c></a>", "application/b2mml+xml"),
    ],
)
def test_other_encodings_are_read_as_what_they_are(content: bytes, content_type: str) -> None:
    hidden = hide(content, "//b", content_type=content_type)
    assert hidden.content is not None
    assert etree.fromstring(hidden.content).findtext("b") == "▒▒▒"
    assert etree.fromstring(hidden.content).findtext("c") == "Öl"
    assert hidden.hits[0].leaves == ("Müller",)


@pytest.mark.parametrize(
    "unreadable",
    [b"<a><b></a>", b"", b"not xml", b"<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", b"<a>" * 70 + b"</a>" * 70],
)
def test_what_cannot_be_read_is_withheld_whole(unreadable: bytes) -> None:
    hidden = hide(unreadable, "//b")
    assert hidden.content is None
    assert hidden.withheld is not None


def test_json_of_a_flow_that_masks_only_xml_is_shown_as_it_came() -> None:
    assert hide(b'{"b":1}', "//b", content_type="application/json") == Hidden(content=b'{"b":1}')


def test_hits_name_their_place() -> None:
    hidden = hide("<a xmlns='urn:a'><l><p>1</p></l><l><p c='EUR'>2</p></l></a>", "//p", "//@c")
    assert [(hit.place, hit.leaves) for hit in hidden.hits] == [
        ("/a/l[1]/p", ("1",)),
        ("/a/l[2]/p", ("EUR", "2")),
        ("/a/l[2]/p/@c", ("EUR",)),
    ]


SECRETS = st.integers(10_000_000, 99_999_999).map(str)
PLAIN = st.text("abc ", max_size=4)


def _elements(depth: int) -> st.SearchStrategy[str]:
    inner = st.just("") if depth == 0 else st.lists(_elements(depth - 1), max_size=3).map("".join)
    plain = st.builds(
        lambda name, p, text, kids, tail: f"<{name} p={quoteattr(p)}>{escape(text)}{kids}</{name}>{escape(tail)}",
        st.sampled_from(["row", "q"]),
        PLAIN,
        PLAIN,
        inner,
        PLAIN,
    )
    secret = st.builds(
        lambda prefix, s, form: {
            "text": f"<{prefix}price>{s}</{prefix}price>",
            "cdata": f"<{prefix}price><![CDATA[{s}]]></{prefix}price>",
            "deep": f"<{prefix}price><v a='{s}'/>x<w>{s}</w>y</{prefix}price>",
            "attribute": f"<row {prefix}cost='{s}'/>",
            "comment": f"<row><!-- was {s} --></row>",
            "entity": f"<{prefix}price>{''.join(f'&#{ord(char)};' for char in s)}</{prefix}price>",
        }[form],
        st.sampled_from(["", "n:"]),
        SECRETS,
        st.sampled_from(["text", "cdata", "deep", "attribute", "comment", "entity"]),
    )
    return plain | secret


@settings(max_examples=200, deadline=None)
@given(_elements(3), st.sampled_from(["utf-8", "utf-16", "iso-8859-1"]))
def test_no_hidden_value_survives(inner: str, encoding: str) -> None:
    document = f"<?xml version='1.0' encoding='{encoding}'?><doc xmlns:n='urn:n'>{inner}</doc>"
    hidden = hide(document.encode(encoding), "//price", "//@cost")
    assert hidden.content is not None
    if hidden.paths:
        text = hidden.content.decode()
        assert not any(
            char.isdigit() and text[place : place + 8].isdigit() and len(text) > place + 7
            for place, char in enumerate(text)
        )
        plain = etree.fromstring(document.encode(encoding))
        masked = etree.fromstring(hidden.content)
        assert [each.tag for each in masked.iter("row", "q")] == [each.tag for each in plain.iter("row", "q")]
