"""Which calls go through the gateway, through which version, and with what token."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest

from gateway_policies.model import (
    Api,
    Brownout,
    Consumer,
    Credential,
    Grant,
    Issuer,
    Lifecycle,
    Operation,
    Resource,
    Scope,
    Throttle,
    Version,
)
from gateway_policies.routing.making import routing
from gateway_policies.routing.model import Routing
from hub.declarations import Catalogue
from hub.delivery.answers import Answer
from hub.delivery.channel import NotSent, Outgoing
from hub.delivery.gateway_way import GatewayChannel, GatewayWay, way_to
from hub.gateway.live import LivePolicies
from hub.identity.consumers import ConsumerIssuer
from hub.landscape import Landscape
from hub.store.database import open_database
from transactions.model import FailureKind

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
TARGET, GATEWAY = "http://erp.example:8000/api", "http://127.0.0.1:8480"
DELIVER = Operation(methods=("POST",), path="/documents/{flow}", scope="erp.deliver")
ASK = Operation(methods=("GET",), path="/postings/{key}", scope="erp.deliver")
BROWNOUT = Brownout(from_=NOW - timedelta(hours=1), until=NOW + timedelta(hours=1))


def api(name: str = "erp", upstream: str = "system:ERP", **more: Any) -> Api:
    told = {"operations": (DELIVER, ASK), **more}
    return Api(name=name, owner="it", base_path=f"/{name}", upstream=upstream, **told)


def version(name: str = "v1", lifecycle: Lifecycle = Lifecycle.ACTIVE, api: str = "erp", **more: Any) -> Version:
    return Version(api=api, name=name, lifecycle=lifecycle, **more)


HUB = Consumer(name="andon-hub", owner="it", credential=Credential(issuer="hub", client_id="hub-1"))
BASE: tuple[Resource, ...] = (Issuer(name="hub", url="hub:"), Scope(name="erp.deliver"))


def calls(*resources: Resource) -> Routing:
    return routing("gw", {each.address: each for each in (*BASE, *resources)}, NOW)


@pytest.mark.parametrize(
    ("resources", "way"),
    [
        ((api(), version("v1")), "erp v1"),
        ((api(), version("v1"), version("v2")), "erp v2"),
        ((api(), version("v9"), version("v10")), "erp v10"),
        ((api(), version("v1"), version("v2", Lifecycle.DRAFT)), "erp v1"),
        ((api(), version("v1"), version("v2", Lifecycle.RETIRED)), "erp v1"),
        ((api(), version("v1"), version("v2", brownouts=(BROWNOUT,))), "erp v1"),
        ((api(), version("v1"), version("v2", Lifecycle.DEPRECATED, deprecated_on=NOW.date())), "erp v1"),
        ((api(), version("v1", Lifecycle.RETIRED)), "erp v1"),
        ((api(), version("v1", Lifecycle.RETIRED), version("v2", brownouts=(BROWNOUT,))), "erp v2"),
        ((api(operations=(ASK,)), version("v1")), None),
        ((api(upstream="system:WMS"), version("v1")), None),
        ((api(upstream="https://erp.example"), version("v1")), None),
        ((api(), version("v1", Lifecycle.DRAFT)), None),
        ((api(), api("other", operations=(ASK,)), version("v1"), version("v2", api="other")), "erp v1"),
        ((), None),
    ],
)
def test_the_version_that_stays_and_of_these_the_newest(resources: tuple[Resource, ...], way: str | None) -> None:
    found = way_to(calls(*resources), "ERP", "/documents/{flow}")
    assert (None if found is None else f"{found.api} {found.version}") == way


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def way(tmp_path: Path, catalogue: Catalogue, clock: Clock) -> Any:
    """A way whose gateway serves what a test says."""
    landscape = Landscape(catalogue)
    landscape.use_addresses({"ERP": TARGET})
    database = open_database(tmp_path)
    found = GatewayWay(LivePolicies(database), landscape, ConsumerIssuer("hub-1", clock, None), clock)
    yield found
    database.close()


def serves(way: GatewayWay, *resources: Resource) -> None:
    made = calls(*resources)
    way.serving = lambda: (GATEWAY, made)


def request(method: str = "POST", path: str = "/documents/report", **more: Any) -> Outgoing:
    told = {"headers": {"authorization": "Bearer of-the-target", "ce-id": "tx1"}, "to": ("ERP", None), **more}
    return Outgoing(method=method, url=f"{TARGET}{path}", **told)


def claims(found: Outgoing | None) -> dict[str, Any]:
    assert found is not None
    token = found.headers["authorization"].removeprefix("Bearer ")
    return dict(jwt.decode(token, options={"verify_signature": False}))


def test_it_is_called_as_a_consumer_at_the_gateways_address(way: GatewayWay) -> None:
    serves(way, api(), version(), HUB, Grant(consumer="andon-hub", scope="erp.deliver"))
    found = way.through(request())
    assert found is not None
    assert found.url == f"{GATEWAY}/erp/v1/documents/report"
    assert way.called_at(request()) == found.url
    assert found.headers["andon-transaction"] == "tx1"
    said = claims(found)
    assert (said["client_id"], said["aud"], said["scope"]) == ("hub-1", "gw", "erp.deliver")
    asked = way.through(request("GET", "/postings/a%20b?x=1"))
    assert asked is not None
    assert asked.url == f"{GATEWAY}/erp/v1/postings/a%20b?x=1"


def test_a_version_that_a_header_says_and_a_plant(way: GatewayWay, catalogue: Catalogue) -> None:
    serves(way, api(versioning="header:X-Api-Version"), version("v2"), HUB)
    found = way.through(request(to=("ERP", "P01")))
    assert found is not None
    assert found.url == f"{GATEWAY}/erp/documents/report"
    assert (found.headers["X-Api-Version"], found.headers["andon-plant"]) == ("v2", "P01")


@pytest.mark.parametrize(
    "sent",
    [
        request(path="/search?order=1", method="GET"),
        request("DELETE"),
        request("GET", "/postings/a%2Fb"),
        request("GET", "/postings/a%5cb"),
        request(path="/documents/a/b"),
        request(to=None),
        request(to=("EDI", None)),
        request(to=("gone", None)),
        Outgoing(method="POST", url="http://erp.example:8000/apix/documents/report", headers={}, to=("ERP", None)),
    ],
)
def test_what_the_api_does_not_have_goes_directly(way: GatewayWay, sent: Outgoing) -> None:
    serves(way, api(), version(), HUB)
    assert way.through(sent) is None
    assert way.called_at(sent) == sent.url


def test_without_a_gateway_everything_goes_directly(way: GatewayWay) -> None:
    assert way.through(request()) is None


def test_a_hub_that_the_policies_do_not_know_calls_all_the_same_and_is_refused(way: GatewayWay) -> None:
    serves(way, api(), version())
    said = claims(way.through(request()))
    assert (said["client_id"], said["scope"]) == ("andon-hub", "")


def test_tokens_of_another_issuer_are_not_the_hubs_to_sign(way: GatewayWay) -> None:
    other = Issuer(name="idp", url="https://idp.example")
    known = Consumer(name="andon-hub", owner="it", credential=Credential(issuer="idp", client_id="hub-1"))
    serves(way, api(), version(), known, other)
    assert way.through(request()) is None


def test_a_token_is_signed_anew_when_it_gets_old_or_says_something_else(way: GatewayWay, clock: Clock) -> None:
    serves(way, api(), version(), HUB)
    first = claims(way.through(request()))
    assert claims(way.through(request()))["jti"] == first["jti"]
    clock.at += timedelta(minutes=3)
    second = claims(way.through(request()))
    assert second["jti"] != first["jti"]
    serves(way, api(), version(), HUB, Grant(consumer="andon-hub", scope="erp.deliver"))
    third = claims(way.through(request()))
    assert (third["scope"], second["scope"]) == ("erp.deliver", "")


@pytest.mark.parametrize(
    ("api_rate", "own_rate", "limit"),
    [((180, 1), (100, 1), 90.0), ((50, 1), (100, 1), 45.0), ((600, 60), None, 9.0), ((30, 60), (100, 1), None)],
)
def test_the_pace_is_that_of_the_narrowest_throttle(
    way: GatewayWay, api_rate: tuple[int, int], own_rate: tuple[int, int] | None, limit: float | None
) -> None:
    throttles = [Throttle(name="of-api", requests=api_rate[0], per_seconds=api_rate[1])]
    known = HUB
    if own_rate is not None:
        throttles.append(Throttle(name="own", requests=own_rate[0], per_seconds=own_rate[1]))
        known = msgspec.structs.replace(HUB, throttle="own")
    assert way.limit("ERP") is None
    serves(way, api(throttle="of-api"), version(), known, *throttles)
    assert way.limit("ERP") == (None if limit is None else pytest.approx(limit))
    assert way.limit("EDI") is None
    assert way.limit("gone") is None


class Recording:
    """A channel that remembers what it carried, or has no connection."""

    def __init__(self) -> None:
        self.carried: list[Outgoing] = []
        self.broken = False

    async def send(self, request: Outgoing) -> Answer:
        self.carried.append(request)
        if self.broken:
            raise NotSent(FailureKind.UNREACHABLE, "connection-refused", "No connection: Connection refused")
        return Answer(status=200, headers={}, body=b"")

    async def close(self) -> None:
        return None


async def test_a_gateway_that_gives_no_connection_is_told_as_that(way: GatewayWay) -> None:
    carrier = Recording()
    channel = GatewayChannel(carrier, way)
    await channel.send(request())
    serves(way, api(), version(), HUB)
    way.pinned = "ab" * 32
    await channel.send(request())
    direct, through = carrier.carried
    assert (direct.url, direct.pinned) == (f"{TARGET}/documents/report", None)
    assert (through.url, through.pinned) == (f"{GATEWAY}/erp/v1/documents/report", "ab" * 32)
    carrier.broken = True
    with pytest.raises(NotSent) as caught:
        await channel.send(request())
    assert caught.value.code == "gateway-connection-refused"
    assert caught.value.message == "At the gateway: No connection: Connection refused"
