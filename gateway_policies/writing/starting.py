"""Policies to begin with: a commented scaffold, and the worked example for the simulated systems."""

from __future__ import annotations

import re
from datetime import date, timedelta
from importlib import resources
from importlib.resources.abc import Traversable

WRITTEN_ON = date(2026, 11, 21)
"""The day on which the dates in both are meant; they are moved by as many days as have passed since."""

_DAY = re.compile(r"\b20[0-9]{2}-[0-9]{2}-[0-9]{2}")


def beginnings(today: date, *, example: bool = False) -> dict[str, str]:
    """The text of every file, by its path below the folder.

    Args:
        today: what the dates in them are relative to.
        example: the one for the fourteen simulated systems, in the place of the scaffold.
    """
    root = resources.files("gateway_policies") / ("example" if example else "scaffold")
    passed = today - WRITTEN_ON
    found: dict[str, str] = {}
    _collect(root, "", found)
    return {file: _moved(text, passed) if file.endswith(".toml") else text for file, text in sorted(found.items())}


def _collect(folder: Traversable, below: str, found: dict[str, str]) -> None:
    for each in folder.iterdir():
        name = f"{below}{each.name}"
        if each.is_dir():
            if each.name != "__pycache__":
                _collect(each, f"{name}/", found)
        else:
            found[name] = each.read_text(encoding="utf-8")


def _moved(text: str, passed: timedelta) -> str:
    return _DAY.sub(lambda day: (date.fromisoformat(day[0]) + passed).isoformat(), text)
