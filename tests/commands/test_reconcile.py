"""andon reconcile, over a platform of a few lines; the story with real systems is told elsewhere."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from transactions.model import Status
from transactions.reconciliation.model import Asked, Cause, Difference, Explained, Kind, Reconciliation, Said

Andon = Callable[..., Any]
AS_OF = datetime(2026, 1, 2, 3, 4, 0, tzinfo=UTC)


def cause(name: str = "tx1", **more: Any) -> Cause:
    told = {"flow": "goods-receipt", "source": "MES", "target": "ERP", "status": Status.FAILED, "why": "It failed: no"}
    return Cause(**{"id": name, "amount": "40", **told, **more})


def difference(**more: Any) -> Difference:
    said = [Said(system="MES/P01", value="100", unit="EA"), Said(system="ERP", value="60", unit="EA", differs=True)]
    told: dict[str, Any] = {
        "keys": {"order": "4711"}, "plant": "P01", "field": "confirmed", "said": said, "amount": "-40", "unit": "EA",
        "explained": Explained.WHOLLY, "causes": [cause()],
    }  # fmt: skip
    return Difference(**{**told, **more})


def answer(*items: Difference, **more: Any) -> Reconciliation:
    asked = [Asked(system="ERP", records=3), Asked(system="MES/P01", records=2)]
    told: dict[str, Any] = {
        "items": list(items), "next_cursor": None, "kind": Kind.ORDERS, "agree": not items, "as_of": AS_OF,
        "plant": None, "tolerance": "0", "compared": 9, "differences": len(items),
        "unexplained": sum(item.explained is Explained.NOT for item in items), "asked": asked,
        "reopenable": [each.id for item in items for each in item.causes if each.reopenable],
    }  # fmt: skip
    return Reconciliation(**{**told, **more})


@pytest.fixture
def says(platform: Any) -> Callable[..., None]:
    def set_answer(told: Reconciliation, kind: str = "orders") -> None:
        platform.on("GET", f"reconciliation/{kind}", told)

    return set_answer


def test_agreement_is_exit_0_and_a_line(andon: Andon, says: Callable[..., None]) -> None:
    says(answer())
    ran = andon("reconcile", "orders")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[0] == "✓ agree  orders, 9 values as of 2026-01-02 03:04:00Z, tolerance 0"
    assert "asked: ERP 3, MES/P01 2" in ran.out


def test_differences_are_exit_10_in_every_form(andon: Andon, says: Callable[..., None]) -> None:
    says(answer(difference(), difference(explained=Explained.NOT, causes=[], related=["tx9"])))
    ran = andon("reconcile", "orders")
    assert ran.code == 10
    assert "■ differ  orders, 2 of 9 values differ, 1 unexplained" in ran.out
    assert "● explained" in ran.out
    assert "MES/P01 100 · ERP 60 ✗" in ran.out
    assert "tx1 It failed: no" in ran.out
    assert "no transaction explains it; the newest about it is tx9, processed" in ran.out
    told = andon("reconcile", "orders", "-o", "json")
    assert told.code == 10
    assert {"items", "agree", "as_of", "asked", "next_cursor"} <= set(told.json)
    lines = andon("reconcile", "orders", "-o", "jsonl").out.splitlines()
    assert [json.loads(line)["explained"] for line in lines] == ["explained", "unexplained"]
    rows = list(csv.DictReader(io.StringIO(andon("reconcile", "orders", "-o", "csv").out)))
    assert [row["off_by"] for row in rows] == ["-40.0", "-40.0"]
    assert (rows[0]["object"], rows[0]["causes"], rows[1]["causes"]) == ("4711", "tx1", "")
    assert andon("reconcile", "orders", "-o", "id").out == "tx1\n"


def test_a_machine_is_told_that_nothing_differs(andon: Andon, says: Callable[..., None]) -> None:
    says(answer())
    assert andon("reconcile", "orders", "-o", "json").json["items"] == []
    for form in ("jsonl", "id"):
        ran = andon("reconcile", "orders", "-o", form)
        assert (ran.code, ran.out) == (0, "")


def test_a_system_without_an_answer_is_exit_1_and_loud(andon: Andon, says: Callable[..., None]) -> None:
    asked = [Asked(system="ERP", records=0, problem="No connection"), Asked(system="MES/P01", records=2)]
    says(answer(asked=asked, agree=False, compared=0))
    ran = andon("reconcile", "orders", "-q")
    assert ran.code == 1
    assert "ERP (No connection) could not be asked. Nothing could be compared." in " ".join(ran.err.split())
    assert ran.out.startswith("? not known  orders")
    says(answer(difference(), asked=asked, agree=False))
    assert andon("reconcile", "orders").code == 10, "that something differs is known"


def test_what_is_asked_is_what_was_said(andon: Andon, says: Callable[..., None], platform: Any) -> None:
    says(answer(), "inventory")
    more = ("--tolerance", "0.5", "--tolerance", "KG=1%", "--plant", "P01", "--limit", "7")
    assert andon("reconcile", "inventory", *more, "--as-of", "2026-01-02T04:00:00+01:00").code == 0
    assert platform.asked[-1].params == {
        "as_of": "2026-01-02T03:00:00Z",
        "tolerance": "0.5,KG=1%",
        "plant": "P01",
        "limit": "7",
    }
    assert andon("reconcile", "inventory", "--as-of", "15m").code == 0
    moment = datetime.fromisoformat(platform.asked[-1].params["as_of"])
    assert moment.utcoffset() is not None
    assert set(platform.asked[-1].params) == {"as_of"}


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--tolerance", "much"), "--tolerance 'much' is not a tolerance"),
        (("--as-of", "yesterday"), "--as-of 'yesterday' is not a moment"),
        (("--as-of", "3x"), "--as-of '3x' is not a moment"),
        (("--as-of", "999999999d"), "--as-of '999999999d' is not a moment"),
        (("--as-of", "2026-01-02T03:00:00"), "has no time zone"),
        (("--reason", "why"), "Add --reopen"),
        (("--dry-run",), "Add --reopen"),
        (("--evidence", "x"), "Add --reopen"),
        (("--limit", "0"), "--limit"),
        (("weather",), ""),
    ],
)
def test_what_cannot_be_meant_is_exit_2_and_nobody_is_asked(
    andon: Andon, platform: Any, more: tuple[str, ...], told: str
) -> None:
    ran = andon("reconcile", "orders", *more)
    assert (ran.code, ran.out, platform.asked) == (2, "", [])
    assert told in ran.err


def test_reopening_is_a_plan_of_what_was_lost(andon: Andon, says: Callable[..., None], platform: Any) -> None:
    for name in ("tx1", "tx2"):
        platform.add(name, status=Status.PROCESSED)
    lost = [cause(name, status=Status.PROCESSED, reopenable=True) for name in ("tx1", "tx2")]
    says(answer(difference(causes=lost)))
    ran = andon("reconcile", "orders", "--reopen", "--reason", "MES lied", "--dry-run", "-o", "json")
    assert ran.code == 0, ran.err
    assert (ran.json["action"], [item["id"] for item in ran.json["items"]]) == ("reopen", ["tx1", "tx2"])
    assert ran.json["options"]["evidence"] == (
        "orders as of 2026-01-02T03:04:00Z: the target's own books do not have it"
    )
    assert "1 differences; 2 acknowledged and not applied are reopened" in ran.err
    more = ("--evidence", "list of the shift", "--dry-run")
    own = andon("reconcile", "orders", "--reopen", "--reason", "MES lied", *more, "-o", "json")
    assert own.json["options"]["evidence"] == "list of the shift"
    ran = andon("reconcile", "orders", "--reopen", "--reason", "MES lied", "--yes", "-o", "json")
    assert (ran.code, ran.json["action"], ran.json["total"]) == (0, "reopen", 2)


def test_where_nothing_was_lost_nothing_is_reopened(andon: Andon, says: Callable[..., None], platform: Any) -> None:
    says(answer(difference()))
    ran = andon("reconcile", "orders", "--reopen", "--reason", "r", "--yes")
    assert ran.code == 10
    assert "there is nothing to reopen" in ran.err
    assert {each.method for each in platform.asked} == {"GET"}


def test_reopening_wants_a_reason_and_a_session_that_may_change(
    andon: Andon, says: Callable[..., None], platform: Any
) -> None:
    says(answer(difference(causes=[cause(reopenable=True)])))
    assert andon("reconcile", "orders", "--reopen", "--yes").code == 2
    assert andon("--read-only", "reconcile", "orders", "--reopen", "--reason", "r", "--yes").code == 6
    assert {each.method for each in platform.asked} == {"GET"}


def test_people_are_told_what_they_can_do_and_what_was_left_out(andon: Andon, says: Callable[..., None]) -> None:
    lost = difference(causes=[cause(status=Status.PROCESSED, reopenable=True), cause("tx2")])
    says(answer(lost, differences=7, left_out=["state: order of state is masked"]))
    ran = andon("reconcile", "orders")
    assert "and 1 more)" in ran.out
    assert "left out: state: order of state is masked" in ran.out
    assert "6 more differences: --limit" in ran.out
    assert "1 acknowledged and not applied: andon reconcile orders --reopen --reason TEXT, then replay it" in ran.out


def test_what_systems_say_steers_no_terminal(andon: Andon, says: Callable[..., None]) -> None:
    said = [Said(system="MES/P01", value="\x1b[2J", unit=None), Said(system="ERP", value=None, differs=True)]
    asked = [Asked(system="ERP", records=0, problem="\x1b]0;x\x07")]
    says(answer(difference(said=said, causes=[cause(why="\x1b[31mred")]), asked=asked, left_out=["\x1b[1m"]))
    ran = andon("reconcile", "orders")
    assert "\x1b" not in ran.out + ran.err
    assert "ERP nothing ✗" in ran.out
