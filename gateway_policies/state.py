"""What a gateway has: the live resources, who owns them, and what a policy set applied last."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from gateway_policies.canonical import sha256_of
from gateway_policies.model import Resource

DIRECTORY = "directory:"
"""What the platform of a gateway begins with that is a directory; what tells it from other directories comes next."""


class GatewayState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A gateway at one moment, as a policy set sees it.

    Attributes:
        gateway: its name.
        revision: how many changes it has taken; 0 for one that is as it was made.
        fingerprint: of everything here that a change could move; a change names the one that it was planned on.
        live: what is in force, by address.
        owners: the policy sets that own resources, by address; what is missing was made by hand and belongs to nobody.
        applied: what the policy set that asks applied last, by address.
        platform: whose gateway it is, or which directory: gateways of several may have one name, and one content.
    """

    gateway: str
    revision: int
    fingerprint: str
    live: dict[str, Resource]
    owners: dict[str, str]
    applied: dict[str, Resource]
    platform: str | None = None


def fingerprint_of(
    live: Mapping[str, Resource], owners: Mapping[str, str], applied: Mapping[str, Mapping[str, Resource]]
) -> str:
    """The fingerprint of a gateway: the same for the same content, in whatever order it is kept.

    Args:
        applied: by policy set, then by address.
    """
    return sha256_of((live, owners, {name: each for name, each in applied.items() if each}))
