"""What a data plane has to know besides the policies: where systems are, and the keys of those who sign tokens."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from msgspec import Struct

from gateway_policies.model import Issuer
from hub.dataplane.blueprint import Target, TrustedIssuer
from hub.identity.consumers import ConsumerIssuer
from hub.identity.fetching import from_file, from_issuer, safe_address
from hub.identity.key_cache import IssuerError, KeyCache
from hub.identity.key_sets import PublicKey
from hub.landscape import Landscape
from transactions.errors import Unavailable

SYSTEM = "system:"
HUB = "hub"
"""What policies call the hub among systems, for APIs whose documents it takes: ``system:hub``."""
INGRESS = "/ingress"


class Own(Struct, frozen=True, kw_only=True):
    """The hub as what stands behind a gateway.

    Attributes:
        url: where this machine reaches it.
        public_url: where others do; a policy that names that means the hub.
        fingerprint: SHA-256 of its certificate in hex; None where it has none.
    """

    url: str
    public_url: str
    fingerprint: str | None = None


class Sources(Protocol):
    """Where a data plane gets what policies do not say."""

    def targets(self, upstream: str) -> list[Target]:
        """Where calls of an API go on to; nothing where there is no address."""
        ...

    async def issuers(self, wanted: Iterable[Issuer], gateway: str) -> tuple[list[TrustedIssuer], dict[str, str]]:
        """The issuers whose keys are at hand, and why those of others are not, by their names."""
        ...

    async def close(self) -> None:
        """Give up what is being fetched."""
        ...


class HubSources:
    """The hub's own knowledge.

    Args:
        landscape: where systems are.
        consumers: signs tokens for consumers.
        own: the hub itself.
        authorization: what simulated systems want in that header; None has callers' tokens go on.
        ingress: the same for the hub's own ingress, which knows the gateway by it.
    """

    def __init__(
        self,
        landscape: Landscape,
        consumers: ConsumerIssuer,
        own: Own,
        authorization: str | None = None,
        ingress: str | None = None,
    ) -> None:
        self._ingress = ingress
        self._landscape, self._consumers, self._own = landscape, consumers, own
        self._authorization = authorization
        self._caches: dict[tuple[str | None, str | None], KeyCache] = {}

    def targets(self, upstream: str) -> list[Target]:
        """See :class:`Sources`. A system that has an instance in each plant has a target for each."""
        if not upstream.startswith(SYSTEM):
            return [self._by_url(upstream)] if _can_be_called(upstream) else []
        name = upstream.removeprefix(SYSTEM)
        declaration = self._landscape.catalogue.system.get(name)
        if declaration is None:
            return [self._hub(INGRESS)] if name == HUB else []
        plants = sorted(self._landscape.catalogue.plant) if declaration.local else [None]
        found = (self._landscape.endpoint(name, plant) for plant in plants)
        return [
            Target(url=each.url, plant=each.plant, authorization=self._authorization)
            for each in found
            if each is not None and each.url is not None
        ]

    async def issuers(self, wanted: Iterable[Issuer], gateway: str) -> tuple[list[TrustedIssuer], dict[str, str]]:
        """See :class:`Sources`."""
        found, missing = [], {}
        for each in wanted:
            try:
                issuer, keys = await self._keys(each)
            except (IssuerError, Unavailable) as error:
                missing[each.name] = str(error)
                continue
            audience = each.audience_at(gateway)
            found.append(TrustedIssuer(name=each.name, issuer=issuer, audience=audience, keys=keys))
        return found, missing

    async def close(self) -> None:
        """See :class:`Sources`."""
        for each in self._caches.values():
            await each.close()

    async def _keys(self, issuer: Issuer) -> tuple[str, dict[str, Any]]:
        """What its tokens say in ``iss``, and its keys. One that is known by a file alone goes by its name."""
        if issuer.by_hub:
            return self._consumers.issuer, self._consumers.key_set()
        cache = self._caches.setdefault((issuer.url, issuer.jwks_file), _cache(issuer))
        keys = await cache.current()
        return issuer.url or issuer.name, {"keys": [_public(each) for each in keys.keys]}

    def _by_url(self, url: str) -> Target:
        public = self._own.public_url.rstrip("/")
        if url == public or url.startswith(f"{public}/"):
            return self._hub(url.removeprefix(public))
        return Target(url=url)

    def _hub(self, path: str) -> Target:
        known = self._ingress if path.rstrip("/") == INGRESS else None
        return Target(url=f"{self._own.url}{path}", fingerprint=self._own.fingerprint, authorization=known)


def _can_be_called(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # no address of IPv6, or no port
        return False


def _cache(issuer: Issuer) -> KeyCache:
    if issuer.jwks_file is not None:
        return KeyCache(issuer.name, from_file(Path(issuer.jwks_file)))
    assert issuer.url is not None
    if not safe_address(issuer.url):
        raise IssuerError(f"{issuer.url} is not asked for keys: anybody on the way could give others. Use https")
    return KeyCache(issuer.url, from_issuer(issuer.url, None, None))


def _public(key: PublicKey) -> dict[str, Any]:
    """A key as a JWK (RFC 7517), as far as signatures of tokens are checked with it."""
    kinds: dict[str, Any] = {"EdDSA": OKPAlgorithm, "ES256": ECAlgorithm, "RS256": RSAAlgorithm, "PS256": RSAAlgorithm}
    algorithms = sorted(key.algorithms, reverse=True)  # RS256 before PS256
    written: dict[str, Any] = msgspec.json.decode(kinds[algorithms[0]].to_jwk(key.key))
    written.pop("key_ops", None)
    # a key of RSA may be for more than one algorithm, and then says none
    named = {"alg": algorithms[0]} if len(algorithms) == 1 else {}
    return {**written, "use": "sig", **named, **({} if key.id is None else {"kid": key.id})}
