"""Where calls go on to, and whose keys are good, as the hub knows it."""

from __future__ import annotations

import json
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from gateway_policies.model import Issuer
from hub.dataplane.blueprint import Target
from hub.dataplane.sources import HubSources, Own
from hub.identity.consumers import ConsumerIssuer
from hub.landscape import Landscape
from hub.settings import read_settings
from transactions.clock import SystemClock

OWN = Own(url="http://127.0.0.1:8470", public_url="https://hub.example/andon", fingerprint="ab" * 32)


def _sources(authorization: str | None = None) -> HubSources:
    landscape = Landscape(read_settings(None).catalogue)
    landscape.use_addresses(
        {"ERP": "http://127.0.0.1:1/", "MES/P01": "http://127.0.0.1:2", "MES/P03": "http://127.0.0.1:3"}
    )
    return HubSources(landscape, ConsumerIssuer("test", SystemClock(), None), OWN, authorization)


@pytest.mark.parametrize(
    ("upstream", "targets"),
    [
        ("system:ERP", [Target(url="http://127.0.0.1:1")]),
        ("system:MES", [Target(url="http://127.0.0.1:2", plant="P01"), Target(url="http://127.0.0.1:3", plant="P03")]),
        ("system:WMS", []),
        ("system:nothing", []),
        ("system:hub", [Target(url="http://127.0.0.1:8470/ingress", fingerprint="ab" * 32)]),
        ("https://hub.example/andon/ingress", [Target(url="http://127.0.0.1:8470/ingress", fingerprint="ab" * 32)]),
        ("https://hub.example/andon", [Target(url="http://127.0.0.1:8470", fingerprint="ab" * 32)]),
        ("https://hub.example/andonx", [Target(url="https://hub.example/andonx")]),
        ("https://erp.example:8443/api", [Target(url="https://erp.example:8443/api")]),
        ("http://[::1", []),
        ("http://host:port", []),
        ("ftp://host", []),
        ("nonsense", []),
    ],
)
def test_where_an_upstream_is(upstream: str, targets: list[Target]) -> None:
    assert _sources().targets(upstream) == targets


def test_simulated_systems_get_the_hubs_authorization_and_others_do_not() -> None:
    sources = _sources("Bearer x")
    assert [each.authorization for each in sources.targets("system:MES")] == ["Bearer x", "Bearer x"]
    for upstream in ("system:hub", "https://erp.example"):
        assert [each.authorization for each in sources.targets(upstream)] == [None]


async def test_the_hub_signs_for_itself() -> None:
    sources = _sources()
    found, missing = await sources.issuers(
        [Issuer(name="own", url="hub:"), Issuer(name="named", url="hub:", audience="a")], "g"
    )
    assert missing == {}
    assert [(each.name, each.issuer, each.audience) for each in found] == [
        ("own", "urn:andon:hub:test:gateway", "g"),
        ("named", "urn:andon:hub:test:gateway", "a"),
    ]
    assert [key["kty"] for key in found[0].keys["keys"]] == ["OKP"]
    await sources.close()


def _file(folder: Path) -> tuple[Path, dict[str, object]]:
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private: dict[str, object] = {
        "okp": Ed25519PrivateKey.generate(),
        "rsa": rsa_key,
        "ec": ec.generate_private_key(ec.SECP256R1()),
    }
    written = [
        {**json.loads(OKPAlgorithm.to_jwk(private["okp"].public_key())), "kid": "okp"},  # type: ignore[attr-defined]
        {**json.loads(RSAAlgorithm.to_jwk(rsa_key.public_key())), "kid": "rsa"},
        {**json.loads(ECAlgorithm.to_jwk(private["ec"].public_key())), "kid": "ec", "alg": "ES256"},  # type: ignore[attr-defined]
    ]
    for each in written:
        each.pop("key_ops", None)
    place = folder / "keys.json"
    place.write_text(json.dumps({"keys": written}))
    return place, private


async def test_keys_from_a_file_are_written_as_they_check_signatures(tmp_path: Path) -> None:
    """Public members only; a key of RSA may be for more than one algorithm, and says none."""
    place, private = _file(tmp_path)
    sources = _sources()
    found, missing = await sources.issuers([Issuer(name="idp", jwks_file=str(place), audience="g")], "g")
    await sources.close()
    assert missing == {}
    (issuer,) = found
    assert issuer.issuer == "idp", "one that has no URL goes by its name"
    keys = {each["kid"]: each for each in issuer.keys["keys"]}
    assert {kid: (key["kty"], key.get("alg"), key["use"]) for kid, key in keys.items()} == {
        "okp": ("OKP", "EdDSA", "sig"),
        "rsa": ("RSA", None, "sig"),
        "ec": ("EC", "ES256", "sig"),
    }
    assert not any({"d", "p", "q", "key_ops"} & key.keys() for key in keys.values())
    token = jwt.encode({"iss": "idp"}, private["ec"], algorithm="ES256")  # type: ignore[arg-type]
    assert jwt.decode(token, ECAlgorithm.from_jwk(keys["ec"]), algorithms=["ES256"]) == {"iss": "idp"}  # type: ignore[arg-type]


async def test_issuers_that_cannot_be_asked_are_told_and_keep_no_other_from_working(tmp_path: Path) -> None:
    wanted = [
        Issuer(name="gone", jwks_file=str(tmp_path / "nothing.json"), audience="g"),
        Issuer(name="plain", url="http://idp.example", audience="g"),
        Issuer(name="own", url="hub:"),
    ]
    sources = _sources()
    found, missing = await sources.issuers(wanted, "g")
    await sources.close()
    assert [each.name for each in found] == ["own"]
    assert missing.keys() == {"gone", "plain"}
    assert "nothing.json" in missing["gone"]
    assert "https" in missing["plain"]


def test_the_hubs_ingress_knows_the_gateway_and_nothing_else_of_the_hub_does() -> None:
    landscape = Landscape(read_settings(None).catalogue)
    signer = ConsumerIssuer("test", SystemClock(), None)
    sources = HubSources(landscape, signer, OWN, "Bearer systems", "Bearer gateway")
    for upstream in ("system:hub", "https://hub.example/andon/ingress", "https://hub.example/andon/ingress/"):
        assert [each.authorization for each in sources.targets(upstream)] == ["Bearer gateway"]
    for upstream in ("https://hub.example/andon", "https://hub.example/andon/admin/v1", "https://erp.example/ingress"):
        assert [each.authorization for each in sources.targets(upstream)] == [None]
