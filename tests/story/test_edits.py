"""Documents that were damaged at their source are mended in groups, with a second person, and the books agree."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group("edits")


@pytest.fixture
def two(hub_factory: Callable[..., Any], runbook_for: Callable[..., Any]) -> tuple[Any, Any]:
    """A runbook, and that of a second person."""
    hub = hub_factory("--simulate", "--speed", "20", "--seed", "11", "--paused")
    first = runbook_for(hub)
    first.run("hub", "users", "add", "bob", "--role", "operator", "--role", "approver")
    second = runbook_for(hub)
    second.env["ANDON_TOKEN"] = first.json("hub", "users", "token", "bob")["token"]
    return first, second


def acted(first: Any, second: Any, *line: str) -> dict[str, Any]:
    """Run an acting command; where it wants a second person, that one approves. Returns the batch when it has ended."""
    done = first.run("tx", *line, "--yes", "-o", "json", expect=None)
    found = re.search(r"approvals approve ([0-9a-f]{12})", done.stderr.decode())
    if found:
        assert done.returncode == 6
        batch = second.json("approvals", "approve", found[1], "--reason", "looked at the differences")["batch"]["id"]
        first.run("batches", "watch", batch, expect=None)
    else:
        assert done.returncode in (0, 5), done.stderr.decode()
        batch = json.loads(done.stdout)["batch"]
    first.run("hub", "simulate", "drain")
    return dict(first.json("batches", "show", batch))


def failed(runbook: Any, besides: str) -> list[dict[str, Any]]:
    return list(runbook.json("tx", "list", "--filter", f"status:failed {besides}", "--all")["items"])


def mend(first: Any, second: Any, damage: str, how: Callable[[], list[tuple[str, ...]]]) -> None:
    """Edit what is damaged and replay what waited behind it, again until nothing fails any more."""
    for _ in range(6):
        for line in how():
            acted(first, second, "edit", *line)
        if failed(first, f"-code:{damage}"):
            acted(first, second, "replay", "--filter", f"status:failed -code:{damage}", "--reason", "mended before it")
        if not failed(first, ""):
            return


UNITS = {"KIL": "KG", "STK": "EA", "STD": "H"}


def test_units_that_nobody_mapped(two, emit) -> None:
    first, second = two
    first.run("hub", "simulate", "on", "unit-mapping", "--flow", "material-consumption", "--probability", "0.5")
    emit(first, 80)
    first.run("hub", "simulate", "off")
    damaged = failed(first, "code:BM311")
    assert damaged
    assert not first.json("hub", "books", expect=None)["agree"]
    plan = first.json(
        "tx", "edit", "--filter", "status:failed code:BM311 KIL",
        "--set", "$..[?@.UnitOfMeasure=='KIL'].UnitOfMeasure=KG", "--reason", "KIL is KG", "--dry-run",
    )  # fmt: skip
    assert plan["edits"]
    assert {(each["before"], each["after"]) for edit in plan["edits"] for each in edit["difference"]} == {("KIL", "KG")}
    assert len(failed(first, "code:BM311")) == len(damaged)

    def units() -> list[tuple[str, ...]]:
        return [
            ("--filter", f"status:failed code:BM311 {wrong}", "--set",
             f"$..[?@.UnitOfMeasure=='{wrong}'].UnitOfMeasure={right}", "--reason", f"{wrong} is {right}")
            for wrong, right in UNITS.items()
            if failed(first, f"code:BM311 {wrong}")
        ]  # fmt: skip

    mend(first, second, "BM311", units)
    assert [(tx["flow"], tx["failure"]) for tx in failed(first, "")] == []
    for tx in damaged:
        shown = first.json("tx", "show", tx["id"])
        assert (shown["status"], shown["revision"], shown["idempotency_key"]) == ("processed", 2, tx["idempotency_key"])
    books = first.json("hub", "books", expect=None)
    assert (books["missing"], books["double"], books["unresolved"]) == (0, 0, 0)
    assert books["agree"], books


def test_a_field_that_was_renamed_by_its_source(two, emit, tmp_path) -> None:
    first, second = two
    first.run("hub", "simulate", "on", "schema-drift", "--flow", "production-confirmation", "--probability", "0.5")
    emit(first, 120)
    first.run("hub", "simulate", "off")
    damaged = failed(first, "code:SCHEMA_VIOLATION")
    assert damaged
    content = first.json("tx", "payload", damaged[0]["id"])["content"]
    where = next(_pointers(json.loads(content), "QuantityValue"))
    patch = tmp_path / "drift.json"
    patch.write_text(json.dumps([{"op": "move", "from": where, "path": where.replace("Value", "String")}]))

    def renamed() -> list[tuple[str, ...]]:
        wrong = "status:failed code:SCHEMA_VIOLATION"
        return [("--filter", wrong, "--patch", str(patch), "--reason", "renamed")] if failed(first, wrong) else []

    mend(first, second, "SCHEMA_VIOLATION", renamed)
    assert [(tx["flow"], tx["failure"]) for tx in failed(first, "")] == []
    assert first.json("hub", "books", expect=None)["agree"]


def test_a_lot_that_was_mistyped(two, emit, tmp_path) -> None:
    first, second = two
    first.run("hub", "simulate", "on", "invalid-lot", "--flow", "material-consumption", "--probability", "0.7")
    emit(first, 100)
    first.run("hub", "simulate", "off")
    damaged = failed(first, "code:LOT_UNKNOWN")
    assert damaged
    done = first.run("tx", "edit", damaged[0]["id"], "--set", "$.not.there=x", "--reason", "r", "--yes", expect=6)
    assert b"finds nothing" in done.stdout

    def lots() -> list[tuple[str, ...]]:
        lines = []
        for tx in failed(first, "code:LOT_UNKNOWN"):
            content = json.loads(first.json("tx", "payload", tx["id"])["content"])
            steps = [
                {"op": "replace", "path": where, "value": _at(content, where)[:4] + "0" + _at(content, where)[5:]}
                for where in _lots(content)
            ]
            patch = tmp_path / f"{tx['id']}.json"
            patch.write_text(json.dumps(steps))
            lines.append((tx["id"], "--patch", str(patch), "--reason", "a letter for a zero"))
        return lines

    mend(first, second, "LOT_UNKNOWN", lots)
    assert [(tx["flow"], tx["failure"]) for tx in failed(first, "")] == []
    assert first.json("hub", "books", expect=None)["agree"]


def _lots(content: Any) -> list[str]:
    places = [*_pointers(content, "MaterialLotID"), *_pointers(content, "LotID")]
    return [where for where in places if re.fullmatch(r"[A-Z]\d\d-O\d{5}", str(_at(content, where)))]


def _at(content: Any, where: str) -> Any:
    for token in where.split("/")[1:]:
        content = content[int(token) if isinstance(content, list) else token]
    return content


def _pointers(node: Any, name: str, at: str = ""):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == name:
                yield f"{at}/{key}"
            yield from _pointers(value, name, f"{at}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _pointers(value, name, f"{at}/{index}")


def test_what_was_posted_wrong_is_corrected(two, emit) -> None:
    """A conversion is off by a thousand: nothing fails, only the books differ. Each posting is reversed and posted
    anew."""
    first, second = two
    first.run("hub", "simulate", "on", "wrong-master-data", "--flow", "labor-time", "--probability", "0.5")
    emit(first, 150)
    first.run("hub", "simulate", "off")
    books = first.json("hub", "books", expect=None)
    assert not books["agree"]
    assert books["mismatched"]
    assert failed(first, "") == []
    wrong = []
    for tx in first.json("tx", "list", "--filter", "status:processed flow:labor-time", "--all")["items"]:
        content = json.loads(first.json("tx", "payload", tx["id"])["content"])
        (where,) = _pointers(content, "QuantityString")
        amount = Decimal(_at(content, where))
        if amount < Decimal("0.1"):
            wrong.append((tx, format((amount * 1000).normalize(), "f")))
    assert wrong
    for tx, right in wrong:
        acted(first, second, "correct", tx["id"], "--set", f"$..QuantityString={right}", "--reason", "off by 1,000")
    for tx, right in wrong:
        assert first.json("tx", "show", tx["id"])["status"] == "compensated"
        followers = first.json("tx", "list", "--filter", f"causation_id:{tx['id']}")["items"]
        (new,) = [one for one in followers if one["idempotency_key"].startswith("correct:")]
        assert (new["status"], new["correlation_id"]) == ("processed", tx["correlation_id"])
        content = json.loads(first.json("tx", "payload", new["id"])["content"])
        assert [_at(content, where) for where in _pointers(content, "QuantityString")] == [right]
        again = first.run("tx", "correct", tx["id"], "--set", "$..QuantityString=1", "--reason", "r", "--yes", expect=6)
        assert b"reversed already" in again.stdout
    books = first.json("hub", "books", expect=None)
    assert (books["mismatched"], books["double"]) == (0, 0), books
