"""How far a gateway enforces what it was given: whether its data plane serves, since when, and what was seen of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Enforcing(StrEnum):
    """Whether calls are held against the policies."""

    SERVING = "serving"
    IDLE = "idle"
    """There is no API yet, and so nothing to serve."""
    TROUBLE = "trouble"
    """What should serve does not, or serves what was before."""
    ABSENT = "absent"
    """There is no data plane for this machine, or it is not installed."""
    OFF = "off"
    """Whoever started the hub wants none."""


class Checked(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A call that was made to see whether a change is in force, and what came back.

    Attributes:
        address: of what the call is about.
        expected: the status that the policies lead to.
        status: the one that came; None where nothing did.
        wrong: what differs besides, in words.
    """

    address: str
    method: str
    path: str
    expected: int
    status: int | None
    wrong: tuple[str, ...] = ()

    @property
    def held(self) -> bool:
        """Whether the gateway does what the policies say."""
        return self.status == self.expected and not self.wrong


class Effective(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """That a change is in force.

    Attributes:
        milliseconds: from when the change was taken until the gateway answered by it.
        checked: what was called afterwards, and how it was answered.
        unchecked: changed operations that were too many to be called.
    """

    milliseconds: int
    checked: tuple[Checked, ...] = ()
    unchecked: int = 0


class Lost(Struct, frozen=True, kw_only=True):
    """What a consumer would not be let through for any more.

    Attributes:
        address: of the grant that would be gone, or of the consumer.
        scope: None for everything that it may call.
        calls: that were let through since the trial began, and would not have been.
    """

    address: str
    consumer: str
    scope: str | None
    calls: int


class Trial(Struct, frozen=True, kw_only=True):
    """Policies that are tried on live traffic: nothing is refused by them, and what they would refuse is counted.

    Attributes:
        plan: the hash of the plan that they come from.
        by: who tries them.
        lost: what consumers would lose, whether it was called or not.
    """

    plan: str
    by: str
    since: datetime
    lost: tuple[Lost, ...]


class GatewayStatus(Struct, frozen=True, kw_only=True):
    """What the data plane of a gateway does.

    Attributes:
        url: where the gateway is called; None where it is not.
        because: why it does not do what it should, in words; None where it does.
        revision: the one that is in force.
        effective_at: since when.
        milliseconds: how long the last change took to be in force.
        changes_at: when time makes something else of the same policies: a brownout begins, a grant ends.
        restarts: how often the data plane was started again since the hub was.
        without_keys: issuers of whose tokens none can be checked now, each with the reason.
        without_address: upstreams of which the hub has no address.
        version: of what serves.
    """

    gateway: str
    state: Enforcing
    url: str | None = None
    because: str | None = None
    revision: int | None = None
    effective_at: datetime | None = None
    milliseconds: int | None = None
    changes_at: datetime | None = None
    restarts: int = 0
    apis: int = 0
    consumers: int = 0
    without_keys: dict[str, str] = {}
    without_address: list[str] = []
    version: str | None = None
