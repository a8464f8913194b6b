"""A handover as Markdown (CommonMark with tables), in which nobody else's words are markup."""

from __future__ import annotations

import re

from transactions.handover.model import Handover
from transactions.handover.sections import Section, Table, sections, span_of, title_of
from transactions.steering import escaped

_MARKUP = re.compile(r"([\\`*_{}\[\]<>|~#&])")
_BEGINS = re.compile(r"^(\s*)([-+=]|\d+(?=[.)]))")


def markdown(handover: Handover) -> str:
    """The report as a text that ends with a line feed."""
    parts = [f"# {_plain(title_of(handover))}", _plain(span_of(handover))]
    for section in sections(handover):
        parts += _section(section)
    return "\n\n".join(parts) + "\n"


def _section(section: Section) -> list[str]:
    parts = [f"## {section.title}"]
    if len(section.lines) == 1:
        parts.append(_plain(section.lines[0]))
    elif section.lines:
        parts.append("\n".join(f"- {_plain(line)}" for line in section.lines))
    if section.table is not None:
        parts.append(_table(section.table))
    return parts


def _table(table: Table) -> str:
    rule = ["---:" if n in table.numbers else "---" for n in range(len(table.heads))]
    rows = [table.heads, tuple(rule), *(tuple(_plain(cell) for cell in row) for row in table.rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    line = " ".join(escaped(text).split())
    return _BEGINS.sub(r"\1\\\2", _MARKUP.sub(r"\\\1", line))
