"""The reference page is what the fields say."""

from __future__ import annotations

from pathlib import Path

import pytest

from transactions.errors import BadFilter
from transactions.filters import parse
from transactions.filters.fields import FIELDS
from transactions.filters.reference import page
from transactions.model import Failure, Transaction

PAGE = next(
    (up / "docs/reference/filters.md" for up in Path(__file__).parents if (up / "docs/reference/filters.md").exists()),
    None,
)


@pytest.mark.skipif(PAGE is None, reason="the documentation is not beside these tests")
def test_the_page_is_not_stale() -> None:
    assert PAGE is not None
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "run: python -m transactions.filters.reference > docs/reference/filters.md"
    )


def test_every_field_of_the_json_can_be_filtered() -> None:
    nested = {"failure", "business_keys"}
    own = {name for name in Transaction.__struct_fields__ if name not in nested}
    of_failure = {f"failure.{name}" for name in Failure.__struct_fields__}
    assert {field.name for field in FIELDS} == own | of_failure | {"age"}


def test_every_example_on_the_page_can_be_read() -> None:
    code = [line for line in page().split("```")[1].splitlines() if line.strip()]
    for line in code:
        parse(line)
    for field in FIELDS:
        try:
            parse(field.example, frozenset())
        except BadFilter as error:
            pytest.fail(f"{field.example}: {error.detail}")
