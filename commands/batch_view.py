"""Batches and their items as people read them."""

from __future__ import annotations

from commands.output import Column
from commands.terminal import Look, plain, spoken, state
from transactions.batches import Batch

ITEMS: tuple[Column, ...] = (
    Column("id", lambda i, _: i.id, give=4, least=13, middle=True),
    Column("state", lambda i, _: state(i.state)[0], style=lambda i: state(i.state)[1]),
    Column("flow", lambda i, _: i.flow, give=1),
    Column("plant", lambda i, _: i.plant or ""),
    Column("target", lambda i, _: i.target),
    Column("reason", lambda i, _: i.reason or "", give=3),
)


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
