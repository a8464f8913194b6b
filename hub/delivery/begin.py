"""The first half of a delivery, in the writer: guards, then the intent, durable before anything leaves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Row, bindparam, func, insert, select

from hub.delivery import guards
from hub.delivery.channel import Outgoing
from hub.delivery.envelope import delivery_headers
from hub.landscape import Endpoint, Landscape
from hub.store import reposts
from hub.store.journal import journal, upsert
from hub.store.schema import attempts, batches, ledger, payloads, revisions
from hub.store.transitions import TxRow, change, encode, fail, fetch, give_back, move, rank_again
from transactions.clock import to_micros
from transactions.landscape import Verify
from transactions.model import Failure, FailureKind, Status
from transactions.plans import PlanOptions
from transactions.states import Event

_PAYLOAD = (
    select(payloads.c.content, revisions.c.headers)
    .join(revisions, revisions.c.sha256 == payloads.c.sha256)
    .where(revisions.c.tx_id == bindparam("id"), revisions.c.revision == bindparam("revision"))
)
_NEXT_ATTEMPT = select(func.coalesce(func.max(attempts.c.n), 0) + 1).where(attempts.c.tx_id == bindparam("id"))
_NEW_ATTEMPT = insert(attempts)
_OPTIONS = select(batches.c.options).where(batches.c.id == bindparam("batch"))

_NOT_THERE = ("not-applied", "acknowledged-not-applied", "resolved-not-applied")
"""Failures of what the target did not have when it was asked."""


@lru_cache(maxsize=2)
def _leaves(dialect: str) -> Any:
    statement = upsert(dialect, ledger)
    return statement.on_conflict_do_update(
        index_elements=["target", "idempotency_key", "revision"], set_={"sent_at": statement.excluded.sent_at}
    )


class Prepared(Struct, frozen=True, kw_only=True):
    """A delivery whose intent is durable.

    Attributes:
        n: number of the attempt.
        ask_first: the target is asked before anything is sent, since an earlier delivery may have been applied.
        by: who makes it happen: the hub, or the person whose batch it is.
        search: asks the target for a posting that somebody made by hand in the meantime.
        sends: deliveries that have left when this one has.
    """

    id: str
    flow: str
    n: int
    endpoint: Endpoint
    request: Outgoing
    lookup: Outgoing | None
    ask_first: bool
    verify: Verify
    by: str
    sends: int
    search: Outgoing | None = None


def begin(
    connection: Connection,
    ids: list[str],
    landscape: Landscape,
    authorization: str | None,
    now: datetime,
    breaker_wait: float | None = None,
) -> list[Prepared]:
    """Take up deliveries: those that may leave become ``delivering`` with an attempt written down; the others wait.

    Args:
        connection: the writer's.
        ids: transactions that may be due; those that are not pending or retrying (any more) are passed over.
        landscape: where targets are.
        authorization: the header the targets want.
        now: the present moment.
        breaker_wait: the target's breaker is open: what may leave waits for it, so many seconds at most.
    """
    placed = guards.active_holds(connection)
    prepared = []
    for tx_id in ids:
        row = fetch(connection, tx_id)
        if row is not None and row.status in (Status.PENDING, Status.RETRYING):
            one = _begin_one(connection, row, landscape, authorization, placed, now, breaker_wait)
            if one is not None:
                prepared.append(one)
    return prepared


def _begin_one(
    connection: Connection,
    row: TxRow,
    landscape: Landscape,
    authorization: str | None,
    placed: list[Any],
    now: datetime,
    breaker_wait: float | None,
) -> Prepared | None:
    flow = landscape.flow(row.flow)
    reverses = guards.reversed_key(connection, row)
    blocked = guards.held_by_people(
        row, placed, sets_right=bool(placed) and guards.sets_right(connection, row)
    ) or guards.behind_in_lane(connection, row, flow, reverses=reverses)
    if blocked is None and reverses is None:
        blocked = guards.required_first(connection, row, flow) or guards.corrected_first(connection, row)
    if blocked is not None:
        _wait(connection, row, blocked, now)
        return None
    endpoint = landscape.endpoint(row.target, row.plant)
    if breaker_wait is not None and endpoint is not None:
        _wait_for_breaker(connection, row, endpoint.label, breaker_wait, now)
        return None
    by = "hub" if row.claimed_by is None else f"batch {row.claimed_by}"
    newer = guards.superseded_by(connection, row, flow)
    if newer is not None and row.claimed_by:
        # It may have been applied since the plan was made; the plan says whether that was to be overruled.
        if not _options_of(connection, row.claimed_by).force_superseded:
            give_back(connection, row, now=now, by="hub", reason=f"superseded: {newer} applied a newer version")
            return None
        newer = None
    url = _where(endpoint, row, reverses)
    if endpoint is None or url is None or newer is not None:
        move(connection, row, Event.DISPATCH, now=now, by=by, text=None)
        fresh = fetch(connection, row.id)
        assert fresh is not None
        failure = _superseded(row, newer) if newer else _nowhere(row)
        # Whether an earlier delivery was applied is as clear, or unclear, as before.
        values = {"definitive": row.definitive, "superseded_by": newer}
        fail(connection, fresh, failure, now=now, by="hub", values=values)
        return None
    ask_first = _asks_first(row, endpoint)
    if ask_first and not endpoint.asks:
        # Nobody can say whether the earlier delivery was applied; only a person's evidence may send it again.
        if row.claimed_by:
            give_back(connection, row, now=now, by="hub", reason=f"{endpoint.label} cannot be asked; resolve it first")
        else:  # its declaration changed meanwhile, else it would not be here
            _undecided(connection, row, endpoint.label, now)
        return None
    verify = landscape.verify(flow, endpoint)
    if reverses is not None:
        verify = Verify.LOOKUP if endpoint.asks else Verify.ACK
    prepared = _intend(connection, row, endpoint, url, verify, authorization, ask_first, by, now, landscape.called_at)
    search = None if reverses is not None else _search(connection, row, endpoint, landscape, authorization)
    return prepared if search is None else msgspec.structs.replace(prepared, search=search)


def _asks_first(row: TxRow, endpoint: Endpoint) -> bool:
    """Whether the target may have an earlier delivery. That it had none when it was asked is no refusal: one that lands
    later than the target declares would be there twice."""
    if not row.attempts:
        return False
    return not row.definitive or (endpoint.asks and row.failure_code in _NOT_THERE)


def _where(endpoint: Endpoint | None, row: TxRow, reverses: str | None) -> str | None:
    """The address of a delivery; a reversal goes where its target takes reversals."""
    if endpoint is None or endpoint.url is None:
        return None
    return endpoint.deliver_url(row.flow) if reverses is None else endpoint.reversal_url(reverses)


def _search(
    connection: Connection, row: TxRow, endpoint: Endpoint, landscape: Landscape, authorization: str | None
) -> Outgoing | None:
    """Somebody may have posted by hand what did not pass: asked for before every delivery but the first."""
    if row.claimed_by is None and not row.attempts:
        return None
    keys = guards.searched_keys(row, landscape)
    url = None if keys is None else endpoint.search_url(keys)
    if url is None or (row.claimed_by is not None and _options_of(connection, row.claimed_by).force_maybe_posted):
        return None
    headers = {"accept": "application/json", "ce-type": row.flow}
    if authorization is not None:
        headers["authorization"] = authorization
    return Outgoing(method="GET", url=url, headers=headers)


def _intend(
    connection: Connection,
    row: TxRow,
    endpoint: Endpoint,
    url: str,
    verify: Verify,
    authorization: str | None,
    ask_first: bool,
    by: str,
    now: datetime,
    called_at: Callable[[Outgoing], str],
) -> Prepared:
    stored = connection.execute(_PAYLOAD, {"id": row.id, "revision": row.revision}).one()
    headers = delivery_headers(row, msgspec.json.decode(stored.headers), now)
    to = (endpoint.name, endpoint.plant)
    request = Outgoing(method="POST", url=url, headers=headers, content=stored.content, to=to)
    n: int = connection.execute(_NEXT_ATTEMPT, {"id": row.id}).scalar_one()
    moment = to_micros(now)
    connection.execute(
        _NEW_ATTEMPT,
        {
            "tx_id": row.id,
            "n": n,
            "purpose": "delivery",
            "started_at": moment,
            "by": by,
            "batch": row.claimed_by,
            "revision": row.revision,
            "method": request.method,
            "url": called_at(request),
            "request_headers": encode(headers),
        },
    )
    if not ask_first:
        write_ledger(connection, row, moment)
    values: dict[str, Any] = {"due_next": None}
    if not ask_first:
        values |= {
            "attempts": row.attempts + 1,
            "tries": row.tries + 1,
            "sent_at": moment,
            "lookups": 0,
            "definitive": 0,
        }
    move(connection, row, Event.DISPATCH, now=now, by=by, text=None, values=values)
    if authorization is not None:
        # not among the headers that are kept with the attempt: secrets are never stored
        request = msgspec.structs.replace(request, headers={**headers, "authorization": authorization})
    return Prepared(
        id=row.id,
        flow=row.flow,
        n=n,
        endpoint=endpoint,
        request=request,
        lookup=question(endpoint, row, authorization),
        ask_first=ask_first,
        verify=verify,
        by=by,
        sends=row.attempts + 1,
    )


def _options_of(connection: Connection, batch: str) -> PlanOptions:
    options: str = connection.execute(_OPTIONS, {"batch": batch}).scalar_one()
    return msgspec.json.decode(options, type=PlanOptions)


def intend_after_question(connection: Connection, prepared: Prepared, now: datetime) -> bool:
    """The target was asked and does not know the key: write down that the document leaves now.

    Returns:
        False when the transaction is not in delivery any more.
    """
    row = fetch(connection, prepared.id)
    if row is None or row.status != Status.DELIVERING:
        return False
    moment = to_micros(now)
    write_ledger(connection, row, moment)
    change(connection, row, attempts=row.attempts + 1, tries=row.tries + 1, sent_at=moment, lookups=0, definitive=0)
    return True


def write_ledger(connection: Connection, row: TxRow, moment: int) -> None:
    """Note that this revision leaves under this key."""
    connection.execute(
        _leaves(connection.dialect.name),
        {
            "target": row.target,
            "idempotency_key": row.idempotency_key,
            "revision": row.revision,
            "sha256": row.payload_sha256,
            "sent_at": moment,
        },
    )


def question(endpoint: Endpoint, row: TxRow | Row[Any], authorization: str | None) -> Outgoing | None:
    """The request that asks the target for a key; None where it cannot be asked."""
    if not endpoint.asks or not row.idempotency_key.strip("."):  # dots alone lead to another place of the target
        return None
    headers = {"accept": "application/json", "ce-type": row.flow}
    if authorization is not None:
        headers["authorization"] = authorization
    url = endpoint.lookup_url(quote(row.idempotency_key, safe=""))
    return Outgoing(method="GET", url=url, headers=headers, to=(endpoint.name, endpoint.plant))


def _wait(connection: Connection, row: TxRow, blocked: guards.Blocked, now: datetime) -> None:
    if row.claimed_by and blocked.by is not None and not blocked.moving:
        give_back(connection, row, now=now, by="hub", reason=f"held behind: {blocked.text}")
        return
    move(
        connection,
        row,
        Event.HOLD,
        now=now,
        by="hub",
        text=f"Waits: {blocked.text}",
        values={
            "hold_kind": blocked.kind,
            "blocked_by": blocked.by,
            "waiting_on": blocked.text,
            "due_next": None,
        },
    )
    if blocked.by is not None and not blocked.moving:
        rank_again(connection, blocked.by)
    if blocked.by is not None and not (blocked.moving and reposts.goes_on(connection, row, blocked.by)):
        reposts.rest(connection, row, f"held behind: {blocked.text}", now)


def _wait_for_breaker(connection: Connection, row: TxRow, label: str, wait: float, now: datetime) -> None:
    due = to_micros(now) + int(wait * 1_000_000)
    journal(connection).timer(due)
    move(
        connection,
        row,
        Event.HOLD,
        now=now,
        by="hub",
        text=f"Waits: {label} does not answer, its breaker is open",
        values={"hold_kind": "breaker", "blocked_by": None, "waiting_on": f"breaker {label}", "due_next": due},
    )


def _undecided(connection: Connection, row: TxRow, label: str, now: datetime) -> None:
    """An earlier delivery had no clear end, and the target can no more be asked about it."""
    kind = FailureKind.UNKNOWN_OUTCOME
    said = f"{label} may have applied an earlier delivery, and cannot be asked"
    failure = Failure(kind=kind, help=kind.help, code="cannot-be-asked", message=said, system=label)
    move(connection, row, Event.DISPATCH, now=now, by="hub", text=None)
    fresh = fetch(connection, row.id)
    assert fresh is not None
    values = {"waiting_on": f"evidence: {label} cannot be asked"}
    fail(connection, fresh, failure, now=now, by="hub", event=Event.LOST, text=f"In doubt: {said}", values=values)


def _nowhere(row: TxRow) -> Failure:
    return Failure(
        kind=FailureKind.MAPPING,
        help=FailureKind.MAPPING.help,
        code="no-address",
        message=f"{row.target} has no address for plant {row.plant or 'none'} in the hub's settings",
        system="hub",
    )


def _superseded(row: TxRow, newer: str) -> Failure:
    return Failure(
        kind=FailureKind.CONFLICT,
        help=FailureKind.CONFLICT.help,
        code="superseded",
        message=f"A newer version of the same object was applied already by {newer}; nothing was sent",
        system="hub",
    )
