"""The ways of simulated systems through the gateway: which flows, as whom, and told again when something changes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest

from gateway_policies.model import (
    Api,
    Consumer,
    Credential,
    Grant,
    Issuer,
    Lifecycle,
    Operation,
    Resource,
    Scope,
    Version,
)
from gateway_policies.routing.making import routing
from hub.errors import SimulatorError
from hub.gateway.live import LivePolicies
from hub.gateway.source_ways import Place, SourceKeeper, ways_of
from hub.identity.consumers import ConsumerIssuer
from hub.simulator.settings import Ways
from hub.store.database import open_database

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
URL = "http://127.0.0.1:8480"
INGRESS = frozenset({"system:hub", "https://hub.example/ingress"})


class Clock:
    def now(self) -> datetime:
        return NOW


SIGNER = ConsumerIssuer("hub-1", Clock(), None)


def post(*flows: str, methods: tuple[str, ...] = ("POST",)) -> tuple[Operation, ...]:
    return tuple(Operation(methods=methods, path=f"/{flow}", scope="send") for flow in flows)


def api(name: str, *operations: Operation, upstream: str = "system:hub", **more: Any) -> Api:
    return Api(name=name, owner="it", base_path=f"/{name}", upstream=upstream, operations=operations, **more)


def version(api: str, name: str = "v1", lifecycle: Lifecycle = Lifecycle.ACTIVE) -> Version:
    return Version(api=api, name=name, lifecycle=lifecycle)


def consumer(name: str, system: str | None, plant: str | None = None, issuer: str = "hub") -> Consumer:
    known = Credential(issuer=issuer, client_id=f"{name}-client")
    return Consumer(name=name, owner="it", system=system, plant=plant, credential=known)


BASE: tuple[Resource, ...] = (
    Issuer(name="hub", url="hub:"),
    Issuer(name="idp", url="https://idp.example"),
    Scope(name="send"),
    api("flows", *post("labor-time", "quality-hold")),
    version("flows"),
    consumer("mes-p01", "MES", "P01"),
    consumer("erp", "ERP"),
    consumer("andon-hub", None),
    consumer("wms", "WMS", issuer="idp"),
    Grant(consumer="mes-p01", scope="send"),
)


def place(*more: Resource, base: tuple[Resource, ...] = BASE) -> tuple[Place, dict[str, Resource]]:
    live = {each.address: each for each in (*base, *more)}
    return Place(URL, routing("gw", live, NOW), "ab" * 32, INGRESS), live


def test_every_system_of_the_hubs_issuer_has_a_token_and_every_flow_a_path() -> None:
    ways = ways_of(*place(), SIGNER)
    assert (ways.url, ways.pinned) == (URL, "ab" * 32)
    assert ways.flows == {"labor-time": "/flows/v1/labor-time", "quality-hold": "/flows/v1/quality-hold"}
    assert set(ways.tokens) == {"MES/P01", "ERP"}
    said = jwt.decode(ways.tokens["MES/P01"], options={"verify_signature": False})
    assert (said["client_id"], said["aud"], said["scope"]) == ("mes-p01-client", "gw", "send")


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ((), "/flows/v1/labor-time"),
        ((version("flows", "v2"),), "/flows/v2/labor-time"),
        ((version("flows", "v2", Lifecycle.RETIRED),), "/flows/v1/labor-time"),
        ((version("flows", "v2", Lifecycle.DRAFT),), "/flows/v1/labor-time"),
        ((version("flows", lifecycle=Lifecycle.RETIRED),), "/flows/v1/labor-time"),
        ((api("flows", *post("labor-time"), upstream="https://hub.example/ingress"),), "/flows/v1/labor-time"),
        ((api("flows", *post("labor-time"), upstream="https://hub.example"),), None),
        ((api("flows", *post("labor-time"), upstream="system:ERP"),), None),
        ((api("flows", *post("labor-time"), versioning="header:X-V"),), None),
        ((api("flows", *post("labor-time", methods=("PUT",))),), None),
        ((api("flows", *post("{flow}")),), None),
        ((api("flows", *post("deep/labor-time")),), None),
    ],
)
def test_the_path_of_a_flow(more: tuple[Resource, ...], path: str | None) -> None:
    assert ways_of(*place(*more), SIGNER).flows.get("labor-time") == path


@pytest.fixture
def policies(tmp_path: Path) -> Any:
    database = open_database(tmp_path)
    yield LivePolicies(database)
    database.close()


async def test_they_are_told_when_something_changes_and_when_they_were_started_anew(policies: LivePolicies) -> None:
    told: list[Ways] = []
    now: list[Place | None] = [None]

    async def tell(ways: Ways) -> None:
        told.append(ways)

    keeper = SourceKeeper(lambda: now[0], policies, SIGNER, tell)
    await keeper.look()
    assert told == []  # they go directly as it is
    now[0], _ = place()
    await keeper.look()
    await keeper.look()
    assert [each.url for each in told] == [URL]
    now[0], _ = place()  # looked at anew, and the same
    await keeper.look()
    assert len(told) == 1
    now[0], _ = place(Grant(consumer="erp", scope="send"))
    await keeper.look()
    assert len(told) == 2
    keeper.again()
    await keeper.look()
    assert len(told) == 3
    now[0] = None
    await keeper.look()
    await keeper.look()
    assert told[3:] == [Ways()]


async def test_what_could_not_be_told_is_told_later(policies: LivePolicies) -> None:
    told: list[Ways] = []
    broken = [True]

    async def tell(ways: Ways) -> None:
        if broken[0]:
            raise SimulatorError("The simulated systems do not answer.")
        told.append(ways)

    found, _ = place()
    keeper = SourceKeeper(lambda: found, policies, SIGNER, tell)
    with pytest.raises(SimulatorError):
        await keeper.look()
    broken[0] = False
    await keeper.look()
    assert len(told) == 1
