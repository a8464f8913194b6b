"""Steps as a person writes them."""

from __future__ import annotations

import pytest

from transactions.edits import Step, parse_set, say_set
from transactions.errors import Invalid


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("$.a.b=KG", Step(op="set", path="$.a.b", value="KG", loose=True)),
        ("$.a=", Step(op="set", path="$.a", value="", loose=True)),
        ("$.a=b=c", Step(op="set", path="$.a", value="b=c", loose=True)),
        ("$.n:=12", Step(op="set", path="$.n", value=12)),
        ('$.n:={"a": [1]}', Step(op="set", path="$.n", value={"a": [1]})),
        ("//Line[@n='1']/Unit=KG", Step(op="set", path="//Line[@n='1']/Unit", value="KG", loose=True)),
        ("$..[?@.unit=='KIL'].unit=KG", Step(op="set", path="$..[?@.unit=='KIL'].unit", value="KG", loose=True)),
        ("$..[?@.x==']'].u=1", Step(op="set", path="$..[?@.x==']'].u", value="1", loose=True)),
    ],
)
def test_a_value_at_a_path(text: str, step: Step) -> None:
    assert parse_set(text) == step
    assert parse_set(say_set(step)) == step


@pytest.mark.parametrize("text", ["", "$.a", "=x", "$.a[b=c", "$.n:=nope"])
def test_what_is_no_value_at_a_path(text: str) -> None:
    with pytest.raises(Invalid, match="Nothing was done"):
        parse_set(text)
