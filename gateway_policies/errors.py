"""Why a gateway was not changed. Each says what happened, what it means and what to do."""

from __future__ import annotations


class Refused(Exception):
    """Nothing was changed, since something stands against it."""


class PlanAltered(Refused):
    """A plan that was edited after it was made, or is none, or is for another gateway."""


class Blocked(Refused):
    """A guard of the plan is open."""


class Locked(Refused):
    """Somebody else changes the gateway now."""


class Moved(Exception):
    """The plan does not fit any more: the gateway changed since, it was applied already, or it is too old."""


class Missing(Exception):
    """There is no such gateway, or no such revision of it."""


class Unreadable(Exception):
    """What the gateway keeps cannot be read or written."""
