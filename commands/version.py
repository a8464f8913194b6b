"""The version, as it was installed."""

from __future__ import annotations


def installed_version() -> str:
    """Andon's version; ``unknown`` when it runs from files that were never installed."""
    # Imported late: it takes longer than printing the help.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("andon")
    except PackageNotFoundError:
        return "unknown"


def version_line() -> str:
    """What ``andon --version`` prints."""
    return f"andon {installed_version()}"
