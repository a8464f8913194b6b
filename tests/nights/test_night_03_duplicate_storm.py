"""Night 3. A duplicate storm: an MES failover resends events under new message ids. The trap: reversing both."""

from __future__ import annotations

from collections import defaultdict

import pytest


@pytest.mark.timeout(240)
def test_a_duplicate_storm(night) -> None:
    shift = night(3)
    shift.emit(18)
    shift.fault("duplicate-messages", system="MES", flow="material-consumption", plant="P01")
    shift.emit(9)
    assert shift.andon("hub books -o json", code=10).json["double"] > 0

    # Stop the intake of that flow and place; then see which events came twice.
    shift.andon("systems hold --plant P01 --flow material-consumption --reason 'resent after failover, INC-3' --yes")
    shift.mended("duplicate-messages")
    posted = shift.andon(
        "tx list --filter 'plant:P01 flow:material-consumption status:processed' --sort created_at --all -o json"
    ).json["items"]
    twins = defaultdict(list)
    for tx in posted:
        twins[tx["business_keys"]["event"], tx["business_keys"].get("item"), tx["target"]].append(tx["id"])
    pairs = [ids for ids in twins.values() if len(ids) == 2]
    assert pairs

    # The trap: both of them. Nothing of the event would be left, and the plan says so before anything is sent.
    first, later = pairs[0]
    both = shift.andon(
        "tx compensate $FIRST $LATER --reason 'it came twice' --dry-run -o json", FIRST=first, LATER=later
    ).json
    verdicts = {item["id"]: item["verdict"] for item in both["items"]}
    assert verdicts == {first: "refused", later: "send"}

    # Reverse the later twin of each; reversing is financial, and wants two.
    waits = shift.andon(
        "tx compensate $LATER --reason 'resent after failover, INC-3' --yes -o json",
        code=6,
        LATER=" ".join(ids[1] for ids in pairs),
    )
    shift.approved(waits)
    shift.drain()
    assert {tx["status"] for tx in posted if tx["id"] in {ids[0] for ids in pairs}} == {"processed"}
    shift.andon("tx compensate $FIRST --reason 'and the other' --yes", code=6, FIRST=first)
    waits = shift.andon(
        "systems release --plant P01 --flow material-consumption --reason 'INC-3 is over' --yes -o json", code=6
    )
    shift.approved(waits)
    shift.drain()
    books = shift.andon("hub books -o json").json
    assert (books["double"], books["missing"], books["agree"]) == (0, 0, True)
