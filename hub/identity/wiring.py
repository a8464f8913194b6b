"""Whose tokens a hub accepts: its own people's, or those of an external issuer, never both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import structlog
from msgspec import Struct

from hub.api.access import Access
from hub.errors import SettingsError
from hub.identity.embedded import EmbeddedIssuer
from hub.identity.external import ExternalIssuer
from hub.identity.fetching import from_file, from_issuer
from hub.identity.issuer_settings import IssuerSettings
from hub.identity.key_cache import KeyCache
from hub.identity.people import People, Roster
from hub.store.database import Database
from transactions.clock import Clock
from transactions.errors import Refused, Unavailable

log = structlog.get_logger("andon.identity")

METADATA = "/.well-known/oauth-protected-resource"
KEYS = "/.well-known/jwks.json"


class SignIn(Struct, frozen=True, kw_only=True):
    """How people sign in.

    Attributes:
        url: the public address of the hub.
        issuer: an external issuer; None has the hub give tokens itself.
        key_file: where the hub's own issuer keeps its key; None keeps it in memory.
    """

    url: str = "http://127.0.0.1:8470"
    issuer: IssuerSettings | None = None
    key_file: Path | None = None


class ResourceMetadata(Struct, frozen=True, kw_only=True):
    """Where to get tokens for this hub (RFC 9728), with what ``andon login`` needs besides."""

    resource: str
    resource_name: str
    authorization_servers: list[str]
    scopes_supported: list[str]
    bearer_methods_supported: list[str]
    andon_client_id: str | None
    andon_scopes: str | None
    andon_resource_indicator: bool


class Identity:
    """Knows whose tokens are accepted, and lets ``access`` know.

    Raises:
        SettingsError: the key of the hub's own issuer cannot be used.
    """

    def __init__(self, sign_in: SignIn, *, platform: str, database: Database, clock: Clock, access: Access) -> None:
        self.sign_in, self._platform, self._clock, self._access = sign_in, platform, clock, access
        self._people: People | None = None
        self._embedded: EmbeddedIssuer | None = None
        self._keys: KeyCache | None = None
        self._first_fetch: asyncio.Task[None] | None = None
        self.on_bootstrap_off: Callable[[], None] | None = None
        """Called when the bootstrap token is refused from now on."""
        access.metadata_url = f"{sign_in.url}{METADATA}"
        issuer = sign_in.issuer
        if issuer is None:
            self._people = People(database, clock)
            self._embedded = EmbeddedIssuer(platform, self._people, clock, sign_in.key_file)
            self._people.on_change(self._look)
            access.trust(self._embedded)
            return
        self._keys = _keys(issuer)
        access.trust(ExternalIssuer(with_audience(issuer, sign_in.url), self._keys, clock))
        access.bootstrap_off = (
            f"The bootstrap token is off: people of this hub sign in at {issuer.url}. Sign in with 'andon login'."
        )

    @property
    def people(self) -> People:
        """The hub's own people.

        Raises:
            Refused: an external issuer names the people.
        """
        return self._own()[0]

    @property
    def embedded(self) -> EmbeddedIssuer:
        """The hub's own issuer.

        Raises:
            Refused: there is an external one.
        """
        return self._own()[1]

    async def start(self) -> None:
        """Know everybody, before the first request. An external issuer that does not answer keeps nothing from
        starting: its people are told so until it does."""
        if self._people is not None:
            await self._people.load()
        if self._keys is not None:
            self._first_fetch = asyncio.create_task(_first(self._keys), name="andon-issuer-first")

    async def close(self) -> None:
        """Give up what is being fetched."""
        if self._keys is not None:
            await self._keys.close()
        if self._first_fetch is not None:
            self._first_fetch.cancel()
            await asyncio.wait([self._first_fetch])

    def metadata(self) -> ResourceMetadata:
        """The document at ``/.well-known/oauth-protected-resource``."""
        issuer = self.sign_in.issuer
        return ResourceMetadata(
            resource=self.sign_in.url,
            resource_name=f"Andon hub {self._platform}",
            authorization_servers=[] if issuer is None else [issuer.url],
            scopes_supported=[] if issuer is None else issuer.scopes.split(),
            bearer_methods_supported=["header"],
            andon_client_id=None if issuer is None else issuer.client_id,
            andon_scopes=None if issuer is None else issuer.scopes,
            andon_resource_indicator=issuer is None or issuer.resource_indicator,
        )

    def key_set(self) -> dict[str, Any]:
        """The document at ``/.well-known/jwks.json``; of an external issuer there are no keys here."""
        return {"keys": []} if self._embedded is None else self._embedded.key_set()

    def _own(self) -> tuple[People, EmbeddedIssuer]:
        if self._people is None or self._embedded is None:
            assert self.sign_in.issuer is not None
            raise Refused(
                f"The people of this hub are those of the issuer {self.sign_in.issuer.url}, and so are their roles and "
                "tokens. Nothing was changed. Add and remove them there; the hub's settings say what its roles come to."
            )
        return self._people, self._embedded

    def _look(self, roster: Roster) -> None:
        """The bootstrap token ends when somebody else can run the hub, and does not come back by itself: whoever
        removes the last admin, and had the token once, would else be in again at once."""
        if self._access.bootstrap_off is not None:
            return
        admin = roster.admin(self._clock.now())
        if admin is None:
            return
        self._access.bootstrap_off = (
            f"The bootstrap token is off: this hub has an admin of its own, {admin}. Sign in with that one's token; "
            "an admin gives tokens with 'andon hub users token NAME'."
        )
        log.info("bootstrap.off", admin=admin)
        if self.on_bootstrap_off is not None:
            self.on_bootstrap_off()


def with_audience(issuer: IssuerSettings, url: str) -> IssuerSettings:
    """The settings with an audience: the hub's public address, where they tell none.

    Raises:
        SettingsError: ID tokens would have it too.
    """
    if issuer.audiences:
        return issuer
    if issuer.typ == "JWT" and issuer.client_id == url:
        raise SettingsError(
            "issuer.client_id is the hub's address, and so would be the audience: ID tokens would be taken for access "
            "tokens. Give the client another id, or the hub an audience."
        )
    return msgspec.structs.replace(issuer, audience=url)


def _keys(issuer: IssuerSettings) -> KeyCache:
    if issuer.jwks_file is not None:
        return KeyCache(issuer.url, from_file(Path(issuer.jwks_file)))
    return KeyCache(
        issuer.url, from_issuer(issuer.url, issuer.jwks_uri, None if issuer.ca is None else Path(issuer.ca))
    )


async def _first(keys: KeyCache) -> None:
    try:
        await keys.current()
    except Unavailable as error:
        log.warning("issuer.unreachable", detail=error.detail)
