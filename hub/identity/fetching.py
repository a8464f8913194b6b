"""Getting an issuer's keys: by its metadata (OpenID Connect Discovery 1.0, RFC 8414), from an address, from a file."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec

from hub.identity.key_cache import Fetched, IssuerError
from hub.identity.key_sets import KeySet, read_key_set
from hub.loopback import is_loopback

SHORTEST_AGE, USUAL_AGE, LONGEST_AGE = 60.0, 600.0, 3600.0
"""Seconds that keys are kept: never shorter, without a word of the issuer, never longer."""
_LARGEST = 1024 * 1024
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,9})")


def safe_address(url: str) -> bool:
    """Whether an address may be asked: by TLS, or on this machine. Without user, query or fragment."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.fragment or not url.isascii() or not url.isprintable():
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))


def from_issuer(issuer: str, jwks_uri: str | None, ca: Path | None) -> Callable[[], Awaitable[Fetched]]:
    """Fetch keys from where the issuer's metadata says they are, or from ``jwks_uri``.

    Args:
        issuer: its identifier; the metadata must have exactly this one.
        ca: certificates to trust instead of the machine's.
    """
    tls = ssl.create_default_context(cafile=ca)
    places = [jwks_uri] if jwks_uri is not None else []

    async def fetch() -> Fetched:
        # Redirects are not followed: they may lead anywhere, also out of TLS. No cookies, no proxy credentials.
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=tls), cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            if not places:
                places.append(await _discover(session, issuer))
            try:
                data, max_age = await _get(session, places[0])
                return Fetched(_keys(places[0], data), max_age)
            except IssuerError:
                if jwks_uri is None:
                    places.clear()  # it may have moved: the metadata is asked again next time
                raise

    return fetch


def from_file(path: Path) -> Callable[[], Awaitable[Fetched]]:
    """Read keys from a file, again and again: it may be replaced while the hub runs."""

    async def fetch() -> Fetched:
        try:
            data = await asyncio.to_thread(path.read_bytes)
        except OSError as error:
            raise IssuerError(f"{path} cannot be read: {error.strerror}") from error
        return Fetched(_keys(str(path), data), SHORTEST_AGE)

    return fetch


def metadata_addresses(issuer: str) -> tuple[str, str]:
    """Where the metadata may be: OpenID Connect puts the well-known part behind the path, RFC 8414 before it."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    origin = f"{parts.scheme}://{parts.netloc}"
    return (
        f"{issuer.rstrip('/')}/.well-known/openid-configuration",
        f"{origin}/.well-known/oauth-authorization-server{path}",
    )


async def _discover(session: aiohttp.ClientSession, issuer: str) -> str:
    trouble: IssuerError | None = None
    for address in metadata_addresses(issuer):
        try:
            data, _ = await _get(session, address)
        except IssuerError as error:
            trouble = trouble or error
            continue
        return _place_of_keys(address, data, issuer)
    assert trouble is not None
    raise trouble


def _place_of_keys(address: str, data: bytes, issuer: str) -> str:
    try:
        found: Any = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise IssuerError(f"{address} is not JSON") from error
    if not isinstance(found, dict) or found.get("issuer") != issuer:
        said = found.get("issuer") if isinstance(found, dict) else None
        raise IssuerError(f"{address} is the metadata of the issuer {said!r}, not of {issuer!r}")
    place = found.get("jwks_uri")
    if not isinstance(place, str) or not safe_address(place):
        raise IssuerError(f"{address} says that its keys are at {place!r}, which is no https address")
    return place


def _keys(place: str, data: bytes) -> KeySet:
    try:
        return read_key_set(data)
    except ValueError as error:
        raise IssuerError(f"{place} has no keys of use: {error}") from error


async def _get(session: aiohttp.ClientSession, url: str) -> tuple[bytes, float]:
    try:
        async with session.get(url, allow_redirects=False, headers={"Accept": "application/json"}) as answer:
            if answer.status != 200:
                raise IssuerError(f"{url} answered {answer.status}")
            data = await answer.content.read(_LARGEST + 1)
            while len(data) <= _LARGEST and (more := await answer.content.read(_LARGEST)):
                data += more
            if len(data) > _LARGEST:
                raise IssuerError(f"{url} answered more than {_LARGEST:,} bytes")
            return data, _age(answer.headers.get("Cache-Control", ""))
    except (aiohttp.ClientError, OSError) as error:
        raise IssuerError(f"{url}: {str(error) or type(error).__name__}") from error


def _age(cache_control: str) -> float:
    """How long an answer may be kept (RFC 9111), within bounds."""
    said = cache_control.lower()
    if "no-store" in said or "no-cache" in said:
        return SHORTEST_AGE
    found = _MAX_AGE.search(said)
    return USUAL_AGE if found is None else min(max(float(found[1]), SHORTEST_AGE), LONGEST_AGE)
