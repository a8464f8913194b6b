"""The pages of promises and outcomes name tests, and every one of them is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

_NAMED = re.compile(r"`(?:tests/)?([\w/]+\.py)(?:::(\w+))?`")


@pytest.fixture(scope="module")
def root() -> Path:
    """Where the pages are: beside the tests, in a checkout and in CI."""
    return Path(__file__).parents[2]


@cache
def collected_in(path: Path) -> frozenset[str]:
    """What pytest would collect of a module: functions, classes, and cases that a state machine makes."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return frozenset(name for name in found if name.lower().startswith("test"))


def named(text: str) -> list[tuple[str, str]]:
    """Every module and test that a page names."""
    return _NAMED.findall(text)


@pytest.mark.parametrize(
    ("page", "least"), [("docs/promises.md", 150), ("docs/outcomes.md", 20), ("docs/policies/promises.md", 30)]
)
def test_every_test_that_is_named_is_there(root: Path, page: str, least: int) -> None:
    found = named((root / page).read_text(encoding="utf-8"))
    assert len(found) >= least
    missing = [
        f"{module}::{test}"
        for module, test in found
        if not (root / "tests" / module).is_file() or (test and test not in collected_in(root / "tests" / module))
    ]
    assert missing == []


@pytest.mark.parametrize(("page", "least"), [("docs/promises.md", 60), ("docs/policies/promises.md", 13)])
def test_every_promise_names_a_test(root: Path, page: str, least: int) -> None:
    text = (root / page).read_text(encoding="utf-8").split("## What is not promised")[0]
    promises = re.split(r"^- ", text, flags=re.MULTILINE)[1:]
    assert len(promises) > least
    assert [promise[:60] for promise in promises if not named(promise)] == []


def test_every_way_that_things_go_wrong_says_what_to_do_and_names_its_tests(root: Path) -> None:
    text = (root / "docs/outcomes.md").read_text(encoding="utf-8")
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title = section.splitlines()[0]
        assert "\nTests: " in section, title
        assert named(section.split("\nTests: ")[1]), title
        assert "**You" in section or title == "A target lies", title
