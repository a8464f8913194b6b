"""What holds of lint whatever the policies say."""

from __future__ import annotations

from datetime import date

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from policy_strategies import days, policy_sets

from gateway_policies.findings import in_order
from gateway_policies.linting import examine, lint, rules
from gateway_policies.model import PolicySet, Severity, Suppression
from gateway_policies.places import Nowhere

EVERYTHING = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NOWHERE = Nowhere()
META = {"suppression-expired", "suppression-unused", "suppression-long", "unknown-rule"}


@EVERYTHING
@given(policy_sets(), days())
def test_lint_answers_and_says_what_it_means(policies: PolicySet, today: date) -> None:
    known = {each.id: each for each in rules()}
    found = lint(policies, NOWHERE, today)
    for each in found:
        assert each.severity is policies.lint.get(each.rule, known[each.rule].severity)
        assert each.severity is not Severity.OFF
        assert each.message.endswith((".", "?"))
        assert each.help
        assert each.address in policies.resources or str(each.address).startswith(("suppress[", "lint"))
    assert found == in_order(found)


@EVERYTHING
@given(policy_sets(), days())
def test_lint_says_the_same_of_the_same_in_whatever_order_it_is_kept(policies: PolicySet, today: date) -> None:
    backwards = msgspec.structs.replace(policies, resources=dict(reversed(policies.resources.items())))
    assert lint(backwards, NOWHERE, today) == lint(policies, NOWHERE, today)


@EVERYTHING
@given(policy_sets(), days(), st.data())
def test_a_suppression_silences_what_it_names_and_nothing_else(
    policies: PolicySet, today: date, data: st.DataObject
) -> None:
    plain = msgspec.structs.replace(policies, suppressions=())
    before = [each for each in lint(plain, NOWHERE, today) if each.rule not in META]
    if not before:
        return
    chosen = data.draw(st.sampled_from(before))
    silence = Suppression(rule=chosen.rule, address=str(chosen.address), reason="known", until=today)
    silenced = msgspec.structs.replace(plain, suppressions=(silence,))
    result = examine(silenced, NOWHERE, today)
    gone = [each for each in before if (each.rule, each.address) == (chosen.rule, chosen.address)]
    assert [each for each in result.findings if each.rule not in META] == [each for each in before if each not in gone]
    assert [each.finding for each in result.suppressed] == gone
    assert all(each.suppression is silence for each in result.suppressed)
    assert "suppression-unused" not in {each.rule for each in result.findings}


@EVERYTHING
@given(policy_sets(), days())
def test_what_is_off_is_not_told(policies: PolicySet, today: date) -> None:
    off = msgspec.structs.replace(policies, lint={each.id: Severity.OFF for each in rules()})
    assert lint(off, NOWHERE, today) == []
