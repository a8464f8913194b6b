"""Tokens of an issuer outside, whose keys come from its key set (RFC 7517): what is told lets in, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from gatehouse import GATEWAY, Gatehouse
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from gateway_policies.model import Api, Consumer, Credential, Grant, Issuer, Lifecycle, Operation, Scope, Version
from hub.dataplane.sources import HubSources

IDP = "https://idp.example/realms/plant"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
KEYS: dict[str, Any] = {
    "rsa": RSA,
    "ec": ec.generate_private_key(ec.SECP256R1()),
    "ed": ed25519.Ed25519PrivateKey.generate(),
}
WRITERS: dict[str, Any] = {"rsa": RSAAlgorithm, "ec": ECAlgorithm, "ed": OKPAlgorithm}


@pytest.fixture(scope="module")
def house(gatehouse: Gatehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gatehouse]:
    """A gateway that trusts an issuer outside, with three keys, read from the file in which they came."""
    told = [
        {**json.loads(WRITERS[name].to_jwk(key.public_key())), "kid": name, "use": "sig"} for name, key in KEYS.items()
    ]
    file: Path = tmp_path_factory.mktemp("issuer") / "jwks.json"
    file.write_text(json.dumps({"keys": told}), encoding="utf-8")
    # only what is asked of a file is called: nothing of a hub is needed for it
    sources = HubSources.__new__(HubSources)
    sources._caches = {}
    by_file = Issuer(name="idp", jwks_file=str(file))
    gatehouse.sources.keys["idp"] = gatehouse.run(lambda: sources._keys(by_file))[1]
    gatehouse.apply(
        Issuer(name="idp", url=IDP, audience=GATEWAY),
        Api(
            name="orders", owner="o", base_path="/orders", upstream="system:ERP",
            operations=(Operation(methods=("GET",), path="/{order}", scope="orders.read"),),
        ),
        Version(api="orders", name="v1", lifecycle=Lifecycle.ACTIVE),
        Scope(name="orders.read"),
        Consumer(name="mes", owner="o", credential=Credential(issuer="idp", client_id="mes")),
        Grant(consumer="mes", scope="orders.read"),
    )  # fmt: skip
    yield gatehouse
    gatehouse.sources.keys.clear()
    gatehouse.run(sources.close)


def claims(**more: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    told = {"iss": IDP, "aud": GATEWAY, "client_id": "mes", "scope": "orders.read", "exp": now + timedelta(minutes=5)}
    return {name: value for name, value in {**told, "iat": now, **more}.items() if value is not None}


def status(house: Gatehouse, token: str) -> int:
    return house.call("GET", "/orders/v1/4711", token).status


@pytest.mark.parametrize(("algorithm", "key"), [("RS256", "rsa"), ("ES256", "ec"), ("EdDSA", "ed")])
def test_every_algorithm_that_is_told_lets_in(house: Gatehouse, algorithm: str, key: str) -> None:
    token = jwt.encode(claims(), KEYS[key], algorithm, headers={"kid": key})
    assert status(house, token) == 200
    spoilt = token[:-8] + ("A" * 8 if token[-8:] != "A" * 8 else "B" * 8)
    assert status(house, spoilt) == 401


@pytest.mark.parametrize(
    "more",
    [
        {"aud": "another-gateway"},
        {"aud": None},
        {"iss": "https://idp.example/realms/office"},
        {"iss": None},
        {"exp": datetime(2020, 1, 1, tzinfo=UTC)},
        {"exp": None},
        {"nbf": datetime(2998, 1, 1, tzinfo=UTC)},
        {"client_id": "somebody"},
        {"client_id": None},
    ],
    ids=str,
)
def test_a_good_signature_is_not_all(house: Gatehouse, more: dict[str, Any]) -> None:
    assert status(house, jwt.encode(claims(**more), RSA, "RS256", headers={"kid": "rsa"})) in (401, 403)


@pytest.mark.parametrize("scope", [["orders.read"], "other orders.read", ["other", "orders.read"]])
def test_scopes_are_a_text_or_a_list(house: Gatehouse, scope: Any) -> None:
    assert status(house, jwt.encode(claims(scope=scope), RSA, "RS256", headers={"kid": "rsa"})) == 200


@pytest.mark.parametrize("name", ["azp", "sub"])
def test_a_client_may_be_named_by_older_claims(house: Gatehouse, name: str) -> None:
    told = claims(client_id=None, **{name: "mes"})
    assert status(house, jwt.encode(told, RSA, "RS256", headers={"kid": "rsa"})) == 200


def test_a_public_key_is_no_secret(house: Gatehouse) -> None:
    """HS256 with what everybody can read of the issuer, and no algorithm at all (RFC 8725, 2.1)."""
    pem = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    body = _part({**claims(), "iat": 0, "exp": int((datetime.now(UTC) + timedelta(minutes=5)).timestamp())})
    head = _part({"alg": "HS256", "typ": "JWT", "kid": "rsa"})
    mac = hmac.new(pem, f"{head}.{body}".encode(), hashlib.sha256).digest()
    assert status(house, f"{head}.{body}.{_text(mac)}") == 401
    for name in ("none", "None", "nOnE"):
        assert status(house, f"{_part({'alg': name})}.{body}.") == 401


def test_a_key_of_somebody_else_is_none(house: Gatehouse) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert status(house, jwt.encode(claims(), other, "RS256", headers={"kid": "rsa"})) == 401
    assert status(house, jwt.encode(claims(), other, "RS256", headers={"kid": "other"})) == 401


def _part(told: dict[str, Any]) -> str:
    return _text(json.dumps(told, default=str).encode())


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
