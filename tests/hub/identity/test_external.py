"""The tokens of an external issuer. Each test is somebody who wants in without a right to, or the one who has it."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import warnings
from collections.abc import Callable
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hub.identity.external import REMEMBERED, ExternalIssuer
from hub.identity.key_cache import Fetched, IssuerError, KeyCache
from hub.identity.key_sets import read_key_set
from transactions.errors import Unauthenticated, Unavailable
from transactions.people import Role

pytestmark = pytest.mark.timeout(60)


class Door:
    """A verifier over keys that a test sets."""

    def __init__(self, settings: Any, moment: Any, *keys: dict[str, Any]) -> None:
        self.keys: list[dict[str, Any]] = list(keys)
        self.fetched = 0
        self.seconds = 0.0
        self.down: IssuerError | None = None
        self.cache = KeyCache(settings.url, self._fetch, clock=lambda: self.seconds)
        self.issuer = ExternalIssuer(settings, self.cache, moment)

    async def _fetch(self) -> Fetched:
        self.fetched += 1
        await asyncio.sleep(0)
        if self.down is not None:
            raise self.down
        return Fetched(read_key_set(json.dumps({"keys": self.keys}).encode()), 600)

    async def lets(self, token: str) -> Any:
        return await self.issuer.principal(token)

    async def refuses(self, token: str, because: str) -> None:
        with pytest.raises(Unauthenticated, match=because):
            await self.lets(token)


@pytest.fixture
def door(settings: Any, moment: Any, signer: Any) -> Door:
    return Door(settings, moment, signer.jwk())


async def test_a_good_token(door: Door, signer: Any, claims: Any) -> None:
    who = await door.lets(signer.sign(claims(preferred_username="ann")))
    assert (who.subject, who.kind, who.name, who.roles) == ("u-4711", "federated", "ann", (Role.OPERATOR,))
    assert who.issuer == "https://idp.example/realms/plant"
    assert who.limits.unlimited


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_every_algorithm_that_is_allowed(
    algorithm: str, settings: Any, moment: Any, signers: Any, claims: Any
) -> None:
    signer = signers(algorithm)
    door = Door(settings, moment, signer.jwk())
    assert (await door.lets(signer.sign(claims()))).subject == "u-4711"


# --- signatures that are none -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("none", ["none", "None", "NONE", "nOnE", "", None])
async def test_alg_none_in_every_spelling(none: str | None, door: Door, claims: Any, forge: Any) -> None:
    header = {"typ": "at+jwt", "kid": "k1", "alg": none}
    for signature in (b"x", b"\0"):
        await door.refuses(forge(header, claims(roles=["admin"]), signature), "is signed with")
    # Without a signature it has not even the form of a signed token, and is nobody's.
    assert await door.lets(forge(header, claims(roles=["admin"]))) is None
    assert door.fetched == 0


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
async def test_the_public_key_as_a_shared_secret(
    algorithm: str, door: Door, signer: Any, claims: Any, forge: Any
) -> None:
    """Key confusion: everybody has the public key, and a careless verifier would take it for an HMAC secret."""
    public = signer.key.public_key()
    header = {"typ": "at+jwt", "kid": "k1", "alg": algorithm}
    for secret in (
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(signer.jwk()).encode(),
    ):
        unsigned = forge(header, claims(roles=["admin"]), b"").rstrip(".")
        mac = hmac.digest(secret, unsigned.encode(), algorithm.replace("HS", "sha"))
        await door.refuses(
            f"{unsigned}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}", f"signed with '{algorithm}'"
        )


async def test_a_shared_secret_in_the_key_set_is_no_key(settings: Any, moment: Any, signer: Any, claims: Any) -> None:
    octet = {"kty": "oct", "k": base64.urlsafe_b64encode(b"s" * 32).decode(), "kid": "k2", "alg": "HS256"}
    door = Door(settings, moment, octet, signer.jwk())
    token = jwt.encode(claims(roles=["admin"]), b"s" * 32, algorithm="HS256", headers={"typ": "at+jwt", "kid": "k2"})
    await door.refuses(token, "signed with 'HS256'")


async def test_another_key_under_the_same_id(door: Door, signers: Any, claims: Any) -> None:
    thief = signers("RS256", "thief")
    thief.kid = "k1"
    await door.refuses(thief.sign(claims()), "its signature is not of the issuer's key")


async def test_a_signature_that_was_moved_to_other_claims(door: Door, signer: Any, claims: Any, forge: Any) -> None:
    header, _, signature = signer.sign(claims()).split(".")
    other = forge({}, claims(roles=["admin"])).split(".")[1]
    await door.refuses(f"{header}.{other}.{signature}", "its signature is not of the issuer's key")


async def test_one_algorithm_of_a_key_does_not_stand_for_another(
    settings: Any, moment: Any, signers: Any, claims: Any
) -> None:
    signer = signers("RS256")
    door = Door(settings, moment, signer.jwk())
    await door.refuses(signer.sign(claims(), alg="PS256"), "no key of the id")
    open_door = Door(settings, moment, signer.jwk(alg=None))  # a key that names none can do both, as Entra ID's do
    assert await open_door.lets(signer.sign(claims(), alg="PS256"))
    assert await open_door.lets(signer.sign(claims()))


async def test_an_algorithm_that_was_not_allowed_here(settings: Any, moment: Any, signer: Any, claims: Any) -> None:
    door = Door(msgspec.structs.replace(settings, algorithms=["ES256"]), moment, signer.jwk())
    await door.refuses(signer.sign(claims()), "signed with 'RS256', and only ES256")
    assert door.fetched == 0


@pytest.mark.parametrize(
    "member",
    [
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"alg": "RSA-OAEP"},
        {"alg": ["RS256"]},
        {"kty": "EC"},
    ],
)
async def test_a_key_that_is_not_for_signatures(
    member: dict[str, Any], settings: Any, moment: Any, signers: Any, signer: Any, claims: Any
) -> None:
    other = signers("ES256", "other")
    door = Door(settings, moment, signer.jwk(**member), other.jwk())
    await door.refuses(signer.sign(claims()), "no key of the id")


async def test_a_short_rsa_key(settings: Any, moment: Any, signers: Any, claims: Any) -> None:
    short, other = signers("RS256", "short", 1024), signers("ES256", "other")
    door = Door(settings, moment, short.jwk(), other.jwk())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyJWT says too, in newer versions, that such a key is too short
        token = short.sign(claims())
    await door.refuses(token, "no key of the id")


# --- keys from elsewhere ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kid",
    [
        "../../../../dev/null",
        "/etc/passwd",
        "k1' OR '1'='1",
        "k1\0",
        "https://evil.example/jwks",
        "K1",
        " k1",
        "",
        "k" * 8000,
    ],
)
async def test_a_key_id_is_a_name_and_nothing_else(kid: str, door: Door, signer: Any, claims: Any) -> None:
    await door.refuses(signer.sign(claims(), kid=kid), "no key of the id")


@pytest.mark.parametrize("kid", [1, ["k1"], {"k": 1}, True])
async def test_a_key_id_that_is_no_text(kid: Any, door: Door, claims: Any, forge: Any) -> None:
    await door.refuses(forge({"alg": "RS256", "typ": "at+jwt", "kid": kid}, claims(), b"x"), "id of its key is no text")


async def test_keys_and_addresses_in_the_header_are_not_used(
    door: Door, signers: Any, claims: Any, provider: Any, forge: Any
) -> None:
    """A token may bring its own key (jwk, x5c) or say where to get it (jku, x5u). Nobody looks."""
    thief = signers("RS256", "thief")
    provider.keys(thief)
    certificate = base64.b64encode(b"certificate").decode()
    for more in (
        {"jwk": thief.jwk()},
        {"jku": f"{provider.url}/jwks"},
        {"x5u": f"{provider.url}/jwks"},
        {"x5c": [certificate]},
        {"jwk": thief.jwk(), "kid": "k1"},
    ):
        header = {"alg": "RS256", "typ": "at+jwt", "kid": "thief", **more}
        unsigned = forge(header, claims(roles=["admin"]), b"").rstrip(".")
        made = jwt.get_algorithm_by_name("RS256").sign(unsigned.encode(), thief.key)
        token = f"{unsigned}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"
        with pytest.raises(Unauthenticated):
            await door.lets(token)
    assert provider.asked == []


async def test_a_token_without_key_id_where_there_is_one_choice(
    settings: Any, moment: Any, signers: Any, claims: Any
) -> None:
    one, two = signers("RS256", "k1"), signers("RS256", "k2")
    assert await Door(settings, moment, one.jwk()).lets(one.sign(claims(), kid=None))
    await Door(settings, moment, one.jwk(), two.jwk()).refuses(one.sign(claims(), kid=None), "or it names none")


# --- what it says -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "exp", "iat"])
async def test_every_claim_that_must_be_there(name: str, door: Door, signer: Any, claims: Any) -> None:
    await door.refuses(signer.sign(claims(**{name: None})), "refused")


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"iss": "https://idp.example/realms/plant/"}, "another issuer"),
        ({"iss": "https://idp.example/realms/PLANT"}, "another issuer"),
        ({"iss": ["https://idp.example/realms/plant"]}, "another issuer"),
        ({"aud": "https://other.example"}, "for somebody else"),
        ({"aud": "https://andon.example/"}, "for somebody else"),
        ({"aud": "https://andon.example.evil.example"}, "for somebody else"),
        ({"aud": []}, "names no audience"),
        ({"aud": ["https://other.example"]}, "for somebody else"),
        ({"aud": [["https://andon.example"]]}, "names no audience"),
        ({"aud": {"https://andon.example": 1}}, "names no audience"),
        ({"sub": ""}, "names no subject"),
        ({"sub": "  "}, "names no subject"),
        ({"sub": 4711}, "names no subject"),
        ({"sub": "s" * 256}, "names no subject"),
        ({"sub": "ann\x1b[2J"}, "cannot be printed"),
        ({"sub": "bootstrap"}, "keeps for itself"),
        ({"exp": "1795000000"}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": 1e300}, "exp is no time"),
        ({"exp": 10**400}, "exp is no time"),
        ({"exp": -1}, "exp is no time"),
        ({"iat": "now"}, "iat"),
        ({"nbf": "now"}, "nbf"),
        ({"nbf": None, "iat": None}, "iat"),
    ],
)
async def test_claims_that_do_not_hold(
    changes: dict[str, Any], because: str, door: Door, signer: Any, claims: Any
) -> None:
    await door.refuses(signer.sign(claims(**changes)), because)


async def test_a_list_of_audiences_with_ours_in_it(door: Door, signer: Any, claims: Any) -> None:
    assert await door.lets(signer.sign(claims(aud=["account", "https://andon.example"])))


async def test_expiry_with_leeway_and_not_a_second_more(door: Door, signer: Any, claims: Any, moment: Any) -> None:
    token = signer.sign(claims())
    moment.forward(seconds=329)
    assert await door.lets(token)
    moment.forward(seconds=1)
    await door.refuses(token, "expired at 2026-11-21 08:05:00 UTC")


async def test_a_token_that_is_remembered_expires_all_the_same(
    door: Door, signer: Any, claims: Any, moment: Any
) -> None:
    token = signer.sign(claims())
    for _ in range(3):
        assert await door.lets(token)
    assert len(door.issuer) == 1
    moment.forward(seconds=331)
    await door.refuses(token, "expired")
    assert len(door.issuer) == 0


async def test_not_before_and_issued_in_the_future(door: Door, signer: Any, claims: Any) -> None:
    now = claims()["iat"]
    assert await door.lets(signer.sign(claims(nbf=now + 30)))
    await door.refuses(signer.sign(claims(nbf=now + 31)), "not valid yet")
    assert await door.lets(signer.sign(claims(iat=now + 30)))
    await door.refuses(signer.sign(claims(iat=now + 31)), "issued in the future")


async def test_a_token_that_lives_for_ever_is_too_old_one_day(
    door: Door, signer: Any, claims: Any, moment: Any
) -> None:
    token = signer.sign(claims(exp=claims()["iat"] + 10 * 365 * 86400))
    assert await door.lets(token)
    moment.forward(hours=24, seconds=29)
    assert await door.lets(token)
    moment.forward(seconds=2)
    await door.refuses(token, "too long ago")


@pytest.mark.parametrize("typ", [None, "JWT", "at+JWT+x", "dpop+jwt", "logout+jwt", "", 1, "application/jwt"])
async def test_a_token_of_another_type(typ: Any, door: Door, signer: Any, claims: Any, forge: Any) -> None:
    await door.refuses(forge({"alg": "RS256", "kid": "k1", "typ": typ}, claims(), b"x"), "of the type")


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
async def test_the_type_as_the_standard_has_it(typ: str, door: Door, signer: Any, claims: Any) -> None:
    assert await door.lets(signer.sign(claims(), typ=typ))


async def test_an_id_token_is_no_access_token(settings: Any, moment: Any, door: Door, signer: Any, claims: Any) -> None:
    identity = claims(aud="andon", nonce="n", at_hash="x")
    await door.refuses(signer.sign(identity, typ="JWT"), "of the type 'JWT'")
    lax = Door(msgspec.structs.replace(settings, typ="JWT"), moment, signer.jwk())
    assert await lax.lets(signer.sign(claims(typ="Bearer"), typ="JWT"))
    await lax.refuses(signer.sign(identity, typ="JWT"), "for somebody else")
    for more in (
        {"nonce": "n"},
        {"at_hash": "x"},
        {"typ": "ID"},
        {"typ": "Refresh"},
        {"token_use": "id"},
        {"events": {}},
    ):
        await lax.refuses(signer.sign(claims(**more), typ="JWT"), "no access token")


@pytest.mark.parametrize("more", [{"crit": ["exp"]}, {"crit": []}, {"b64": False}, {"crit": ["b64"], "b64": False}])
async def test_extensions_that_must_be_understood(more: dict[str, Any], door: Door, claims: Any, forge: Any) -> None:
    await door.refuses(forge({"alg": "RS256", "typ": "at+jwt", "kid": "k1", **more}, claims(), b"x"), "extensions")


async def test_a_claim_twice(door: Door, signer: Any, claims: Any) -> None:
    """Of two, one parser takes the first and the next one the last."""
    good = json.dumps(claims())
    twice = good[:-1] + ', "roles": ["admin"]}'
    token = jwt.api_jws.encode(twice.encode(), signer.key, algorithm="RS256", headers={"typ": "at+jwt", "kid": "k1"})
    await door.refuses(token, "says something twice")


async def test_a_header_field_twice(door: Door, claims: Any, forge: Any) -> None:
    await door.refuses(forge('{"alg":"none","alg":"RS256","typ":"at+jwt"}', claims(), b"x"), "something twice")


@pytest.mark.parametrize(
    "token",
    [
        "andon_secret",
        "a.b",
        "a.b.c",
        "a.b.c.d.e",
        "..",
        "!.!.!",
        "e30.e30.",
        "e30=.e30=.eA==",
        "W10.W10.eA",
        "bnVsbA.bnVsbA.eA",
        "gA.gA.eA",
    ],
)
async def test_what_is_no_signed_token_is_somebody_elses_to_know(token: str, door: Door) -> None:
    assert await door.lets(token) is None
    assert door.fetched == 0


async def test_nesting_without_end(door: Door, forge: Any) -> None:
    assert await door.lets(forge("[" * 5000, "{}", b"x")) is None
    assert await door.lets(forge('{"a":' * 5000, "{}", b"x")) is None


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1" * 5000])
async def test_numbers_that_are_none(number: str, door: Door, claims: Any, forge: Any) -> None:
    said = json.dumps(claims())[:-1] + f', "nbf": {number}}}'
    assert await door.lets(forge({"alg": "RS256", "typ": "at+jwt", "kid": "k1"}, said, b"x")) is None


# --- keys that change -------------------------------------------------------------------------------------------------


async def test_rotation_with_overlap(settings: Any, moment: Any, signers: Any, claims: Any) -> None:
    old, new = signers("RS256", "k1"), signers("RS256", "k2")
    door = Door(settings, moment, old.jwk())
    assert await door.lets(old.sign(claims()))
    door.keys = [new.jwk(), old.jwk()]
    assert await door.lets(new.sign(claims()))  # fetched at once, for its sake
    assert await door.lets(old.sign(claims(jti="t2")))
    assert door.fetched == 2


async def test_a_key_that_was_withdrawn_takes_its_tokens_along(
    settings: Any, moment: Any, signers: Any, claims: Any
) -> None:
    """Also those that were verified before, and remembered."""
    old, new = signers("RS256", "k1"), signers("RS256", "k2")
    door = Door(settings, moment, old.jwk())
    token = old.sign(claims())
    assert await door.lets(token)
    door.keys = [new.jwk()]
    assert await door.lets(token)  # nobody knows yet
    door.seconds = 601
    await door.refuses(token, "no key of the id")


async def test_a_storm_of_unknown_key_ids_asks_once_in_a_while(door: Door, signer: Any, claims: Any) -> None:
    assert await door.lets(signer.sign(claims()))
    for second in range(60):
        door.seconds = float(second)
        for n in range(5):
            await door.refuses(signer.sign(claims(), kid=f"random-{second}-{n}"), "no key of the id")
    assert door.fetched == 3  # the first, and one for every half minute of it
    assert await door.lets(signer.sign(claims(jti="t2")))


async def test_many_at_once_wait_for_one_fetch(door: Door, signer: Any, claims: Any) -> None:
    tokens = [signer.sign(claims(jti=str(n))) for n in range(50)]
    found = await asyncio.gather(*(door.lets(token) for token in tokens))
    assert {who.subject for who in found} == {"u-4711"}
    assert door.fetched == 1


async def test_an_issuer_that_is_down(door: Door, signer: Any, claims: Any) -> None:
    door.down = IssuerError("no route")
    with pytest.raises(Unavailable, match=r"cannot be asked for its keys \(no route\)"):
        await door.lets(signer.sign(claims()))
    # A bad token is bad all the same.
    await door.refuses(signer.sign(claims(iss="https://evil.example")), "another issuer")
    door.down = None
    door.seconds = 5
    assert await door.lets(signer.sign(claims()))


async def test_old_keys_serve_on_while_it_is_down_and_not_for_ever(door: Door, signer: Any, claims: Any) -> None:
    assert await door.lets(signer.sign(claims()))
    door.down = IssuerError("no route")
    for hours in (1, 12, 23.9):
        door.seconds = hours * 3600
        assert await door.lets(signer.sign(claims(jti=str(hours))))
    door.seconds = 24 * 3600
    with pytest.raises(Unavailable):
        await door.lets(signer.sign(claims()))


async def test_no_more_is_remembered_than_is_decent(
    door: Door, signers: Any, settings: Any, moment: Any, claims: Any
) -> None:
    signer = signers("EdDSA")
    door = Door(settings, moment, signer.jwk())
    for n in range(REMEMBERED + 20):
        await door.lets(signer.sign(claims(jti=str(n))))
    assert len(door.issuer) == REMEMBERED
    # What was refused is not remembered at all.
    for n in range(20):
        with pytest.raises(Unauthenticated):
            await door.lets(signer.sign(claims(jti=str(n), aud="x")))
    assert len(door.issuer) == REMEMBERED


def test_what_is_refused_says_what_to_do(claims: Callable[..., Any]) -> None:
    from hub.identity.tokens import refuse

    with pytest.raises(Unauthenticated, match=r"refused: it is odd\. Sign in again with 'andon login'"):
        refuse("it is odd")
