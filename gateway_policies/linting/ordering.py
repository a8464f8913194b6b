"""Which of two versions is the newer one, by their names."""

from __future__ import annotations

import re
from typing import NamedTuple

from gateway_policies.model import Version

_NUMBERED = re.compile(r"v?([0-9]{1,9})((?:-[0-9]{1,9})*)")


class Order(NamedTuple):
    """A place in the order of versions: the numbers of a name, the major one first."""

    numbers: tuple[int, ...]
    dated: bool

    @property
    def major(self) -> int | tuple[int, ...]:
        """What changes where callers have to: the first number, or all of a date."""
        return self.numbers if self.dated else self.numbers[0]


def order_of(name: str) -> Order | None:
    """The order of a version's name: ``v1``, ``v2-1``, ``2026-11``; None where it says none."""
    found = _NUMBERED.fullmatch(name)
    if found is None:
        return None
    numbers = (int(found[1]), *(int(each) for each in found[2].split("-")[1:]))
    return Order(numbers, dated=not name.startswith("v") and 1970 <= numbers[0] < 10_000)


def newest_first(versions: list[Version]) -> list[tuple[Order, Version]] | None:
    """Versions of an API from the newest to the oldest; None where a name does not say."""
    found: list[tuple[Order, Version]] = []
    for each in versions:
        order = order_of(each.name)
        if order is None:
            return None
        found.append((order, each))
    return sorted(found, key=lambda pair: pair[0].numbers, reverse=True)
