"""``python -m console.reference``: the page of keys, from the bindings themselves."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from textual.binding import Binding
from textual.dom import DOMNode

from console.bindings import nodes
from console.verbs import VERBS

PAGE = Path("docs/reference/keys.md")
_TITLES = {
    "AndonApp": "Everywhere",
    "Table": "In every list",
    "TransactionTable": "In the list of transactions",
    "GroupTable": "In the list of groups",
    "LampGrid": "In the grid of the board",
    "CalendarTable": "In the calendar of versions",
    "PlanPane": "In the plan of policies",
    "MatrixTable": "In the matrix of consumers and scopes",
}


def page() -> str:
    """The page, whole."""
    lines = [
        "# Keys of the console",
        "",
        "Made from the bindings by `python -m console.reference`. To put an action on another key, name it in the file",
        '`keys.toml` of the configuration folder: `[keys]`, then `"failed.replay" = "ctrl+o"` (commas between).',
    ]
    for node in nodes():
        rows = list(_rows(node))
        if rows:
            title = _TITLES.get(node.__name__, f"On the page of {node.__name__.removesuffix('Screen').lower()}")
            lines += ["", f"## {title}", "", "| key | action | name |", "| --- | --- | --- |", *rows]
    lines += [
        "",
        "## Command line (`:`)",
        "",
        "Any unique beginning of a word will do.",
        "",
        "| word | does |",
        "| --- | --- |",
    ]
    lines += [f"| `:{f'{verb.name} {verb.argument}'.strip()}` | {verb.help} |" for verb in VERBS]
    return "\n".join(lines) + "\n"


def _rows(node: type[DOMNode]) -> Iterator[str]:
    # Only what the class adds: what it inherits stands where it comes from.
    for binding in node.__dict__.get("BINDINGS", ()):
        if isinstance(binding, Binding) and binding.id is not None:
            keys = ", ".join(f"`{key}`" for key in binding.key.split(","))
            yield f"| {keys} | {binding.description} | `{binding.id}` |"


if __name__ == "__main__":
    sys.stdout.write(page())
