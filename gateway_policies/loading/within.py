"""What has to be right between the parts of one file, which no shape of a single value can say."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from gateway_policies.loading.formats import Kind
from gateway_policies.loading.mistakes import quoted
from gateway_policies.loading.overlays import identity
from gateway_policies.loading.shapes import BROKEN, Checking

_PARAMETER = re.compile(r"\{([^}]*)\}")


def check_within(kind: Kind, raw: dict[str, Any], checking: Checking) -> None:
    """Check a file of an API; the others have nothing between their parts."""
    if kind is not Kind.API:
        return
    seen: set[str] = set()
    for number, table in enumerate(raw.get("operation", ())):
        if table is BROKEN:
            continue
        name = identity("operation", table)
        if name in seen:
            checking.tell(
                "duplicate",
                ("operation", number),
                f"The operation {quoted(name, 120)} is there twice.",
                "An operation has one scope, in all versions that have it. Leave one out.",
                on_key=True,
            )
        seen.add(name)
        twice = [each for each, count in Counter(_PARAMETER.findall(table["path"])).items() if count > 1]
        if twice:
            checking.tell(
                "bad-value",
                ("operation", number, "path"),
                f"The path has the parameter {quoted(twice[0])} twice.",
                "Give each a name of its own.",
            )
    for number, table in enumerate(raw.get("version", ())):
        for which, brownout in enumerate(() if table is BROKEN else table.get("brownout", ())):
            if brownout is not BROKEN and brownout["until"] <= brownout["from"]:
                checking.tell(
                    "bad-value",
                    ("version", number, "brownout", which, "until"),
                    "The brownout ends before it begins.",
                    "Put until behind from.",
                )
