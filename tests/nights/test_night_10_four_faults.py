"""Night 10. Four faults at once: connection, scope, material, throttle. The trap: the biggest group is a symptom."""

from __future__ import annotations

from collections import Counter

import pytest

ORDER = (
    "master-data",
    "production-order-release",
    "material-consumption",
    "production-confirmation",
    "goods-receipt",
)


@pytest.mark.timeout(180)
def test_four_faults_at_once(night) -> None:
    shift = night(10)
    shift.emit(20)
    shift.fault("target-down", system="CMMS")
    shift.fault("missing-scope", system="ERP", flow="labor-time")
    shift.fault("missing-material", system="ERP", plant="P01")
    shift.fault("target-throttling", system="MES", plant="P03")
    shift.emit(70)

    failed = shift.andon("tx list --filter status:failed --all -o json").json["items"]
    kinds = Counter(tx["failure"]["kind"] for tx in failed)
    assert set(kinds) == {"unreachable", "forbidden", "master-data", "throttled"}
    waiting = shift.andon("tx list --filter status:held --all -o json").json["items"]
    assert waiting
    assert all(tx["waiting_on"] for tx in waiting), "each says what it waits for"

    # The trap: the biggest heap is what waits behind the rest. There is nothing to replay in it.
    heap = Counter(tx["flow"] for tx in [*failed, *waiting]).most_common(1)[0][0]
    symptoms = [tx["id"] for tx in waiting if tx["flow"] == heap] or [waiting[0]["id"]]
    shift.andon("tx replay $IDS --reason 'the biggest group first' --yes", code=6, IDS=" ".join(symptoms))

    # Access first: connection and scope. Then the throttle and the material, and then along the chain, a canary each.
    shift.mended("target-down")
    shift.mended("missing-scope")
    shift.andon("tx replay --filter 'kind:unreachable status:failed' --canary 1 --reason 'CMMS is back' --yes")
    shift.andon("tx replay --filter 'kind:forbidden status:failed' --canary 1 --reason 'scope granted' --yes")
    shift.mended("target-throttling")
    shift.mended("missing-material")
    for flow in ORDER:
        shift.andon(
            "tx replay --filter 'flow:$FLOW status:failed' --canary 1 --reason 'along the chain' --yes", FLOW=flow
        )
        shift.drain()
    shift.andon("tx replay --filter status:failed --canary 1 --reason 'the rest' --yes")
    shift.drain()
    assert shift.found("status:failed,held,in-doubt") == []
    assert shift.andon("hub books -o json").json["agree"] is True
