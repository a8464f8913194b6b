"""What throttles would have done to recorded traffic."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class Spell(Struct, frozen=True, kw_only=True):
    """Calls that were refused one after the other, none more than a minute after the one before."""

    begin: datetime
    until: datetime
    refused: int


class Refused(Struct, frozen=True, kw_only=True):
    """Whom a throttle refused, and how often."""

    consumer: str
    refused: int


class Held(Struct, frozen=True, kw_only=True):
    """What a throttle does to whom it holds.

    Attributes:
        address: ``consumer.NAME``, or ``api.NAME`` for all of its consumers together.
        throttle: the proposed one; None where none is left.
        before: the one that is live.
        calls: what came; of an API, what its consumers' own throttles let through.
        refused, refused_before: by the proposed throttle, and by the live one.
        busiest: the most calls in a minute, and ``busiest_at`` the minute.
        who: whom it refuses, the most refused first.
        spells: when; the worst first. ``spells_left_off``: how many more.
        came, turned_away: calls, and refused ones, in equal parts of the time.
    """

    address: str
    throttle: str | None
    before: str | None
    calls: int
    refused: int
    refused_before: int
    busiest: int
    busiest_at: datetime | None
    who: tuple[Refused, ...]
    spells: tuple[Spell, ...]
    spells_left_off: int
    came: tuple[int, ...]
    turned_away: tuple[int, ...]


class Simulation(Struct, frozen=True, kw_only=True):
    """Traffic against throttles.

    Attributes:
        since, until: the time from the first call to the last.
        by_second: the calls of a second were spread evenly over it; otherwise each is where it was.
        step: seconds of a part of the time.
        calls: all of them.
        refused, refused_before: with the proposed throttles, and with the live ones.
        held: the most refused first.
    """

    since: datetime | None
    until: datetime | None
    by_second: bool
    step: int
    calls: int
    refused: int
    refused_before: int
    held: tuple[Held, ...]
