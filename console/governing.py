"""What the pages of a gateway are about: its state, looked at from every side, and the folder of its policies."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from console.policies_folder import PoliciesFolder
from gateway_policies.loading import Cache, Loaded, environments_of, load
from gateway_policies.model import PolicySet
from gateway_policies.overview.access import Access
from gateway_policies.overview.matrix import Matrix
from gateway_policies.overview.throttling import Throttling
from gateway_policies.places import Place
from gateway_policies.planning.usage import Seen, Usage
from gateway_policies.state import GatewayState

if TYPE_CHECKING:
    from gateway_policies.planning.model import Plan


class Governed:
    """A gateway's state, and what is found out about it when somebody looks."""

    def __init__(
        self,
        state: GatewayState,
        today: date,
        policy_set: str = PolicySet.DEFAULT_NAME,
        usage: Usage | None = None,
    ) -> None:
        """
        Args:
            policy_set: the one that the state was asked for.
            usage: what was seen of calls; None where nothing is known.
        """
        self.state, self.today, self.policy_set, self.usage = state, today, policy_set, usage
        self.seen = Seen(usage)
        self.access = Access(state.live, today)
        self.matrix = Matrix(self.access)
        self.throttling = Throttling(self.access)

    def warm(self) -> None:
        """Find out what every page needs: some milliseconds for each thousand consumers, so not while keys wait."""
        _ = self.access.holders, self.access.wanting, self.access.known, self.matrix.scopes, self.throttling.held
        for each in self.matrix.consumers:
            self.matrix.row(each)

    def owner(self, address: str) -> str:
        """Whose a resource is, in words."""
        found = self.state.owners.get(address)
        return f"of the policy set {found}" if found is not None else "made by hand"


class Policies:
    """The folder of policies that the console was started with, as it was read last."""

    def __init__(self, folder: Path, environment: str | None, loaded: Loaded) -> None:
        self.folder, self.environment, self.loaded = folder, environment, loaded

    @property
    def environments(self) -> list[str]:
        """The overlays that the folder has."""
        return environments_of(self.folder)

    def place(self, address: str) -> Place | None:
        """Where a resource is written; None where it is not."""
        return self.loaded.places.of(address)

    def shown_place(self, address: str) -> str:
        """The same as an editor opens it: ``policies/consumers/mes-p03.toml:12``; empty where it is not written."""
        place = self.place(address)
        return "" if place is None else f"{(self.folder / place.file).as_posix()}:{place.line}"


def read(folder: PoliciesFolder, environment: str | None) -> Policies:
    """Read a folder of policies. What is wrong with them is in ``loaded.findings``."""
    cache = None if folder.cache is None else Cache(folder.cache)
    return Policies(folder.path, environment, load(folder.path, environment, cache=cache))


def planned(
    policies: Policies, loaded: PolicySet, state: GatewayState, now: datetime, usage: Usage | None = None
) -> Plan:
    """What would have to happen for the gateway to be as the files say."""
    from gateway_policies.planning.making import make_plan

    return make_plan(
        loaded,
        state,
        made_at=now,
        environment=policies.environment,
        usage=usage,
        places=policies.loaded.places,
    )
