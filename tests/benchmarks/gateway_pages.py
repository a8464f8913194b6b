"""The console's pages of a gateway with 5,000 consumers: how long they take to show, and from a key to its paint.

The same keys are pressed on a gateway with six consumers, in turn: the ratio says what the size costs. The app runs
without a terminal, so a paint ends when its screen has nothing left to draw.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from measuring import machine
from policies import policy_set

sys.path[:0] = [str(Path(__file__).parents[1] / each) for each in ("console", "doubles")]

from console_doubles import MemorySource, context  # noqa: E402
from policy_doubles import state  # noqa: E402

from console.app import AndonApp  # noqa: E402
from console.screens.gateway import GatewayScreen  # noqa: E402
from gateway_policies.state import GatewayState  # noqa: E402

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEYS = ("down", "up", "pagedown", "pageup", "right", "left", "end", "home")
PAGES = ("calendar", "consumers", "throttles")


class Clock:
    """It stands still."""

    def now(self) -> datetime:
        """The moment that it stands at."""
        return NOW


def large(share: float) -> GatewayState:
    """A gateway that 1,000 APIs and 5,000 consumers were applied to."""
    found = policy_set(share)
    live = dict(found.resources)
    owners = dict.fromkeys(live, found.name)
    return GatewayState(gateway="plant-gateway", revision=1, fingerprint="", live=live, owners=owners, applied=live)


async def page_of(live: GatewayState, page: str, presses: int) -> tuple[float, list[float]]:
    """How long a page took to show, and each key to be painted; in milliseconds."""
    source = MemorySource()
    source.gateway["policies"] = live
    app = AndonApp(context(), source, clock=Clock())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        begun = time.perf_counter()
        app.obey(f"gateway {page}")
        while not (
            isinstance(app.screen, GatewayScreen)
            and app.screen.pane is not None
            and app.screen.pane.address is not None
        ):
            await asyncio.sleep(0.002)
        await pilot.pause()
        shown = (time.perf_counter() - begun) * 1000
        took = []
        for _ in range(presses):
            for key in KEYS:
                begun = time.perf_counter()
                await pilot.press(key)
                took.append((time.perf_counter() - begun) * 1000)
    return shown, took


async def measure(share: float, rounds: int, presses: int) -> None:
    """Every page, the large gateway and the small one in turn."""
    many, few = large(share), state()
    for page in PAGES:
        shows: dict[str, list[float]] = {"large": [], "small": []}
        keys: dict[str, list[float]] = {"large": [], "small": []}
        for _ in range(rounds):
            for name, live in (("large", many), ("small", few)):
                shown, took = await page_of(live, page, presses)
                shows[name].append(shown)
                keys[name] += took
        medians = {name: statistics.median(took) for name, took in keys.items()}
        late = statistics.quantiles(keys["large"], n=20)[-1]
        print(
            f"{page}: shows in {statistics.median(shows['large']):.0f} ms "
            f"({statistics.median(shows['small']):.0f} with six consumers); "
            f"a key takes {medians['large']:.1f} ms (p95 {late:.1f}; {medians['small']:.1f} with six consumers), "
            f"ratio {medians['large'] / medians['small']:.2f}"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fiftieth of the policies, once")
    quick = parser.parse_args().quick
    print(machine())
    asyncio.run(measure(0.02 if quick else 1.0, 1 if quick else 3, 2 if quick else 6))


if __name__ == "__main__":
    main()
