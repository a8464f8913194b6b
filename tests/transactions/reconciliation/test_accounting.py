from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from transactions.model import Status
from transactions.reconciliation.accounting import MAYBE_NOT, NOT_IN_TARGET, Lacking, account
from transactions.reconciliation.comparing import Disagreement, Field, Instance, Key, Value, compare
from transactions.reconciliation.model import Explained
from transactions.reconciliation.tolerance import EXACT, Bound, Tolerance

ERP, MES, WMS = Instance("ERP", None), Instance("MES", "P01"), Instance("WMS", "P01")
KEY = Key("P01", ("4711",))
LED = Field(name="confirmed", amount=True, leads=("MES",), follows=("ERP",))
STOCK = Field(name="quantity", amount=True, leads=(), follows=("ERP", "WMS"))
WORD = Field(name="state", amount=False, leads=("MES",), follows=("ERP", "WMS"))


def disagreement(field: Field, **said: int | str | None) -> Disagreement:
    places = {"ERP": ERP, "MES": MES, "WMS": WMS}
    answers = {
        places[name]: {} if value is None else {KEY: {field.name: _value(value)}} for name, value in said.items()
    }
    (found,) = compare([field], answers, frozenset({"MES", "WMS"}), EXACT).disagreements
    return found


def _value(value: int | str) -> Value:
    return Value(text=str(value), amount=Decimal(value) if isinstance(value, int) else None)


def lacks(target: str, quantity: int | None, sign: int = 1, name: str = "t1") -> Lacking:
    return Lacking(id=name, target=target, sign=sign, quantity=None if quantity is None else Decimal(quantity))


def test_a_failed_posting_of_just_what_is_missing_explains_it() -> None:
    led = disagreement(LED, MES=100, ERP=60)
    assert account(led, [lacks("ERP", 40)], EXACT) == (Explained.WHOLLY, [lacks("ERP", 40)])


def test_less_than_what_is_missing_explains_a_part() -> None:
    led = disagreement(LED, MES=100, ERP=60)
    assert account(led, [lacks("ERP", 30)], EXACT)[0] is Explained.IN_PART
    assert account(led, [lacks("ERP", 30), lacks("ERP", 10, name="t2")], EXACT)[0] is Explained.WHOLLY
    wide = Tolerance(general=Bound(absolute=Decimal(10)))
    assert account(led, [lacks("ERP", 30)], wide)[0] is Explained.WHOLLY


def test_what_is_there_twice_is_not_explained_by_what_is_missing() -> None:
    double = disagreement(LED, MES=100, ERP=200)
    assert account(double, [lacks("ERP", 100)], EXACT) == (Explained.NOT, [])


def test_nothing_explains_nothing() -> None:
    assert account(disagreement(LED, MES=100, ERP=60), [], EXACT) == (Explained.NOT, [])
    assert account(disagreement(LED, MES=100, ERP=60), [lacks("APS", 40)], EXACT) == (Explained.NOT, [])


def test_a_quantity_that_is_not_known_may_be_all_of_it() -> None:
    assert account(disagreement(LED, MES=100, ERP=60), [lacks("ERP", None)], EXACT)[0] is Explained.WHOLLY
    assert account(disagreement(LED, MES=100, ERP=160), [lacks("ERP", None)], EXACT)[0] is Explained.NOT


def test_stock_that_was_not_taken_out_explains_that_there_is_more() -> None:
    stock = disagreement(STOCK, ERP=100, WMS=88)
    assert account(stock, [lacks("ERP", 12, sign=-1)], EXACT)[0] is Explained.WHOLLY
    assert account(stock, [lacks("WMS/P01", 12)], EXACT)[0] is Explained.WHOLLY
    assert account(stock, [lacks("ERP", 12)], EXACT)[0] is Explained.NOT
    assert account(stock, [lacks("WMS/P01", 12, sign=-1)], EXACT)[0] is Explained.NOT


def test_what_leads_away_counts_where_together_it_comes_out() -> None:
    stock = disagreement(STOCK, ERP=150, WMS=100)
    causes = [lacks("ERP", 150, sign=-1), lacks("ERP", 100, name="t2")]
    assert account(stock, causes, EXACT) == (Explained.WHOLLY, causes)


def test_each_side_that_lacks_a_word_wants_its_own_reason() -> None:
    held = disagreement(WORD, MES="active", ERP=None, WMS=None)
    assert account(held, [lacks("ERP", None)], EXACT)[0] is Explained.IN_PART
    assert account(held, [lacks("ERP", None), lacks("WMS/P01", None)], EXACT)[0] is Explained.WHOLLY
    assert account(held, [lacks("MES/P01", None)], EXACT)[0] is Explained.NOT


def test_every_status_is_in_the_target_or_not_or_may_be() -> None:
    """A status that is in neither set says that the target has it."""
    assert not NOT_IN_TARGET & MAYBE_NOT
    assert set(Status) - NOT_IN_TARGET - MAYBE_NOT == {Status.PROCESSED, Status.DUPLICATE}


@given(st.lists(st.integers(1, 50), min_size=1, max_size=6), st.integers(0, 200))
def test_all_that_is_missing_explained_by_its_parts(parts: list[int], there: int) -> None:
    total = sum(parts)
    led = disagreement(LED, MES=there + total, ERP=there)
    causes = [lacks("ERP", part, name=f"t{n}") for n, part in enumerate(parts)]
    assert account(led, causes, EXACT) == (Explained.WHOLLY, causes)
    if len(parts) > 1:
        assert account(led, causes[1:], EXACT)[0] is Explained.IN_PART


def test_what_leads_away_is_left_out_of_the_reasons() -> None:
    led = disagreement(LED, MES=100, ERP=60)
    away = lacks("ERP", 5, sign=-1, name="t2")
    assert account(led, [lacks("ERP", 40), away], EXACT) == (Explained.WHOLLY, [lacks("ERP", 40)])
    assert account(led, [lacks("ERP", 30), away], EXACT) == (Explained.IN_PART, [lacks("ERP", 30)])
    assert account(led, [away], EXACT) == (Explained.NOT, [])


def test_a_posting_of_which_nobody_knows_what_it_does_may_be_all_of_it() -> None:
    led = disagreement(LED, MES=100, ERP=60)
    unknown = lacks("ERP", 7, sign=0)
    assert unknown.amount is None
    assert account(led, [unknown], EXACT) == (Explained.WHOLLY, [unknown])
    known = lacks("ERP", 30, name="t2")
    assert account(led, [known, unknown], EXACT) == (Explained.WHOLLY, [known, unknown])


def test_an_unknown_part_does_not_hide_that_the_known_ones_are_too_little() -> None:
    led = disagreement(LED, MES=100, ERP=60)
    assert account(led, [lacks("ERP", 30), lacks("ERP", 9, name="t2")], EXACT)[0] is Explained.IN_PART


def test_a_leader_lacks_nothing() -> None:
    """What failed on its way to the system that leads cannot be why another one differs from it."""
    led = disagreement(LED, MES=100, ERP=60)
    assert account(led, [lacks("MES/P01", 40)], EXACT) == (Explained.NOT, [])


def test_a_side_that_says_nothing_lacks_all_of_it() -> None:
    led = disagreement(LED, MES=40, ERP=None)
    assert account(led, [lacks("ERP", 40)], EXACT)[0] is Explained.WHOLLY
    assert account(led, [lacks("ERP", 39)], EXACT)[0] is Explained.IN_PART
    assert account(led, [lacks("ERP", 40, sign=-1)], EXACT)[0] is Explained.NOT


@given(
    st.lists(st.tuples(st.sampled_from(["ERP", "WMS/P01", "APS"]), st.integers(-40, 40)), max_size=6),
    st.integers(-60, 60),
    st.randoms(use_true_random=False),
)
def test_the_order_of_the_reasons_changes_nothing(parts: list[tuple[str, int]], off: int, luck) -> None:
    if off == 0:
        return
    stock = disagreement(STOCK, ERP=100 + off, WMS=100)
    causes = [
        lacks(target, abs(amount), sign=(amount > 0) - (amount < 0), name=f"t{n}")
        for n, (target, amount) in enumerate(parts)
    ]
    verdict, named = account(stock, causes, EXACT)
    shuffled = causes[:]
    luck.shuffle(shuffled)
    again, also = account(stock, shuffled, EXACT)
    assert again is verdict
    assert sorted(each.id for each in also) == sorted(each.id for each in named)
    assert all(each in causes and each.target != "APS" for each in named)
    assert (verdict is Explained.NOT) == (not named)
