"""The actions on transactions. A new one is a class like :class:`~hub.recovery.actions.kind.Kind` and a line here."""

from __future__ import annotations

from hub.recovery.actions.closing import Discard, Restore
from hub.recovery.actions.edit import Edit
from hub.recovery.actions.kind import Kind
from hub.recovery.actions.replay import Replay
from transactions.plans import Action

KINDS: dict[Action, Kind] = {kind.action: kind for kind in (Replay(), Edit(), Discard(), Restore())}
"""What this hub can do with transactions. Holding and releasing are about places, and are not here."""
