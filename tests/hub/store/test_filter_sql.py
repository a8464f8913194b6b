"""SQL answers a filter as memory does, whatever the rows and the filter."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, event, select, text

from hub.masks import NO_MASKS
from hub.masks.in_sql import NAME, shown_text
from hub.store.filter_sql import compile_filter, condition_of
from hub.store.rows import to_transaction
from hub.store.schema import business_keys, metadata, payloads, tallies, transactions
from transactions.clock import to_micros
from transactions.filters import matches, parse, show
from transactions.filters.fields import find_field
from transactions.filters.meaning import BadValue, resolve
from transactions.filters.query import And, Node, Not, Or, Query, Sign, Term, Value, Words, is_plain
from transactions.model import Failure, FailureKind, KeyOrigin, Risk, Status, Transaction

NOW = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
KEYS = frozenset({"order", "lot", "document", "odd-key.x"})

# few and odd characters, so that values meet, and wildcards, case, quotes and Unicode all matter
LETTERS = 'aAbz%_*?[]"\\ ,(:-é𝄞'
TEXTS = st.text(LETTERS, max_size=4)
FILLED = st.text(LETTERS, min_size=1, max_size=4)


def moments() -> st.SearchStrategy[datetime]:
    """Moments around now: at it, at the edges of minutes and days, and by the microsecond."""
    return st.sampled_from(
        [
            timedelta(),
            timedelta(microseconds=1),
            timedelta(minutes=15),
            timedelta(minutes=15, microseconds=1),
            timedelta(hours=2),
            timedelta(hours=6, minutes=30),
            timedelta(days=1),
            timedelta(minutes=-30),
        ]
    ).map(lambda span: NOW - span)


def failures() -> st.SearchStrategy[Failure]:
    """Failures of a few kinds."""
    return st.builds(
        lambda kind, code, message, policy: Failure(
            kind=kind, help=kind.help, code=code, message=message, system="ERP", policy_ref=policy
        ),
        st.sampled_from([FailureKind.LOCKED, FailureKind.THROTTLED, FailureKind.UNKNOWN_OUTCOME]),
        TEXTS,
        st.sampled_from(["Lot NOT found", "50% of aAb", "über_lang", ""]) | TEXTS,
        st.none() | TEXTS,
    )


def transactions_() -> st.SearchStrategy[Transaction]:
    """Transactions; their ids and etags are given by who stores them."""
    return st.builds(
        Transaction,
        id=st.just("tx"),
        flow=FILLED,
        plant=st.none() | TEXTS,
        source=FILLED,
        target=FILLED,
        status=st.sampled_from(Status),
        risk=st.sampled_from(Risk),
        created_at=moments(),
        failed_at=st.none() | moments(),
        due_at=st.none() | moments(),
        overdue=st.just(False),
        attempts=st.integers(0, 4),
        failure=st.none() | failures(),
        group=st.none() | TEXTS,
        business_keys=st.dictionaries(st.sampled_from(sorted(KEYS)), FILLED, max_size=3),
        correlation_id=FILLED,
        causation_id=st.none() | TEXTS,
        idempotency_key=FILLED,
        key_origin=st.sampled_from(KeyOrigin),
        content_type=FILLED,
        payload_sha256=st.just(""),
        revision=st.integers(1, 3),
        assignee=st.none() | TEXTS,
        owner=st.none() | TEXTS,
        waiting_on=st.none() | TEXTS,
        superseded_by=st.none() | TEXTS,
        document=st.none() | TEXTS,
        etag=st.just(""),
    ).map(_failed_after_it_came)


def _failed_after_it_came(tx: Transaction) -> Transaction:
    return msgspec.structs.replace(tx, failed_at=tx.failed_at and max(tx.failed_at, tx.created_at))


def _value(text: str) -> Value:
    return Value(text, quoted=not is_plain(text))


PATTERNS = ("a*", "*a", "*", "a*b*", "*?*", "[*", "%*", "_*", "-*", "A*")
TIMES = (
    "now",
    "today",
    "yesterday",
    "-15m",
    "-2h",
    "+30m",
    "2026-11-21",
    "2026-11-20",
    "2026-11-21T06:30Z",
    "2026-11-20T23:59:59.5",
)
TEXT_FIELDS = ("id", "flow", "target", "content_type", "etag", "idempotency_key")
NULLABLE_FIELDS = (
    "plant",
    "assignee",
    "group",
    "document",
    "failure.code",
    "failure.policy_ref",
    *(f"business_keys.{name}" for name in sorted(KEYS)),
)
CHOICES: dict[str, tuple[str, ...]] = {
    "status": ("failed", "in-doubt", "p*"),
    "failure.kind": ("locked", "*t*", "none"),
    "failure.help": ("wait", "care", "none"),
    "failure.message": ("lot not", "50%", "aab", "ÜBER", "none"),
    "overdue": ("true", "false"),
    "due_at": (*TIMES, "none"),
    "attempts": ("0", "1", "3"),
}
ORDERED = {
    "created_at": TIMES,
    "failed_at": TIMES,
    "due_at": TIMES,
    "attempts": ("0", "1", "3"),
    "age": ("15m", "2h", "0s", "1d"),
}
WORDS = ("lot not", "50%", "aAb", "über", "_lang", "payload", "tx1", "KEY2", "abz", '"\\a', "ab%")


def exact(text: str) -> Value:
    return Value(text, quoted=not is_plain(text))


@st.composite
def ranges(draw: st.DrawFn, field: str) -> Node:
    """A range that the field can have: an end may be open, and those that do not move are in order."""
    low, high = draw(st.sampled_from(ORDERED[field])), draw(st.sampled_from(("", *ORDERED[field])))
    term = Term(field, Sign.IS, (Value(f"{low}..{high}"),))
    try:
        resolve(term, find_field(field, None), NOW)
    except BadValue:
        return Term(field, Sign.IS, (Value(f"{high}..{low}"),))
    return term


@st.composite
def terms(draw: st.DrawFn) -> Node:
    """One term in the form that the parser makes."""
    sort = draw(st.integers(0, 5))
    if sort == 0:
        return Words(draw(st.sampled_from(WORDS)))
    if sort == 1:
        field = draw(st.sampled_from(sorted(CHOICES)))
        chosen = draw(st.lists(st.sampled_from(CHOICES[field]), min_size=1, max_size=3))
        return Term(field, Sign.IS, tuple(Value(text, quoted=" " in text) for text in chosen))
    if sort == 2:
        field = draw(st.sampled_from(sorted(ORDERED)))
        if draw(st.booleans()):
            return draw(ranges(field))
        signs = [sign for sign in Sign if sign is not Sign.IS or field != "age"]
        return Term(field, draw(st.sampled_from(signs)), (Value(draw(st.sampled_from(ORDERED[field]))),))
    field = draw(st.sampled_from(TEXT_FIELDS if sort == 3 else NULLABLE_FIELDS))
    values: list[Value] = []
    for _ in range(draw(st.integers(1, 3))):
        way = draw(st.integers(0, 2))
        if way == 0:
            values.append(exact(draw(TEXTS)))
        elif way == 1 or sort == 3:
            values.append(Value(draw(st.sampled_from(PATTERNS))))
        else:
            values.append(Value("none"))
    return Term(field, Sign.IS, tuple(values))


@st.composite
def nodes(draw: st.DrawFn, depth: int = 3) -> Node:
    """A node in the form that the parser makes: flat, and never a double negation."""
    sort = draw(st.integers(0, 5)) if depth else 0
    if sort < 3:
        return draw(terms())
    if sort == 3:
        part = draw(nodes(depth=depth - 1))
        return part.part if isinstance(part, Not) else Not(part)
    kind = And if sort == 4 else Or
    parts = [draw(nodes(depth=depth - 1)) for _ in range(draw(st.integers(2, 3)))]
    return kind(tuple(one for part in parts for one in (part.parts if isinstance(part, kind) else (part,))))


def queries() -> st.SearchStrategy[Query]:
    return st.builds(Query, nodes())


PAYLOADS = ["", '{"lot": "LOT NOT there"}', "<a>50% of aAb</a>", "Über_lang 𝄞 payload", "ÜBER"]


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    shown = shown_text(NO_MASKS)
    event.listen(engine, "connect", lambda raw, _: raw.create_function(NAME, 3, shown, deterministic=True))
    metadata.create_all(engine)
    with engine.connect() as one:
        yield one
    engine.dispose()


def store(connection: Connection, stored: list[tuple[Transaction, str]]) -> None:
    for table in (transactions, business_keys, payloads, tallies):
        connection.execute(table.delete())
    for target in {tx.target for tx, _ in stored}:
        counted = {"status": "", "plant": "", "flow": "", "target": target, "fingerprint": "", "count": 1}
        connection.execute(tallies.insert(), counted)
    for number, (tx, content) in enumerate(stored, 1):
        sha256 = f"sha{PAYLOADS.index(content)}"
        failure = tx.failure
        row = {name: getattr(tx, name) for name in tx.__struct_fields__ if name in transactions.c}
        for name in ("created_at", "failed_at", "due_at"):
            row[name] = None if row[name] is None else to_micros(row[name])
        row |= {
            "seq": number,
            "id": f"tx{number}",
            "version": number,
            "business_keys": msgspec.json.encode(tx.business_keys).decode(),
            "payload_sha256": sha256,
            "idempotency_key": f"key{number}",
            "fingerprint": tx.group,
            "definitive": 1,
            "lookups": 0,
            "tries": 0,
        }
        if failure is not None:
            row |= {f"failure_{name}": getattr(failure, name) for name in failure.__struct_fields__}
        connection.execute(transactions.insert(), row)
        for name, value in tx.business_keys.items():
            connection.execute(business_keys.insert(), {"name": name, "value": value, "tx_seq": number})
    for number, content in enumerate(PAYLOADS):
        connection.execute(payloads.insert(), {"sha256": f"sha{number}", "content": content.encode()})


def by_sql(connection: Connection, query: Query) -> set[str]:
    condition = condition_of(query, NOW)
    asked = select(transactions.c.id)
    return set(connection.execute(asked if condition is None else asked.where(condition)).scalars())


def by_memory(connection: Connection, query: Query) -> set[str]:
    rows = connection.execute(select(transactions)).all()
    shown = [(to_transaction(row, NOW), row.payload_sha256) for row in rows]
    return {tx.id for tx, sha256 in shown if matches(query, tx, PAYLOADS[int(sha256[3:])], NOW)}


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(transactions_(), st.sampled_from(PAYLOADS)), min_size=1, max_size=5), st.data())
def test_sql_answers_as_memory_does(
    connection: Connection, stored: list[tuple[Transaction, str]], data: st.DataObject
) -> None:
    store(connection, stored)
    for query in data.draw(st.lists(queries(), min_size=1, max_size=8)):
        assert by_sql(connection, query) == by_memory(connection, query), show(query)
        assert by_sql(connection, Query(Not(query.node))) == by_memory(connection, Query(Not(query.node)))  # type: ignore[arg-type]


@settings(max_examples=300, deadline=None)
@given(queries())
def test_what_is_shown_reads_as_the_same(query: Query) -> None:
    assert parse(show(query), KEYS) == query


def plan_of(connection: Connection, filter_text: str) -> str:
    """How SQLite would find it."""
    condition = compile_filter(filter_text, KEYS, NOW)
    assert condition is not None
    asked = select(transactions.c.id).where(condition).compile(connection, compile_kwargs={"literal_binds": True})
    rows = connection.execute(text("EXPLAIN QUERY PLAN " + str(asked).replace(":", "\\:")))
    return "\n".join(str(row[3]) for row in rows)


@pytest.mark.parametrize(
    "filter_text",
    [
        "status:failed",
        "status:failed,in-doubt",
        "plant:P01",
        "flow:goods*",
        "group:3f2a",
        "target:ERP,MES",
        "id:tx1",
        "failed_at>-2h",
        "created_at:2026-11-20",
        "correlation_id:258*",
        "idempotency_key:MES/P01/1",
        "idempotency_key:MES/P01/*",
        "order:4711",
        "order:4711*",
    ],
)
def test_an_index_serves(connection: Connection, filter_text: str) -> None:
    plan = plan_of(connection, filter_text)
    assert "SEARCH transactions" in plan, plan
    assert "SCAN transactions" not in plan, plan


def test_an_empty_filter_is_no_condition() -> None:
    assert compile_filter("  ", KEYS, NOW) is None


@pytest.mark.parametrize(
    "filter_text",
    ["abc " * 250, "plant:" + "a*," * 249 + "b", "-(" * 30 + "abc" + ")" * 30],
    ids=["words", "values", "nested"],
)
def test_the_largest_filters_are_answered(connection: Connection, filter_text: str) -> None:
    query = parse(filter_text, KEYS)
    assert by_sql(connection, query) == by_memory(connection, query)
