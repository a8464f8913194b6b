"""Where the files say what stopped a call, when a folder of policies is at hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gateway_policies.loading import load

VARIABLE = "ANDON_POLICIES"
_MARK = "andon.toml"


def folder_at_hand(environ: Mapping[str, str]) -> Path | None:
    """The folder that ``ANDON_POLICIES`` names, else ``policies`` here, else this place itself; None where none has
    policies in it."""
    named = environ.get(VARIABLE)
    places = (Path(named),) if named else (Path("policies"), Path())
    return next((each for each in places if (each / _MARK).is_file()), None)


def place_in_files(folder: Path, address: str) -> str | None:
    """``policies/consumers/mes-p03.toml:12:1``: where the files say a resource, or would: a grant that is missing
    belongs to its consumer, and a version to its API.

    Returns:
        None where they say neither, or cannot be loaded.
    """
    loaded = load(folder)
    if loaded.policies is None:
        return None
    parts = address.split(".")
    for each in (address, ".".join(parts[:2])):
        place = loaded.places.of(each)
        if place is not None:
            return str(folder / str(place))
    return None
