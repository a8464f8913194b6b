"""``assignee:me``: what it means depends on who asks."""

from __future__ import annotations

import msgspec

from transactions.filters.query import And, Node, Not, Or, Query, Term, Value

_ME = "me"


def with_me(query: Query, who: str) -> Query:
    """A filter in which ``assignee:me`` means ``who``."""
    return query if query.node is None else Query(_with_me(query.node, who))


def _with_me(node: Node, who: str) -> Node:
    match node:
        case And(parts):
            return And(tuple(_with_me(part, who) for part in parts))
        case Or(parts):
            return Or(tuple(_with_me(part, who) for part in parts))
        case Not(part):
            return Not(_with_me(part, who))
        case Term(field="assignee"):
            return msgspec.structs.replace(node, values=tuple(_value_with_me(value, who) for value in node.values))
        case _:
            return node


def _value_with_me(value: Value, who: str) -> Value:
    return Value(who, quoted=True) if value.text.lower() == _ME else value
