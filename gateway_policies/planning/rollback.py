"""The plan that goes back to a revision: what a policy set has done since, taken back, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from gateway_policies.gateway import Gateway
from gateway_policies.model import PolicySet, Resource, by_address
from gateway_policies.planning.facets import facets
from gateway_policies.planning.making import make_plan
from gateway_policies.planning.model import Plan
from gateway_policies.planning.usage import Usage
from gateway_policies.state import GatewayState


def roll_back(
    gateway: Gateway,
    policy_set: str,
    revision: int,
    *,
    made_at: datetime,
    usage: Usage | None = None,
    overrides: Mapping[str, str] | None = None,
) -> Plan:
    """A plan for the gateway to be, in what the policy set has changed since, as it was at a revision.

    What others did by hand meanwhile in what the set did not change stays as it is. What the set took over that was
    made by hand is given up again as it was, and not deleted. What another policy set built on it blocks the plan.

    Args:
        revision: 0 is before the first.
        made_at: now, with a zone.
        usage: what was seen at the gateway; None: nothing is known of the calls.
        overrides: reasons for what is blocked, by address.

    Raises:
        Missing: there is no such gateway, or no such revision.
        Unreadable: what it keeps cannot be read.
    """
    state, then = gateway.state(policy_set), gateway.applied(policy_set, revision)
    return make_plan(
        PolicySet(
            gateway=state.gateway,
            name=policy_set,
            resources=by_address(then.applied.values()),
            noise=tuple(_not_ours(then.applied, state)),
        ),
        state,
        made_at=made_at,
        usage=usage,
        overrides=overrides,
        given_up=then.adopted,
        back_to=revision,
    )


def _not_ours(then: Mapping[str, Resource], state: GatewayState) -> Iterator[str]:
    """What was moved by hand in what the set says as it did then."""
    for address, resource in then.items():
        now, live = state.applied.get(address), state.live.get(address)
        if now is None or live == now:
            continue
        if resource == now:
            yield address
        elif live is not None and type(live) is type(now) is type(resource):
            said_then, said_now, found = facets(resource), facets(now), facets(live)
            yield from (
                f"{address}:{facet}"
                for facet in found.keys() | said_now.keys()
                if said_then.get(facet) == said_now.get(facet) != found.get(facet)
            )
