"""What can go wrong on the hub's machine, before or beside a request."""

from __future__ import annotations

from transactions.errors import AndonError


class SettingsError(AndonError):
    """The hub's settings cannot be used; the message names every place."""

    problem, status, title = "bad-settings", 500, "The hub's settings cannot be used"


class StoreError(AndonError):
    """The database cannot be used: corrupt, read-only, full, locked, or of a newer version."""

    problem, status, title = "store", 503, "The hub's store cannot be used"


class AlreadyRunning(AndonError):
    """Another hub serves this folder, or the port is taken."""

    problem, status, title = "already-running", 503, "Something else is running there"


class DataPlaneError(AndonError):
    """The gateway's data plane does not run, or did not take a configuration."""

    problem, status, title = "data-plane", 503, "The gateway does not enforce what it should"


class SimulatorError(AndonError):
    """The simulator did not start, or ended."""

    problem, status, title = "simulator", 503, "The simulated systems are not running"
