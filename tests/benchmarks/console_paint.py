"""First paint against a three-widget Textual app, and key to paint at 100,000 and 1,000,000 failed transactions.

Run: ``python tests/benchmarks/console_paint.py``. Prints medians and ratios; asserts nothing.
"""

from __future__ import annotations

import asyncio
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "console"))

ROUNDS = 9
BARE = """
import time; begun = time.perf_counter()
from textual.app import App
from textual.widgets import Footer, Header, Static
class Bare(App):
    def compose(self):
        yield Header(); yield Static("x"); yield Footer()
    def on_mount(self):
        self.call_after_refresh(self.painted)
    def painted(self):
        print(time.perf_counter() - begun); self.exit()
Bare().run(headless=True)
"""
CONSOLE = """
import time; begun = time.perf_counter()
from console.app import AndonApp
from console.platform_source import PlatformSource
from platforms.contexts import Resolved
context = Resolved(name="x", platform="hub", url="http://127.0.0.1:1", production=False, read_only=False, colour=None,
                   ca=None, chosen_by="", token=None, token_from="")
def painted(app):
    print(time.perf_counter() - begun); app.exit()
AndonApp._start = painted
AndonApp(context, PlatformSource(context)).run(headless=True)
"""


def seconds(code: str) -> float:
    """What one run prints."""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(answer.stdout.split()[-1])


async def key_to_paint(total: int) -> list[float]:
    """Milliseconds from a key to the lines handed to the terminal."""
    from console_doubles import FixedClock, MemorySource, context
    from textual import events

    from console.app import AndonApp
    from console.widgets.transactions import TransactionTable

    app = AndonApp(context(), MemorySource(total), clock=FixedClock())
    took = []
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f")
        while not app.screen.query(TransactionTable) or app.screen.query_one(TransactionTable).window.total < total:
            await pilot.pause()
        painted = asyncio.Event()
        display = app._display

        def watched(screen: object, renderable: object) -> None:
            display(screen, renderable)
            painted.set()

        app._display = watched
        for key in ["down"] * 20 + ["pagedown"] * 20 + ["end", "home"] * 5:
            await pilot.pause()
            painted.clear()
            begun = time.perf_counter()
            app.post_message(events.Key(key, None))
            await painted.wait()
            took.append((time.perf_counter() - begun) * 1000)
    return took


def main() -> None:
    """Everything, one line each."""
    pairs = [(seconds(BARE), seconds(CONSOLE)) for _ in range(ROUNDS)]
    bare, console = (statistics.median(column) * 1000 for column in zip(*pairs, strict=True))
    ratio = statistics.median(ours / theirs for theirs, ours in pairs)
    print(f"first paint: bare {bare:.0f} ms, console {console:.0f} ms, ratio {ratio:.2f}")
    for total in (100_000, 1_000_000):
        took = asyncio.run(key_to_paint(total))
        print(f"key to paint at {total}: median {statistics.median(took):.1f} ms, worst {max(took):.1f} ms")
    print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB at most")


if __name__ == "__main__":
    main()
