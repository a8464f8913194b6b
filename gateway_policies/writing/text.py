"""Tables to the text of a file, as people write policies: a header for each table, lists and small tables in a line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import tomli_w

WIDTH = 100
"""Of a line; a longer list has its items on lines of their own."""


def text_of(tables: dict[str, Any]) -> str:
    """One file's text, in the one layout."""
    return "\n".join(_blocks(tables))


def _blocks(tables: dict[str, Any]) -> Iterator[str]:
    """Each table with its header, the tables inside it behind it."""
    for key, value in tables.items():
        if isinstance(value, list):
            for each in value:
                yield from _table(f"[[{_key(key)}]]", key, each)
        elif value and all(isinstance(each, dict) for each in value.values()):
            for name, each in value.items():
                yield from _table(f"[{_key(key)}.{_key(name)}]", f"{key}.{name}", each)
        else:
            yield from _table(f"[{_key(key)}]", key, value)


def _table(header: str, path: str, table: dict[str, Any]) -> Iterator[str]:
    inner = {key: each for key, each in table.items() if isinstance(each, list) and each and isinstance(each[0], dict)}
    lines = [f"{_key(key)} = {_value(each)}\n" for key, each in table.items() if key not in inner]
    yield f"{header}\n{''.join(lines)}"
    for key, items in inner.items():
        for each in items:
            yield from _table(f"[[{path}.{_key(key)}]]", f"{path}.{key}", each)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        items = [_value(each) for each in value]
        line = f"[{', '.join(items)}]"
        return line if len(line) <= WIDTH else "[\n" + "".join(f"    {each},\n" for each in items) + "]"
    if isinstance(value, datetime) and value.tzinfo is UTC:
        return value.replace(tzinfo=None).isoformat() + "Z"
    return tomli_w.dumps({"x": value}).removeprefix("x = ").removesuffix("\n")


def _key(name: str) -> str:
    """A key as TOML has it: in quotes where it has to be."""
    return tomli_w.dumps({name: 0}).removesuffix(" = 0\n")
