"""Tokens of consumers: who calls and what is granted today, signed by a key that opens nothing else."""

from __future__ import annotations

import stat
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from gateway_policies.model import Consumer, Credential, Grant, Issuer, Resource, Scope
from gateway_policies.state import GatewayState
from hub.identity.consumers import LIFETIME, ConsumerIssuer, read_lifetime
from hub.identity.embedded import EmbeddedIssuer
from hub.identity.people import People
from transactions.errors import Invalid, NotFound, Refused, Unauthenticated

OWN = Issuer(name="hub", url="hub:")
ELSEWHERE = Issuer(name="idp", url="https://idp.example/realms/plant", audience="plant-gateway")
READ, WRITE, POST = (Scope(name=each) for each in ("orders.read", "orders.write", "ledger.post"))
YESTERDAY, TODAY = date(2026, 11, 20), date(2026, 11, 21)


def mes(**credential: Any) -> Consumer:
    return Consumer(
        name="mes", owner="it", credential=Credential(**{"issuer": "hub", "client_id": "mes-1"} | credential)
    )


def state_with(*more: Resource) -> GatewayState:
    live = {each.address: each for each in (OWN, ELSEWHERE, READ, WRITE, POST, *more)}
    return GatewayState(gateway="gw", revision=1, fingerprint="f", live=live, owners={}, applied={})


@pytest.fixture
def issuer(moment: Any) -> ConsumerIssuer:
    return ConsumerIssuer("hub-1", moment, None)


def claims_of(issuer: ConsumerIssuer, token: str, audience: str = "gw") -> dict[str, Any]:
    """What a gateway reads that has the keys of the issuer."""
    (key,) = jwt.PyJWKSet.from_dict(issuer.key_set()).keys
    checks = {"verify_exp": False, "verify_iat": False}  # the tests' clock stands
    return dict(jwt.decode(token, key, algorithms=["EdDSA"], audience=audience, issuer=issuer.issuer, options=checks))


def test_a_token_is_what_rfc_9068_wants(issuer: ConsumerIssuer, moment: Any) -> None:
    given = issuer.give(state_with(mes(), Grant(consumer="mes", scope="orders.read")), "mes")
    head = jwt.get_unverified_header(given.token)
    assert (head["alg"], head["typ"], head["kid"]) == ("EdDSA", "at+jwt", issuer.key_set()["keys"][0]["kid"])
    now = int(moment.now().timestamp())
    assert claims_of(issuer, given.token) == {
        "iss": "urn:andon:hub:hub-1:gateway",
        "sub": "mes-1",
        "client_id": "mes-1",
        "aud": "gw",
        "scope": "orders.read",
        "iat": now,
        "exp": now + 300,
        "jti": given.id,
    }
    assert (given.consumer, given.client_id, given.scopes, given.notes) == ("mes", "mes-1", ["orders.read"], [])
    assert given.expires_at - given.issued_at == LIFETIME


@pytest.mark.parametrize(
    ("grants", "scopes"),
    [
        ((), []),
        ((("orders.read", None),), ["orders.read"]),
        ((("orders.read", TODAY),), ["orders.read"]),  # its last day is not over
        ((("orders.read", YESTERDAY),), []),
        ((("orders.*", None),), ["orders.read", "orders.write"]),
        ((("*", None),), ["ledger.post", "orders.read", "orders.write"]),
        ((("orders.*", YESTERDAY), ("orders.write", None)), ["orders.write"]),
        ((("orders.write", YESTERDAY), ("orders.*", None)), ["orders.read", "orders.write"]),
    ],
)
def test_scopes_are_those_of_grants_in_force(
    issuer: ConsumerIssuer, grants: tuple[tuple[str, date | None], ...], scopes: list[str]
) -> None:
    held = [Grant(consumer="mes", scope=scope, expires_on=ends) for scope, ends in grants]
    other = Grant(consumer="wms", scope="ledger.post")
    given = issuer.give(state_with(mes(), Consumer(name="wms", owner="it"), other, *held), "mes")
    assert given.scopes == scopes
    assert claims_of(issuer, given.token)["scope"] == " ".join(scopes)
    assert bool(given.notes) is not bool(scopes)


def test_an_audience_that_the_policies_name(issuer: ConsumerIssuer) -> None:
    named = Issuer(name="hub", url="hub:", audience="for-the-plant")
    given = issuer.give(state_with(mes(), named), "mes")
    assert given.audience == "for-the-plant"
    assert claims_of(issuer, given.token, "for-the-plant")["aud"] == "for-the-plant"


def test_a_credential_that_ended_is_told_and_signed_all_the_same(issuer: ConsumerIssuer) -> None:
    granted = Grant(consumer="mes", scope="orders.read")
    given = issuer.give(state_with(mes(expires_on=YESTERDAY), granted), "mes")
    assert given.notes == ["Its credential ended on 2026-11-20: the gateway refuses the token."]
    assert issuer.give(state_with(mes(expires_on=TODAY), granted), "mes").notes == []


@pytest.mark.parametrize(
    ("consumer", "name", "error", "words"),
    [
        (mes(), "mess", NotFound, "no consumer 'mess'. Did you mean 'mes'"),
        (mes(), "", NotFound, "no consumer"),
        (Consumer(name="mes", owner="it"), "mes", Refused, "has no credential"),
        (mes(issuer="idp"), "mes", Refused, "issuer.idp, and the hub does not sign those"),
        (mes(issuer="gone"), "mes", Refused, "issuer.gone, and the hub does not sign those"),
    ],
)
def test_who_gets_none(
    issuer: ConsumerIssuer, consumer: Consumer, name: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        issuer.give(state_with(consumer), name)
    assert "No token was given" in str(caught.value)


def test_its_key_is_kept_where_only_the_hub_can_read_it(tmp_path: Path, moment: Any) -> None:
    file = tmp_path / "gateway.key"
    first = ConsumerIssuer("hub-1", moment, file)
    assert not file.exists()  # nobody has asked for a key yet
    keys = first.key_set()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    token = first.sign("mes-1", "gw", []).token
    again = ConsumerIssuer("hub-1", moment, file)
    assert again.key_set() == keys == first.key_set()
    assert claims_of(again, token)["client_id"] == "mes-1"
    assert "d" not in keys["keys"][0]


async def test_a_consumers_token_opens_no_admin_api(people: People, moment: Any, tmp_path: Path) -> None:
    file = tmp_path / "one.key"
    embedded = EmbeddedIssuer("hub-1", people, moment, file)
    consumers = ConsumerIssuer("hub-1", moment, file)  # even where somebody copied the one key over the other
    token = consumers.sign("ann", embedded.issuer, []).token
    with pytest.raises(Unauthenticated, match="it is a consumer's, for the gateway and not for this API"):
        await embedded.principal(token)


@pytest.mark.parametrize(
    ("text", "seconds"), [(None, 300), ("1s", 1), ("90s", 90), ("10m", 600), ("1h", 3600), ("60m", 3600)]
)
def test_how_long_a_token_lives(text: str | None, seconds: int) -> None:
    assert read_lifetime(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "0s", "61m", "1d", "-5m", "soon", "5"])
def test_a_life_that_is_none(text: str) -> None:
    with pytest.raises(Invalid, match="from 1s to 1h"):
        read_lifetime(text)
