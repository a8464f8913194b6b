"""The page about the rules says what the rules say."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway_policies.linting import rules
from gateway_policies.linting.reference import reference
from gateway_policies.loading import EXPLANATIONS

PAGE = Path(__file__).parents[3] / "docs/policies/rules.md"


def test_the_page_is_as_the_rules_are() -> None:
    if not PAGE.exists():
        pytest.skip("the docs are not here: these tests run beside an installed wheel")
    assert PAGE.read_text(encoding="utf-8") == reference(), "run: python -m gateway_policies.linting.reference"


def test_no_rule_is_called_like_a_mistake_of_loading() -> None:
    assert not {each.id for each in rules()} & set(EXPLANATIONS)
