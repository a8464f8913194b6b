"""What does not fit its schema is not sent, unless somebody says so by name."""

from __future__ import annotations

import json

import pytest

from hub.schemas import read_schemas
from transactions.approvals import why_second
from transactions.edits import Step
from transactions.model import Status
from transactions.plans import Action, PlanOptions, Verdict

SCHEMA = {"type": "object", "properties": {"unit": {"enum": ["KG", "EA"]}}}


@pytest.fixture
async def failed(bench, target, tmp_path):
    """A failed transaction of a hub whose schema does not know its unit."""
    from aiohttp import web

    async def reject(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response({"error": {"code": "BM311", "message": "no unit"}}, status=422)

    usual, target.deliver = target.deliver, reject
    (tmp_path / "report.schema.json").write_text(json.dumps(SCHEMA))
    bench.landscape.schemas = read_schemas(tmp_path)
    tx = await bench.send("report", event="e1", order="o1", unit="KIL")
    await bench.until(tx, Status.FAILED)
    target.deliver = usual
    target.received.clear()
    return tx


async def test_a_replay_of_what_does_not_fit_is_refused_with_the_place(bench, target, failed) -> None:
    plan = await bench.plan(Action.REPLAY, failed)
    assert plan.items[0].verdict is Verdict.REFUSED
    assert plan.items[0].because == (
        'it does not fit its schema: $.unit does not fit: enum ["KG","EA"]. Edit it, or override with --force-schema'
    )


async def test_an_edit_has_to_fit_as_well(bench, target, failed) -> None:
    wrong = await bench.plan(Action.EDIT, failed, patch=[Step(op="set", path="$.unit", value="LB")])
    assert wrong.items[0].verdict is Verdict.REFUSED
    assert wrong.edits[0].findings[0].path == "$.unit"
    right = await bench.plan(Action.EDIT, failed, patch=[Step(op="set", path="$.unit", value="KG")])
    assert right.items[0].verdict is Verdict.SEND
    await bench.run(right)
    await bench.until(failed, Status.PROCESSED)


async def test_it_is_overridden_by_name_and_as_a_force_wants_two_where_two_are_wanted(bench, target, failed) -> None:
    plan = await bench.plan(Action.REPLAY, failed, force_schema=True)
    assert plan.items[0].verdict is Verdict.SEND
    await bench.run(plan)
    await bench.until(failed, Status.PROCESSED)
    import msgspec

    from transactions.model import Risk

    items = [msgspec.structs.replace(plan.items[0], risk=Risk.FINANCIAL)]
    (said,) = why_second(Action.REPLAY, PlanOptions(force_schema=True), items, frozenset(), 1000)
    assert said == "It forces replay of 1 financial transaction."
    assert why_second(Action.REPLAY, PlanOptions(), items, frozenset(), 1000) == []
