"""The process of a transaction as a tree, and what shares a key with it."""

from __future__ import annotations

from collections import Counter

from console.looks import Tone, of_status
from console.text import one_line, pretty_name
from console.widgets.table import Cell, Column, Row
from transactions.durations import short
from transactions.lineage import Lineage, LineageItem, Stem, remarks, stems
from transactions.related import Related, RelatedGroup

LINEAGE = (
    Column("tree", "process", 34, flex=True),
    Column("target", "target", 8),
    Column("plant", "plant", 5, least=90),
    Column("at", "time", 8),
    Column("took", "took", 5, right=True),
    Column("what", "what else", 24, flex=True, least=70),
)
RELATED = (
    Column("by", "shares", 10),
    Column("value", "value", 14, flex=True),
    Column("count", "with", 7, right=True),
    Column("newest", "newest", 22, flex=True, least=60),
)


def tree_rows(lineage: Lineage) -> list[Row]:
    """A row for every transaction of a process."""
    drawn = zip(lineage.items, stems(lineage.items), strict=True)
    return [_row(item, stem, item.id == lineage.of) for item, stem in drawn]


def _row(item: LineageItem, stem: Stem, asked: bool) -> Row:
    look = of_status(item.status)
    name = f"{stem.beside}{look.glyph} {pretty_name(item.flow)}"
    ended = item.closed_at or item.failed_at
    told = "; ".join(one_line(each) for each in remarks(item))
    failure = "" if item.failure is None else one_line(item.failure)
    cells = [
        Cell(f"{name}  {look.word}{'  ◀' if asked else ''}", Tone.BRIGHT if asked else look.tone),
        Cell(one_line(item.target)),
        Cell(one_line(item.plant or "·"), Tone.QUIET),
        Cell(f"{item.created_at.astimezone():%H:%M:%S}", Tone.QUIET),
        Cell("" if ended is None else short(ended - item.created_at), Tone.QUIET),
        Cell("  ".join(part for part in (told, failure) if part), Tone.FAILED if failure else Tone.HELD),
    ]
    return Row(item.id, tuple(cells), cells)


def tree_title(lineage: Lineage) -> tuple[str, str]:
    """What stands above the tree: which process, and what of it is not shown."""
    shown = len(lineage.items)
    counts = [f"{lineage.total} transaction{'' if lineage.total == 1 else 's'}"]
    if lineage.next_cursor is not None:
        counts.append(f"the first {shown} are shown")
    if lineage.beyond:
        counts.append(f"{lineage.beyond} beyond your reach")
    if lineage.left_out:
        counts.append(f"{lineage.left_out} further away")
    return f"process {one_line(lineage.process)}", "  ".join(counts)


def related_rows(related: Related) -> list[Row]:
    """A row for every key that is shared."""
    return [_related_row(group) for group in related.items]


def _related_row(group: RelatedGroup) -> Row:
    counts = Counter(of_status(item.status).word for item in group.items)
    newest = ", ".join(f"{count} {word}" for word, count in counts.most_common())
    cells = [
        Cell(one_line(group.by.replace("_", " ")), Tone.QUIET),
        Cell(one_line(group.value), Tone.BRIGHT),
        Cell(f"{group.count}{'+' if group.more else ''}"),
        Cell(newest, Tone.QUIET),
    ]
    return Row(group.by, tuple(cells), cells)
