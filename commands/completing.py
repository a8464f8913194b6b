"""What the shell may complete besides words and options: names that only the configuration or the platform knows.

A completion never complains: where nothing can be asked, nothing is offered.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from commands.session import Session
from transactions.errors import AndonError
from transactions.model import Status


def contexts(incomplete: str) -> list[str]:
    """Names of the user's contexts."""
    from platforms.contexts import user_contexts

    try:
        names = user_contexts(os.environ).context
    except AndonError:
        # The command itself will say what is wrong with the file.
        return []
    return sorted(name for name in names if name.startswith(incomplete))


def flows(incomplete: str) -> list[str]:
    """Names of the platform's flows."""
    from platforms.hub import landscape

    return _starting(incomplete, lambda session: [flow.name for flow in session.send(landscape.flows()).items])


def plants(incomplete: str) -> list[str]:
    """Names of the platform's plants."""
    from platforms.hub import landscape

    return _starting(incomplete, lambda session: [plant.name for plant in session.send(landscape.plants()).items])


def systems(incomplete: str) -> list[str]:
    """Names of the platform's systems."""
    from platforms.hub import landscape

    return _starting(incomplete, lambda session: [each.name for each in session.send(landscape.systems()).items])


def faults(incomplete: str) -> list[str]:
    """Names of the simulator's faults."""
    from platforms.hub import simulator

    return _starting(incomplete, lambda session: [fault.name for fault in session.send(simulator.faults()).items])


def filters(incomplete: str) -> list[str]:
    """The filter that is being typed, with each thing that may stand at its end."""
    from transactions.filters.completion import complete

    offered = complete(incomplete, len(incomplete), known={"status": list(Status)})
    return [incomplete[: each.start] + each.text for each in offered]


def _starting(incomplete: str, ask: Callable[[Session], list[str]]) -> list[str]:
    session = Session(os.environ, Path.cwd())
    try:
        names = ask(session)
    except AndonError:
        return []
    finally:
        session.close()
    return sorted({name for name in names if name.startswith(incomplete)})
