"""The hub's own tokens: good while the hub says so, whatever they say themselves."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hub.declarations import Catalogue
from hub.identity.embedded import EmbeddedIssuer
from hub.identity.issuer_key import public_jwk, read_key
from hub.identity.people import People
from transactions.errors import NotFound, Unauthenticated
from transactions.people import Limits, Permission, Role

DAY = timedelta(days=1)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "issuer.key"


@pytest.fixture
async def issuer(people: People, moment: Any, key_file: Path, catalogue: Catalogue, asked: Any) -> EmbeddedIssuer:
    await people.add(asked("ann", "operator", plants=["P01"]), catalogue, "root")
    return EmbeddedIssuer("hub-1", people, moment, key_file)


async def refused(issuer: EmbeddedIssuer, token: str, because: str) -> None:
    with pytest.raises(Unauthenticated, match=because):
        await issuer.principal(token)


def resigned(issuer: EmbeddedIssuer, key_file: Path, claims: dict[str, Any], **header: Any) -> str:
    """What somebody could sign who has the key."""
    key = read_key(key_file)
    assert key is not None
    fields = {"typ": "at+jwt", "kid": issuer.key_set()["keys"][0]["kid"], **header}
    return jwt.encode(claims, key, algorithm="EdDSA", headers=fields)


async def test_a_token_says_who_and_nothing_of_rights(issuer: EmbeddedIssuer, moment: Any) -> None:
    given = await issuer.give("ann", DAY, "root")
    header = jwt.get_unverified_header(given.token)
    said = jwt.decode(given.token, options={"verify_signature": False})
    assert header == {"alg": "EdDSA", "typ": "at+jwt", "kid": issuer.key_set()["keys"][0]["kid"]}
    now = int(moment.now().timestamp())
    assert said == {
        "iss": "urn:andon:hub:hub-1",
        "sub": "ann",
        "aud": "urn:andon:hub:hub-1",
        "client_id": "andon",
        "iat": now,
        "exp": now + 86400,
        "jti": given.id,
    }


async def test_who_it_speaks_for(issuer: EmbeddedIssuer) -> None:
    given = await issuer.give("ann", DAY, "root")
    who = await issuer.principal(given.token)
    assert who is not None
    assert (who.subject, who.kind, who.roles) == ("ann", "user", (Role.OPERATOR,))
    assert who.limits == Limits(plants=["P01"])
    assert (who.issuer, who.expires_at) == ("urn:andon:hub:hub-1", given.expires_at)


async def test_a_source_is_a_system(issuer: EmbeddedIssuer, people: People, catalogue: Catalogue, asked: Any) -> None:
    await people.add(asked("mes-p01", "source", flows=["report"]), catalogue, "root")
    who = await issuer.principal((await issuer.give("mes-p01", DAY, "root")).token)
    assert who is not None
    assert (who.kind, who.permissions) == ("system", {Permission.INGRESS})


async def test_changed_rights_hold_from_the_next_request_on(
    issuer: EmbeddedIssuer, people: People, catalogue: Catalogue, asked: Any
) -> None:
    token = (await issuer.give("ann", DAY, "root")).token
    assert Permission.ACT in (await issuer.principal(token)).permissions  # type: ignore[union-attr]
    await people.add(asked("ann", "viewer", plants=["P02"], change=True), catalogue, "root")
    who = await issuer.principal(token)
    assert who is not None
    assert who.permissions == {Permission.READ}
    assert who.limits == Limits(plants=["P02"])


async def test_somebody_who_was_removed_is_out_at_once(
    issuer: EmbeddedIssuer, people: People, catalogue: Catalogue, asked: Any
) -> None:
    token = (await issuer.give("ann", DAY, "root")).token
    assert await issuer.principal(token)
    await people.remove("ann", "root")
    await refused(issuer, token, "taken back, or its person was removed")
    await people.add(asked("ann", "admin"), catalogue, "root")  # another Ann
    await refused(issuer, token, "taken back")


async def test_a_token_that_was_taken_back(issuer: EmbeddedIssuer, people: People) -> None:
    first, second = [(await issuer.give("ann", DAY, "root")).token for _ in range(2)]
    await people.revoke("ann", "root")
    await refused(issuer, first, "taken back")
    await refused(issuer, second, "taken back")
    assert await issuer.principal((await issuer.give("ann", DAY, "root")).token)


async def test_an_id_that_was_never_given_out(issuer: EmbeddedIssuer, key_file: Path) -> None:
    """Also somebody with the key cannot make tokens that the hub has not written down."""
    token = (await issuer.give("ann", DAY, "root")).token
    said = jwt.decode(token, options={"verify_signature": False})
    await refused(issuer, resigned(issuer, key_file, {**said, "jti": "01ABC"}), "taken back")
    await refused(issuer, resigned(issuer, key_file, {**said, "jti": 7}), "has no id")
    await refused(issuer, resigned(issuer, key_file, {k: v for k, v in said.items() if k != "jti"}), "has no id")


async def test_the_id_of_somebody_elses_token(
    issuer: EmbeddedIssuer, key_file: Path, people: People, catalogue: Catalogue, asked: Any
) -> None:
    await people.add(asked("root", "admin"), catalogue, "root")
    mine = jwt.decode((await issuer.give("ann", DAY, "root")).token, options={"verify_signature": False})
    await refused(issuer, resigned(issuer, key_file, {**mine, "sub": "root"}), "taken back")


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "exp", "iat"])
async def test_every_claim_that_must_be_there(name: str, issuer: EmbeddedIssuer, key_file: Path) -> None:
    said = jwt.decode((await issuer.give("ann", DAY, "root")).token, options={"verify_signature": False})
    await refused(issuer, resigned(issuer, key_file, {k: v for k, v in said.items() if k != name}), "refused")


async def test_it_expires_when_the_hub_says_so(issuer: EmbeddedIssuer, key_file: Path, moment: Any) -> None:
    token = (await issuer.give("ann", timedelta(hours=1), "root")).token
    said = jwt.decode(token, options={"verify_signature": False})
    longer = resigned(issuer, key_file, {**said, "exp": said["exp"] + 86400})
    moment.forward(minutes=59, seconds=59)
    assert await issuer.principal(token)
    moment.forward(seconds=1)
    await refused(issuer, token, "expired at 2026-11-21 09:00:00 UTC.*hub users token ann")
    await refused(issuer, longer, "expired at 2026-11-21 09:00:00 UTC")


async def test_alg_none_and_the_public_key_as_a_secret(issuer: EmbeddedIssuer, key_file: Path, forge: Any) -> None:
    token = (await issuer.give("ann", DAY, "root")).token
    said = jwt.decode(token, options={"verify_signature": False})
    key = read_key(key_file)
    assert key is not None
    kid = issuer.key_set()["keys"][0]["kid"]
    await refused(issuer, forge({"alg": "none", "typ": "at+jwt", "kid": kid}, said, b"x"), "signed with 'none'")
    public = key.public_key()
    for secret in (
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.Raw, PublicFormat.Raw),
        json.dumps(public_jwk(public)).encode(),
    ):
        unsigned = forge({"alg": "HS256", "typ": "at+jwt", "kid": kid}, said, b"").rstrip(".")
        mac = base64.urlsafe_b64encode(hmac.digest(secret, unsigned.encode(), "sha256")).rstrip(b"=").decode()
        await refused(issuer, f"{unsigned}.{mac}", "signed with 'HS256'")


async def test_signed_by_somebody_else(issuer: EmbeddedIssuer) -> None:
    said = jwt.decode((await issuer.give("ann", DAY, "root")).token, options={"verify_signature": False})
    thief = Ed25519PrivateKey.generate()
    kid = issuer.key_set()["keys"][0]["kid"]
    own = jwt.encode(said, thief, algorithm="EdDSA", headers={"typ": "at+jwt", "kid": kid})
    await refused(issuer, own, "its signature is not of the hub's key")
    brought = {"typ": "at+jwt", "kid": public_jwk(thief.public_key())["kid"], "jwk": public_jwk(thief.public_key())}
    await refused(
        issuer, jwt.encode(said, thief, algorithm="EdDSA", headers=brought), "a key that this hub does not have"
    )


async def test_another_type_of_token_by_the_same_key(issuer: EmbeddedIssuer, key_file: Path) -> None:
    said = jwt.decode((await issuer.give("ann", DAY, "root")).token, options={"verify_signature": False})
    await refused(issuer, resigned(issuer, key_file, said, typ="JWT"), "of the type 'JWT'")
    await refused(issuer, resigned(issuer, key_file, {**said, "aud": "https://other.example"}), "for somebody else")


async def test_the_token_of_another_hub(
    issuer: EmbeddedIssuer, people: People, moment: Any, key_file: Path, tmp_path: Path
) -> None:
    await issuer.give("ann", DAY, "root")
    other = EmbeddedIssuer("hub-2", people, moment, tmp_path / "other.key")
    token = (await other.give("ann", DAY, "root")).token
    await refused(issuer, token, "of another hub")
    # Not even with the same key and the same list of tokens, as after a folder was copied.
    twin = EmbeddedIssuer("hub-2", people, moment, key_file)
    await refused(issuer, (await twin.give("ann", DAY, "root")).token, "of another hub")


async def test_what_is_nobodys_token(issuer: EmbeddedIssuer, signer: Any, claims: Any) -> None:
    assert await issuer.principal("andon_secret") is None
    await refused(issuer, signer.sign(claims()), "accepts its own tokens only")


async def test_before_the_first_token_there_is_no_key(issuer: EmbeddedIssuer, key_file: Path) -> None:
    assert issuer.key_set() == {"keys": []}
    assert not key_file.exists()
    with pytest.raises(NotFound):
        await issuer.give("nobody-here", DAY, "root")
    assert not key_file.exists()


async def test_tokens_outlive_the_process_and_die_with_the_key(
    issuer: EmbeddedIssuer, people: People, moment: Any, key_file: Path
) -> None:
    token = (await issuer.give("ann", DAY, "root")).token
    again = EmbeddedIssuer("hub-1", people, moment, key_file)
    assert await again.principal(token)
    assert again.key_set() == issuer.key_set()
    key_file.unlink()
    fresh = EmbeddedIssuer("hub-1", people, moment, key_file)
    await refused(fresh, token, "a key that this hub does not have")
    await fresh.give("ann", DAY, "root")
    await refused(fresh, token, "a key that this hub does not have")


async def test_the_public_keys_are_public_only(issuer: EmbeddedIssuer) -> None:
    await issuer.give("ann", DAY, "root")
    (key,) = issuer.key_set()["keys"]
    assert set(key) == {"kty", "crv", "x", "kid", "alg", "use"}
    token = (await issuer.give("ann", DAY, "root")).token
    assert jwt.decode(token, jwt.PyJWK(key), audience=issuer.issuer, options={"verify_iat": False, "verify_exp": False})
