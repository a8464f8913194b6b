"""The hub's settings: a TOML file with declarations and a few choices."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from msgspec import Struct

from hub.caution import Caution, read_caution
from hub.declarations import Catalogue, check_references, read_settings_catalogue, shipped_catalogue
from hub.delivery.profile import PRODUCTION, PROFILES, Profile
from hub.documents import check_paths
from hub.errors import SettingsError
from hub.gateway.changing import GATEWAY
from hub.identity.issuer_settings import IssuerSettings, read_issuer, read_public_url
from hub.masks.settings import check_masks
from hub.recovery.building import MAX_ITEMS
from transactions.approvals import ITEMS_WITHOUT_SECOND_PERSON
from transactions.untrusted import parse_toml

_KNOWN = (
    "catalogue",
    "system",
    "plant",
    "flow",
    "reconciliation",
    "default_plant",
    "calendar",
    "profile",
    "platform",
    "limits",
    "approvals",
    "gateway",
    "recovery",
    "serving",
    "url",
    "issuer",
)


class Settings(Struct, frozen=True, kw_only=True):
    """What a settings file says; ``profile``, ``platform``, ``url`` and ``issuer`` are None where it does not."""

    catalogue: Catalogue
    caution: Caution = Caution(names=())
    profile: Profile | None = None
    platform: str | None = None
    url: str | None = None
    issuer: IssuerSettings | None = None
    items_alone: int = ITEMS_WITHOUT_SECOND_PERSON
    gateway: str = GATEWAY
    recovery_share: float = PRODUCTION.recovery_share


def read_settings(path: Path | None) -> Settings:
    """Read a settings file; without one, the shipped catalogue.

    Raises:
        SettingsError: it cannot be read, or says something the hub does not know; every place is named.
    """
    if path is None:
        catalogue = shipped_catalogue()
        check_references(catalogue, "catalogue.toml")
        return Settings(catalogue=catalogue)
    try:
        data = parse_toml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}. Name another file with --config.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8: {error.reason} at byte {error.start}.") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not TOML: {error}.") from error
    unknown = sorted(set(data) - set(_KNOWN))
    if unknown:
        raise SettingsError(f"{path.name}: unknown {', '.join(unknown)}. There is: {', '.join(_KNOWN)}.")
    for key, kind, form in (
        ("profile", str, "a name"),
        ("platform", str, "a name"),
        ("catalogue", bool, "true or false"),
    ):
        if key in data and not isinstance(data[key], kind):
            raise SettingsError(f"{path.name}: {key} is {form}, not {data[key]!r}.")
    name = data.get("profile")
    if name is not None and name not in PROFILES:
        raise SettingsError(f"{path.name}: profile {name!r} is not known. There is: {', '.join(PROFILES)}.")
    catalogue = read_settings_catalogue(path, data)
    check_paths(catalogue, path.name)
    check_masks(catalogue, path.name)
    return Settings(
        catalogue=catalogue,
        caution=read_caution(data, path.name),
        profile=PROFILES[name] if name is not None else None,
        platform=data.get("platform"),
        url=read_public_url(data, path),
        issuer=read_issuer(data, path),
        items_alone=_items_alone(data, path.name),
        gateway=_gateway(data, path.name),
        recovery_share=_recovery_share(data, path.name),
    )


def _gateway(data: dict[str, Any], place: str) -> str:
    """``[gateway] name``: what policies call this hub's gateway."""
    table = data.get("gateway", {})
    unknown = sorted(set(table) - {"name"}) if isinstance(table, dict) else [str(table)]
    if unknown:
        raise SettingsError(f"{place}: unknown {', '.join(unknown)} in [gateway]. There is: name.")
    name = table.get("name", GATEWAY)
    if not isinstance(name, str) or re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", name) is None:
        raise SettingsError(
            f"{place}: gateway.name is lower case letters, digits and hyphens, as the policies write it, not {name!r}."
        )
    return name


def _recovery_share(data: dict[str, Any], place: str) -> float:
    """``[recovery] share``: how much of what a target takes in a second batches may use."""
    table = data.get("recovery", {})
    unknown = sorted(set(table) - {"share"}) if isinstance(table, dict) else [str(table)]
    if unknown:
        raise SettingsError(f"{place}: unknown {', '.join(unknown)} in [recovery]. There is: share.")
    value = table.get("share", PRODUCTION.recovery_share)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.01 <= value <= 1.0:
        raise SettingsError(
            f"{place}: recovery.share is how much of what a target takes in a second may be replays, from 0.01 to 1 "
            f"(which leaves nothing to the line), not {value!r}."
        )
    return float(value)


def _items_alone(data: dict[str, Any], place: str) -> int:
    """``[approvals] items_alone``: how many items one person may start without a second."""
    table = data.get("approvals", {})
    unknown = sorted(set(table) - {"items_alone"}) if isinstance(table, dict) else [str(table)]
    if unknown:
        raise SettingsError(f"{place}: unknown {', '.join(unknown)} in [approvals]. There is: items_alone.")
    value = table.get("items_alone", ITEMS_WITHOUT_SECOND_PERSON)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_ITEMS:
        raise SettingsError(
            f"{place}: approvals.items_alone is a number of transactions from 0 (two people for everything) "
            f"to {MAX_ITEMS:,}, not {value!r}."
        )
    return value
