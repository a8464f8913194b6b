"""Source systems send what their rights reach, and reply to nothing else."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from hub.declarations import Catalogue
from transactions.model import Status


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def catalogue(catalogue: Catalogue) -> Catalogue:
    """With a flow whose documents say their plant themselves."""
    report = catalogue.flow["report"]
    keys = msgspec.structs.replace(report.keys, json={**report.keys.json, "plant": "$.plant"})
    return msgspec.structs.replace(
        catalogue, flow={**catalogue.flow, "report": msgspec.structs.replace(report, keys=keys)}
    )


@pytest.fixture
async def sources(local: Any) -> dict[str, str]:
    """Tokens: of a source with a plant and a flow, of one with a risk, of one without limits, of a limited operator."""
    found = {}
    for name, role, limits in (
        ("mes-p01", "source", {"plants": ["P01"], "flows": ["report"]}),
        ("low", "source", {"risks": ["low"]}),
        ("any", "source", {}),
        ("kim", "operator", {"plants": ["P01"]}),
    ):
        await local.post("users", json={"name": name, "roles": [role], "limits": limits})
        found[name] = (await local.post(f"users/{name}/token", json={})).json()["token"]
    return found


async def post(local: Any, path: str, token: str, body: Any = None, **more: Any) -> httpx.Response:
    answer: httpx.Response = await local.post(
        f"http://hub{path}", json={"event": "e1"} if body is None else body, headers=bearer(token), **more
    )
    return answer


async def test_within_reach(local: Any, sources: dict[str, str]) -> None:
    answer = await post(local, "/ingress/report?plant=P01", sources["mes-p01"])
    assert answer.status_code == 202, answer.text
    assert len(answer.json()["items"]) == 1
    assert (await post(local, "/ingress/notice?plant=P02", sources["low"])).status_code == 202
    assert (await post(local, "/ingress/receipt", sources["any"], {"event": "e2", "order": "1"})).status_code == 202


async def test_another_flow_is_refused_before_the_document_is_read(
    local: Any, sources: dict[str, str], problem: Any
) -> None:
    async def body() -> Any:
        raise AssertionError("the document was read")
        yield b""

    answer = await local.post(
        "http://hub/ingress/notice?plant=P01",
        content=body(),
        headers={**bearer(sources["mes-p01"]), "content-type": "application/json"},
    )
    said = problem(answer, 403, "forbidden")
    assert "mes-p01 may not send documents of the flow 'notice'" in said
    assert "plant P01, flow report only" in said
    # A flow that is not there, and one that is beyond reach, look alike.
    assert "of the flow 'nothing'" in problem(
        await post(local, "/ingress/nothing", sources["mes-p01"]), 403, "forbidden"
    )
    problem(await post(local, "/ingress/receipt?plant=P01", sources["low"]), 403, "forbidden")


@pytest.mark.parametrize("how", ["parameter", "header", "both"])
async def test_another_plant(how: str, local: Any, sources: dict[str, str], problem: Any) -> None:
    query = "" if how == "header" else "?plant=P02"
    headers = {**bearer(sources["mes-p01"]), **({} if how == "parameter" else {"ce-plant": "P02"})}
    answer = await local.post(f"http://hub/ingress/report{query}", json={"event": "e1"}, headers=headers)
    assert "of the plant 'P02'" in problem(answer, 403, "forbidden")
    assert (await local.get("transactions")).json()["items"] == []


@pytest.mark.parametrize("how", ["parameter", "header"])
async def test_another_plants_document_under_ones_own_plant(
    how: str, local: Any, sources: dict[str, str], problem: Any
) -> None:
    """The target posts what the document says, whatever the request around it said."""
    query = "" if how == "header" else "?plant=P01"
    headers = {**bearer(sources["mes-p01"]), **({} if how == "parameter" else {"ce-plant": "P01"})}
    for plant, expected in (("P02", 403), ("P01", 202), ("1000", 202)):  # 1000: a target's own name of a plant
        body = {"event": f"e{plant}", "plant": plant}
        answer = await local.post(f"http://hub/ingress/report{query}", json=body, headers=headers)
        assert answer.status_code == expected, answer.text
        if expected == 403:
            assert "as they say themselves, of the plant 'P02'" in problem(answer, 403, "forbidden")
            assert (await local.get("transactions")).json()["items"] == []


async def test_a_person_with_a_plant_sends_there_only(local: Any, sources: dict[str, str], problem: Any) -> None:
    good = await local.post("ingress?flow=report&plant=P01", json={"event": "e1"}, headers=bearer(sources["kim"]))
    assert good.status_code == 202
    bad = await local.post("ingress?flow=report&plant=P02", json={"event": "e2"}, headers=bearer(sources["kim"]))
    assert "kim may not send documents of the plant 'P02'" in problem(bad, 403, "forbidden")


async def test_a_source_sees_nothing(local: Any, sources: dict[str, str], problem: Any) -> None:
    for path in ("transactions", "board", "users", "audit", "nothing"):
        problem(await local.get(path, headers=bearer(sources["any"])), 403, "forbidden")


async def test_replies_about_what_is_beyond_reach_are_about_nothing(
    local: Any, sources: dict[str, str], problem: Any
) -> None:
    """Neither does such a reply change anything, nor can keys of others be found out with it."""
    sent = await post(local, "/ingress/report?plant=P02", sources["any"], {"event": "e9", "order": "1"})
    (item,) = sent.json()["items"]
    settled = await local.settled(item["id"])
    assert settled["status"] == Status.PROCESSED
    reply = {"key": settled["idempotency_key"], "status": "rejected"}
    beyond = problem(await post(local, "/ingress/replies/ERP", sources["mes-p01"], reply), 404, "not-found")
    nothing = problem(
        await post(local, "/ingress/replies/ERP", sources["mes-p01"], {**reply, "key": "no"}), 404, "not-found"
    )
    assert beyond.replace(reply["key"], "no") == nothing
    assert (await local.get(f"transactions/{item['id']}")).json() == settled
    within = await post(local, "/ingress/replies/ERP", sources["any"], {**reply, "status": "applied"})
    assert within.status_code == 200, within.text
