# ruff: noqa: E501
"""What an environment says over the base: merged by key and by name, taken away, added, and mistyped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from policy_folder import FILES, made, put

from gateway_policies.findings import Finding
from gateway_policies.loading import Loaded, load
from gateway_policies.model import Lifecycle, Severity

OVER = "environments/prod"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made(tmp_path)
    (tmp_path / OVER).mkdir(parents=True)
    return tmp_path


def laid(folder: Path, **files: str) -> Loaded:
    for name, text in files.items():
        put(folder, f"{OVER}/{name.replace('__', '/')}.toml", text)
    return load(folder, "prod")


def resources(loaded: Loaded) -> dict[str, Any]:
    assert loaded.policies is not None, [f"{each.place} {each.message}" for each in loaded.findings]
    return dict(loaded.policies.resources)


def only(loaded: Loaded) -> Finding:
    [finding] = loaded.findings
    return finding


def test_an_environment_that_says_nothing_is_the_base(folder: Path) -> None:
    assert load(folder, "prod").policies == load(folder).policies


def test_tables_merge_by_their_keys(folder: Path) -> None:
    loaded = laid(
        folder,
        apis__orders='[api]\nname = "orders"\nupstream = "https://erp.example"\n',
        consumers__mes='[consumer]\nname = "mes-p03"\n[consumer.credential]\nclient_id = "mes-p03-prod"\n',
        throttles="[throttle.plant-standard]\nrequests = 60\n",
        scopes='[scope."orders.read"]\nrisk = "low"\n',
        andon='[gateway]\nset = "prod"\n[issuer.plant-idp]\nurl = "https://idp.example/prod"\n[lint]\nx = "off"\n[drift]\nignore = ["api.*"]\n',
    )
    found = resources(loaded)
    base = resources(load(folder))
    assert found["api.orders"].upstream == "https://erp.example"
    assert found["api.orders"].owner == base["api.orders"].owner
    assert found["api.orders"].operations == base["api.orders"].operations
    credential = found["consumer.mes-p03"].credential
    assert (credential.issuer, credential.client_id) == ("plant-idp", "mes-p03-prod")
    throttle = found["throttle.plant-standard"]
    assert (throttle.requests, throttle.per_seconds, throttle.burst) == (60, 60, 100)
    assert found["scope.orders.read"].risk == "low"
    assert found["issuer.plant-idp"].url == "https://idp.example/prod"
    assert loaded.policies is not None
    assert (loaded.policies.gateway, loaded.policies.name) == ("plant-gateway", "prod")
    assert loaded.policies.lint == {"x": Severity.OFF}
    assert loaded.policies.noise == ("api.*",)


def test_items_merge_by_what_they_are_called(folder: Path) -> None:
    loaded = laid(
        folder,
        apis__orders=(
            '[api]\nname = "orders"\n[[version]]\nname = "v2"\nlifecycle = "active"\n'
            '[[operation]]\nmethods = ["POST"]\npath = "/{order}/release"\nversions = ["v2"]\n'
        ),
        consumers__x='[consumer]\nname = "mes-p03"\n[[grant]]\nscope = "orders.release"\nexpires_on = 2027-01-31\n',
    )
    found = resources(loaded)
    assert found["api.orders.version.v1"].lifecycle is Lifecycle.DEPRECATED
    assert found["api.orders.version.v2"].lifecycle is Lifecycle.ACTIVE
    [operation] = found["api.orders"].operations
    assert (operation.versions, operation.scope) == (("v2",), "orders.release")
    grant = found["consumer.mes-p03.grant.orders.release"]
    assert (grant.reason, str(grant.expires_on)) == ("dispatches", "2027-01-31")


@pytest.mark.parametrize(
    ("file", "text", "gone"),
    [
        ("consumers__x", '[consumer]\nname = "mes-p03"\nremove = true\n', {"consumer.mes-p03", "consumer.mes-p03.grant.orders.release"}),
        ("consumers__x", '[consumer]\nname = "mes-p03"\n[[grant]]\nscope = "orders.release"\nremove = true\n', {"consumer.mes-p03.grant.orders.release"}),
        ("scopes", '[scope."orders.read"]\nremove = true\n', {"scope.orders.read"}),
        ("apis__x", '[api]\nname = "orders"\nremove = true\n', {"api.orders", "api.orders.version.v1", "api.orders.version.v2"}),
    ],
)  # fmt: skip
def test_what_is_taken_away(folder: Path, file: str, text: str, gone: set[str]) -> None:
    assert resources(load(folder)).keys() - resources(laid(folder, **{file: text})).keys() == gone


def test_an_operation_is_taken_away_and_a_version_that_it_names_is_missed(folder: Path) -> None:
    text = '[api]\nname = "orders"\n[[operation]]\nmethods = ["POST"]\npath = "/{order}/release"\nremove = true\n'
    assert resources(laid(folder, apis__o=text))["api.orders"].operations == ()
    findings = laid(folder, apis__o='[api]\nname = "orders"\n[[version]]\nname = "v2"\nremove = true\n').findings
    assert [str(each.place) for each in findings] == ["apis/orders.toml:11:13", "apis/orders.toml:24:19"]


def test_what_is_taken_away_is_missed_where_it_is_named(folder: Path) -> None:
    finding = only(laid(folder, andon="[issuer.plant-idp]\nremove = true\n"))
    assert (finding.rule, str(finding.place)) == ("unknown-reference", "consumers/mes-p03.toml:7:10")


def test_what_is_whole_is_added(folder: Path) -> None:
    loaded = laid(
        folder,
        apis__lots=FILES["apis/orders.toml"].replace("orders", "lots").replace('"lots.release"', '"orders.release"'),
        consumers__x='[consumer]\nname = "wms"\nowner = "o"\n[[grant]]\nscope = "orders.read"\n',
        scopes='[scope."lots.hold"]\nrisk = "quality"\n',
        throttles='[throttle.small]\nrequests = 1\nper = "1s"\n',
        andon='[issuer.other]\nurl = "https://other.example"\n[[suppress]]\nrule = "r"\naddress = "*"\nreason = "x"\nuntil = 2027-01-01\n',
    )
    found = resources(loaded)
    new = found.keys() - resources(load(folder)).keys()
    assert new == {
        "api.lots", "api.lots.version.v1", "api.lots.version.v2", "consumer.wms", "consumer.wms.grant.orders.read",
        "scope.lots.hold", "throttle.small", "issuer.other",
    }  # fmt: skip
    assert loaded.policies is not None
    assert [each.rule for each in loaded.policies.suppressions] == ["r"]
    assert str(loaded.places.of("consumer.wms.grant.orders.read", "scope")) == f"{OVER}/consumers/x.toml:5:9"
    assert str(loaded.places.of("issuer.other")) == f"{OVER}/andon.toml:1:1"
    assert str(loaded.places.of("suppress[0]", "until")) == f"{OVER}/andon.toml:7:9"


def test_items_are_added_inside_what_is_there(folder: Path) -> None:
    loaded = laid(
        folder,
        apis__o=(
            '[api]\nname = "orders"\n[[version]]\nname = "v3"\nlifecycle = "draft"\n'
            '[[operation]]\nmethods = ["GET"]\npath = "/"\nscope = "orders.read"\n'
        ),
        consumers__x='[consumer]\nname = "mes-p03"\n[[grant]]\nscope = "orders.read"\nreason = "looks"\n',
    )
    found = resources(loaded)
    assert {"api.orders.version.v3", "consumer.mes-p03.grant.orders.read"} <= found.keys()
    assert [each.key for each in found["api.orders"].operations] == ["GET /", "POST /{order}/release"]
    assert str(loaded.places.of("api.orders", "operations[GET /].scope")) == f"{OVER}/apis/o.toml:9:9"


@pytest.mark.parametrize(
    ("file", "text", "place", "says"),
    [
        ("apis__o", '[api]\nname = "ordrs"\nupstream = "system:X"\n', "2:8", "'api.ordrs'. Did you mean 'api.orders'?"),
        ("apis__o", '[api]\nname = "orders"\n[[version]]\nname = "v9"\n', "3:1", "version v9"),
        ("apis__o", '[api]\nname = "orders"\n[[operation]]\nmethods = ["POST"]\npath = "/{order}/relase"\n', "3:1", "Did you mean 'api.orders: operation POST /{order}/release'?"),
        ("consumers__x", '[consumer]\nname = "mes-p3"\nplant = "P03"\n', "2:8", "Did you mean 'consumer.mes-p03'?"),
        ("consumers__x", '[consumer]\nname = "mes-p03"\n[[grant]]\nscope = "orders.red"\nexpires_on = 2027-01-01\n', "3:1", "grant orders.red"),
        ("scopes", '[scope."orders.raed"]\nremove = true\n', "1:1", "'scope.orders.raed'. Did you mean 'scope.orders.read'?"),
        ("throttles", "[throttle.plant-standrd]\nburst = 5\n", "1:1", "Did you mean 'throttle.plant-standard'?"),
        ("andon", '[issuer.plant-id]\naudience = "x"\n', "1:1", "Did you mean 'issuer.plant-idp'?"),
    ],
)  # fmt: skip
def test_what_the_base_does_not_have_is_told(folder: Path, file: str, text: str, place: str, says: str) -> None:
    finding = only(laid(folder, **{file: text}))
    assert (finding.rule, str(finding.place)) == ("overlay-unknown", f"{OVER}/{file.replace('__', '/')}.toml:{place}")
    assert says in finding.message


def test_what_is_added_and_looks_like_a_slip_is_a_warning(folder: Path) -> None:
    text = (
        '[api]\nname = "orders"\n[[operation]]\nmethods = ["POST"]\npath = "/{order}/relase"\nscope = "orders.read"\n'
    )
    loaded = laid(folder, apis__o=text)
    finding = only(loaded)
    assert (finding.rule, finding.severity) == ("overlay-adds", Severity.WARNING)
    assert "POST /{order}/release" in finding.message
    assert loaded.policies is not None


@pytest.mark.parametrize(
    ("text", "rule", "place", "says"),
    [
        ('[consumer]\nname = "mes-p03"\nthrottel = "x"\n', "unknown-key", "3:1", "Did you mean 'throttle'?"),
        ('[consumer]\nname = "mes-p03"\nthrottle = "gone"\n', "unknown-reference", "3:12", "the throttle 'gone'"),
        ('[consumer]\nname = "mes-p03"\nthrottle = 5\n', "wrong-type", "3:12", "is a number"),
        ('[consumer]\nplant = "P01"\n', "missing-key", "1:1", "without 'name'"),
        ('[consumer]\nname = "mes-p03"\nremove = false\n', "bad-value", "3:10", "can only be true"),
        ('[consumer]\nname = "mes-p03"\nplant = "P01"\nremove = true\n', "bad-value", "4:10", "beside plant"),
        ('[consumer]\nname = "mes-p03"\n[consumer.credential]\nsecret = "hunter2"\n', "secret-in-file", "4:10", "not repeated"),
        ("[consumer", "syntax", "1:10", "not TOML"),
    ],
)  # fmt: skip
def test_mistakes_in_an_environment_are_told_where_they_are(
    folder: Path, text: str, rule: str, place: str, says: str
) -> None:
    finding = only(laid(folder, consumers__x=text))
    assert (finding.rule, str(finding.place)) == (rule, f"{OVER}/consumers/x.toml:{place}")
    assert says in finding.message
    assert "hunter2" not in finding.message + finding.help


def test_places_are_where_the_last_word_is(folder: Path) -> None:
    text = '[api]\nname = "orders"\n\n[[version]]\nname = "v2"\nlifecycle = "active"\n'
    places = laid(folder, apis__o=text).places
    assert str(places.of("api.orders.version.v2", "lifecycle")) == f"{OVER}/apis/o.toml:6:13"
    assert str(places.of("api.orders.version.v2")) == "apis/orders.toml:17:1"
    assert str(places.of("api.orders.version.v1", "lifecycle")) == "apis/orders.toml:10:13"
    assert str(places.of("api.orders.version.v1", "brownouts[0].until")) == "apis/orders.toml:15:9"
    assert str(places.of("api.orders", "owner")) == "apis/orders.toml:3:9"
    assert str(places.of("api.orders", "operations[POST /{order}/release].scope")) == "apis/orders.toml:23:9"


def test_what_is_behind_something_taken_away_keeps_its_place(folder: Path) -> None:
    text = FILES["apis/orders.toml"].replace('successor = "v2"\n', "").replace('versions = ["v1", "v2"]\n', "")
    put(folder, "apis/orders.toml", text)
    loaded = laid(folder, apis__o='[api]\nname = "orders"\n[[version]]\nname = "v1"\nremove = true\n')
    assert resources(loaded).keys() & {"api.orders.version.v1", "api.orders.version.v2"} == {"api.orders.version.v2"}
    place = loaded.places.of("api.orders.version.v2", "name")
    assert place is not None
    assert (folder / place.file).read_text().splitlines()[place.line - 1] == 'name = "v2"'


def test_the_base_of_an_environment_is_not_loaded_twice(folder: Path) -> None:
    put(folder, "consumers/broken.toml", "[consumer]\nname = 'x'\nownr = 'y'\n")
    loaded = laid(folder, consumers__x='[consumer]\nname = "x"\nplant = "P01"\n')
    assert [each.rule for each in loaded.findings] == ["missing-key", "unknown-key"]
