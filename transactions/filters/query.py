"""A filter as data, and its one canonical text."""

from __future__ import annotations

import re
from enum import StrEnum

from msgspec import Struct

from transactions.filters.fields import KEY_PREFIX, key_field


class Sign(StrEnum):
    """What stands between a field and its value."""

    IS = ":"
    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="


class Value(Struct, frozen=True):
    """A value as it was written; in a ``quoted`` one neither ``*`` nor ``none`` mean anything."""

    text: str
    quoted: bool = False


class Term(Struct, frozen=True, tag="term"):
    """A field held against values, any of which will do. ``field`` is the full name (``failure.kind``)."""

    field: str
    sign: Sign
    values: tuple[Value, ...]


class Words(Struct, frozen=True, tag="words"):
    """Text that a transaction's message, business keys, ids or payload contain, in any case of ASCII letters."""

    text: str


class Not(Struct, frozen=True, tag="not"):
    """What does not match ``part``."""

    part: Node


class And(Struct, frozen=True, tag="and"):
    """What matches every part (two or more, none of them an And)."""

    parts: tuple[Node, ...]


class Or(Struct, frozen=True, tag="or"):
    """What matches any part (two or more, none of them an Or)."""

    parts: tuple[Node, ...]


Node = Term | Words | Not | And | Or


class Query(Struct, frozen=True):
    """A filter that was read; without a node it matches everything."""

    node: Node | None = None


def fields_of(query: Query) -> frozenset[str]:
    """Full names of the fields that a query asks for; ``""`` where it searches for words."""
    return frozenset() if query.node is None else _fields(query.node)


def _fields(node: Node) -> frozenset[str]:
    match node:
        case Term(field):
            return frozenset({field})
        case Words():
            return frozenset({""})
        case Not(part):
            return _fields(part)
        case And(parts) | Or(parts):
            return frozenset().union(*(_fields(part) for part in parts))


def required_words(query: Query) -> list[str]:
    """The words without which nothing matches: those that are the whole filter, or a part of it that must hold."""
    parts = query.node.parts if isinstance(query.node, And) else (query.node,)
    return [part.text for part in parts if isinstance(part, Words)]


_PLAIN_VALUE = re.compile(r"[^\s\"'!(),][^\s\"(),]*")
_PLAIN_WORD = re.compile(r"[^\s\"'(),\-*][^\s\"(),*]*")
_LOOKS_LIKE_TERM = re.compile(r"!*[A-Za-z_][\w.-]*!?[:<>=]")


def show(query: Query) -> str:
    """The canonical text of a query: :func:`transactions.filters.parsing.parse` reads the same query from it."""
    return "" if query.node is None else _show(query.node)


def show_value(text: str) -> str:
    """``text`` as a value that means exactly itself."""
    return text if is_plain(text) else _quote(text)


def is_plain(text: str) -> bool:
    """Whether ``text`` means itself as a value without quotes."""
    return _PLAIN_VALUE.fullmatch(text) is not None and "*" not in text and text.lower() != "none"


def _show(node: Node) -> str:
    match node:
        case Term(field, sign, values):
            written = ",".join(_quote(value.text) if value.quoted else value.text for value in values)
            return f"{_short(field)}{sign}{written}"
        case Words(text):
            plain = _PLAIN_WORD.fullmatch(text) and not _LOOKS_LIKE_TERM.match(text)
            return text if plain and text.lower() not in ("and", "or", "not") else _quote(text)
        case Not(part):
            return f"-({_show(part)})" if isinstance(part, And | Or) else f"-{_show(part)}"
        case And(parts):
            return " ".join(f"({_show(part)})" if isinstance(part, Or) else _show(part) for part in parts)
        case Or(parts):
            return " or ".join(_show(part) for part in parts)


def _short(field: str) -> str:
    if field.startswith(KEY_PREFIX):
        return key_field(field.removeprefix(KEY_PREFIX)).shown
    return field.removeprefix("failure.")


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
