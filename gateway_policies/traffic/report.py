"""What was seen at a gateway, added up: by consumer, API, version, operation, scope or outcome."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from gateway_policies.planning.usage import Usage
from gateway_policies.traffic.outcomes import Outcome

Text = Annotated[str, Meta(max_length=200)]


class By(StrEnum):
    """What calls are added up by."""

    CONSUMER = "consumer"
    API = "api"
    VERSION = "version"
    OPERATION = "operation"
    SCOPE = "scope"
    OUTCOME = "outcome"


NEEDS = {By.VERSION: By.API, By.OPERATION: By.API}
"""Names that mean something only beside another."""


class UsageRow(Struct, frozen=True, kw_only=True):
    """Calls with the same names; a name is None where calls are not added up by it, or it is not known.

    Attributes:
        client: as the token names it, where no consumer of the policies is known by it.
        calls: all of them: let through, and refused by the gateway.
        refused: by the gateway itself.
        failed: let through, and answered with a 5xx or not at all.
        last_seen: the last of them.
        trend: calls in equal parts of the time.
    """

    consumer: str | None
    client: str | None
    api: str | None
    version: str | None
    operation: str | None
    scope: str | None
    outcome: str | None
    calls: int
    refused: int
    failed: int
    last_seen: datetime
    trend: list[int]


class UsageReport(Struct, frozen=True, kw_only=True):
    """What was seen in a time.

    Attributes:
        since, until: the time, on edges that counts are kept by.
        counted_since: from when on calls were counted at all; None where none ever were: then nothing is known.
        by: what calls are added up by.
        step: seconds of a part of the trends.
        items: the busiest first.
        left_off: how many rows more there are.
        calls, refused, failed: of everything, also of rows that are left off.
        unreadable: lines of access logs that could not be read, ever.
    """

    since: datetime
    until: datetime
    counted_since: datetime | None
    by: list[By]
    step: int
    items: list[UsageRow]
    left_off: int
    calls: int
    refused: int
    failed: int
    unreadable: int


class SeenCalls(Struct, frozen=True, kw_only=True):
    """What was seen, as plans of policies take it; ``usage`` is None where nothing is known."""

    usage: Usage | None


def grouping(text: str) -> list[By]:
    """What a list of names means, each once, with what they need beside them.

    Raises:
        ValueError: one is none; the message names those that there are.
    """
    wanted: list[By] = []
    for word in text.split(","):
        try:
            by = By(word.strip())
        except ValueError as error:
            raise ValueError(f"{word.strip()[:60]!r} is none of {', '.join(By)}") from error
        for each in (NEEDS.get(by), by):
            if each is not None and each not in wanted:
                wanted.append(each)
    return wanted


class MinuteOfCalls(Struct, frozen=True, kw_only=True, array_like=True):
    """What a consumer sent to an API in a minute and came as far as the throttles.

    Attributes:
        at: the first second of the minute, since 1970.
        seconds: for each second in which anything came, which one of the minute and how many.
    """

    at: int
    consumer: str
    api: str
    seconds: list[tuple[int, int]]


class Arrivals(Struct, frozen=True, kw_only=True):
    """Calls by the second, in the order of their minutes.

    Attributes:
        next: the minute to go on with; None where this is all.
    """

    items: list[MinuteOfCalls]
    next: int | None


class ImportedKind(Struct, frozen=True, array_like=True):
    """What calls of another gateway's log have in common; see :class:`gateway_policies.traffic.counting.Kind`."""

    consumer: Text
    client: Text
    api: Text
    version: Text
    operation: Text
    scope: Text
    outcome: Outcome


class ImportedCount(Struct, frozen=True, array_like=True):
    """Calls of a minute.

    Attributes:
        at: the first second of the minute, since 1970.
        kind: which of the kinds.
        last: the last of them, in seconds.
    """

    at: int
    kind: int
    calls: Annotated[int, Meta(ge=1)]
    last: float


class ImportedCalls(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A piece of another gateway's log, counted.

    Attributes:
        sha256: of the log from its beginning to the end of this piece: what has it, counts once.
        after: the same of the piece before; None for the first one.
        size: bytes from the log's beginning to the end of this piece.
        name: of the file.
        lines: that were counted; ``unreadable`` could not be read.
    """

    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    after: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")] | None
    size: Annotated[int, Meta(ge=1)]
    name: Annotated[str, Meta(min_length=1, max_length=255)]
    lines: Annotated[int, Meta(ge=0)]
    unreadable: Annotated[int, Meta(ge=0)]
    kinds: list[ImportedKind]
    counts: list[ImportedCount]
    arrivals: list[MinuteOfCalls]


class Imported(Struct, frozen=True, kw_only=True):
    """A piece of a log that was counted."""

    sha256: str
    size: int
    name: str
    lines: int
    unreadable: int
    at: datetime
    by: str


class Imports(Struct, frozen=True, kw_only=True):
    """Pieces of logs that were counted, the newest first."""

    items: list[Imported]
