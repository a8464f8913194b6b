"""Night 8. A lying target: a green board, and stock that differs; rows sit in the postprocessing pool. The trap: a
replay doubles the confirmation."""

from __future__ import annotations


def test_rows_in_the_postprocessing_pool(night) -> None:
    shift = night(8)
    shift.emit(20)
    shift.fault("parked", system="ERP", flow="production-confirmation")
    shift.emit(40)

    # The board is green: nothing failed. The books know better.
    assert shift.andon("tx list --filter status:failed -o id").ids == []
    assert shift.andon("hub books -o json", code=10).json["agree"] is False
    parked = shift.andon("tx list --filter status:parked --all -o json").json["items"]
    assert {(tx["flow"], tx["target"]) for tx in parked} == {("production-confirmation", "ERP")}

    # The trap: neither one by name nor all of them are sent again, whatever is forced.
    one = parked[0]["id"]
    refused = shift.andon("tx replay $ID --reason 'again' --yes", code=6, ID=one)
    assert "double" in refused.out + refused.err
    shift.andon("tx replay --filter status:parked --force-superseded --reason 'again' --yes", code=6)
    before = {tx["id"]: tx["attempts"] for tx in parked}
    assert {tx["id"]: tx["attempts"] for tx in shift.found("status:parked")} == before

    # Ask for the document number, give it to those who repair there, and wait for them.
    assert "repair" in shift.andon("tx show $ID", ID=one).out
    shift.andon("tx assign --filter status:parked --to me --ticket INC-8 --waiting-on 'postprocessing in ERP'")
    shift.andon("tx note --filter ticket:INC-8 'sent the document numbers to controlling'")
    shift.mended("parked")
    shift.until("the pool to be worked off", lambda: shift.found("status:parked") == [])
    shift.drain()
    assert shift.statuses("ticket:INC-8") == {"processed": len(parked)}
    assert all(shift.deliveries(tx["id"]) == 1 for tx in parked)
    books = shift.andon("hub books -o json").json
    assert (books["agree"], books["double"]) == (True, 0)


def test_what_was_acknowledged_and_not_applied_is_found_by_asking(night) -> None:
    shift = night(8)
    shift.emit(20)
    shift.fault("lying-target", system="MES", flow="production-order-release")
    shift.emit(40)
    shift.mended("lying-target")

    # Green, since an acknowledgement is all this flow waits for; the systems themselves disagree.
    assert shift.andon("tx list --filter status:failed -o id").ids == []
    told = shift.andon("reconcile orders --as-of 0s -o json", code=10).json
    lost = {tx["id"] for tx in shift.found("flow:production-order-release target:MES")}
    assert told["reopenable"]
    assert set(told["reopenable"]) <= lost

    # Reopened they are failed with a cause, and may be replayed under the keys they had.
    shift.andon("reconcile orders --as-of 0s --reopen --reason 'MES has no such orders, INC-8' --yes")
    reopened = shift.andon("tx list --filter 'kind:acknowledged-not-applied status:failed' -o id").ids
    assert set(reopened) == set(told["reopenable"])
    shift.andon(
        "tx replay --filter 'kind:acknowledged-not-applied status:failed' --reason 'MES lost them, INC-8' --yes"
    )
    shift.drain()
    assert shift.andon("hub books -o json").json["agree"] is True
