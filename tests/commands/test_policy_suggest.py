"""``andon policy suggest``: a change for review, in the files only when asked for, never at the gateway."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway_policies.explaining.judging import Judged, Reason
from gateway_policies.explaining.refused import RefusedCall
from gateway_policies.explaining.stopped_call import stopped_call
from gateway_policies.loading import load
from gateway_policies.model import Grant
from gateway_policies.traffic.report import SeenCalls
from gateway_policies.writing.files import write_texts
from gateway_policies.writing.starting import beginnings
from transactions.errors import NotFound, Refused
from transactions.groups import Group
from transactions.model import Failure, FailureKind, Status

Andon = Callable[..., Any]
POLICY = "consumer.mes-p01.grant.lot-disposition.write"
CALL = RefusedCall(
    name="scope-missing",
    status=403,
    api="quality-flows",
    version="v1",
    operation="POST /lot-disposition",
    scope="lot-disposition.write",
    client_id="mes-p01",
)


def told(tx: str, reason: Reason = Reason.GRANT_MISSING, policy: str | None = POLICY, **call: Any) -> Any:
    judged = Judged(
        call=msgspec.structs.replace(CALL, **call), reason=reason, consumer="mes-p01", policy=policy, stops=True
    )
    return msgspec.to_builtins(stopped_call(tx, judged, None))


def failed(policy: str | None = POLICY) -> Failure:
    kind = FailureKind.FORBIDDEN
    return Failure(
        kind=kind, help=kind.help, code="scope-missing", message="no grant", system="gateway", policy_ref=policy
    )


@pytest.fixture
def refused(platform: Any) -> Any:
    """A platform with a transaction that the gateway refused."""
    platform.add("tx1", failure=failed(), status=Status.FAILED)
    platform.on("GET", "transactions/tx1/refusal", told("tx1"))
    return platform


@pytest.fixture
def policies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The worked example, as files in a repository."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "policies"
    write_texts(beginnings(datetime.now(UTC).date(), example=True), folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(each): each.read_bytes() for each in sorted(folder.rglob("*")) if each.is_file()}


def test_it_says_what_and_changes_nothing(andon: Andon, refused: Any, policies: Path) -> None:
    before = contents(policies)
    ran = andon("policy", "suggest", "tx1")
    assert ran.code == 0
    assert ran.out.startswith("Grant lot-disposition.write to consumer.mes-p01 until 20")
    assert '+scope = "lot-disposition.write"' in ran.out
    assert '+reason = "say why: POST /lot-disposition of quality-flows was refused"' in ran.out
    assert "Nothing was changed. --write makes it in the files" in ran.err
    assert contents(policies) == before
    assert {each.method for each in refused.asked} == {"GET"}


def test_a_patch_that_git_takes(andon: Andon, refused: Any, policies: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "."], cwd=tmp_path, check=True)
    ran = andon("policy", "suggest", "tx1", "--patch")
    assert ran.out.startswith("diff --git a/policies/consumers/mes-p01.toml")
    assert "Grant lot-disposition.write" in ran.err
    subprocess.run(["git", "apply"], cwd=tmp_path, input=ran.out, text=True, check=True)
    loaded = load(policies)
    assert loaded.policies is not None
    assert isinstance(loaded.policies.resources[POLICY], Grant)


def test_written_into_the_files_and_then_there_is_nothing_left(andon: Andon, refused: Any, policies: Path) -> None:
    before = contents(policies)
    ran = andon("policy", "suggest", "tx1", "policies", "--write")
    assert ran.code == 0
    assert "written  policies/consumers/mes-p01.toml" in ran.out
    assert "andon policy plan policies" in ran.err
    changed = [each for each, text in contents(policies).items() if before[each] != text]
    assert [Path(each).name for each in changed] == ["mes-p01.toml"]
    again = andon("policy", "suggest", "tx1")
    assert again.code == 6
    assert "The files let it pass already, and are not applied" in again.err


def test_as_json(andon: Andon, refused: Any, policies: Path) -> None:
    found = andon("policy", "suggest", "tx1", "-o", "json").json
    assert found["transactions"] == ["tx1"]
    assert found["changes"] == [{"address": POLICY, "field": None, "value": None}]
    assert found["patch"].startswith("diff --git")
    assert (found["left"], found["written"]) == ({}, [])


def test_a_group_gets_one_change_for_every_policy_that_stopped_it(andon: Andon, platform: Any, policies: Path) -> None:
    other = "consumer.mes-p02.grant.lot-disposition.write"
    for tx, policy in (("tx1", POLICY), ("tx2", POLICY), ("tx3", other)):
        platform.add(tx, failure=failed(policy), status=Status.FAILED, group="g1")
    platform.on("GET", "transactions/tx1/refusal", told("tx1"))
    platform.on("GET", "transactions/tx2/refusal", told("tx2"))
    platform.on("GET", "transactions/tx3/refusal", told("tx3", policy=None, client_id="mes-p02"))
    platform.on("GET", "groups/g1", platform.filled(Group, fingerprint="g1", count=3))
    ran = andon("policy", "suggest", "g1", "-o", "json")
    assert ran.code == 0, ran.err
    found = ran.json
    assert sorted(each["address"] for each in found["changes"]) == [POLICY, other]
    asked = [each.path for each in platform.asked if each.path.endswith("/refusal")]
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nothing",), 7, "There is no transaction and no group 'nothing'"),
        (("tx1", "elsewhere"), 7, "elsewhere"),
        (("tx1", "--patch", "--write"), 2, "Leave one of them out"),
        (("tx1", "--environment", "none"), 7, "none"),
        ((), 2, "TX|GROUP"),
    ],
)
def test_what_cannot_be_asked(
    andon: Andon, refused: Any, policies: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    def missing(asked: Any) -> Any:
        raise NotFound(f"There is no {asked.path}.")

    refused.on("GET", "groups/nothing", missing)
    ran = andon("policy", "suggest", *arguments)
    assert (ran.code, words in ran.err) == (code, True), ran.err


def test_no_policy_stopped_it(andon: Andon, platform: Any, policies: Path) -> None:
    platform.add("tx1")

    def other(_asked: Any) -> Any:
        raise Refused("No policy of the gateway stopped tx1: ERP says master-data (M3351).")

    platform.on("GET", "transactions/tx1/refusal", other)
    ran = andon("policy", "suggest", "tx1")
    assert ran.code == 6
    assert "No policy of the gateway stopped tx1" in ran.err


def test_a_throttle_is_held_against_what_was_called(andon: Andon, refused: Any, policies: Path) -> None:
    stopped = told("tx1", Reason.THROTTLED, "throttle.flow-quota")
    refused.on("GET", "transactions/tx1/refusal", stopped)
    refused.on("GET", "gateway/usage/calls", msgspec.to_builtins(SeenCalls(usage=None)))
    ran = andon("policy", "suggest", "tx1")
    assert ran.code == 6
    assert "How many calls there were is not known" in ran.err
    assert "Nothing was changed" in ran.err
