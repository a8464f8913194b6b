"""The forms of output: one module each, chosen by ``-o``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import IO, Any

from msgspec import Struct

from commands.streams import writing
from commands.terminal import Look, one_line


class Form(StrEnum):
    """What ``-o`` takes."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    YAML = "yaml"
    ID = "id"


class Column(Struct, frozen=True):
    """A column of a table for people.

    Attributes:
        head: its heading.
        value: text of a row.
        style: style of a row's text.
        right: whether it is aligned to the right.
        give: how readily it gives way on a narrow terminal; 0 never, and higher first.
        least: width that it keeps until every other column has given way too.
        middle: shortened in the middle, as ids are.
    """

    head: str
    value: Callable[[Any, Look], str]
    style: Callable[[Any], str | None] | None = None
    right: bool = False
    give: int = 0
    least: int = 6
    middle: bool = False


class Listing(Struct, frozen=True, kw_only=True):
    """A list to be shown.

    Attributes:
        of: the type of the items, which gives CSV its columns.
        empty: what to tell people when there is nothing.
        identify: the item's id, for ``-o id``.
    """

    of: type
    items: Sequence[Any]
    columns: Sequence[Column]
    empty: str
    identify: Callable[[Any], str]
    next_cursor: str | None = None


class Detail(Struct, frozen=True, kw_only=True):
    """One thing to be shown; ``human`` words it for people."""

    value: Any
    human: Callable[[Look], str]
    identify: Callable[[Any], str]


def write(shown: Listing | Detail, form: Form, stream: IO[str], look: Callable[[], Look]) -> None:
    """Write a list or a thing to ``stream`` in the form that was asked for."""
    # Each form is imported when it is wanted: a machine's form costs no more than itself.
    match form:
        case Form.JSON:
            from commands.output import json_form

            put(stream, json_form.render(shown))
        case Form.JSONL:
            from commands.output import json_form

            put(stream, json_form.render_lines(shown))
        case Form.CSV:
            from commands.output import csv_form

            put(stream, csv_form.render(shown))
        case Form.YAML:
            from commands.output import yaml_form

            put(stream, yaml_form.render(shown))
        case Form.ID:
            put(stream, render_ids(shown))
        case Form.TABLE:
            from commands.output import table_form

            text = table_form.render(shown, look())
            with writing():
                stream.write(text)


def put(stream: IO[str], content: bytes) -> None:
    """Bytes to a text stream: UTF-8 whatever the locale says, and no translated line ends."""
    buffer = getattr(stream, "buffer", None)
    with writing():
        if buffer is None:
            stream.write(content.decode())
            return
        stream.flush()
        buffer.write(content)
        buffer.flush()


def render_ids(shown: Listing | Detail) -> bytes:
    """One id a line."""
    items = shown.items if isinstance(shown, Listing) else [shown.value]
    return "".join(f"{one_line(shown.identify(item))}\n" for item in items).encode()
