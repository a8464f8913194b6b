"""What differs, tied to what the hub knows of it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from hub.store.schema import transactions
from transactions.errors import Forbidden, Invalid, NotFound, Refused
from transactions.people import Reach
from transactions.reconciliation.model import Explained, Kind
from transactions.reconciliation.tolerance import Bound, Tolerance

REFUSED = (422, {"error": {"code": "M7021", "message": "Deficit of stock"}})


def made(order: str, confirmed: str | int | None = None, plant: str = "P01", **more: Any) -> dict[str, Any]:
    """An entry that every system's declaration reads."""
    said = {} if confirmed is None else {"confirmed": confirmed, "unit": "EA"}
    return {"id": order, "order": {"number": order}, "plant": plant, **said, **more}


async def confirm(room: Any, order: str, quantity: str, event: str = "e1", **how: Any) -> str:
    ids = await room.send("confirmation", event=event, order=order, quantity=quantity, **how)
    return str(ids["ERP"])


async def set_to(room: Any, tx_id: str, **values: Any) -> None:
    await room.hub.database.write(
        lambda c: c.execute(update(transactions).where(transactions.c.id == tx_id).values(**values))
    )


async def test_systems_that_say_the_same_agree(room: Any, world: Any) -> None:
    world.says("MES/P01", made("1", "10.0"), made("2", 5))
    world.says("ERP", made("1", "10"), made("2", 5))
    found = await room.reconcile()
    assert (found.agree, found.differences, found.compared) == (True, 0, 2)
    assert [(one.system, one.records, one.problem) for one in found.asked] == [
        ("EDI", 0, None), ("ERP", 2, None), ("MES/P01", 2, None), ("MES/P02", 0, None),
    ]  # fmt: skip
    assert found.tolerance == "0"


async def test_what_failed_explains_what_is_missing_with_its_amount(room: Any, world: Any) -> None:
    world.deliver["ERP"] = REFUSED
    tx_id = await confirm(room, "1", "40")
    world.says("MES/P01", made("1", 100))
    world.says("ERP", made("1", 60))
    item = await room.only()
    assert (item.explained, item.amount, item.unit) == (Explained.WHOLLY, "-40", "EA")
    assert [(said.system, said.value, said.differs) for said in item.said] == [
        ("MES/P01", "100", False), ("ERP", "60", True),
    ]  # fmt: skip
    (cause,) = item.causes
    assert (cause.id, cause.target, cause.status, cause.amount) == (tx_id, "ERP", "failed", "40")
    assert cause.why == "It failed (M7021, ERP): Deficit of stock"
    assert not cause.reopenable


async def test_what_failed_for_less_explains_a_part(room: Any, world: Any) -> None:
    world.deliver["ERP"] = REFUSED
    await confirm(room, "1", "30")
    world.says("MES/P01", made("1", 100))
    world.says("ERP", made("1", 60))
    assert (await room.only()).explained is Explained.IN_PART
    wide = Tolerance(general=Bound(percent=Decimal(10)))
    assert (await room.only(tolerance=wide)).explained is Explained.WHOLLY


async def test_what_is_there_twice_is_explained_by_nothing_and_says_what_was_processed(room: Any, world: Any) -> None:
    tx_id = await confirm(room, "1", "40")
    world.says("MES/P01", made("1", 40))
    world.says("ERP", made("1", 80))
    found = await room.reconcile()
    (item,) = found.items
    assert (item.explained, item.causes, item.related) == (Explained.NOT, [], [tx_id])
    assert (found.agree, found.unexplained, found.reopenable) == (False, 1, [])


async def test_what_was_acknowledged_and_is_not_there_can_be_reopened(room: Any, world: Any) -> None:
    tx_id = await confirm(room, "1", "40")
    world.posted.clear()
    world.says("MES/P01", made("1", 40))
    found = await room.reconcile()
    (item,) = found.items
    (cause,) = item.causes
    assert (item.explained, cause.id, cause.status, cause.reopenable) == (Explained.WHOLLY, tx_id, "processed", True)
    assert cause.why == "ERP acknowledged it as document 4900000001, and asked for it now has nothing under its key."
    assert found.reopenable == [tx_id]


async def test_what_is_reopened_and_replayed_agrees(room: Any, world: Any) -> None:
    tx_id = await confirm(room, "1", "40")
    world.posted.clear()
    world.says("MES/P01", made("1", 40))
    assert (await room.reconcile()).reopenable == [tx_id]
    async with room.client() as client, asyncio.timeout(30):
        wanted = {"action": "reopen", "reason": "lied", "ids": [tx_id]}
        # until no late posting can land, which is 50 ms here
        while not (await client.post("plans", json=wanted)).json()["verdicts"].get("send"):
            await asyncio.sleep(0.01)
    await room.act("reopen", tx_id)
    again = await room.only()
    assert [(cause.status, cause.reopenable) for cause in again.causes] == [("failed", False)]
    await room.act("replay", tx_id)
    world.says("ERP", made("1", 40))
    assert (await room.reconcile()).agree


async def test_what_was_just_delivered_is_not_called_lost(room: Any, world: Any) -> None:
    await confirm(room, "1", "40")
    world.posted.clear()
    world.says("MES/P01", made("1", 40))
    found = await room.reconcile(later=timedelta(seconds=-1))
    (cause,) = found.items[0].causes
    assert (cause.reopenable, found.reopenable) == (False, [])
    assert "Ask again" in cause.why
    assert world.looked_up == []


@pytest.mark.parametrize(
    ("says", "why"),
    [
        (
            {"status": "parked", "document": "7"},
            "ERP acknowledged it as document 4900000001, and asked for it now says",
        ),
        (
            {"status": "applied", "document": "7", "reversal": "8"},
            "It was taken back in ERP by 8, and not by this hub.",
        ),
    ],
)
async def test_what_the_target_did_with_it_since(room: Any, world: Any, says: dict[str, str], why: str) -> None:
    await confirm(room, "1", "40")
    world.says("MES/P01", made("1", 40))
    world.lookups["ERP"] = says
    item = await room.only()
    assert item.explained is Explained.WHOLLY
    assert item.causes[0].why.startswith(why)
    assert not item.causes[0].reopenable


async def test_a_target_that_gives_no_clear_answer_explains_nothing(room: Any, world: Any) -> None:
    await confirm(room, "1", "40")
    world.says("MES/P01", made("1", 40))
    world.lookups["ERP"] = {"status": "whatever"}
    assert (await room.only()).explained is Explained.NOT


async def test_who_cannot_be_asked_by_key_and_says_nothing_did_not_apply_it(room: Any, world: Any) -> None:
    ids = await room.send("state", event="e1", order="1", version="1")
    world.says("MES/P01", made("1", state="released"))
    world.says("ERP", made("1", state="released"))
    found = await room.reconcile()
    (item,) = found.items
    assert [said.system for said in item.said if said.differs] == ["EDI"]
    assert found.reopenable == [ids["EDI"]]
    assert "cannot be asked by key" in item.causes[0].why
    world.says("EDI", made("1", state="planned"))
    assert (await room.only()).explained is Explained.NOT


async def test_each_status_says_why_in_its_own_words(room: Any, world: Any) -> None:
    tx_id = await confirm(room, "1", "40")
    world.says("MES/P01", made("1", 40))
    for status, begin in {
        "pending": "It waits",
        "delivering": "It is being delivered",
        "retrying": "It is tried again",
        "sent": "The target accepted it",
        "held": "It is held: the ERP",
        "discarded": "It was closed unprocessed",
        "resolved": "A person closed it",
        "compensating": "It is being taken back",
        "compensated": "It was taken back",
        "compensation-failed": "It was to be taken back",
    }.items():
        await set_to(room, tx_id, status=status, waiting_on="the ERP", due_next=None)
        item = await room.only()
        assert item.causes[0].why.startswith(begin), status
        assert item.explained is Explained.WHOLLY, status
    for status, begin in {
        "failed": "It failed",
        "in-doubt": "Nobody knows",
        "parked": "It is parked in the target",
        "partly-processed": "Only a part",
    }.items():
        await set_to(
            room, tx_id, status=status, failure_kind="parked", failure_help="care", failure_code="COGI",
            failure_message="Movement parked", failure_system="ERP",
        )  # fmt: skip
        item = await room.only()
        assert item.causes[0].why == f"{item.causes[0].why.split(' (')[0]} (COGI, ERP): Movement parked"
        assert item.causes[0].why.startswith(begin)
        assert (item.causes[0].amount is None) == (status in ("in-doubt", "partly-processed"))


async def test_what_a_newer_version_replaced_explains_nothing(room: Any, world: Any) -> None:
    world.deliver["ERP"] = REFUSED
    tx_id = await confirm(room, "1", "40")
    await set_to(room, tx_id, failure_code="superseded")
    world.says("MES/P01", made("1", 40))
    assert (await room.only()).explained is Explained.NOT


async def test_a_document_of_several_lines_is_about_each_of_them(room: Any, world: Any) -> None:
    """Its business keys name the first line only."""
    world.deliver["ERP"] = REFUSED
    lines = [
        {"material": "A", "lot": "L1", "quantity": "5"},
        {"material": "B", "lot": "L1", "quantity": "2.5"},
        {"material": "B", "lot": "L1", "quantity": "0.5"},
    ]
    ids = await room.send("movement", event="e1", lines=lines)

    def stock(material: str, quantity: str) -> dict[str, Any]:
        return {"material": material, "lot": "L1", "quantity": quantity, "plant": "P01", "unit": "KG"}

    world.says("ERP", stock("A", "100"), stock("B", "50"), stock("C", "1"), kind="stock")
    world.says("WMS/P01", stock("A", "95"), stock("B", "47"), stock("C", "2"), kind="stock")
    found = await room.reconcile(Kind.INVENTORY)
    told = {item.keys["material"]: (item.explained, [cause.amount for cause in item.causes]) for item in found.items}
    assert told == {
        "A": (Explained.WHOLLY, ["-5"]),
        "B": (Explained.WHOLLY, ["-3.0"]),
        "C": (Explained.NOT, []),
    }
    assert {cause.id for item in found.items for cause in item.causes} == {ids["ERP"]}
    assert [item.keys["material"] for item in found.items] == ["C", "A", "B"], "what nothing explains comes first"
    assert found.left_out == ["ERP cannot be asked as of a moment and said what it holds now"]


async def test_a_number_that_was_mistyped_is_found_by_its_process(room: Any, world: Any) -> None:
    process = {"ce-correlationid": "PO-1"}
    await room.send("movement", event="e1", headers=process, lines=[{"material": "A", "lot": "L10", "quantity": "5"}])
    world.deliver["ERP"] = REFUSED
    ids = await room.send(
        "movement", event="e2", headers=process, lines=[{"material": "A", "lot": "L1O", "quantity": "5"}]
    )
    await room.send("movement", event="e3", lines=[{"material": "A", "lot": "L1O", "quantity": "5"}])
    entry = {"material": "A", "lot": "L10", "plant": "P01"}
    world.says("ERP", {**entry, "quantity": "95"}, kind="stock")
    world.says("WMS/P01", {**entry, "quantity": "90"}, kind="stock")
    item = await room.only(Kind.INVENTORY)
    assert [cause.id for cause in item.causes] == [ids["ERP"]]
    assert item.causes[0].why.startswith("It is of the same process and names another object. It failed")


async def test_a_document_that_cannot_be_read_explains_without_an_amount(room: Any, world: Any) -> None:
    world.deliver["ERP"] = REFUSED
    await room.send("confirmation", event="e1", order="1", quantity={"value": 40})
    world.says("MES/P01", made("1", 40))
    item = await room.only()
    assert (item.explained, [cause.amount for cause in item.causes]) == (Explained.WHOLLY, [None])


async def test_a_system_that_gives_no_answer_is_no_agreement(room: Any, world: Any) -> None:
    async def down(_request: Any) -> Any:
        from aiohttp import web

        return web.Response(status=503)

    world.says("MES/P01", made("1", 40))
    world.says("EDI", made("1", state="x"))
    world.inquire["ERP"] = down
    found = await room.reconcile()
    assert (found.agree, found.complete, found.differences) == (False, False, 1)
    assert {one.system: one.problem for one in found.asked if one.problem} == {
        "ERP": "it answered 503 where it should have answered with a list"
    }
    assert any("gave no answer" in note for note in found.left_out)


async def test_the_cut_off_is_now_less_the_time_of_late_postings(room: Any, world: Any) -> None:
    before = room.hub.clock.now()
    found = await room.reconcile(later=timedelta(0))
    assert found.as_of <= room.hub.clock.now() - timedelta(seconds=2)
    assert found.as_of >= before - timedelta(seconds=2), "the longest of those that are compared: MES and EDI have 2 s"
    asked = {datetime.fromisoformat(query["as_of"]) for _, query in world.asked}
    assert asked == {found.as_of}
    named = before - timedelta(hours=1)
    assert (await room.reconcile(as_of=named)).as_of == named


async def test_what_cannot_be_asked_is_refused_before_anybody_is(room: Any, world: Any) -> None:
    with pytest.raises(Invalid, match="in the future"):
        await room.reconcile(as_of=room.hub.clock.now() + timedelta(days=1))
    with pytest.raises(NotFound, match="declares nothing to be compared for lots"):
        await room.reconcile(Kind.LOTS)
    with pytest.raises(NotFound, match=r"no plant 'P09'.*P01, P02"):
        await room.reconcile(plant="P09")
    assert world.asked == []


async def test_nothing_beyond_somebodys_rights_is_asked_or_named(room: Any, world: Any) -> None:
    world.deliver["ERP"] = REFUSED
    mine = await confirm(room, "1", "40")
    other = await confirm(room, "1", "7", event="e2", plant="P02")
    world.says("MES/P01", made("1", 40))
    world.says("MES/P02", made("1", 7, plant="P02"))
    world.says("ERP", made("9", 1, plant="P02"))
    found = await room.reconcile(reach=Reach(plants=frozenset({"P01"})))
    assert {label for label, _ in world.asked} == {"MES-P01", "ERP", "EDI"}
    assert [[cause.id for cause in item.causes] for item in found.items] == [[mine]]
    with pytest.raises(NotFound, match="P02"):
        await room.reconcile(plant="P02", reach=Reach(plants=frozenset({"P01"})))
    world.says("ERP", made("9", 1))
    partial = await room.reconcile(reach=Reach(flows=frozenset({"state"})))
    assert {item.field for item in partial.items} <= {"state"}
    assert partial.left_out == ["confirmed: it tells of confirmation, which your rights do not reach"]
    with pytest.raises(Forbidden, match="movement"):
        await room.reconcile(Kind.INVENTORY, reach=Reach(flows=frozenset({"state"})))
    assert other not in str(found.items)


async def test_nothing_that_can_be_asked_is_refused(room: Any, declared: Any) -> None:
    system = room.hub.landscape.catalogue.system
    system["WMS"].inquiry.clear()
    with pytest.raises(Refused, match="fewer than two systems"):
        await room.reconcile(Kind.INVENTORY)


async def test_one_plant_and_a_limit(room: Any, world: Any) -> None:
    world.says("MES/P01", *(made(str(n), 1) for n in range(5)))
    world.says("MES/P02", made("1", 1, plant="P02"))
    found = await room.reconcile(limit=2)
    assert (len(found.items), found.differences, found.unexplained) == (2, 6, 6)
    assert (await room.reconcile(plant="P02")).differences == 1


@pytest.mark.parametrize("token", ["admin", "one-plant", "no-flow"])
async def test_over_the_api(room: Any, world: Any, token: str) -> None:
    world.says("MES/P01", made("1", 40))
    world.says("ERP", made("1", 40))
    async with room.client(token) as client:
        answer = await client.get("reconciliation/orders", params={"tolerance": "0.5,1%", "limit": 5})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert (body["agree"], body["items"], body["next_cursor"], body["tolerance"]) == (True, [], None, "0.5,1%")
        assert {one["system"] for one in body["asked"]} >= {"ERP", "MES/P01"}


@pytest.mark.parametrize(
    ("path", "params", "status", "kind"),
    [
        ("weather", {}, 404, "not-found"),
        ("orders", {"tolerance": "much"}, 422, "invalid-request"),
        ("orders", {"as_of": "2026-01-01T00:00:00"}, 422, "invalid-request"),
        ("orders", {"as_of": "yesterday"}, 422, "invalid-request"),
        ("orders", {"as_of": "2999-01-01T00:00:00Z"}, 422, "invalid-request"),
        ("orders", {"limit": "0"}, 422, "invalid-request"),
        ("orders", {"plant": "P09"}, 404, "not-found"),
        ("orders", {"system": "ERP"}, 422, "invalid-request"),
    ],
)
async def test_bad_questions_over_the_api(
    room: Any, world: Any, path: str, params: dict[str, str], status: int, kind: str
) -> None:
    async with room.client() as client:
        answer = await client.get(f"reconciliation/{path}", params=params)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:andon:problem:{kind}")
    assert len(answer.json()["detail"]) > 30
    assert world.asked == []


async def test_what_is_too_much_to_look_into_is_named(room: Any, world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from hub.reconciliation import proving, reconciling

    for n in range(3):
        await confirm(room, str(n), "1", event=f"e{n}")
    world.posted.clear()
    world.says("MES/P01", *(made(str(n), 1) for n in range(3)))
    monkeypatch.setattr(reconciling, "MOST_TRACED", 2)
    found = await room.reconcile()
    assert (len(found.reopenable), found.unexplained) == (2, 1)
    assert found.left_out == ["1 differences were not looked into any further; name a plant"]
    monkeypatch.setattr(reconciling, "MOST_TRACED", 1_000)
    monkeypatch.setattr(proving, "MOST_QUESTIONS", 1)
    found = await room.reconcile()
    assert (len(found.reopenable), found.unexplained) == (1, 2)
    assert found.left_out == ["2 acknowledged deliveries were not asked for; name a plant"]


async def test_systems_that_know_no_plants(room: Any, world: Any) -> None:
    """An entry that names no plant is about whatever plant the transaction is of."""
    world.deliver["EDI"] = REFUSED
    ids = await room.send("state", event="e1", order="1", version="1")
    world.says("ERP", {"order": {"number": "1"}, "state": "released"})
    item = await room.only()
    assert (item.plant, [cause.id for cause in item.causes]) == ("", [ids["EDI"]])
