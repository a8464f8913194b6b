"""YAML for people who read data: the JSON's shape, in its order."""

from __future__ import annotations

import msgspec
import yaml

from commands.output import Detail, Listing


def render(shown: Listing | Detail) -> bytes:
    """One YAML document."""
    value = {"items": shown.items, "next_cursor": shown.next_cursor} if isinstance(shown, Listing) else shown.value
    # By way of JSON, so that both name and write everything alike.
    builtins = msgspec.json.decode(msgspec.json.encode(value))
    return yaml.safe_dump(builtins, sort_keys=False, allow_unicode=True, width=120).encode()
