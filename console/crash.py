"""What is printed when the console ends by a defect of its own: where it happened, and never what it had at hand."""

from __future__ import annotations

from typing import Any

import rich
from rich.segment import Segments
from rich.traceback import Traceback
from textual.app import App


def report(app: App[Any]) -> Segments:
    """The traceback of the error that is being handled, without local variables: they hold payloads and tokens."""
    traceback = Traceback(show_locals=False, width=None, suppress=[rich])
    return Segments(app.console.render(traceback, app.console.options))
