"""Themes from files: read, checked, and handed over with whatever was wrong with the others.

A broken theme never stops the console: its faults are collected and shown, and the other themes stay usable.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from textual.color import Color, ColorParseError
from textual.theme import Theme

from transactions.untrusted import parse_toml

BUILT_IN = Path(__file__).parent
DEFAULT = "andon-dark"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


class Colours(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base colours, as Textual names them."""

    primary: str
    foreground: str
    background: str
    secondary: str | None = None
    accent: str | None = None
    surface: str | None = None
    panel: str | None = None
    warning: str | None = None
    error: str | None = None
    success: str | None = None


class States(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """What states look like. Every one has a default, so a theme may name only what it changes."""

    failed: str = "#f2766b"
    late: str = "#e3ad62"
    held: str = "#b79df2"
    doubt: str = "#e58fc0"
    moving: str = "#7fb4e6"
    fine: str = "#5f8f76"
    done: str = "#7cb894"
    quiet: str = "#7d8794"
    bright: str = "#f1f5f9"
    rule: str = "#2a323c"
    cursor_row: str = "#233243"
    marked_row: str = "#1c2836"
    production: str = "#a8322a"


class ThemeFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A theme as its file says it."""

    name: str
    colours: Colours
    dark: bool = True
    states: States = msgspec.field(default_factory=States)


class Fault(Struct, frozen=True, kw_only=True):
    """A theme file that cannot be used, and why."""

    path: Path
    message: str


class Themes(Struct, frozen=True, kw_only=True):
    """What was found: usable themes by name (a later folder's replaces an earlier one's), and the faults."""

    themes: dict[str, Theme]
    faults: list[Fault]


def variable_defaults() -> dict[str, str]:
    """Values of the console's own variables under a theme that does not know them (Textual's, say)."""
    values: dict[str, str] = msgspec.to_builtins(States())
    return values


def load(folders: Sequence[Path]) -> Themes:
    """Every ``*.toml`` in ``folders``, in order; a folder that does not exist has no themes."""
    themes: dict[str, Theme] = {}
    faults: list[Fault] = []
    for path in _files(folders):
        try:
            theme = read(path)
        except ValueError as error:
            faults.append(Fault(path=path, message=str(error)))
        else:
            themes[theme.name] = theme
    return Themes(themes=themes, faults=faults)


def read(path: Path) -> Theme:
    """One theme.

    Raises:
        ValueError: not readable, not a theme, or a colour that is none; the message names the place.
    """
    try:
        content = msgspec.convert(parse_toml(path.read_text(encoding="utf-8")), ThemeFile)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ValueError(f"{path.name}: {error}") from error
    if not _NAME.fullmatch(content.name):
        raise ValueError(f"{path.name}: name {content.name!r} must be lower-case letters, digits and dashes")
    colours = {name: value for name, value in msgspec.to_builtins(content.colours).items() if value is not None}
    states: dict[str, str] = msgspec.to_builtins(content.states)
    for name, value in (colours | states).items():
        try:
            Color.parse(value)
        except ColorParseError as error:
            raise ValueError(f"{path.name}: {name} = {value!r} is not a colour; write one like #7aa2c9") from error
    return Theme(name=content.name, dark=content.dark, variables=states, **colours)


def stamp(folders: Sequence[Path]) -> tuple[tuple[str, int], ...]:
    """Which files there are and when each was changed: differs when themes have to be loaded again."""
    found = []
    for path in _files(folders):
        try:
            found.append((str(path), path.stat().st_mtime_ns))
        except FileNotFoundError:
            # Removed between listing and looking: the same as never listed.
            continue
    return tuple(found)


def _files(folders: Sequence[Path]) -> list[Path]:
    return [path for folder in folders if folder.is_dir() for path in sorted(folder.glob("*.toml"))]
