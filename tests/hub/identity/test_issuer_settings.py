"""``[issuer]`` and ``url`` of a settings file: what would let in the wrong people is refused before the hub serves."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from hub.errors import SettingsError
from hub.identity.issuer_settings import IssuerSettings, read_issuer, read_public_url
from hub.identity.tokens import ALGORITHMS
from hub.identity.wiring import with_audience
from hub.settings import read_settings
from transactions.people import Role

URL = 'url = "https://idp.example/realms/plant"\n'


def read(text: str, folder: Path = Path()) -> IssuerSettings:
    found = read_issuer(tomllib.loads(f"[issuer]\n{text}"), folder / "hub.toml")
    assert found is not None
    return found


def test_little_is_enough() -> None:
    found = read(URL)
    assert found.audiences == frozenset()
    assert (found.typ, found.algorithms, found.roles_claim) == ("at+jwt", list(ALGORITHMS), "roles")
    assert found.role_map["operator"] == (Role.OPERATOR,)
    assert with_audience(found, "https://andon.example").audiences == {"https://andon.example"}
    assert read_issuer({}, Path("hub.toml")) is None


def test_everything(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{}")
    found = read(
        URL
        + """
        audience = ["https://andon.example", "andon-api"]
        jwks_file = "keys.json"
        algorithms = ["ES256"]
        typ = "JWT"
        roles_claim = "realm_access.roles"
        permissions_claim = "perms"
        leeway_seconds = 5
        max_age = "8h"
        client_id = "andon-cli"
        scopes = "openid offline_access api"
        resource_indicator = false
        [issuer.roles]
        "plant3 ops" = "operator"
        leads = ["operator", "approver"]
        """,
        tmp_path,
    )
    assert found.audiences == {"https://andon.example", "andon-api"}
    assert found.jwks_file == str(tmp_path / "keys.json")
    assert found.role_map == {"plant3 ops": (Role.OPERATOR,), "leads": (Role.OPERATOR, Role.APPROVER)}
    assert with_audience(found, "https://other.example") is found


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("", "missing required field `url`"),
        ('url = "http://idp.example"', "no https address"),
        ('url = "https://idp.example?x=1"', "has a query"),
        ('url = "idp.example"', "no https address"),
        (URL + 'urll = "x"', "unknown field `urll`.*takes: url, audience"),
        (URL + 'jwks_uri = "http://idp.example/jwks"', "jwks_uri.*no https address"),
        (URL + 'jwks_uri = "https://idp.example/jwks"\njwks_file = "x"', "Leave one of them out"),
        (URL + 'jwks_file = "nothing.json"', "there is no file"),
        (URL + 'ca = "nothing.pem"', "there is no file"),
        (URL + 'audience = ""', "for nobody"),
        (URL + "audience = []", "for nobody"),
        (URL + 'audience = ["a", ""]', "for nobody"),
        (URL + 'algorithms = ["none"]', "none cannot be"),
        (URL + 'algorithms = ["RS256", "HS256"]', "HS256 cannot be"),
        (URL + "algorithms = []", "cannot be. Choose of RS256"),
        (URL + 'typ = "ID"', "Invalid enum value 'ID'"),
        (URL + 'typ = "JWT"\naudience = "andon"', "ID token"),
        (URL + "leeway_seconds = 301", "<= 300"),
        (URL + "leeway_seconds = -1", ">= 0"),
        (URL + 'max_age = "0s"', "too old"),
        (URL + 'max_age = "long"', "not a duration"),
        (URL + '[issuer.roles]\nops = "operater"', "roles.ops: there is no role 'operater'"),
        (URL + "[issuer.roles]\nops = 7", "roles"),
    ],
)
def test_what_cannot_be(text: str, because: str) -> None:
    with pytest.raises(SettingsError, match=rf"(?s)hub\.toml: issuer.*{because}"):
        read(text)


def test_certificates_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(SettingsError, match="no certificates that can be read"):
        read(URL + 'ca = "ca.pem"', tmp_path)


def test_an_id_token_for_a_client_that_is_called_like_the_hub() -> None:
    found = read(URL + 'typ = "JWT"\nclient_id = "https://andon.example"')
    with pytest.raises(SettingsError, match="ID tokens"):
        with_audience(found, "https://andon.example")


@pytest.mark.parametrize("url", ["https://andon.example", "https://andon.example/", "http://127.0.0.1:8470"])
def test_where_people_reach_the_hub(url: str) -> None:
    assert read_public_url({"url": url}, Path("hub.toml")) == url.rstrip("/")


@pytest.mark.parametrize(
    "url", ["http://andon.example", "https://andon.example/x", "https://andon.example?x", "andon.example", "", 7, True]
)
def test_where_nobody_does(url: Any) -> None:
    with pytest.raises(SettingsError, match="not where people reach this hub"):
        read_public_url({"url": url}, Path("hub.toml"))


def test_in_a_settings_file(tmp_path: Path) -> None:
    path = tmp_path / "hub.toml"
    path.write_text(f'url = "https://andon.example/"\n[issuer]\n{URL}')
    found = read_settings(path)
    assert found.url == "https://andon.example"
    assert found.issuer is not None
    assert found.issuer.url == "https://idp.example/realms/plant"
