"""Differences that faults make on a real hub with real simulated systems: seen, explained, recovered, gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.xdist_group("reconciliation")  # one hub, with faults of its own

KINDS = ("orders", "inventory", "holds", "lots", "shipments")
FAULTS = (
    ("closed-period", "--system", "ERP", "--plant", "P01"),
    ("lying-target", "--system", "MES", "--flow", "production-order-release", "--plant", "P02"),
    ("parked", "--system", "WMS", "--flow", "quality-hold"),
    ("late-approval", "--system", "MES", "--flow", "lot-disposition"),
    ("lying-target", "--system", "customer-portal", "--flow", "shipment-status"),
)


@pytest.fixture(scope="module")
def own_hub(hub_factory: Callable[..., Any]) -> Any:
    return hub_factory("--simulate", "--speed", "200", "--seed", "21", "--paused")


@pytest.fixture(scope="module")
def run(own_hub: Any) -> Callable[..., Any]:
    def andon(*arguments: str, token: str | None = None) -> Any:
        env = {**os.environ, **own_hub.env, **({} if token is None else {"ANDON_TOKEN": token})}
        ran = subprocess.run(
            [sys.executable, "-m", "commands", *arguments], capture_output=True, env=env, timeout=90, check=False
        )
        assert b"Traceback" not in ran.stderr, ran.stderr.decode()
        return ran

    return andon


@pytest.fixture(scope="module")
def emit(own_hub: Any, run: Callable[..., Any], eventually: Callable[..., object]) -> Iterator[Callable[[int], None]]:
    """Lets the sources send so many documents, and waits until nothing moves."""
    headers = {"Authorization": f"Bearer {own_hub.token}"}
    with httpx.Client(base_url=f"{own_hub.url}/admin/v1/", headers=headers, timeout=20) as client:

        def emitted(documents: int) -> None:
            assert client.post("simulator/resume", params={"documents": documents}).is_success
            eventually("the sources have sent", lambda: not client.get("simulator/state").json()["emitting"], 60.0)
            drained = run("hub", "simulate", "drain")
            assert drained.returncode == 0, drained.stderr.decode()

        yield emitted


@pytest.fixture(scope="module")
def ask(run: Callable[..., Any]) -> Callable[..., Any]:
    def asked(kind: str, *more: str, code: int | None = None) -> Any:
        ran = run("reconcile", kind, *more, "-o", "json")
        told = json.loads(ran.stdout)
        assert ran.returncode == (code if code is not None else 0 if told["agree"] else 10), ran.stderr.decode()
        return told

    return asked


@pytest.fixture(scope="module")
def settled(ask: Callable[..., Any], eventually: Callable[..., object]) -> Callable[[str], Any]:
    """The answer once the cut-off has passed everything that was recorded by now: every system is asked as of then."""

    def answer(kind: str) -> Any:
        found: dict[str, Any] = {}

        def clear() -> bool:
            found.update(ask(kind))
            return not any("Ask again" in cause["why"] for item in found["items"] for cause in item["causes"])

        eventually(f"{kind} have settled", clear)
        return found

    return answer


class Night:
    """What was said while the faults were on."""

    def __init__(self) -> None:
        self.told: dict[str, Any] = {}
        self.before: Any = None
        self.wide: Any = None
        self.read = self.down = self.unknown = b""
        self.silent: dict[str, Any] = {}


@pytest.fixture(scope="module")
def night(
    run: Callable[..., Any], emit: Callable[[int], None], ask: Callable[..., Any], settled: Callable[[str], Any]
) -> Night:
    """Healthy traffic, on which everybody agrees; then traffic with five faults, and every question about it."""
    emit(150)
    for kind in KINDS:
        told = ask(kind)
        assert told["agree"], (kind, told["items"][:3])
        assert told["compared"]
    for fault in FAULTS:
        assert run("hub", "simulate", "on", *fault).returncode == 0
    emit(250)
    night = Night()
    night.told = {kind: settled(kind) for kind in KINDS}
    night.before = ask("lots", "--as-of", "1h", code=0)
    night.wide = ask("inventory", "--tolerance", "100%", "--tolerance", "EA=1000000", "--tolerance", "KG=1000000")
    ran = run("reconcile", "lots")
    assert ran.returncode == 10
    night.read = ran.stdout
    assert run("hub", "simulate", "on", "target-down", "--system", "CRM").returncode == 0
    ran = run("reconcile", "shipments", "-o", "json")
    night.silent, night.down = json.loads(ran.stdout), ran.stderr
    ran = run("reconcile", "shipments", "--as-of", "1h")
    assert ran.returncode == 1, "nothing differs, and nobody knows what CRM holds"
    night.unknown = ran.stdout
    assert run("hub", "simulate", "off", "target-down").returncode == 0
    return night


def causes(told: Any) -> list[Any]:
    return [cause for item in told["items"] for cause in item["causes"]]


def differing(item: Any) -> set[str]:
    return {said["system"] for said in item["said"] if said["differs"]}


def test_stock_that_failed_postings_left_behind(night: Night) -> None:
    told = night.told["inventory"]
    assert told["items"]
    assert told["unexplained"] == 0, told["items"][0]
    assert {item["explained"] for item in told["items"]} == {"explained"}
    assert {item["plant"] for item in told["items"]} == {"P01"}
    assert {cause["target"] for cause in causes(told)} <= {"ERP", "WMS/P01"}
    assert any("M7053" in cause["why"] for cause in causes(told))
    assert told["reopenable"] == []


def test_orders_that_a_system_acknowledged_and_does_not_have(night: Night) -> None:
    told = night.told["orders"]
    assert told["unexplained"] == 0, told["items"][0]
    lied = [item for item in told["items"] if item["field"] == "version"]
    assert lied
    assert {name for item in lied for name in differing(item)} == {"MES/P02"}
    assert {cause["status"] for item in lied for cause in item["causes"]} == {"processed"}
    assert told["reopenable"] == [cause["id"] for cause in causes(told) if cause["reopenable"]]
    late = [item for item in told["items"] if item["field"] == "confirmed"]
    assert {item["plant"] for item in late} == {"P01"}
    assert all(float(item["amount"]) < 0 for item in late)


def test_holds_that_are_parked(night: Night) -> None:
    told = night.told["holds"]
    assert told["items"]
    assert {name.partition("/")[0] for item in told["items"] for name in differing(item)} == {"WMS"}
    assert "parked" in {cause["status"] for cause in causes(told)}
    assert told["unexplained"] == 0


def test_decisions_that_wait_for_an_approval(night: Night) -> None:
    told = night.told["lots"]
    assert told["items"]
    assert {item["explained"] for item in told["items"]} == {"explained"}
    assert any("APPROVAL_PENDING" in cause["why"] for cause in causes(told))


def test_shipments_of_which_a_system_says_nothing_and_cannot_be_asked(night: Night) -> None:
    told = night.told["shipments"]
    portal = [item for item in told["items"] if differing(item) == {"customer-portal"}]
    assert portal
    assert {cause["target"] for item in portal for cause in item["causes"]} == {"customer-portal"}
    assert told["reopenable"]


def test_people_read_who_says_what_and_why(night: Night) -> None:
    head, *rest = night.read.decode().splitlines()
    assert head.startswith("■ differ  lots, ")
    assert "all explained" in head
    assert any("● explained" in line and "MES/P" in line and "✗" in line for line in rest)
    assert any(line.startswith("asked: ERP ") for line in rest)


def test_a_cut_off_before_the_faults_agrees(night: Night) -> None:
    """What was recorded after the cut-off is left out on every side."""
    assert (night.before["agree"], night.before["compared"]) == (True, 0)


def test_what_is_within_the_tolerance_agrees(night: Night) -> None:
    assert night.wide["agree"]
    assert night.wide["compared"] == night.told["inventory"]["compared"]


def test_a_system_that_is_down_is_no_agreement(night: Night) -> None:
    assert b"CRM (No connection" in night.down
    assert {one["system"] for one in night.silent["asked"] if one["problem"]} == {"CRM"}
    assert not night.silent["agree"]
    assert night.unknown.decode().startswith("? not known  shipments")


@pytest.fixture(scope="module")
def recovered(
    night: Night, run: Callable[..., Any], ask: Callable[..., Any], eventually: Callable[..., object]
) -> list[Any]:
    """The faults are off, what was lost is reopened, what failed is replayed; the answers of then."""
    lost = {kind: night.told[kind]["reopenable"] for kind in ("orders", "shipments")}
    assert all(lost.values())
    assert run("hub", "simulate", "off").returncode == 0
    second = json.loads(run("hub", "users", "add", "kim", "--role", "approver", "-o", "json").stdout)
    token = json.loads(run("hub", "users", "token", "kim", "-o", "json").stdout)["token"]
    assert second

    def acted(*words: str) -> Any:
        """Act, with a second person where one is wanted."""
        ran = run(*words, "--yes", "-o", "json")
        told = json.loads(ran.stdout)
        if told.get("plan_state") == "awaiting-approval":
            approved = run("approvals", "approve", told["plan"], "--reason", "looked at", "-o", "json", token=token)
            assert approved.returncode == 0, approved.stderr.decode()
        else:
            assert ran.returncode in (0, 5), ran.stdout.decode() + ran.stderr.decode()
        drained = run("hub", "simulate", "drain")
        assert drained.returncode == 0, drained.stderr.decode()
        return told

    dry = run("reconcile", "orders", "--reopen", "--reason", "MES lied", "--dry-run", "-o", "json")
    assert {item["id"] for item in json.loads(dry.stdout)["items"]} == set(lost["orders"])
    for kind in lost:
        told = acted("reconcile", kind, "--reopen", "--reason", f"{kind}: acknowledged, not applied")
        assert told["action"] == "reopen"
        assert {cause["status"] for item in ask(kind)["items"] for cause in item["causes"]} <= {"failed", "held"}

    def none_left() -> bool:
        return bool(acted("tx", "replay", "--filter", "status:failed", "--reason", "healed")["total"] == 0)

    eventually("nothing failed is left", none_left, within=90.0)
    for kind in KINDS:
        eventually(f"{kind} agree", lambda kind=kind: ask(kind)["agree"])
    return [ask(kind, code=0) for kind in KINDS]


def test_everything_is_recovered_and_agrees(recovered: list[Any], night: Night) -> None:
    for told in recovered:
        assert told["agree"]
        assert (told["items"], told["reopenable"], told["unexplained"]) == ([], [], 0)
        assert told["compared"] == night.told[told["kind"]]["compared"], "nothing was compared less"


def test_wrong_master_data_differs_and_no_transaction_explains_it(
    recovered: list[Any], run: Callable[..., Any], emit: Callable[[int], None], settled: Callable[[str], Any]
) -> None:
    """The fourth night: everything is processed, there is nothing to replay, and only reconciliation differs."""
    assert run("hub", "simulate", "on", "wrong-master-data", "--system", "MES", "--plant", "P03").returncode == 0
    emit(120)
    assert run("hub", "simulate", "off").returncode == 0
    told = settled("orders")
    assert told["items"]
    assert told["unexplained"] == told["differences"]
    assert {item["plant"] for item in told["items"]} == {"P03"}
    assert all(item["related"] for item in told["items"]), "what was processed since, to be corrected"
    assert run("tx", "list", "--filter", "status:failed", "-o", "id").stdout == b""
