"""Who makes tokens for a platform: nobody is believed beyond their own."""

from __future__ import annotations

from typing import Any

import pytest
from oidc_issuer import Issuer

from platforms.errors import SignInFailed, UnexpectedAnswer, UntrustedIssuer
from platforms.origins import read_address
from platforms.signin.metadata import IssuerMetadata, check_secure, issuer_of, resource_of
from transactions.errors import Unreachable

RESOURCE = "/.well-known/oauth-protected-resource"
OPENID = "/.well-known/openid-configuration"
OAUTH = "/.well-known/oauth-authorization-server"


def test_a_platform_names_its_issuers(answering: Any) -> None:
    answering.is_platform("https://idp.example", andon_client_id="andon", andon_scopes="openid")
    metadata = resource_of(read_address(answering.url, "a test"), None)
    assert metadata is not None
    assert (metadata.authorization_servers, metadata.andon_client_id) == (["https://idp.example"], "andon")


def test_a_platform_says_whether_its_issuer_is_told_whom_a_token_is_for(answering: Any) -> None:
    for said, indicated in (({}, answering.url), ({"andon_resource_indicator": False}, None)):
        answering.is_platform("https://idp.example", **said)
        metadata = resource_of(read_address(answering.url, "a test"), None)
        assert metadata is not None
        assert metadata.indicated == indicated


def test_one_that_says_nothing_makes_tokens_itself(answering: Any) -> None:
    assert resource_of(read_address(answering.url, "a test"), None) is None


@pytest.mark.parametrize(
    "resource", ["https://prod.example.com", "http://127.0.0.1:1", "http://localhost", "nonsense", "", "{url}/other"]
)
def test_one_that_says_it_is_another_is_refused(answering: Any, resource: str) -> None:
    answering.is_platform("https://idp.example", resource=resource.format(url=answering.url))
    with pytest.raises(UntrustedIssuer, match="says that it is"):
        resource_of(read_address(answering.url, "a test"), None)


def test_a_slash_at_the_end_makes_it_no_other(answering: Any) -> None:
    answering.is_platform(resource=f"{answering.url}/")
    assert resource_of(read_address(answering.url, "a test"), None) is not None


@pytest.mark.parametrize("path", [f"{RESOURCE}/andon", f"/andon{RESOURCE}"])
def test_a_platform_below_a_path_is_asked_as_the_standard_and_as_proxies_say(answering: Any, path: str) -> None:
    answering.says(path, {"resource": f"{answering.url}/andon"})
    assert resource_of(read_address(f"{answering.url}/andon", "a test"), None) is not None
    answering.says(path, {"resource": answering.url})
    with pytest.raises(UntrustedIssuer):
        resource_of(read_address(f"{answering.url}/andon", "a test"), None)


@pytest.mark.parametrize(("status", "body"), [(200, b"<html>"), (200, {"no": "resource"}), (500, {}), (302, {})])
def test_an_odd_answer_is_said_to_be_one(answering: Any, status: int, body: Any) -> None:
    answering.says(RESOURCE, body, status=status)
    with pytest.raises(UnexpectedAnswer, match="Nobody was signed in"):
        resource_of(read_address(answering.url, "a test"), None)


def test_a_certified_issuer_speaks_for_itself(issuer: Issuer) -> None:
    found = issuer_of(issuer.url, None)
    assert found.issuer == issuer.url
    for endpoint in (found.token_endpoint, found.device_authorization_endpoint, found.revocation_endpoint):
        assert endpoint is not None
        assert endpoint.startswith(issuer.url)
    assert "client_secret_basic" in found.token_endpoint_auth_methods_supported


def test_an_oauth_server_without_openid_is_found_too(answering: Any) -> None:
    answering.says(f"{OAUTH}/realms/plant", {"issuer": f"{answering.url}/realms/plant"})
    assert issuer_of(f"{answering.url}/realms/plant", None).token_endpoint is None


def test_an_issuers_slash_belongs_to_its_name(answering: Any) -> None:
    answering.says(OPENID, {"issuer": f"{answering.url}/"})
    assert issuer_of(f"{answering.url}/", None).issuer == f"{answering.url}/"
    with pytest.raises(UntrustedIssuer, match="to the last slash"):
        issuer_of(answering.url, None)


def test_who_speaks_for_another_is_refused(answering: Any) -> None:
    answering.is_issuer(issuer="https://idp.example")
    with pytest.raises(UntrustedIssuer, match=r"says that it is 'https://idp\.example'"):
        issuer_of(answering.url, None)


@pytest.mark.parametrize("endpoint", ["token_endpoint", "device_authorization_endpoint", "revocation_endpoint"])
@pytest.mark.parametrize("url", ["http://idp.example/token", "ftp://idp.example", "file:///etc/passwd", "/token"])
def test_secrets_travel_over_https_only(answering: Any, endpoint: str, url: str) -> None:
    answering.is_issuer(**{endpoint: url})
    with pytest.raises(UntrustedIssuer):
        issuer_of(answering.url, None)


@pytest.mark.parametrize("url", ["http://idp.example", "http://10.0.0.1", "idp.example", "https://a:b@idp.example"])
def test_an_issuer_without_tls_is_refused_before_it_is_asked(url: str) -> None:
    with pytest.raises(UntrustedIssuer):
        issuer_of(url, None)


@pytest.mark.parametrize(
    "url", ["https://idp.example/a?b=c", "http://127.0.0.1:1", "http://[::1]:1", "http://localhost"]
)
def test_what_is_safe_is_let_through(url: str) -> None:
    check_secure(url, "the issuer")


def test_an_address_without_a_provider_says_so(answering: Any) -> None:
    with pytest.raises(SignInFailed, match="There is no OpenID provider at"):
        issuer_of(answering.url, None)


def test_an_issuer_that_does_not_answer_is_named() -> None:
    with pytest.raises(Unreachable, match=r"No answer from the issuer at .*: the connection was refused") as caught:
        issuer_of("http://127.0.0.1:1", None)
    assert "http://127.0.0.1:1:" in caught.value.detail


def test_what_an_issuer_does_not_say_it_cannot_do() -> None:
    assert IssuerMetadata(issuer="https://idp.example").token_endpoint_auth_methods_supported == (
        "client_secret_basic",
    )
