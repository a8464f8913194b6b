"""A cause, as the admin API and every machine output show it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from transactions.causes.kinds import CauseKind, Phase
from transactions.model import Help, Risk


class Doing(StrEnum):
    """What a step is. ``mend`` is done by people elsewhere, ``wait`` by nobody; the others are plans of this hub."""

    HOLD = "hold"
    MEND = "mend"
    DISCARD = "discard"
    WAIT = "wait"
    RESOLVE = "resolve"
    RELEASE = "release"
    REOPEN = "reopen"
    EDIT = "edit"
    REPLAY = "replay"
    CORRECT = "correct"
    COMPENSATE = "compensate"


MORE = "…"
"""In a command, for ids that are not named in it."""


class Step(Struct, frozen=True, kw_only=True):
    """One thing to do about a cause.

    Attributes:
        cause: id of the cause.
        phase: when, among the steps of all causes.
        text: in a sentence.
        who: the team that can do it; None for whoever reads it.
        filter: the transactions it is about, where a filter names them.
        ids: those, where only their ids do; the first ones, where there are very many.
        flow, plant: of a hold or a release, what it is about; of a replay, the flow.
        command: what to type, where there is a command for it.
    """

    cause: str
    phase: Phase
    do: Doing
    text: str
    who: str | None = None
    filter: str | None = None
    ids: list[str] = []
    flow: str | None = None
    plant: str | None = None
    command: str | None = None


class Blocks(Struct, frozen=True, kw_only=True):
    """What cannot go on because of a cause.

    Attributes:
        transactions: its own that are owed to a target, and those that wait behind them, through any number of steps.
        held: how many of these wait behind others.
        overdue: how many are past their time.
        orders, lots: how many of them are known to be about it. Of very large causes a sample is looked at.
        risk: the highest of any of them; None where nothing is blocked.
    """

    transactions: int
    held: int
    overdue: int
    orders: int
    lots: int
    risk: Risk | None


class Cause(Struct, frozen=True, kw_only=True):
    """What lies behind trouble of one or many groups.

    Attributes:
        id: the same as long as the cause is the same, also after a restart.
        title: in a sentence.
        help: what helps, as of every failure.
        owner: the team that can help.
        filter: the transactions that are in trouble because of it.
        groups: fingerprints of its groups of failures.
        count: transactions in trouble because of it.
        blocks: what cannot go on.
        objects: business keys that tell the objects it is about (``material``, ``lot``), the first of each.
        since, last_seen: when it first and last showed, of what is in trouble now.
        evidence: why it is taken for the cause, in sentences.
        first: what to do, in order.
        care: what not to do.
        order: its place among all causes when they are worked off, from 1; the rank is the place in the list.
    """

    id: str
    kind: CauseKind
    title: str
    help: Help
    owner: str | None
    filter: str
    groups: list[str]
    count: int
    blocks: Blocks
    plants: list[str]
    targets: list[str]
    flows: list[str]
    sources: list[str]
    objects: dict[str, list[str]]
    since: datetime | None
    last_seen: datetime | None
    evidence: list[str]
    first: list[Step]
    care: list[str]
    order: int = 0


class Causes(Struct, frozen=True, kw_only=True):
    """Every cause, the one that blocks most first.

    Attributes:
        next_cursor: always None: the causes are one answer.
        order: the steps of all causes in the order in which they are taken.
        looked_at: how many transactions are in trouble.
        unexplained: how many of these no cause is named for.
        reconciled: the systems were asked what they hold as well.
    """

    items: list[Cause]
    next_cursor: str | None
    order: list[Step]
    looked_at: int
    unexplained: int = 0
    reconciled: bool = False
