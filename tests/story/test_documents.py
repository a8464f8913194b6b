"""Real documents pass through: B2MML of a real site, routed, delivered, failed, shown byte for byte and replayed."""

from __future__ import annotations

import uuid

import pytest

DOCUMENTS = {
    "PRO-20121210181416-27942.xml": ("production-order-release", "order", "258456"),
    "MAT-20121210170256-CRBN0001.xml": ("master-data", "material", "CRBN0001"),
    "INV-20121210175555-0001L0001_01.xml": ("inventory-movement", "lot", "CRBN0001_LOT01"),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_real_document_goes_the_whole_way(hub_factory, runbook_for, b2mml, name) -> None:
    hub = hub_factory("--simulate", "--speed", "0", "--seed", "5")
    runbook = runbook_for(hub)
    flow, key, value = DOCUMENTS[name]
    file = b2mml / name
    runbook.run("hub", "simulate", "on", "expired-credentials")
    sent = runbook.json("hub", "send", str(file), "--flow", flow, "--plant", "P02", "--key", uuid.uuid4().hex)
    ids = [item["id"] for item in sent["items"]]
    assert ids
    runbook.run("hub", "simulate", "drain")
    for tx in ids:
        shown = runbook.json("tx", "show", tx)
        assert shown["business_keys"][key] == value
        assert shown["status"] == "failed"
        assert shown["failure"]["kind"] == "unauthorized"
        assert runbook.run("tx", "payload", tx, "--raw").stdout == file.read_bytes()
    found = runbook.json("tx", "list", "--filter", f"{key}:{value}")["items"]
    assert {item["id"] for item in found} == set(ids)
    runbook.run("hub", "simulate", "off")
    # The systems' own rules still apply: an order or a material nobody maintained is refused by code, not by accident.
    runbook.run("tx", "replay", *ids, "--reason", "credentials renewed", "--yes", expect=None)
    runbook.run("hub", "simulate", "drain")
    for tx in ids:
        timeline = runbook.json("tx", "timeline", tx)["items"]
        assert sum(entry["kind"] == "attempt" and entry["attempt"] is not None for entry in timeline) >= 2
        shown = runbook.json("tx", "show", tx)
        assert shown["status"] in ("processed", "failed")
        assert shown["failure"] is None or shown["failure"]["kind"] != "unauthorized"
        assert runbook.run("tx", "payload", tx, "--raw").stdout == file.read_bytes()
