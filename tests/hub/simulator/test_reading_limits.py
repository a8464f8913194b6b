"""Targets read what strangers sent: they understand it or refuse it, and never fall over."""

from __future__ import annotations

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.declarations import KeyPaths, shipped_catalogue
from hub.simulator.reading import Reader, number
from transactions.errors import Unreadable

CATALOGUE = shipped_catalogue()
READER = Reader(CATALOGUE)
FLOWS = st.sampled_from(sorted(CATALOGUE.flow))

NAMES = ["MaterialDefinitionID", "MaterialLotID", "ID", "ItemID", "Quantity", "QuantityString", "UnitOfMeasure",
         "State", "Final", "PersonnelActual", "MaterialLot", "TestResult"]  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=10,
)  # fmt: skip
documents = st.dictionaries(st.sampled_from(NAMES), values, max_size=6)


@settings(deadline=None, max_examples=40)
@given(FLOWS, documents)
def test_any_object_is_read_as_words(flow: str, document: dict[str, object]) -> None:
    reading = READER.read(flow, msgspec.json.encode(document))
    for line in reading.lines:
        assert all(isinstance(word, str) for word in (line.id, line.material, line.lot, line.unit))
        assert line.quantity is None or isinstance(line.quantity, str)
    assert all(isinstance(word, str) for word in (*reading.keys.values(), *reading.marks.values()))


@settings(deadline=None, max_examples=40)
@given(FLOWS, st.binary(max_size=60) | st.binary(max_size=40).map(lambda rest: b"<a>" + rest))
def test_any_bytes_are_read_or_refused(flow: str, body: bytes) -> None:
    with suppress(Unreadable):  # any other error is one
        assert READER.read(flow, body).essence


@pytest.mark.parametrize(
    "body",
    [b'{"a":' * 20_000 + b"1" + b"}" * 20_000, b"[" * 20_000, b'{"a":' + b"[" * 2_000 + b"]" * 2_000 + b"}",
     b"<a>" * 5_000 + b"</a>" * 5_000],
    ids=["objects", "arrays", "mixed", "elements"],
)  # fmt: skip
def test_endless_nesting_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        READER.read("labor-time", body)


@pytest.mark.parametrize(
    "bad", ["1e9999999", "1e15", "1000000000000000", "0.0000000001", "1E-999999", "Infinity", "sNaN", "0x1", ""]
)
def test_quantities_beyond_exact_sums_are_none(bad: str) -> None:
    assert number(bad) is None
    body = {"PersonnelActual": {"Quantity": {"QuantityString": bad, "UnitOfMeasure": "H"}}}
    [line] = READER.read("labor-time", msgspec.json.encode(body)).lines
    assert line.quantity == bad, "the words are kept for the refusal"


@settings(deadline=None)
@given(st.decimals(min_value=-(10**14), max_value=10**14, places=6))
def test_quantities_within_are_exact(amount: object) -> None:
    assert number(str(amount)) == amount
    assert number(format(amount, "f") + "000") == amount, "trailing zeros say nothing else"


@settings(deadline=None, max_examples=30)
@given(st.decimals(min_value=0, max_value=10**6, places=3))
def test_how_a_quantity_is_written_is_not_what_it_says(amount: object) -> None:
    def essence(text: str) -> str:
        quantity = {"QuantityString": text, "UnitOfMeasure": "H"}
        return READER.read("labor-time", msgspec.json.encode({"PersonnelActual": {"Quantity": quantity}})).essence

    assert essence(format(amount, "f")) == essence(format(amount, "f") + "00")
    assert essence(format(amount, "f")) != essence(format(amount, "f") + "01")


def test_a_path_that_gives_a_word_and_not_an_element() -> None:
    flow = CATALOGUE.flow["labor-time"]
    paths = KeyPaths(xml={"booking": "string(//ID)", "item": "//Item/@number", "person": "//Person", "order": "//Nope"})
    catalogue = msgspec.structs.replace(CATALOGUE, flow={"x": msgspec.structs.replace(flow, keys=paths)})
    body = b'<a xmlns="urn:x"><ID> 7 </ID><Item number="10"/><Person/><Person>Jo <b>K</b>.</Person></a>'
    assert Reader(catalogue).read("x", body).keys == {"booking": "7", "item": "10", "person": "Jo K."}


def test_numbers_and_words_are_the_same_key() -> None:
    for written in (b"7", b'"7"'):
        assert READER.read("labor-time", b'{"PersonnelActual":{"ID":' + written + b"}}").keys["booking"] == "7"
    assert READER.read("labor-time", b'{"PersonnelActual":{"ID":true,"ItemID":null}}').keys == {}
