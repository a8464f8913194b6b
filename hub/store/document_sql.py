"""Documents as text in the words of SQLite; another database has words of its own for these."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, ColumnElement, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

_PLAIN = (
    "((instr(lower({type}), 'charset') = 0 OR instr(lower({type}), 'utf-8') > 0)"
    " AND substr({content}, 1, 2) NOT IN (x'fffe', x'feff')"
    " AND (instr(substr({content}, 1, 400), 'encoding=') = 0"
    " OR instr(lower(CAST(substr({content}, 1, 400) AS TEXT)), 'utf-8') > 0))"
)


def plain(content_type: str, content: str) -> str:
    """SQL that tells whether a document is in UTF-8, for all that it says of itself, so that its bytes are its text;
    what is not is read by :func:`hub.charset.text_of`.

    Args:
        content_type, content: SQL of the two.
    """
    return _PLAIN.format(type=content_type, content=content)


def is_plain(content_type: str, content: str) -> ColumnElement[bool]:
    """:func:`plain` as a condition."""
    return literal_column(plain(content_type, content), Boolean)


class Contains(GenericFunction[bool]):
    """Whether a text has another in it, which is folded already."""

    type = Boolean()
    inherit_cache = True
    name = "andon_contains"


@compiles(Contains)
def _as_instr(element: Any, compiler: Any, **options: Any) -> str:
    # LIKE would end at a NUL, and take a wildcard for one
    column, needle = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(instr(lower({column}), {needle}) > 0)"
