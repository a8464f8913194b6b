from __future__ import annotations

import os
from pathlib import Path

import pytest
from textual.color import Color

from themes.loader import BUILT_IN, DEFAULT, load, read, stamp, variable_defaults

GOOD = """name = "mine"
[colours]
primary = "#112233"
foreground = "white"
background = "black"
[states]
failed = "red"
"""


def test_two_themes_come_with_it_one_dark_and_one_light() -> None:
    found = load([BUILT_IN])
    assert found.faults == []
    assert {name: theme.dark for name, theme in found.themes.items()} == {"andon-dark": True, "andon-light": False}
    assert DEFAULT in found.themes


@pytest.mark.parametrize("name", ["andon-dark", "andon-light"])
def test_what_has_to_be_read_can_be_read(name: str) -> None:
    theme = load([BUILT_IN]).themes[name]
    ground = Color.parse(theme.background)
    for state in ("failed", "late", "held", "doubt", "moving", "done", "quiet", "bright"):
        contrast = _contrast(Color.parse(theme.variables[state]), ground)
        assert contrast >= 4.5, f"{state} has contrast {contrast:.1f} (WCAG AA wants 4.5)"


def test_every_theme_names_every_state() -> None:
    for theme in load([BUILT_IN]).themes.values():
        assert set(theme.variables) == set(variable_defaults())


def test_a_theme_of_ones_own_may_name_only_what_it_changes(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(GOOD)
    theme = read(tmp_path / "mine.toml")
    assert theme.variables["failed"] == "red"
    assert theme.variables["held"] == variable_defaults()["held"]


def test_a_later_folder_replaces_a_theme_of_the_same_name(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(GOOD.replace("mine", "andon-dark"))
    found = load([BUILT_IN, tmp_path, tmp_path / "not-there"])
    assert found.themes["andon-dark"].primary == "#112233"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name = [", "broken.toml"),
        ('name = "x"', "colours"),
        (GOOD.replace("white", "whitish"), "'whitish' is not a colour"),
        (GOOD.replace("mine", "My Theme"), "lower-case"),
        (GOOD + 'faild = "red"\n', "faild"),
    ],
)
def test_a_broken_theme_is_told_and_the_others_stay(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "broken.toml").write_text(content)
    (tmp_path / "good.toml").write_text(GOOD)
    found = load([tmp_path])
    assert list(found.themes) == ["mine"]
    assert len(found.faults) == 1
    assert said in found.faults[0].message


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    assert stamp([tmp_path]) == ()
    path.write_text(GOOD)
    before = stamp([tmp_path])
    os.utime(path, ns=(1, before[0][1] + 1))
    assert stamp([tmp_path]) != before


def _contrast(ink: Color, ground: Color) -> float:
    lighter, darker = sorted((_luminance(ink), _luminance(ground)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Color) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [value / 255 for value in colour.rgb]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
