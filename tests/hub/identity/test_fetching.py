"""Getting keys over HTTP from an issuer that answers well, badly, slowly, and not at all."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from hub.identity.fetching import (
    LONGEST_AGE,
    SHORTEST_AGE,
    USUAL_AGE,
    from_file,
    from_issuer,
    metadata_addresses,
    safe_address,
)
from hub.identity.key_cache import IssuerError, KeyCache
from transactions.errors import Unavailable


@pytest.mark.parametrize(
    "url",
    [
        "https://idp.example",
        "https://idp.example:8443/realms/plant",
        "http://127.0.0.1:4000",
        "http://localhost:4000/x",
        "http://[::1]:4000",
    ],
)
def test_addresses_that_may_be_asked(url: str) -> None:
    assert safe_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://idp.example",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "file:///etc/passwd",
        "ftp://idp.example",
        "https://",
        "https:///x",
        "https://user@idp.example",
        "https://idp.example#x",
        "https://idp.example:port",
        "https://idp.ex\nample",
        "//idp.example",
        "idp.example",
        "",
    ],
)
def test_addresses_that_may_not(url: str) -> None:
    assert not safe_address(url)


def test_where_metadata_is() -> None:
    assert metadata_addresses("https://idp.example/realms/plant") == (
        "https://idp.example/realms/plant/.well-known/openid-configuration",
        "https://idp.example/.well-known/oauth-authorization-server/realms/plant",
    )
    assert metadata_addresses("https://idp.example/")[0] == "https://idp.example/.well-known/openid-configuration"


async def test_keys_by_the_metadata(provider: Any, signer: Any) -> None:
    provider.keys(signer)
    fetched = await from_issuer(provider.url, None, None)()
    assert [key.id for key in fetched.keys.keys] == ["k1"]
    assert fetched.max_age == USUAL_AGE
    assert provider.asked == ["/.well-known/openid-configuration", "/jwks"]


async def test_the_metadata_of_an_oauth_server_will_do(provider: Any, signer: Any) -> None:
    provider.keys(signer)
    del provider.answers["/.well-known/openid-configuration"]
    provider.say(
        "/.well-known/oauth-authorization-server", {"issuer": provider.url, "jwks_uri": f"{provider.url}/jwks"}
    )
    assert (await from_issuer(provider.url, None, None)()).keys.keys


async def test_keys_by_their_address_ask_for_no_metadata(provider: Any, signer: Any) -> None:
    provider.keys(signer)
    await from_issuer("https://idp.example", f"{provider.url}/jwks", None)()
    assert provider.asked == ["/jwks"]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("max-age=300", 300),
        ("public, max-age=900", 900),
        ('max-age="300"', 300),
        ("max-age=1", SHORTEST_AGE),
        ("max-age=999999999", LONGEST_AGE),
        ("no-store", SHORTEST_AGE),
        ("no-cache, max-age=900", SHORTEST_AGE),
        ("s-maxage=900", USUAL_AGE),
        ("max-age=soon", USUAL_AGE),
    ],
)
async def test_how_long_keys_are_kept(said: str, kept: float, provider: Any, signer: Any) -> None:
    provider.keys(signer, **{"Cache-Control": said})
    assert (await from_issuer(provider.url, None, None)()).max_age == kept


async def test_metadata_of_somebody_else(provider: Any, signer: Any) -> None:
    """A mix-up, or somebody who answers for the issuer: its keys must not speak for it."""
    provider.keys(signer)
    for other in ("https://evil.example", provider.url + "/", None, 1):
        provider.metadata(issuer=other)
        with pytest.raises(IssuerError, match="is the metadata of the issuer"):
            await from_issuer(provider.url, None, None)()
    assert "/jwks" not in provider.asked


@pytest.mark.parametrize("place", ["http://evil.example/jwks", "file:///etc/passwd", None, 7, ""])
async def test_keys_at_an_address_that_may_not_be_asked(place: Any, provider: Any) -> None:
    provider.metadata(jwks_uri=place)
    with pytest.raises(IssuerError, match="no https address"):
        await from_issuer(provider.url, None, None)()


async def test_redirects_are_not_followed(provider: Any, signer: Any) -> None:
    provider.keys(signer)

    async def elsewhere(_request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": f"{provider.url}/jwks"})

    provider.answers["/moved"] = elsewhere
    with pytest.raises(IssuerError, match="answered 302"):
        await from_issuer("https://idp.example", f"{provider.url}/moved", None)()
    assert provider.asked == ["/moved"]


@pytest.mark.parametrize(
    ("body", "because"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b"[]", "no set of keys"),
        (b'{"keys": {}}', "no set of keys"),
        (b'{"keys": []}', "no key that can check"),
        (b'{"keys": [1, null, {"kty": ["RSA"]}, {"kty": "RSA"}]}', "no key that can check"),
        (b"[" * 100_000, "no keys of use"),
        (b"\xff\xfe", "not JSON"),
        (b" " * 1_100_000, "more than 1,048,576 bytes"),
    ],
)
async def test_what_is_no_key_set(body: bytes, because: str, provider: Any) -> None:
    provider.say("/jwks", body)
    with pytest.raises(IssuerError, match=because):
        await from_issuer(provider.url, None, None)()


async def test_nobody_listens_there() -> None:
    with pytest.raises(IssuerError, match="Cannot connect"):
        await from_issuer("http://127.0.0.1:9", None, None)()


async def test_keys_that_moved_are_found_by_the_metadata(provider: Any, signer: Any) -> None:
    provider.keys(signer)
    fetch = from_issuer(provider.url, None, None)
    await fetch()
    provider.answers["/new"] = provider.answers.pop("/jwks")
    provider.metadata(jwks_uri=f"{provider.url}/new")
    with pytest.raises(IssuerError, match="/jwks answered 404"):
        await fetch()
    assert (await fetch()).keys.keys


async def test_an_issuer_that_does_not_finish_is_waited_for_so_long_and_no_longer(provider: Any) -> None:
    released = asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"keys": [')
        await released.wait()
        return response

    provider.answers["/jwks"] = slow
    cache = KeyCache(provider.url, from_issuer(provider.url, None, None), patience=0.3)
    try:
        with pytest.raises(Unavailable, match=r"no answer within 0\.3 s"):
            await asyncio.gather(*(cache.current() for _ in range(10)))
        assert provider.asked.count("/jwks") == 1
    finally:
        released.set()


async def test_who_goes_away_takes_nobody_else_along(provider: Any, signer: Any) -> None:
    released, begun = asyncio.Event(), asyncio.Event()

    async def late(_request: web.Request) -> web.Response:
        begun.set()
        await released.wait()
        return web.json_response({"keys": [signer.jwk()]})

    provider.answers["/jwks"] = late
    cache = KeyCache(provider.url, from_issuer(provider.url, None, None))
    first = asyncio.create_task(cache.current())
    second = asyncio.create_task(cache.current())
    await begun.wait()
    first.cancel()
    released.set()
    assert (await second).keys
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_keys_of_a_file_and_the_file_replaced(tmp_path: Path, signer: Any, signers: Any) -> None:
    path = tmp_path / "keys.json"
    with pytest.raises(IssuerError, match="cannot be read: No such file"):
        await from_file(path)()
    path.write_text(json.dumps({"keys": [signer.jwk()]}))
    assert [key.id for key in (await from_file(path)()).keys.keys] == ["k1"]
    path.write_text(json.dumps({"keys": [signers("EdDSA", "k9").jwk()]}))
    fetched = await from_file(path)()
    assert [key.id for key in fetched.keys.keys] == ["k9"]
    assert fetched.max_age == SHORTEST_AGE
