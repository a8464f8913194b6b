"""Fields as the model names them, to the keys that a file has them under."""

from __future__ import annotations

import re
from typing import Any

from gateway_policies.loading.mistakes import Path

_KEYS = {
    "per_seconds": "per",
    "quota_per_seconds": "quota_per",
    "brownouts": "brownout",
    "from_": "from",
    "operations": "operation",
}
_PART = re.compile(r"([a-z_]+)(?:\[([^\]]*)\])?(?:\.|$)")


def head_of(address: str) -> str:
    """The address of what a resource is written with: a grant's is its consumer's, a version's its API's."""
    kind, _, rest = address.partition(".")
    if kind in ("api", "consumer"):
        return f"{kind}.{rest.partition('.')[0]}"
    return address


def start_of(address: str, raw: dict[str, Any]) -> Path | None:
    """Where a resource begins in the tables of its file; None where they do not have it."""
    kind, _, rest = address.partition(".")
    if kind in ("gateway", "lint", "drift"):
        return (kind,) if kind in raw else None
    if kind in ("scope", "throttle", "issuer"):
        return (kind, rest) if rest in _table(raw.get(kind)) else None
    suppressed = re.fullmatch(r"suppress\[([0-9]+)\]", address)
    if suppressed is not None:
        number = int(suppressed[1])
        return ("suppress", number) if number < len(raw.get("suppress", ())) else None
    if kind not in ("api", "consumer") or kind not in raw:
        return None
    _, _, inner = rest.partition(".")
    if not inner:
        return (kind,)
    items, _, name = inner.partition(".")
    key = "name" if items == "version" else "scope"
    return next((((items, n)) for n, each in enumerate(raw.get(items, ())) if _table(each).get(key) == name), None)


def path_of(start: Path, field: str, raw: dict[str, Any]) -> Path:
    """Where a field is in the tables of a file, whether it is said there or not."""
    if start == ("api",) and field.startswith("operations"):
        # They stand beside the table of the API.
        start = ()
    path = start
    position = 0
    while position < len(field):
        found = _PART.match(field, position)
        if found is None:
            return (*path, field[position:])
        name = _KEYS.get(found[1], found[1])
        path = (*path, name)
        if found[2] is not None:
            number = int(found[2]) if found[2].isdecimal() else _operation(found[2], raw)
            if number is None:
                return path
            path = (*path, number)
        position = found.end()
    return path


def _operation(key: str, raw: dict[str, Any]) -> int | None:
    for number, each in enumerate(raw.get("operation", ())):
        table = _table(each)
        if f"{','.join(sorted(map(str, table.get('methods', ()))))} {table.get('path')}" == key:
            return number
    return None


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
