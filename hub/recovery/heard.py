"""What targets say when a plan asks them, before anything is done."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from hub.delivery.answers import Found, LookupAnswer
from hub.delivery.similar import Similar, by_hand


class Ask(StrEnum):
    """What can be asked of a target about one transaction."""

    LOOKUP = "lookup"
    SEARCH = "search"
    FOLLOWS = "follows"


class Follower(Struct, frozen=True, kw_only=True):
    """Something in the target that was built on a posting.

    Attributes:
        kind: consumed, shipped, confirmed, decided …; ``period-closed`` is about the posting's own period.
        text: for people.
        document: its number.
        key: its idempotency key, where it came in under one.
    """

    kind: str
    text: str
    document: str | None = None
    key: str | None = None


PERIOD = "period-closed"


class Heard(Struct, frozen=True, kw_only=True):
    """The answers about one transaction; None for what was not asked or not answered.

    Attributes:
        lookup: what it says of the key.
        settled: no late posting can land any more, so that absent counts.
        similar: postings with the same business keys.
        follows: what was built on it.
        silent: why an answer that was wanted is not there, by what was asked.
    """

    lookup: LookupAnswer | None = None
    settled: bool = True
    similar: list[Similar] | None = None
    follows: list[Follower] | None = None
    silent: dict[str, str] = {}

    @property
    def by_hand(self) -> list[Similar]:
        """Postings that stand and have no key."""
        return by_hand(self.similar or ())

    @property
    def certainly_absent(self) -> bool:
        """It is not there, and cannot come any more."""
        return self.lookup is not None and (
            self.lookup.status is Found.REJECTED or (self.lookup.status is Found.ABSENT and self.settled)
        )


NOTHING = Heard(silent={str(ask): "it was not asked" for ask in Ask})
"""Of a transaction that nobody asked about."""
