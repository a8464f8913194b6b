"""Intake: a business document comes in, becomes one transaction per target, durably, before it is answered."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, bindparam, select

from hub.deadlines import Deadlines
from hub.declarations import FlowDeclaration
from hub.delivery.envelope import kept_headers, trace_id
from hub.documents import DEFAULT_LIMITS, Limits, extract_keys, read_document
from hub.ids import new_id
from hub.landscape import Landscape
from hub.masks.flow import carried_keys, needed_keys
from hub.store.dating import due_columns
from hub.store.journal import Ready, journal, upsert
from hub.store.schema import business_keys, intake, payloads, revisions, transactions
from transactions.canonical import sha256_bytes
from transactions.clock import to_micros
from transactions.errors import Invalid, KeyReused, NotFound, Unreadable
from transactions.history import MASK
from transactions.model import KeyOrigin, Status

_KEY_LENGTH = 255


class Arrival(Struct, frozen=True, kw_only=True):
    """A document as it came in; header names are lower-case."""

    flow: str
    plant: str | None
    content: bytes
    content_type: str
    headers: dict[str, str]
    sent_by: str


class Accepted(Struct, frozen=True, kw_only=True):
    """What became of an arrival: its transactions, and whether they were there already."""

    ids: list[str]
    again: bool


class Sorted(Struct, frozen=True, kw_only=True):
    """An arrival that was read: everything that the writer needs."""

    arrival: Arrival
    flow: FlowDeclaration
    plant: str | None
    source: str
    targets: list[str]
    keys: dict[str, str]
    key: str | None
    origin: KeyOrigin
    sha256: str
    deadlines: Deadlines


def sort_arrival(arrival: Arrival, landscape: Landscape, limits: Limits = DEFAULT_LIMITS) -> Sorted:
    """Read a document and find out what it is about and where it goes.

    Raises:
        NotFound: no such flow.
        Invalid: no such plant, a key that cannot be used, a plant is needed.
        TooLarge, Unreadable, UnsupportedMedia: see :func:`hub.documents.read_document`.
    """
    flow = landscape.flow(arrival.flow)
    if flow is None:
        raise NotFound(
            f"There is no flow {arrival.flow!r}. The document was not taken. "
            f"Flows here: {', '.join(sorted(landscape.catalogue.flow))}."
        )
    document = read_document(arrival.content, arrival.content_type, limits=limits)
    keys = _without_hidden(arrival, flow, extract_keys(document, flow.keys), landscape)
    plant = arrival.plant or arrival.headers.get("ce-plant") or keys.get("plant") or landscape.catalogue.default_plant
    if plant is not None and plant not in landscape.catalogue.plant:
        raise Invalid(
            f"There is no plant {plant!r}. The document was not taken. "
            f"Plants here: {', '.join(sorted(landscape.catalogue.plant))}."
        )
    source = _source(flow, arrival.headers.get("ce-source"))
    key, origin = _key(arrival, flow, source, plant, keys)
    return Sorted(
        arrival=arrival,
        flow=flow,
        plant=plant,
        source=source,
        targets=[target for target in landscape.targets(flow, plant) if target != source],
        keys=keys,
        key=key,
        origin=origin,
        sha256=sha256_bytes(arrival.content),
        deadlines=landscape.deadlines,
    )


def _without_hidden(
    arrival: Arrival, flow: FlowDeclaration, keys: dict[str, str], landscape: Landscape
) -> dict[str, str]:
    """The keys, without the values of those that this document has inside what the flow masks.

    Raises:
        Unreadable: such a value would travel in keys, lanes and headers.
    """
    masks = landscape.masks.flow(arrival.flow)
    hidden = [] if masks is None else masks.keys_in_masks(arrival.content, arrival.content_type, keys)
    if not hidden:
        return keys
    uses = carried_keys(flow, needed_keys(landscape.catalogue, arrival.flow))
    carried = [name for name in hidden if name in uses]
    if carried:
        raise Unreadable(
            f"The business key {carried[0]!r} makes {uses[carried[0]]}, and in this document it stands inside a field "
            f"that {arrival.flow} masks. Its value would travel where nothing masks it, so the document was not taken. "
            "Write the key's path, or the mask's, in the hub's settings so that they tell the two fields apart.",
            reason="a key inside a masked field",
        )
    return {name: MASK if name in hidden else value for name, value in keys.items()}


def _source(flow: FlowDeclaration, named: str | None) -> str:
    parts = {part.casefold() for part in (named or "").split("/")}
    return next((source for source in flow.sources if source.casefold() in parts), flow.sources[0])


def _key(
    arrival: Arrival, flow: FlowDeclaration, source: str, plant: str | None, keys: dict[str, str]
) -> tuple[str | None, KeyOrigin]:
    given = arrival.headers.get("idempotency-key")
    if given is not None:
        if not given.strip() or len(given) > _KEY_LENGTH or not given.isprintable():
            raise Invalid(
                f"The idempotency key must be 1 to {_KEY_LENGTH} printable characters. The document was not taken."
            )
        if not given.strip(" ."):  # in the path of a lookup, dots lead to another place of the target
            raise Invalid("The idempotency key cannot be of dots alone. The document was not taken.")
        return given.strip(), KeyOrigin.HEADER
    event_id, event_source = arrival.headers.get("ce-id"), arrival.headers.get("ce-source")
    if event_id and event_source:
        return _short(f"{event_source}#{event_id}"), KeyOrigin.CLOUDEVENT
    if flow.identity and all(name in keys for name in flow.identity):
        parts = [source, plant or "-", arrival.flow, *(keys[name] for name in flow.identity)]
        return ":".join(parts), KeyOrigin.RECIPE
    return None, KeyOrigin.GENERATED


def _short(key: str) -> str:
    """A key that fits; what is too long keeps its beginning and is told apart by its hash, never cut off."""
    return key if len(key) <= _KEY_LENGTH else f"{key[: _KEY_LENGTH - 65]}~{sha256_bytes(key.encode())}"


_SENT = (
    select(transactions.c.flow)
    .where(transactions.c.target == bindparam("target"), transactions.c.idempotency_key == bindparam("key"))
    .limit(1)
)
_PLANT = select(transactions.c.plant).where(transactions.c.id == bindparam("id"))
_SEEN = select(intake.c.sha256, intake.c.ids).where(
    intake.c.flow == bindparam("flow"), intake.c.key == bindparam("key")
)


_NEW_TRANSACTION, _NEW_REVISIONS = transactions.insert(), revisions.insert()
_NEW_KEYS, _NEW_ARRIVAL = business_keys.insert(), intake.insert()


@lru_cache(maxsize=2)
def _new_payload(dialect: str) -> Any:
    return upsert(dialect, payloads).on_conflict_do_nothing()


def take_in(connection: Connection, found: Sorted, now: datetime) -> Accepted:
    """Store an arrival and its transactions; a key that was seen answers with what it made the first time.

    Raises:
        KeyReused: the key came before, with other content, for another plant, or in another flow to the same target.
    """
    if found.key is not None:
        seen = connection.execute(_SEEN, {"flow": found.arrival.flow, "key": found.key}).first()
        if seen is not None:
            if seen.sha256 != found.sha256:
                raise KeyReused(
                    f"The key {found.key!r} came before with other content. The document was not taken. "
                    "A changed document needs a key of its own."
                )
            ids = msgspec.json.decode(seen.ids, type=list[str])
            plant = connection.execute(_PLANT, {"id": ids[0]}).scalar() if ids else found.plant
            if plant != found.plant:
                raise KeyReused(
                    f"The key {found.key!r} came before for plant {plant}, and now for {found.plant}. The document was "
                    "not taken. Each plant's document needs a key of its own."
                )
            journal(connection).kpis.repeated(found.arrival.flow, found.plant, found.targets, to_micros(now))
            return Accepted(ids=ids, again=True)
        for target in found.targets:
            other = connection.execute(_SENT, {"target": target, "key": _key_at(found, target)}).scalar()
            if other is not None:
                raise KeyReused(
                    f"The key {found.key!r} came before in flow {other}, to the same target {target}, which would take "
                    "this document for that one. The document was not taken. It needs a key of its own."
                )
    moment = to_micros(now)
    ids = [new_id(now) for _ in found.targets]
    connection.execute(
        _new_payload(connection.dialect.name),
        {"sha256": found.sha256, "content": found.arrival.content},
    )
    headers = kept_headers(found.arrival.headers)
    correlation = found.arrival.headers.get("ce-correlationid") or trace_id(headers.get("traceparent")) or ids[0]
    for tx_id, target in zip(ids, found.targets, strict=True):
        _insert(connection, found, tx_id, target, correlation[:_KEY_LENGTH], moment)
        journal(connection).story(
            tx_id, now, f"Received from {found.source} for {target}", by=found.arrival.sent_by, status=Status.PENDING
        )
    journal(connection).kpis.document(found.arrival.flow, found.plant, moment)
    connection.execute(
        _NEW_REVISIONS,
        [
            {
                "tx_id": tx_id,
                "revision": 1,
                "sha256": found.sha256,
                "size": len(found.arrival.content),
                "content_type": found.arrival.content_type,
                "headers": msgspec.json.encode(headers).decode(),
                "created_at": moment,
                "created_by": found.arrival.sent_by,
            }
            for tx_id in ids
        ],
    )
    if found.key is not None:
        connection.execute(
            _NEW_ARRIVAL,
            {
                "flow": found.arrival.flow,
                "key": found.key,
                "sha256": found.sha256,
                "ids": msgspec.json.encode(ids).decode(),
                "at": moment,
            },
        )
    return Accepted(ids=ids, again=False)


def _insert(connection: Connection, found: Sorted, tx_id: str, target: str, correlation: str, moment: int) -> None:
    flow, plant = found.flow, found.plant
    key = tx_id if found.key is None else _key_at(found, target)
    values: dict[str, Any] = {
        "id": tx_id,
        "flow": found.arrival.flow,
        "plant": plant,
        "source": found.source,
        "target": target,
        "status": Status.PENDING,
        "risk": flow.risk,
        "created_at": moment,
        **due_columns(found.deadlines, found.arrival.flow, plant, found.keys, moment),
        "attempts": 0,
        "business_keys": msgspec.json.encode(found.keys).decode(),
        "correlation_id": correlation,
        "causation_id": found.arrival.headers.get("ce-causationid"),
        "idempotency_key": key,
        "key_origin": found.origin,
        "content_type": found.arrival.content_type,
        "payload_sha256": found.sha256,
        "revision": 1,
        "owner": flow.owner,
        "version": 1,
        "lane": lane_of(flow, target, plant, found.keys),
        "object_key": object_of(found.arrival.flow, flow, target, plant, found.keys),
        "object_version": found.keys.get(flow.version) if flow.version else None,
        "definitive": 1,
        "lookups": 0,
        "tries": 0,
    }
    seq = connection.execute(_NEW_TRANSACTION, values).inserted_primary_key
    assert seq is not None
    if found.keys:
        connection.execute(
            _NEW_KEYS,
            [{"name": name, "value": value, "tx_seq": seq[0]} for name, value in found.keys.items()],
        )
    book = journal(connection)
    book.tallies[Status.PENDING, plant or "", found.arrival.flow, target, ""] += 1
    book.kpis.received(found.arrival.flow, plant, target, moment, values["due_at"])
    book.ready.append(Ready(target, plant, tx_id))
    data = {"id": tx_id, "flow": found.arrival.flow, "plant": plant, "target": target}
    book.events.append(
        {
            "at": moment,
            "type": "transaction",
            "id": tx_id,
            "data": msgspec.json.encode({**data, "status": Status.PENDING, "before": None}).decode(),
        }
    )


def _key_at(found: Sorted, target: str) -> str:
    """The key that a target gets: a recipe's names the target, one that was given is kept."""
    return f"{found.key}:{target}" if found.origin is KeyOrigin.RECIPE else found.key or ""


def lane_of(flow: FlowDeclaration, target: str, plant: str | None, keys: dict[str, str]) -> str | None:
    """The lane of a delivery; None where the flow has no order or the document lacks a key of the recipe."""
    names = flow.order_by.split("+") if flow.order_by else []
    if not names or any(name not in keys for name in names):
        return None
    return "|".join([target, plant or "", *(f"{name}={keys[name]}" for name in names)])


def object_of(name: str, flow: FlowDeclaration, target: str, plant: str | None, keys: dict[str, str]) -> str | None:
    """The object that versions of a document are about, at one target."""
    if flow.object is None or flow.object not in keys:
        return None
    return "|".join([name, target, plant or "", keys[flow.object]])
