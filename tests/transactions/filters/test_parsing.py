"""Reading filters: what is taken, what is refused and where the finger points."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from transactions.errors import BadFilter
from transactions.filters import parse, show
from transactions.filters.fields import FIELDS
from transactions.filters.parsing import DEPTH, LENGTH, VALUES
from transactions.filters.query import And, Not, Or, Query, Sign, Term, Value, Words

KEYS = frozenset({"order", "lot", "plant", "odd-key.x"})


def term(field: str, *values: str, sign: Sign = Sign.IS) -> Term:
    return Term(field, sign, tuple(Value(value) for value in values))


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("plant:P03", term("plant", "P03")),
        ("plant=P03", term("plant", "P03")),
        ("plant: P03", term("plant", "P03")),
        ("flow:a, b,c", term("flow", "a", "b", "c")),
        ("kind:throttled", term("failure.kind", "throttled")),
        ("failure.kind:throttled", term("failure.kind", "throttled")),
        ("order:4711*", term("business_keys.order", "4711*")),
        ("odd-key.x:1", term("business_keys.odd-key.x", "1")),
        ("business_keys.plant:1", term("business_keys.plant", "1")),
        ("age>15m", term("age", "15m", sign=Sign.ABOVE)),
        ("attempts<=3", term("attempts", "3", sign=Sign.AT_MOST)),
        ("idempotency_key:urn:x:1=2", term("idempotency_key", "urn:x:1=2")),
        ("created_at>=2026-11-20T06:30+01:00", term("created_at", "2026-11-20T06:30+01:00", sign=Sign.AT_LEAST)),
        ('plant:"P 03"', Term("plant", Sign.IS, (Value("P 03", quoted=True),))),
        ('plant:"P03"', term("plant", "P03")),
        ('plant:"none"', Term("plant", Sign.IS, (Value("none", quoted=True),))),
        ('plant:"a\\"b\\\\"', Term("plant", Sign.IS, (Value('a"b\\', quoted=True),))),
        ('""', None),
        ("lot", Words("lot")),
        ("12:30", Words("12:30")),
        ('"lot not found"', Words("lot not found")),
        ("-plant:P03", Not(term("plant", "P03"))),
        ("not plant:P03", Not(term("plant", "P03"))),
        ("NOT (lot)", Not(Words("lot"))),
        ("--lot", Words("lot")),
        ("notlot order", And((Words("notlot"), Words("order")))),
        ("abc def or ghi", Or((And((Words("abc"), Words("def"))), Words("ghi")))),
        ("abc (def OR ghi)", And((Words("abc"), Or((Words("def"), Words("ghi")))))),
        ("(abc def) ghi", And((Words("abc"), Words("def"), Words("ghi")))),
        ("((abc))", Words("abc")),
        ("abc and def", And((Words("abc"), Words("def")))),
        ("abc AND (def)", And((Words("abc"), Words("def")))),
        ("abc and not def or ghi", Or((And((Words("abc"), Not(Words("def")))), Words("ghi")))),
        ("android sand", And((Words("android"), Words("sand")))),
        ('"and"', Words("and")),
    ],
)
def test_what_is_read(text: str, node: object) -> None:
    if node is None:
        with pytest.raises(BadFilter):
            parse(text, KEYS)
    else:
        assert parse(text, KEYS) == Query(node)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "  ", "\n\t"])
def test_an_empty_filter_matches_everything(text: str) -> None:
    assert parse(text) == Query(None)
    assert show(parse(text)) == ""


def test_the_example_of_the_design() -> None:
    text = (
        "plant:P03 flow:material-consumption,goods-receipt kind:throttled age>15m order:4711* assignee:none "
        '"lot not found" -target:ERP (status:failed or status:in-doubt)'
    )
    assert show(parse(text, KEYS)) == text


@pytest.mark.parametrize(
    ("text", "column", "suggestions"),
    [
        ("plnt:P03", 1, ["plant:"]),
        ("plant:P01 ordr:1", 11, ["order:"]),
        ("failure.kin:locked", 1, ["failure.kind:"]),
        ("business_keys.ordr:1", 1, ["order:"]),
        ("zzzzz:1", 1, []),
        ("plant:P01 status:faild", 18, ["status:failed"]),
        ("kind:lockd,throttled", 6, ["kind:locked"]),
        ("kind:throttled,lockd", 16, ["kind:locked"]),
        ("status:none", 8, []),
        ("flow:none", 6, []),
        ("plant>P01", 7, ["plant:P01"]),
        ("status>failed", 8, ["status:failed"]),
        ("age:15m", 5, ["age>15m"]),
        ("age>15", 5, []),
        ("failed_at>2h", 11, ["failed_at>-2h", "failed_at<+2h"]),
        ("failed_at:2026-02-30", 11, []),
        ("attempts>many", 10, []),
        ("attempts>1,2", 10, []),
        ("attempts:5..3", 10, ["attempts:3..5"]),
        ("attempts:3..many", 10, []),
        ("attempts>3..5", 10, ["attempts:3..5"]),
        ("attempts:..", 10, []),
        ("attempts:1..2..3", 10, []),
        ("age:2h..1h", 5, ["age:1h..2h"]),
        ("failed_at:2026-11-21..2026-11-20", 11, ["failed_at:2026-11-20..2026-11-21"]),
        ("failed_at:2026-11-20..2h", 11, ["failed_at>-2h", "failed_at<+2h"]),
        ("overdue:maybe", 9, ["overdue:true", "overdue:false"]),
        ("message:ab", 9, []),
        ("ab", 1, []),
        ("and", 1, []),
        ("not", 1, []),
        ("or lot", 1, []),
        ("plant:P01 and", 14, []),
        ("plant:P01 and and lot", 15, []),
        ("plant:P01 and or lot", 15, []),
        ("plant : P01", 7, []),
        ("lot*", 1, ["lot"]),
        ("plant:", 7, []),
        ("plant:P01 or", 13, []),
        ("(plant:P01", 11, []),
        ("plant:P01)", 10, []),
        ("()", 2, []),
        ("a,b", 2, []),
        ('abc "not closed', 5, []),
        ("abc\x00", 4, []),
        ("abc \ud800", 5, []),
    ],
)
def test_what_is_refused_says_where_and_what_was_meant(text: str, column: int, suggestions: list[str]) -> None:
    with pytest.raises(BadFilter) as caught:
        parse(text, KEYS)
    assert caught.value.extra["column"] == column
    assert caught.value.extra["suggestions"] == suggestions
    assert f"at column {column}: " in caught.value.detail


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("or plant:P01", "Something is missing around 'or': a term stands after it, and before and and or."),
        ("plant:P01 and", "a term after and, or, not or -"),
        ("plant : P01", "A name and its sign stand together, like plant:P03."),
        ("status:failed && plant:P01", "'&&' is written 'and' here"),
        ("status:failed || plant:P01", "'||' is written 'or' here"),
        ("!(plant:P01)", "'!' is written 'not' here"),
        ("plant:'P01'", "Text stands in double quotes here"),
        ("'lot not found'", "Text stands in double quotes here"),
        ("plant:!P01", "like -plant:P01."),
        ("age>1000000000000d", "is a longer duration than a calendar has"),
        ("age>15", "'15' is not a duration: write a number and a unit"),
        ("attempts>12345678901", "attempts is a whole number from 0 to 999999999, and '12345678901' is none"),
    ],
)
def test_what_is_refused_says_why(text: str, says: str) -> None:
    with pytest.raises(BadFilter) as caught:
        parse(text, KEYS)
    assert says in caught.value.detail


@pytest.mark.parametrize("text", ["plant!=P01", "plant!:P01", "plant!==P01", "!plant:P01", "!!plant:P01"])
def test_a_not_of_another_language_is_refused_and_not_searched_as_text(text: str) -> None:
    with pytest.raises(BadFilter) as caught:
        parse(text, KEYS)
    assert caught.value.extra["suggestions"] == ["-plant:P01"]
    assert caught.value.extra["column"] == 1


@pytest.mark.parametrize(
    "text", ['"plant!=P01"', '"!plant:P01"', '"\'lot"', "&&&", 'order:"!1"', "order:\"'1'\"", "it's!"]
)
def test_in_quotes_signs_of_other_languages_are_text(text: str) -> None:
    assert show(parse(text, KEYS)) == text


def test_suggestions_can_be_used_as_they_are() -> None:
    with pytest.raises(BadFilter) as caught:
        parse("failed_at>2h", KEYS)
    for suggestion in caught.value.extra["suggestions"]:  # type: ignore[attr-defined]
        parse(suggestion, KEYS)


def test_without_the_names_of_business_keys_any_name_may_be_one() -> None:
    assert parse("anything:4711") == Query(term("business_keys.anything", "4711"))


def test_a_field_comes_before_a_business_key_of_its_name() -> None:
    assert parse("plant:P01", KEYS) == Query(term("plant", "P01"))
    assert show(parse("business_keys.plant:P01", KEYS)) == "business_keys.plant:P01"
    assert show(parse("business_keys.order:1", KEYS)) == "order:1"


@pytest.mark.parametrize(
    "text",
    [
        "x" * (LENGTH + 1),
        "(" * (DEPTH + 1) + "abc" + ")" * (DEPTH + 1),
        "abc " * (VALUES + 1),
        "id:" + "a," * VALUES + "a",
    ],
    ids=["length", "depth", "words", "values"],
)
def test_filters_have_limits(text: str) -> None:
    with pytest.raises(BadFilter):
        parse(text)


def test_every_field_can_be_filtered_by_its_example() -> None:
    for field in FIELDS:
        assert f"{field.shown}" in show(parse(field.example, frozenset()))


SOUP = st.lists(
    st.sampled_from(
        [
            *("plant", "status", "kind", "age", "order", "nonsense", "failed_at", "attempts", "message"),
            *(
                ":",
                ">",
                "<=",
                "=",
                ",",
                "(",
                ")",
                "-",
                " ",
                " ",
                " ",
                '"',
                "\\",
                "*",
                "not ",
                " or ",
                " and ",
                "or",
                "and",
                "none",
            ),
            *("failed", "15m", "-2h", "abc", "P01", "é", "%", "1", "2026-11-20", ".."),
        ]
    ),
    max_size=14,
).map("".join)


@settings(deadline=None)  # the first filter of a process pays for reading the grammar
@given(SOUP | st.text(max_size=40))
@example("not" * 100)
@example("-" * 3000 + "abc")
@example('"\\')
def test_any_text_is_read_or_refused_and_what_is_shown_reads_the_same(text: str) -> None:
    with suppress(BadFilter):
        query = parse(text, KEYS)
        assert parse(show(query), KEYS) == query
        assert show(parse(show(query), KEYS)) == show(query)


def test_the_parser_is_imported_only_when_a_filter_is_read() -> None:
    code = "import sys, transactions.filters; assert 'lark' not in sys.modules, 'lark'"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
