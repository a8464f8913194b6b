"""Night 5. A certificate expired: five groups, one cause. The trap: retries lock the account."""

from __future__ import annotations


def test_a_certificate_expired(night) -> None:
    shift = night(5)
    shift.emit(30)
    shift.fault("expired-certificate", system="ERP")
    shift.emit(60)

    # Five groups or more, and one cause: the kind says so, whatever the flow.
    refused = shift.andon("tx list --filter 'kind:certificate status:failed' --all -o json").json["items"]
    assert len({tx["group"] for tx in refused}) >= 5
    assert {(tx["failure"]["system"], tx["failure"]["help"]) for tx in refused} == {("ERP", "policy")}

    # The trap: nobody knocked twice. One delivery each, and no replay runs on by itself.
    assert all(tx["attempts"] == 1 for tx in refused)
    first = refused[0]["id"]
    early = shift.andon(
        "tx replay --filter 'kind:certificate status:failed' --canary 1 --reason 'is it renewed?' --yes -o json",
        code=5,
    ).json
    assert early["counts"]["failed"] == 1
    assert early["total"] - early["counts"]["failed"] == early["counts"]["cancelled"] + early["counts"]["skipped"]
    assert sum(shift.deliveries(tx["id"]) for tx in refused) == len(refused) + 1

    # Renewed; probe with one, then a canary, then the rest.
    shift.andon(
        "tx assign --filter 'kind:certificate status:failed' --to me --ticket CHG-77 --waiting-on 'certificate of ERP'"
    )
    shift.mended("expired-certificate")
    shift.andon("tx replay $ID --reason 'probe: certificate renewed, CHG-77' --yes", ID=first)
    rest = shift.andon(
        "tx replay --filter 'ticket:CHG-77 status:failed' --canary 1 --reason 'certificate renewed, CHG-77' --yes",
        code=None,
        more=("-o", "json"),
    )
    # A newer version of the same object may have been sent first, and then the older one is left out.
    replaced = rest.json["not_processed"]
    assert rest.code == (5 if replaced else 0)
    assert all(item["reason"].startswith("superseded") for item in replaced)
    shift.drain()
    left = {"failed": len(replaced)} if replaced else {}
    assert shift.statuses("ticket:CHG-77") == {"processed": len(refused) - len(replaced)} | left
    assert shift.andon("hub books -o json").json["agree"] is True
