"""What the admin API shows: transactions, payloads, timelines, the landscape, the board."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from aiohttp import web

from hub.api.looking import _plant
from hub.declarations import PlantDeclaration
from transactions.model import Status
from transactions.people import EVERYTHING


def says(status: int, body: object = None):
    async def answer(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response(body, status=status)

    return answer


REJECTED = says(422, {"error": {"code": "M7053", "message": "Period 10 is closed"}})


async def test_a_transaction_is_shown_whole_with_its_etag(local, target) -> None:
    target.deliver = REJECTED
    tx = await local.send("consumption", {"ce-causationid": "cause-1"}, event="e1", order="4711")
    found = await local.settled(tx)
    answer = await local.get(f"transactions/{tx}")
    assert answer.headers["etag"] == f'"{found["etag"]}"'
    assert found["failure"] == {
        "kind": "period-closed",
        "help": "decision",
        "code": "M7053",
        "message": "Period 10 is closed",
        "system": "ERP",
        "policy_ref": None,
    }
    assert found["business_keys"] == {"event": "e1", "order": "4711"}
    assert (found["causation_id"], found["key_origin"], found["risk"]) == ("cause-1", "recipe", "financial")
    assert found["overdue"] is False
    created, due = (datetime.fromisoformat(found[name]) for name in ("created_at", "due_at"))
    assert due - created == timedelta(minutes=15)


async def test_the_etag_moves_whenever_the_transaction_does(local, target) -> None:
    target.deliver = REJECTED
    tx = await local.send(event="e1")
    before = (await local.settled(tx))["etag"]
    await local.run(await local.plan("discard", tx))
    assert (await local.get(f"transactions/{tx}")).json()["etag"] != before


async def test_the_timeline_tells_everything_oldest_first(local, target) -> None:
    target.deliver = REJECTED
    tx = await local.send(event="e1")
    await local.settled(tx)
    await local.run(await local.plan("discard", tx))
    lines = (await local.get(f"transactions/{tx}/timeline")).json()["items"]
    moments = [line["at"] for line in lines]
    assert moments == sorted(moments)
    statuses = [line["status"] for line in lines if line["status"]]
    assert statuses == ["pending", "failed", "discarded"]
    (attempt,) = [line["attempt"] for line in lines if line["kind"] == "attempt"]
    assert (attempt["n"], attempt["response_status"], attempt["outcome"]) == (1, 422, "failed")
    assert "M7053" in attempt["response_body"]
    assert lines[-1]["by"] == "ann"


async def test_secrets_are_not_kept_with_an_attempt(local, target) -> None:
    local.hub.engine._authorization = "Bearer very-secret"
    tx = await local.send(event="e1")
    await local.settled(tx)
    assert target.received[0][2]["authorization"] == "Bearer very-secret"
    assert "very-secret" not in (await local.get(f"transactions/{tx}/timeline")).text


async def test_correlation_is_kept_and_failure_headers_of_a_broker_are_stripped(local, target) -> None:
    headers = {"ce-id": "7", "ce-source": "/mes", "ce-correlationid": "C-1", "x-death": "3", "x-exception": "boom"}
    tx = await local.send(headers=headers, event="e1")
    assert (await local.settled(tx))["correlation_id"] == "C-1"
    kept = (await local.get(f"transactions/{tx}/payload")).json()["headers"]
    assert "x-death" not in kept
    assert kept["ce-correlationid"] == "C-1"
    sent = target.received[0][2]
    assert sent["ce-correlationid"] == "C-1"
    assert not {"x-death", "x-exception"} & set(sent)


@pytest.mark.parametrize(
    ("content", "media", "encoding"),
    [
        (b'{"event": "\xc3\xa9"}', "application/json", "text"),
        ("<a>\u00e9</a>".encode("latin-1"), "application/xml; charset=iso-8859-1", "text"),
    ],
)
async def test_a_payload_is_shown_for_people_and_byte_for_byte(local, content, media, encoding) -> None:
    answer = await local.post("ingress?flow=report", content=content, headers={"Content-Type": media})
    tx = answer.json()["items"][0]["id"]
    raw = await local.get(f"transactions/{tx}/payload", headers={"Accept": "application/octet-stream"})
    assert raw.content == content
    assert raw.headers["content-disposition"] == f'attachment; filename="{tx}-1"'
    assert raw.headers["andon-content-type"] == media
    shown = (await local.get(f"transactions/{tx}/payload?revision=1")).json()
    assert (shown["encoding"], shown["size"]) == (encoding, len(content))
    assert shown["sha256"] == hashlib.sha256(content).hexdigest()
    assert "\u00e9" in shown["content"]


async def test_a_payload_that_is_no_text_is_shown_in_base64(local) -> None:
    tx = await local.send(event="e1")
    content = b"\x00\xff\xfe\x80"
    await local.hub.database.write(lambda c: c.exec_driver_sql("update payloads set content = ?", (content,)))
    shown = (await local.get(f"transactions/{tx}/payload")).json()
    assert shown["encoding"] == "base64"
    assert base64.b64decode(shown["content"]) == content


async def test_a_revision_that_there_is_not(local, problem) -> None:
    tx = await local.send(event="e1")
    assert "has no revision 2. It has: 1" in problem(
        await local.get(f"transactions/{tx}/payload?revision=2"), 404, "not-found"
    )
    problem(await local.get(f"transactions/{tx}/payload?revision=0"), 422, "invalid-request")
    for path in ("transactions/none", "transactions/none/timeline", "transactions/none/payload"):
        assert "none" in problem(await local.get(path), 404, "not-found")


async def test_counts_agree_with_lists_for_any_filter(local, target) -> None:
    await local.settled(await local.send(event="e1"))
    target.deliver = REJECTED
    await local.settled(await local.send("consumption", event="e2", order="1"))
    for text, expected in (
        ("", 2),
        ("  ", 2),
        ("status:failed", 1),
        ("flow:report", 1),
        ("order:1", 1),
        ("-order:1", 1),
    ):
        count = (await local.get("transactions/count", params={"filter": text})).json()["count"]
        items = (await local.get("transactions", params={"filter": text})).json()["items"]
        assert count == len(items) == expected, text


async def test_the_systems_say_how_they_are(local, target) -> None:
    async def systems() -> dict[str, dict[str, object]]:
        return {item["name"]: item for item in (await local.get("systems")).json()["items"]}

    before = await systems()
    assert (before["ERP"]["health"], before["ERP"]["breaker"], before["ERP"]["lookup"]) == ("idle", "closed", True)
    assert before["ERP"]["settle_after_seconds"] == 0.15
    await local.settled(await local.send(event="e1"))
    outlet = local.hub.engine.outlet("ERP", None)
    async with asyncio.timeout(5):
        while outlet.last_success is None:
            await asyncio.sleep(0.005)
    assert (await systems())["ERP"]["health"] == "ok"
    target.deliver = REJECTED
    await local.settled(await local.send("consumption", event="e2", order="1"))
    await local.settled(await local.send("consumption", event="e3", order="1"))
    erp = (await systems())["ERP"]
    assert (erp["open"], erp["held"], erp["moving"]) == (1, 1, 0)
    outlet.last_failure = local.hub.clock.now()
    assert (await systems())["ERP"]["health"] == "warning"
    for _ in range(local.hub.profile.breaker_failures):
        outlet.breaker.failed(1e12)
    assert (await systems())["ERP"]["health"] == "down"


async def test_the_flows_are_told_as_declared(local) -> None:
    flows = {flow["name"]: flow for flow in (await local.get("flows")).json()["items"]}
    assert set(flows) == {"consumption", "report", "plan", "receipt", "notice"}
    assert flows["receipt"]["requires"] == [{"flow": "consumption", "key": "order"}]
    assert (flows["plan"]["semantics"], flows["plan"]["slo_seconds"]) == ("snapshot", 900.0)
    assert flows["consumption"]["business_keys"] == ["event", "material", "order"]


@pytest.mark.parametrize(
    ("local_time", "shift", "ends"),
    [
        ("2026-03-02T05:59", "night", "2026-03-02T06:00"),
        ("2026-03-02T06:00", "early", "2026-03-02T14:00"),
        ("2026-03-02T13:59", "early", "2026-03-02T14:00"),
        ("2026-03-02T22:00", "night", "2026-03-03T06:00"),
        ("2026-03-02T00:00", "night", "2026-03-02T06:00"),
        ("2026-03-28T23:00", "night", "2026-03-29T06:00"),  # the clocks go forward in that night
    ],
)
def test_the_shift_of_a_plant_follows_its_own_clock(local_time, shift, ends) -> None:
    zone = ZoneInfo("Europe/Berlin")
    plant = PlantDeclaration(title="One")
    now = datetime.fromisoformat(local_time).replace(tzinfo=zone).astimezone(UTC)
    found = _plant("P01", plant, now)
    assert found.shift == shift
    assert found.shift_ends_at == datetime.fromisoformat(ends).replace(tzinfo=zone).astimezone(UTC)


def test_a_plant_with_one_shift_is_always_in_it() -> None:
    now = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    found = _plant("P01", PlantDeclaration(title="One", timezone="UTC", shifts=["07:00 day"]), now)
    assert (found.shift, found.shift_ends_at) == ("day", datetime(2026, 3, 3, 7, 0, tzinfo=UTC))


async def test_the_board_and_the_status_count_the_same(local, target) -> None:
    await local.settled(await local.send(event="e1"))
    target.deliver = REJECTED
    await local.settled(await local.send(event="e2"))
    board, status = (await local.get("board")).json(), (await local.get("status")).json()
    assert board["counts"] == status["counts"]
    assert set(board["counts"]) == set(Status)
    assert (status["transactions"], status["profile"], status["simulate"]) == (2, "quick", False)
    (lamp,) = board["lamps"]
    assert (lamp["plant"], lamp["flow"], lamp["counts"]["failed"], sum(lamp["trend"])) == ("P01", "report", 1, 1)
    (cause,) = board["causes"]
    told = (cause["kind"], cause["count"], cause["plants"], cause["owner"])
    assert told == ("closed-period", 1, ["P01"], "mes-team")
    assert board["oldest_failed_at"] == lamp["oldest_failed_at"]


async def test_what_is_late_is_counted_as_overdue(local, target) -> None:
    target.deliver = REJECTED
    tx = await local.send(event="e1")
    await local.settled(tx)
    await local.hub.database.write(lambda c: c.exec_driver_sql("update transactions set due_at = 1"))
    assert (await local.get(f"transactions/{tx}")).json()["overdue"] is True
    board = (await local.get("board")).json()
    assert (board["overdue"], board["lamps"][0]["overdue"]) == (1, 1)
    await local.run(await local.plan("discard", tx))
    assert (await local.get(f"transactions/{tx}")).json()["overdue"] is False
    assert (await local.get("board")).json()["overdue"] == 0


async def test_metrics_follow_the_store(local) -> None:
    await local.settled(await local.send(event="e1"))
    text = (await local.get("http://hub/metrics")).text
    assert 'andon_transactions{status="processed",flow="report",target="ERP",plant="P01"} 1' in text
    assert 'andon_breaker_open{target="ERP"} 0' in text


def test_business_keys_of_every_flow_can_be_filtered(own_hub) -> None:
    assert own_hub.business_keys() == {"event", "order", "material", "plan", "version"}
    assert own_hub.condition(None, own_hub.clock.now(), EVERYTHING) is None
    assert own_hub.condition("order:1", own_hub.clock.now(), EVERYTHING) is not None
    assert msgspec.structs.asdict(own_hub.profile)["name"] == "quick"
