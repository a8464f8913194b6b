"""The folder of policies that the console holds against the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

VARIABLE = "ANDON_POLICIES"
MARK = "andon.toml"
"""What a folder of policies has in it."""


class PoliciesFolder(NamedTuple):
    """Where policies are.

    Attributes:
        path: the folder.
        cache: where what files came to is kept by their content; None for nowhere.
    """

    path: Path
    cache: Path | None = None


def policies_folder(environ: Mapping[str, str], cache: Path | None = None) -> PoliciesFolder | None:
    """The folder that ``ANDON_POLICIES`` names; else ``policies`` where the console is started, or that place itself;
    None where neither is one."""
    named = environ.get(VARIABLE)
    if named:
        return PoliciesFolder(Path(named), cache)
    here = next((each for each in (Path("policies"), Path()) if (each / MARK).is_file()), None)
    return None if here is None else PoliciesFolder(here, cache)
