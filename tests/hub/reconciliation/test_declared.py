"""Declarations of inquiries and reconciliations: the shipped ones, and the mistakes people make in their own."""

from __future__ import annotations

from typing import Any

import pytest

from hub.declarations import check_references, read_catalogue, shipped_catalogue
from hub.errors import SettingsError
from hub.masks import Masks
from hub.reconciliation.declared import FieldDeclaration
from hub.reconciliation.fields import choose
from transactions.people import EVERYTHING, Reach
from transactions.reconciliation.model import Kind

SHIPPED = shipped_catalogue()
MASKS = Masks(SHIPPED)


def chosen(kind: str, reach: Reach = EVERYTHING) -> Any:
    return choose(SHIPPED, kind, SHIPPED.reconciliation[kind], reach, MASKS)


def test_the_shipped_catalogue_compares_every_kind_between_systems_of_its_flows() -> None:
    check_references(SHIPPED, "catalogue.toml")
    assert set(SHIPPED.reconciliation) == set(Kind)
    for kind in Kind:
        found = chosen(kind)
        assert found.left_out == []
        assert all(len(field.systems) >= 2 for field in found.fields)


def test_who_is_compared_with_whom_follows_the_flows() -> None:
    orders = {field.name: field for field in chosen("orders").fields}
    assert (orders["confirmed"].leads, set(orders["confirmed"].follows)) == (("MES",), {"ERP", "APS"})
    assert set(orders["received"].leads) == {"MES", "WMS"}
    assert (orders["version"].leads, set(orders["version"].follows)) == (("ERP",), {"MES", "WMS", "QMS"})
    (stock,) = chosen("inventory").fields
    assert (stock.leads, set(stock.follows)) == ((), {"ERP", "WMS"})
    (hold,) = chosen("holds").fields
    assert set(hold.leads) == {"QMS", "MES"}


def test_a_source_that_cannot_be_asked_leaves_the_targets_to_each_other() -> None:
    systems = {name: system for name, system in SHIPPED.system.items() if name != "WMS"}
    catalogue = type(SHIPPED)(
        system={**systems, "WMS": type(SHIPPED.system["WMS"])(title="WMS", local=True)},
        plant=SHIPPED.plant,
        flow=SHIPPED.flow,
        reconciliation=SHIPPED.reconciliation,
    )
    fields = {
        field.name: field
        for field in choose(catalogue, "orders", catalogue.reconciliation["orders"], EVERYTHING, MASKS).fields
    }
    assert fields["received"].leads == ()
    assert fields["confirmed"].leads == ("MES",)
    inventory = choose(catalogue, "inventory", catalogue.reconciliation["inventory"], EVERYTHING, MASKS)
    assert inventory.fields == []
    assert "fewer than two systems" in inventory.left_out[0]


def test_what_is_beyond_somebodys_rights_is_left_out_and_named() -> None:
    found = chosen("orders", Reach(flows=frozenset({"production-confirmation"})))
    assert {field.name for field in found.fields} == {"confirmed", "final"}
    assert any("consumed: it tells of material-consumption" in note for note in found.left_out)


def test_what_a_flow_masks_is_not_told_by_way_of_the_books() -> None:
    def masked(path: str) -> list[str]:
        flow = SHIPPED.flow["production-confirmation"]
        hidden = type(flow.masked)(json=[path])
        flows = {**SHIPPED.flow, "production-confirmation": _with(flow, masked=hidden)}
        catalogue = _with(SHIPPED, flow=flows)
        declared = catalogue.reconciliation["orders"]
        return choose(catalogue, "orders", declared, EVERYTHING, Masks(catalogue)).left_out

    assert masked("$.SegmentResponse.OperationsRequestID") == [
        "confirmed: order of production-confirmation is masked",
        "final: order of production-confirmation is masked",
    ]
    assert masked("$.SegmentResponse.MaterialActual[0].Quantity") == [
        "confirmed: quantity of production-confirmation is masked"
    ]


def _with(struct: Any, **changes: Any) -> Any:
    import msgspec

    return msgspec.structs.replace(struct, **changes)


def test_keys_in_a_path_are_strings_of_the_path() -> None:
    field = FieldDeclaration(flows=["f"], amount=True, quantities="$.lines[?@.lot == {lot}].q")
    assert field.quantities_of({"lot": 'L"1'}) == '$.lines[?@.lot == "L\\"1"].q'
    assert FieldDeclaration(flows=["f"]).quantities_of({"lot": "1"}) is None
    assert (field.sign("f"), _with(field, adds=["f"]).sign("f"), _with(field, takes=["f"]).sign("f")) == (0, 1, -1)


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        (("system", "ERP", "inquiry", "orders", "path"), "inquiries", "begins with a slash"),
        (("system", "ERP", "inquiry", "orders", "items"), "$[", "is not a JSONPath"),
        (("system", "ERP", "inquiry", "orders", "key"), {}, "at least one key"),
        (("system", "ERP", "inquiry", "orders", "unit"), "x", "unit"),
        (("system", "ERP", "inquiry", "weather"), {"path": "/", "key": {"a": "$"}, "values": {}}, "no such inquiry"),
        (("reconciliation", "weather"), {"key": ["a"], "field": {}}, "no such reconciliation"),
        (("reconciliation", "orders", "key"), [], "at least one key"),
        (("reconciliation", "orders", "field", "state", "flows"), [], "at least one flow"),
        (("reconciliation", "orders", "field", "state", "adds"), ["state"], "are for amounts"),
        (("reconciliation", "orders", "field", "confirmed", "adds"), ["state"], "'state' is not among its flows"),
        (("reconciliation", "orders", "field", "confirmed", "quantities"), "$.[", "is not a JSONPath"),
    ],
)
def test_mistakes_are_named_with_their_place(
    declared: dict[str, Any], place: tuple[str, ...], value: Any, problem: str
) -> None:
    table = declared
    for part in place[:-1]:
        table = table[part]
    table[place[-1]] = value
    with pytest.raises(SettingsError) as refused:
        read_catalogue(declared, "team.toml")
    assert problem in refused.value.detail
    assert "team.toml: " in refused.value.detail
    assert place[0] in refused.value.detail


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        (("reconciliation", "orders", "field", "state", "flows"), ["missing"], "'missing' is not declared"),
        (("reconciliation", "inventory"), None, "[reconciliation.inventory] is not declared"),
        (("system", "ERP", "inquiry", "orders", "key"), {"number": "$.id"}, "it lacks order"),
        (("system", "ERP", "inquiry", "orders", "values"), {"weight": "$.w"}, "nothing of that name is compared"),
    ],
)
def test_references_are_held_once_all_is_merged(
    declared: dict[str, Any], place: tuple[str, ...], value: Any, problem: str
) -> None:
    table = declared
    for part in place[:-1]:
        table = table[part]
    if value is None:
        del table[place[-1]]
    else:
        table[place[-1]] = value
    catalogue = read_catalogue(declared, "team.toml")
    with pytest.raises(SettingsError) as refused:
        check_references(catalogue, "team.toml")
    assert problem in refused.value.detail


def test_a_teams_own_reconciliation_replaces_the_shipped_one(declared: dict[str, Any]) -> None:
    merged = SHIPPED.merged(read_catalogue(declared, "test"))
    assert set(merged.reconciliation["orders"].field) == {"confirmed", "state"}
    assert "holds" in merged.reconciliation


def test_the_examples_on_the_page_can_be_served(tmp_path: Any) -> None:
    import re
    from pathlib import Path

    from hub.settings import read_settings

    page = Path(__file__).parents[3] / "docs/reconciliation.md"
    examples = re.findall(r"^```toml\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        file = tmp_path / "hub.toml"
        file.write_text(example, encoding="utf-8")
        read_settings(file)
