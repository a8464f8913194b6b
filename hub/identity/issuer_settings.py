"""``[issuer]`` of a settings file: whose tokens are accepted instead of the hub's own."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from hub.errors import SettingsError
from hub.identity.fetching import safe_address
from hub.identity.tokens import ALGORITHMS
from transactions.durations import parse_duration
from transactions.people import Role

_KEYS = (
    "url, audience, jwks_uri, jwks_file, algorithms, typ, roles_claim, roles, permissions_claim, leeway_seconds, "
    "max_age, client_id, scopes, resource_indicator, ca"
)


class IssuerSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An external OpenID Connect issuer.

    Attributes:
        url: its identifier, letter for letter as in ``iss``.
        audience: one of these is in ``aud``; the public address of the hub unless told.
        jwks_uri: where its keys are, where that is not asked of its metadata.
        jwks_file: a file with its keys, where it cannot be asked at all.
        typ: of the header: ``at+jwt`` (RFC 9068), or ``JWT`` for providers that do not write it.
        roles_claim: where a token says roles; a dot goes a level down.
        roles: what those names come to here. Without it they are the hub's own role names.
        permissions_claim: where a token says ``reveal`` and ``break-glass``.
        leeway_seconds: that clocks may differ by.
        max_age: how long after its issue a token is too old, whatever it says.
        client_id: that people sign in with at the issuer.
        scopes: that signing in asks for.
        resource_indicator: whether signing in names the hub to the issuer (RFC 8707), which some refuse.
        ca: certificates to trust for it, instead of the machine's.
    """

    url: str
    audience: str | list[str] | None = None
    jwks_uri: str | None = None
    jwks_file: str | None = None
    algorithms: list[str] = msgspec.field(default_factory=lambda: list(ALGORITHMS))
    typ: Literal["at+jwt", "JWT"] = "at+jwt"
    roles_claim: Annotated[str, Meta(min_length=1)] = "roles"
    roles: dict[str, str | list[str]] = msgspec.field(default_factory=dict)
    permissions_claim: Annotated[str, Meta(min_length=1)] = "andon_permissions"
    leeway_seconds: Annotated[int, Meta(ge=0, le=300)] = 30
    max_age: str = "24h"
    client_id: Annotated[str, Meta(min_length=1)] = "andon"
    scopes: str = "openid offline_access"
    resource_indicator: bool = True
    ca: str | None = None

    @property
    def audiences(self) -> frozenset[str]:
        """``audience`` as a set; empty where it is not told."""
        told = self.audience
        return frozenset(() if told is None else (told,) if isinstance(told, str) else told)

    @property
    def role_map(self) -> dict[str, tuple[Role, ...]]:
        """What a name in the claim of roles comes to."""
        if not self.roles:
            return {str(role): (role,) for role in Role}
        return {
            name: tuple(Role(each) for each in ([told] if isinstance(told, str) else told))
            for name, told in self.roles.items()
        }


def read_issuer(data: dict[str, Any], path: Path) -> IssuerSettings | None:
    """The issuer that a settings file names; None where it names none.

    Args:
        data: the file, read.
        path: of the file; other files are found from its folder.

    Raises:
        SettingsError: something in it is unknown or would let in whom it should not.
    """
    if "issuer" not in data:
        return None
    try:
        found = msgspec.convert(data["issuer"], IssuerSettings)
    except msgspec.ValidationError as error:
        said, _, inside = str(error).partition(" - at `$")
        raise SettingsError(
            f"{path.name}: issuer{inside.rstrip('`')}: {said}. [issuer] takes: {_KEYS}; [issuer.roles] maps names."
        ) from error
    found = msgspec.structs.replace(found, ca=_file(path, found.ca), jwks_file=_file(path, found.jwks_file))
    problems = _problems(found)
    if problems:
        raise SettingsError("\n".join(f"{path.name}: issuer.{problem}" for problem in problems))
    return found


def read_public_url(data: dict[str, Any], path: Path) -> str | None:
    """``url`` of a settings file: the hub's public address, without a slash at its end.

    Raises:
        SettingsError: it is no origin that tokens may travel to.
    """
    url = data.get("url")
    if url is None:
        return None
    if not isinstance(url, str) or not safe_address(url) or urlsplit(url).path not in ("", "/") or "?" in url:
        raise SettingsError(
            f"{path.name}: url {url!r} is not where people reach this hub. Write its https address without a path, "
            "like https://andon.example.com; http only for this machine."
        )
    return url.rstrip("/")


def _file(path: Path, name: str | None) -> str | None:
    return None if name is None else str(path.parent / Path(name).expanduser())


def _problems(found: IssuerSettings) -> list[str]:
    problems = []
    if not safe_address(found.url) or "?" in found.url:
        problems.append(f"url: {found.url!r} is no https address (http only on this machine), or has a query")
    if found.jwks_uri is not None and not safe_address(found.jwks_uri):
        problems.append(f"jwks_uri: {found.jwks_uri!r} is no https address (http only on this machine)")
    if found.jwks_uri is not None and found.jwks_file is not None:
        problems.append("jwks_uri: there is jwks_file too. Leave one of them out")
    if found.audience is not None and not (found.audiences and all(found.audiences)):
        problems.append("audience: it is empty, and would let in tokens that are for nobody")
    wrong = [name for name in found.algorithms if name not in ALGORITHMS]
    if wrong or not found.algorithms:
        problems.append(f"algorithms: {', '.join(wrong) or 'none'} cannot be. Choose of {', '.join(ALGORITHMS)}")
    if found.typ == "JWT" and found.client_id in found.audiences:
        problems.append(
            "audience: it is the client_id too. An ID token is for the client and, with typ = 'JWT', looks like an "
            "access token: anybody who got one could use it here. Register the hub as an API (resource) of its own"
        )
    known = {str(role) for role in Role}
    problems += [
        f"roles.{name}: there is no role {role!r}. There is: {', '.join(Role)}"
        for name, told in found.roles.items()
        for role in ([told] if isinstance(told, str) else told)
        if role not in known
    ]
    try:
        if parse_duration(found.max_age).total_seconds() <= 0:
            problems.append("max_age: every token would be too old")
    except ValueError as error:
        problems.append(f"max_age: {error}")
    problems += [
        f"{key}: there is no file {file}"
        for key, file in (("ca", found.ca), ("jwks_file", found.jwks_file))
        if file is not None and not Path(file).is_file()
    ]
    if found.ca is not None and Path(found.ca).is_file():
        try:
            ssl.create_default_context(cafile=found.ca)
        except ssl.SSLError as error:
            problems.append(f"ca: {found.ca} has no certificates that can be read ({error.reason})")
    return problems
