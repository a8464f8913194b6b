"""Keys and tokens of the tests' own, to forge with; an issuer that answers what a test tells it to; a clock to set."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from hub.identity.issuer_settings import IssuerSettings
from hub.identity.people import People
from hub.store.database import Database, open_database
from transactions.accounts import PersonRequest
from transactions.people import Limits

ISSUER = "https://idp.example/realms/plant"
HUB = "https://andon.example"
START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


class Moment:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> None:
        self.at += timedelta(**by)


class Signer:
    """A private key, its public JWK, and what it signs."""

    def __init__(self, algorithm: str = "RS256", kid: str | None = "k1", bits: int = 2048) -> None:
        self.algorithm, self.kid = algorithm, kid
        if algorithm.startswith(("RS", "PS")):
            self.key: Any = _rsa(kid or "", bits)
        elif algorithm == "ES256":
            self.key = ec.generate_private_key(ec.SECP256R1())
        elif algorithm == "ES384":
            self.key = ec.generate_private_key(ec.SECP384R1())
        else:
            self.key = ed25519.Ed25519PrivateKey.generate()

    def jwk(self, **more: Any) -> dict[str, Any]:
        reader = jwt.get_algorithm_by_name(self.algorithm)
        found = {**reader.to_jwk(self.key.public_key(), as_dict=True), "alg": self.algorithm, "use": "sig"}
        found.pop("key_ops", None)
        if self.kid is not None:
            found["kid"] = self.kid
        found.update(more)
        return {name: value for name, value in found.items() if value is not None}

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        fields = {"typ": "at+jwt", "kid": self.kid, **header}
        algorithm = fields.pop("alg", self.algorithm)
        return jwt.api_jws.encode(
            json.dumps(claims).encode(),
            self.key,
            algorithm=algorithm,
            headers={name: value for name, value in fields.items() if value is not None},
        )


_made: dict[tuple[str, int], rsa.RSAPrivateKey] = {}


def _rsa(name: str, bits: int) -> rsa.RSAPrivateKey:
    """Made once per name: RSA keys take a while."""
    if (name, bits) not in _made:
        _made[name, bits] = rsa.generate_private_key(65537, bits)
    return _made[name, bits]


def claims_of(**changes: Any) -> dict[str, Any]:
    """What a good token says; None takes a claim away."""
    now = int(START.timestamp())
    found = {
        "iss": ISSUER,
        "sub": "u-4711",
        "aud": HUB,
        "client_id": "andon",
        "iat": now,
        "exp": now + 300,
        "jti": "t1",
        "roles": ["operator"],
        **changes,
    }
    return {name: value for name, value in found.items() if value is not None}


def by_hand(header: Any, claims: Any, signature: bytes = b"") -> str:
    """A token of any two values, or texts, whoever made its signature."""
    parts = [part if isinstance(part, str) else json.dumps(part) for part in (header, claims)]
    return ".".join(
        base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*map(str.encode, parts), signature)
    )


@pytest.fixture
def moment() -> Moment:
    return Moment()


@pytest.fixture(scope="session")
def signer() -> Signer:
    return Signer()


@pytest.fixture(scope="session")
def signers() -> type[Signer]:
    return Signer


@pytest.fixture
def claims() -> Callable[..., dict[str, Any]]:
    return claims_of


@pytest.fixture
def forge() -> Callable[..., str]:
    return by_hand


@pytest.fixture
def settings() -> IssuerSettings:
    return IssuerSettings(url=ISSUER, audience=HUB)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = open_database(tmp_path)
    yield found
    found.close()


@pytest.fixture
async def people(database: Database, moment: Moment) -> People:
    found = People(database, moment)
    await found.load()
    return found


@pytest.fixture
def asked() -> Callable[..., PersonRequest]:
    """A request for somebody with a role."""

    def make(name: str, *roles: str, change: bool = False, permissions: Any = (), **limits: list[str]) -> PersonRequest:
        return PersonRequest(
            name=name, roles=list(roles), permissions=list(permissions), limits=Limits(**limits), change=change
        )

    return make


class Provider:
    """An HTTP server that says what an issuer would, or what one must not."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[web.Request], Any]] = {}
        self.asked: list[str] = []
        self.url = ""

    def say(self, path: str, value: Any, status: int = 200, **headers: str) -> None:
        """Answer ``path`` with JSON."""
        body = value if isinstance(value, bytes) else json.dumps(value).encode()

        async def answer(_request: web.Request) -> web.Response:
            return web.Response(body=body, status=status, content_type="application/json", headers=headers)

        self.answers[path] = answer

    def metadata(self, **changes: Any) -> None:
        """The usual metadata."""
        self.say("/.well-known/openid-configuration", {"issuer": self.url, "jwks_uri": f"{self.url}/jwks", **changes})

    def keys(self, *signers: Signer, **headers: str) -> None:
        """These keys at ``/jwks``."""
        self.say("/jwks", {"keys": [signer.jwk() for signer in signers]}, **headers)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        answer = self.answers.get(request.path)
        return web.Response(status=404) if answer is None else await answer(request)


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    found = Provider()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    found.metadata()
    yield found
    await runner.cleanup()
