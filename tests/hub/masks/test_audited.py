"""Hidden values as the audit keeps them, and what the database's function shows."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from sqlalchemy import create_engine, select

from hub.declarations import KeyPaths, MaskPaths, read_catalogue
from hub.masks import FlowMasks, Masks
from hub.masks.audited import audited_values, hash_key
from hub.masks.in_sql import shown_text
from hub.store.schema import meta, metadata
from transactions.history import MASK

JSON, XML = "application/json", "application/xml"
KEY = b"k" * 32


def told(content: bytes, content_type: str = JSON, key: bytes = KEY) -> dict[str, dict[str, object]]:
    flow = FlowMasks(MaskPaths(json=["$.name", "$.lines[*].price"], xml=["//Price"]), KeyPaths())
    return audited_values(flow.hide(content, content_type), content, key)


def test_every_value_stands_masked_at_its_place_with_its_keyed_hash() -> None:
    found = told(b'{"name":"x","lines":[{"price":1.50},{"price":1.5},{"price":1.50}],"order":"4711"}')
    assert set(found) == {"$.name", "$.lines[0].price", "$.lines[1].price", "$.lines[2].price"}
    assert all(entry["masked"] == MASK for entry in found.values())
    assert found["$.name"]["hmac"] == hmac.new(KEY, b'"x"', hashlib.sha256).hexdigest()
    assert found["$.lines[0].price"]["hmac"] == found["$.lines[2].price"]["hmac"]
    # as they were written: 1.50 is not the same document as 1.5
    assert found["$.lines[0].price"]["hmac"] != found["$.lines[1].price"]["hmac"]


def test_another_store_has_other_hashes() -> None:
    content = b'{"name":"x"}'
    assert told(content)["$.name"]["hmac"] != told(content, key=b"j" * 32)["$.name"]["hmac"]


def test_the_order_of_members_is_not_the_value() -> None:
    one, other = told(b'{"name":{"a":1,"b":2}}'), told(b'{"name":{"b":2,"a":1}}')
    assert one == other


def test_many_values_of_a_path_are_hashed_together() -> None:
    lines = b",".join(b'{"price":%d}' % n for n in range(101))
    (entry,) = told(b'{"lines":[%b]}' % lines).values()
    assert entry["count"] == 101


def test_xml_too() -> None:
    assert set(told(b"<a><Price>1</Price><b><Price c='EUR'>2</Price></b></a>", XML)) == {"/a/Price", "/a/b/Price"}


def test_a_document_that_is_withheld_has_one_hash_over_all() -> None:
    content = b'{"name'
    assert told(content) == {"$": {"masked": MASK, "hmac": hmac.new(KEY, content, hashlib.sha256).hexdigest()}}


def test_nothing_hidden_is_nothing_told() -> None:
    assert told(b'{"order":"4711"}') == {}


def test_the_key_is_made_once_and_kept_in_the_store() -> None:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        key = hash_key(connection)
        assert len(key) == 32
        assert hash_key(connection) == key
        assert [row.value for row in connection.execute(select(meta))] == [key.hex()]
    engine.dispose()


@pytest.mark.parametrize(
    ("flow", "content_type", "content", "shown"),
    [
        ("masked", JSON, b'{"name":"x","order":"1"}', '{"name":"▒▒▒","order":"1"}'),
        ("masked", JSON, b'{"order" : "1"}', '{"order" : "1"}'),
        ("masked", JSON, b'{"name', ""),
        ("masked", "text/csv", b"name;x", ""),
        ("open", JSON, b'{"name":"x"}', '{"name":"x"}'),
        ("open", JSON, b'{"name', '{"name'),
        ("gone", JSON, b"\xff\xfe\xff", ""),
    ],
)
def test_a_search_sees_what_a_reader_would(flow: str, content_type: str, content: bytes, shown: str) -> None:
    declared = {
        "title": "T", "sources": ["A"], "targets": ["B"], "document": "D", "identity": [], "semantics": "event",
        "slo": "1h", "risk": "low", "owner": "o",
    }  # fmt: skip
    systems = {name: {"title": name} for name in "AB"}
    flows = {"masked": {**declared, "masked": {"json": ["$.name"]}}, "open": declared}
    masks = Masks(read_catalogue({"system": systems, "flow": flows}, "test"))
    assert shown_text(masks)(flow, content_type, content) == shown
