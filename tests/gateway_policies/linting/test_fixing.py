"""What mends itself: once, without a comment lost, and without changing what the gateway does."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from policy_strategies import days, policy_sets

from gateway_policies.edits import Remove, SetField
from gateway_policies.findings import Finding
from gateway_policies.linting import lint
from gateway_policies.linting.fixing import mend, said
from gateway_policies.loading import Loaded, load
from gateway_policies.model import Grant, PolicySet, Severity, Version
from gateway_policies.writing.files import write

TODAY = date(2026, 11, 21)
ANDON = """\
# who governs what
[gateway]
name = "plant-gateway"

# was about the storm of March
[[suppress]]
rule = "grant-reason"
address = "consumer.mes-*"
reason = "storm"
until = 2026-03-31

[[suppress]]
rule = "scope-description"   # all of them
address = "scope.orders.*"
reason = "are written by the quality team"
until = 2027-03-31

[[suppress]]
rule = "grant-reason"
address = "consumer.wms-*"
reason = "storm"
until = 2026-04-30
"""
SCOPES = '[scope."orders.read"]\n'
CONSUMER = """\
[consumer]  # the line's
name = "mes-p03"
owner = "plant-3-it"

# reads
[[grant]]
scope = "orders.read"
reason = "shows orders"
expires_on = 2026-11-20  # renewed each year

# the end
"""
API = """\
[api]
name = "production-orders"
owner = "erp-integration"
base_path = "/erp/production-orders"
upstream = "system:ERP"

[[version]]
name = "v1"  # the old one
lifecycle = "deprecated"

[[version]]
name = "v2"
lifecycle = "active"
"""


def found(folder: Path) -> tuple[Loaded, list[Finding]]:
    loaded = load(folder)
    assert loaded.policies is not None, loaded.findings
    return loaded, lint(loaded.policies, loaded.places, TODAY)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("andon", ANDON), ("scopes", SCOPES), ("consumers/mes-p03", CONSUMER), ("apis/orders", API)):
        path = tmp_path / f"{name}.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_what_needs_no_decision_is_mended_and_every_comment_stays(folder: Path) -> None:
    loaded, before = found(folder)
    mended = mend(folder, loaded, before)
    assert mended.left == []
    assert [each.rule for each in mended.fixed] == [
        "suppression-expired",
        "suppression-expired",
        "successor-missing",
        "grant-expired",
    ]
    andon = (folder / "andon.toml").read_text()
    assert "# who governs what" in andon
    assert 'rule = "scope-description"   # all of them' in andon
    assert "storm" not in andon.replace("the storm of March", "")
    consumer = (folder / "consumers/mes-p03.toml").read_text()
    assert "orders.read" not in consumer
    assert "# the line's" in consumer
    assert 'successor = "v2"' in (folder / "apis/orders.toml").read_text()
    assert 'name = "v1"  # the old one' in (folder / "apis/orders.toml").read_text()
    again, after = found(folder)
    assert not any(each.edits for each in after)
    assert again.policies is not None
    assert [each.rule for each in again.policies.suppressions] == ["scope-description"]


def test_an_edit_says_what_it_does() -> None:
    assert said(Remove("api.a")) == "api.a taken out"
    assert said(Remove("api.a.version.v1", "brownouts")) == "brownouts of api.a.version.v1 taken out"
    assert said(SetField("api.a.version.v1", "successor", "v2")) == "successor of api.a.version.v1 is 'v2' now"


def test_what_no_program_can_change_is_left_with_the_reason(folder: Path) -> None:
    _, before = found(folder)
    (folder / "consumers/mes-p03.toml").write_text(CONSUMER.replace("[[grant]]", "[[other]]"))
    mended = mend(folder, load(folder), [each for each in before if each.rule == "grant-expired"])
    [(finding, why)] = mended.left
    assert mended.fixed == []
    assert finding.rule == "grant-expired"
    assert why.endswith(".")


def wrong(findings: list[Finding]) -> set[tuple[str, str]]:
    # Suppressions are called by their number, which moves: these go by what is said of them.
    return {
        (each.rule, each.message if str(each.address).startswith("suppress") else str(each.address))
        for each in findings
        if each.severity is Severity.ERROR
    }


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(policy_sets(), days())
def test_mending_is_done_once_and_takes_nothing_that_counts(policies: PolicySet, today: date) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name, "policies")
        write(policies, folder)
        loaded = load(folder)
        assert loaded.policies == policies
        before = lint(policies, loaded.places, today)
        mended = mend(folder, loaded, before)
        assert mended.left == []
        assert mended.fixed == [each for each in before if each.edits]
        texts = {path: path.read_text() for path in folder.rglob("*.toml")}
        loaded = load(folder)
        assert loaded.policies is not None
        after = lint(loaded.policies, loaded.places, today)
        still = {(each.rule, each.address) for each in after if not str(each.address).startswith("suppress")}
        assert not still & {(each.rule, each.address) for each in mended.fixed}
        assert wrong(after) <= wrong(before)
        for address, was in policies.resources.items():
            now = loaded.policies.resources.get(address)
            if now is None:
                assert isinstance(was, Grant)
                assert was.expires_on is not None
                assert was.expires_on < today
            elif now != was:
                assert isinstance(now, Version)
                assert isinstance(was, Version)
                assert was.successor is None or now.brownouts == ()
        assert mend(folder, loaded, [each for each in after if each in before]).fixed == []
        assert {path: path.read_text() for path in folder.rglob("*.toml")} == texts
