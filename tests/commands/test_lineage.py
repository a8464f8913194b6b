"""``andon transactions lineage`` and ``related``: a tree for people, branches in JSON, lines for everything else."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from transactions.lineage import Lineage, LineageItem, Link, LinkKind, Waiting
from transactions.model import Status
from transactions.related import Related, RelatedGroup

AT = datetime(2026, 1, 2, 3, 0, 0, tzinfo=UTC)


@pytest.fixture
def process(platform) -> Any:
    """A process of four: a release, what failed after it, what waits for that, and a confirmation; on two pages."""

    def item(tx_id: str, depth: int, parent: str | None, **fields: Any) -> LineageItem:
        usual = {"flow": "goods-receipt", "source": "MES", "target": "ERP", "created_at": AT, "plant": "P02"}
        return platform.filled(LineageItem, id=tx_id, depth=depth, parent=parent, **{**usual, **fields})

    items = [
        item("t1", 0, None, status=Status.PROCESSED, closed_at=AT, flow="production-order-release"),
        item("t2", 1, "t1", status=Status.FAILED, failed_at=AT, failure="M7053 closed\x1b[31m", holds_back=1),
        item("t3", 2, "t2", status=Status.HELD, waiting=Waiting(text="requires t2", kind="requires", id="t2")),
        item("t4", 1, "t1", status=Status.PROCESSED, links=[Link(kind=LinkKind.REVERSED_BY, id="t9")]),
    ]
    head = {"process": "PO-1", "of": "t2", "total": 4, "beyond": 2, "left_out": 0}

    def answer(asked: Any) -> Lineage:
        if "cursor" in asked.params:
            return Lineage(**head, items=items[2:])
        return Lineage(**head, items=items[:2], next_cursor="more")

    platform.on("GET", "transactions/t2/lineage", answer)
    return platform


def test_people_see_the_whole_process_as_a_tree(andon, process) -> None:
    ran = andon("tx", "lineage", "t2")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "process PO-1: 4 transactions, 2 beyond your reach",
        "",
        "✓ processed  production-order-release  MES → ERP  P02  t1  01-02 03:00:00 closed 03:00:00",
        "├─ ■ failed  goods-receipt  MES → ERP  P02  t2  01-02 03:00:00 failed 03:00:00  ◀",
        "│  │    M7053 closed\\x1b[31m",
        "│  │    1 waits for it",
        "│  └─ ◆ held  goods-receipt  MES → ERP  P02  t3  01-02 03:00:00",
        "│          waits for requires t2",
        "└─ ✓ processed  goods-receipt  MES → ERP  P02  t4  01-02 03:00:00",
        "        reversed by t9",
    ]


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_programs_get_branches_within_branches(andon, process, form: str) -> None:
    ran = andon("tx", "lineage", "t2", "-o", form)
    told = json.loads(ran.out) if form == "json" else yaml.safe_load(ran.out)
    assert (told["process"], told["of"], told["total"], told["beyond"]) == ("PO-1", "t2", 4, 2)
    assert "next_cursor" not in told
    (root,) = told["items"]
    assert [child["id"] for child in root["children"]] == ["t2", "t4"]
    (waits,) = root["children"][0]["children"]
    assert (waits["id"], waits["children"], waits["waiting"]["id"]) == ("t3", [], "t2")


def test_flat_forms_have_one_transaction_a_line(andon, process) -> None:
    assert andon("tx", "lineage", "t2", "-o", "id").out.splitlines() == ["t1", "t2", "t3", "t4"]
    lines = [json.loads(line) for line in andon("tx", "lineage", "t2", "-o", "jsonl").out.splitlines()]
    assert [(line["id"], line["parent"], line["depth"]) for line in lines] == [
        ("t1", None, 0),
        ("t2", "t1", 1),
        ("t3", "t2", 2),
        ("t4", "t1", 1),
    ]
    rows = list(csv.DictReader(io.StringIO(andon("tx", "lineage", "t2", "-o", "csv").out)))
    assert [row["id"] for row in rows] == ["t1", "t2", "t3", "t4"]


def test_one_that_is_not_there(andon, platform) -> None:
    ran = andon("tx", "lineage", "nothing")
    assert (ran.code, ran.out) == (7, "")


@pytest.fixture
def shared(platform) -> Any:
    """What shares an order and a material."""
    one, other = platform.add("t5"), platform.add("t6", status=Status.PROCESSED)
    orders = RelatedGroup(by="order", value="4711", count=12_000, more=True, items=[one, other], next_cursor="c2")
    lots = RelatedGroup(by="lot", value="L1", count=1, more=False, items=[other])

    def answer(asked: Any) -> Any:
        by = asked.params.get("by")
        if by == "colour":
            from transactions.errors import Invalid

            raise Invalid("t2 is not related to others by 'colour'. It is by: order, lot.")
        return Related(of="t2", items=[orders, lots] if by is None else [orders])

    platform.on("GET", "transactions/t2/related", answer)
    return platform


def test_related_ones_are_told_by_key(andon, shared) -> None:
    ran = andon("tx", "related", "t2")
    assert (ran.code, ran.err) == (0, "")
    head, order, lot = ran.out.splitlines()
    assert head.split() == ["KEY", "VALUE", "SHARED", "BY", "NEWEST", "OF", "THE", "NEWEST"]
    assert order.split()[:3] == ["order", "4711", "12000+"]
    assert order.endswith("1 failed, 1 processed")
    assert lot.split()[:3] == ["lot", "L1", "1"]
    told = andon("tx", "related", "t2", "-o", "json").json
    assert [group["by"] for group in told["items"]] == ["order", "lot"]
    assert andon("tx", "related", "t2", "-o", "id").out.splitlines() == ["order:4711", "lot:L1"]


def test_related_by_a_key_are_transactions_a_page_at_a_time(andon, shared) -> None:
    ran = andon("tx", "related", "t2", "--by", "order", "--limit", "2")
    assert ran.code == 0
    assert "--cursor c2" in ran.err
    assert shared.asked[-1].params == {"by": "order", "limit": "2"}
    told = andon("tx", "related", "t2", "--by", "order", "-o", "json").json
    assert [each["id"] for each in told["items"]] == ["t5", "t6"]
    assert told["next_cursor"] == "c2"


def test_a_key_that_it_does_not_have_is_a_mistake_of_the_line(andon, shared) -> None:
    ran = andon("tx", "related", "t2", "--by", "colour")
    assert (ran.code, ran.out) == (2, "")
    assert "It is by: order, lot." in ran.err


@pytest.mark.parametrize("option", [("--limit", "3"), ("--cursor", "c")])
def test_pages_are_of_one_key(andon, shared, option) -> None:
    ran = andon("tx", "related", "t2", *option)
    assert (ran.code, shared.asked) == (2, [])
    assert "--by" in ran.err


def test_alone_it_says_so(andon, platform) -> None:
    platform.on("GET", "transactions/t2/related", Related(of="t2", items=[]))
    assert "no business key" in andon("tx", "related", "t2").out
    assert andon("tx", "related", "t2", "-o", "json").json == {"items": [], "next_cursor": None}
