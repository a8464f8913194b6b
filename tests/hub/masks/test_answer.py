"""Masks on what a target answered."""

from __future__ import annotations

import json

import pytest

from hub.masks.answer import WITHHELD, hide_answer
from hub.masks.words import Words
from transactions.history import MASK

NAMES = frozenset({"price", "customername"})
WORDS = Words(["Erika Muster", "12.50"])


def hide(body: str) -> str:
    return hide_answer(body, NAMES, WORDS)


def test_fields_of_the_same_name_are_masked_wherever_they_stand() -> None:
    answer = {"error": {"echo": [{"Price": 3, "lot": "L1"}, {"customerName": {"first": "x"}}]}, "price": None}
    masked = {"error": {"echo": [{"Price": MASK, "lot": "L1"}, {"customerName": MASK}]}, "price": None}
    assert json.loads(hide(json.dumps(answer))) == masked


def test_values_that_repeat_what_the_document_hides_are_masked_whole() -> None:
    answer = {"message": "No credit for Erika Muster", "detail": "Lot unknown", "amount": 12.5, "Muster": 1}
    assert json.loads(hide(json.dumps(answer))) == {"message": MASK, "detail": "Lot unknown", "amount": MASK, MASK: 1}


def test_soap_faults_too() -> None:
    answer = (
        '<?xml version="1.0"?><s:Envelope xmlns:s="urn:s"><s:Fault><faultstring>Erika Muster is blocked</faultstring>'
        '<detail><Price cur="EUR">3<x/></Price><lot price="4">L1</lot>tail 12.50<!-- 12.50 --></detail>'
        "</s:Fault></s:Envelope>"
    )
    assert hide(answer) == (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<s:Envelope xmlns:s="urn:s"><s:Fault><faultstring>▒▒▒</faultstring>'
        '<detail><Price cur="▒▒▒">▒▒▒</Price><lot price="▒▒▒">L1</lot>▒▒▒<!--▒▒▒--></detail></s:Fault></s:Envelope>'
    )


@pytest.mark.parametrize(
    "body",
    [
        "Internal error",
        "<html><body>Erika Muster<br></body></html>",
        '{"message":"cut sho',
        "<!DOCTYPE a []><a/>",
        '{"a":1,"a":2}',
        "Erika Muster",
    ],
)
def test_what_cannot_be_read_is_withheld_whole(body: str) -> None:
    assert hide(body) == WITHHELD


@pytest.mark.parametrize("body", ["", "  \n"])
def test_no_answer_stays_no_answer(body: str) -> None:
    assert hide(body) == body


def test_where_a_mask_has_no_name_everything_is_withheld() -> None:
    assert hide_answer('{"status":"applied"}', None, WORDS) == WITHHELD


def test_what_repeats_nothing_is_shown() -> None:
    assert hide('{"status":"applied","document":"4900000001","n":1.50}') == (
        '{"status":"applied","document":"4900000001","n":1.50}'
    )
