"""The public key of an audit chain: what may stand for it, and what may not."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from transactions.audit_key import (
    AuditKey,
    Jwk,
    TrustedKey,
    base64url,
    from_base64url,
    read_key,
    read_pin,
    thumbprint,
    trusted,
)

# RFC 8037, appendix A.2 and A.3
X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
SAID = {"platform": "plant-1", "fingerprint": THUMBPRINT, "jwk": {"kty": "OKP", "crv": "Ed25519", "x": X}}


def test_the_fingerprint_is_that_of_the_standard() -> None:
    assert thumbprint(X) == THUMBPRINT == TrustedKey(X).fingerprint


@pytest.mark.parametrize(
    ("content", "platform"),
    [
        (json.dumps(SAID), "plant-1"),
        (json.dumps({**SAID, "pinned": True}, indent=2), "plant-1"),
        (json.dumps(SAID["jwk"]), None),
        (json.dumps({**SAID["jwk"], "kid": THUMBPRINT, "alg": "EdDSA", "use": "sig"}), None),
        (f"plant-1 ed25519 {X}\n", "plant-1"),
        (f"- ed25519 {X}", None),
        (f"plant of the north-12ab ed25519 {X}", "plant of the north-12ab"),
    ],
)
def test_a_key_is_read_in_every_form_that_is_given_out(content: str, platform: str | None) -> None:
    assert read_key(content.encode()) == TrustedKey(X, platform)


def test_a_pin_goes_round() -> None:
    for key in (TrustedKey(X, "plant-1"), TrustedKey(X)):
        assert read_pin(key.pin) == key


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not written as"),
        (b"\xff\xfe", "no text"),
        (b"plant-1 rsa AAAA", "not written as"),
        (b"plant-1 ed25519 !!!", "not base64url"),
        (b"plant-1 ed25519 AAAA", "32 bytes"),
        (f"plant-1 ed25519 {X}=".encode(), "base64url"),
        (b"{", "not JSON"),
        (b"{}", "no Ed25519 key"),
        (b'{"kty":"RSA","n":"AQAB","e":"AQAB"}', "no Ed25519 key"),
        (b'{"kty":"OKP","crv":"X25519","x":"' + X.encode() + b'"}', "no Ed25519 key"),
        (b'{"kty":"OKP","crv":"Ed25519","x":"AAAA"}', "32 bytes"),
        (json.dumps({**SAID, "fingerprint": "x" * 43}).encode(), "fingerprint is that of another key"),
        (b'{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_key_says_why(content: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_key(content)


def test_a_platform_that_names_the_fingerprint_of_another_key_is_not_believed() -> None:
    with pytest.raises(ValueError, match="another key"):
        trusted(AuditKey(platform="p", fingerprint=thumbprint("A" * 43), jwk=Jwk(kty="OKP", crv="Ed25519", x=X)))


@given(st.binary(max_size=80))
def test_bytes_have_one_spelling(data: bytes) -> None:
    text = base64url(data)
    assert from_base64url(text) == data
    padded = base64.urlsafe_b64encode(data).decode()
    for other in {padded, f"{text}=", f" {text}", f"{text}\n", text.replace("_", "/"), text.replace("-", "+")} - {text}:
        with pytest.raises(ValueError, match="base64url"):
            from_base64url(other)


def test_the_bits_behind_the_last_byte_are_nobodys_to_choose() -> None:
    assert from_base64url("AA") == b"\0"
    with pytest.raises(ValueError, match="as it should be written"):
        from_base64url("AB")


def test_a_signature_holds_for_its_content_and_key_only() -> None:
    private = Ed25519PrivateKey.generate()
    key = TrustedKey(base64url(private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)))
    signature = base64url(private.sign(b"content"))
    assert key.signed(b"content", signature)
    assert not key.signed(b"Content", signature)
    assert not TrustedKey(X).signed(b"content", signature)
    for wrong in ("", "é", "AAAA", signature[:-1], signature + "A", base64url(private.sign(b"content")[:-1] + b"\0")):
        assert not key.signed(b"content", wrong)
