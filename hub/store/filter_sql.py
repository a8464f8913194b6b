"""Filters as conditions on the transactions table, answering what ``transactions.filters.matches`` answers.

Negation is pushed down to the terms, where null is known, so that SQL's third truth value never decides. Equality,
beginnings (``4711*``) and spans stay plain comparisons of the column, which an index can serve.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Select,
    String,
    Text,
    and_,
    case,
    cast,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from hub.masks import NO_MASKS, Masks
from hub.masks.in_sql import NAME as SHOWN
from hub.search.protocol import NoIndex, Search
from hub.store.document_sql import Contains, is_plain
from hub.store.schema import business_keys, payloads, tallies, transactions
from transactions.clock import to_micros
from transactions.filters import parse
from transactions.filters.fields import KEY_PREFIX, FieldType
from transactions.filters.matching import field_of
from transactions.filters.meaning import FlagTest, SearchTest, Span, SpanTest, TextTest, fold, pattern_regex, resolve
from transactions.filters.mine import with_me
from transactions.filters.query import And, Node, Not, Or, Query, Term, Words, fields_of
from transactions.model import Priority
from transactions.priority import ranks_of
from transactions.states import CLOSED

Condition = ColumnElement[bool]

_T = transactions.c
_COLUMNS: dict[str, ColumnElement[Any]] = {
    "failure.kind": _T.failure_kind,
    "failure.help": _T.failure_help,
    "failure.code": _T.failure_code,
    "failure.message": _T.failure_message,
    "failure.system": _T.failure_system,
    "failure.policy_ref": _T.failure_policy_ref,
    "group": _T.fingerprint,
    "etag": cast(_T.seq, String)
    + "."
    + cast(_T.version, String)
    + case((_T.owned == 0, ""), else_="." + cast(_T.owned, String)),
}
_TALLIED: dict[str, ColumnElement[Any]] = {
    "status": tallies.c.status,
    "plant": func.nullif(tallies.c.plant, ""),
    "flow": tallies.c.flow,
    "target": tallies.c.target,
    "group": func.nullif(tallies.c.fingerprint, ""),
}
"""What the tallies know of a transaction, so that it is counted without looking at it."""
_LAST = "\U0010ffff"
_DIGITS = 19  # that a 64-bit number cannot have


_EVERYTHING = NoIndex()


def compile_filter(
    text: str,
    keys: frozenset[str],
    now: datetime,
    masks: Masks = NO_MASKS,
    me: str | None = None,
    search: Search = _EVERYTHING,
    failed: bool | None = None,
) -> Condition | None:
    """A filter as a condition; None when it matches everything.

    Args:
        text: the filter.
        keys: the business keys there are.
        now: the moment that ages and relative times count from.
        masks: what is not searched: keys that are masked, masked fields of documents, and words of a target that are
            older than the masks.
        me: what ``assignee:me`` means.
        search: knows where a text may be.
        failed: all (none) of those that are looked at have a ``failed_at``, so that their age is told by one column;
            None for either.

    Raises:
        BadFilter: it cannot be read, or asks for a masked key.
    """
    query = parse(text, keys, masks.keys)
    return condition_of(query if me is None else with_me(query, me), now, masks, search, failed)


def compile_for_tallies(
    text: str, keys: frozenset[str], now: datetime, masks: Masks = NO_MASKS
) -> tuple[Condition | None] | None:
    """A filter as a condition on the tallies, in a tuple; None where it asks for what the tallies do not know.

    Raises:
        BadFilter: as :func:`compile_filter`.
    """
    query = parse(text, keys, masks.keys)
    if query.node is None:
        return (None,)
    if not fields_of(query) <= _TALLIED.keys():
        return None
    return (_condition(query.node, False, _Asked(now, to_micros(now), masks, _EVERYTHING, _TALLIED)),)


class _Asked(Struct, frozen=True):
    """What a query is compiled with."""

    now: datetime
    micros: int
    masks: Masks
    search: Search
    columns: Mapping[str, ColumnElement[Any]]
    failed: bool | None = None


def condition_of(
    query: Query,
    now: datetime,
    masks: Masks = NO_MASKS,
    search: Search = _EVERYTHING,
    failed: bool | None = None,
) -> Condition | None:
    """A query as a condition; None when it matches everything."""
    return (
        None
        if query.node is None
        else _condition(query.node, False, _Asked(now, to_micros(now), masks, search, _COLUMNS, failed))
    )


def _condition(node: Node, negated: bool, asked: _Asked) -> Condition:
    match node:
        case And(parts):
            inner = [_condition(part, negated, asked) for part in parts]
            return or_(*inner) if negated else and_(*inner)
        case Or(parts):
            inner = [_condition(part, negated, asked) for part in parts]
            return and_(*inner) if negated else or_(*inner)
        case Not(part):
            return _condition(part, not negated, asked)
        case Words(text):
            found = _words(fold(text), asked)
            return not_(found) if negated else found
        case Term():
            return _term(node, negated, asked)


def _term(term: Term, negated: bool, asked: _Asked) -> Condition:
    field = field_of(term)
    test = resolve(term, field, asked.now)
    if field.name.startswith(KEY_PREFIX):
        assert isinstance(test, TextTest)
        found = _business_key(field.name.removeprefix(KEY_PREFIX), test)
        return not_(found) if negated else found
    match test:
        case FlagTest(wanted=wanted):
            return _overdue(wanted, negated, asked.micros)
        case SpanTest(spans=spans) if field.type is FieldType.DURATION:
            if asked.failed is not None:
                found = _in_spans(_T.failed_at if asked.failed else _T.created_at, spans)
            else:
                found = or_(
                    and_(_T.failed_at.is_not(None), _in_spans(_T.failed_at, spans)),
                    and_(_T.failed_at.is_(None), _in_spans(_T.created_at, spans)),
                )
            return not_(found) if negated else and_(found, *_came_before(spans))
        case TextTest() if field.name == "priority":
            return _nullable(_T.rank, _in_spans(_T.rank, _ranks(test)), test.null, field.nullable, negated)
        case TextTest():
            column = asked.columns[field.name] if field.name in asked.columns else _T[field.name]
            found = _like(column, test)
            if field.name == "idempotency_key":
                # the index of keys has the target first; every target there is stands in the tallies
                found = and_(_T.target.in_(select(tallies.c.target)), found)
            if field.name == "etag" and not (test.prefixes or test.patterns):
                found = and_(_T.seq.in_(_numbers(test.exact)), found)
            return _nullable(column, found, test.null, field.nullable, negated)
        case SearchTest(needles=needles):
            column = _message(asked.masks)
            found = or_(
                false(), *(_searched(needle, _contains(func.coalesce(column, ""), needle), asked) for needle in needles)
            )
            return _nullable(column, found, test.null, field.nullable, negated)
        case SpanTest(spans=spans):
            column = _T[field.name]
            found = _in_spans(column, spans)
            if field.name == "failed_at" and not negated:
                found = and_(found, *_came_before(spans))
            return _nullable(column, found, test.null, field.nullable, negated)


def _came_before(spans: tuple[Span, ...]) -> list[Condition]:
    """What failed before a moment came in before it, so that who looks by ``created_at`` may begin there."""
    ends = [end for _, end in spans if end is not None]
    return [_T.created_at < max(ends)] if ends and len(ends) == len(spans) else []


def _numbers(etags: tuple[str, ...]) -> list[int]:
    """The numbers of the rows that have such an ETag, which begins with it."""
    begun = [etag.partition(".")[0] for etag in etags]
    return [int(text) for text in begun if text.isdecimal() and text.isascii() and len(text) < _DIGITS]


def _nullable(column: ColumnElement[Any], found: Condition, null: bool, nullable: bool, negated: bool) -> Condition:
    """``found`` speaks of values only; null is said beside it, and only where there can be one."""
    if not nullable:
        return not_(found) if negated else found
    if negated:
        return and_(column.is_not(None), not_(found)) if null else or_(column.is_(None), not_(found))
    return or_(column.is_(None), found) if null else found


def _like(column: ColumnElement[Any], test: TextTest) -> Condition:
    ways: list[Condition] = []
    if len(test.exact) == 1:
        ways.append(column == test.exact[0])
    elif test.exact:
        ways.append(column.in_(test.exact))
    ways += [_begins(column, prefix) for prefix in test.prefixes]
    ways += [_Glob(column, _glob(pattern)) for pattern in test.patterns]
    return or_(false(), *ways) if len(ways) != 1 else ways[0]


def _ranks(test: TextTest) -> tuple[tuple[int | None, int | None], ...]:
    """The ranks of the priorities that a test asks for: spans of a column with an index."""
    patterns = [pattern_regex(pattern) for pattern in test.patterns]
    return tuple(
        ranks_of(priority)
        for priority in Priority
        if priority in test.exact
        or priority.startswith(test.prefixes)
        or any(pattern.fullmatch(priority) for pattern in patterns)
    )


def _begins(column: ColumnElement[Any], prefix: str) -> Condition:
    after = _after(prefix)
    return column >= prefix if after is None else and_(column >= prefix, column < after)


def _after(prefix: str) -> str | None:
    """The least text that is greater than every text beginning with ``prefix``, by code point; None for none."""
    prefix = prefix.rstrip(_LAST)
    if not prefix:
        return None
    following = ord(prefix[-1]) + 1
    # no text has a surrogate
    return prefix[:-1] + chr(0xE000 if following == 0xD800 else following)


def _in_spans(column: ColumnElement[Any], spans: tuple[tuple[int | None, int | None], ...]) -> Condition:
    ways: list[Condition] = []
    for low, high in spans:
        if low is not None and high == low + 1:
            ways.append(column == low)
            continue
        bounds = [column >= low] if low is not None else []
        bounds += [column < high] if high is not None else []
        ways.append(and_(true(), *bounds))
    return or_(false(), *ways)


def _overdue(wanted: frozenset[bool], negated: bool, micros: int) -> Condition:
    if len(wanted) == 2:
        return false() if negated else true()
    late = and_(_T.status.not_in([str(status) for status in CLOSED]), _T.due_at.is_not(None), _T.due_at < micros)
    return late if (True in wanted) is not negated else not_(late)


def _business_key(name: str, test: TextTest) -> Condition:
    having: Callable[..., Select[Any]] = lambda *more: select(business_keys.c.tx_seq).where(  # noqa: E731
        business_keys.c.name == name, *more
    )
    ways: list[Condition] = []
    if test.exact or test.prefixes or test.patterns:
        ways.append(_T.seq.in_(having(_like(business_keys.c.value, test))))
    if test.null:
        ways.append(_T.seq.not_in(having()))
    return or_(false(), *ways)


def _searched(needle: str, found: Condition, asked: _Asked) -> Condition:
    """``found``, looked for only where the index says that the needle may be."""
    there = asked.search.may_contain(needle)
    return found if there is None else and_(there, found)


def _words(needle: str, asked: _Asked) -> Condition:
    masks = asked.masks
    in_payload = (
        select(literal_column("1"))
        .select_from(payloads)
        .where(payloads.c.sha256 == _T.payload_sha256, _in_document(needle, masks))
        .correlate(transactions)
        .exists()
    )
    found = or_(
        _contains(func.coalesce(_message(masks), ""), needle),
        *(_contains(column, needle) for column in (_T.id, _T.idempotency_key, _T.correlation_id)),
        _in_keys(needle, masks),
        in_payload,
    )
    return _searched(needle, found, asked)


def _in_keys(needle: str, masks: Masks) -> Condition:
    """Whether the value of a business key contains the needle; the values are looked at one by one only where the text
    they are stored in has it."""
    written = msgspec.json.encode(needle).decode()[1:-1]
    each = func.json_each(_T.business_keys).table_valued("key", "value", name="each_key")
    shown = [
        or_(_T.flow != name, each.c.key.not_in(sorted(flow.keys))) for name, flow in masks.flows.items() if flow.keys
    ]
    one: Select[Any] = select(literal_column("1")).select_from(each).where(_contains(each.c.value, needle), *shown)
    return and_(_contains(_T.business_keys, written), one.correlate(transactions).exists())


def _in_document(needle: str, masks: Masks) -> Condition:
    """Whether a document contains the needle outside what is masked. Masks are put on only where the needle is found
    in the document as it is, which is one in many and far quicker to see; a document in another charset is read first.
    """
    as_shown = getattr(func, SHOWN)(_T.flow, _T.content_type, payloads.c.content, type_=Text)
    found, found_as_shown = _contains(cast(payloads.c.content, Text), needle), _contains(as_shown, needle)
    visible = or_(_T.flow.not_in(sorted(masks.flows)), found_as_shown) if masks.flows else true()
    plain = is_plain("transactions.content_type", "payloads.content")
    return case((plain, and_(found, visible)), else_=found_as_shown)


def _message(masks: Masks) -> ColumnElement[Any]:
    """The message that is searched: none of those that were stored before the masks of their flow came into force."""
    older = [
        and_(_T.flow == name, func.coalesce(_T.failed_at, _T.created_at) < flow.since)
        for name, flow in masks.flows.items()
        if flow.since
    ]
    if not older:
        return _T.failure_message
    return case((or_(*older), case((_T.failure_message.is_not(None), ""))), else_=_T.failure_message)


def _contains(column: ColumnElement[Any], needle: str) -> Condition:
    return Contains(column, needle)


# patterns: `*` any characters, everything else itself


class _Glob(GenericFunction[bool]):
    """``column`` like a GLOB pattern, case-sensitively."""

    type = Boolean()
    inherit_cache = True
    name = "andon_glob"


def _glob(pattern: str) -> str:
    return "".join(f"[{char}]" if char in "[?" else char for char in pattern)


@compiles(_Glob)
def _as_glob(element: Any, compiler: Any, **options: Any) -> str:
    column, pattern = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({column} GLOB {pattern})"
