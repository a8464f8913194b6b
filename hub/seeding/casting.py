"""Casting: moulds filled in order after order, with ids and times, until there are enough transactions."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from hub.seeding.moulds import VARIANTS, FailedDelivery, FailedDocument, Foundry, numbers_of
from hub.simulator.documents import moment_text
from transactions.clock import from_micros, to_micros

SPAN = 8 * 3_600_000_000
"""How far back the first transaction is, in microseconds."""
_QUIET = 90_000_000  # after the newest one: longer than any of them takes to fail
_OPEN_ORDERS = 64  # in work at the same time
_FIRST_BLOCK = 9_000 * VARIANTS  # six digits, and out of the way of a story that is told from its beginning

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_SHIFTS = range(120, -1, -10)


class CastDelivery(Struct, frozen=True):
    """One failed transaction: its id, when it was made and when it failed, and its own texts."""

    id: str
    created_at: int
    failed_at: int
    mould: FailedDelivery
    own: list[str]


class CastDocument(Struct, frozen=True):
    """A document and its failed transactions."""

    mould: FailedDocument
    own: list[str]
    deliveries: list[CastDelivery]


def cast(foundry: Foundry, seed: int, count: int, now: datetime) -> Iterator[CastDocument]:
    """Documents with ``count`` failed transactions altogether, oldest first.

    Args:
        foundry: makes the moulds.
        seed: of ids and courses.
        count: how many transactions.
        now: the last ones failed shortly before.
    """
    chance = random.Random(f"{seed}|cast")  # noqa: S311  a story, not a secret
    orders = _orders(foundry, chance)
    in_work = [next(orders) for _ in range(_OPEN_ORDERS)]
    first = to_micros(now) - SPAN - _QUIET
    taken: set[str] = set()
    made, turn, last_id = 0, 0, 0
    while made < count:
        turn = (turn + 1) % _OPEN_ORDERS
        block, index, documents = in_work[turn]
        mould = next(documents, None)
        if mould is None:
            in_work[turn] = next(orders)
            continue
        created = first + int(SPAN * _busy(made / count))
        at = moment_text(from_micros(created))
        trace = f"{chance.getrandbits(128) | 1:032x}"
        numbers = numbers_of(block, index, at, "", trace)
        deliveries = []
        for delivery in mould.deliveries[: count - made]:
            last_id = max(last_id + 1, created // 1000 << 80 | chance.getrandbits(80))
            numbers["tx"] = tx_id = "".join([_PAIRS[last_id >> shift & 1023] for shift in _SHIFTS])
            own = delivery.own.cast(numbers)
            if delivery.contested:
                if own[1] in taken:
                    continue
                taken.add(own[1])
            took = int(30_000 + 400_000 * chance.random()) + (delivery.tries - 1) * 900_000
            deliveries.append(CastDelivery(tx_id, created, created + took, delivery, own))
        if deliveries:
            made += len(deliveries)
            yield CastDocument(mould, mould.own.cast(numbers), deliveries)


def _busy(share: float) -> float:
    """Time passes unevenly: failures come in waves."""
    return share + 0.04 * math.sin(6 * math.pi * share)


def _orders(foundry: Foundry, chance: random.Random) -> Iterator[tuple[int, int, Iterator[FailedDocument]]]:
    block = _FIRST_BLOCK
    while True:
        for place in range(len(foundry.plants)):
            course = foundry.course(block, place, chance.randrange(Foundry.KINDS))
            yield block, block * len(foundry.plants) + place, iter(course)
        block += 1
