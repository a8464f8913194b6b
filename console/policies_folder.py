"""The folder of policies that the console holds against the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

VARIABLE = "ANDON_POLICIES"
MARK = "andon.toml"
"""What a folder of policies has in it."""


def policies_folder(environ: Mapping[str, str]) -> Path | None:
    """The folder that ``ANDON_POLICIES`` names; else ``policies`` where the console is started, or that place itself;
    None where neither is one."""
    named = environ.get(VARIABLE)
    if named:
        return Path(named)
    return next((each for each in (Path("policies"), Path()) if (each / MARK).is_file()), None)
