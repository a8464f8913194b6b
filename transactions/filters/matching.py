"""Answering a filter for one transaction in memory; the store answers the same in SQL."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from transactions.clock import to_micros
from transactions.filters.fields import KEY_PREFIX, Field, FieldType, find_field
from transactions.filters.meaning import (
    FlagTest,
    SearchTest,
    SpanTest,
    Test,
    TextTest,
    fold,
    pattern_regex,
    resolve,
)
from transactions.filters.query import And, Node, Not, Or, Query, Term, Words
from transactions.model import Transaction


def matches(query: Query, tx: Transaction, payload_text: str, now: datetime) -> bool:
    """Whether a transaction matches.

    Args:
        query: the filter.
        tx: the transaction.
        payload_text: its payload as text, for free words.
        now: the moment that ages and relative times count from.
    """
    return query.node is None or _matches(query.node, tx, payload_text, now)


def field_of(term: Term) -> Field:
    """The field of a term that was read."""
    field = _field(term.field)
    assert field is not None
    return field


@lru_cache(maxsize=1024)
def _field(name: str) -> Field | None:
    return find_field(name, None)


def _matches(node: Node, tx: Transaction, payload_text: str, now: datetime) -> bool:
    match node:
        case And(parts):
            return all(_matches(part, tx, payload_text, now) for part in parts)
        case Or(parts):
            return any(_matches(part, tx, payload_text, now) for part in parts)
        case Not(part):
            return not _matches(part, tx, payload_text, now)
        case Words(text):
            needle = fold(text)
            return any(needle in fold(each) for each in (*words_of(tx), payload_text))
        case Term():
            field = field_of(node)
            return _passes(resolve(node, field, now), _value(field, tx))


def words_of(tx: Transaction) -> list[str]:
    """The texts about a transaction that free words search, besides its payload."""
    message = [] if tx.failure is None else [tx.failure.message]
    return [tx.id, tx.idempotency_key, tx.correlation_id, *message, *tx.business_keys.values()]


def _value(field: Field, tx: Transaction) -> Any:
    if field.type is FieldType.DURATION:
        return tx.failed_at or tx.created_at
    if field.name.startswith(KEY_PREFIX):
        return tx.business_keys.get(field.name.removeprefix(KEY_PREFIX))
    value: Any = tx
    for step in field.name.split("."):
        value = value.get(step) if isinstance(value, Mapping) else getattr(value, step, None)
    return value


def _passes(test: Test, value: Any) -> bool:
    if value is None:
        return not isinstance(test, FlagTest) and test.null
    match test:
        case TextTest():
            text = str(value)
            return (
                text in test.exact
                or any(text.startswith(prefix) for prefix in test.prefixes)
                or any(pattern_regex(pattern).fullmatch(text) for pattern in test.patterns)
            )
        case SearchTest():
            return any(needle in fold(value) for needle in test.needles)
        case SpanTest():
            number = to_micros(value) if isinstance(value, datetime) else int(value)
            return any((low is None or low <= number) and (high is None or number < high) for low, high in test.spans)
        case FlagTest():
            return value in test.wanted
