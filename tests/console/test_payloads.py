from __future__ import annotations

import msgspec
import pytest
from console_doubles import NOW

from console.highlighting import highlighted
from console.payloads import SHOWN_CHARACTERS, language, pretty, raw
from themes.loader import variable_defaults
from transactions.history import Payload, Revision

TONES = variable_defaults() | {"foreground": "#ffffff", "accent": "#0000ff"}


def payload(content: str, content_type: str = "application/json") -> Payload:
    revision = Revision(
        revision=1, sha256="0", size=len(content), content_type=content_type, created_at=NOW, created_by="MES"
    )
    return Payload(
        id="tx-1",
        revision=1,
        content_type=content_type,
        sha256="0",
        size=len(content),
        encoding="text",
        content=content,
        headers={},
        revisions=[revision],
    )


@pytest.mark.parametrize(
    ("content_type", "name"),
    [
        ("application/json; charset=utf-8", "json"),
        ("application/cloudevents+json", "json"),
        ("text/xml", "xml"),
        ("application/soap+xml", "xml"),
        ("text/plain", "text"),
    ],
)
def test_the_content_type_says_the_language(content_type: str, name: str) -> None:
    assert language(payload("", content_type)) == name


def test_json_is_indented_and_its_numbers_stay_as_they_are_written() -> None:
    shown = pretty(payload('{"b":12.50,"a":10000000000000000000001,"c":1E2}'))
    assert shown == '{\n  "b": 12.50,\n  "a": 10000000000000000000001,\n  "c": 1E2\n}'


def test_what_is_not_what_it_says_is_shown_as_it_came() -> None:
    assert pretty(payload("{not json")) == "{not json"


def test_xml_on_one_line_is_indented() -> None:
    shown = pretty(payload("<?xml version='1.0'?><a><b x='1'>t</b><c/></a>", "text/xml"))
    assert shown == "<?xml version='1.0'?>\n<a>\n  <b x='1'>t</b>\n  <c/>\n</a>"


def test_xml_that_is_indented_stays_as_it_is() -> None:
    content = "<a>\n   <b>1</b>\n   <c>2</c>\n</a>"
    assert pretty(payload(content, "text/xml")) == content


def test_controls_are_visible_in_both_forms() -> None:
    hostile = payload("\x1b]0;x\x07 \r\n text", "text/plain")
    assert raw(hostile) == pretty(hostile) == "␛]0;x␇ \n text"


def test_a_very_long_one_is_cut_and_says_so() -> None:
    shown = raw(payload("x" * (SHOWN_CHARACTERS + 5), "text/plain"))
    assert shown.endswith("… 5 more characters; andon tx payload ID --raw has all")


def test_binary_is_shown_as_it_is_encoded() -> None:
    binary = msgspec.structs.replace(payload("AAEC", "application/octet-stream"), encoding="base64")
    assert pretty(binary) == "AAEC"


def test_colours_change_no_character() -> None:
    for content, kind in (('{"a": [1, true, "x: 1"]}', "json"), ("<a b='1'><!-- c --></a>", "xml"), ("plain", "text")):
        assert highlighted(content, kind, TONES).plain == content


def test_names_strings_and_numbers_differ() -> None:
    text = highlighted('{"name": "value", "n": 12}', "json", TONES)
    styles = {text.plain[span.start : span.end]: str(span.style) for span in text.spans}
    assert styles['"name"'] != styles['"value"'] != styles["12"]
