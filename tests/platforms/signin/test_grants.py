"""Asking a certified issuer for tokens, and one that says what it is told."""

from __future__ import annotations

import base64
from typing import Any

import jwt
import pytest
from oidc_issuer import Issuer

from platforms.errors import SignInFailed, UnexpectedAnswer, UntrustedIssuer
from platforms.signin import device
from platforms.signin.asking import Asker
from platforms.signin.device import DeviceCode
from platforms.signin.grants import Client, Granted, GrantRefused, by_client_credentials, by_refresh, revoke
from platforms.signin.metadata import IssuerMetadata, issuer_of

HUB = "http://127.0.0.1:8470"
PERSON = Client(id="andon", resource=HUB, scopes=("openid", "offline_access"))
ASKER = Asker(None)


class Waiting:
    """A clock that goes on only when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def monotonic(self) -> float:
        return self.now


def claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def sign_in(issuer: Issuer, account: str) -> tuple[IssuerMetadata, Granted]:
    known = issuer_of(issuer.url, None)
    code = device.begin(ASKER, known, PERSON)
    issuer.approve(code.link, account)
    time = Waiting()
    return known, device.wait(ASKER, known, PERSON, code, sleep=time.sleep, monotonic=time.monotonic)


def test_a_person_signs_in_on_another_device(issuer: Issuer) -> None:
    issuer.account("devi", roles=["operator"])
    _, granted = sign_in(issuer, "devi")
    said = claims(granted.access_token)
    assert (said["sub"], said["aud"], said["roles"]) == ("devi", HUB, ["operator"])
    assert granted.refresh_token is not None
    assert granted.expires_in == 300


def test_it_waits_until_they_have(issuer: Issuer) -> None:
    known = issuer_of(issuer.url, None)
    code = device.begin(ASKER, known, PERSON)
    time = Waiting()

    def sleep(seconds: float) -> None:
        time.sleep(seconds)
        if len(time.waits) == 3:
            issuer.approve(code.link, "devi")

    granted = device.wait(ASKER, known, PERSON, code, sleep=sleep, monotonic=time.monotonic)
    assert claims(granted.access_token)["sub"] == "devi"
    assert time.waits == [code.interval] * 3


def test_they_may_say_no(issuer: Issuer) -> None:
    known = issuer_of(issuer.url, None)
    code = device.begin(ASKER, known, PERSON)
    issuer.deny(code.link)
    time = Waiting()
    with pytest.raises(SignInFailed, match=r"was denied there\. Nobody was signed in"):
        device.wait(ASKER, known, PERSON, code, sleep=time.sleep, monotonic=time.monotonic)


def test_nobody_waits_longer_than_the_code_lives(issuer: Issuer) -> None:
    known = issuer_of(issuer.url, None)
    code = device.begin(ASKER, known, PERSON)
    time = Waiting()
    with pytest.raises(SignInFailed, match="before the code expired"):
        device.wait(ASKER, known, PERSON, code, sleep=time.sleep, monotonic=time.monotonic)
    assert time.now <= code.expires_in


def test_a_refresh_token_is_spent_once(issuer: Issuer) -> None:
    known, granted = sign_in(issuer, "devi")
    assert granted.refresh_token is not None
    renewed = by_refresh(ASKER, known, PERSON, granted.refresh_token)
    assert renewed.refresh_token not in (None, granted.refresh_token)
    assert claims(renewed.access_token)["aud"] == HUB
    with pytest.raises(GrantRefused) as caught:
        by_refresh(ASKER, known, PERSON, granted.refresh_token)
    assert caught.value.code == "invalid_grant"
    assert "andon login" in caught.value.detail


def test_a_revoked_sign_in_is_over(issuer: Issuer) -> None:
    known, granted = sign_in(issuer, "devi")
    assert granted.refresh_token is not None
    assert revoke(ASKER, known, PERSON, granted.refresh_token, "refresh_token")
    assert not revoke(ASKER, known, PERSON, granted.access_token, "access_token"), "a JWT cannot be taken back"
    with pytest.raises(GrantRefused):
        by_refresh(ASKER, known, PERSON, granted.refresh_token)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_machine_gets_a_token_for_this_platform(issuer: Issuer, method: str) -> None:
    secret = "s3 cret:+/%&="
    issuer.client(f"job-{method}", secret, method=method, roles=["viewer"])
    known = issuer_of(issuer.url, None)
    if method == "client_secret_post":
        # As an issuer says it that takes nothing else.
        known = IssuerMetadata(
            issuer=known.issuer,
            token_endpoint=known.token_endpoint,
            token_endpoint_auth_methods_supported=("client_secret_post", "private_key_jwt"),
        )
    granted = by_client_credentials(ASKER, known, Client(id=f"job-{method}", secret=secret, resource=HUB))
    said = claims(granted.access_token)
    assert (said["sub"], said["aud"], said["roles"]) == (f"job-{method}", HUB, ["viewer"])


def test_a_wrong_secret_is_refused_and_not_repeated(issuer: Issuer) -> None:
    issuer.client("night-job", "right")
    with pytest.raises(GrantRefused, match="invalid_client") as caught:
        by_client_credentials(ASKER, issuer_of(issuer.url, None), Client(id="night-job", secret="wr0ng", resource=HUB))
    assert "client_secret of the context" in caught.value.detail
    assert "wr0ng" not in caught.value.detail + repr(Client(id="x", secret="wr0ng", resource=HUB))


def test_an_unknown_client_is_refused_before_anybody_signs_in(issuer: Issuer) -> None:
    with pytest.raises(GrantRefused, match="invalid_client"):
        device.begin(ASKER, issuer_of(issuer.url, None), Client(id="nobody", resource=HUB))


CODE = {"device_code": "d", "user_code": "ABCD", "verification_uri": "http://127.0.0.1/go", "expires_in": 600}
PENDING = (400, {"error": "authorization_pending"})
TOKENS = {"access_token": "t", "token_type": "Bearer", "expires_in": "60"}


def waited(answering: Any, *answers: Any, **code: Any) -> tuple[Waiting, Granted]:
    answering.is_issuer()
    answering.says("/device", {**CODE, **code})
    answering.says("/token", *answers)
    known, time = issuer_of(answering.url, None), Waiting()
    begun = device.begin(ASKER, known, PERSON)
    return time, device.wait(ASKER, known, PERSON, begun, sleep=time.sleep, monotonic=time.monotonic)


def test_told_to_slow_down_it_does(answering: Any) -> None:
    slow = (400, {"error": "slow_down"})
    time, granted = waited(answering, PENDING, slow, PENDING, slow, TOKENS, interval=2)
    assert time.waits == [2.0, 2.0, 7.0, 7.0, 12.0]
    assert granted.expires_in == 60, "some issuers write numbers as strings"


def test_it_asks_for_this_platform_alone(answering: Any) -> None:
    waited(answering, TOKENS)
    (begun,), (asked,) = answering.forms("/device"), answering.forms("/token")
    assert (begun["resource"], begun["client_id"], begun["scope"]) == (HUB, "andon", "openid offline_access")
    assert (asked["resource"], asked["client_id"], asked["device_code"]) == (HUB, "andon", "d")
    assert asked["grant_type"] == "urn:ietf:params:oauth:grant-type:device_code"


def test_an_issuer_that_goes_by_scopes_alone_is_told_no_resource(answering: Any) -> None:
    """Microsoft Entra ID refuses the parameter (AADSTS901002)."""
    alone = Client(id="andon", resource=None, secret="s", scopes=("openid", "api://hub/access"))
    answering.is_issuer()
    answering.says("/device", CODE)
    answering.says("/token", TOKENS)
    known, time = issuer_of(answering.url, None), Waiting()
    code = device.begin(ASKER, known, alone)
    device.wait(ASKER, known, alone, code, sleep=time.sleep, monotonic=time.monotonic)
    by_refresh(ASKER, known, alone, "r")
    by_client_credentials(ASKER, known, alone)
    (begun,), (_, _, by_credentials) = answering.forms("/device"), answering.forms("/token")
    assert all("resource" not in form for form in (begun, *answering.forms("/token")))
    assert begun["scope"] == by_credentials["scope"] == "openid api://hub/access"


def test_an_interval_of_none_does_not_flood_the_issuer(answering: Any) -> None:
    time, _ = waited(answering, PENDING, TOKENS, interval=0)
    assert time.waits == [5.0, 5.0]


def test_a_network_that_fails_for_a_while_loses_no_sign_in(answering: Any) -> None:
    known = IssuerMetadata(issuer="http://127.0.0.1:1", token_endpoint="http://127.0.0.1:1/token")
    time, code = Waiting(), DeviceCode(device_code="d", user_code="U", verification_uri="https://x", expires_in=100)
    with pytest.raises(SignInFailed, match="before the code expired"):
        device.wait(ASKER, known, PERSON, code, sleep=time.sleep, monotonic=time.monotonic)
    assert time.waits == [5.0, 10.0, 20.0, 40.0]


@pytest.mark.parametrize("error", ["expired_token", "access_denied", "server_error"])
def test_a_final_answer_ends_it(answering: Any, error: str) -> None:
    with pytest.raises(SignInFailed):
        waited(answering, PENDING, (400, {"error": error}))


def test_a_page_to_sign_in_at_that_is_none_is_refused(answering: Any) -> None:
    for link in ("file:///etc/passwd", "javascript:alert(1)", "http://idp.example/go"):
        with pytest.raises(UntrustedIssuer, match="the page to sign in at"):
            waited(answering, TOKENS, verification_uri_complete=link)


def test_an_issuer_without_the_flow_says_what_else_there_is(answering: Any) -> None:
    answering.is_issuer(device_authorization_endpoint=None, token_endpoint=None)
    known = issuer_of(answering.url, None)
    with pytest.raises(SignInFailed, match="--token-stdin"):
        device.begin(ASKER, known, PERSON)
    with pytest.raises(SignInFailed, match="nothing of a token endpoint"):
        by_refresh(ASKER, known, PERSON, "r")


@pytest.mark.parametrize(
    "answer",
    [b"<html>", {"token_type": "Bearer"}, {**TOKENS, "token_type": "mac"}, {**TOKENS, "access_token": "a\r\nX: y"}],
)
def test_what_is_no_bearer_token_is_not_used(answering: Any, answer: Any) -> None:
    answering.is_issuer()
    answering.says("/token", answer)
    with pytest.raises(UnexpectedAnswer):
        by_refresh(ASKER, issuer_of(answering.url, None), PERSON, "r")


def test_a_proxys_page_in_place_of_an_error_is_said_to_be_one(answering: Any) -> None:
    answering.is_issuer()
    answering.says("/token", b"<html>Bad gateway</html>", status=502)
    with pytest.raises(UnexpectedAnswer):
        by_refresh(ASKER, issuer_of(answering.url, None), PERSON, "r")


def test_a_revocation_that_fails_says_how_long_the_token_lives(answering: Any) -> None:
    answering.is_issuer()
    answering.says("/revoke", {"error": "temporarily_unavailable"}, status=503)
    with pytest.raises(SignInFailed, match="did not revoke the tokens: status 503"):
        revoke(ASKER, issuer_of(answering.url, None), PERSON, "r", "refresh_token")


def test_basic_authentication_is_encoded_as_the_standard_says(answering: Any) -> None:
    answering.is_issuer()
    answering.says("/token", TOKENS)
    by_client_credentials(ASKER, issuer_of(answering.url, None), Client(id="a b", secret="c:d", resource=HUB))
    _, form, headers = answering.asked[-1]
    assert base64.b64decode(headers["authorization"].removeprefix("Basic ")) == b"a+b:c%3Ad"
    assert "client_secret" not in form
