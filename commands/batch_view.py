"""Batches and their items as people read them."""

from __future__ import annotations

from commands.output import Column, Listing
from commands.output.table_form import render
from commands.terminal import Look, plain, spoken, state
from transactions.batches import Batch, BatchItem

ITEMS: tuple[Column, ...] = (
    Column("id", lambda i, _: i.id, give=4, least=13, middle=True),
    Column("state", lambda i, _: state(i.state)[0], style=lambda i: state(i.state)[1]),
    Column("flow", lambda i, _: i.flow, give=1),
    Column("plant", lambda i, _: i.plant or ""),
    Column("target", lambda i, _: i.target),
    Column("reason", lambda i, _: i.reason or "", give=3),
)


LINKED = Column("linked", lambda i, _: linked(i), give=4, least=22, middle=True)


def linked(item: BatchItem) -> str:
    """What reverses an item, or what it posts the right thing instead of."""
    if item.corrects is not None:
        return f"instead of {plain(item.corrects)}"
    return "" if item.reversal is None else f"reversed by {plain(item.reversal)}"


def columns_of(items: list[BatchItem]) -> tuple[Column, ...]:
    """The columns of some items; what they are linked to only where they are."""
    return (*ITEMS[:2], LINKED, *ITEMS[2:]) if any(linked(item) for item in items) else ITEMS


def counted(batch: Batch) -> str:
    """The counts that are not zero."""
    return ", ".join(f"{name} {count}" for name, count in batch.counts.items() if count)


COLUMNS: tuple[Column, ...] = (
    Column("id", lambda b, _: b.id, give=4, least=13, middle=True),
    Column("state", lambda b, _: state(b.state)[0], style=lambda b: state(b.state)[1]),
    Column("action", lambda b, _: b.action),
    Column("age", lambda b, look: look.age(b.started_at), right=True),
    Column("by", lambda b, _: b.started_by, give=1),
    Column("items", lambda b, _: str(b.total), right=True),
    Column("counts", lambda b, _: counted(b), give=3),
    Column("reason", lambda b, _: b.reason, give=4),
)


def describe_batch(batch: Batch, look: Look) -> str:
    """A batch in words."""
    word, style = state(batch.state)
    lines = [
        f"{look.paint(word, style, 'bold')}  {batch.action} of {batch.total}: {counted(batch) or 'nothing yet'}",
        f"  reason    {plain(batch.reason)}",
        f"  started   {spoken(look.now - batch.started_at)} by {plain(batch.started_by)}",
    ]
    if batch.wave is not None and batch.waves > 1:
        lines.append(f"  wave      {batch.wave} of {batch.waves}; the next waits until this one is processed")
    if batch.finished_at is not None:
        lines.append(f"  finished  {spoken(look.now - batch.finished_at)}")
    if batch.because:
        lines.append(f"  because   {plain(batch.because)}")
    return "\n".join([*lines, f"  id        {plain(batch.id)}", f"  plan      {batch.plan}"])


def describe_items(batch: Batch, items: list[BatchItem], look: Look) -> str:
    """The first items of a batch, and how many more there are."""
    listing = Listing(
        of=BatchItem,
        items=items,
        columns=columns_of(items),
        empty="The batch has no items.",
        identify=lambda each: each.id,
    )
    more = batch.total - len(items)
    rest = look.paint(f"and {more} more: andon batches show {plain(batch.id)} --items\n", "dim") if more > 0 else ""
    return render(listing, look) + rest
