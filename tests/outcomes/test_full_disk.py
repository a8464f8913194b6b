"""The disk under the hub's data folder fills in the middle of a run, and people make room: docs/outcomes.md."""

from __future__ import annotations

import subprocess
import sys

import httpx
import pytest

pytestmark = pytest.mark.timeout(400)  # real processes, on machines that have other things to do


def document(n: int) -> dict[str, dict[str, str]]:
    """One that takes some room."""
    return {"OperationsEvent": {"ID": f"full-disk-{n}", "Phase": "start", "Description": "x" * 100_000}}


# A process that begins with a file size limit, which root has as well.
LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


def test_a_full_disk_stops_everything_loses_nothing_and_it_goes_on_by_itself(
    filling_hub, operator_of, eventually
) -> None:
    hub, people = filling_hub, operator_of(filling_hub)
    people.emit(40)
    people.fault(True, name="closed-period", system="ERP")
    people.emit(80)
    people.fault(False)
    failed = people.get("transactions/count", filter="status:failed")["count"]
    assert failed > 5
    before = people.get("status")["transactions"]
    plan = people.told("tx", "replay", "--filter", "status:failed", "--reason", "reopened", "--dry-run",
                       "--rate", f"{failed / 20:.2f}/s", "--canary", "0")  # fmt: skip
    with people.api as api:
        batch = api.post(f"plans/{plan['hash']}/run").raise_for_status().json()["id"]  # for some twenty seconds

        hub.fill()
        # Who sends is told that it was not taken, and what to do; nothing is answered 202 that is not written. The
        # store goes on for as long as its files need not grow.
        taken = 0
        while (answer := api.post("ingress?flow=downtime-event&plant=P01", json=document(taken))).status_code == 202:
            taken += 1
            assert taken < 1000, "a full disk takes no documents without an end"
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:andon:problem:store")
    assert "Nothing of this request was done" in answer.json()["detail"]
    assert "disk has room" in answer.json()["detail"]
    eventually("the hub to notice", lambda: people.ready() == 503, 60)
    assert httpx.get(f"{hub.url}/healthz", trust_env=False).status_code == 200
    # What is asked is answered, and says so wherever people look.
    known = people.get("status")["transactions"]
    assert known >= before + taken
    status = people.andon("hub", "status").stdout
    assert "takes no writes" in status
    assert "Make room" in status
    assert "takes no writes since" in people.andon("doctor", code=1).stdout
    running = people.told("batches", "show", batch)
    assert running["state"] == "running", running
    assert "the hub's store takes no writes" in running["because"]
    with people.api as api:
        assert "andon_store_writable 0" in api.get(f"{hub.url}/metrics").text
    # What acts is refused and changes nothing. Where what the store has of the disk happens to be enough for a plan, it
    # is kept, and waits for its second person.
    acted = people.andon("tx", "discard", "--filter", "status:failed", "--reason", "r", "--yes", code=None)
    if acted.returncode == 6:
        assert len(people.get("approvals")["items"]) == 1
    else:
        assert acted.returncode == 1, acted.stderr
        assert "Check that the disk has room" in acted.stderr

    # Sources go on sending meanwhile: what they owe is not lost with them.
    with people.api as api:
        sent = api.post("simulator/resume", params={"documents": 10})
    assert sent.status_code in (200, 503), sent.text

    hub.make_room()
    eventually("the hub to write again", lambda: people.ready() == 200, 60)
    eventually("the run to end", lambda: people.told("batches", "show", batch)["finished_at"], 100)
    with people.api as api:
        assert api.post("ingress?flow=downtime-event&plant=P01", json=document(taken)).status_code == 202
    people.quiet()
    arrived = people.get("transactions/count", filter="flow:downtime-event event:full-disk*")["count"]
    assert arrived >= taken + 1, "whatever was answered with 202 is here"
    assert people.told("batches", "show", batch)["because"] is None
    assert "serving" in people.andon("hub", "status").stdout
    # Nothing was lost, nothing is there twice.
    people.andon("tx", "replay", "--filter", "status:failed", "--reason", "the rest", "--yes", code=None)
    people.quiet()
    assert people.told("hub", "books", code=None)["double"] == 0
    eventually("the books to agree", lambda: people.told("hub", "books", code=None)["agree"], 60)
    assert people.audit_holds() > failed


@pytest.mark.skipif(sys.platform != "linux", reason="file size limits of Linux")
@pytest.mark.parametrize("room", [1, 20_000])
def test_a_hub_does_not_start_on_a_full_disk_and_says_what_to_do(hub_factory, operator_of, room) -> None:
    hub = hub_factory("--simulate", "--seed", "3", "--speed", "0")
    with operator_of(hub).api as api:
        api.post("ingress?flow=downtime-event&plant=P01", json=document(0)).raise_for_status()
    known = operator_of(hub).get("status")["transactions"]
    hub.stop()
    serve = ["-m", "commands", "hub", "serve", "--data", str(hub.data), "--port", "0"]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(room), *serve], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "Make room on the disk" in done.stderr
    assert "nothing is lost" in " ".join(done.stderr.split())
    hub.start()
    assert operator_of(hub).get("status")["transactions"] == known > 0


def test_runtime_facts_that_cannot_be_written_are_said(tmp_path) -> None:
    from hub.errors import StoreError
    from hub.folder import Folder

    folder = Folder(tmp_path)
    (tmp_path / ".runtime.json.new").mkdir()  # stands in the way, as nothing can be made where there is no room
    with pytest.raises(StoreError, match=r"runtime\.json cannot be written.*has room"):
        folder.write_runtime({"url": "http://127.0.0.1:1"})
    folder.close()
