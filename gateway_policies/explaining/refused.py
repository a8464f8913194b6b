"""What a gateway says of a call that it answers itself: a problem document (RFC 9457) under a header that no upstream
can set, since the gateway takes it away from what passes through.

Bodies come over the network: nothing here raises, and what does not fit is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

MARK = "andon-gateway"
"""The header by which a gateway says that the answer is its own: ``andon-gateway: refused``."""
PROBLEM = "urn:andon:gateway:"
"""What the types of its problems begin with."""
THROTTLED = "andon-throttled"
"""The header by which it says whose throttle was exhausted: ``api`` or ``consumer``."""

_BY_STATUS = {
    400: "bad-request",
    401: "unauthenticated",
    403: "scope-missing",
    404: "no-such-route",
    405: "method-not-allowed",
    410: "version-retired",
    429: "throttled",
}
_NAME = re.compile(r"[a-z][a-z-]{0,60}")
_ADDRESS = re.compile(r"(?:api|consumer|issuer|scope|throttle)\.[A-Za-z0-9_.*-]{1,400}")
_FLAGS = re.compile(r"[A-Z0-9]{1,8}(?:,[A-Z0-9]{1,8}){0,7}")
_LONGEST = 400  # characters of a text that are kept
_READ = 65_536  # bytes of a body that are read

NEVER_SENT = frozenset({"UF", "UH", "UO", "NR", "NC"})
"""Flags of Envoy's for a call that has not left it: no connection, nobody to connect to, no room, no route."""


class RefusedCall(Struct, frozen=True, kw_only=True):
    """A call, as the gateway that refused it tells it; None for what it does not say.

    Attributes:
        name: why, the last part of the problem's type: ``scope-missing``.
        operation: as the policies name it, ``POST /{order}/release``.
        scope: what the call wants.
        client_id: who called, as the token says.
        policy: the address of the policy that decided.
        throttled: whose throttle was exhausted: ``api`` or ``consumer``.
        flags: Envoy's, of what became of the way to the upstream.
    """

    name: str
    status: int
    detail: str | None = None
    api: str | None = None
    version: str | None = None
    operation: str | None = None
    scope: str | None = None
    client_id: str | None = None
    policy: str | None = None
    throttled: str | None = None
    flags: tuple[str, ...] = ()

    @property
    def never_sent(self) -> bool:
        """Whether nothing has reached the upstream: of a refusal for certain, of a lost way only where it is told."""
        return self.name != "upstream-unavailable" or (bool(self.flags) and NEVER_SENT.issuperset(self.flags))


def read_refusal(status: int, headers: Mapping[str, str], body: bytes) -> RefusedCall | None:
    """The refused call that an answer tells of; None for an answer of the upstream's.

    Args:
        headers: by names in lower case.
    """
    if headers.get(MARK, "").strip().lower() != "refused":
        return None
    told = _members(body)
    given = told.get("type")
    name = given.removeprefix(PROBLEM) if isinstance(given, str) and given.startswith(PROBLEM) else ""
    policy = _text(told, "policy")
    flags = _text(told, "flags") or ""
    return RefusedCall(
        name=name if _NAME.fullmatch(name) else _BY_STATUS.get(status, "upstream-unavailable"),
        status=status,
        detail=_text(told, "detail"),
        api=_text(told, "api"),
        version=_text(told, "version"),
        operation=_text(told, "operation"),
        scope=_text(told, "scope"),
        client_id=_text(told, "client_id"),
        policy=policy if policy is not None and _ADDRESS.fullmatch(policy) else None,
        throttled=side if (side := headers.get(THROTTLED, "").strip()) in ("api", "consumer") else None,
        flags=tuple(flags.split(",")) if _FLAGS.fullmatch(flags) else (),
    )


def _members(body: bytes) -> dict[str, Any]:
    if len(body) > _READ:
        return {}
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(told: dict[str, Any], name: str) -> str | None:
    """A member as a text in one line; an empty one, and Envoy's ``-`` for what it has not, are none."""
    value = told.get(name)
    if not isinstance(value, str):
        return None
    line = " ".join("".join(each if each.isprintable() else " " for each in value[: 2 * _LONGEST]).split())[:_LONGEST]
    return None if line in ("", "-") else line
