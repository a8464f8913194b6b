"""What the console's tests share: a platform in memory, a fixed clock and time zone, and a way to wait."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

sys.path.insert(0, str(Path(__file__).parent))

DEADLINE_SECONDS = 20.0


@pytest.fixture(autouse=True)
def plain_surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same time zone and the same colours everywhere."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    for name in ("NO_COLOR", "TEXTUAL_THEME", "TEXTUAL_ANIMATIONS"):
        monkeypatch.delenv(name, raising=False)
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def until():
    """Wait for a condition while the app goes on: ``await until(pilot, lambda: ...)``."""

    async def wait(pilot: Pilot[object], condition: Callable[[], object]) -> None:
        end = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            assert time.monotonic() < end, "the condition did not come true in time"
            await pilot.pause()

    return wait


@pytest.fixture
def shown():
    """Everything on the screen as text, line by line, and below it what was notified (toasts are off under test)."""

    def read(app) -> str:
        width = app.size.width
        strips = app.screen._compositor.render_strips()
        page = "\n".join("".join(segment.text for segment in strip).ljust(width) for strip in strips)
        return "\n".join([page, *(notification.message for notification in app._notifications)])

    return read


@pytest.fixture
def make_app():
    """An app on a platform in memory, its clock standing still."""
    from console_doubles import FixedClock, MemorySource, context

    from console.app import AndonApp
    from console.policies_folder import PoliciesFolder

    def make(
        source=None,
        *,
        production: bool = False,
        read_only: bool = False,
        config_folder: Path | None = None,
        policies_folder: Path | None = None,
    ):
        return AndonApp(
            context(production=production),
            source if source is not None else MemorySource(),
            read_only=read_only,
            clock=FixedClock(),
            config_folder=config_folder,
            policies=None if policies_folder is None else PoliciesFolder(policies_folder),
        )

    return make
