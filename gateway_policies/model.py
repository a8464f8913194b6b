"""What a gateway is governed by: APIs with versions and operations, scopes, throttles, consumers with grants, issuers.

Each is a resource with an address that stays the same wherever it is written: ``api.NAME``, ``api.NAME.version.V``,
``scope.NAME``, ``consumer.NAME``, ``consumer.NAME.grant.SCOPE``, ``throttle.NAME``, ``issuer.NAME``. Names have no dots
but a scope's, which comes last. Encoded as JSON a resource leaves out what has its default, so that two spellings of
the same policy are the same text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, TypeAlias

from msgspec import Struct


class Layer(StrEnum):
    """Where an API stands in API-led connectivity: at one system, across systems, or for a use of its own."""

    SYSTEM = "system"
    PROCESS = "process"
    EXPERIENCE = "experience"


class ScopeRisk(StrEnum):
    """What a wrong call with this scope costs."""

    LOW = "low"
    OPERATIONAL = "operational"
    QUALITY = "quality"
    FINANCIAL = "financial"


Risk = ScopeRisk  # its own name is for schemas, in which transactions have a Risk too


class Lifecycle(StrEnum):
    """How long a version may still be called. A draft is not served, a retired one is answered with 410."""

    DRAFT = "draft"
    ACTIVE = "active"
    DEPRECATED = "deprecated"
    BROWNOUT = "brownout"
    RETIRED = "retired"


class Brownout(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, order=True, rename={"from_": "from"}):
    """A span of time in which a version that goes away answers as if it were gone; ``until`` is not part of it."""

    from_: datetime
    until: datetime


class Operation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What may be called below an API's base path.

    Attributes:
        methods: HTTP methods, in upper case and in order of the alphabet.
        path: a template below the version, ``/{order}/release``; a name in braces is one segment.
        scope: what a token must have; None: any token of a consumer that this gateway knows.
        versions: the versions that have it; None for all.
    """

    methods: tuple[str, ...]
    path: str
    scope: str | None = None
    versions: tuple[str, ...] | None = None

    @property
    def key(self) -> str:
        """What tells the operations of an API apart: ``POST /{order}/release``."""
        return f"{','.join(self.methods)} {self.path}"


class Credential(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """By what a consumer is known: the client at an issuer, and until when.

    Attributes:
        secret: where a secret is that the gateway needs, never the secret: ``env:NAME``, ``file:PATH``,
            ``keyring:SERVICE/NAME``.
    """

    issuer: str
    client_id: str
    expires_on: date | None = None
    secret: str | None = None


class _Resource(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="kind", tag=str.lower
):
    """Something with an address."""


class Api(_Resource, frozen=True):
    """An API: where it is called, what stands behind it, and what may be called.

    Attributes:
        system: whose API it is, as the hub names systems.
        base_path: where it begins at the gateway.
        upstream: ``system:NAME`` or a URL.
        versioning: ``path`` or ``header:NAME``.
        throttle: of the whole API, shared by all of its consumers.
        operations: in the order of their keys.
        protected: a plan may not delete it.
    """

    name: str
    owner: str
    base_path: str
    upstream: str
    layer: Layer = Layer.SYSTEM
    system: str | None = None
    description: str = ""
    versioning: str = "path"
    throttle: str | None = None
    operations: tuple[Operation, ...] = ()
    protected: bool = False

    @property
    def address(self) -> str:
        """``api.NAME``"""
        return f"api.{self.name}"


class Version(_Resource, frozen=True):
    """A version of an API.

    Attributes:
        deprecated_on, sunset_on: from when it is announced to go (RFC 9745), and when it goes (RFC 8594).
        successor: the version to go to.
        contract: an OpenAPI document, as a path below the folder of the policies.
    """

    api: str
    name: str
    lifecycle: Lifecycle = Lifecycle.DRAFT
    deprecated_on: date | None = None
    sunset_on: date | None = None
    successor: str | None = None
    contract: str | None = None
    brownouts: tuple[Brownout, ...] = ()
    protected: bool = False

    @property
    def address(self) -> str:
        """``api.NAME.version.V``"""
        return f"api.{self.api}.version.{self.name}"


class Scope(_Resource, frozen=True):
    """What a token may allow."""

    name: str
    description: str = ""
    risk: Risk = Risk.OPERATIONAL
    owner: str | None = None
    protected: bool = False

    @property
    def address(self) -> str:
        """``scope.NAME``"""
        return f"scope.{self.name}"


class Throttle(_Resource, frozen=True):
    """A token bucket, and a quota beside it where there is one.

    Attributes:
        requests, per_seconds: the refill.
        burst: how many the bucket holds; as many as ``requests`` where it is None.
        quota, quota_per_seconds: at most so many in a longer time.
    """

    name: str
    requests: int
    per_seconds: int
    burst: int | None = None
    quota: int | None = None
    quota_per_seconds: int | None = None
    protected: bool = False

    @property
    def address(self) -> str:
        """``throttle.NAME``"""
        return f"throttle.{self.name}"

    @property
    def per_second(self) -> float:
        """The refill as a number per second."""
        return self.requests / self.per_seconds


class Consumer(_Resource, frozen=True):
    """Somebody who calls: a system of a plant, a portal, a partner."""

    name: str
    owner: str
    system: str | None = None
    plant: str | None = None
    description: str = ""
    throttle: str | None = None
    credential: Credential | None = None
    protected: bool = False

    @property
    def address(self) -> str:
        """``consumer.NAME``"""
        return f"consumer.{self.name}"


class Grant(_Resource, frozen=True):
    """That a consumer may use a scope, why, and until when."""

    consumer: str
    scope: str
    reason: str = ""
    expires_on: date | None = None

    @property
    def address(self) -> str:
        """``consumer.NAME.grant.SCOPE``"""
        return f"consumer.{self.consumer}.grant.{self.scope}"


class Issuer(_Resource, frozen=True):
    """Who signs the access tokens: found by its URL (RFC 8414), or by a file of its keys (RFC 7517). The URL ``hub:``
    is the hub itself."""

    HUB: ClassVar[str] = "hub:"

    name: str
    url: str | None = None
    jwks_file: str | None = None
    audience: str | None = None
    protected: bool = False

    @property
    def address(self) -> str:
        """``issuer.NAME``"""
        return f"issuer.{self.name}"

    @property
    def by_hub(self) -> bool:
        """Whether the hub signs its tokens itself."""
        return self.url == self.HUB

    def audience_at(self, gateway: str) -> str | None:
        """Whom its tokens must be for; the hub's own are for the gateway by its name, where no audience is told. None
        where that is not asked."""
        return gateway if self.audience is None and self.by_hub else self.audience


Resource: TypeAlias = Api | Version | Scope | Throttle | Consumer | Grant | Issuer


class Severity(StrEnum):
    """What a finding of a rule means for the whole: an error refuses, a warning is told, off is neither."""

    ERROR = "error"
    WARNING = "warning"
    OFF = "off"


class Suppression(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Findings of a rule that are known: at which addresses (``*`` is anything), why, until the end of which day."""

    rule: str
    address: str
    reason: str
    until: date


class PolicySet(Struct, frozen=True, kw_only=True):
    """What a folder of policies says, after overlays.

    Attributes:
        gateway: the gateway's name.
        name: the set's own name, by which it owns what it has applied.
        resources: by address.
        lint: severities that differ from the rules' own.
        noise: addresses, or ``address:field``, as patterns with ``*``, whose drift is nobody's concern.
    """

    DEFAULT_NAME: ClassVar[str] = "policies"

    gateway: str
    name: str = DEFAULT_NAME
    resources: Mapping[str, Resource] = {}
    lint: Mapping[str, Severity] = {}
    suppressions: tuple[Suppression, ...] = ()
    noise: tuple[str, ...] = ()


def by_address(resources: Iterable[Resource]) -> dict[str, Resource]:
    """Resources by their addresses, in the order of the addresses."""
    return dict(sorted((each.address, each) for each in resources))
