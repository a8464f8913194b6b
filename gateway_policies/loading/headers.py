"""Where the resources of a file begin, found by the headers of its tables alone: what whoever lists them all asks for.

Only what is plain is found here. A file that writes things another way is gone through by ``positions``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_HEADER = re.compile(
    r"^[ \t]*(?P<brackets>\[\[?)[ \t]*(?P<kind>api|version|consumer|grant|scope|throttle|issuer)[ \t]*"
    r"""(?:\.[ \t]*(?:"(?P<basic>[^"\\\n]*)"|'(?P<literal>[^'\n]*)'|(?P<bare>[A-Za-z0-9_-]+))[ \t]*)?\]""",
    re.MULTILINE,
)


def starts(text: str, addresses: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Line and column at which resources begin; those that are not found are left out.

    Args:
        text: of a file that is right.
        addresses: what the file describes, in its order.
    """
    if '"""' in text or "'''" in text:
        # What looks like a header may be in a text.
        return {}
    single: dict[str, int] = {}
    listed: dict[str, list[int]] = {"version": [], "grant": []}
    for found in _HEADER.finditer(text):
        kind, name = found["kind"], found["basic"] or found["literal"] or found["bare"]
        double = found["brackets"] == "[["
        if double and name is None and kind in listed:
            listed[kind].append(found.start("brackets"))
        elif not double and name is None:
            single[kind] = found.start("brackets")
        elif not double:
            single[f"{kind}.{name}"] = found.start("brackets")
    offsets = _offsets(addresses, single, listed)
    lines, line, at = {}, 1, 0
    for address, offset in sorted(offsets.items(), key=lambda each: each[1]):
        line += text.count("\n", at, offset)
        at = offset
        lines[address] = line, offset - (text.rfind("\n", 0, offset) + 1) + 1
    return lines


def _offsets(addresses: Sequence[str], single: dict[str, int], listed: dict[str, list[int]]) -> dict[str, int]:
    inner: dict[str, list[str]] = {"version": [], "grant": []}
    found: dict[str, int] = {}
    for address in addresses:
        parts = address.split(".", 3)
        if parts[0] not in ("api", "consumer"):
            key = address
        elif len(parts) == 2:
            key = parts[0]
        else:
            inner[parts[2]].append(address)
            continue
        if key in single:
            found.setdefault(address, single[key])
    for kind, names in inner.items():
        if len(names) == len(listed[kind]):
            for name, offset in zip(names, listed[kind], strict=True):
                found.setdefault(name, offset)
    return found
