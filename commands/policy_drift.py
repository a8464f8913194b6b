"""``andon policy drift``: what was changed at the gateway by hand since the policies were applied."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from commands.exits import Exit
from commands.output import Detail
from commands.policy_export import Patch, print_patch
from commands.policy_files import Environment, Folder, policies
from commands.policy_gateway import GatewayOption, state_of
from commands.policy_plan import ExitCode
from commands.session import session_of
from commands.terminal import Look, plain

if TYPE_CHECKING:
    from gateway_policies.planning.drift import Drift

_COLOURS = {"deleted": "red", "changed": "yellow", "made": "dim"}


def drift(
    ctx: typer.Context,
    folder: Folder = Path("policies"),
    gateway: GatewayOption = None,
    environment: Environment = None,
    exit_code: ExitCode = False,
    patch: Patch = False,
) -> None:
    """What was changed at the gateway by hand since the policies were applied, without what andon.toml calls noise.
    The files count only for that. Changes nothing. With --verbose also what nobody owns; with --patch the change of
    the files that takes the drift into them."""
    session = session_of(ctx)
    from gateway_policies.planning.drift import drift_of

    loaded = policies(session, folder, environment)
    assert loaded.policies is not None
    _, state = state_of(session, gateway, loaded.policies)
    found = drift_of(loaded.policies, state)
    if patch:
        print_patch(session, folder, loaded, state, adopt=False)
    else:
        session.show(
            Detail(
                value=found,
                human=lambda look: _told(found, look, full=session.options.verbose),
                identify=lambda each: "\n".join(one.address for one in each.drifted),
            )
        )
    if exit_code and found.drifted:
        raise typer.Exit(Exit.DIFFERENCES)


def _told(found: Drift, look: Look, *, full: bool) -> str:
    from gateway_policies.rendering.plan_words import drifted_field

    lines = [look.paint(plain(found.text), "bold")]
    for each in found.drifted:
        lines.append(f"  {look.paint(each.how, _COLOURS[each.how])} {plain(each.address)}")
        lines += [f"      {plain(drifted_field(field))}" for field in each.fields]
    if found.made_by_hand:
        lines.append(look.paint(f"{len(found.made_by_hand):,} made by hand, which no policy set owns", "dim"))
        if full:
            lines += [f"  {look.paint('made', 'dim')} {plain(each)}" for each in found.made_by_hand]
    return "".join(f"{each}\n" for each in lines)
