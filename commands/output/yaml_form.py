"""YAML for people who read data: the JSON's shape, in its order."""

from __future__ import annotations

import msgspec
import yaml

from commands.output import Detail, Listing
from transactions.steering import STEERING


def render(shown: Listing | Detail) -> bytes:
    """One YAML document."""
    value = {"items": shown.items, "next_cursor": shown.next_cursor} if isinstance(shown, Listing) else shown.value
    # By way of JSON, so that both name and write everything alike.
    builtins = msgspec.json.decode(msgspec.json.encode(value))
    text: str = yaml.safe_dump(builtins, sort_keys=False, allow_unicode=True, width=120)
    if STEERING.search(text):
        # YAML takes C1 controls and marks that turn text around for printable; as escapes they say the same.
        text = yaml.safe_dump(builtins, sort_keys=False, allow_unicode=False, width=120).replace("\x7f", "\\x7F")
    return text.encode()
