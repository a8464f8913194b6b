"""The page of all kinds of change, and that no change has a kind that is not on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway_policies.contracts.catalogue import kinds
from gateway_policies.contracts.page import page

PAGE = next(
    (
        up / "docs/policies/contracts.md"
        for up in Path(__file__).parents
        if (up / "docs/policies/contracts.md").exists()
    ),
    None,
)


@pytest.mark.skipif(PAGE is None, reason="the tests stand without the documentation")
def test_the_page_is_what_the_code_says() -> None:
    assert PAGE is not None
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "run: python -m gateway_policies.contracts.page > docs/policies/contracts.md"
    )


def test_every_kind_is_on_the_page_once() -> None:
    text = page()
    for kind in kinds():
        assert text.count(f"| `{kind}` |") == 1


def test_every_kind_says_what_it_is_in_a_sentence() -> None:
    for kind in kinds().values():
        assert kind.words.endswith(".")
        assert kind.words[0].isupper()
        assert kind.level.split(",")[0] in ("breaking", "undecided", "compatible")
