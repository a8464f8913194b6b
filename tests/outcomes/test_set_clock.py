"""The clock of the hub's machine is set back and forward by an hour, while it runs and while it is down:
docs/outcomes.md."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.timeout(400)  # real processes, on machines that have other things to do

HOUR = 3600.0


@pytest.mark.parametrize("steps", [(-HOUR, 0.0), (HOUR, 0.0)], ids=["back first", "forward first"])
def test_a_clock_that_is_set_under_a_run_doubles_nothing_and_holds_nothing_up(
    set_clock_hub, operator_of, eventually, steps
) -> None:
    hub, people = set_clock_hub, operator_of(set_clock_hub)
    people.emit(30)
    people.fault(True, name="closed-period", system="ERP")
    people.emit(60)
    people.fault(False)
    failed = people.get("transactions/count", filter="status:failed")["count"]
    assert failed > 3
    people.andon("systems", "hold", "--flow", "downtime-event", "--reason", "count", "--yes")
    batch = people.told("tx", "replay", "--filter", "status:failed", "--reason", "reopened", "--yes",
                        "--no-wait", "--rate", "4/s", "--canary", "0")["batch"]  # fmt: skip
    # Postings without an answer, and locks that pass: things that wait for their moment.
    people.fault(True, name="drop-after-posting", system="ERP", plant="P03")
    people.fault(True, name="locked", system="MES")
    with people.api as api:
        api.post("simulator/resume", params={"documents": 40}).raise_for_status()
    hub.set_clock(steps[0])
    eventually("the run to end", lambda: people.told("batches", "show", batch)["finished_at"], 60)
    people.fault(False)
    people.andon("systems", "release", "--flow", "downtime-event", "--reason", "counted", "--yes")
    hub.set_clock(steps[1])
    people.quiet()
    people.andon("tx", "replay", "--filter", "status:failed", "--reason", "the rest", "--yes", code=None)
    people.quiet()
    eventually("the books to agree", lambda: people.told("hub", "books", code=None)["agree"], 60)
    assert people.told("hub", "books")["double"] == 0
    assert people.audit_holds() > failed
    # Pages name every transaction once, though their times are not in the order in which they came.
    for sort in ("created_at", "-created_at", "id"):
        ids = [item["id"] for item in people.told("tx", "list", "--all", "--sort", sort)["items"]]
        assert len(ids) == len(set(ids)) == people.get("status")["transactions"]
    assert "clock.was-set" in hub.log.read_text()


def test_a_clock_that_was_set_back_while_the_hub_was_down(set_clock_hub, operator_of, eventually) -> None:
    hub, people = set_clock_hub, operator_of(set_clock_hub)
    people.emit(30)
    before = {item["id"] for item in people.told("tx", "list", "--all")["items"]}
    people.fault(True, name="target-down", system="ERP")
    with people.api as api:
        api.post("simulator/resume", params={"documents": 30}).raise_for_status()
    eventually("something to wait", lambda: people.get("transactions/count", filter="target:ERP -status:processed "
                                                       "-status:duplicate")["count"], 60)  # fmt: skip
    hub.kill()
    hub.set_clock(-HOUR)
    hub.start(eventually)
    people.fault(False)
    people.quiet()
    people.andon("tx", "replay", "--filter", "status:failed", "--reason", "it was down", "--yes", code=None)
    people.quiet()
    eventually("the books to agree", lambda: people.told("hub", "books", code=None)["agree"], 60)
    people.emit(5)
    after = {item["id"] for item in people.told("tx", "list", "--all")["items"]} - before
    assert min(after) > max(before), "ids go on after those that were given out"
    people.audit_holds()


def test_what_expires_expires_by_the_clock_on_the_wall(set_clock_hub, operator_of) -> None:
    hub, people = set_clock_hub, operator_of(set_clock_hub)
    people.fault(True, name="closed-period", system="ERP")
    people.emit(40)
    people.fault(False)
    words = ("tx", "replay", "--filter", "status:failed", "--reason", "reopened", "--dry-run")
    early, late = people.told(*words)["hash"], people.told(*words)["hash"]
    hub.set_clock(-HOUR)
    people.andon("tx", "replay", "--plan", early, "--yes", code=None)  # made later than now, and good all the same
    assert people.get(f"plans/{early}")["state"] == "run"
    hub.set_clock(25 * HOUR)
    refused = people.andon("tx", "replay", "--plan", late, "--yes", code=8)
    assert "expired" in refused.stderr
    assert "Nothing was sent" in refused.stderr
    people.quiet()
