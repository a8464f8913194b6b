"""Night 6. An ERP release retires v1: 410s, and the MES is validated and cannot change. The trap: moving the sunset."""

from __future__ import annotations

import json

import pytest

PATCH = [{"op": "add", "path": "/SegmentResponse/InterfaceVersion", "value": "v2"}]


@pytest.mark.timeout(240)
def test_v1_is_retired(night) -> None:
    shift = night(6)
    shift.emit(18)
    shift.fault("retired-version", system="ERP", flow="production-confirmation")
    shift.emit(30)
    gone = shift.andon("tx list --filter 'kind:version-retired status:failed' --all -o json").json["items"]
    assert {(tx["flow"], tx["failure"]["help"]) for tx in gone} == {("production-confirmation", "policy")}
    assert len({tx["group"] for tx in gone}) == 1
    assert all(tx["attempts"] == 1 for tx in gone), "what is retired is not knocked at again"

    # Sending v1 again is no cure: the canary says so, and the rest was not begun.
    shift.andon("tx replay --filter 'kind:version-retired status:failed' --canary 1 --reason 'again' --yes", code=5)

    # The gateway translates what comes from now on. What failed is patched as one group, and the difference is looked
    # at by a second person, as every edit of what is financial.
    shift.mended("retired-version")
    (shift.folder / "v2.json").write_text(json.dumps(PATCH))
    waits = shift.andon(
        "tx edit --filter 'kind:version-retired status:failed' --patch v2.json --canary 1 "
        "--reason 'v2, CHG-6' --yes -o json",
        code=6,
    )
    assert waits.json["total"] == len(gone)
    shift.approved(waits)
    shift.drain()
    for tx in gone:
        now = shift.api.get(f"transactions/{tx['id']}").json()
        assert (now["status"], now["revision"], now["idempotency_key"]) == ("processed", 2, tx["idempotency_key"])
    kept = shift.andon("tx payload $ID --revision 1 -o json", ID=gone[0]["id"]).json
    assert "InterfaceVersion" not in kept["content"]
    books = shift.andon("hub books -o json").json
    assert (books["missing"], books["double"]) == (0, 0)
