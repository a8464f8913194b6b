"""``andon transactions lineage`` and ``related``: the process as a tree, and what shares a key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from msgspec import Struct

from commands.output import Column, Detail, Form, Listing
from commands.paging import tell_more
from commands.session import Session
from commands.terminal import Look, cut, one_line, plain, state
from commands.transaction_view import COLUMNS
from platforms.hub import lineage as calls
from transactions.lineage import Branch, Lineage, LineageItem, nested, of_one_page, remarks, stems
from transactions.model import Transaction
from transactions.pages import Page
from transactions.related import RelatedGroup

_FLAT = frozenset({Form.JSONL, Form.CSV, Form.ID})


class Tree(Struct, frozen=True, kw_only=True):
    """A process with its branches within branches, as JSON has it."""

    process: str
    of: str
    total: int
    beyond: int
    left_out: int
    items: list[Branch]


def show_lineage(session: Session, tx_id: str) -> None:
    """The whole process: a tree for people and in JSON and YAML, one transaction a line in the flat forms."""
    found = _whole(session, tx_id)
    if session.form in _FLAT:
        session.show(Listing(of=LineageItem, items=found.items, columns=(), empty="", identify=lambda each: each.id))
        return
    tree = Tree(
        process=found.process,
        of=found.of,
        total=found.total,
        beyond=found.beyond,
        left_out=found.left_out,
        items=nested(found.items),
    )
    session.show(Detail(value=tree, human=lambda look: "\n".join(draw(found, look)), identify=lambda each: each.of))


def _whole(session: Session, tx_id: str) -> Lineage:
    first = page = session.send(calls.lineage(tx_id))
    items = list(page.items)
    while page.next_cursor is not None:
        page = session.send(calls.lineage(tx_id, cursor=page.next_cursor))
        items += page.items
    return of_one_page(first, items)


def draw(lineage: Lineage, look: Look) -> Iterator[str]:
    """The tree, a line each and one of remarks where there are some."""
    yield _head(lineage, look)
    yield ""
    for item, stem in zip(lineage.items, stems(lineage.items), strict=True):
        yield _line(item, stem.beside, item.id == lineage.of, look)
        for more in _more(item, look):
            yield f"{look.paint(stem.below, 'dim')}  {more}".rstrip()


def _head(lineage: Lineage, look: Look) -> str:
    count = f"{lineage.total} transaction{'' if lineage.total == 1 else 's'}"
    told = [f"process {look.paint(one_line(lineage.process), 'bold')}: {count}"]
    if lineage.beyond:
        told.append(f"{lineage.beyond} beyond your reach")
    if lineage.left_out:
        told.append(f"{lineage.left_out} more that are further away from {lineage.of}")
    return ", ".join(told)


def _line(item: LineageItem, stem: str, asked: bool, look: Look) -> str:
    word, style = state(item.status)
    what = "  ".join(one_line(part) for part in (item.flow, f"{item.source} → {item.target}"))
    place = f"  {one_line(item.plant)}" if item.plant else ""
    at = f"{item.created_at:%m-%d %H:%M:%S}"
    ended = item.closed_at or item.failed_at
    took = f" {'failed' if item.closed_at is None else 'closed'} {ended:%H:%M:%S}" if ended else ""
    told = look.paint(what, "bold") if asked else what
    mark = look.paint("  ◀", "yellow") if asked else ""
    return f"{look.paint(stem, 'dim')}{look.paint(word, style)}  {told}{place}  {item.id}  {at}{took}{mark}"


def _more(item: LineageItem, look: Look) -> list[str]:
    told = [one_line(remark) for remark in remarks(item)]
    lines = [plain("; ".join(told))] if told else []
    if item.failure is not None:
        lines.insert(0, look.paint(one_line(item.failure), "red"))
    width = None if look.width is None else max(20, look.width - 3 * item.depth - 6)
    return lines if width is None else [cut(line, width) if "\x1b" not in line else line for line in lines]


RELATED: tuple[Column, ...] = (
    Column("key", lambda g, _: g.by),
    Column("value", lambda g, _: g.value, give=3, least=10),
    Column("shared by", lambda g, _: f"{g.count}{'+' if g.more else ''}", right=True),
    Column("newest", lambda g, look: look.age(g.items[0].created_at) if g.items else "", right=True),
    Column("of the newest", lambda g, _: _states(g.items), give=1, least=20),
)


def _states(items: list[Transaction]) -> str:
    counts = Counter(item.status for item in items)
    return ", ".join(f"{count} {status}" for status, count in counts.most_common())


def show_related(session: Session, tx_id: str, by: str | None, limit: int | None, cursor: str | None) -> None:
    """What shares each key, as groups; with a key, the transactions that share it."""
    found = session.send(calls.related(tx_id, by, limit, cursor))
    if by is None:
        session.show(
            Listing(
                of=RelatedGroup,
                items=found.items,
                columns=RELATED,
                empty="It shares no business key with another transaction.",
                identify=lambda each: f"{each.by}:{each.value}",
            )
        )
        return
    page: Page[Transaction] = Page(items=[], next_cursor=None)
    for group in found.items:
        page = Page(items=group.items, next_cursor=group.next_cursor)
    session.show(
        Listing(
            of=Transaction,
            items=page.items,
            columns=COLUMNS,
            empty=f"Nothing else has the same {by}.",
            identify=lambda each: each.id,
            next_cursor=page.next_cursor,
        )
    )
    tell_more(session, page)
