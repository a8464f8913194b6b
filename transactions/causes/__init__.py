"""Causes: what lies behind groups of failures and other trouble, ranked by what it blocks, with what helps.

Pure: it is handed what any platform can see of its transactions (codes, places, objects, times, what targets say when
they are asked), and never looks at what only a simulator knows.
"""

from transactions.causes.diagnosis import diagnose
from transactions.causes.kinds import CauseKind, Phase
from transactions.causes.model import Blocks, Cause, Causes, Doing, Step

__all__ = ["Blocks", "Cause", "CauseKind", "Causes", "Doing", "Phase", "Step", "diagnose"]
