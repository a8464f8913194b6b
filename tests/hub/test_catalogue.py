"""The shipped catalogue is whole, and says what the field says."""

from __future__ import annotations

from graphlib import TopologicalSorter

import pytest

from hub.declarations import Catalogue, check_references, shipped_catalogue
from transactions.landscape import Idempotent, Verify
from transactions.model import Risk


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return shipped_catalogue()


def test_fourteen_systems_three_plants_sixteen_flows(catalogue: Catalogue) -> None:
    check_references(catalogue, "catalogue.toml")
    assert (len(catalogue.system), len(catalogue.plant), len(catalogue.flow)) == (14, 3, 16)
    assert catalogue.default_plant in catalogue.plant
    assert {name for name, system in catalogue.system.items() if system.local} == {"MES", "WMS", "historian"}


def test_financial_and_quality_flows_are_verified_where_that_can_be_asked(catalogue: Catalogue) -> None:
    for name, flow in catalogue.flow.items():
        if flow.risk in (Risk.FINANCIAL, Risk.QUALITY):
            assert flow.verify is Verify.LOOKUP, name
            assert all(catalogue.system[target].lookup for target in flow.targets), name


def test_every_kind_of_promise_and_dialect_occurs(catalogue: Catalogue) -> None:
    assert {system.idempotent for system in catalogue.system.values()} == set(Idempotent)
    assert {system.dialect for system in catalogue.system.values()} == {"rest", "odata", "soap"}
    for name, system in catalogue.system.items():
        assert (system.lookup is None) == (system.idempotent is Idempotent.NONE), name
        assert system.settle_seconds() <= 2, name


def test_requires_is_a_chain_over_shared_keys_and_targets(catalogue: Catalogue) -> None:
    graph = {name: [need.flow for need in flow.requires] for name, flow in catalogue.flow.items()}
    list(TopologicalSorter(graph).static_order())  # raises CycleError
    for name, flow in catalogue.flow.items():
        for need in flow.requires:
            before = catalogue.flow[need.flow]
            assert set(before.targets) & set(flow.targets), (name, need.flow)
            for one in (flow, before):
                assert need.key in {*one.keys.json, *one.keys.xml}, (name, need.key)


def test_versions_belong_to_objects(catalogue: Catalogue) -> None:
    for name, flow in catalogue.flow.items():
        assert flow.semantics.replaceable == (flow.object is not None) == (flow.version is not None), name
