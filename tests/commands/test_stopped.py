"""``andon tx show`` of what the gateway refused: sentences of the hub, and the place in the files at hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from commands.stopped_view import in_words
from gateway_policies.explaining.at_hand import folder_at_hand, place_in_files
from gateway_policies.explaining.judging import Judged, Reason
from gateway_policies.explaining.refused import RefusedCall
from gateway_policies.explaining.stopped_call import stopped_call
from gateway_policies.gateway import GatewayRevision
from gateway_policies.writing.files import write_texts
from gateway_policies.writing.starting import beginnings
from transactions.errors import Refused
from transactions.model import Failure, FailureKind, Status

Andon = Callable[..., Any]
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
REVISION = GatewayRevision(
    number=4,
    at=datetime(2026, 11, 20, 10, 2, tzinfo=UTC),
    by="ann",
    policy_set="policies",
    plan="p",
    fingerprint="f",
    reason="tidied up",
    added=0,
    changed=0,
    removed=1,
)
FOUND = stopped_call(
    "tx1", Judged(call=CALL, reason=Reason.GRANT_MISSING, consumer="andon-hub", policy=POLICY), REVISION
)


@pytest.fixture
def refused(platform: Any) -> Any:
    """A platform with a transaction that the gateway refused."""
    kind = FailureKind.FORBIDDEN
    failure = Failure(
        kind=kind, help=kind.help, code="scope-missing", message="No grant", system="gateway", policy_ref=POLICY
    )
    platform.add("tx1", failure=failure, status=Status.FAILED)
    platform.on("GET", "transactions/tx1/refusal", msgspec.to_builtins(FOUND))
    return platform


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """The worked example, as files."""
    folder = tmp_path / "policies"
    write_texts(beginnings(date(2026, 11, 21), example=True), folder)
    return folder


def test_who_called_what_since_when_and_what_to_do(andon: Andon, refused: Any) -> None:
    told = " ".join(andon("tx", "show", "tx1").out.split())
    assert "consumer.andon-hub called POST /documents/{flow} of erp-documents v2 as the client andon-hub" in told
    assert f"stopped by {POLICY}" in told
    assert "since revision 4, which ann applied on 2026-11-20 10:02 UTC (tidied up)" in told
    assert "to do Grant erp.deliver to consumer.andon-hub" in told
    assert "in the files" not in told


def test_a_machine_gets_the_transaction_and_nothing_is_asked_besides(andon: Andon, refused: Any) -> None:
    ran = andon("tx", "show", "tx1", "-o", "json")
    assert ran.json["failure"]["policy_ref"] == POLICY
    assert [each.path for each in refused.asked] == ["transactions/tx1"]


def test_where_the_files_say_it(andon: Andon, refused: Any, policies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDON_POLICIES", str(policies))
    told = andon("tx", "show", "tx1").out
    (line,) = [each for each in told.splitlines() if "in the files" in each]
    name, number, _ = line.split()[-1].rsplit(":", 2)
    said = Path(name).read_text(encoding="utf-8").splitlines()[int(number) - 1 :]
    assert said[0] == "[[grant]]"
    assert said[1] == 'scope = "erp.deliver"'


def test_one_that_went_on_meanwhile_is_shown_all_the_same(andon: Andon, refused: Any) -> None:
    def gone(_asked: Any) -> Any:
        raise Refused("Nothing stops tx1.")

    refused.on("GET", "transactions/tx1/refusal", gone)
    ran = andon("tx", "show", "tx1")
    assert ran.code == 0
    assert "to do" not in ran.out


@pytest.mark.parametrize(
    ("address", "file"),
    [
        ("consumer.andon-hub.grant.erp.deliver", "consumers/andon-hub.toml"),
        ("consumer.andon-hub.grant.not.there", "consumers/andon-hub.toml"),
        ("api.erp-documents.version.v1", "apis/erp-documents.toml"),
        ("api.erp-documents.version.v9", "apis/erp-documents.toml"),
        ("throttle.erp-quota", "throttles.toml"),
        ("throttle.none", None),
        ("consumer.nobody", None),
    ],
)
def test_what_is_missing_belongs_to_what_is_there(policies: Path, address: str, file: str | None) -> None:
    place = place_in_files(policies, address)
    assert (place is None) is (file is None)
    assert place is None or place.startswith(f"{policies}/{file}:")


def test_files_that_cannot_be_loaded_say_nothing(policies: Path) -> None:
    (policies / "throttles.toml").write_text("= broken", encoding="utf-8")
    assert place_in_files(policies, "throttle.erp-quota") is None


def test_a_folder_at_hand(policies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert folder_at_hand({}) == Path("policies")
    assert folder_at_hand({"ANDON_POLICIES": str(policies)}) == policies
    assert folder_at_hand({"ANDON_POLICIES": str(tmp_path / "none")}) is None
    monkeypatch.chdir(policies)
    assert folder_at_hand({}) == Path()
    monkeypatch.chdir(policies / "apis")
    assert folder_at_hand({}) is None


@pytest.mark.parametrize(
    ("reason", "ended", "stops", "revision", "since"),
    [
        (Reason.GRANT_MISSING, None, True, None, "ever: it was never granted"),
        (Reason.GRANT_ENDED, date(2026, 11, 19), True, REVISION, "2026-11-20, the day after its last"),
        (Reason.THROTTLED, None, True, None, ""),
        (
            Reason.TOKEN_LACKS,
            None,
            False,
            REVISION,
            "revision 4, which ann applied on 2026-11-20 10:02 UTC (tidied up), it passes",
        ),
        (Reason.RETIRED, None, True, REVISION, "revision 4, which ann applied on"),
    ],
)
def test_since_when(
    reason: Reason, ended: date | None, stops: bool, revision: GatewayRevision | None, since: str
) -> None:
    judged = Judged(call=CALL, reason=reason, consumer="andon-hub", policy=POLICY, ended=ended, stops=stops)
    words = dict(in_words(stopped_call("tx1", judged, revision)))
    assert words["since"].startswith(since)
    assert bool(words["since"]) is bool(since)
