"""Calls about transactions."""

from __future__ import annotations

from typing import TypeVar

from msgspec import Struct

from platforms.calls import JSON, OCTETS, Call, json_body, params, segments
from transactions.export_form import ExportForm
from transactions.history import Payload, TimelineEntry
from transactions.model import Transaction
from transactions.ownership import AssignRequest, NoteRequest
from transactions.pages import Count, Page

T = TypeVar("T")


def list_page(
    filter: str | None = None,  # noqa: A002  # the API's own word
    sort: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Call[Page[Transaction]]:
    """One page of transactions; ``limit`` is 1 to 1000, ``sort`` a field with ``-`` before it for descending."""
    return Call(
        method="GET",
        path="transactions",
        answers=Page[Transaction],
        params=params(filter=filter, sort=sort, limit=limit, cursor=cursor),
    )


def count(filter: str | None = None) -> Call[Count]:  # noqa: A002
    """How many transactions match the filter."""
    return Call(method="GET", path="transactions/count", answers=Count, params=params(filter=filter))


def show(id: str) -> Call[Transaction]:  # noqa: A002
    """One transaction."""
    return Call(method="GET", path=segments("transactions", id), answers=Transaction)


def timeline(id: str) -> Call[Page[TimelineEntry]]:  # noqa: A002
    """What happened to a transaction, oldest first."""
    return Call(method="GET", path=segments("transactions", id, "timeline"), answers=Page[TimelineEntry])


def payload(id: str, revision: int | str | None = None) -> Call[Payload]:  # noqa: A002
    """A payload for a person to read; the revision in use unless told. ``draft`` names the one that is not yet."""
    return Call(
        method="GET", path=segments("transactions", id, "payload"), answers=Payload, params=params(revision=revision)
    )


def payload_bytes(id: str, revision: int | None = None) -> Call[bytes]:  # noqa: A002
    """A payload byte for byte, but for what is masked."""
    return Call(
        method="GET",
        path=segments("transactions", id, "payload"),
        answers=bytes,
        params=params(revision=revision),
        accept=OCTETS,
    )


class Reveal(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to reveal of a payload, and why."""

    reason: str
    revision: int | None = None


def reveal(id: str, revision: int | None, reason: str) -> Call[Payload]:  # noqa: A002
    """A payload without masks, for a person to read. The platform keeps in its audit who asked, and the reason."""
    return _reveal(id, revision, reason, Payload, JSON)


def reveal_bytes(id: str, revision: int | None, reason: str) -> Call[bytes]:  # noqa: A002
    """A payload without masks, byte for byte; see :func:`reveal`."""
    return _reveal(id, revision, reason, bytes, OCTETS)


def _reveal(id: str, revision: int | None, reason: str, answers: type[T], accept: str) -> Call[T]:  # noqa: A002
    return Call(
        method="POST",
        path=segments("transactions", id, "payload", "reveal"),
        answers=answers,
        body=json_body(Reveal(reason=reason, revision=revision)),
        accept=accept,
    )


def assign(id: str, request: AssignRequest, etag: str | None = None) -> Call[Transaction]:  # noqa: A002
    """Set who works on a transaction, its ticket, what people wait for; with ``etag`` only while it is that one."""
    return Call(
        method="POST",
        path=segments("transactions", id, "assign"),
        answers=Transaction,
        body=json_body(request),
        headers={} if etag is None else {"If-Match": f'"{etag}"'},
        changes=True,
    )


def note(id: str, text: str) -> Call[Page[TimelineEntry]]:  # noqa: A002
    """Add a note, which stays; answers with the timeline that it is in."""
    return Call(
        method="POST",
        path=segments("transactions", id, "note"),
        answers=Page[TimelineEntry],
        body=json_body(NoteRequest(text=text)),
        changes=True,
    )


def export(
    filter: str | None,  # noqa: A002
    *,
    sort: str | None,
    form: ExportForm,
    columns: str | None,
    raw: bool,
) -> Call[bytes]:
    """All transactions that match the filter, of one moment; for ``download``, as there may be millions."""
    return Call(
        method="GET",
        path="export",
        answers=bytes,
        accept=form.media,
        params=params(filter=filter, sort=sort, format=form, columns=columns, raw="true" if raw else None),
    )
