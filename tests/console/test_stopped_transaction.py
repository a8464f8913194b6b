"""A transaction that the gateway refused: who called what, since when, what to do, and where the files say it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from console_doubles import MemorySource

from console.screens.transaction import TransactionScreen
from gateway_policies.explaining.judging import Judged, Reason
from gateway_policies.explaining.refused import RefusedCall
from gateway_policies.explaining.stopped_call import stopped_call
from gateway_policies.writing.files import write_texts
from gateway_policies.writing.starting import beginnings
from transactions.model import Failure, FailureKind, Status

ID = "tx-00000003-7f3a9c"
POLICY = "consumer.andon-hub.grant.erp.deliver"
CALL = RefusedCall(
    name="scope-missing",
    status=403,
    api="erp-documents",
    version="v2",
    operation="POST /documents/{flow}",
    scope="erp.deliver",
    client_id="andon-hub",
)


@pytest.fixture
async def source() -> MemorySource:
    """A platform on which the gateway refused one."""
    found = MemorySource()
    kind = FailureKind.FORBIDDEN
    failure = Failure(
        kind=kind, help=kind.help, code="scope-missing", message="no grant", system="gateway", policy_ref=POLICY
    )
    one = await found.transaction(ID)
    found.changed[ID] = msgspec.structs.replace(one, failure=failure, status=Status.FAILED)
    judged = Judged(call=CALL, reason=Reason.GRANT_MISSING, consumer="andon-hub", policy=POLICY)
    found.stopped[ID] = stopped_call(ID, judged, None)
    return found


async def opened(app: Any, pilot: Any, until: Any, shown: Any, text: str) -> str:
    app.obey(f"transaction {ID}")
    await until(pilot, lambda: isinstance(app.screen, TransactionScreen) and text in shown(app))
    return str(shown(app))


async def test_it_says_who_called_since_when_and_what_to_do(make_app, until, shown, source) -> None:
    app = make_app(source)
    async with app.run_test(size=(140, 50)) as pilot:
        page = await opened(app, pilot, until, shown, "it was never granted")
        assert "consumer.andon-hub called POST /documents/{flow} of erp-documents v2" in page
        assert POLICY in page
        assert "Grant erp.deliver to consumer.andon-hub" in page
        assert "in the files" not in page


async def test_where_the_files_say_it(make_app, until, shown, source, tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    write_texts(beginnings(date(2026, 11, 21), example=True), folder)
    app = make_app(source, policies_folder=folder)
    async with app.run_test(size=(200, 50)) as pilot:
        page = await opened(app, pilot, until, shown, "in the files")
        assert "consumers/andon-hub.toml:" in page.replace("\n", "")


async def test_one_that_has_gone_on_since_says_nothing_of_it(make_app, until, shown, source) -> None:
    source.stopped.clear()
    app = make_app(source)
    async with app.run_test(size=(140, 50)) as pilot:
        page = await opened(app, pilot, until, shown, "stopped by")
        await pilot.pause()
        assert "it was never granted" not in page
        assert "Traceback" not in shown(app)


async def test_another_failure_is_not_asked_about(make_app, until, shown, source) -> None:
    del source.changed[ID]
    app = make_app(source)
    async with app.run_test(size=(140, 50)) as pilot:
        assert "it was never granted" not in await opened(app, pilot, until, shown, "ERP says")
