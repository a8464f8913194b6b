"""A simulation for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands.terminal import Look, plain

if TYPE_CHECKING:
    from gateway_policies.simulating.model import Held, Simulation, Spell

_SHOWN = 3
_COLOURS = {"passed": "green", "refused": "red", "line": "dim"}


def describe(found: Simulation, look: Look, *, full: bool = False) -> str:
    """Who is refused, when, how often; a plot of each that is.

    Args:
        full: all of them, also who is never refused.
    """
    if found.since is None or found.until is None:
        return "There is no traffic to simulate: nothing is known of calls in that time.\n"
    lines = [*_head(found, look)]
    told = [each for each in found.held if each.refused or each.refused_before]
    shown = told if full else told[:_SHOWN]
    for each in shown:
        lines += ["", *_held(each, found, look)]
    if len(shown) < len(told):
        names = ", ".join(plain(each.address) for each in told[len(shown) :][:5])
        lines += [
            "",
            look.paint(f"{len(told) - len(shown):,} more are refused: {names}; --verbose tells them all", "dim"),
        ]
    quiet = [each for each in found.held if each not in told]
    if quiet:
        lines += ["", look.paint(f"Never refused: {_quiet(quiet, full=full)}", "dim")]
    if not found.held:
        lines += ["", "No throttle holds anybody, neither at the gateway nor in the files."]
    if found.by_second:
        said = "Counted by the second: the calls of a second are taken as spread evenly over it."
        lines += ["", look.paint(said, "dim")]
    return "".join(f"{each}\n" for each in lines)


def _head(found: Simulation, look: Look) -> list[str]:
    assert found.since is not None
    assert found.until is not None
    span = f"{found.since:%Y-%m-%d %H:%M:%S} to {found.until:%Y-%m-%d %H:%M:%S}Z"
    share = found.refused / found.calls * 100 if found.calls else 0.0
    would = f"{found.refused:,} would be refused ({share:.2f} %)"
    calls = "1 call" if found.calls == 1 else f"{found.calls:,} calls"
    said = f"{calls}: {would}, {found.refused_before:,} with the live throttles"
    colour = "red" if found.refused > found.refused_before else "green"
    return [f"{look.paint(said, colour, 'bold')}  {span}"]


def _held(each: Held, found: Simulation, look: Look) -> list[str]:
    throttle = f"throttle {each.throttle}" if each.throttle else "no throttle"
    before = "" if each.before == each.throttle else f" (now {each.before or 'none'})"
    name = look.paint(plain(each.address), "bold")
    said = f"{each.refused:,} of {each.calls:,} refused, {each.refused_before:,} with the live one"
    lines = [f"{name}  {plain(throttle + before)}: {said}"]
    if each.busiest_at is not None:
        lines.append(f"  busiest minute {each.busiest:,} calls at {each.busiest_at:%Y-%m-%d %H:%M}")
    if each.address.startswith("api.") and each.who:
        more = f", {len(each.who) - 5} more" if len(each.who) > 5 else ""
        lines.append("  of " + ", ".join(f"{plain(one.consumer)} {one.refused:,}" for one in each.who[:5]) + more)
    if each.spells:
        more = f", and {each.spells_left_off:,} times more" if each.spells_left_off else ""
        lines.append("  " + "; ".join(map(_spell, each.spells[:_SHOWN])) + more)
    return [*lines, *_plot(each, found, look)]


def _spell(each: Spell) -> str:
    last = f"{each.until:%H:%M:%S}" if each.begin.date() == each.until.date() else f"{each.until:%Y-%m-%d %H:%M:%S}"
    when = f"{each.begin:%Y-%m-%d %H:%M:%S}" + ("" if each.begin == each.until else f" to {last}")
    return f"{when}: {each.refused:,}"


def _plot(each: Held, found: Simulation, look: Look) -> list[str]:
    from gateway_policies.rendering.traffic_plot import ASCII, BLOCKS, plot, times

    marks = BLOCKS if look.colour else ASCII
    rows = plot(each.came, each.turned_away, marks)
    width = max(len(row.label) for row in rows)
    lines = []
    for row in rows:
        cells = "".join(look.paint(text, _COLOURS[kind]) if kind in _COLOURS else text for kind, text in row.cells)
        lines.append(f"  {row.label:>{width}} {cells}".rstrip())
    assert found.since is not None
    assert found.until is not None
    step = f"{found.step // 60:,} min" if found.step % 60 == 0 else f"{found.step:,} s"
    legend = f"  {marks.passed} passed  {marks.refused} refused  (calls in {step})"
    return [*lines, f"  {'':>{width}} {times(found.since, found.until, len(each.came))}", look.paint(legend, "dim")]


def _quiet(quiet: list[Held], *, full: bool) -> str:
    names = [f"{plain(each.address)} (busiest {each.busiest:,}/min)" for each in quiet if each.calls]
    silent = len(quiet) - len(names)
    shown = names if full else names[:5]
    parts = shown + ([f"{len(names) - len(shown)} more"] if len(names) > len(shown) else [])
    parts += [f"{silent} without calls"] if silent else []
    return ", ".join(parts)
