"""Templates of paths: what fits, in words of segments and in those of regular expressions, alike."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_policies.loading.formats import TEMPLATE
from gateway_policies.routing.paths import escaped, expression, fits, nearness, shape

SEGMENTS = st.text("ab.+*$(1-", min_size=1, max_size=3).filter(lambda text: text not in (".", ".."))
TEMPLATES = st.lists(SEGMENTS | st.sampled_from(["{a}", "{b}"]), max_size=4).map(lambda parts: "/" + "/".join(parts))
CALLS = st.lists(SEGMENTS, max_size=4).map(lambda parts: "/" + "/".join(parts))


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/", ()),
        ("/a", ("a",)),
        ("/{order}/release", (None, "release")),
        ("/a{b}", ("a{b}",)),
    ],
)
def test_the_segments_of_a_template(path: str, found: tuple[str | None, ...]) -> None:
    assert shape(path) == found


@settings(max_examples=50, deadline=None)
@given(TEMPLATES, CALLS)
def test_a_regular_expression_says_the_same(template: str, call: str) -> None:
    segments = shape(call)
    found = re.fullmatch(expression("/erp/v1", template), "/erp/v1" + ("" if call == "/" else call))
    assert (found is not None) == fits(shape(template), segments)


@settings(max_examples=50, deadline=None)
@given(TEMPLATES)
def test_a_template_fits_itself_and_what_it_is_filled_with(template: str) -> None:
    assert fits(shape(template), shape(template))
    filled = tuple("x" if part is None else part for part in shape(template))
    assert fits(shape(template), filled)


@settings(max_examples=50, deadline=None)
@given(TEMPLATES, TEMPLATES)
def test_what_fits_more_comes_later(one: str, other: str) -> None:
    if fits(shape(one), shape(other)) and shape(one) != shape(other):
        assert nearness(other) < nearness(one)


@settings(max_examples=50, deadline=None)
@given(st.from_regex(TEMPLATE.pattern, fullmatch=True))
def test_whatever_policies_can_say_is_an_expression(template: str) -> None:
    assert re.compile(expression("/p", template))


@pytest.mark.parametrize(
    "text", ["a.b", "a+b", "(a)", "a*", "$a", "a|b", "[a]", "a\\b", "a?", "^a", "{a}", "%2F~!&',;=:@-_"]
)
def test_text_is_taken_as_it_is(text: str) -> None:
    assert re.fullmatch(escaped(text), text)
    assert not re.fullmatch(escaped(text), text + "a")


def test_an_empty_segment_fits_no_parameter() -> None:
    assert not fits((None,), ("",))
    assert not fits(("a", None), ("a", ""))
    assert not fits((None,), ("a", "b"))
