"""What was found, as changes of the files: for review, never made by itself."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from msgspec import Struct

from gateway_policies.impact.model import ImpactReport, What
from gateway_policies.loading import Loaded
from gateway_policies.writing.edits import CannotEdit, Edits
from gateway_policies.writing.exporting import Left

WATCHED = timedelta(days=7)
"""For so long a grant has to be watched before a patch takes it out for not being used."""


class Mended(Struct, frozen=True, kw_only=True):
    """Files as they would be; nothing has been written.

    Attributes:
        changed: the new text of every file that changes, by its path below the folder.
        before: what each of these says now.
        removed: the addresses of grants that are taken out.
        extended: the addresses of grants that end later.
        left: what is left as it is, and why.
    """

    changed: dict[str, str | None]
    before: dict[str, str | None]
    removed: list[str]
    extended: list[str]
    left: list[Left]


def mend(folder: Path, loaded: Loaded, report: ImpactReport, extend: timedelta) -> Mended:
    """Take out grants that nobody used and those that have ended, and let those that are used and end soon end later.

    Args:
        extend: how long from the day of the report on.
    """
    assert loaded.policies is not None
    files = loaded.policies.resources
    edits = Edits(folder, loaded)
    removed: list[str] = []
    extended: list[str] = []
    left: list[Left] = []
    gone = {}
    for each in report.unused:
        if report.until is None or report.until - each.since < WATCHED:
            left.append(
                Left(each.address, f"nobody used it, and it was watched only since {each.since:%Y-%m-%d %H:%M}")
            )
        else:
            gone[each.address] = "nobody used it"
    gone |= {end.address: "it has ended" for end in report.ending if end.what is What.GRANT and end.days < 0}
    for address in sorted(gone):
        if address not in files:
            left.append(Left(address, f"{gone[address]}, and the files do not have it"))
            continue
        try:
            edits.remove(address)
            removed.append(address)
        except CannotEdit as error:
            left.append(Left(address, str(error)))
    until: date = report.on + extend
    for end in report.ending:
        if end.what is What.CREDENTIAL:
            left.append(Left(end.address, f"its credential ends on {end.expires_on}: renew it at the issuer first"))
        elif end.address not in gone and end.address in files:
            if not end.calls:
                left.append(Left(end.address, f"it ends on {end.expires_on}, and nobody is known to use it"))
                continue
            try:
                edits.set_field(end.address, "expires_on", until)
                extended.append(end.address)
            except CannotEdit as error:
                left.append(Left(end.address, str(error)))
    return Mended(changed=edits.changed, before=edits.originals, removed=removed, extended=extended, left=left)
