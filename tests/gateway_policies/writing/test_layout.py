"""The one layout: it changes nothing that is said, no comment, and nothing the second time."""

from __future__ import annotations

import re
import tomllib

import pytest
from hypothesis import given, settings
from toml_documents import Writer, documents

from gateway_policies.writing.layout import laid_out

BEFORE = """\
# top


  [gateway]
name="x"\t\x20
# about it
[ a . b ]
  k . z= { a=1,b = [1,2 ,3]  , c={} }# hi
  l = [
1,
     2, # two

  [3],
]
d = 1979-05-27 07:32:00
f = -1.5e+3
s = \"\"\"
  keep\x20
[x]
\"\"\"


[[version]]   # aligned
[[version]]\t# tab
# of it
x=-1


"""
AFTER = """\
# top

[gateway]
name = "x"

# about it
[a.b]
k.z = { a = 1, b = [1, 2, 3], c = {} }  # hi
l = [
    1,
    2,  # two

    [3],
]
d = 1979-05-27 07:32:00
f = -1.5e+3
s = \"\"\"
  keep\x20
[x]
\"\"\"

[[version]]   # aligned

[[version]]  # tab
# of it
x = -1
"""


_STRING = (
    r'''"""(?:[^"\\]|\\[\s\S]|"{1,2}(?!"))*"{3,5}|'''
    r"""'''(?:[^']|'{1,2}(?!'))*'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'"""
)


def comments(text: str) -> list[str]:
    return [found[1].rstrip() for found in re.finditer(rf"{_STRING}|(#[^\r\n]*)", text) if found[1]]


def without_strings(text: str) -> str:
    return re.sub(rf"(#[^\n]*)|{_STRING}", lambda found: found[1] or "S", text)


def test_the_layout() -> None:
    assert laid_out(BEFORE) == AFTER


@given(documents())
@settings(max_examples=300, deadline=None)
def test_what_is_said_stays_and_so_does_every_comment_and_the_second_time_nothing_changes(writer: Writer) -> None:
    laid = laid_out(writer.text)
    before = tomllib.loads(writer.text)
    assert repr(tomllib.loads(laid)) == repr(before)
    assert comments(laid) == comments(writer.text)
    assert laid_out(laid) == laid


@given(documents())
@settings(max_examples=200, deadline=None)
def test_it_is_the_layout_whatever_the_text_had(writer: Writer) -> None:
    laid = laid_out(writer.text)
    if "nan" in laid:
        return
    outside = without_strings(laid)
    assert "\r" not in outside
    assert not laid or (laid.endswith("\n") and not laid.endswith("\n\n"))
    assert "\n\n\n" not in outside
    assert not re.search(r"[ \t]$", outside, re.MULTILINE)


@pytest.mark.parametrize(
    "text", ["", "\n", "# a\n", "# a\n\n# b\n", "a = 1\n", "[a]\n", "# of a\n[a]\n", "[a]\nb = 1\n\n# x\n"]
)
def test_what_is_laid_out_already_stays(text: str) -> None:
    assert laid_out(text) == ("" if text == "\n" else text)


@pytest.mark.parametrize(
    ("text", "laid"),
    [
        ("a=1", "a = 1\n"),
        ("a=[]", "a = []\n"),
        ("a={}", "a = {}\n"),
        ("a=[ ]", "a = []\n"),
        ("a = [1 , ]", "a = [1, ]\n"),
        ("[a]\n[b]", "[a]\n\n[b]\n"),
        ("[a]\n# of b\n[b]", "[a]\n\n# of b\n[b]\n"),
        ("a = 1\n# of b\n# and more\n[b]", "a = 1\n\n# of b\n# and more\n[b]\n"),
        ("a = 1\r\nb = 2\r\n", "a = 1\nb = 2\n"),
        ('"a" . b=1', '"a".b = 1\n'),
        ("[ 'a' . b ]", "['a'.b]\n"),
        ("[[ a ]] #x", "[[a]]  #x\n"),
        ("a = 1#x", "a = 1  #x\n"),
        ("a = '#' #x", "a = '#'  #x\n"),
    ],
)
def test_small_things(text: str, laid: str) -> None:
    assert laid_out(text) == laid


def test_what_is_no_toml_is_refused() -> None:
    with pytest.raises(ValueError, match="line 1"):
        laid_out("a = \nb = 1")
