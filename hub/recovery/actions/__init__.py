"""The actions on transactions. A new one is a class like those of :mod:`~hub.recovery.actions.kind` and a line here."""

from __future__ import annotations

from hub.recovery.actions.closing import Discard, Restore
from hub.recovery.actions.compensate import Compensate
from hub.recovery.actions.correct import Correct
from hub.recovery.actions.edit import Edit
from hub.recovery.actions.evidence import Reopen, Resolve
from hub.recovery.actions.kind import Asking, AtOnce, Kind
from hub.recovery.actions.replay import Replay
from transactions.plans import Action

AT_ONCE: dict[Action, AtOnce] = {kind.action: kind for kind in (Replay(), Edit(), Discard(), Restore())}
"""Begun from what the store knows."""

ASKING: dict[Action, Asking] = {kind.action: kind for kind in (Resolve(), Reopen(), Compensate(), Correct())}
"""Begun from what the target says, asked when they begin."""

KINDS: dict[Action, Kind] = {**AT_ONCE, **ASKING}
"""What this hub can do with transactions. Holding and releasing are about places, and are not here."""
