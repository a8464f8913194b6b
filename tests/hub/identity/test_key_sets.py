"""Which keys of a set are of use, and for what."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hub.identity.key_sets import KeySet, read_key_set


def keys(*members: Any) -> KeySet:
    return read_key_set(json.dumps({"keys": list(members)}).encode())


@pytest.mark.parametrize(
    ("algorithm", "fits"), [("RS256", {"RS256"}), ("PS256", {"PS256"}), ("ES256", {"ES256"}), ("EdDSA", {"EdDSA"})]
)
def test_a_key_that_names_its_algorithm(algorithm: str, fits: set[str], signers: Any) -> None:
    (key,) = keys(signers(algorithm).jwk()).keys
    assert key.algorithms == fits


def test_a_key_that_does_not(signers: Any) -> None:
    (key,) = keys(signers("RS256").jwk(alg=None, use=None)).keys
    assert key.algorithms == {"RS256", "PS256"}


def test_what_is_left_out(signers: Any, signer: Any) -> None:
    good = signers("ES256", "good").jwk()
    wide = signers("ES384", "p384")
    left_out = [
        wide.jwk(),
        wide.jwk(alg="ES256", crv="P-256"),  # a point that is not on that curve
        signer.jwk(use="enc"),
        signer.jwk(key_ops=["sign"]),
        signer.jwk(key_ops="verify-not"),
        signer.jwk(alg="HS256"),
        signer.jwk(kid=7),
        signer.jwk(n=None),
        signer.jwk(n="!!!"),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "o"},
        {"kty": "OKP", "crv": "X25519", "x": "AAAA"},
        {"kty": None},
        {},
        "text",
    ]
    assert [key.id for key in keys(*left_out, good).keys] == ["good"]


def test_a_private_key_in_a_public_set_is_no_secret_any_more(signers: Any) -> None:
    good = signers("ES256", "good")
    shown = good.jwk(kid="shown", d="c2VjcmV0")
    assert [key.id for key in keys(shown, good.jwk()).keys] == ["good"]
    with pytest.raises(ValueError, match="no key that can check"):
        keys(shown)


def test_candidates(signers: Any) -> None:
    one, two, curve = signers("RS256", "k1"), signers("RS256", "k2"), signers("ES256", "k1")
    found = keys(one.jwk(), two.jwk(), curve.jwk())
    assert [key.id for key in found.candidates("k2", "RS256")] == ["k2"]
    assert found.candidates("k2", "ES256") == ()
    assert len(found.candidates("k1", "RS256")) == len(found.candidates("k1", "ES256")) == 1
    assert found.candidates(None, "RS256") == ()
    assert len(found.candidates(None, "ES256")) == 1


def test_no_set_is_read_without_end(signers: Any) -> None:
    curve = signers("ES256").jwk()
    assert len(keys(*[curve] * 500).keys) == 100
