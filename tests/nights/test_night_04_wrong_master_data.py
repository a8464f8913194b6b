"""Night 4. Wrong master data: a unit off by 1,000; nothing fails. The trap: there is nothing to replay."""

from __future__ import annotations

from decimal import Decimal

import pytest

QUANTITY = "OperationsPerformance.OperationsResponse[0].SegmentResponse[0].MaterialActual[0].Quantity.QuantityString"


@pytest.mark.timeout(240)
def test_wrong_master_data(night) -> None:
    shift = night(4)
    shift.emit(18)
    shift.fault("wrong-master-data", system="MES", flow="material-consumption", plant="P03")
    shift.emit(12)

    # Nothing failed, and the systems differ.
    assert shift.andon("tx list --filter status:failed,in-doubt,parked -o id").ids == []
    assert shift.andon("hub books -o json", code=10).json["mismatched"] > 0

    # Hold the flow, and have the unit mended.
    shift.andon("systems hold --plant P03 --flow material-consumption --reason 'unit off by 1,000, INC-4' --yes")
    shift.mended("wrong-master-data")
    wrong = [
        tx
        for tx in shift.found("plant:P03 flow:material-consumption status:processed")
        if Decimal(tx["business_keys"]["quantity"]) < Decimal("0.1")
    ]
    assert wrong

    # The trap: a replay. Every one of them is processed; the plan refuses each, and nothing is sent.
    refused = shift.andon(
        "tx replay --filter 'plant:P03 flow:material-consumption' --reason 'again' --yes -o json", code=6
    ).json
    assert refused["batch"] is None

    # Correct what was processed since: reverse and post anew, one linked plan each; it is financial, and wants two.
    for tx in wrong:
        right = format(Decimal(tx["business_keys"]["quantity"]) * 1000, "f")
        waits = shift.andon(
            "tx correct $ID --set '$PATH=$RIGHT' --reason 'unit off by 1,000, INC-4' --yes -o json",
            code=6, ID=tx["id"], PATH=f"$.{QUANTITY}", RIGHT=right,
        )  # fmt: skip
        shift.approved(waits)
    shift.drain()
    # The hold kept the flow back, and not what sets it right.
    waits = shift.andon(
        "systems release --plant P03 --flow material-consumption --reason 'INC-4 is over' --yes -o json", code=6
    )
    shift.approved(waits)
    shift.drain()
    books = shift.andon("hub books -o json").json
    assert (books["mismatched"], books["missing"], books["double"], books["agree"]) == (0, 0, 0, True)
