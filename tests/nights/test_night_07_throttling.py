"""Night 7. A cloud ERP throttles: 429s that rise with the replays. The trap: raising one's own limit."""

from __future__ import annotations


def test_the_erp_throttles(night) -> None:
    shift = night(7)
    shift.emit(20)
    shift.fault("target-throttling", system="ERP")
    shift.emit(40)
    throttled = shift.andon("tx list --filter 'kind:throttled status:failed' --all -o json").json["items"]
    assert {tx["target"] for tx in throttled} == {"ERP"}
    assert {tx["failure"]["help"] for tx in throttled} == {"wait"}
    knocks = sum(shift.deliveries(tx["id"]) for tx in throttled)

    # The trap: as fast as one likes. The target's own pause holds, and the run stops by itself.
    greedy = shift.andon(
        "tx replay --filter 'kind:throttled status:failed' --rate 1000/s --stop-after-failures 2 --reason 'faster' "
        "--yes -o json",
        code=5,
    ).json
    assert greedy["state"] == "stopped"
    assert greedy["counts"]["processed"] == 0
    more = sum(shift.deliveries(tx["id"]) for tx in throttled) - knocks
    assert more <= 3 * 4, "a canary and what was under way, three tries each; not the whole group"

    # Stop the replays: one word ends them all, and what was not sent is failed as before.
    started = shift.andon(
        "tx replay --filter 'kind:throttled status:failed' --rate 1/s --canary 0 --reason 'one a second' --yes "
        "--no-wait -o json"
    ).json
    shift.andon("stop --reason 'ERP throttles us, INC-7'")
    assert shift.andon("batches show $BATCH -o json", BATCH=started["batch"]).json["state"] in ("stopped", "cancelled")
    shift.drain()
    assert shift.statuses("kind:throttled") == {"failed": len(throttled)}

    # The poller that took the quota is throttled; ERP answers again. A canary, then slowly.
    shift.mended("target-throttling")
    shift.andon(
        "tx replay --filter 'kind:throttled status:failed' --canary 1 --rate 20/s --reason 'poller tamed, INC-7' --yes"
    )
    shift.drain()
    assert shift.found("status:failed,in-doubt") == []
    assert shift.andon("hub books -o json").json["agree"] is True
