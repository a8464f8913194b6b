"""What was found, mended in the files where nobody has to decide anything."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from gateway_policies.edits import Edit, Remove
from gateway_policies.findings import Finding
from gateway_policies.loading import Loaded
from gateway_policies.writing.edits import CannotEdit, Edits


class Mended(Struct, frozen=True):
    """What was done about findings.

    Attributes:
        fixed: what is mended, in the order of the findings.
        left: what is not, since a file is written in a way that cannot be changed by a program; and why.
    """

    fixed: list[Finding]
    left: list[tuple[Finding, str]]


def mend(folder: Path, loaded: Loaded, findings: Iterable[Finding]) -> Mended:
    """Do what the edits of findings say, and write the files; comments and all else in them stay.

    Args:
        loaded: the policies of the folder, as they were when the findings were made.

    Raises:
        CannotEdit: somebody else changed a file meanwhile. Nothing was written.
        OSError: a file cannot be written.
    """
    edits = Edits(folder, loaded)
    fixed: list[Finding] = []
    left: list[tuple[Finding, str]] = []
    wanted = [each for each in findings if each.edits]
    # Suppressions are called by their number: from the last on, so that the others keep theirs.
    for finding in sorted(wanted, key=_number, reverse=True):
        try:
            for edit in finding.edits:
                edits.make(edit)
        except CannotEdit as error:
            left.append((finding, str(error)))
        else:
            fixed.append(finding)
    edits.save()
    return Mended([each for each in wanted if each in fixed], left)


def said(edit: Edit) -> str:
    """What an edit does, for whoever reads what was done."""
    if isinstance(edit, Remove):
        return f"{edit.address} taken out" if edit.field is None else f"{edit.field} of {edit.address} taken out"
    return f"{edit.field} of {edit.address} is {edit.value!r} now"


def _number(finding: Finding) -> int:
    found = re.fullmatch(r"suppress\[([0-9]+)\]", finding.address or "")
    return -1 if found is None else int(found[1])
