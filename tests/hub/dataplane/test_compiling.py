"""Envoy's configuration as it is made: the same for the same policies, only what differs, and nothing of a secret's."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from gateway_policies.model import (
    Api,
    Consumer,
    Credential,
    Grant,
    Issuer,
    Lifecycle,
    Operation,
    Resource,
    Scope,
    Throttle,
    Version,
    by_address,
)
from gateway_policies.routing.making import routing
from hub.dataplane.access_filters import clients_of, with_clients
from hub.dataplane.blueprint import Blueprint, Target, TrustedIssuer
from hub.dataplane.bootstrap import (
    APIS,
    CALLERS,
    CONSUMERS,
    FILTERS,
    GRANTED,
    TOKENS,
    Listening,
    bootstrap,
    file_of,
    fixed,
)
from hub.dataplane.clusters import clusters
from hub.dataplane.compiling import Compiled, compiled, differing
from hub.dataplane.refusals import local_replies
from hub.dataplane.routes import PROBE, prefixes
from hub.dataplane.throttle_filters import UNLIMITED

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def _policies(**fields: Any) -> list[Resource]:
    operation = Operation(methods=("GET",), path="/{order}", scope="orders.read")
    made = {"name": "orders", "owner": "o", "base_path": "/orders", "upstream": "system:ERP", **fields}
    return [
        Issuer(name="idp", url="https://idp.example"),
        Api(**{"operations": (operation,), **made}),
        Version(api="orders", name="v1", lifecycle=Lifecycle.ACTIVE),
        Api(name="lots", owner="o", base_path="/lots", upstream="system:ERP", operations=(operation,)),
        Version(api="lots", name="v1", lifecycle=Lifecycle.ACTIVE),
        Scope(name="orders.read"),
        Throttle(name="slow", requests=5, per_seconds=60, burst=2, quota=100, quota_per_seconds=86_400),
        Consumer(name="mes", owner="o", throttle="slow", credential=Credential(issuer="idp", client_id="m")),
        Grant(consumer="mes", scope="orders.read"),
    ]


def _compiled(*resources: Resource, target: str = "http://127.0.0.1:1", issuers: int = 1) -> Compiled:
    made = routing("g", by_address(resources), NOON)
    found = [
        TrustedIssuer(name=each.name, issuer=each.url or "", audience="g", keys={"keys": []}) for each in made.issuers
    ]
    return compiled(Blueprint(routing=made, targets={"system:ERP": [Target(url=target)]}, issuers=found[:issuers]))


def test_the_same_policies_are_the_same_configuration() -> None:
    one, other = _compiled(*_policies()), _compiled(*reversed(_policies()))
    assert json.dumps(msgspec.to_builtins(one)) == json.dumps(msgspec.to_builtins(other))


def test_the_generation_is_that_of_the_routes() -> None:
    before = _compiled(*_policies())
    assert _compiled(*[each for each in _policies() if not isinstance(each, Grant)]).generation == before.generation
    assert _compiled(*_policies(base_path="/erp")).generation != before.generation
    assert before.generation in json.dumps(prefixes(before.routes)[PROBE])


def test_only_what_differs_is_checked_again() -> None:
    before, after = _compiled(*_policies()), _compiled(*_policies(base_path="/erp"))
    assert differing(None, after) is after
    found = differing(before, after)
    assert prefixes(found.routes).keys() == {"/erp", "/erp/v1", PROBE}
    assert json.dumps(found.filters[CALLERS]) != json.dumps(after.filters[CALLERS])
    assert "orders.read" not in json.dumps(found.filters)
    without = _compiled(*[each for each in _policies() if not isinstance(each, Grant)])
    found = differing(before, without)
    assert prefixes(found.routes).keys() == {PROBE}
    assert found.filters[CALLERS] == without.filters[CALLERS]
    assert found.filters[CONSUMERS] != without.filters[CONSUMERS]


def test_of_callers_only_those_that_differ_are_checked_again() -> None:
    others = [
        each
        for n in range(3)
        for each in (
            Consumer(name=f"c{n}", owner="o", credential=Credential(issuer="idp", client_id=f"client-{n}")),
            Grant(consumer=f"c{n}", scope="orders.read"),
        )
    ]
    before, after = _compiled(*_policies(), *others), _compiled(*_policies(), *others[:-1])
    assert clients_of(after.filters[CALLERS])["https://idp.example"].keys() == {"m", *(f"client-{n}" for n in range(3))}
    found = clients_of(differing(before, after).filters[CALLERS])
    assert found == {
        "https://idp.example": {"client-2": clients_of(after.filters[CALLERS])["https://idp.example"]["client-2"]}
    }
    gone = _compiled(*_policies(), *others[:-2])
    assert differing(before, gone).filters[CALLERS] == gone.filters[CALLERS], "nobody differs, one is gone: all of it"
    assert with_clients(after.filters[CALLERS], clients_of(after.filters[CALLERS])) == after.filters[CALLERS]
    assert clients_of(_compiled(*_policies(), issuers=0).filters[CALLERS]) == {}


def test_every_filter_is_made_and_read_from_a_folder_of_its_own(tmp_path: Any) -> None:
    made = _compiled(*_policies())
    assert made.filters.keys() == FILTERS.keys() == {TOKENS, CALLERS, GRANTED, CONSUMERS, APIS}
    for name, kind in FILTERS.items():
        assert made.filters[name]["@type"].endswith(kind)
    files = [file_of(tmp_path, name) for name in FILTERS]
    assert len({each.parent for each in files}) == len(files)
    text = json.dumps(bootstrap(_where(tmp_path), tmp_path))
    assert all(str(each) in text for each in files)


def _where(folder: Any, **more: Any) -> Listening:
    return Listening(gateway="g", host="127.0.0.1", port=0, admin=folder / "a", log=folder / "l", **more)


@pytest.mark.parametrize("issuers", [0, 1])
def test_who_signs_is_wanted_where_anybody_does(issuers: int) -> None:
    """Without an issuer a token is not even looked at, and the next filter lets nobody through."""
    made = _compiled(*_policies(), issuers=issuers)
    rules = made.filters[TOKENS]["rules"]
    assert "requires" not in rules[0]
    assert ("requires" in rules[1]) is bool(issuers)
    assert ("m" in json.dumps(made.filters[CALLERS]["matcher"]["on_no_match"])) is True
    assert ("consumer.mes" in json.dumps(made.filters)) is False
    assert ('"m"' in json.dumps(made.filters[CALLERS])) is bool(issuers)


def test_several_issuers_each_with_its_own_clients() -> None:
    other = Issuer(name="other", url="https://other.example")
    twin = Consumer(name="twin", owner="o", credential=Credential(issuer="other", client_id="m"))
    made = _compiled(*_policies(), other, twin, issuers=2)
    assert made.filters[TOKENS]["rules"][1]["requires"]["requires_any"]["requirements"] == [
        {"provider_name": "idp"},
        {"provider_name": "other"},
    ]
    by_issuer = made.filters[CALLERS]["matcher"]["on_no_match"]["matcher"]["matcher_tree"]["exact_match_map"]["map"]
    assert by_issuer.keys() == {"https://idp.example", "https://other.example"}
    assert json.dumps(by_issuer["https://idp.example"]) != json.dumps(by_issuer["https://other.example"])


def test_buckets_are_those_of_the_throttle() -> None:
    buckets = _compiled(*_policies()).filters[CONSUMERS]["descriptors"]
    assert [each["token_bucket"] for each in buckets] == [
        {"max_tokens": 2, "tokens_per_fill": 5, "fill_interval": "60s"},
        {"max_tokens": 100, "tokens_per_fill": 100, "fill_interval": "86400s"},
    ]
    assert buckets[0]["entries"] == [
        {"key": "issuer", "value": "https://idp.example"},
        {"key": "client", "value": "m"},
    ]


def test_a_throttle_larger_than_any_is_still_one() -> None:
    """Envoy counts in 32 bits, and the largest of them means that there is no limit."""
    wide = Throttle(name="slow", requests=10**12, per_seconds=1)
    others = [each for each in _policies() if not isinstance(each, Throttle)]
    (bucket,) = _compiled(*others, wide).filters[CONSUMERS]["descriptors"]
    assert bucket["token_bucket"]["max_tokens"] == bucket["token_bucket"]["tokens_per_fill"] == UNLIMITED - 1


@pytest.mark.parametrize(
    ("url", "kind", "port", "tls"),
    [
        ("http://127.0.0.1:81/x", "STATIC", 81, None),
        ("http://erp.example", "STRICT_DNS", 80, None),
        ("https://erp.example/api", "STRICT_DNS", 443, "DNS"),
        ("https://[::1]:8443", "STATIC", 8443, "IP_ADDRESS"),
    ],
)
def test_what_stands_behind_is_called_as_its_url_says(url: str, kind: str, port: int, tls: str | None) -> None:
    (found,) = clusters([Target(url=url), Target(url=url)])
    assert found["type"] == kind
    address = found["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]
    assert address["port_value"] == port
    assert ("transport_socket" in found) is (tls is not None)
    if tls is not None:
        context = found["transport_socket"]["typed_config"]
        (name,) = context["common_tls_context"]["validation_context"]["match_typed_subject_alt_names"]
        assert name["san_type"] == tls
        assert ("sni" in context) is (tls == "DNS")


def test_the_hubs_own_certificate_is_known_by_its_fingerprint() -> None:
    (found,) = clusters([Target(url="https://127.0.0.1:8470", fingerprint="ab" * 32)])
    validation = found["transport_socket"]["typed_config"]["common_tls_context"]["validation_context"]
    assert validation == {"verify_certificate_hash": ["ab" * 32], "trust_chain_verification": "ACCEPT_UNTRUSTED"}


def test_the_gateway_has_the_hubs_certificate(tmp_path: Any) -> None:
    made = _compiled(*_policies())

    def chain(where: Listening) -> Any:
        listener = fixed(where, made.clusters, made.routes, made.filters)["static_resources"]["listeners"][0]
        return listener["filter_chains"][0]

    assert "transport_socket" not in chain(_where(tmp_path))
    both = chain(_where(tmp_path, certificate=tmp_path / "c.pem", key=tmp_path / "k.pem"))["transport_socket"]
    one = chain(_where(tmp_path, certificate=tmp_path / "c.pem"))["transport_socket"]
    pairs = [each["typed_config"]["common_tls_context"]["tls_certificates"][0] for each in (both, one)]
    assert [each["private_key"]["filename"] for each in pairs] == [str(tmp_path / "k.pem"), str(tmp_path / "c.pem")]


def test_every_answer_of_the_gateways_own_is_a_problem_that_says_so() -> None:
    for each in local_replies("g")["mappers"]:
        body = each["body_format_override"]
        assert body["content_type"] == "application/problem+json"
        assert {"type", "title", "status", "detail", "instance"} <= body["json_format"].keys()
        headers = {one["header"]["key"]: one["header"]["value"] for one in each["headers_to_add"]}
        assert headers["andon-gateway"] == "refused"
        assert ("www-authenticate" in headers) is (each.get("status_code") in (401, 403))


@pytest.mark.parametrize("path", ["/a.b/{x}", "/(a)/{x}", "/a+b", "/$a/{x}", "/a*b/{x}"])
def test_a_path_is_taken_as_it_is_written(path: str) -> None:
    """Nothing in it means anything to a regular expression."""
    import re

    operation = Operation(methods=("GET",), path=path)
    made = _compiled(*_policies(base_path="/erp.x", operations=(operation,)))
    routes = prefixes(made.routes)["/erp.x/v1"]["action"]["typed_config"]["routes"]
    match = routes[0]["match"]
    called = "/erp.x/v1" + path.replace("{x}", "1")
    assert match.get("path") == called or re.fullmatch(match["safe_regex"]["regex"], called)
    assert "path" in match or not re.fullmatch(match["safe_regex"]["regex"], called.replace(".", "-", 1))
