"""``andon gateway status``: whether calls are held against the policies, where, and since when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from commands.output import Detail
from commands.session import session_of
from commands.terminal import Look, plain, spoken

if TYPE_CHECKING:
    from gateway_policies.enforcement import Effective, GatewayStatus

_LOOKS = {
    "serving": ("● serving", "green"),
    "idle": ("○ idle", "dim"),
    "trouble": ("■ not as it should be", "red"),
    "absent": ("■ no data plane", "yellow"),
    "off": ("○ switched off", "yellow"),
}


def status(ctx: typer.Context) -> None:
    """Whether the gateway holds calls against the policies, where it is called, since when, and what comes next."""
    session = session_of(ctx)
    from platforms.hub import gateway

    found = session.send(gateway.status())
    session.show(Detail(value=found, human=lambda look: described(found, look), identify=lambda each: each.state))


def described(found: GatewayStatus, look: Look) -> str:
    """In words."""
    word, style = _LOOKS[found.state]
    where = "" if found.url is None else f" at {plain(found.url)}"
    lines = [f"{look.paint(word, style, 'bold')}  {plain(found.gateway)}{where}"]
    if found.because is not None:
        lines.append(f"  {plain(found.because)}")
    if found.state == "idle":
        lines.append("  There is no API yet. 'andon policy apply' brings some, and the gateway starts with the first.")
    if found.effective_at is not None and found.revision is not None:
        took = "" if found.milliseconds is None else f"; it took {found.milliseconds:,} ms"
        lines.append(f"  in force      revision {found.revision}, {spoken(look.now - found.effective_at)}{took}")
        lines.append(f"  serves        {found.apis:,} APIs to {found.consumers:,} consumers")
    if found.changes_at is not None:
        lines.append(f"  next          {found.changes_at:%Y-%m-%d %H:%M} UTC: a grant or a brownout begins or ends")
    lines += [
        f"  {look.paint('no keys', 'red')}       of issuer.{plain(name)}: {plain(why)}. Its tokens are refused"
        for name, why in sorted(found.without_keys.items())
    ]
    lines += [
        f"  {look.paint('no address', 'red')}    of {plain(upstream)}: calls to it get 503"
        for upstream in found.without_address
    ]
    if found.restarts:
        lines.append(f"  restarts      {found.restarts:,} since the hub started")
    if found.version is not None:
        lines.append(f"  Envoy         {plain(found.version)}")
    return "\n".join(lines) + "\n"


def seen(effective: Effective | None, look: Look) -> str:
    """What is told of a change that was just made: when it was in force, and whether the gateway answers by it."""
    if effective is None:
        return ""
    checked = effective.checked
    lines = [f"  In force after {effective.milliseconds / 1000:.1f} s."]
    wrong = [each for each in checked if not each.held]
    if checked:
        calls = f"{len(checked):,} {'operation was' if len(checked) == 1 else 'operations were'} called without a token"
        more = f" ({effective.unchecked:,} more were not)" if effective.unchecked else ""
        lines[0] += (
            f" {calls}{more}: {'all' if not wrong else f'{len(checked) - len(wrong):,}'} answered as they should."
        )
    for each in wrong:
        got = "no answer" if each.status is None else str(each.status)
        why = "".join(f"; {plain(one)}" for one in each.wrong)
        lines.append(
            f"  {look.paint('✗', 'red')} {each.method} {plain(each.path)} ({plain(each.address)}): {got} instead of "
            f"{each.expected}{why}"
        )
    if wrong:
        lines.append("  The change is made. Look with 'andon gateway status', and tell whoever runs the hub.")
    return "\n".join(lines) + "\n"
