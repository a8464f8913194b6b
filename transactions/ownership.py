"""Who works on a transaction, under which ticket, what people wait for, and what they note. None of it is an action: it
sends nothing, and a plan that was frozen before stays good."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType

from transactions.errors import Invalid
from transactions.model import Transaction

ME = "me"
"""Whoever asks, as an assignee."""

_LENGTHS = {"assignee": 200, "ticket": 100, "waiting_on": 500}
_NOTE = 4_000


class AssignRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What becomes of the ownership of a transaction; what is left out stays as it is, null clears it.

    Attributes:
        assignee: a person's name; ``me`` is the one who asks.
        ticket: id of a ticket somewhere else.
        waiting_on: what people wait for.
    """

    assignee: str | UnsetType | None = UNSET
    ticket: str | UnsetType | None = UNSET
    waiting_on: str | UnsetType | None = UNSET


class NoteRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A note, which stays with the transaction."""

    text: str


def changes_of(request: AssignRequest, who: str) -> dict[str, str | None]:
    """What a request changes, cleaned: names of fields and their new values.

    Args:
        request: as it came.
        who: the one who asks; what ``me`` means.

    Raises:
        Invalid: it changes nothing, or a value is empty, too long or ``none``.
    """
    found: dict[str, str | None] = {}
    for name, most in _LENGTHS.items():
        value = getattr(request, name)
        if value is UNSET:
            continue
        found[name] = None if value is None else _cleaned(name, value, most)
    if not found:
        raise Invalid(f"Nothing is to be changed. Give at least one of: {', '.join(_LENGTHS)}.")
    if found.get("assignee") == ME:
        found["assignee"] = who
    return found


def note_text(request: NoteRequest) -> str:
    """The text of a note, cleaned.

    Raises:
        Invalid: it is empty or too long.
    """
    text = request.text.strip()
    if not text:
        raise Invalid("The note is empty. Nothing was noted. Write what the next one on shift should know.")
    if len(text) > _NOTE:
        raise Invalid(
            f"The note has {len(text):,} characters, and {_NOTE:,} is the most. Nothing was noted. Shorten it."
        )
    return text


def owned(transaction: Transaction) -> str:
    """Who works on it, under which ticket, and whose it is, on one line; data is in it as it came."""
    parts = [
        f"{transaction.assignee} works on it" if transaction.assignee else "",
        f"ticket {transaction.ticket}" if transaction.ticket else "",
        f"team {transaction.owner}" if transaction.owner else "",
    ]
    return ", ".join(part for part in parts if part)


def _cleaned(name: str, value: str, most: int) -> str:
    text = " ".join(value.split())
    if not text:
        raise Invalid(f"{name} is empty. Nothing was changed. Give a value, or null to clear it.")
    if text.lower() == "none":
        raise Invalid(f"{name} cannot be {text!r}, which means nobody and nothing. Nothing was changed. Give null.")
    if len(text) > most:
        raise Invalid(f"{name} has {len(text):,} characters, and {most} is the most. Nothing was changed. Shorten it.")
    return text
