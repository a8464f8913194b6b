"""A transaction, its timeline and its payload as people read them."""

from __future__ import annotations

import msgspec

from commands.output import Column
from commands.terminal import Look, due, one_line, plain, spoken, state
from transactions.deadlines import why_due
from transactions.errors import Refused
from transactions.explanation import explain
from transactions.history import Payload, TimelineEntry
from transactions.model import KeyOrigin, Priority, Transaction
from transactions.ownership import owned
from transactions.priority import why_first
from transactions.states import CLOSED
from transactions.steering import STEERING
from transactions.untrusted import lay_out

LEADING_KEYS = ("order", "delivery", "shipment", "material", "lot", "equipment")


def keys_of(transaction: Transaction, most: int = 3) -> str:
    """The business keys people search by, the usual ones first."""
    keys = transaction.business_keys
    names = [name for name in LEADING_KEYS if name in keys] + [name for name in keys if name not in LEADING_KEYS]
    return " ".join(f"{name}:{keys[name]}" for name in names[:most])


def why(transaction: Transaction) -> str:
    """The failure in a cell: kind, code and message."""
    failure = transaction.failure
    if failure is None:
        return f"waits for {transaction.waiting_on}" if transaction.waiting_on else ""
    return f"{failure.kind}: {failure.code} {failure.message}"


COLUMNS: tuple[Column, ...] = (
    Column("id", lambda t, _: t.id, give=4, least=13, middle=True),
    Column("status", lambda t, _: state(t.status)[0], style=lambda t: state(t.status)[1]),
    Column("age", lambda t, look: look.age(t.failed_at or t.created_at), right=True),
    Column(
        "due",
        lambda t, look: "" if t.status in CLOSED else due(look, t.due_at),
        style=lambda t: "red" if t.overdue else None,
        right=True,
    ),
    Column("flow", lambda t, _: t.flow, give=1, least=12),
    Column("plant", lambda t, _: t.plant or ""),
    Column("target", lambda t, _: t.target),
    Column("keys", lambda t, _: keys_of(t), give=3, least=13),
    Column("try", lambda t, _: str(t.attempts), right=True),
    Column("failure", lambda t, _: why(t), give=2, least=24),
)

TIMELINE: tuple[Column, ...] = (
    Column("at", lambda e, _: f"{e.at:%Y-%m-%d %H:%M:%S}"),
    Column("age", lambda e, look: look.age(e.at), right=True),
    Column("by", lambda e, _: e.by, give=1),
    Column("what", lambda e, _: e.kind),
    Column(
        "status", lambda e, _: state(e.status)[0] if e.status else "", style=lambda e: e.status and state(e.status)[1]
    ),
    Column("", lambda e, _: e.text, give=2),
)


def describe(transaction: Transaction, look: Look, stopped: list[tuple[str, str]] | None = None) -> str:
    """Sentences first (what happened, what it means, what helps, what must not be done), then facts.

    Args:
        stopped: what is known of the policy that stopped it, as label and sentence.
    """
    t = transaction
    word, style = state(t.status)
    where = f" of plant {plain(t.plant)}" if t.plant else ""
    lines = [f"{look.paint(word, style, 'bold')}  {plain(t.flow)}{where}: {plain(t.source)} to {plain(t.target)}", ""]
    lines += [f"  {label:<15}{plain(text)}" for label, text in sentences(t, look)]
    if stopped:
        lines += ["", *(f"  {label:<15}{plain(text)}" for label, text in stopped if text)]
    lines.append("")
    lines += [f"  {look.paint(f'{label:<17}', 'dim')}{plain(text)}" for label, text in facts(t, look) if text]
    return "\n".join(lines)


def sentences(t: Transaction, look: Look) -> list[tuple[str, str]]:
    """What to know, as label and sentence; the same words as the console's."""
    answers = explain(t)
    told = [("means", answers.means)]
    if answers.said and t.failure is not None:
        told.insert(0, (f"{one_line(t.failure.system)[:9]} says", one_line(answers.said)))
    told.append(("work", owned(t)))
    if t.overdue and t.due_at is not None and t.status not in CLOSED:
        because = f" ({why_due(t)})" if t.due_because else ""
        told.append(("late", f"it was due {spoken(look.now - t.due_at)}{because}"))
    if t.priority in (Priority.LINE_DOWN, Priority.LINE_WAITS):
        told.append(("first", why_first(t, look.now)))
    if t.superseded_by:
        told.append(("newer", f"a newer version of the same object was applied: {t.superseded_by}"))
    told += [(label, text) for label, text in (("helps", answers.helps), ("never", answers.never)) if text]
    if t.key_origin is KeyOrigin.GENERATED:
        told.append(("key", "its source gave no key, so a second copy from there cannot be told from a new document"))
    return [(label, text) for label, text in told if text]


def facts(t: Transaction, look: Look) -> list[tuple[str, str]]:
    """The fields, as label and text; empty text for what is not there."""

    def at(label: str, moment: object) -> tuple[str, str]:
        return label, f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else ""

    failure = t.failure
    return [
        ("id", t.id),
        ("keys", keys_of(t, most=20)),
        ("risk", t.risk),
        at("created", t.created_at),
        at("failed", t.failed_at),
        ("due", f"{t.due_at:%Y-%m-%d %H:%M:%S} UTC{f', {why_due(t)}' if t.due_because else ''}" if t.due_at else ""),
        ("priority", t.priority or ""),
        ("attempts", str(t.attempts)),
        ("failure", f"{failure.kind} (help: {failure.help})" if failure else ""),
        ("stopped by", (failure.policy_ref or "") if failure else ""),
        ("document", t.document or ""),
        ("content", f"{t.content_type}, revision {t.revision}, sha256 {t.payload_sha256}"),
        ("idempotency key", f"{t.idempotency_key} ({t.key_origin})"),
        ("correlation", t.correlation_id),
        ("caused by", t.causation_id or ""),
        ("assignee", t.assignee or ""),
        ("ticket", t.ticket or ""),
        ("waiting on", t.waiting_on or ""),
        ("owner", t.owner or ""),
        ("group", t.group or ""),
        ("etag", t.etag),
    ]


_REVEAL = "Who may reveal it: '--reveal --reason TEXT', which is audited."


def describe_payload(payload: Payload, look: Look) -> str:
    """Head lines, then the content; one that is not text says how to get it."""
    head = f"{payload.content_type}, revision {payload.revision} of {len(payload.revisions)}, {payload.size} bytes"
    head = look.paint(plain(head), "dim")
    if payload.withheld:
        return f"{head}\n{look.paint('withheld', 'yellow')}  {plain(payload.withheld)}. {_REVEAL}"
    if payload.masked:
        head = f"{head}\n{look.paint('masked', 'yellow')}  {plain(', '.join(payload.masked))}. {_REVEAL}"
    if payload.encoding == "base64":
        return f"{head}\n\nNot text. '--raw' writes it byte for byte."
    return f"{head}\n\n{plain(_laid_out(payload))}"


def _laid_out(payload: Payload) -> str:
    """JSON with its lines broken, for reading; everything else, and JSON that is none, as it is."""
    if not payload.content_type.partition(";")[0].endswith("json"):
        return payload.content
    try:
        return lay_out(payload.content)
    except msgspec.DecodeError:
        return payload.content


def refuse_to_steer(content: bytes) -> None:
    """Hold back from a terminal what it would obey, or what is no text; where it goes to a file, nothing is changed.

    Raises:
        Refused: it is so.
    """
    try:
        harmless = STEERING.search(content.decode().replace("\r\n", "\n")) is None
    except UnicodeDecodeError:
        harmless = False
    if not harmless:
        raise Refused(
            "The payload is not plain text: it has control characters or bytes that this terminal would obey. "
            "Nothing was shown. Send it on ('--raw > FILE', '--raw | less'), or leave out --raw to see it made visible."
        )


def describe_entry(entry: TimelineEntry) -> str:
    """A timeline entry as its own id, for ``-o id``."""
    return entry.at.isoformat()
