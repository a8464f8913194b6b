from __future__ import annotations

from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.reconciliation.comparing import (
    Answer,
    Compared,
    Disagreement,
    Field,
    Instance,
    Key,
    Value,
    compare,
)
from transactions.reconciliation.tolerance import EXACT, Bound, Tolerance

LOCAL = frozenset({"MES", "WMS"})
ERP, APS, QMS, TMS = (Instance(name, None) for name in ("ERP", "APS", "QMS", "TMS"))
MES, WMS = Instance("MES", "P01"), Instance("WMS", "P01")
ORDER = Key("P01", ("4711",))

CONFIRMED = Field(name="confirmed", amount=True, leads=("MES",), follows=("ERP", "APS"))
RECEIVED = Field(name="received", amount=True, leads=("MES", "WMS"), follows=("ERP", "QMS"))
STOCK = Field(name="quantity", amount=True, leads=(), follows=("ERP", "WMS"))
STATE = Field(name="state", amount=False, leads=("QMS", "MES"), follows=("ERP", "WMS", "MES", "TMS"))
VERSION = Field(name="version", amount=False, leads=("ERP",), follows=("MES", "WMS"))


def amount(text: str | int, unit: str | None = "EA") -> Value:
    return Value(text=str(text), amount=Decimal(text), unit=unit)


def word(text: str) -> Value:
    return Value(text=text)


def said(field: Field, value: Value | None, key: Key = ORDER) -> Answer:
    return {} if value is None else {key: {field.name: value}}


def run(field: Field, tolerance: Tolerance = EXACT, **values: Value | None) -> Compared:
    places = {"ERP": ERP, "APS": APS, "QMS": QMS, "TMS": TMS, "MES": MES, "WMS": WMS}
    answers = {places[name]: said(field, value) for name, value in values.items()}
    return compare([field], answers, LOCAL, tolerance)


def only(compared: Compared) -> Disagreement:
    (found,) = compared.disagreements
    return found


def differing(compared: Compared) -> set[str]:
    return {side.instance.label for side in only(compared).differing}


def test_what_the_source_did_is_what_the_targets_have_to_say() -> None:
    found = run(CONFIRMED, MES=amount(100), ERP=amount("100.0"), APS=amount(60))
    assert differing(found) == {"APS"}
    assert only(found).amount == -40
    assert [side.missing for side in only(found).differing] == [40]
    assert [side.instance.label for side in only(found).sides] == ["MES/P01", "APS", "ERP"]


def test_nothing_said_of_an_amount_is_zero_and_zero_is_nothing() -> None:
    assert not run(CONFIRMED, MES=amount(0), ERP=None, APS=None).disagreements
    assert differing(run(CONFIRMED, MES=None, ERP=amount(5), APS=None)) == {"ERP"}


def test_what_several_sources_did_is_added_up() -> None:
    assert not run(RECEIVED, MES=amount(60), WMS=amount(40), ERP=amount(100), QMS=amount(100)).disagreements
    assert differing(run(RECEIVED, MES=amount(60), WMS=amount(40), ERP=amount(60), QMS=amount(100))) == {"ERP"}


def test_while_one_source_cannot_be_asked_the_targets_are_compared_with_each_other() -> None:
    compared = run(RECEIVED, MES=amount(60), ERP=amount(100), QMS=amount(100))
    assert (compared.disagreements, compared.unknown) == ([], 1)
    found = run(RECEIVED, MES=amount(60), ERP=amount(100), QMS=amount(70))
    assert differing(found) == {"ERP", "QMS"}
    assert found.unknown == 1


def test_one_system_alone_cannot_be_compared() -> None:
    compared = run(CONFIRMED, ERP=amount(100))
    assert (compared.disagreements, compared.compared, compared.unknown) == ([], 0, 1)
    compared = run(STOCK, ERP=amount(100))
    assert (compared.disagreements, compared.compared, compared.unknown) == ([], 0, 1)


def test_where_nobody_leads_both_sides_stand_against_each_other() -> None:
    found = run(STOCK, ERP=amount(10, "KG"), WMS=amount("12.5", "KG"))
    assert differing(found) == {"ERP", "WMS/P01"}
    assert (only(found).amount, only(found).unit) == (Decimal("2.5"), "KG")


def test_amounts_in_different_units_never_agree() -> None:
    assert run(STOCK, ERP=amount(10, "KG"), WMS=amount(10, "G")).disagreements
    assert differing(run(CONFIRMED, MES=amount(5, "EA"), ERP=amount(5, "EA"), APS=amount(5, "PC"))) == {"APS"}
    assert not run(STOCK, ERP=amount(10, "KG"), WMS=amount(10, None)).disagreements
    assert not run(STOCK, ERP=amount(0, "KG"), WMS=amount(0, "G")).disagreements


def test_a_tolerance_is_of_the_unit() -> None:
    tolerance = Tolerance(units={"KG": Bound(absolute=Decimal("0.5"))})
    assert not run(STOCK, tolerance, ERP=amount(10, "KG"), WMS=amount("10.5", "KG")).disagreements
    assert run(STOCK, tolerance, ERP=amount(10, "EA"), WMS=amount("10.5", "EA")).disagreements


def test_a_word_that_did_not_arrive() -> None:
    assert not run(VERSION, ERP=word("1"), MES=word("1"), WMS=word("1")).disagreements
    assert differing(run(VERSION, ERP=word("2"), MES=word("1"), WMS=word("2"))) == {"MES/P01"}
    assert differing(run(VERSION, ERP=word("1"), MES=None, WMS=word("1"))) == {"MES/P01"}


def test_a_word_that_nobody_said_who_leads() -> None:
    """An order in the MES that ERP knows nothing of: ERP is where it should have come from."""
    assert differing(run(VERSION, ERP=None, MES=word("1"), WMS=word("1"))) == {"ERP"}


def test_a_hold_of_one_source_need_not_be_known_to_the_other() -> None:
    active = word("active")
    assert not run(STATE, QMS=None, MES=active, ERP=active, WMS=active, TMS=active).disagreements
    assert not run(STATE, QMS=active, MES=active, ERP=active, WMS=active, TMS=active).disagreements
    assert differing(run(STATE, QMS=active, MES=None, ERP=active, WMS=active, TMS=active)) == {"MES/P01"}


def test_who_leads_and_is_told_too_is_held_to_what_the_others_say() -> None:
    found = run(STATE, QMS=word("released"), MES=word("active"), ERP=word("active"), WMS=word("active"), TMS=None)
    assert differing(found) == {"MES/P01", "ERP", "WMS/P01", "TMS"}


def test_each_plant_is_asked_of_its_own_system() -> None:
    elsewhere = Key("P02", ("4711",))
    answers = {
        MES: said(CONFIRMED, amount(100)),
        Instance("MES", "P02"): said(CONFIRMED, amount(7), elsewhere),
        ERP: {**said(CONFIRMED, amount(100)), **said(CONFIRMED, amount(8), elsewhere)},
        APS: {**said(CONFIRMED, amount(100)), **said(CONFIRMED, amount(7), elsewhere)},
    }
    found = compare([CONFIRMED], answers, LOCAL, EXACT)
    assert only(found).key == elsewhere
    assert differing(found) == {"ERP"}
    assert found.compared == 2


values = st.one_of(st.none(), st.integers(-50, 50).map(amount))
words = st.one_of(st.none(), st.sampled_from(["a", "b"]).map(word))


@given(values, values, st.integers(0, 20))
def test_it_does_not_matter_who_is_asked_first(one: Value | None, other: Value | None, wide: int) -> None:
    tolerance = Tolerance(general=Bound(absolute=Decimal(wide)))
    there = compare([STOCK], {ERP: said(STOCK, one), WMS: said(STOCK, other)}, LOCAL, tolerance)
    back = compare([STOCK], {WMS: said(STOCK, other), ERP: said(STOCK, one)}, LOCAL, tolerance)
    assert there == back
    swapped = compare([STOCK], {ERP: said(STOCK, other), WMS: said(STOCK, one)}, LOCAL, tolerance)
    assert bool(there.disagreements) == bool(swapped.disagreements)
    assert [each.amount for each in there.disagreements] == [each.amount for each in swapped.disagreements]


@given(values, values, values, st.integers(0, 20), st.integers(0, 20))
def test_a_wider_tolerance_finds_no_more(
    made: Value | None, one: Value | None, other: Value | None, narrow: int, more: int
) -> None:
    def found(wide: int) -> bool:
        bound = Tolerance(general=Bound(absolute=Decimal(wide)))
        return bool(run(CONFIRMED, bound, MES=made, ERP=one, APS=other).disagreements)

    assert found(narrow) or not found(narrow + more)


@given(words, words, words)
def test_words_agree_where_all_say_the_same(one: Value | None, other: Value | None, third: Value | None) -> None:
    found = run(VERSION, ERP=one, MES=other, WMS=third)
    assert bool(found.disagreements) == (len({value.text if value else None for value in (one, other, third)}) > 1)


@given(st.lists(words, min_size=5, max_size=5))
def test_the_order_of_answers_changes_nothing(texts: list[Value | None]) -> None:
    answers = dict(zip((QMS, MES, ERP, WMS, TMS), (said(STATE, text) for text in texts), strict=True))
    first = compare([STATE], answers, LOCAL, EXACT)
    for order in list(permutations(answers))[::17]:
        assert compare([STATE], {name: answers[name] for name in order}, LOCAL, EXACT) == first


@given(
    st.dictionaries(st.integers(1, 30), st.integers(-5, 5), max_size=12),
    st.dictionaries(st.integers(1, 30), st.integers(-5, 5), max_size=12),
)
def test_every_object_that_differs_is_found_and_no_other(one: dict[int, int], other: dict[int, int]) -> None:
    def answer(stock: dict[int, int]) -> Answer:
        return {Key("P01", (str(name),)): {"quantity": amount(count)} for name, count in stock.items()}

    found = compare([STOCK], {ERP: answer(one), WMS: answer(other)}, LOCAL, EXACT)
    wrong = {name for name in one.keys() | other.keys() if one.get(name, 0) != other.get(name, 0)}
    assert {int(each.key.values[0]) for each in found.disagreements} == wrong
    assert found.compared == len(one.keys() | other.keys())


@pytest.mark.parametrize("field", [CONFIRMED, RECEIVED, STOCK, STATE, VERSION])
def test_silence_everywhere_is_nothing_to_compare(field: Field) -> None:
    compared = run(field, ERP=None, APS=None, QMS=None, TMS=None, MES=None, WMS=None)
    assert (compared.disagreements, compared.compared, compared.unknown) == ([], 0, 0)


def test_who_leads_and_follows_an_amount_is_compared_alike() -> None:
    """Nothing is added up where a system counts its own and what it is told: that would be twice."""
    both = Field(name="quantity", amount=True, leads=("ERP", "WMS"), follows=("ERP", "WMS"))
    assert not run(both, ERP=amount(5), WMS=amount(5)).disagreements
    assert differing(run(both, ERP=amount(5), WMS=amount(6))) == {"ERP", "WMS/P01"}
