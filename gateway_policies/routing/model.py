"""Calls of a gateway at a moment, whatever serves them: versions as they are called, callers, and their limits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from gateway_policies.model import Issuer, Throttle


class Refusal(StrEnum):
    """Why a gateway answers a call itself, as the last part of the problem's type, ``urn:andon:gateway:NAME``."""

    UNAUTHENTICATED = "unauthenticated"
    CREDENTIAL_EXPIRED = "credential-expired"
    UNKNOWN_CONSUMER = "unknown-consumer"
    SCOPE_MISSING = "scope-missing"
    THROTTLED = "throttled"
    VERSION_RETIRED = "version-retired"
    BROWNOUT = "brownout"
    NO_SUCH_ROUTE = "no-such-route"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    UPSTREAM_UNAVAILABLE = "upstream-unavailable"
    BAD_REQUEST = "bad-request"


STATUS: Mapping[Refusal, int] = {
    Refusal.UNAUTHENTICATED: 401,
    Refusal.CREDENTIAL_EXPIRED: 401,
    Refusal.UNKNOWN_CONSUMER: 401,
    Refusal.SCOPE_MISSING: 403,
    Refusal.THROTTLED: 429,
    Refusal.VERSION_RETIRED: 410,
    Refusal.BROWNOUT: 410,
    Refusal.NO_SUCH_ROUTE: 404,
    Refusal.METHOD_NOT_ALLOWED: 405,
    Refusal.UPSTREAM_UNAVAILABLE: 503,
    Refusal.BAD_REQUEST: 400,
}
"""The HTTP status of each; where no upstream answers it can be 502 or 504 too."""


class Served(StrEnum):
    """How calls of a version are answered."""

    PASSED = "passed"
    RETIRED = "retired"
    BROWNOUT = "brownout"


class Entry(Struct, frozen=True, kw_only=True):
    """An operation of a version.

    Attributes:
        key: as the policies name it, ``POST /{order}/release``.
        path: the template below the version.
        scope: what the call wants; None lets every known consumer through.
    """

    key: str
    methods: tuple[str, ...]
    path: str
    scope: str | None


class Surface(Struct, frozen=True, kw_only=True):
    """A version of an API as it is called.

    Attributes:
        address: ``api.NAME.version.V``.
        prefix: where its paths begin.
        header: the name of the header that says the version; None where the path does.
        upstream: ``system:NAME`` or a URL, as the policies say it.
        until: when a brownout ends; None where there is none now.
        headers: what every answer carries of its life: ``deprecation`` (RFC 9745), ``sunset`` (RFC 8594), ``link``.
        throttle: the name of the API's, which all callers share.
        entries: the nearer templates first.
    """

    api: str
    version: str
    address: str
    prefix: str
    header: str | None
    upstream: str
    served: Served
    until: datetime | None
    headers: dict[str, str]
    throttle: str | None
    entries: tuple[Entry, ...]


class Caller(Struct, frozen=True, kw_only=True):
    """A consumer with a credential.

    Attributes:
        expired: whether the credential's last day is over.
        scopes: of its live grants, wildcards written out.
        throttle: the name of its own.
    """

    consumer: str
    issuer: str
    client_id: str
    expired: bool
    scopes: frozenset[str]
    throttle: str | None

    @property
    def address(self) -> str:
        """``consumer.NAME``"""
        return f"consumer.{self.consumer}"


class Routing(Struct, frozen=True, kw_only=True):
    """Everything that a gateway has to know to answer calls at a moment.

    Attributes:
        gateway: its name.
        at: the moment.
        changes_at: when time alone makes something else of it; None for never.
        surfaces: in the order of API and version.
        callers: in the order of their names.
    """

    gateway: str
    at: datetime
    changes_at: datetime | None
    surfaces: tuple[Surface, ...]
    callers: tuple[Caller, ...]
    issuers: tuple[Issuer, ...]
    throttles: dict[str, Throttle]
