"""The masks of a flow: keys, failures, attempts; and declarations that cannot be kept."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.declarations import Catalogue, KeyPaths, MaskPaths, read_catalogue, shipped_catalogue
from hub.errors import SettingsError
from hub.masks import FlowMasks, Masks
from hub.masks.flow import REPEATS
from hub.masks.settings import check_masks
from hub.settings import read_settings
from transactions.history import MASK, Attempt
from transactions.model import Failure, FailureKind

JSON = "application/json"
DOCUMENT = b'{"order":"4711","customer":{"name":"Erika Muster"},"lines":[{"price":12.50}]}'
FLOW: dict[str, Any] = {
    "title": "Sales order",
    "sources": ["CRM"],
    "targets": ["ERP"],
    "document": "Order",
    "identity": ["order"],
    "semantics": "command",
    "slo": "15m",
    "risk": "financial",
    "owner": "sales-it",
    "object": "order",
    "version": "version",
    "order_by": "order+item",
    "requires": [{"flow": "customers", "key": "account"}],
    "keys": {
        "json": {
            "order": "$.order",
            "version": "$.version",
            "item": "$.item",
            "account": "$.account",
            "plant": "$.plant",
            "customer": "$.customer.name",
            "price": ["$.price", "$.lines[0].price"],
        },
        "xml": {"order": "//Order/ID", "customer": "//Customer/Name"},
    },
}
SYSTEMS = {"CRM": {"title": "CRM"}, "ERP": {"title": "ERP"}}


def catalogue(**masked: list[str]) -> Catalogue:
    customers = {**FLOW, "requires": [], "masked": {}}
    return read_catalogue(
        {"system": SYSTEMS, "flow": {"sales": {**FLOW, "masked": masked}, "customers": customers}}, "x"
    )


def masks(**masked: list[str]) -> FlowMasks:
    found = Masks(catalogue(**masked)).flow("sales")
    assert found is not None
    return found


def failure(message: str, code: str = "M7021", system: str = "ERP") -> Failure:
    kind = FailureKind.BUSINESS_RULE
    return Failure(kind=kind, help=kind.help, code=code, message=message, system=system)


def test_a_flow_that_declares_nothing_masks_nothing() -> None:
    assert Masks(catalogue()).flow("sales") is None
    assert Masks(catalogue()).flow("unknown") is None
    assert not Masks(catalogue()).keys


def test_keys_taken_from_masked_paths_are_masked() -> None:
    flow = masks(json=["$.customer", "$.lines[*].price"])
    assert flow.keys == {"customer", "price"}
    assert flow.hide_keys({"order": "4711", "customer": "Erika Muster"}) == {"order": "4711", "customer": MASK}
    assert Masks(catalogue(json=["$.customer"])).keys == {"customer": ["sales"]}


def test_a_key_masked_in_one_form_is_masked_in_both() -> None:
    assert masks(xml=["//Customer"]).hide_keys({"customer": "Erika Muster"}) == {"customer": MASK}


def test_a_key_that_a_document_has_inside_what_is_masked_is_seen() -> None:
    paths = KeyPaths(xml={"order": "//Order/ID", "contact": "//Phone"})
    flow = FlowMasks(MaskPaths(xml=["//Customer"]), paths)
    outside = b"<d><Order><ID>1</ID></Order><Phone>2</Phone></d>"
    inside = b"<d><Order><ID>1</ID></Order><Customer><Phone>2</Phone></Customer></d>"
    keys = {"order": "1", "contact": "2"}
    assert flow.keys_in_masks(outside, "application/xml", keys) == []
    assert flow.keys_in_masks(inside, "application/xml", keys) == ["contact"]


def test_words_of_a_target_that_repeat_a_hidden_value_are_withheld_whole() -> None:
    secrets = masks(json=["$.customer"]).secrets([(DOCUMENT, JSON)])
    said = secrets.failure(failure("Customer Erika Muster has a credit block"))
    assert said.message == f"M7021: {REPEATS}"
    assert said.code == "M7021"
    assert secrets.failure(failure("Credit block")) == failure("Credit block")


def test_a_code_that_is_a_hidden_value_is_masked_too() -> None:
    said = masks(json=["$.customer"]).secrets([(DOCUMENT, JSON)]).failure(failure("Blocked", code="Muster"))
    assert said.code == MASK
    assert "Muster" not in said.message


def test_older_revisions_hide_their_values_as_well() -> None:
    secrets = masks(json=["$.customer"]).secrets([(DOCUMENT, JSON), (b'{"customer":{"name":"Jan Novak"}}', JSON)])
    assert secrets.repeated_in("Novak is unknown")
    assert secrets.repeated_in("Muster is unknown")


def test_where_a_document_cannot_be_read_no_word_about_it_is_shown() -> None:
    secrets = masks(json=["$.customer"]).secrets([(b'{"customer"', JSON)])
    assert secrets.failure(failure("Lot unknown")).message == f"M7021: {REPEATS}"
    assert secrets.answer('{"message":"Lot unknown"}').startswith(MASK)


def test_the_words_of_the_hub_itself_stay() -> None:
    secrets = masks(json=["$.customer"]).secrets([(b'{"customer"', JSON)])
    own = failure("ERP has no address", code="no-address", system="hub")
    assert secrets.failure(own) == own


def test_an_attempt_is_masked_in_headers_answer_and_failure() -> None:
    secrets = masks(json=["$.customer", "$.lines[*].price"]).secrets([(DOCUMENT, JSON)])
    attempt = Attempt(
        n=1,
        purpose="delivery",
        started_at=datetime(2026, 11, 21, tzinfo=UTC),
        finished_at=None,
        by="hub",
        batch=None,
        revision=1,
        method="POST",
        url="https://erp.example/orders",
        request_headers={"ce-subject": "Erika Muster", "content-length": "12.5", "ce-type": "sales"},
        response_status=422,
        response_headers={"x-customer": "Muster", "server": "nginx"},
        response_body='{"customer":{"id":1},"status":"rejected","price":99}',
        outcome="failed",
        failure=failure("Erika Muster is blocked"),
    )
    shown = secrets.attempt(attempt)
    assert shown.request_headers == {"ce-subject": MASK, "content-length": "12.5", "ce-type": "sales"}
    assert shown.response_headers == {"x-customer": MASK, "server": "nginx"}
    assert shown.response_body == '{"customer":"▒▒▒","status":"rejected","price":"▒▒▒"}'
    assert shown.failure is not None
    assert "Muster" not in msgspec.json.encode(shown).decode()


@pytest.mark.parametrize(
    ("masked", "said"),
    [
        ({"json": ["$.order"]}, "'order', which makes the idempotency key"),
        ({"json": ["$"]}, "'order', which makes the idempotency key"),
        ({"json": ["$.version"]}, "'version', which makes the version"),
        ({"json": ["$.item"]}, "'item', which makes the lane (order_by)"),
        ({"json": ["$.account"]}, "'account', which makes what it requires"),
        ({"json": ["$.plant"]}, "'plant', which makes the plant it is routed to"),
        ({"json": ["$..order"]}, "'order'"),
        ({"xml": ["//Order"]}, "'order', which makes the idempotency key"),
        ({"json": ["customer"]}, "is not a JSONPath"),
        ({"xml": ["//Customer/text()"]}, "does not lead to elements or an attribute"),
        ({"xml": ["//Customer["]}, "is not an XPath"),
        ({"xml": ["//x:Customer"]}, "is not an XPath"),
    ],
)
def test_masks_that_cannot_be_kept_are_refused_at_start(masked: dict[str, list[str]], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        check_masks(catalogue(**masked), "andon.toml")
    assert str(caught.value).startswith("andon.toml: flow.sales.masked.")
    assert said in str(caught.value)


def test_a_key_that_other_flows_require_cannot_be_masked() -> None:
    declared = {**FLOW, "order_by": None, "requires": [{"flow": "sales", "key": "customer"}]}
    both = {"sales": {**FLOW, "masked": {"json": ["$.customer"]}, "requires": []}, "shipping": declared}
    with pytest.raises(SettingsError, match="'customer', which makes what other flows require"):
        check_masks(read_catalogue({"system": SYSTEMS, "flow": both}, "x"))


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        check_masks(catalogue(json=["$.order", "$.version"]))
    assert len(str(caught.value).splitlines()) >= 2


def test_a_mask_is_a_list_of_paths() -> None:
    with pytest.raises(SettingsError, match=r"flow\.sales\.masked"):
        read_catalogue({"system": SYSTEMS, "flow": {"sales": {**FLOW, "masked": {"json": "$.a"}}}}, "x")


def test_the_shipped_masks_can_be_kept() -> None:
    check_masks(shipped_catalogue())


def test_a_settings_file_with_such_a_mask_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hub.toml"
    path.write_text(
        '[flow.sales]\ntitle = "S"\nsources = ["ERP"]\ntargets = ["CRM"]\ndocument = "D"\n'
        'identity = ["order"]\nsemantics = "event"\nslo = "1h"\nrisk = "low"\nowner = "o"\n'
        '[flow.sales.keys.json]\norder = "$.order.id"\n[flow.sales.masked]\njson = ["$.order"]\n'
    )
    with pytest.raises(SettingsError, match=r"hub\.toml: flow\.sales\.masked\.json: '\$\.order' leads"):
        read_settings(path)
