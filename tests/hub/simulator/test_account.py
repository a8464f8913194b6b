"""The books of one instance: amounts that add up in any order, words that follow from the postings that are left."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.simulator.account import Account
from hub.simulator.effects import Change

amounts = st.decimals(min_value=-1_000_000, max_value=1_000_000, places=3)


def put(name: str = "A", **words: str) -> Change:
    return Change(kind="holds", id=name, put=words)


def test_books_are_kept_apart(workshop: Any) -> None:
    workshop.account("MES", "P01").apply([put(lot="L1")])
    workshop.account("MES", "P02").apply([put(lot="L2")])
    workshop.account("MES", "P01").apply([Change(kind="lots", id="A", put={"x": "y"})])
    assert workshop.account("MES", "P01").entries("holds") == [{"id": "A", "lot": "L1"}]
    assert workshop.account("MES", "P02").entries("holds") == [{"id": "A", "lot": "L2"}]
    assert workshop.account("ERP").entries("holds") == []


def test_entries_come_by_id_and_no_more_than_asked_for(workshop: Any) -> None:
    account = workshop.account("ERP")
    account.apply([put(name, lot=name) for name in ("C", "A", "B")])
    assert [entry["id"] for entry in account.entries("holds", limit=2)] == ["A", "B"]


@pytest.mark.parametrize(
    ("flow", "first"),
    [
        ("material-consumption", "4900000001"),
        ("production-confirmation", "5000000001"),
        ("labor-time", "5100000001"),
        ("shipment-release", "8000000001"),
        ("shipment-status", "8100000001"),
        ("inspection-result", "3000000001"),
        ("quality-hold", "3100000001"),
        ("lot-disposition", "3200000001"),
        ("master-data", "1000000001"),
    ],
)
def test_every_flow_has_its_range_of_document_numbers(workshop: Any, flow: str, first: str) -> None:
    account = workshop.account("ERP")
    assert [account.next_document(flow) for _ in range(3)] == [str(int(first) + n) for n in range(3)]


def test_goods_movements_share_one_range_and_instances_share_none(workshop: Any) -> None:
    erp = workshop.account("ERP")
    flows = ("goods-receipt", "material-consumption", "inventory-movement")
    assert [erp.next_document(flow) for flow in flows] == ["4900000001", "4900000002", "4900000003"]
    assert workshop.account("WMS", "P01").next_document("goods-receipt") == "4900000001"


def test_a_raw_lot_opens_with_stock_and_others_do_not(workshop: Any) -> None:
    account = workshop.account("ERP")
    assert account.stock("P01", "RM-1101", "R01-000001") == 5000
    for lot in ("P01-000001", "", "XR01-000001", "R01-0000011", "R01-00001"):
        assert account.stock("P01", "RM-1101", lot) is None, lot


@pytest.mark.parametrize(
    ("lot", "after"), [("R01-000001", "5010.000"), ("P01-000001", "10.000"), ("XR01-000001", "10.000")]
)
def test_the_first_posting_to_a_lot_starts_from_its_opening(workshop: Any, lot: str, after: str) -> None:
    account = workshop.account("ERP")
    account.apply([Change(kind="stock", id=f"P01|RM-1101|{lot}", add={"quantity": "10.000"})])
    assert account.stock("P01", "RM-1101", lot) == Decimal(after)


def test_a_hold_restricts_its_lot_until_it_is_released(workshop: Any) -> None:
    account = workshop.account("ERP")
    assert not account.restricted("L1")
    account.apply([put("H1", lot="L1", state="active"), put("H2", lot="L1", state="active")])
    account.apply([put("H1", state="released")])
    assert account.restricted("L1"), "the lot is free when no hold remains"
    account.apply([put("H2", state="released")])
    assert not account.restricted("L1")
    assert not account.restricted("L2")


def test_an_order_is_closed_by_its_status(workshop: Any) -> None:
    account = workshop.account("ERP")
    assert not account.order_closed("1")
    account.apply([Change(kind="orders", id="1", put={"status": "REL"})])
    assert not account.order_closed("1")
    account.apply([Change(kind="orders", id="1", put={"status": "CLSD"})])
    assert account.order_closed("1")


@settings(deadline=None)
@given(st.permutations(["1", "2", "9", "10", "11"]))
def test_the_newest_version_wins_in_any_order(workshops: Any, order: list[str]) -> None:
    with workshops() as workshop:
        account = workshop.account("ERP")
        for version in order:
            account.apply([put(version=version, state=f"as of {version}")])
        assert account.entries("holds") == [{"id": "A", "version": "11", "state": "as of 11"}]


def test_versions_that_are_no_numbers_are_taken_as_they_come(workshop: Any) -> None:
    account = workshop.account("ERP")
    for version in ("B", "A", "2"):
        account.apply([put(version=version)])
    assert account.entries("holds") == [{"id": "A", "version": "2"}]


def test_a_late_version_still_moves_its_amounts(workshop: Any) -> None:
    account = workshop.account("ERP")
    account.apply([Change(kind="plans", id="A", add={"n": "1"}, put={"version": "3"})])
    account.apply([Change(kind="plans", id="A", add={"n": "1"}, put={"version": "2"})])
    assert account.entries("plans") == [{"id": "A", "n": "2", "version": "3"}]


@settings(deadline=None)
@given(st.lists(amounts, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_amounts_add_up_in_any_order_to_the_last_digit(workshops: Any, moved: list[Decimal], dice: Any) -> None:
    shuffled = list(moved)
    dice.shuffle(shuffled)
    with workshops() as workshop:
        sums = []
        for system, order in (("ERP", moved), ("WMS", shuffled)):
            account = workshop.account(system)
            account.apply([Change(kind="stock", id="P01|M|L", add={"quantity": str(amount)}) for amount in order])
            sums.append(account.stock("P01", "M", "L"))
        assert sums[0] == sums[1] == sum(moved)


words = st.dictionaries(st.sampled_from(["state", "version", "lot"]), st.sampled_from(["1", "2", "on"]), min_size=1)
changes = st.builds(
    Change,
    kind=st.just("holds"),
    id=st.sampled_from(["A", "B"]),
    add=st.dictionaries(st.just("n"), amounts.map(str)),
    put=st.dictionaries(
        st.sampled_from(["state", "version", "lot"]), st.sampled_from(["1", "2", "active"]), min_size=1
    ),
)


@settings(deadline=None)
@given(st.lists(changes, min_size=1, max_size=6), st.data())
def test_rewriting_is_what_would_have_been_without(workshops: Any, made: list[Change], data: Any) -> None:
    gone = data.draw(st.integers(0, len(made) - 1))
    left = [change for n, change in enumerate(made) if n != gone]
    with workshops() as workshop:
        account, without = workshop.account("ERP"), workshop.account("WMS")
        account.apply(made)
        for name in ("A", "B"):
            account.rewrite("holds", name, [change for change in left if change.id == name])
        without.apply(left)
        assert account.entries("holds") == without.entries("holds")


def test_an_entry_of_which_nothing_is_left_goes_but_a_stock_stays_at_what_it_was(workshop: Any) -> None:
    account: Account = workshop.account("ERP")
    account.apply([put(lot="L1")])
    account.rewrite("holds", "A", [])
    assert account.entries("holds") == []
    words = {"plant": "P01", "material": "RM", "lot": "R01-000001", "unit": "KG", "movement": "311"}
    for lot, opening in (("R01-000001", "5000"), ("P01-000001", "0")):
        name = f"P01|RM|{lot}"
        account.apply([Change(kind="stock", id=name, add={"quantity": "-7"}, put={**words, "lot": lot})])
        account.rewrite("stock", name, [])
        assert account.stock("P01", "RM", lot) == Decimal(opening)
    assert all("movement" not in entry and entry["unit"] == "KG" for entry in account.entries("stock"))
