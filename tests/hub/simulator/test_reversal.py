"""A reversal takes back what its posting did, and nothing of anybody else's."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.declarations import shipped_catalogue
from hub.simulator.effects import BOOKS
from hub.simulator.postings import Manner
from hub.simulator.refusals import Refusal

CATALOGUE = shipped_catalogue()
RAW = ("RM-1101", "R01-000001", "10.000")
OTHER = ("RM-1102", "R01-000001", "1.500")


def reverse(workshop: Any, system: str, key: str, plant: str = "P01") -> Any:
    return workshop.postings.reverse(workshop.instance(system, plant), key)


def books(workshop: Any) -> dict[tuple[str, str, str], Any]:
    """Everything in every book; stock of nothing is no stock, and a raw lot's opening is none either."""
    found = {}
    for system, kinds in BOOKS.items():
        for plant in CATALOGUE.plant if CATALOGUE.system[system].local else ["P01"]:
            for kind in kinds:
                entries = workshop.account(system, plant).entries(kind)
                if kind == "stock":
                    entries = [one for one in entries if float(one["quantity"]) not in (0.0, 5000.0)]
                found[system, plant, kind] = entries
    return found


def test_the_document_and_its_reversal(workshop: Any) -> None:
    posted = workshop.post("ERP", workshop.consumption(RAW)).body["document"]
    answer = reverse(workshop, "ERP", "k1")
    assert (answer.status, answer.body["status"]) == (201, "reversed")
    assert answer.body["document"] == str(int(posted) + 1)
    assert workshop.account("ERP").stock("P01", "RM-1101", "R01-000001") == 5000
    found = workshop.postings.lookup(workshop.instance("ERP"), "k1")
    assert (found["status"], found["document"], found["reversal"]) == ("applied", posted, answer.body["document"])


def test_a_second_reversal_is_a_duplicate(workshop: Any) -> None:
    workshop.post("ERP", workshop.consumption(RAW))
    number = reverse(workshop, "ERP", "k1").body["document"]
    again = reverse(workshop, "ERP", "k1")
    assert (again.status, again.body) == (200, {"status": "duplicate", "document": number})
    assert workshop.account("ERP").stock("P01", "RM-1101", "R01-000001") == 5000


@pytest.mark.parametrize(
    ("manner", "expected"),
    [
        (None, (404, "NOT_FOUND")),
        (Manner.LATER, (409, "NOT_POSTED")),
        (Manner.PARKED, (409, "NOT_POSTED")),
        (Manner.QUIETLY_PARKED, (409, "NOT_POSTED")),
    ],
)
def test_what_is_not_in_the_books_cannot_be_reversed(
    workshop: Any, manner: Manner | None, expected: tuple[int, str]
) -> None:
    if manner is not None:
        workshop.post("ERP", workshop.consumption(RAW), manner, delay=9)
    with pytest.raises(Refusal) as caught:
        reverse(workshop, "ERP", "k1")
    assert (caught.value.status, caught.value.code) == expected
    assert not workshop.connection.in_transaction


def test_a_reversed_key_stays_used(workshop: Any) -> None:
    document = workshop.consumption(RAW)
    posted = workshop.post("ERP", document).body["document"]
    reverse(workshop, "ERP", "k1")
    known = workshop.postings.known(workshop.instance("ERP"), document)
    assert known.body == {"status": "duplicate", "document": posted}, "a correction comes under a new key"


def test_nobody_completes_a_reversed_part(workshop: Any) -> None:
    erp, document = workshop.instance("ERP"), workshop.consumption(RAW, OTHER)
    posted = workshop.post("ERP", document, Manner.PARTLY).body["document"]
    assert reverse(workshop, "ERP", "k1").status == 201
    assert workshop.postings.work_off("partial", lambda *_: False) == 0
    assert workshop.postings.known(erp, document).body == {"status": "duplicate", "document": posted}
    account = workshop.account("ERP")
    assert [account.stock("P01", material, "R01-000001") for material in ("RM-1101", "RM-1102")] == [5000, 5000]
    assert workshop.book("ERP", "orders") == {}


def test_a_completed_part_is_reversed_whole(workshop: Any) -> None:
    document = workshop.consumption(RAW, OTHER)
    workshop.post("ERP", document, Manner.PARTLY)
    workshop.post("ERP", document)
    reverse(workshop, "ERP", "k1")
    assert not any(books(workshop).values())


def test_late_and_parked_postings_are_reversed_once_they_are_there(workshop: Any) -> None:
    workshop.post("ERP", workshop.consumption(RAW), Manner.LATER)
    workshop.postings.settle(time.time() + 1)
    workshop.post("ERP", workshop.consumption(OTHER, key="k2", event="MC-2"), Manner.PARKED)
    workshop.postings.work_off("parked", lambda *_: False)
    for key in ("k1", "k2"):
        assert reverse(workshop, "ERP", key).status == 201
    assert not any(books(workshop).values())


def test_a_word_that_two_postings_said_stays_with_the_other(workshop: Any) -> None:
    """The same hold set active twice: without the first one it is active still."""
    workshop.post("ERP", workshop.hold("P01-000001", version="1", key="v1"))
    workshop.post("ERP", workshop.hold("P01-000001", version="2", key="v2"))
    reverse(workshop, "ERP", "v1")
    assert workshop.account("ERP").restricted("P01-000001")
    reverse(workshop, "ERP", "v2")
    assert not workshop.account("ERP").restricted("P01-000001")


@pytest.mark.parametrize("order", [["v1", "v2"], ["v2", "v1"]])
def test_a_release_of_a_hold_is_taken_back_in_any_order(workshop: Any, order: list[str]) -> None:
    workshop.post("ERP", workshop.hold("P01-000001", version="1", key="v1"))
    workshop.post("ERP", workshop.hold("P01-000001", "released", version="2", key="v2"))
    assert not workshop.account("ERP").restricted("P01-000001")
    reverse(workshop, "ERP", order[0])
    assert workshop.account("ERP").restricted("P01-000001") == (order[0] == "v2")
    reverse(workshop, "ERP", order[1])
    assert workshop.book("ERP", "holds") == {}


def test_without_the_newer_version_the_older_one_holds(workshop: Any) -> None:
    """Version 1 came late and changed nothing; with version 2 reversed it is what is said."""
    workshop.post("ERP", workshop.hold("P01-000001", "released", version="2", key="v2"))
    workshop.post("ERP", workshop.hold("P01-000001", version="1", key="v1"))
    assert not workshop.account("ERP").restricted("P01-000001")
    reverse(workshop, "ERP", "v2")
    assert workshop.account("ERP").restricted("P01-000001")


def test_an_order_keeps_its_words_while_a_posting_has_them(workshop: Any) -> None:
    for n in (1, 2):
        workshop.post("ERP", workshop.consumption(RAW, key=f"k{n}", event=f"MC-{n}"))
    reverse(workshop, "ERP", "k1")
    assert workshop.book("ERP", "orders")["1000001"] == {
        "consumed": "10.000",
        "consumed_unit": "KG",
        "plant": "P01",
    }
    reverse(workshop, "ERP", "k2")
    assert workshop.book("ERP", "orders") == {}


def test_ids_that_look_like_each_other_are_told_apart(workshop: Any) -> None:
    for order in ('7"', "7", "77", "7%"):
        workshop.post("ERP", workshop.consumption(RAW, key=order, event=f"E{order}", order=order))
    reverse(workshop, "ERP", "7")
    assert set(workshop.book("ERP", "orders")) == {'7"', "77", "7%"}


def reverse_what_can_be(workshop: Any, wanted: list[tuple[Any, str]]) -> list[tuple[Any, str]]:
    """Reverse postings, those that others were built on after those; gives what the systems refuse to the end."""
    while True:
        left = []
        for document, target in wanted:
            try:
                reverse(workshop, target, document.key, document.plant)
            except Refusal:
                left.append((document, target))
        if not left or len(left) == len(wanted):
            return left
        wanted = left


@settings(deadline=None, max_examples=6)
@given(st.randoms(use_true_random=False), st.integers(0, 5))
def test_a_story_posted_and_reversed_in_any_order_leaves_nothing(workshops: Any, dice: Any, seed: int) -> None:
    """Every target, every flow; half way, the books are those of a world without what was reversed."""
    with workshops() as workshop, workshops() as without:
        documents = workshop.story(blocks=1, seed=seed)
        postings = [(one, target) for one in documents for target in CATALOGUE.flow[one.flow].targets]
        postings = [(one, target) for one, target in postings if CATALOGUE.system[target].lookup]
        for document, target in postings:
            workshop.postings.post(workshop.instance(target, document.plant), document, Manner.AT_ONCE)
        wanted = dice.sample(postings, len(postings) // 2)
        stays = reverse_what_can_be(workshop, wanted)
        gone = {(one.key, target) for one, target in wanted} - {(one.key, target) for one, target in stays}
        rest = [(one, target) for one, target in postings if (one.key, target) not in gone]
        for document, target in rest:
            without.postings.post(without.instance(target, document.plant), document, Manner.AT_ONCE)
        assert books(workshop) == books(without)
        assert not reverse_what_can_be(workshop, rest)
        assert not any(books(workshop).values())
