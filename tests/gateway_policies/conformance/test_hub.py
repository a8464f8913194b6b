"""The hub's gateway through its admin API: a real hub over HTTP, in a thread of its own.

What a second person has to look at is taken here without one, since the conformance suite changes everything there is;
``tests/hub/gateway`` has what is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from gateway_conformance import GatewayConformance
from served_hub import Served

from gateway_policies.canonical import canonical
from gateway_policies.gateway import Gateway
from gateway_policies.model import Resource
from platforms.calls import Call
from platforms.contexts import Choice, Resolved, resolve
from platforms.hub.gateway import HubGateway
from platforms.synchronous import SyncClient

T = TypeVar("T")


@pytest.fixture(scope="class")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    hub = Served(tmp_path_factory.mktemp("gateway"), alone=True)
    yield hub
    hub.end()


class Apart:
    """A sender for several threads: a client of its own for every call."""

    def __init__(self, resolved: Resolved) -> None:
        self._resolved = resolved

    def send(self, call: Call[T]) -> T:
        with SyncClient(self._resolved) as client:
            return client.send(call)


class TestHubGateway(GatewayConformance):
    @pytest.fixture(autouse=True)
    def _served(self, served: Served, tmp_path: Path) -> None:
        self.served = served
        environ = {"ANDON_URL": served.url, "ANDON_TOKEN": "a-token", "ANDON_CONFIG_DIR": str(tmp_path)}
        self.sender = Apart(resolve(Choice(), environ, tmp_path))

    def make(self) -> Gateway:
        self.served.empty()
        return HubGateway(self.sender)

    def by_hand(self, gateway: Gateway, resource: Resource) -> None:
        text = canonical(resource).decode()
        statement = (
            "INSERT INTO gateway_resources (address, resource) VALUES (?, ?) "
            "ON CONFLICT (address) DO UPDATE SET resource = excluded.resource"
        )
        self.served.run((statement, (resource.address, text)))
