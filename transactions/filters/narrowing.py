"""A filter of groups, narrowed to the transactions of one of them."""

from __future__ import annotations

from transactions.filters.parsing import parse
from transactions.filters.query import Or, fields_of, show


def only_of(filter_text: str, fingerprint: str) -> str:
    """The filter for the transactions of one group among those that a filter of groups is about: failed ones, where it
    asks for no status.

    Raises:
        BadFilter: it cannot be read.
    """
    query = parse(filter_text)
    parts = [] if "status" in fields_of(query) else ["status:failed"]
    if query.node is not None:
        parts.append(f"({show(query)})" if isinstance(query.node, Or) else show(query))
    return " ".join([*parts, f"group:{fingerprint}"])
