"""Contracts of two policy sets: errors within a version, a report to its successor."""

from __future__ import annotations

from typing import Any

import pytest

from gateway_policies.contracts.change import Level
from gateway_policies.contracts.texts import MappedTexts
from gateway_policies.contracts.versions import RULES, check_versions
from gateway_policies.model import Lifecycle, PolicySet, Severity, Version, by_address
from gateway_policies.places import Place

TEXT = """\
openapi: 3.1.0
info: {{title: Orders, version: '1'}}
paths:
  /orders:
    post:
      requestBody:
        content:
          application/json:
            schema: {{type: object, required: [{required}], properties: {{order: {{type: string}}, plant: {{}}}}}}
      responses: {{'202': {{description: taken}}}}
"""
OPEN, TIGHT = TEXT.format(required="order").encode(), TEXT.format(required="order, plant").encode()


def version(name: str = "v1", **more: Any) -> Version:
    told: dict[str, Any] = {"lifecycle": Lifecycle.ACTIVE, "contract": f"contracts/{name}.yaml", **more}
    return Version(api="orders", name=name, **told)


def policies(*versions: Version) -> PolicySet:
    return PolicySet(gateway="g", resources=by_address(versions))


def texts(**files: bytes) -> MappedTexts:
    return MappedTexts({f"contracts/{name}.yaml": raw for name, raw in files.items()})


class Somewhere:
    def of(self, address: str, field: str | None = None) -> Place | None:
        return Place("apis/orders.toml", 7, 1)


def test_what_breaks_within_a_version_is_an_error_at_its_line() -> None:
    checked = check_versions(policies(version()), policies(version()), texts(v1=OPEN), texts(v1=TIGHT))
    (finding,) = checked.findings
    assert (finding.rule, finding.severity) == ("request-property-became-required", Severity.ERROR)
    assert finding.address == "api.orders.version.v1"
    assert finding.place == Place("contracts/v1.yaml", 9, 36)
    assert finding.message == "The property plant of the request body became required (in POST /orders)."
    assert "new version" in finding.help
    assert checked.successions == []


def test_what_only_widens_and_what_is_the_same_is_no_finding() -> None:
    same = policies(version())
    assert check_versions(same, same, texts(v1=TIGHT), texts(v1=OPEN)).findings == []
    assert check_versions(same, same, texts(v1=OPEN)).findings == []


def test_a_contract_may_move_to_another_file() -> None:
    before, after = policies(version()), policies(version(contract="contracts/other.yaml"))
    checked = check_versions(before, after, texts(v1=OPEN), texts(other=TIGHT))
    assert [each.rule for each in checked.findings] == ["request-property-became-required"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (version(lifecycle=Lifecycle.DRAFT), version()),
        (version(), version(lifecycle=Lifecycle.RETIRED)),
        (version(contract=None), version()),
        (version(), version(contract=None)),
    ],
)
def test_what_nobody_relies_on_cannot_break(before: Version, after: Version) -> None:
    checked = check_versions(policies(before), policies(after), texts(v1=OPEN), texts(v1=TIGHT))
    assert checked.findings == []


def test_a_version_that_is_new_is_only_read() -> None:
    assert check_versions(policies(), policies(version()), texts(), texts(v1=OPEN)).findings == []
    assert check_versions(None, policies(version()), texts(v1=OPEN)).findings == []
    (finding,) = check_versions(None, policies(version()), texts(v1=b"a: [")).findings
    assert (finding.rule, finding.severity) == ("contract-unreadable", Severity.ERROR)


def test_a_base_that_cannot_be_read_is_said() -> None:
    checked = check_versions(policies(version()), policies(version()), texts(), texts(v1=OPEN), Somewhere())
    (finding,) = checked.findings
    assert (finding.rule, finding.severity) == ("contract-base-unreadable", Severity.WARNING)
    assert finding.place == Place("apis/orders.toml", 7, 1)
    assert "api.orders.version.v1" in finding.message


def test_what_is_gone_points_to_where_it_would_be() -> None:
    nothing = b"openapi: 3.1.0\npaths: {}\n"
    checked = check_versions(policies(version()), policies(version()), texts(v1=OPEN), texts(v1=nothing), Somewhere())
    (finding,) = checked.findings
    assert finding.rule == "operation-removed"
    assert finding.place == Place("apis/orders.toml", 7, 1)


def test_from_a_version_to_its_successor_it_is_a_report() -> None:
    old, new = version(lifecycle=Lifecycle.DEPRECATED, successor="v2"), version("v2")
    checked = check_versions(policies(old, new), policies(old, new), texts(v1=OPEN, v2=TIGHT))
    assert checked.findings == []
    (succession,) = checked.successions
    assert (succession.version, succession.successor) == ("api.orders.version.v1", "api.orders.version.v2")
    assert succession.breaking == 1
    assert [each.level for each in succession.changes] == [Level.BREAKING]


@pytest.mark.parametrize("successor", ["v9", None])
def test_without_a_successor_there_is_no_report(successor: str | None) -> None:
    only = policies(version(successor=successor))
    assert check_versions(only, only, texts(v1=OPEN)).successions == []


def test_a_file_that_it_refers_to_counts_though_the_text_is_the_same() -> None:
    text = b"""\
openapi: 3.1.0
paths:
  /orders:
    post:
      requestBody: {content: {application/json: {schema: {$ref: shared.yaml}}}}
      responses: {}
"""
    same = policies(version())
    before, after = texts(v1=text, shared=b"{type: string}"), texts(v1=text, shared=b"{type: string, maxLength: 3}")
    checked = check_versions(same, same, before, after)
    (finding,) = checked.findings
    assert finding.rule == "request-body-max-length-set"
    assert finding.place == Place("contracts/shared.yaml", 1, 16)


def test_every_rule_is_described_once() -> None:
    names = [each.id for each in RULES]
    assert len(names) == len(set(names))
    assert all(each.title for each in RULES)
