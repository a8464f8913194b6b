"""With masks, too, SQL answers a search as memory does for what is shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, event, select

from hub.declarations import read_catalogue
from hub.masks import Masks
from hub.masks.in_sql import NAME, shown_text
from hub.store.filter_sql import compile_filter
from hub.store.schema import metadata, payloads, revisions, transactions
from hub.store.shown import shown
from transactions.clock import to_micros
from transactions.errors import BadFilter
from transactions.filters import matches, parse

NOW = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
FLOW: dict[str, Any] = {
    "title": "T",
    "sources": ["A"],
    "targets": ["B"],
    "document": "D",
    "identity": ["order"],
    "semantics": "event",
    "slo": "1h",
    "risk": "low",
    "owner": "o",
    "keys": {"json": {"order": "$.order", "name": "$.name"}},
}
MASKS = Masks(
    read_catalogue(
        {
            "system": {name: {"title": name} for name in "AB"},
            "flow": {"masked": {**FLOW, "masked": {"json": ["$.name", "$.lines[*].price"]}}, "open": FLOW},
        },
        "test",
    )
)
SHOWN = shown_text(MASKS)
KEYS = frozenset({"order", "name"})
WORDS = st.sampled_from(["alpha", "Beta", "gamma", "1234", "567.50", "alphabeta"])
NEEDLES = st.sampled_from(["alpha", "ALPHA", "beta", "1234", "567", "price", "name", "gam", "lines", "hab"])


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    event.listen(engine, "connect", lambda raw, _: raw.create_function(NAME, 3, SHOWN, deterministic=True))
    metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def documents() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"order": WORDS},
        optional={"name": WORDS, "note": WORDS, "lines": st.lists(st.fixed_dictionaries({"price": WORDS}), max_size=2)},
    )


ROWS = st.lists(st.tuples(st.sampled_from(["masked", "open"]), documents(), st.none() | WORDS), max_size=5)
FILTERS = st.one_of(
    NEEDLES, NEEDLES.map("-{}".format), NEEDLES.map("message:{}".format), NEEDLES.map("-message:{}".format)
)


def fill(connection: Connection, rows: list[tuple[str, dict[str, Any], str | None]]) -> dict[str, str]:
    """The rows, written down; gives the text that is shown of each payload."""
    texts = {}
    for seq, (flow, document, message) in enumerate(rows, 1):
        content = json.dumps(document, separators=(",", ":")).encode()
        sha256, tx_id = f"sha{seq}", f"tx{seq}"
        connection.execute(payloads.insert(), {"sha256": sha256, "content": content})
        connection.execute(
            revisions.insert(),
            {
                "tx_id": tx_id, "revision": 1, "sha256": sha256, "size": 1, "content_type": "application/json",
                "headers": "{}", "created_at": 1, "created_by": "x",
            },
        )  # fmt: skip
        secrets = None if (masks := MASKS.flow(flow)) is None else masks.secrets([(content, "application/json")])
        cleared = message and (secrets.sentence(message, "withheld") if secrets else message)
        connection.execute(
            transactions.insert(),
            {
                "seq": seq, "id": tx_id, "flow": flow, "source": "A", "target": "B", "status": "failed", "risk": "low",
                "created_at": to_micros(NOW), "failed_at": to_micros(NOW) if message else None, "attempts": 1,
                "failure_kind": "schema" if message else None, "failure_help": "data" if message else None,
                "failure_code": "c" if message else None, "failure_message": cleared,
                "failure_system": "B" if message else None, "business_keys": "{}", "correlation_id": "c",
                "idempotency_key": tx_id, "key_origin": "recipe", "content_type": "application/json",
                "payload_sha256": sha256, "revision": 1, "version": 1, "definitive": 1, "lookups": 0, "tries": 1,
            },
        )  # fmt: skip
        texts[tx_id] = SHOWN(flow, "application/json", content)
    return texts


@settings(max_examples=150, deadline=None)
@given(rows=ROWS, text=FILTERS)
def test_sql_finds_what_memory_finds_in_what_is_shown(connection: Connection, rows: Any, text: str) -> None:
    texts = fill(connection, rows)
    query = parse(text, KEYS, MASKS.keys)
    condition = compile_filter(text, KEYS, NOW, MASKS)
    assert condition is not None
    found = {row.id for row in connection.execute(select(transactions.c.id).where(condition))}
    every = [shown(connection, row, NOW, MASKS) for row in connection.execute(select(transactions)).all()]
    assert found == {tx.id for tx in every if matches(query, tx, texts[tx.id], NOW)}
    connection.rollback()


@pytest.mark.parametrize("text", ["name:x", "order:1 or name:x", "-(order:1 name:x)", "business_keys.name:none"])
def test_a_masked_key_is_refused_wherever_it_stands(text: str) -> None:
    with pytest.raises(BadFilter, match="name is masked in masked") as caught:
        compile_filter(text, KEYS, NOW, MASKS)
    assert text[int(str(caught.value.extra["column"])) - 1 :].startswith(("name", "business_keys.name"))


def test_without_masks_nothing_is_refused() -> None:
    assert compile_filter("name:x", KEYS, NOW) is not None
