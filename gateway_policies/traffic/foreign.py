"""Access logs of other gateways, JSON lines: where they say what, and what their calls are by the live policies.

Their lines name neither API nor version: these are found by method and path. A 401, a 403 and a 429 count as refusals
of that gateway, since such a log does not tell who answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from gateway_policies.routing.deciding import Call, decide
from gateway_policies.routing.model import Routing
from gateway_policies.traffic.counting import Clients, Kind, shown_name
from gateway_policies.traffic.outcomes import Outcome, outcome_of


class Field(StrEnum):
    """What is taken from a line."""

    AT = "at"
    STATUS = "status"
    METHOD = "method"
    PATH = "path"
    REQUEST = "request"
    CLIENT = "client"
    ISSUER = "issuer"
    FLAGS = "flags"
    DETAIL = "detail"


class Format(StrEnum):
    """Whose log it is; ``andon`` is the one of the hub's own gateway."""

    ANDON = "andon"
    ENVOY = "envoy"
    KONG = "kong"
    NGINX = "nginx"


Places = Mapping[Field, tuple[str, ...]]
"""Names of members, with dots between those inside each other; the first that is there counts."""

PLACES: Mapping[Format, Places] = {
    Format.ENVOY: {
        Field.AT: ("start_time", "timestamp", "@timestamp", "time"),
        Field.STATUS: ("response_code", "status"),
        Field.METHOD: ("method", ":method"),
        Field.PATH: ("x_envoy_original_path", "path", ":path"),
        Field.CLIENT: ("client_id", "jwt.client_id", "jwt.azp", "jwt.sub", "client"),
        Field.ISSUER: ("issuer", "jwt.iss"),
        Field.FLAGS: ("response_flags", "flags"),
        Field.DETAIL: ("response_code_details", "detail"),
    },
    Format.KONG: {
        Field.AT: ("started_at",),
        Field.STATUS: ("response.status",),
        Field.METHOD: ("request.method",),
        Field.PATH: ("request.uri",),
        Field.CLIENT: ("consumer.username", "consumer.custom_id", "authenticated_entity.consumer_id"),
    },
    Format.NGINX: {
        Field.AT: ("time_iso8601", "time_local", "msec", "@timestamp", "timestamp", "time"),
        Field.STATUS: ("status",),
        Field.METHOD: ("request_method", "method"),
        Field.PATH: ("request_uri", "uri", "path"),
        Field.REQUEST: ("request",),
        Field.CLIENT: ("client_id", "jwt_claim_client_id", "remote_user"),
    },
}
OWN_PLACES: Places = {each: (each.value,) for each in Field if each is not Field.REQUEST}
"""Of the hub's own gateway: a log of another hub, say."""
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
    )
}
_REFUSED = {401: Outcome.UNAUTHENTICATED, 403: Outcome.SCOPE_MISSING, 429: Outcome.THROTTLED}


class ForeignCall(Struct, frozen=True):
    """A call of another gateway.

    Attributes:
        at: in seconds since 1970.
        kind: what it is; None where no API of the policies is called so.
    """

    at: float
    kind: Kind | None


class Reader:
    """Reads lines of one log.

    Args:
        places: where they say what.
        routing: the calls that there are.
        clients: the consumers that there are; a name of one is as good as its client.
    """

    def __init__(self, places: Places, routing: Routing, clients: Clients) -> None:
        self._places, self._routing, self._clients = places, routing, clients
        self._names = {each.consumer for each in routing.callers}
        self._routed = lru_cache(maxsize=65_536)(self._route)

    def read(self, line: bytes) -> ForeignCall | None:
        """A line; None where it cannot be read."""
        try:
            found = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        if not isinstance(found, dict):
            return None
        at, status = moment_of(self._value(found, Field.AT)), _number(self._value(found, Field.STATUS))
        method, path = self._called(found)
        if at is None or status is None or method is None or path is None:
            return None
        where = self._routed(method.upper(), path.partition("?")[0])
        if where is None:
            return ForeignCall(at, None)
        flags, detail = self._text(found, Field.FLAGS) or "", self._text(found, Field.DETAIL) or ""
        outcome = outcome_of(status, None, flags, detail)
        if outcome is Outcome.CLIENT_ERROR:
            outcome = _REFUSED.get(status, outcome)
        client = self._text(found, Field.CLIENT) or ""
        consumer = self._who(self._text(found, Field.ISSUER), client)
        return ForeignCall(at, Kind(consumer, "" if consumer else shown_name(client), *where, outcome))

    def _who(self, issuer: str | None, client: str) -> str:
        if client in self._names:
            return client
        return (self._clients.consumer(issuer, client) if client else None) or ""

    def _route(self, method: str, path: str) -> tuple[str, str, str, str] | None:
        surface = (found := decide(self._routing, Call(method=method, path=path))).surface
        if surface is None:
            return None
        entry = found.entry
        return (
            surface.api,
            surface.version,
            "" if entry is None else entry.key,
            "" if entry is None else entry.scope or "",
        )

    def _called(self, found: dict[str, Any]) -> tuple[str | None, str | None]:
        method, path = self._text(found, Field.METHOD), self._text(found, Field.PATH)
        request = self._text(found, Field.REQUEST)
        if (method is None or path is None) and request is not None:  # "POST /a/b HTTP/1.1"
            parts = request.split(" ")
            if len(parts) == 3:
                method, path = method or parts[0], path or parts[1]
        return method, path

    def _text(self, found: dict[str, Any], field: Field) -> str | None:
        value = self._value(found, field)
        return value if isinstance(value, str) and value not in ("", "-") else None

    def _value(self, found: dict[str, Any], field: Field) -> Any:
        for place in self._places.get(field, ()):
            value: Any = found.get(place)
            if value is None and "." in place:
                value = found
                for part in place.split("."):
                    value = value.get(part) if isinstance(value, dict) else None
            if value is not None:
                return value
        return None


def moment_of(value: object) -> float | None:
    """Seconds since 1970 of a time as logs write it: RFC 3339, nginx's own, seconds, milliseconds or microseconds."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _scaled(float(value))
    if not isinstance(value, str):
        return None
    text = value.strip()
    try:
        return _scaled(float(text))
    except ValueError:
        pass  # no number: a date then
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return _of_nginx(text)
    return (found.replace(tzinfo=UTC) if found.tzinfo is None else found).timestamp()


def _scaled(value: float) -> float | None:
    if not 0 < value < 1e17:
        return None
    return value / 1e6 if value >= 1e14 else value / 1e3 if value >= 1e11 else value


def _of_nginx(text: str) -> float | None:
    """``20/Nov/2026:10:00:00 +0000``, whatever language the machine speaks."""
    day, _, rest = text.partition("/")
    month, _, rest = rest.partition("/")
    year, _, clock = rest.partition(":")
    try:
        number = _MONTHS[month]
        return datetime.strptime(f"{year}-{number:02d}-{day} {clock}", "%Y-%m-%d %H:%M:%S %z").timestamp()
    except (KeyError, ValueError):
        return None


def _number(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1000 else None
