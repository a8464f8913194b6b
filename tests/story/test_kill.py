"""kill -9 of the hub in the middle of a batch: nothing lost, nothing twice, and the batch goes on by itself."""

from __future__ import annotations


def test_a_batch_survives_the_hub(hub_factory, runbook_for, emit, eventually) -> None:
    hub = hub_factory("--simulate", "--seed", "21", "--speed", "30", "--paused")
    runbook = runbook_for(hub)
    emit(runbook, 30)
    runbook.run("hub", "simulate", "on", "closed-period", "--system", "ERP")
    emit(runbook, 90)
    failed = runbook.json("tx", "list", "--filter", "status:failed", "--all")["items"]
    assert len(failed) > 5
    runbook.run("hub", "simulate", "off")
    started = runbook.json(
        "tx",
        "replay",
        "--filter",
        "status:failed",
        "--reason",
        "period reopened",
        "--yes",
        "--no-wait",
        "--rate",
        "8/s",
    )
    hub.kill()
    hub.start()
    runbook = runbook_for(hub)
    batch = started["batch"]
    eventually("the batch to end", lambda: runbook.json("batches", "show", batch)["state"] == "done", 60)
    runbook.run("hub", "simulate", "drain")
    # What was cut off without a trace in the target is failed again, definitively; it may be replayed.
    runbook.run("tx", "replay", "--filter", "status:failed", "--reason", "cut off", "--yes")
    runbook.run("hub", "simulate", "drain")
    books = runbook.json("hub", "books")
    assert books["agree"] is True
    assert books["double"] == 0
