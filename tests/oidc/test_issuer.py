"""The provider that other tests rely on does what they think it does."""

from __future__ import annotations

import jwt
from oidc_issuer import Issuer

RESOURCE = "http://127.0.0.1:9"


def test_a_person_gets_a_token_for_the_resource_with_their_claims(issuer: Issuer) -> None:
    issuer.account("ines", roles=["operator"], andon_plants=["P01"])
    token = issuer.person_token("ines", RESOURCE)["access_token"]
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["iss"], claims["aud"], claims["sub"]) == (issuer.url, RESOURCE, "ines")
    assert (claims["roles"], claims["andon_plants"]) == (["operator"], ["P01"])


def test_a_client_gets_a_token_with_its_own(issuer: Issuer) -> None:
    issuer.client("night-job", "s3cret", roles=["viewer"])
    claims = jwt.decode(issuer.client_token("night-job", "s3cret", RESOURCE), options={"verify_signature": False})
    assert (claims["sub"], claims["client_id"], claims["roles"]) == ("night-job", "night-job", ["viewer"])


def test_keys_turn_over(issuer_factory: object) -> None:
    issuer: Issuer = issuer_factory()  # type: ignore[operator]
    first = issuer.keys()[0]["kid"]
    second = issuer.rotate(keep=True)
    assert [key["kid"] for key in issuer.http.get("/jwks").json()["keys"]] == [second, first]
    third = issuer.rotate(keep=False)
    assert [key["kid"] for key in issuer.http.get("/jwks").json()["keys"]] == [third]
    assert issuer.asked("/jwks") == 2
