"""What stands behind the pages of the gateway: its state, the files, what drifted, a plan; each comes in a worker."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from textual import work
from textual.message import Message
from textual.widgets import Static

from console.governing import Governed, Policies, planned, read
from console.screens.base import AndonScreen, FetchFailed
from console.text import clean
from gateway_policies.model import PolicySet
from gateway_policies.planning.usage import Usage
from gateway_policies.state import GatewayState
from transactions.errors import AndonError

if TYPE_CHECKING:
    from console.policies_folder import PoliciesFolder
    from gateway_policies.planning.drift import Drift
    from gateway_policies.planning.model import Plan

STALE = timedelta(seconds=60)
"""So old, the state is asked for again: nothing tells when a gateway changes."""


class OverGateway(AndonScreen):
    """A screen over one state of the gateway and one folder of policies. What comes is told by messages.

    Attributes:
        governed: the state; None until it comes.
        policies: the files; None until they are read, or where there are none.
        policy_set: whose part of the state is told as applied.
        environment: the overlay that the files are read with.
    """

    class Arrived(Message):
        """The gateway as it is now; None where it is as it was."""

        def __init__(self, governed: Governed | None) -> None:
            super().__init__()
            self.governed = governed

    class PoliciesRead(Message):
        """The folder of the policies was read."""

        def __init__(self, policies: Policies) -> None:
            super().__init__()
            self.policies = policies

    class DriftFound(Message):
        """What drifted of every policy set."""

        def __init__(self, governed: Governed, found: list[Drift]) -> None:
            super().__init__()
            self.governed = governed
            self.found = found

    class PlanMade(Message):
        """A plan; None where the files cannot be used, or are for another gateway."""

        def __init__(self, policies: Policies, plan: Plan | None, why_none: str = "") -> None:
            super().__init__()
            self.policies = policies
            self.plan = plan
            self.why_none = why_none

    def __init__(self) -> None:
        super().__init__()
        self.governed: Governed | None = None
        self.policies: Policies | None = None
        self.policy_set = PolicySet.DEFAULT_NAME
        self.environment: str | None = None

    def fetch(self) -> None:
        """Ask for the state."""
        self._fetch(self.policy_set, self._today())

    def again(self) -> None:
        """Ask for the state, and read the files: somebody may have written in them."""
        if self.fetched_at is not None:
            self.read_policies()
        super().again()

    def read_policies(self) -> None:
        """Read the folder, where there is one."""
        folder = self.andon.policies
        if folder is not None:
            self._read(folder, self.environment)

    def _today(self) -> date:
        return self.andon.clock.now().astimezone(UTC).date()

    @work(group="gateway", exclusive=True, exit_on_error=False)
    async def _fetch(self, policy_set: str, today: date) -> None:
        try:
            state = await self.andon.source.gateway_state(policy_set)
            usage = await self.andon.source.gateway_calls()
        except AndonError as error:
            self.post_message(FetchFailed(error))
            return
        known = self.governed
        same = known is not None and known.state == state and known.today == today and _alike(known.usage, usage)
        governed = None if same else await asyncio.to_thread(_looked_at, state, today, policy_set, usage)
        self.post_message(self.Arrived(governed))

    @work(group="policies", exclusive=True, exit_on_error=False)
    async def _read(self, folder: PoliciesFolder, environment: str | None) -> None:
        self.post_message(self.PoliciesRead(await asyncio.to_thread(read, folder, environment)))

    def fetch_failed(self, error: AndonError) -> None:
        """Nothing loads any more where nothing came."""
        super().fetch_failed(error)
        if self.governed is None:
            self.query_one("#when", Static).update("")

    @work(group="drift", exclusive=True, exit_on_error=False)
    async def find_drift(self, governed: Governed, policies: PolicySet | None) -> None:
        """Find what drifted of every policy set; ``policies`` says what of its own is noise."""
        states = {governed.policy_set: governed.state}
        try:
            for name in sorted(set(governed.state.owners.values()) - states.keys()):
                states[name] = await self.andon.source.gateway_state(name)
        except AndonError as error:
            self.post_message(FetchFailed(error))
            return
        from gateway_policies.overview.drifting import drifts

        self.post_message(self.DriftFound(governed, await asyncio.to_thread(drifts, states, policies)))

    @work(group="plan", exclusive=True, exit_on_error=False)
    async def make_plan(self, governed: Governed, policies: Policies) -> None:
        """Plan the folder, where it is for this gateway and this is its policy set's part of it."""
        loaded = policies.loaded.policies
        if loaded is None:
            self.post_message(self.PlanMade(policies, None))
        elif loaded.gateway != governed.state.gateway:
            why = (
                f"There is no plan: the policies in {policies.folder} are for the gateway {loaded.gateway}, "
                f"and this one is {governed.state.gateway}."
            )
            self.post_message(self.PlanMade(policies, None, why))
        elif loaded.name == governed.policy_set:
            now = self.andon.clock.now()
            plan = await asyncio.to_thread(planned, policies, loaded, governed.state, now, governed.usage)
            self.post_message(self.PlanMade(policies, plan))

    async def on_plan_pane_another_environment(self) -> None:
        """The next overlay of the folder; after the last one, none."""
        policies = self.policies
        if policies is None:
            return
        names = [None, *policies.environments]
        if len(names) == 1:
            self.notify(clean(f"{policies.folder} has no environments."), severity="warning")
            return
        place = names.index(self.environment) if self.environment in names else 0
        self.environment = names[(place + 1) % len(names)]
        self.read_policies()

    def tick(self, now: datetime) -> None:
        """The gateway moves on, and days pass."""
        if self.fetched_at is not None and now - self.fetched_at >= STALE and self.is_current:
            self.seen = self.andon.changes_seen
            self.fetch()


def _looked_at(state: GatewayState, today: date, policy_set: str, usage: Usage | None) -> Governed:
    governed = Governed(state, today, policy_set, usage)
    governed.warm()
    return governed


def _alike(one: Usage | None, other: Usage | None) -> bool:
    """Whether the same calls were seen, whatever the time that it is asked at."""
    if one is None or other is None:
        return one is other
    return (one.calls, one.peaks, one.measured) == (other.calls, other.peaks, other.measured)
