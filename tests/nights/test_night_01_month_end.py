"""Night 1. Month end: postings into a period that is closed. The trap: bulk "post today" moves cost between months."""

from __future__ import annotations

import pytest

APPROVALS = "[approvals]\nitems_alone = 10\n"


@pytest.mark.timeout(240)
def test_month_end(night, tmp_path) -> None:
    settings = tmp_path / "hub.toml"
    settings.write_text(APPROVALS)  # what is 1,000 in earnest
    shift = night(1, "--config", str(settings))
    shift.emit(24)
    shift.fault("closed-period", system="ERP")
    shift.emit(50)
    late = shift.andon("tx list --filter 'kind:period-closed status:failed' --all -o json").json["items"]
    assert {tx["failure"]["code"] for tx in late} <= {"M7053", "F5201"}
    assert {tx["failure"]["help"] for tx in late} == {"decision"}
    assert len(late) > 10

    # The trap: dates of today over the whole group. It is a financial edit of many: nobody does that alone, and the
    # second person sees what it is.
    consumption = [tx for tx in late if tx["flow"] == "material-consumption"]
    restamp = (
        "tx edit --filter 'flow:material-consumption kind:period-closed status:failed' "
        "--set '$$.OperationsPerformance.OperationsResponse[0].EndTime=2026-12-01T00:00:00Z' "
        "--reason 'post today' --yes -o json"
    )
    asked = shift.andon(restamp, code=6).json
    assert asked["total"] == len(consumption)
    shift.andon("approvals approve $PLAN --reason 'mine'", code=4, PLAN=asked["plan"][:12])
    shift.andon(
        "approvals reject $PLAN --reason 'moves cost into December: finance reopens November'",
        who="bob",
        PLAN=asked["plan"][:12],
    )
    shift.andon("tx edit --plan $PLAN --yes", code=8, PLAN=asked["plan"][:12])
    assert shift.statuses("kind:period-closed") == {"failed": len(late)}

    # Finance decides; until then it waits for them, under a ticket.
    shift.andon("tx assign --filter 'kind:period-closed status:failed' --to me --ticket FIN-11 --waiting-on 'finance'")
    shift.andon("tx replay --filter 'ticket:FIN-11 flow:labor-time' --canary 1 --reason 'open yet?' --yes", code=5)
    shift.mended("closed-period")

    # Receipts before issues; then all of it, which is more than one person starts alone.
    shift.andon(
        "tx replay --filter 'ticket:FIN-11 flow:goods-receipt source:WMS status:failed' --reason 'FIN-11' --yes"
    )
    rest = shift.andon("tx replay --filter 'ticket:FIN-11 status:failed' --reason 'FIN-11, all' --yes -o json", code=6)
    shift.approved(rest)
    shift.drain()
    assert shift.statuses("ticket:FIN-11") == {"processed": len(late)}
    assert shift.andon("hub books -o json").json["agree"] is True
