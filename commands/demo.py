"""``andon demo``: a hub, simulated systems and a story, in a temporary folder."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.app import Noun
from commands.exits import Usage
from commands.serving import hub_extra
from transactions.durations import parse_duration

app = Noun()


@app.verb()
def demo(
    ctx: typer.Context,
    headless: Annotated[
        bool, typer.Option("--headless", help="Tell the story instead of opening the console.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="The same seed tells the same story.")] = 1,
    speed: Annotated[float, typer.Option("--speed", min=0, help="Speed of the plant.")] = 20.0,
    duration: Annotated[str, typer.Option("--duration", metavar="TIME", help="Plant time to play.")] = "60s",
) -> None:
    """A hub, simulated systems and a story. On a terminal the console opens on them; nothing is left behind."""
    try:
        seconds = parse_duration(duration).total_seconds()
    except ValueError as error:
        raise Usage(f"--duration {error}. Nothing was done.") from error
    with hub_extra():
        from hub.demo import DemoOptions, run
    raise typer.Exit(run(DemoOptions(headless=headless, seed=seed, speed=speed, duration=seconds)))
