"""Policies as files, and a gateway on the disk: no difference is made up on the way from the one to the other."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

from gateway_doubles import NOW
from hypothesis import HealthCheck, given, settings
from policy_strategies import policy_sets

from gateway_policies.directory import Directory
from gateway_policies.loading import Loaded, load
from gateway_policies.model import PolicySet
from gateway_policies.planning.applying import changeset_of
from gateway_policies.planning.making import make_plan
from gateway_policies.planning.model import OVERRIDABLE, Plan
from gateway_policies.writing.files import texts, write_texts
from gateway_policies.writing.layout import laid_out
from gateway_policies.writing.starting import beginnings


def loaded(folder: Path) -> Loaded:
    found = load(folder)
    assert found.policies is not None, found.findings
    return found


def applied(policies: PolicySet, gateway: Directory) -> Plan:
    state = gateway.state(policies.name)
    plan = make_plan(policies, state, made_at=NOW)
    if any(each.guard not in OVERRIDABLE for change in plan.changes for each in change.blockers):
        return plan
    gateway.apply(changeset_of(plan, state, by="grete"), NOW)
    return plan


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(policy_sets(2))
def test_what_was_written_loaded_and_applied_is_no_difference_however_it_is_laid_out(policies: PolicySet) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, place = Path(name, "policies"), Path(name, "gw")
        folder.mkdir()
        place.mkdir()
        write_texts(texts(policies), folder)
        gateway = Directory(place, policies.gateway)
        first = applied(loaded(folder).policies or policies, gateway)
        if first.verdict.blocked:
            return
        for path in folder.rglob("*.toml"):
            path.write_text(laid_out(path.read_text()).replace("\n\n", "\n\n# nothing to see here\n\n"))
        again = loaded(folder)
        assert make_plan(again.policies or policies, gateway.state(policies.name), made_at=NOW).empty
        assert make_plan(policies, gateway.state(policies.name), made_at=NOW).empty


def test_the_worked_example_is_planned_applied_and_then_nothing_is_to_be_done(tmp_path: Path) -> None:
    for example in (False, True):
        folder, place = tmp_path / f"policies-{example}", tmp_path / f"gw-{example}"
        folder.mkdir()
        place.mkdir()
        write_texts(beginnings(date(2026, 11, 21), example=example), folder)
        found = loaded(folder)
        assert found.policies is not None
        gateway = Directory(place, found.policies.gateway)
        plan = make_plan(found.policies, gateway.state(found.policies.name), made_at=NOW, places=found.places)
        assert plan.verdict.blocked == 0
        assert plan.verdict.add == len(found.policies.resources) > 5
        assert all(each.place is not None for each in plan.changes)
        assert all((folder / each.place.file).is_file() for each in plan.changes if each.place is not None)
        applied(found.policies, gateway)
        assert make_plan(found.policies, gateway.state(found.policies.name), made_at=NOW).empty
