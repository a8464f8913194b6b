"""A handover in words: sections of lines and tables, which Markdown, HTML and the console write each in their way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from transactions.batches import Batch
from transactions.durations import short
from transactions.handover.model import Handover
from transactions.model import Status, Transaction
from transactions.plans import Action

_NEEDS_SOMEBODY = (Status.FAILED, Status.IN_DOUBT, Status.PARKED, Status.PARTLY_PROCESSED, Status.COMPENSATION_FAILED)
_MOVES = (Status.PENDING, Status.DELIVERING, Status.RETRYING, Status.SENT, Status.HELD, Status.COMPENSATING)


class Table(Struct, frozen=True):
    """Rows under a heading each; the columns named in ``numbers`` are aligned to the right."""

    heads: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numbers: frozenset[int] = frozenset()


class Section(Struct, frozen=True):
    """A part of the report: sentences, then a table where there is one.

    Attributes:
        alarming: somebody has to do something about it.
    """

    title: str
    lines: list[str]
    table: Table | None = None
    alarming: bool = False


def title_of(handover: Handover) -> str:
    """The heading of the whole."""
    return f"Handover: {handover.label}"


def moment(at: datetime, zone: str) -> str:
    """A time by the plant's clock, with its offset."""
    local = at.astimezone(ZoneInfo(zone))
    offset = local.strftime("%z")
    return f"{local:%Y-%m-%d %H:%M} {offset[:3]}:{offset[3:]}"


def span_of(handover: Handover) -> str:
    """From when to when, and as of when."""
    zone = handover.zone
    return (
        f"{moment(handover.begin, zone)} to {moment(handover.until, zone)} ({zone}), platform {handover.platform}. "
        f"What is left is as of {moment(handover.at, zone)}."
    )


def sections(handover: Handover) -> Iterator[Section]:
    """The parts of the report, in the order in which they are read."""
    yield _at_a_glance(handover)
    yield _remarks(handover)
    yield _causes(handover)
    yield _taken(handover)
    yield _urgent(handover)
    yield _second_people(handover)
    yield _watch(handover)
    yield _came_in(handover)
    yield _done(handover)
    yield _notes(handover)
    yield _audit(handover)


def _at_a_glance(handover: Handover) -> Section:
    counts = handover.counts
    waits = {status: counts.get(status, 0) for status in _NEEDS_SOMEBODY if counts.get(status)}
    moves = {status: counts.get(status, 0) for status in _MOVES if counts.get(status)}
    came = sum(each.received for each in handover.came_in)
    lines = [
        f"{_many(came, 'transaction')} came in.",
        f"Needs somebody: {_listed(waits)}." if waits else "Nothing needs anybody.",
        f"On the way or held: {_listed(moves)}." if moves else "Nothing is on the way.",
    ]
    if handover.overdue:
        lines.append(f"{handover.overdue:,} of what is open should have been processed by now.")
    return Section("At a glance", lines, alarming=bool(waits))


def _remarks(handover: Handover) -> Section:
    lines = [
        f"{moment(each.at, handover.zone)}, {each.by}{f' ({each.plant})' if each.plant else ''}: {each.text}"
        for each in handover.remarks
    ]
    return Section("Remarks", lines or ["None."])


def _causes(handover: Handover) -> Section:
    if not handover.causes:
        return Section("What is left, by cause", ["No cause is known."])
    rows = [
        (
            each.title,
            f"{each.count:,}",
            f"{each.blocks:,}",
            f"{each.overdue:,}",
            "" if each.since is None else short(handover.at - each.since),
            each.owner or "",
            " ".join([each.first or "", *(f"Care: {one}" for one in each.care[:1])]).strip(),
        )
        for each in handover.causes
    ]
    heads = ("cause", "count", "blocks", "overdue", "age", "who can help", "first")
    return Section("What is left, by cause", [], Table(heads, rows, frozenset({1, 2, 3, 4})), alarming=True)


def _taken(handover: Handover) -> Section:
    if not handover.taken:
        return Section("In somebody's hands", ["Nobody has taken anything on, and nothing has a ticket."])
    rows = [
        (
            each.id,
            _where(each),
            each.status,
            each.assignee or "",
            each.owner or "",
            each.ticket or "",
            each.waiting_on or "",
        )
        for each in handover.taken
    ]
    return Section("In somebody's hands", [], Table(_TAKEN, rows))


_TAKEN = ("transaction", "what", "status", "who", "team", "ticket", "waits for")


def _urgent(handover: Handover) -> Section:
    if not handover.urgent:
        return Section("First of what nobody has taken", ["Nothing."])
    rows = [
        (
            each.id,
            _where(each),
            each.status,
            "" if each.due_at is None else moment(each.due_at, handover.zone) + (" overdue" if each.overdue else ""),
            each.owner or "",
            "" if each.failure is None else f"{each.failure.code}: {each.failure.message}",
        )
        for each in handover.urgent
    ]
    heads = ("transaction", "what", "status", "due", "team", "why")
    return Section("First of what nobody has taken", [], Table(heads, rows))


def _second_people(handover: Handover) -> Section:
    lines = [
        f"Waits for a second person: {_deed(each.action)} of {_many(each.count, _noun(each.action))}, plan "
        f"{each.hash[:12]}, asked by {each.requested_by} until {moment(each.expires_at, handover.zone)}: {each.reason}"
        for each in handover.approvals
        if each.kind == "approval"
    ]
    for each in handover.broken_glass:
        state = (
            f"reviewed by {each.reviewed_by}: {each.verdict}"
            if each.reviewed_by
            else f"review {'OVERDUE since' if each.overdue else 'due'} {moment(each.due_at, handover.zone)}"
        )
        lines.append(
            f"Ran without its second person: {_deed(each.action)} by {each.by}, {moment(each.at, handover.zone)}, plan "
            f"{each.plan[:12]}: {each.reason}. {state[0].upper()}{state[1:]}."
        )
    alarming = any(each.verdict is None for each in handover.broken_glass)
    return Section(
        "Two people", lines or ["Nothing waits for a second person, and nothing ran without one."], None, alarming
    )


def _watch(handover: Handover) -> Section:
    lines = [
        f"Hold of {' '.join(filter(None, (each.target, each.plant, each.flow)))} by {each.placed_by} since "
        f"{moment(each.placed_at, handover.zone)}: {each.reason}. {_many(each.held, 'transaction')} behind it."
        for each in handover.holds
    ]
    lines += [f"Breaker of {label} is {state}." for label, state in sorted(handover.breakers.items())]
    lines += [
        f"Batch {each.id} ({each.action}) of {each.started_by} is {each.state}: {_counted(each)}."
        for each in handover.running
    ]
    lines += [
        f"Comes back after replays: {each.flow} to {each.target}, {each.template} ({each.repeated:,} of "
        f"{each.replayed:,} replayed). Do not replay it again before the cause is mended: andon groups show "
        f"{each.fingerprint}"
        for each in handover.comes_back
    ]
    return Section("Watch", lines or ["Nothing is held, broken or under way."], None, bool(lines))


def _came_in(handover: Handover) -> Section:
    rows = [(each.title, f"{each.received:,}", f"{each.processed:,}", f"{each.open:,}") for each in handover.came_in]
    if not rows:
        return Section("What came in", ["Nothing."])
    return Section("What came in", [], Table(("flow", "in", "processed", "open"), rows, frozenset({1, 2, 3})))


def _done(handover: Handover) -> Section:
    lines = [
        f"{moment(each.started_at, handover.zone)}, {each.started_by}: {each.action}{_run(each)}. {each.reason}"
        for each in handover.batches
    ]
    rows = [(each.who, each.action, f"{each.count:,}") for each in handover.deeds]
    table = Table(("who", "did", "times"), rows, frozenset({2})) if rows else None
    return Section("What was done", lines or ([] if rows else ["Nothing."]), table)


def _notes(handover: Handover) -> Section:
    lines = [f"{moment(each.at, handover.zone)}, {each.by}, at {each.id}: {each.text}" for each in handover.notes]
    return Section("Notes", lines or ["None."])


def _audit(handover: Handover) -> Section:
    found = handover.audit
    if found is None:
        return Section("Audit", ["Whoever may see the whole audit chain is told its range here."])
    if found.first is None:
        return Section("Audit", ["Nothing was written into the chain."])
    told = (
        f"Entries {found.first} to {found.last}, head {found.head}. To check them: andon audit export "
        f"--from {found.first} --to {found.last} --out shift.jsonl, then andon audit verify shift.jsonl."
    )
    return Section("Audit", [told])


def _where(each: Transaction) -> str:
    key = next(
        (f"{name} {each.business_keys[name]}" for name in ("order", "shipment", "lot") if name in each.business_keys),
        "",
    )
    return " ".join(filter(None, (each.flow, "to", each.target, each.plant or "", key)))


def _run(batch: Batch) -> str:
    """How a batch went; one of a hold or a release has no items."""
    return f" of {_many(batch.total, 'transaction')}, {batch.state}: {_counted(batch)}" if batch.total else ""


def _counted(batch: Batch) -> str:
    told = [f"{count:,} {state}" for state, count in batch.counts.items() if count]
    return ", ".join(told) or "nothing yet"


def _listed(counts: dict[Status, int]) -> str:
    return ", ".join(f"{count:,} {status}" for status, count in counts.items())


def _deed(action: str) -> str:
    return "change of policies" if action == Action.POLICY else action


def _noun(action: str) -> str:
    """What a plan acts on."""
    return "resource" if action == Action.POLICY else "transaction"


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
