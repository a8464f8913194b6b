"""Each kind of change of an OpenAPI document beside its schemas."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from gateway_policies.contracts.catalogue import kinds
from gateway_policies.contracts.change import Change, Direction
from gateway_policies.contracts.comparing import compare, compare_documents
from gateway_policies.contracts.contract import Contract, open_contract, open_schema
from gateway_policies.contracts.texts import MappedTexts

Document = dict[str, Any]
Edit = Callable[[Document], Any]

JSON = "application/json"
BASE: Document = {
    "openapi": "3.1.0",
    "info": {"title": "Orders", "version": "1"},
    "servers": [
        {"url": "https://gateway.example/orders"},
        {"url": "https://{site}.example", "variables": {"site": {"enum": ["a", "b"], "default": "a"}}},
    ],
    "security": [{"idp": ["orders.read"]}],
    "paths": {
        "/orders/{order}": {
            "parameters": [{"name": "order", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {
                "operationId": "getOrder",
                "parameters": [
                    {"name": "plant", "in": "query", "schema": {"type": "string"}},
                    {"name": "fields", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
                    {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
                    {"name": "where", "in": "query", "content": {JSON: {"schema": {"type": "object"}}}},
                ],
                "responses": {
                    "200": {
                        "description": "ok",
                        "headers": {"ETag": {"required": True, "schema": {"type": "string"}}},
                        "content": {JSON: {"schema": {"$ref": "#/components/schemas/Order"}}},
                    },
                    "404": {"description": "none"},
                },
            },
            "post": {
                "requestBody": {
                    "content": {
                        JSON: {"schema": {"$ref": "#/components/schemas/Order"}},
                        "multipart/form-data": {
                            "schema": {"type": "object"},
                            "encoding": {"file": {"contentType": "image/png"}},
                        },
                    }
                },
                "responses": {"202": {"description": "taken"}},
                "callbacks": {"done": {"{$request.body#/url}": {"post": {"responses": {"200": {"description": ""}}}}}},
            },
        }
    },
    "webhooks": {"late": {"post": {"responses": {"200": {"description": ""}}}}},
    "components": {
        "schemas": {"Order": {"type": "object", "properties": {"order": {"type": "string"}}}},
        "securitySchemes": {
            "idp": {
                "type": "oauth2",
                "flows": {
                    "clientCredentials": {
                        "tokenUrl": "https://idp.example/t",
                        "scopes": {"orders.read": "r", "x": "x"},
                    },
                    "password": {"tokenUrl": "https://idp.example/t", "scopes": {}},
                },
            },
            "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
        },
    },
}


def opened(document: Document, *, whole: bool = True) -> Contract:
    contract, findings = open_contract(MappedTexts({"c.json": json.dumps(document).encode()}), "c.json")
    assert findings == [] or not whole
    assert contract is not None
    return contract


def changes(edit: Edit, base: Document = BASE) -> list[Change]:
    after = copy.deepcopy(base)
    edit(after)
    return compare(opened(base), opened(after))


def ids(found: list[Change]) -> dict[str, str]:
    assert {each.id for each in found} <= kinds().keys()
    return {each.id: each.level.value for each in found}


def get(document: Document) -> Any:
    return document["paths"]["/orders/{order}"]["get"]


def post(document: Document) -> Any:
    return document["paths"]["/orders/{order}"]["post"]


def parameter(document: Document, index: int) -> Any:
    return get(document)["parameters"][index]


def ok(document: Document) -> Any:
    return get(document)["responses"]["200"]


def flows(document: Document) -> Any:
    return document["components"]["securitySchemes"]["idp"]["flows"]


FORTH: list[tuple[str, str | None, Edit]] = [
    ("operation-removed", "operation-added", lambda d: d["paths"]["/orders/{order}"].pop("get")),
    ("operation-removed", "operation-added", lambda d: d["paths"].pop("/orders/{order}")),
    ("server-removed", "server-added", lambda d: d["servers"].pop(0)),
    (
        "server-variable-value-removed",
        None,
        lambda d: d["servers"][1]["variables"]["site"].update(enum=["a"]),
    ),
    (
        "server-variable-default-changed",
        "server-variable-default-changed",
        lambda d: d["servers"][1]["variables"]["site"].update(default="b"),
    ),
    ("request-parameter-removed", "new-optional-request-parameter", lambda d: get(d)["parameters"].pop(0)),
    ("request-parameter-removed", "new-optional-request-parameter", lambda d: get(d)["parameters"].pop(2)),
    (
        "request-parameter-became-required",
        "request-parameter-became-optional",
        lambda d: parameter(d, 0).update(required=True),
    ),
    (
        "request-parameter-style-changed",
        "request-parameter-style-changed",
        lambda d: parameter(d, 1).update(explode=False),
    ),
    (
        "request-parameter-style-changed",
        "request-parameter-style-changed",
        lambda d: parameter(d, 1).update(style="pipeDelimited"),
    ),
    (
        "request-parameter-content-changed",
        "request-parameter-content-changed",
        lambda d: parameter(d, 3).update(schema=parameter(d, 3).pop("content")[JSON]["schema"]),
    ),
    (
        "request-parameter-max-length-set",
        "request-parameter-max-length-removed",
        lambda d: parameter(d, 0)["schema"].update(maxLength=3),
    ),
    (
        "request-parameter-min-properties-set",
        "request-parameter-min-properties-removed",
        lambda d: parameter(d, 3)["content"][JSON]["schema"].update(minProperties=1),
    ),
    ("request-parameter-empty-value-allowed", None, lambda d: parameter(d, 0).update(allowEmptyValue=True)),
    (
        "request-parameter-deprecated",
        "request-parameter-reactivated",
        lambda d: parameter(d, 0).update(deprecated=True),
    ),
    ("operation-deprecated", "operation-reactivated", lambda d: get(d).update(deprecated=True)),
    ("operation-id-changed", "operation-id-changed", lambda d: get(d).update(operationId="readOrder")),
    ("request-body-removed", "request-body-added-optional", lambda d: post(d).pop("requestBody")),
    (
        "request-body-became-required",
        "request-body-became-optional",
        lambda d: post(d)["requestBody"].update(required=True),
    ),
    (
        "request-media-type-removed",
        "request-media-type-added",
        lambda d: post(d)["requestBody"]["content"].pop("multipart/form-data"),
    ),
    (
        "request-encoding-changed",
        "request-encoding-changed",
        lambda d: post(d)["requestBody"]["content"]["multipart/form-data"].pop("encoding"),
    ),
    (
        "response-success-status-removed",
        "response-success-status-added",
        lambda d: post(d)["responses"].update({"201": post(d)["responses"].pop("202")}),
    ),
    (
        "response-non-success-status-removed",
        "response-non-success-status-added",
        lambda d: get(d)["responses"].pop("404"),
    ),
    (
        "response-media-type-removed",
        "response-media-type-added",
        lambda d: ok(d).update(content={"application/xml": {}}),
    ),
    ("response-body-removed", "response-body-added", lambda d: ok(d).pop("content")),
    ("response-header-removed", "response-header-added", lambda d: ok(d).pop("headers")),
    (
        "response-header-became-optional",
        "response-header-became-required",
        lambda d: ok(d)["headers"]["ETag"].pop("required"),
    ),
    (
        "response-header-max-length-set",
        "response-header-max-length-removed",
        lambda d: ok(d)["headers"]["ETag"]["schema"].update(maxLength=9),
    ),
    ("api-security-scope-added", "api-security-relaxed", lambda d: d.update(security=[{"idp": ["orders.read", "x"]}])),
    ("api-security-removed", "api-security-removed", lambda d: d.update(security=[{"key": []}])),
    ("api-security-relaxed", "api-security-removed", lambda d: d["security"].append({"key": []})),
    ("api-security-relaxed", "api-security-added", lambda d: d.update(security=[])),
    ("api-security-relaxed", "api-security-added", lambda d: get(d).update(security=[{}])),
    (
        "security-scheme-changed",
        "security-scheme-changed",
        lambda d: d["components"]["securitySchemes"]["key"].update(name="X-Other"),
    ),
    ("oauth-flow-removed", "oauth-flow-added", lambda d: flows(d).pop("password")),
    ("oauth-url-changed", "oauth-url-changed", lambda d: flows(d)["clientCredentials"].update(tokenUrl="https://n")),
    ("oauth-scope-removed", "oauth-scope-added", lambda d: flows(d)["clientCredentials"]["scopes"].pop("x")),
    ("webhook-removed", "webhook-added", lambda d: d["webhooks"].pop("late")),
    ("callback-removed", "callback-added", lambda d: post(d).pop("callbacks")),
    (
        "callback-removed",
        None,
        lambda d: post(d)["callbacks"].update(done={"{$request.body#/other}": {}}),
    ),
]


@pytest.mark.parametrize(("forth", "back", "edit"), FORTH)
def test_what_changes_has_its_kind_and_level_both_ways(forth: str, back: str | None, edit: Edit) -> None:
    found = ids(changes(edit))
    known = kinds()
    assert forth in found
    if forth in {each.id for each in known.values()} and not forth.startswith("response-header-max"):
        assert known[forth].level.startswith(found[forth])
    after = copy.deepcopy(BASE)
    edit(after)
    if back is not None:
        assert back in ids(compare(opened(after), opened(BASE)))


def test_a_new_thing_that_is_required_breaks() -> None:
    new = {"name": "site", "in": "query", "required": True, "schema": {"type": "string"}}
    assert ids(changes(lambda d: get(d)["parameters"].append(new))) == {"new-required-request-parameter": "breaking"}
    body = {"required": True, "content": {}}
    assert ids(changes(lambda d: get(d).update(requestBody=body))) == {"request-body-added-required": "breaking"}


def test_a_removed_operation_says_that_it_was_deprecated() -> None:
    base = copy.deepcopy(BASE)
    get(base)["deprecated"] = True
    (change,) = changes(lambda d: d["paths"]["/orders/{order}"].pop("get"), base)
    assert change.message == "GET /orders/{order}, which was deprecated, was removed."


def test_a_path_whose_parameter_has_another_name_is_the_same_path() -> None:
    def rename(document: Document) -> None:
        path = document["paths"].pop("/orders/{order}")
        path["parameters"][0] |= {"name": "id", "schema": {"type": "string", "maxLength": 4}}
        document["paths"]["/orders/{id}"] = path

    assert ids(changes(rename)) == {
        "path-parameter-renamed": "compatible",
        "request-parameter-max-length-set": "breaking",
    }


def test_two_paths_that_are_one_are_told() -> None:
    twin = {"get": {"responses": {}}}
    found = changes(lambda d: d["paths"].update({"/orders/{number}": twin}))
    assert ids(found) == {"path-ambiguous": "undecided"}


def test_names_of_headers_have_no_case_and_some_are_no_parameters() -> None:
    assert changes(lambda d: parameter(d, 2).update(name="x-trace")) == []
    extra = {"name": "Authorization", "in": "header", "required": True, "schema": {"type": "string"}}
    assert changes(lambda d: get(d)["parameters"].append(extra)) == []


def test_a_single_value_is_written_alike_whatever_the_style() -> None:
    assert changes(lambda d: parameter(d, 0).update(explode=False)) == []


def test_media_types_without_case_and_character_set_and_by_range() -> None:
    def spelled(document: Document) -> None:
        ok(document)["content"] = {"Application/JSON; charset=utf-8": ok(document)["content"][JSON]}

    assert changes(spelled) == []

    def ranged(document: Document) -> None:
        content = post(document)["requestBody"]["content"]
        content["application/*"] = content.pop(JSON)

    assert ids(changes(ranged)) == {"request-media-type-added": "compatible"}


def test_statuses_by_range_and_default() -> None:
    base = copy.deepcopy(BASE)
    get(base)["responses"] = {"2XX": ok(base), "default": {"description": "else"}}

    def exact(document: Document) -> None:
        get(document)["responses"] = {"200": get(document)["responses"]["2XX"], "default": {"description": "else"}}

    # What was any success is one of them now, and what else it is has the default's form.
    assert ids(changes(exact, base)).get("response-success-status-removed") is None
    assert changes(lambda d: get(d)["responses"].update({"503": {"description": "busy"}}), base) == []

    def less(document: Document) -> None:
        get(document)["responses"] = {"200": get(document)["responses"]["2XX"]}

    found = ids(changes(less, base))
    assert found["response-success-status-removed"] == "compatible"


def test_schemes_are_known_by_how_they_work_not_by_their_names() -> None:
    def rename(document: Document) -> None:
        schemes = document["components"]["securitySchemes"]
        schemes["company-idp"] = schemes.pop("idp")
        document["security"] = [{"company-idp": ["orders.read"]}]

    assert changes(rename) == []


def test_one_change_of_the_whole_documents_security_is_told_once() -> None:
    (change,) = changes(lambda d: d.update(security=[{"idp": ["orders.read", "x"]}]))
    assert change.message == "What names no security of its own asks for the scope x as well now."
    assert change.operations == ("GET /orders/{order}", "POST /orders/{order}")
    assert change.after is not None
    assert change.after.pointer == "/security"


def test_a_shared_schema_changes_once_for_each_way() -> None:
    found = changes(lambda d: d["components"]["schemas"]["Order"]["properties"].pop("order"))
    assert ids(found) == {"request-property-removed": "breaking", "response-optional-property-removed": "breaking"}
    assert {each.operations for each in found} == {("GET /orders/{order}",), ("POST /orders/{order}",)}


@pytest.mark.parametrize("outgoing", ["webhook", "callback"])
def test_what_the_api_sends_itself_is_promised(outgoing: str) -> None:
    def document(**properties: Any) -> Document:
        made = copy.deepcopy(BASE)
        sent = {
            "requestBody": {"content": {JSON: {"schema": {"type": "object", "properties": properties}}}},
            "responses": {"200": {"description": "", "content": {JSON: {"schema": {"type": "string"}}}}},
        }
        if outgoing == "webhook":
            made["webhooks"]["late"]["post"] = sent
        else:
            post(made)["callbacks"]["done"]["{$request.body#/url}"]["post"] = sent
        return made

    string = {"type": "string"}
    before, after = document(order=string, line=string), document(order=string)
    assert ids(compare(opened(before), opened(after))) == {"response-optional-property-removed": "breaking"}
    assert ids(compare(opened(after), opened(before))) == {"response-optional-property-added": "compatible"}
    tighter = copy.deepcopy(after)
    holder = (
        tighter["webhooks"]["late"]
        if outgoing == "webhook"
        else post(tighter)["callbacks"]["done"]["{$request.body#/url}"]
    )
    holder["post"]["responses"]["200"]["content"][JSON]["schema"]["maxLength"] = 3
    assert ids(compare(opened(after), opened(tighter))) == {"request-body-max-length-set": "breaking"}


def test_a_reference_that_leads_nowhere_is_not_passed_over() -> None:
    after = copy.deepcopy(BASE)
    ok(after)["content"][JSON]["schema"] = {"$ref": "#/components/schemas/Gone"}
    get(after)["responses"]["404"] = {"$ref": "#/components/responses/Gone"}
    contract, findings = open_contract(MappedTexts({"c.json": json.dumps(after).encode()}), "c.json")
    assert len(findings) == 2
    assert contract is not None
    found = compare(opened(BASE), contract)
    assert any(each.level.value != "compatible" and "404" not in each.message for each in found)
    assert "reference-unresolved" in {each.id for each in found}


def test_3_0_and_3_1_are_compared_with_each_other() -> None:
    old = copy.deepcopy(BASE) | {"openapi": "3.0.3"}
    old["components"]["schemas"]["Order"]["properties"]["order"] = {"type": "string", "nullable": True}
    new = copy.deepcopy(BASE)
    new["components"]["schemas"]["Order"]["properties"]["order"] = {"type": ["string", "null"]}
    assert compare(opened(old), opened(new)) == []
    assert compare(opened(new), opened(old)) == []


@pytest.mark.parametrize(
    "edit",
    [
        lambda d: d.update(paths={"/a": None, "/b": [], "x-own": 1, "/c": {"get": 7, "post": {"responses": 3}}}),
        lambda d: d.update(servers="x", security="y", webhooks={}, components={}),
        lambda d: get(d).update(parameters=[None, {"name": 3}, {"in": "query"}], responses={"200": None}),
        lambda d: post(d).update(requestBody=3, callbacks={"a": 3}, security=[None, {"idp": None}]),
        lambda d: d.update(components={"securitySchemes": {"idp": None, "key": {"type": 3, "flows": 4}}}),
        lambda d: ok(d).update(headers={"a": None}, content={"x": None, "y": {"schema": 3}}),
    ],
)
def test_documents_that_make_no_sense_are_survived(edit: Edit) -> None:
    after = copy.deepcopy(BASE)
    edit(after)
    senseless = opened(after, whole=False)
    compare(opened(BASE), senseless)
    compare(senseless, opened(BASE))
    same = compare(senseless, opened(after, whole=False))
    assert {each.id for each in same} <= {"reference-unresolved"}


def test_schemas_of_documents_are_compared_like_those_of_bodies() -> None:
    def schema(document: Any) -> Contract:
        contract, findings = open_schema(MappedTexts({"s.json": json.dumps(document).encode()}), "s.json")
        assert findings == []
        assert contract is not None
        return contract

    before, after = schema({"type": "object", "required": []}), schema({"type": "object", "required": ["lot"]})
    assert ids(compare_documents(before, after, Direction.REQUEST)) == {"new-required-request-property": "breaking"}
    assert ids(compare_documents(after, before, Direction.RESPONSE)) == {
        "response-property-became-optional": "breaking"
    }
