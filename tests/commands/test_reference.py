from __future__ import annotations

from pathlib import Path

import pytest

from commands.exits import Exit
from commands.reference import _EXITS, PLACE, reference


def test_the_page_in_the_docs_is_not_stale() -> None:
    page = Path(__file__).parents[2] / PLACE
    if not page.exists():
        pytest.skip("the docs are not here: these tests run beside an installed wheel")
    assert page.read_text(encoding="utf-8") == reference(), "run: python -m commands.reference"


def test_every_exit_code_is_explained() -> None:
    assert set(_EXITS) == set(Exit)
