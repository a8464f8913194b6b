"""Night 2. A plant comes back after hours: late transactions beside live traffic. The trap: skipping late deltas as
superseded."""

from __future__ import annotations

import re

import pytest


@pytest.mark.timeout(240)
def test_a_plant_comes_back(night) -> None:
    shift = night(2)
    shift.emit(12)
    # While the line was bad, the shift in the plant posted from paper what its warehouse did not get.
    shift.fault("hand-posted", system="WMS", plant="P02", flow="material-consumption", probability=0.5)
    shift.emit(12)
    shift.mended("hand-posted")
    shift.fault("plant-offline", plant="P02")
    shift.emit(12)

    # Hold the plant before it comes back; what comes now waits in order instead of failing.
    shift.andon("systems hold --plant P02 --reason 'comes back in order, INC-2' --yes")
    shift.mended("plant-offline")
    shift.emit(16)
    held = shift.found("plant:P02 status:held")
    failed = shift.found("plant:P02 status:failed")
    assert {"quality-hold", "goods-receipt"} <= {tx["flow"] for tx in held}
    assert failed
    assert shift.found("-plant:P02 status:held,failed") == [], "the other plants are live traffic"

    # The trap: late deltas are owed. None is superseded, whatever was posted after it.
    plan = shift.andon(
        "tx replay --filter 'plant:P02 status:failed' --reason 'late, and owed, INC-2' --dry-run -o json"
    ).json
    assert plan["verdicts"].get("superseded", 0) == 0
    by_hand = [item for item in plan["items"] if item["verdict"] == "maybe-posted"]
    assert by_hand, "what was posted from paper is left out"
    assert {item["flow"] for item in by_hand} == {"material-consumption"}

    # What was posted by hand is resolved by the document it was posted as; a claim without one is held against what the
    # target says. Resolving what is financial wants two.
    shift.andon(
        "tx resolve $ID --as applied --evidence 'somebody told me' --reason 'INC-2' --yes", code=6, ID=by_hand[0]["id"]
    )
    for item in by_hand:
        (number,) = re.findall(r"\b\d{10}\b", item["because"])
        waits = shift.andon(
            "tx resolve $ID --as applied --evidence 'document $NUMBER' --reason 'INC-2' --yes -o json",
            code=6,
            ID=item["id"],
            NUMBER=number,
        )
        shift.approved(waits)

    # Release at a rate that leaves room for live traffic; quality holds first.
    waits = shift.andon("systems release --plant P02 --drain-rate 20/s --reason 'drain, INC-2' --yes -o json", code=6)
    shift.approved(waits)
    shift.drain()
    first = min((tx["id"] for tx in held if shift.deliveries(tx["id"])), key=shift.delivered_at)
    assert {tx["flow"] for tx in held if tx["id"] == first} == {"quality-hold"}
    late = shift.andon(
        "tx replay --filter 'plant:P02 status:failed' --canary 1 --rate 20/s --reason 'late, INC-2' --yes -o json",
        code=5,
    ).json
    shift.drain()

    # A hold of a lot is a snapshot: the first version is replaced by the second, which came in with the drain.
    assert {item["flow"] for item in late["not_processed"]} == {"quality-hold"}
    assert all("a newer version was applied" in item["reason"] for item in late["not_processed"])
    waits = shift.andon(
        "tx discard --filter 'plant:P02 flow:quality-hold status:failed' --reason 'replaced, INC-2' --yes -o json",
        code=6,
    )
    shift.approved(waits)
    assert shift.found("status:failed,held,in-doubt") == []
    books = shift.andon("hub books -o json").json
    assert (books["missing"], books["double"]) == (0, 0)
