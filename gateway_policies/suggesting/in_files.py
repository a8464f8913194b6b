"""A suggestion as changes of the files that are there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gateway_policies.edits import SetField
from gateway_policies.loading import Loaded
from gateway_policies.suggesting.suggestion import Change
from gateway_policies.writing.edits import Edits


def edited(folder: Path, loaded: Loaded, changes: Iterable[Change]) -> Edits:
    """The files as they would be; nothing is written.

    Raises:
        CannotEdit: a file cannot be changed by a program.
    """
    edits = Edits(folder, loaded)
    with edits.all_or_nothing():
        for each in changes:
            if isinstance(each, SetField):
                edits.make(each)
            else:
                edits.add(each)
    return edits
