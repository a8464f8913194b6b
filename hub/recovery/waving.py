"""Waves in the store: which wave an item is in, and when the next may begin."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, bindparam, func, select, update

from hub.landscape import Landscape
from hub.recovery.actions import KINDS
from hub.recovery.actions.compensate import groups_of
from hub.recovery.items import UNDER_WAY, still_under_way
from hub.store.schema import batch_items, transactions
from transactions.batches import ItemState
from transactions.plans import REVERSING, Plan, PlanItem, Verdict
from transactions.waves import CANARY, WaveItem, assign

_CHUNK = 500
_LOWEST = select(func.min(batch_items.c.wave)).where(
    batch_items.c.batch == bindparam("of_batch"), batch_items.c.state.in_(bindparam("states", expanding=True))
)
_LOWEST_UNDER_WAY = (
    select(func.min(batch_items.c.wave))
    .select_from(batch_items.join(transactions, transactions.c.id == batch_items.c.tx_id))
    .where(batch_items.c.batch == bindparam("of_batch"), still_under_way())
)


class Wave(NamedTuple):
    """How far a batch may go on: waves up to ``open``; or why it stops."""

    open: int
    stop: str | None = None


def waves_of(connection: Connection, plan: Plan, landscape: Landscape) -> dict[str, int]:
    """The wave of each item that a run sends; empty for actions that send nothing, and have one wave."""
    if plan.action not in KINDS or not KINDS[plan.action].sends:
        return {}
    sending = [item for item in plan.items if item.runs]
    if plan.action in REVERSING:
        return _newest_first(connection, sending)
    found: dict[str, tuple[str | None, str | None]] = {}
    for start in range(0, len(sending), _CHUNK):
        chunk = [item.id for item in sending[start : start + _CHUNK]]
        for row in connection.execute(
            select(transactions.c.id, transactions.c.lane, transactions.c.business_keys).where(
                transactions.c.id.in_(chunk)
            )
        ):
            found[row.id] = row.lane, msgspec.json.decode(row.business_keys, type=dict[str, str]).get("material")
    canary = CANARY if plan.options.canary is None else plan.options.canary

    def assigned(items: list[PlanItem], first: int) -> dict[str, int]:
        described = []
        for item in items:
            flow = landscape.flow(item.flow)
            lane, material = found.get(item.id, (None, None))
            described.append(WaveItem(lane, item.plant, material, flow is not None and bool(flow.requires)))
        return {item.id: first + wave for item, wave in zip(items, assign(described, canary), strict=True)}

    waves = assigned([item for item in sending if item.verdict is Verdict.SEND], 0)
    # What a hold keeps may take days: it comes last, so that nothing else waits for that.
    return waves | assigned([item for item in sending if item.waits is True], max(waves.values(), default=-1) + 1)


def _newest_first(connection: Connection, sending: list[PlanItem]) -> dict[str, int]:
    """One after the other within a process and within a lane, in the order of the plan; 1 is the first wave."""
    found: dict[str, list[str]] = {}
    for start in range(0, len(sending), _CHUNK):
        chunk = [item.id for item in sending[start : start + _CHUNK]]
        query = select(transactions.c.id, transactions.c.lane, transactions.c.correlation_id)
        for row in connection.execute(query.where(transactions.c.id.in_(chunk))):
            found[row.id] = groups_of(row)
    last: dict[str, int] = {}
    waves = {}
    for item in sending:
        wave = 1 + max((last.get(group, 0) for group in found[item.id]), default=0)
        waves[item.id] = wave
        last.update(dict.fromkeys(found[item.id], wave))
    return waves


def lowest_to_ask(connection: Connection, batch_id: str) -> int | None:
    """The wave whose items may be taken up now; None where it waits for one before, or nothing is left."""
    lowest: int | None = connection.execute(_LOWEST, {"of_batch": batch_id, "states": [ItemState.PLANNED]}).scalar()
    open_wave = connection.execute(_LOWEST_UNDER_WAY, {"of_batch": batch_id}).scalar()
    return lowest if lowest is None or open_wave is None or open_wave >= lowest else None


def next_wave(connection: Connection, batch_id: str) -> Wave:
    """Up to which wave items may be taken up: a wave begins when all of those before have ended, and not at all when
    the canary failed. What an open wave waits for is taken into it, in whichever wave it was."""
    lowest = connection.execute(_LOWEST, {"of_batch": batch_id, "states": [ItemState.PLANNED]}).scalar()
    if not lowest:
        return Wave(0)
    open_wave = connection.execute(_LOWEST_UNDER_WAY, {"of_batch": batch_id}).scalar()
    if open_wave is not None and open_wave < lowest:
        _take_in_what_is_waited_for(connection, batch_id, open_wave)
        return Wave(open_wave)
    failed = connection.execute(_LOWEST, {"of_batch": batch_id, "states": [ItemState.FAILED, ItemState.IN_DOUBT]})
    if failed.scalar() == 0:
        return Wave(0, "the first wave was not processed, so the rest was not begun")
    return Wave(lowest)


def _take_in_what_is_waited_for(connection: Connection, batch_id: str, wave: int) -> None:
    """An item of the open wave may be held by one of a later wave; without it neither would ever go on."""
    waited_for = (
        select(transactions.c.blocked_by)
        .join(batch_items, batch_items.c.tx_id == transactions.c.id)
        .where(
            batch_items.c.batch == batch_id,
            batch_items.c.state.in_(UNDER_WAY),
            batch_items.c.wave <= wave,
            transactions.c.blocked_by.is_not(None),
        )
    )
    connection.execute(
        update(batch_items)
        .where(
            batch_items.c.batch == batch_id,
            batch_items.c.state == ItemState.PLANNED,
            batch_items.c.wave > wave,
            batch_items.c.tx_id.in_(waited_for),
        )
        .values(wave=wave)
    )
