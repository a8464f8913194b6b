"""The pages of a gateway against a real hub: what was applied there, and what was changed by hand since."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from policy_folder import made
from served_hub import Served

from console.app import AndonApp
from console.platform_source import PlatformSource
from console.policies_folder import PoliciesFolder
from console.screens.gateway import GatewayScreen
from gateway_policies.canonical import canonical
from gateway_policies.loading import load
from gateway_policies.model import Throttle
from gateway_policies.planning.applying import changeset_of
from gateway_policies.planning.making import make_plan
from platforms.contexts import Choice, Resolved, resolve
from platforms.hub.gateway import HubGateway
from platforms.synchronous import SyncClient


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A hub over HTTP, without any gateway policies."""
    data = tmp_path / "hub"
    data.mkdir()
    hub = Served(data, alone=True)
    yield hub
    hub.end()


@pytest.fixture
def resolved(served: Served, tmp_path: Path) -> Resolved:
    """The way there."""
    environ = {"ANDON_URL": served.url, "ANDON_TOKEN": "a-token", "ANDON_CONFIG_DIR": str(tmp_path)}
    return resolve(Choice(), environ, tmp_path)


async def test_what_was_applied_shows_and_what_was_changed_by_hand(
    served: Served, resolved: Resolved, tmp_path: Path, until, shown
) -> None:
    folder = made(tmp_path / "policies")
    policies = load(folder).policies
    assert policies is not None
    now = datetime.now(UTC)
    with SyncClient(resolved) as client:
        gateway = HubGateway(client)
        state = gateway.state(policies.name)
        gateway.apply(changeset_of(make_plan(policies, state, made_at=now), state, by="ann"), now)
    app = AndonApp(resolved, PlatformSource(resolved), policies=PoliciesFolder(folder))
    async with app.run_test(size=(140, 40)) as pilot:
        app.obey("gateway")
        await until(pilot, lambda: "orders v1" in shown(app) and "orders v2" in shown(app))
        assert isinstance(app.screen, GatewayScreen)
        await pilot.press("5")
        await until(pilot, lambda: "Nothing to do: the gateway is as the files say." in shown(app))
        bucket = policies.resources["throttle.plant-standard"]
        assert isinstance(bucket, Throttle)
        by_hand = canonical(msgspec.structs.replace(bucket, burst=7)).decode()
        served.run(("UPDATE gateway_resources SET resource = ? WHERE address = ?", (by_hand, bucket.address)))
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "burst: 7 → 100" in shown(app))
        await pilot.press("4")
        await until(pilot, lambda: "burst: 100 → 7" in shown(app))
