"""docs/nights.md is the runbook: every command on it is one that its night's test runs, word for word."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def page() -> dict[int, list[str]]:
    """The commands of each night, without ``andon``."""
    for folder in HERE.parents:
        found = folder / "docs" / "nights.md"
        if found.exists():
            sections = re.split(r"^## (\d+)\. ", found.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
            return {
                int(number): re.findall(r"^andon (.+)$", text, flags=re.MULTILINE)
                for number, text in zip(sections[::2], sections[1::2], strict=True)
            }
    pytest.skip("the docs are not beside the tests here")


def strings(number: int) -> set[str]:
    """Every string that the night's test has."""
    (module,) = HERE.glob(f"test_night_{number:02d}_*.py")
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_there_are_ten() -> None:
    assert sorted(page()) == list(range(1, 11))


@pytest.mark.parametrize("number", range(1, 11))
def test_what_the_page_says_is_what_is_played(number: int) -> None:
    commands = page()[number]
    assert len(commands) >= 2
    assert set(commands) <= strings(number)
