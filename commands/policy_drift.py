"""``andon policy drift``: what was changed at the gateway by hand since the policies were applied."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from commands.exits import Exit
from commands.output import Detail
from commands.policy_export import Patch, print_patch
from commands.policy_files import Environment, Folder, describe, policies, tell, told
from commands.policy_files import found as loaded_from
from commands.policy_gateway import GatewayOption, gateway_of, refusals, state_of, tell_cut_off
from commands.policy_plan import ExitCode
from commands.session import Session, session_of
from commands.terminal import Look, plain
from transactions.errors import Refused

if TYPE_CHECKING:
    from gateway_policies.gateway import Gateway
    from gateway_policies.loading import Loaded
    from gateway_policies.model import PolicySet
    from gateway_policies.planning.drift import Drift
    from gateway_policies.state import GatewayState

_COLOURS = {"deleted": "red", "changed": "yellow", "made": "dim"}
_FEW = 3


def drift(
    ctx: typer.Context,
    folder: Folder = Path("policies"),
    gateway: GatewayOption = None,
    environment: Environment = None,
    exit_code: ExitCode = False,
    patch: Patch = False,
) -> None:
    """What was changed at the gateway by hand since the policies were applied, without what andon.toml calls noise.
    The files count only for that, so errors in them are told and in nobody's way. Changes nothing. With --verbose also
    what nobody owns; with --patch the change of the files that takes the drift into them."""
    session = session_of(ctx)
    from gateway_policies.planning.drift import drift_of

    if patch:
        loaded = policies(session, folder, environment)
        assert loaded.policies is not None
        live, state = state_of(session, gateway, loaded.policies)
        tell_cut_off(session, live)
        found = drift_of(loaded.policies, state)
        print_patch(session, folder, loaded, state, adopt=False)
    else:
        settings, live, state = _settings(session, folder, environment, gateway)
        tell_cut_off(session, live)
        found = drift_of(settings, state)
        session.show(
            Detail(
                value=found,
                human=lambda look: _told(found, look, full=session.options.verbose),
                identify=lambda each: "\n".join(one.address for one in each.drifted),
            )
        )
    if exit_code and found.drifted:
        raise typer.Exit(Exit.DIFFERENCES)


def _settings(
    session: Session, folder: Path, environment: str | None, gateway: str | None
) -> tuple[PolicySet, Gateway, GatewayState]:
    """Which policy set it is and what it calls noise, as far as the files say it, and the gateway as that set sees it.

    Raises:
        NotFound: there is no such folder, environment or gateway.
        Refused: the policies are for another gateway, or it cannot be told whose drift is asked for.
    """
    loaded = loaded_from(folder, environment)
    if loaded.policies is None:
        _tell_errors(session, folder, loaded)
    else:
        tell(session, folder, loaded)
    if loaded.settings is not None:
        return loaded.settings, *state_of(session, gateway, loaded.settings)
    return _unnamed(session, folder, gateway)


def _unnamed(session: Session, folder: Path, named: str | None) -> tuple[PolicySet, Gateway, GatewayState]:
    """What can be said where andon.toml cannot be read: of the only policy set that there is."""
    from gateway_policies.model import PolicySet

    with refusals():
        gateway = gateway_of(session, named, "")
        state = gateway.state(PolicySet.DEFAULT_NAME)
        sets = sorted(set(state.owners.values()))
        if len(sets) > 1:
            raise Refused(
                f"{folder / 'andon.toml'} does not say which policy set it is, and the gateway has several: "
                f"{', '.join(sets)}. Nothing was compared. Mend it; 'andon policy validate' says what is wrong with it."
            )
        name = sets[0] if sets else PolicySet.DEFAULT_NAME
        if name != PolicySet.DEFAULT_NAME:
            state = gateway.state(name)
    _say(
        session,
        f"{folder / 'andon.toml'} cannot be read so far as to say for which gateway and policy set it is. This is the "
        f"drift of {name!r}, the only one here, and nothing is taken for noise.",
    )
    return PolicySet(gateway=state.gateway, name=name), gateway, state


def _tell_errors(session: Session, folder: Path, loaded: Loaded) -> None:
    """What is wrong with the settings, which count here; what is wrong with other files in a line."""
    from gateway_policies.model import Severity
    from gateway_policies.nearest import listed

    errors = [each for each in loaded.findings if each.severity is Severity.ERROR]
    settings = [each for each in errors if each.place is not None and Path(each.place.file).name == "andon.toml"]
    session.stderr.write(describe(told(folder, settings), session.look_err()))
    others = [each for each in errors if each not in settings]
    if others:
        files = list(dict.fromkeys(str(folder / each.place.file) for each in others if each.place is not None))
        where = f" in {listed(files, _FEW)}" if files else ""
        _say(
            session,
            f"The policies have {len(others):,} error{'' if len(others) == 1 else 's'}{where}. Drift is told all the "
            "same: it is what moved since they were last applied. 'andon policy validate' lists them.",
        )
    if loaded.unread and loaded.settings is not None:
        _say(
            session, "What is listed above of [drift] could not be read: it is not taken for noise, and told as drift."
        )


def _say(session: Session, text: str) -> None:
    # Loud also with --quiet: what follows may be told otherwise when it is mended.
    session.stderr.write(plain(f"andon: {text}") + "\n")


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
