"""Posting once per key, at once, later, parked, in part, or by hand."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.simulator.postings import PARKED_CODE, Manner
from hub.simulator.refusals import Refusal
from transactions.landscape import Idempotent

RAW = ("RM-1101", "R01-000001", "10.000")
OTHER = ("RM-1102", "R01-000001", "1.500")
KEYED = ["ERP", "QMS"]  # one that promises by lookup, one that is atomic


def refused(call: Any, *arguments: Any) -> tuple[int, str]:
    with pytest.raises(Refusal) as caught:
        call(*arguments)
    return caught.value.status, caught.value.code


def stock(workshop: Any, system: str = "ERP", material: str = "RM-1101") -> Decimal:
    found: Decimal = workshop.account(system).stock("P01", material, "R01-000001")
    return found


def test_the_promises_of_the_systems_here() -> None:
    """The two of ``KEYED`` stand for every system that looks at keys."""
    assert set(Idempotent) == {Idempotent.ATOMIC, Idempotent.LOOKUP, Idempotent.NONE}


@pytest.mark.parametrize("system", KEYED)
def test_a_key_is_posted_once(workshop: Any, system: str) -> None:
    instance, document = workshop.instance(system), workshop.consumption(RAW)
    assert workshop.postings.known(instance, document) is None
    answer = workshop.post(system, document)
    assert (answer.status, answer.body["status"]) == (201, "applied")
    for _ in range(2):
        again = workshop.postings.known(instance, document)
        assert (again.status, again.body) == (200, {"status": "duplicate", "document": answer.body["document"]})


@pytest.mark.parametrize("system", KEYED)
@pytest.mark.parametrize("manner", list(Manner))
def test_a_key_with_other_content_is_refused(workshop: Any, system: str, manner: Manner) -> None:
    workshop.post(system, workshop.consumption(RAW, OTHER), manner)
    other = workshop.consumption(OTHER)
    take = workshop.post if manner is Manner.PARTLY else workshop.postings.known
    given_ = system if manner is Manner.PARTLY else workshop.instance(system)
    assert refused(take, given_, other) == (409, "KEY_REUSED")


def test_a_target_without_keys_looks_at_none(workshop: Any) -> None:
    portal = workshop.instance("customer-portal")
    document = workshop.consumption(RAW)
    assert portal.idempotent is Idempotent.NONE
    numbers = set()
    for _ in range(3):
        assert workshop.postings.known(portal, document) is None
        numbers.add(workshop.post("customer-portal", document).body["document"])
    assert len(numbers) == 3


def test_a_target_without_keys_does_not_go_on_by_key(workshop: Any) -> None:
    document = workshop.consumption(RAW, OTHER)
    first = workshop.post("customer-portal", document, Manner.PARTLY)
    second = workshop.post("customer-portal", document)
    assert (first.status, second.status) == (207, 201)
    assert first.body["document"] != second.body["document"]


def test_documents_without_a_key_are_all_new(workshop: Any) -> None:
    document = workshop.consumption(RAW, key=None)
    assert workshop.postings.known(workshop.instance("ERP"), document) is None
    numbers = {workshop.post("ERP", document).body["document"] for _ in range(2)}
    assert len(numbers) == 2
    assert stock(workshop) == 4980


def test_keys_are_known_to_their_instance_only(workshop: Any) -> None:
    workshop.post("MES", workshop.hold("P01-000001"))
    assert workshop.postings.known(workshop.instance("MES", "P02"), workshop.hold("P01-000001")) is None
    assert workshop.postings.lookup(workshop.instance("MES", "P02"), "h1") == {"status": "absent"}


def test_a_refused_document_leaves_nothing(workshop: Any) -> None:
    bad = workshop.consumption(RAW, ("RM-1101", "R01-000001", "many"))
    assert refused(workshop.post, "ERP", bad) == (422, "SCHEMA_VIOLATION")
    assert workshop.postings.lookup(workshop.instance("ERP"), "k1") == {"status": "absent"}
    assert workshop.book("ERP", "stock") == {}
    assert not workshop.connection.in_transaction
    good = workshop.post("ERP", workshop.consumption(RAW))
    assert good.body["document"] == "4900000001", "a refusal uses up no number"


def test_lookup_says_what_was_posted(workshop: Any) -> None:
    erp, document = workshop.instance("ERP"), workshop.consumption(RAW)
    assert workshop.postings.lookup(erp, "k1") == {"status": "absent"}
    number = workshop.post("ERP", document).body["document"]
    assert workshop.postings.lookup(erp, "k1") == {
        "status": "applied",
        "sha256": document.sha256,
        "document": number,
    }


def test_a_late_posting_is_in_progress_until_it_is_due(workshop: Any) -> None:
    erp, document = workshop.instance("ERP"), workshop.consumption(RAW)
    begun = time.time()
    answer = workshop.post("ERP", document, Manner.LATER, delay=5.0)
    assert (answer.status, answer.body) == (202, {"status": "accepted"})
    assert workshop.postings.lookup(erp, "k1") == {"status": "in-progress", "sha256": document.sha256}
    assert workshop.postings.known(erp, document) == answer
    assert workshop.postings.settle(begun + 4.9) == 0
    assert stock(workshop) == 5000
    assert workshop.postings.search(erp, {}) == [], "nobody sees what is not there yet"
    assert workshop.postings.settle(begun + 60) == 1
    assert workshop.postings.settle(begun + 60) == 0, "it lands once"
    assert stock(workshop) == 4990
    found = workshop.postings.lookup(erp, "k1")
    assert (found["status"], found["document"]) == ("applied", "4900000001")


def test_late_postings_land_in_the_order_in_which_they_are_due(workshop: Any) -> None:
    for key, delay in (("a", 9.0), ("b", 1.0), ("c", 5.0)):
        workshop.post("ERP", workshop.consumption(RAW, key=key, event=key), Manner.LATER, delay=delay)
    workshop.postings.settle(time.time() + 60)
    erp = workshop.instance("ERP")
    numbers = {key: workshop.postings.lookup(erp, key)["document"] for key in "abc"}
    assert sorted(numbers, key=numbers.__getitem__) == ["b", "c", "a"]


@pytest.mark.parametrize(("manner", "status"), [(Manner.PARKED, "parked"), (Manner.QUIETLY_PARKED, "applied")])
def test_a_parked_posting_is_in_no_book(workshop: Any, manner: Manner, status: str) -> None:
    erp, document = workshop.instance("ERP"), workshop.consumption(RAW)
    answer = workshop.post("ERP", document, manner)
    assert answer.body["status"] == status
    found = workshop.postings.lookup(erp, "k1")
    assert (found["status"], found["code"], found["document"]) == ("parked", PARKED_CODE, answer.body["document"])
    assert workshop.postings.known(erp, document).body["status"] == "parked"
    assert stock(workshop) == 5000
    assert refused(workshop.postings.reverse, erp, "k1") == (409, "NOT_POSTED")


def test_people_post_what_is_parked_where_the_fault_is_gone(workshop: Any) -> None:
    erp = workshop.instance("ERP")
    for n in range(4):
        workshop.post("ERP", workshop.consumption(RAW, key=f"k{n}", event=f"MC-{n}"), Manner.PARKED)
    asked: list[tuple[str, str | None, str, str]] = []

    def still(*message: Any) -> bool:
        asked.append(message)
        return bool(message[3].startswith("material-consumption|MC-1"))

    assert workshop.postings.work_off("parked", still) == 3
    assert asked[0] == ("ERP", "P01", "material-consumption", "material-consumption|MC-0|10")
    statuses = [workshop.postings.lookup(erp, f"k{n}")["status"] for n in range(4)]
    assert statuses == ["applied", "parked", "applied", "applied"]
    assert stock(workshop) == 4970
    assert workshop.postings.work_off("parked", still) == 0


def test_a_part_is_posted_and_the_same_key_posts_the_rest(workshop: Any) -> None:
    erp, document = workshop.instance("ERP"), workshop.consumption(RAW, OTHER)
    answer = workshop.post("ERP", document, Manner.PARTLY)
    assert answer.status == 207
    assert [line["line"] for line in answer.body["rejected"]] == ["20"]
    found = workshop.postings.lookup(erp, "k1")
    assert (found["status"], found["document"]) == ("unknown", answer.body["document"])
    assert found["rejected"] == answer.body["rejected"]
    assert (stock(workshop), stock(workshop, material="RM-1102")) == (4990, 5000)
    assert workshop.postings.known(erp, document) is None, "the key is idempotent per line"
    assert workshop.post("ERP", document, Manner.PARTLY) == answer, "while the fault bites, nothing moves"
    done = workshop.post("ERP", document)
    assert done.body == {"status": "applied", "document": answer.body["document"]}
    assert (stock(workshop), stock(workshop, material="RM-1102")) == (4990, Decimal("4998.5"))
    assert workshop.postings.lookup(erp, "k1")["status"] == "applied"
    assert workshop.book("ERP", "orders")["1000001"]["consumed"] == "11.500"


def test_the_rest_is_checked_alone(workshop: Any) -> None:
    """The first line took nearly all there was; it must not be asked for a second time."""
    everything = ("RM-1101", "R01-000001", "4999")
    document = workshop.consumption(everything, OTHER)
    workshop.post("ERP", document, Manner.PARTLY)
    assert workshop.post("ERP", document).body["status"] == "applied"
    again = workshop.consumption(RAW, ("RM-1103", "R01-000001", "4999"), key="k2", event="MC-2")
    assert refused(workshop.post, "ERP", again, Manner.PARTLY) == (422, "M7021")


def test_a_document_of_one_line_or_none_is_posted_in_no_part(workshop: Any) -> None:
    answer = workshop.post("ERP", workshop.consumption(RAW), Manner.PARTLY)
    assert [line["line"] for line in answer.body["rejected"]] == ["10"]
    assert workshop.book("ERP", "stock") == {}
    hold = workshop.post("ERP", workshop.hold("P01-000001"), Manner.PARTLY)
    assert [line["line"] for line in hold.body["rejected"]] == ["1"]
    assert workshop.postings.work_off("partial", lambda *_: False) == 2
    assert stock(workshop) == 4990
    assert workshop.account("ERP").restricted("P01-000001")


def test_a_delivery_completed_later_has_the_total_of_all_its_lines(workshop: Any) -> None:
    items = [
        {"ID": str(n), "MaterialDefinitionID": "FG", "MaterialLotID": f"P01-00000{n}", "Quantity": quantity}
        for n, quantity in enumerate([{"QuantityString": "4", "UnitOfMeasure": "EA"}] * 3, 1)
    ]
    body = {"Delivery": {"ID": "80", "Version": "1", "ShipmentID": "SH-1", "Item": items}}
    document = workshop.document("shipment-release", body)
    workshop.post("TMS", document, Manner.PARTLY)
    assert workshop.book("TMS", "shipments")["SH-1"]["quantity"] == "8"
    workshop.post("TMS", document)
    assert workshop.book("TMS", "shipments")["SH-1"]["quantity"] == "12"


def test_by_hand_once_without_the_key(workshop: Any) -> None:
    erp, document = workshop.instance("ERP"), workshop.consumption(RAW)
    for _ in range(3):
        workshop.postings.post_by_hand(erp, document, 0.5)
    assert stock(workshop) == 5000
    assert workshop.postings.settle(time.time() + 1) == 1
    assert stock(workshop) == 4990
    [found] = workshop.postings.search(erp, {"order": "1000001"})
    assert (found["key"], found["status"], found["document"]) == (None, "applied", "4900000001")
    assert workshop.postings.lookup(erp, "k1") == {"status": "absent"}
    workshop.postings.post_by_hand(erp, workshop.consumption(RAW, event="MC-2"), 0.0)
    assert workshop.postings.settle(time.time() + 1) == 1, "another document is posted by itself"


def test_by_hand_the_same_rules_hold(workshop: Any) -> None:
    erp = workshop.instance("ERP")
    with pytest.raises(Refusal, match="Deficit"):
        workshop.postings.post_by_hand(erp, workshop.consumption((*RAW[:2], "9000")), 0.0)
    assert workshop.postings.settle(time.time() + 1) == 0
    assert stock(workshop) == 5000


def test_search_finds_by_every_field_together(workshop: Any) -> None:
    erp = workshop.instance("ERP")
    workshop.post("ERP", workshop.consumption(RAW, key="a", event="A", order="1"))
    workshop.post("ERP", workshop.consumption(OTHER, key="b", event="B", order="1"))
    wanted = {"order": "1", "material": "RM-1101", "lot": "R01-000001", "quantity": "10.000", "day": "2026-03-02"}
    [found] = workshop.postings.search(erp, wanted)
    assert found["key"] == "a"
    assert {name: found[name] for name in wanted} == wanted
    for name in wanted:
        assert workshop.postings.search(erp, {**wanted, name: "other"}) == []
    assert [one["key"] for one in workshop.postings.search(erp, {"order": "1"})] == ["b", "a"], "newest first"
    assert len(workshop.postings.search(erp, {}, limit=1)) == 1
    assert workshop.postings.search(workshop.instance("WMS"), {}) == []


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(list(Manner))), min_size=1, max_size=12))
def test_however_often_it_comes_a_key_is_in_the_books_once(workshops: Any, arrivals: list[tuple[str, Manner]]) -> None:
    """Any traffic of three documents, then every fault healed: each is posted exactly once."""
    with workshops() as workshop:
        erp = workshop.instance("ERP")
        for key, manner in arrivals:
            document = workshop.consumption(RAW, OTHER, key=key, event=key)
            if workshop.postings.known(erp, document) is None:
                workshop.post("ERP", document, manner, delay=1.0)
        workshop.postings.settle(time.time() + 60)
        for fault in ("parked", "partial"):
            workshop.postings.work_off(fault, lambda *_: False)
        keys = {key for key, _ in arrivals}
        assert all(workshop.postings.lookup(erp, key)["status"] == "applied" for key in keys)
        assert stock(workshop) == 5000 - 10 * len(keys)
        assert stock(workshop, material="RM-1102") == 5000 - Decimal("1.5") * len(keys)
