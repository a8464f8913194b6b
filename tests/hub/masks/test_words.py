"""Which sentences repeat a hidden value."""

from __future__ import annotations

import pytest

from hub.masks.words import Words


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("Erika Muster", "Customer Erika Muster is blocked"),
        ("Erika Muster", "customer ERIKA  MUSTER is blocked"),
        ("Erika Muster", "Muster, Erika: credit limit exceeded"),
        ("Erika Muster", "Partner 'Muster' is not maintained"),
        ("erika.muster@example.com", "Mail to <erika.muster@example.com> bounced"),
        ("Müller & Co", "Müller & Co: no tax number"),
        ("C-1001", "Customer C-1001 has a credit block"),
        ("C-1001", "customer_c_1001_blocked"),
        ("12.50", "Price 12.50 differs"),
        ("12.50", "Price 12.5 differs"),
        ("12.50", "Preis 12,50 EUR weicht ab"),
        ("12.50", "EUR12.50 is above the limit"),
        ("12.50", "12.50EUR is above the limit"),
        ("1250.00", "Amount 1.250,00 is above the limit"),
        ("1250", "Amount 1,250.00 is above the limit"),
        ("1250", "Amount 1 250 is above the limit"),
        ("7", "Price 7 is not positive"),
        ("-3.5", "Discount -3.5"),
        ("x", "x"),
        ("***", " *** "),
    ],
)
def test_a_sentence_that_repeats_it(value: str, sentence: str) -> None:
    assert Words([value]).repeated_in(sentence)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("Erika Muster", "Customer is blocked"),
        ("Erika Muster", "Mustering is not planned"),
        ("Muster", "Mustermann is blocked"),
        ("BADGE-40417", "Badge is missing"),
        ("main street 5", "The main line stopped"),
        ("12.50", "Line 12 has 50 units"),
        ("7053", "M7053: posting period not open"),
        ("10", "Posting 100 of 1000"),
        ("x", "axis x is out of range"),
        ("", "anything"),
        ("***", "a *** b"),
    ],
)
def test_a_sentence_that_does_not(value: str, sentence: str) -> None:
    assert not Words([value]).repeated_in(sentence)


def test_nothing_hidden_is_repeated_nowhere() -> None:
    assert not Words([])
    assert not Words([]).repeated_in("anything at all")
    assert not Words(["x"]).repeated_in("")


def test_many_values_are_looked_for_at_once() -> None:
    words = Words(f"value number {n}" for n in range(50_000))
    assert words.repeated_in("it said: value number 49999!")
    assert not words.repeated_in("it said: value number 50000!")
