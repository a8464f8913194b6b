"""Flows whose reply or confirmation makes them final: sent is not processed until the target says so."""

from __future__ import annotations

import msgspec
import pytest

from hub.delivery.answers import Found, LookupAnswer
from transactions.errors import NotFound
from transactions.landscape import Verify
from transactions.model import FailureKind, Status


@pytest.fixture(params=[Verify.REPLY, Verify.CONFIRM])
def replying(bench, request):
    """The workbench with reports that want a reply, and a reply window that no test waits for."""
    catalogue = bench.landscape.catalogue
    bench.landscape.catalogue = msgspec.structs.replace(
        catalogue,
        flow={**catalogue.flow, "report": msgspec.structs.replace(catalogue.flow["report"], verify=request.param)},
    )
    bench.engine._finisher._profile = msgspec.structs.replace(bench.profile, reply_within=30.0)
    return bench


async def test_it_is_sent_until_the_reply_and_processed_after_it(replying, target) -> None:
    tx = await replying.send("report", event="e1")
    row = await replying.until(tx, Status.SENT)
    assert target.asked == []
    said = LookupAnswer(status=Found.APPLIED, sha256=row.payload_sha256, document="C-1")
    found = await replying.engine.replied("ERP", row.idempotency_key, said)
    assert found.status is Status.PROCESSED
    assert found.document == "C-1"
    again = await replying.engine.replied("ERP", row.idempotency_key, said)
    assert again == found


async def test_a_rejection_by_reply_fails_it_with_the_code(replying, target) -> None:
    row = await replying.until(await replying.send("report", event="e1"), Status.SENT)
    said = LookupAnswer(status=Found.REJECTED, code="M7053", message="closed", kind=FailureKind.PERIOD_CLOSED)
    found = await replying.engine.replied("ERP", row.idempotency_key, said)
    assert found.status is Status.FAILED
    assert found.failure is not None
    assert (found.failure.kind, found.failure.code) == (FailureKind.PERIOD_CLOSED, "M7053")


async def test_a_reply_about_other_content_closes_nothing(replying, target) -> None:
    row = await replying.until(await replying.send("report", event="e1"), Status.SENT)
    said = LookupAnswer(status=Found.APPLIED, sha256="0" * 64, document="C-1")
    found = await replying.engine.replied("ERP", row.idempotency_key, said)
    assert found.status is Status.IN_DOUBT


async def test_a_reply_about_nothing_is_told_so(replying) -> None:
    with pytest.raises(NotFound, match="nothing-went"):
        await replying.engine.replied("ERP", "nothing-went", LookupAnswer(status=Found.APPLIED))


async def test_without_a_reply_the_target_is_asked(bench, target) -> None:
    catalogue = bench.landscape.catalogue
    report = msgspec.structs.replace(catalogue.flow["report"], verify=Verify.REPLY)
    bench.landscape.catalogue = msgspec.structs.replace(catalogue, flow={**catalogue.flow, "report": report})
    tx = await bench.send("report", event="e1")
    await bench.until(tx, Status.PROCESSED)
    assert target.asked
