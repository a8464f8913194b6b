"""Assigning and noting: one transaction after the other, with neither plan nor batch, since nothing is sent."""

from __future__ import annotations

import re
from typing import TypeVar

from msgspec import UNSET, Struct, UnsetType

from commands.exits import Exit, Usage, exit_of
from commands.output import Column, Listing
from commands.paging import LARGEST_PAGE, every
from commands.session import Session
from platforms.calls import Call
from platforms.hub import transactions as calls
from transactions.errors import AndonError, NotFound, Refused, Stale
from transactions.history import TimelineEntry
from transactions.model import Transaction
from transactions.ownership import AssignRequest
from transactions.pages import Page

T = TypeVar("T")

NONE = "none"
_ID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")


class Owned(Struct, frozen=True, kw_only=True):
    """What became of one transaction; ``error`` says why nothing did."""

    id: str
    assignee: str | None = None
    ticket: str | None = None
    waiting_on: str | None = None
    error: str | None = None


class Noted(Struct, frozen=True, kw_only=True):
    """The note as one transaction has it; ``error`` says why it has none."""

    id: str
    by: str | None = None
    text: str | None = None
    error: str | None = None


_OWNED: tuple[Column, ...] = (
    Column("id", lambda o, _: o.id, least=26),
    Column("assignee", lambda o, _: o.assignee or ""),
    Column("ticket", lambda o, _: o.ticket or "", give=1),
    Column("waiting on", lambda o, _: o.waiting_on or "", give=2),
    Column("not done", lambda o, _: o.error or "", style=lambda o: "red" if o.error else None, give=3),
)
_NOTED: tuple[Column, ...] = (
    Column("id", lambda n, _: n.id, least=26),
    Column("by", lambda n, _: n.by or ""),
    Column("note", lambda n, _: n.text or "", give=2),
    Column("not done", lambda n, _: n.error or "", style=lambda n: "red" if n.error else None, give=3),
)


def request_of(to: str | None, ticket: str | None, waiting_on: str | None) -> AssignRequest:
    """What the options ask for; ``none`` clears.

    Raises:
        Usage: none was given.
    """
    if to is None and ticket is None and waiting_on is None:
        raise Usage(
            "Nothing is to be changed. Nothing was done. Say who works on it with --to NAME, --to me or --to none, or "
            "give --ticket or --waiting-on."
        )
    return AssignRequest(assignee=_value(to), ticket=_value(ticket), waiting_on=_value(waiting_on))


def _value(text: str | None) -> str | UnsetType | None:
    if text is None:
        return UNSET
    return None if text.strip().lower() == NONE else text


def assign(session: Session, ids: list[str] | None, filter: str | None, request: AssignRequest) -> Exit:
    """Assign every one of them, and show what each has then.

    Returns:
        The exit code of the command.
    """
    done: list[Owned] = []
    errors: list[AndonError] = []
    for tx_id in _chosen(session, ids, filter, "assign"):
        found = _try(session, calls.assign(tx_id, request), errors, len(done))
        if found is None:
            done.append(Owned(id=tx_id, error=errors[-1].detail))
        else:
            done.append(_owned(found))
    session.show(Listing(of=Owned, items=done, columns=_OWNED, empty=_NOTHING, identify=lambda each: each.id))
    return _exit(len(done), errors)


def _owned(found: Transaction) -> Owned:
    return Owned(id=found.id, assignee=found.assignee, ticket=found.ticket, waiting_on=found.waiting_on)


def note(session: Session, words: list[str], filter: str | None) -> Exit:
    """Add a note to every one of them; the last word is the note, those before it are ids.

    Returns:
        The exit code of the command.
    """
    text = words[-1] if words else ""
    if not text.strip() or _ID.fullmatch(text):
        raise Usage(
            "The note is missing: it stands last, behind the ids. Nothing was noted. Write it in quotes, like "
            'andon tx note ID "lot 7 is blocked on the floor".'
        )
    done: list[Noted] = []
    errors: list[AndonError] = []
    for tx_id in _chosen(session, words[:-1], filter, "note"):
        page = _try(session, calls.note(tx_id, text), errors, len(done))
        if page is None:
            done.append(Noted(id=tx_id, error=errors[-1].detail))
        else:
            done.append(_noted(tx_id, page))
    session.show(Listing(of=Noted, items=done, columns=_NOTED, empty=_NOTHING, identify=lambda each: each.id))
    return _exit(len(done), errors)


def _noted(tx_id: str, page: Page[TimelineEntry]) -> Noted:
    last = [entry for entry in page.items if entry.kind == "note"][-1]
    return Noted(id=tx_id, by=last.by, text=last.text)


_NOTHING = "Nothing matches: there was nothing to do."


def _chosen(session: Session, ids: list[str] | None, filter: str | None, verb: str) -> list[str]:
    """The ids; those that a filter matches are taken down before the first is changed, since it may match fewer then.

    Raises:
        Usage: neither ids nor a filter, or both.
    """
    if bool(ids) == (filter is not None):
        both = "both were" if ids else "neither was"
        raise Usage(
            f"{verb} wants ids or --filter, and {both} given. Nothing was done. "
            "Name transactions by id, or all that match a filter."
        )
    session.given_filter = filter
    if ids:
        return list(dict.fromkeys(ids))
    if not (filter or "").strip():
        raise Usage(
            "The filter is empty, and would mean every transaction there is. Nothing was done. "
            "Write what is meant, such as status:failed."
        )
    found = every(session, lambda at: calls.list_page(filter, "id", LARGEST_PAGE, at))
    return [each.id for each in found.items]


def _try(session: Session, call: Call[T], errors: list[AndonError], before: int) -> T | None:
    """The answer; None where this one was refused and the others may go on."""
    try:
        return session.send(call)
    except (NotFound, Refused, Stale) as error:
        errors.append(error)
        return None
    except AndonError:
        if before:
            session.note(f"{before - len(errors)} were done before this.")
        raise


def _exit(total: int, errors: list[AndonError]) -> Exit:
    if not errors:
        return Exit.DONE
    return Exit.SOME if len(errors) < total else exit_of(errors[0])
