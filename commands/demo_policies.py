"""The demo's gateway: the worked example as files in the demo's folder, planned, approved by somebody else, applied."""

from __future__ import annotations

from pathlib import Path

from commands.session import Session

_REASON = "the plant goes live"
_APPROVED = "read line by line"


def govern(session: Session, second: Session, folder: Path) -> None:
    """Write the example's policies into a folder and apply them, in the way that any others are.

    Args:
        session: of the one who applies them.
        second: of somebody else, who has to approve: some of the scopes that they grant are financial.
        folder: a new one.
    """
    from gateway_policies.loading import load
    from gateway_policies.planning.applying import changeset_of
    from gateway_policies.planning.making import make_plan
    from gateway_policies.writing.files import write_texts
    from gateway_policies.writing.starting import beginnings
    from platforms.hub import approvals, server
    from platforms.hub.gateway import HubGateway
    from transactions.errors import SecondPersonWanted

    now = session.clock.now()
    write_texts(beginnings(now.date(), example=True), folder)
    policies = load(folder).policies
    assert policies is not None, "the example loads"
    gateway = HubGateway(session.client)
    state = gateway.state(policies.name)
    plan = make_plan(policies, state, made_at=now)
    asker, decider = (each.send(server.whoami()).subject for each in (session, second))
    counts = {kind: sum(each.startswith(f"{kind}.") for each in policies.resources) for kind in ("api", "consumer")}
    grants = sum(".grant." in each for each in policies.resources)
    versions = sum(".version." in each for each in policies.resources)
    session.note(
        f"Policies for the gateway: {counts['api'] - versions} APIs with {versions} versions, "
        f"{counts['consumer'] - grants} consumers with {grants} grants."
    )
    try:
        gateway.apply(changeset_of(plan, state, by=asker, reason=_REASON), now)
    except SecondPersonWanted as wanted:
        second.send(approvals.approve(str(wanted.extra["hash"]), _APPROVED))
        session.note(f"  {asker} applies them, {decider} approves: some grant financial and quality scopes.")
